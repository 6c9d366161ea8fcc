"""Renders the configuration files of the cluster's programs."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_files = FileSystemLoader(Path(__file__).parent)
_environment = Environment(loader=_files, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 no HTML


def render(template: str, **values: object) -> str:
    """Render one configuration file. Raises jinja2.UndefinedError if a value is missing."""
    return _environment.get_template(template).render(**values)

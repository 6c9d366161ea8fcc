"""The configuration files of the cluster's programs, as Jinja2 templates beside this module."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_files = FileSystemLoader(Path(__file__).parent)
_environment = Environment(loader=_files, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 no HTML


def render(template: str, **values: object) -> str:
    """One configuration file, filled in. Raises jinja2.UndefinedError if a value it names is missing."""
    return _environment.get_template(template).render(**values)

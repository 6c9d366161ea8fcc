"""`python -m dev.docs` (`make docs`): writes the texts that come from the registry of commands.

These are the table in README.md, between two markers, and the usage hint in manifests/slack-app.yaml."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.commands.registry import COMMANDS
from bot.commands.spec import Section
from dev.cache import CHECKOUT

BEGIN, END = "<!-- commands: written by `make docs` -->", "<!-- commands: end -->"
USAGE_HINT = re.compile(r"(?<=usage_hint: ).*")
USAGE_HINT_LIMIT = 1000  # characters that Slack takes (docs.slack.dev, app manifest reference)


class NoPlaceForText(Exception):
    """A file lacks the markers or the field in which a text goes."""


def command_table() -> str:
    """The commands as a Markdown table, in the order of the help."""
    sections = list(Section)
    commands = sorted(COMMANDS.values(), key=lambda command: sections.index(command.section))
    rows = [f"| `/store {command.example}` | {command.help} |" for command in commands]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def usage_hint() -> str:
    """The text that Slack shows behind `/store` while a person types."""
    return " | ".join(COMMANDS)


def with_command_table(readme: str) -> str:
    """README.md with the present table. Raises NoPlaceForText."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoPlaceForText(f"README.md lacks the line {BEGIN} or {END}.")
    return f"{before}{BEGIN}\n\n{command_table()}\n\n{END}{after}"


def with_usage_hint(manifest: str) -> str:
    """slack-app.yaml with the present usage hint. Raises NoPlaceForText."""
    written, count = USAGE_HINT.subn(lambda _: usage_hint(), manifest)
    if count != 1:
        raise NoPlaceForText(f"slack-app.yaml has {count} fields usage_hint.")
    return written


GENERATED: Mapping[Path, Callable[[str], str]] = {
    CHECKOUT / "README.md": with_command_table,
    CHECKOUT / "manifests" / "slack-app.yaml": with_usage_hint,
}

if __name__ == "__main__":
    for path, updated in GENERATED.items():
        path.write_text(updated(path.read_text()))
        print(f"wrote {path.relative_to(CHECKOUT)}")

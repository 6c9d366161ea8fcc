"""`/store help`: every verb, by section."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bot.commands.request import Request, Response
from bot.commands.spec import Command, HelpLines, Section, Words
from bot.dependencies import Dependencies
from bot.rendering import answers
from provisioner.domain.catalog import Catalog


def help_sections(commands: Collection[Command[Any]], catalog: Catalog) -> list[tuple[str, HelpLines]]:
    """Each section's title, and the help lines of its commands."""
    sections = {section: [command for command in commands if command.section is section] for section in Section}
    return [
        (section.value, [line for command in listed for line in command.help_for(catalog)])
        for section, listed in sections.items()
    ]


def help_command(others: Collection[Command[Any]]) -> Command[None]:
    """The verb `help`, which lists the `others` and itself."""

    def run(dependencies: Dependencies, request: Request, arguments: None) -> Response:
        sections = help_sections([*others, command], dependencies.catalog)
        return Response(message=answers.help_text(sections), reason="help")

    command = Command(
        verb="help",
        arguments="",
        section=Section.LOOK,
        help="show this help",
        example="help",
        parse=Words.no_more,
        run=run,
        terminal=None,  # `storewright --help`
    )
    return command

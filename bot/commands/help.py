"""`/store help`: every verb, by section."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bot.commands.request import Request, Response
from bot.commands.spec import Command, HelpLines, Section, Words
from bot.dependencies import Dependencies
from bot.rendering import messages
from provisioner.domain.catalog import Catalog


def help_sections(commands: Collection[Command[Any]], catalog: Catalog) -> list[tuple[str, HelpLines]]:
    """Each section's title, and the help lines of its commands."""
    sections = {section: [command for command in commands if command.section is section] for section in Section}
    return [
        (section.value, [line for command in listed for line in command.help_for(catalog)])
        for section, listed in sections.items()
    ]


def help_command(commands: Collection[Command[Any]]) -> Command[None]:
    """The verb `help` for these commands."""

    def run(dependencies: Dependencies, request: Request, arguments: None) -> Response:
        sections = help_sections(commands, dependencies.catalog)
        return Response(message=messages.help_text(sections), reason="help")

    return Command(
        verb="help",
        arguments="",
        section=None,
        help="show this help",
        example="help",
        parse=Words.no_more,
        run=run,
        terminal=None,
    )

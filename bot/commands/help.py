"""`/store help`: every verb, by section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.dependencies import Dependencies
from bot.rendering import messages


def help_command(commands: Sequence[Command[Any]]) -> Command[None]:
    """The verb `help` for these commands."""

    def run(dependencies: Dependencies, request: Request, arguments: None) -> Response:
        sections = [
            (
                section.value,
                [
                    line
                    for command in commands
                    if command.section is section
                    for line in command.help_for(dependencies.catalog)
                ],
            )
            for section in Section
        ]
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

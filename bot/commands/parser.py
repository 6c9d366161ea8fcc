"""The text after `/store` as a command and its words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bot.commands.spec import Command, NotUnderstood, Words
from provisioner.domain.text import nearest, shorten


def parse(text: str, commands: Mapping[str, Command[Any]], types: Collection[str]) -> tuple[Command[Any], Any]:
    """The command that `text` names, and its arguments; no text means help. `types` are the store types.

    Raises NotUnderstood, and what the command's own `parse` raises."""
    verb, *words = text.split() or ["help"]
    command = commands.get(verb.lower())
    if not command:
        raise _unknown(verb.lower(), commands)
    return command, command.parse(Words(words, command.usage, types))


def _unknown(verb: str, commands: Mapping[str, Command[Any]]) -> NotUnderstood:
    near = nearest(verb, commands)
    if near:
        hint = f"Did you mean {commands[near].usage}?"
    else:
        hint = f"The commands are {', '.join(commands)}. /store help explains them."
    return NotUnderstood(f"I don't know “{shorten(verb)}”.", next_step=hint)

"""The text after `/store` as a command and its words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from bot.commands.spec import Command, NotUnderstood, Words
from bot.commands.typed import split
from provisioner.domain.text import nearest, shorten

SUGGESTION_LIMIT = 100  # characters


def parse(
    text: str,
    commands: Mapping[str, Command[Any]],
    types: Collection[str],
    is_store: Callable[[str], bool] = lambda word: False,
) -> tuple[Command[Any], Any]:
    """The command that `text` names, and its arguments; no text means help.

    `types` are the store types; `is_store` is asked whether a word that is no command is a store's name or address.
    Raises NotUnderstood, and what the command's own `parse` raises."""
    words = split(text) or ["help"]
    command = commands.get(words[0].lower())
    if not command:
        raise NotUnderstood(f"I don't know “{shorten(words[0].lower())}”.", *_meant(words, commands, types, is_store))
    return command, command.parse(Words(words[1:], command.usage, types, commands))


def _meant(
    words: list[str], commands: Mapping[str, Command[Any]], types: Collection[str], is_store: Callable[[str], bool]
) -> tuple[str, str]:
    """The likely cause and the next step for words that start with no verb."""
    first = words[0].lower()
    types_last = sorted(words, key=lambda word: word.lower() in types)
    if verb := next((word.lower() for word in words if word.lower() in commands), ""):
        others = [word for word in types_last if word.lower() != verb]
        return "The command comes first.", _did_you_mean(verb, *others)
    if first in types:
        return f"“{first}” is a store type.", _did_you_mean("create", *types_last)
    if is_store(first):
        return "It is a store.", _did_you_mean("status", first)
    if near := nearest(first, commands):
        return "", f"Did you mean {commands[near].usage}?"
    return "", f"The commands are {', '.join(commands)}. /store help explains them."


def _did_you_mean(*words: str) -> str:
    return f"Did you mean {shorten(' '.join(('/store', *words)), SUGGESTION_LIMIT)}?"

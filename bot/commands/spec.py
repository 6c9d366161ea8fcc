"""Command: everything the rest of the code needs to know about one verb.

From it come the parser, `/store help`, “did you mean”, buttons, the terminal's command, and the tables in the docs."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Generic, TypeVar

from bot.commands.request import Request, Response
from bot.commands.terminal import TerminalCommand
from bot.commands.typed import as_typed, mentioned
from bot.dependencies import Dependencies
from bot.rendering.offers import Offer
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import Refused
from provisioner.domain.text import shorten

Arguments = TypeVar("Arguments")
Handler = Callable[[Dependencies, Request], Response]
HelpLines = Sequence[tuple[str, str]]


class NotUnderstood(Refused):
    """The words after /store are no command."""


class Section(Enum):
    """The sections of the help, in their order."""

    OPEN = "Open a store"
    LOOK = "Look"
    MANAGE = "Manage (your own stores; admins: all stores)"


@dataclass(frozen=True)
class Words:
    """The words after the verb; `types` are the names of the store types, and `verbs` all verbs."""

    words: list[str]
    usage: str
    types: Collection[str]
    verbs: Collection[str] = ()

    def no_more(self) -> None:
        """Raises NotUnderstood if there are words."""
        if self.words:
            raise self.not_understood(f"I didn't expect “{shorten(' '.join(map(as_typed, self.words)))}” here.")

    def name(self) -> str:
        """The only word: a store's name or address. Raises NotUnderstood."""
        if not self.words:
            raise self.not_understood("The name of a store is missing.")
        self.after(1).no_more()
        self.no_mentions()
        return self.words[0].lower()

    def name_and_word(self) -> tuple[str, str]:
        """A store's name or address, and one more word, '' if there is none. Raises NotUnderstood."""
        self.no_mentions()
        self.after(2).no_more()
        return self.first(1).name(), "".join(self.words[1:]).lower()

    def no_mentions(self) -> None:
        """Raises NotUnderstood if a word is a person or a channel."""
        for word in self.words:
            if kind := mentioned(word):
                raise self.not_understood(f"“{shorten(as_typed(word))}” is a {kind}, and no store.")

    def after(self, count: int) -> Words:
        """Without the first `count` words."""
        return replace(self, words=self.words[count:])

    def first(self, count: int) -> Words:
        """Only the first `count` words."""
        return replace(self, words=self.words[:count])

    def first_option(self) -> int:
        """The number of words before the first `id=choice`."""
        return next((at for at, word in enumerate(self.words) if _starts_option(word)), len(self.words))

    def options(self) -> dict[str, str]:
        """The choice of each `id=choice`, of which the first word is one. Raises NotUnderstood.

        A choice may have several words: it ends where the next option starts."""
        options: dict[str, str] = {}
        for word in self.words:
            if _starts_option(word):
                name, _, choice = word.partition("=")
                name = name.lower()
                if name in options:
                    raise self.not_understood(f"“{shorten(name)}” is chosen twice.")
                options[name] = choice
            else:
                options[name] = f"{options[name]} {word}".strip()
        return options

    def not_understood(self, what: str) -> NotUnderstood:
        """The error, with the usage as its next step."""
        return NotUnderstood(what, next_step=f"Usage: {self.usage}")


def _starts_option(word: str) -> bool:
    return bool(re.match(r"[A-Za-z][\w-]*=", word))


@dataclass(frozen=True, kw_only=True)
class Command(Generic[Arguments]):
    """One verb.

    `arguments` follow it in the usage line. `help` completes "it will …" in one line; `example` shows a use.
    `parse` turns the words into the arguments of `run`. `clicks` handle buttons and menu items by action id,
    `submissions` handle forms by callback id. `offers` are the buttons and menu items that a store's messages show.
    `terminal` is the command for the terminal, None if there is none. `help_lines` replaces the one help line."""

    verb: str
    arguments: str
    section: Section
    help: str
    example: str
    parse: Callable[[Words], Arguments]
    run: Callable[[Dependencies, Request, Arguments], Response]
    clicks: Mapping[str, Handler] = field(default_factory=dict)
    submissions: Mapping[str, Handler] = field(default_factory=dict)
    offers: tuple[Offer, ...] = ()
    terminal: TerminalCommand | None
    help_lines: Callable[[Catalog], HelpLines] | None = None

    @property
    def usage(self) -> str:
        """Such as “/store delete NAME”."""
        return f"/store {self.verb} {self.arguments}".strip()

    def help_for(self, catalog: Catalog) -> HelpLines:
        """The lines of the help: (usage, text)."""
        return self.help_lines(catalog) if self.help_lines else [(f"/store {self.example}", self.help)]

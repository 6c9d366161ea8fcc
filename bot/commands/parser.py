"""“/store …” as text -> a command value, or an error a person understands. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from provisioner.domain.errors import Refused
from provisioner.domain.store import parse_name
from provisioner.domain.text import nearest, shorten


class NotUnderstood(Refused):
    """The words after /store make no command."""


@dataclass(frozen=True)
class Create:
    """`type` is None where the default type is meant; `options` are the words chosen, by option id."""

    name: str
    type: str | None = None
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CreateForm:
    """`/store create` with nothing more: the person is asked by a form."""


@dataclass(frozen=True)
class ListStores:
    pass


@dataclass(frozen=True)
class Status:
    name: str


@dataclass(frozen=True)
class Upgrade:
    name: str


@dataclass(frozen=True)
class Delete:
    name: str


@dataclass(frozen=True)
class Credentials:
    name: str


@dataclass(frozen=True)
class Help:
    pass


Command = Create | CreateForm | ListStores | Status | Upgrade | Delete | Credentials | Help

USAGE = {
    "create": "/store create NAME [TYPE] [OPTION=CHOICE …]",
    "list": "/store list",
    "status": "/store status NAME",
    "upgrade": "/store upgrade NAME",
    "delete": "/store delete NAME",
    "credentials": "/store credentials NAME",
    "help": "/store help",
}
_NAMED: dict[str, type[Status | Upgrade | Delete | Credentials]] = {
    "status": Status,
    "upgrade": Upgrade,
    "delete": Delete,
    "credentials": Credentials,
}


def parse(text: str, types: Collection[str]) -> Command:
    """The command in `text`; `types` are the known store types.

    Raises NotUnderstood, or InvalidName for a name to create. A type and its options are not checked here but where
    they are looked up."""
    verb, *words = text.split() or ["help"]
    verb = verb.lower()
    if verb not in USAGE:
        raise _unknown(verb)
    if verb == "create":
        return _create(words, types) if words else CreateForm()
    if verb in _NAMED:
        if not words:
            raise NotUnderstood(f"“{verb}” needs the name of a store.", next_step=f"Usage: {USAGE[verb]}")
        _refuse_extra(words[1:], verb)
        return _NAMED[verb](words[0].lower())
    _refuse_extra(words, verb)
    return ListStores() if verb == "list" else Help()


def _create(words: list[str], types: Collection[str]) -> Create:
    """Options come last. Of what stands before them the last word is the type where it is one, or where a plain name
    stands before it; else all is a name."""
    first_option = next((at for at, word in enumerate(words) if _begins_option(word)), len(words))
    words, options = words[:first_option], _options(words[first_option:])
    if len(words) > 2 and words[1].lower() in types:
        _refuse_extra(words[2:], "create")
    if (len(words) > 1 and words[-1].lower() in types) or (len(words) == 2 and words[0].islower()):
        return Create(parse_name(" ".join(words[:-1])), words[-1].lower(), options)
    return Create(parse_name(" ".join(words)), None, options)


def _begins_option(word: str) -> bool:
    return bool(re.match(r"[A-Za-z][\w-]*=", word))


def _options(words: list[str]) -> dict[str, str]:
    """Each `id=choice`; a choice goes on until the next one begins, so that it may have several words."""
    options: dict[str, str] = {}
    for word in words:
        if _begins_option(word):
            name, _, choice = word.partition("=")
            name = name.lower()
            if name in options:
                raise NotUnderstood(f"“{shorten(name)}” is chosen twice.", next_step=f"Usage: {USAGE['create']}")
            options[name] = choice
        else:
            options[name] = f"{options[name]} {word}".strip()
    return options


def _refuse_extra(words: list[str], verb: str) -> None:
    if words:
        raise NotUnderstood(f"“{shorten(' '.join(words))}” is too much here.", next_step=f"Usage: {USAGE[verb]}")


def _unknown(verb: str) -> NotUnderstood:
    near = nearest(verb, USAGE)
    hint = f"Did you mean {USAGE[near]}?" if near else f"These work: {', '.join(USAGE)}. /store help explains them."
    return NotUnderstood(f"I don't know “{shorten(verb)}”.", next_step=hint)

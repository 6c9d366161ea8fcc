"""Options of a store type, as its Chart.yaml offers them: what an order chooses, and what can be set later."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from provisioner.domain.errors import BadOption
from provisioner.domain.text import enumerate_some, nearest, shorten

Label = Annotated[str, Field(min_length=1, max_length=75)]  # Slack's limit for an option in a select menu
MAX_OPTIONS = 85  # Slack takes 100 blocks in a form
OptionId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]


class Option(BaseModel):
    """One option of a store type.

    `value` is the dotted path of the chart value to set. `choices` maps values to labels; without them, it is a text or
    a number that the chart's values.schema.json allows, and `hint` says in a sentence what that is. Every order chooses
    an option with a `default`; another one stays as the values say until somebody sets it. Only what is `settable`
    can be changed of a store that exists."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: OptionId
    label: Label
    value: Annotated[str, Field(pattern=r"^[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)*$")]
    default: str | None = None
    choices: Annotated[dict[Label, Label], Field(max_length=100)] = {}
    settable: bool = False
    hint: str = ""
    is_number: Annotated[bool, Field(exclude=True)] = False  # as its value in values.yaml is; not in the annotation

    @model_validator(mode="after")
    def _can_be_chosen(self) -> Self:
        if self.default is not None and self.default not in self.choices:
            raise ValueError(f"the default “{self.default}” is not one of the choices")
        if self.default is None and not self.settable:
            raise ValueError("it has no default, so it must be settable")
        if not self.choices and not self.hint:
            raise ValueError("it has no choices, so its hint must say what is allowed")
        return self

    def pick(self, text: str) -> str:
        """The value whose value or label is `text`, in any case; without choices, the text itself.

        Raises BadOption, with the nearest choice as a hint."""
        if not self.choices:
            return text.strip()
        values = {name.casefold(): value for value, label in self.choices.items() for name in (label, value)}
        key = " ".join(text.split()).casefold()
        if key in values:
            return values[key]
        near, label = nearest(key, values), self.label.lower()
        hint = f"Did you mean {self.short(values[near])}?" if near else ""
        what = f"“{shorten(text)}” is not a valid {label}." if text else f"The {label} is missing."
        raise BadOption(self.id, what, f"Choose from: {enumerate_some(map(self.short, self.choices))}.", hint)

    def refused(self, text: str) -> BadOption:
        """The error for a text that the chart's schema refuses."""
        what = f"“{shorten(text)}” is not a valid {self.label.lower()}."
        return BadOption(self.id, what, self.hint)

    def short(self, value: str) -> str:
        """The shorter of value and label: eur for Euro, Forest for #2f6f4f."""
        return min(value, self.choices[value], key=len)


def choose(options: Sequence[Option], requested: Mapping[str, str]) -> dict[str, str]:
    """The value of every option that an order chooses, by id.

    `requested` has values or labels by id; the other options get their defaults, if they have one.
    Raises BadOption."""
    known = {option.id: option for option in options}
    cause = f"The options are: {enumerate_some(known)}." if known else "This store type has no options."
    for unknown in [name for name in requested if name not in known]:
        raise _unknown("option", unknown, known, cause)
    defaults = {name: option.default for name, option in known.items() if option.default is not None}
    return defaults | {name: known[name].pick(text) for name, text in requested.items()}


def change(options: Sequence[Option], requested: Mapping[str, str]) -> dict[str, str]:
    """The new values of the options to set, by id, of `requested` values or labels. Raises BadOption."""
    known = {option.id: option for option in options}
    settable = {name: option for name, option in known.items() if option.settable}
    cause = f"What can be set: {enumerate_some(settable)}." if settable else "This store type has no settings."
    for unknown in [name for name in requested if name not in settable]:
        if unknown in known:
            what = f"The {known[unknown].label.lower()} is chosen when a store is ordered, and stays."
            raise BadOption(unknown, what, cause)
        raise _unknown("setting", unknown, settable, cause)
    return {name: settable[name].pick(text) for name, text in requested.items()}


def _unknown(what: str, name: str, known: Iterable[str], cause: str) -> BadOption:
    near = nearest(name, known)
    hint = f"Did you mean {near}?" if near else ""
    return BadOption(name, f"There is no {what} “{shorten(name)}”.", cause, hint)


def read_options(text: str, values: Mapping[str, Any]) -> tuple[Option, ...]:
    """The options in the annotation of a Chart.yaml.

    `values` is the chart's values.yaml, which must have the paths of all options.
    Raises ValueError with the number of the invalid entry."""
    # BaseLoader reads every scalar as a string. Other loaders read Norway's `no` as false.
    listed = yaml.load(text, Loader=yaml.CBaseLoader) or []  # noqa: S506  (it creates no other objects)
    try:
        options = TypeAdapter(tuple[Option, ...]).validate_python(listed)
    except ValidationError as error:
        raise ValueError("; ".join(map(_explain, error.errors(include_url=False, include_input=False)))) from None
    if len(options) > MAX_OPTIONS:
        raise ValueError(f"there are {len(options)} options, and {MAX_OPTIONS} is the limit")
    for number, option in enumerate(options):
        if option.id in [earlier.id for earlier in options[:number]]:
            raise ValueError(f"{option.id} is listed twice")
    return tuple(_with_kind(option, values) for option in options)


def place(options: Sequence[Option], chosen: Mapping[str, str], values: dict[str, Any]) -> None:
    """Set the chart value of each chosen option.

    Ignores choices for options that the chart no longer has."""
    for option in options:
        if option.id in chosen:
            *parents, last = option.value.split(".")
            parent = values
            for key in parents:
                parent = parent.setdefault(key, {})
            parent[last] = _number(chosen[option.id]) if option.is_number else chosen[option.id]


def chosen_in(options: Sequence[Option], values: Mapping[str, Any]) -> dict[str, str]:
    """The choices that `place` has set in the values, by option id; none for an option that they do not have."""
    found = {option.id: find_at(option.value, values) for option in options}
    return {
        option.id: str(found[option.id])
        for option in options
        if found[option.id] is not None and (found[option.id] in option.choices or not option.choices)
    }


def former_options(options: Sequence[Option], present: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, str]:
    """The choices of a store whose options are the `present` ones, once it has the former `values` again.

    What nobody had set then is not set any more."""
    found = chosen_in(options, values)
    unasked = {option.id for option in options if option.default is None}
    former = {name: choice for name, choice in found.items() if name not in unasked or name in present}
    kept = {name: choice for name, choice in present.items() if name not in unasked}
    return {**kept, **former}


def find_at(path: str, values: Mapping[str, Any]) -> Any:
    """The value at a dotted path, None without one."""
    with suppress(KeyError):
        return _value_at(path, values)
    return None


def _number(text: str) -> int | str:
    """A text that is no number stays one: the chart's schema refuses it."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else text


def _value_at(path: str, values: Any) -> Any:
    """The value at a dotted path. Raises KeyError."""
    for key in path.split("."):
        if not isinstance(values, Mapping):
            raise KeyError(path)
        values = values[key]
    return values


def _with_kind(option: Option, values: Mapping[str, Any]) -> Option:
    """The option, which takes numbers if its value in values.yaml is one. Raises ValueError."""
    try:
        present = _value_at(option.value, values)
    except KeyError:
        raise ValueError(f"{option.id}: values.yaml has no {option.value}") from None
    return option.model_copy(update={"is_number": type(present) is int})


def _explain(error: Any) -> str:
    where = " ".join(f"entry {part + 1}" if isinstance(part, int) else str(part) for part in error["loc"])
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"

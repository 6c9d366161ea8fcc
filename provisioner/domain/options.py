"""Order options: choices that a store type offers in its Chart.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    `choices` maps values to labels. `value` is the dotted path of the chart value to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: OptionId
    label: Label
    value: Annotated[str, Field(pattern=r"^[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)*$")]
    default: str
    choices: Annotated[dict[Label, Label], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _default_is_a_choice(self) -> Self:
        if self.default not in self.choices:
            raise ValueError(f"the default “{self.default}” is not one of the choices")
        return self

    def pick(self, text: str) -> str:
        """The value whose value or label is `text`, in any case.

        Raises BadOption, with the nearest choice as a hint."""
        values = {name.casefold(): value for value, label in self.choices.items() for name in (label, value)}
        key = " ".join(text.split()).casefold()
        if key in values:
            return values[key]
        near, label = nearest(key, values), self.label.lower()
        hint = f"Did you mean {self.short(values[near])}?" if near else ""
        what = f"“{shorten(text)}” is not a valid {label}." if text else f"The {label} is missing."
        raise BadOption(self.id, what, f"Choose from: {enumerate_some(map(self.short, self.choices))}.", hint)

    def short(self, value: str) -> str:
        """The shorter of value and label: eur for Euro, Forest for #2f6f4f."""
        return min(value, self.choices[value], key=len)


def choose(options: Sequence[Option], requested: Mapping[str, str]) -> dict[str, str]:
    """The value of every option, by id.

    `requested` has values or labels by id; the other options get their defaults.
    Raises BadOption."""
    known = {option.id: option for option in options}
    for unknown in [name for name in requested if name not in known]:
        near = nearest(unknown, known)
        cause = f"The options are: {enumerate_some(known)}." if known else "This store type has no options."
        hint = f"Did you mean {near}?" if near else ""
        raise BadOption(unknown, f"There is no option “{shorten(unknown)}”.", cause, hint)
    return {
        name: option.pick(requested[name]) if name in requested else option.default for name, option in known.items()
    }


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
        if not _has_path(option.value, values):
            raise ValueError(f"{option.id}: values.yaml has no {option.value}")
    return options


def place(options: Sequence[Option], chosen: Mapping[str, str], values: dict[str, Any]) -> None:
    """Set the chart value of each chosen option.

    Ignores choices for options that the chart no longer has."""
    for option in options:
        if option.id in chosen:
            *parents, last = option.value.split(".")
            parent = values
            for key in parents:
                parent = parent.setdefault(key, {})
            parent[last] = chosen[option.id]


def chosen_in(options: Sequence[Option], values: Mapping[str, Any]) -> dict[str, str]:
    """The choices that `place` has set in the values, by option id; none for an option that they do not have."""
    found = {option.id: _at(option.value, values) for option in options}
    return {option.id: str(found[option.id]) for option in options if found[option.id] in option.choices}


def _at(path: str, values: Any) -> Any:
    """The value at a dotted path, None without one."""
    for key in path.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _has_path(path: str, values: Any) -> bool:
    for key in path.split("."):
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def _explain(error: Any) -> str:
    where = " ".join(f"entry {part + 1}" if isinstance(part, int) else str(part) for part in error["loc"])
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"

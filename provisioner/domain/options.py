"""What may be chosen when a store is ordered, as its type's Chart.yaml lists it, and what a person's words mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from provisioner.domain.errors import BadOption
from provisioner.domain.text import nearest, shorten

Words = Annotated[str, Field(min_length=1, max_length=75)]  # as much as a menu's entry shows
OptionId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]


class Option(BaseModel):
    """`choices` maps each value to its label; `value` is the dotted path at which the chart takes the chosen one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: OptionId
    label: Words
    value: Annotated[str, Field(pattern=r"^[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)*$")]
    default: str
    choices: Annotated[dict[Words, Words], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _default_is_a_choice(self) -> Self:
        if self.default not in self.choices:
            raise ValueError(f"the default “{self.default}” is none of the choices")
        return self

    def pick(self, text: str) -> str:
        """The value that `text` means: a value or a label, in any case. Raises BadOption with the nearest."""
        meant = {name.casefold(): value for value, label in self.choices.items() for name in (label, value)}
        wanted = " ".join(text.split()).casefold()
        if wanted in meant:
            return meant[wanted]
        near, label = nearest(wanted, meant), self.label.lower()
        hint = f"Did you mean {self.short(meant[near])}?" if near else ""
        what = f"“{shorten(text)}” is no {label} to choose." if text else f"The {label} is missing."
        raise BadOption(self.id, what, f"Choose from: {', '.join(map(self.short, self.choices))}.", hint)

    def short(self, value: str) -> str:
        """What one would rather type: eur than Euro, Forest than #2f6f4f."""
        return min(value, self.choices[value], key=len)


def choose(options: Sequence[Option], given: Mapping[str, str]) -> dict[str, str]:
    """The value of every option, by id: what `given` means, else its default. Raises BadOption."""
    known = {option.id: option for option in options}
    for unknown in [name for name in given if name not in known]:
        near = nearest(unknown, known)
        cause = f"These can be chosen: {', '.join(known)}." if known else "Nothing can be chosen for this type."
        hint = f"Did you mean {near}?" if near else ""
        raise BadOption(unknown, f"There is no option “{shorten(unknown)}”.", cause, hint)
    return {name: option.pick(given[name]) if name in given else option.default for name, option in known.items()}


def read_options(text: str, values: Mapping[str, Any]) -> tuple[Option, ...]:
    """The options a Chart.yaml's annotation lists. Raises ValueError saying which entry is wrong and how.

    `values` is the chart's values.yaml, in which each option's path must lead somewhere."""
    # Every scalar a string: YAML would else read Norway's `no` as false.
    listed = yaml.load(text, Loader=yaml.BaseLoader) or []  # noqa: S506  (BaseLoader creates strings only)
    try:
        options = TypeAdapter(tuple[Option, ...]).validate_python(listed)
    except ValidationError as error:
        raise ValueError("; ".join(map(_explain, error.errors(include_url=False, include_input=False)))) from None
    for number, option in enumerate(options):
        if option.id in [earlier.id for earlier in options[:number]]:
            raise ValueError(f"{option.id} is there twice")
        if not _leads_somewhere(option.value, values):
            raise ValueError(f"{option.id}: values.yaml has no {option.value}")
    return options


def place(options: Sequence[Option], chosen: Mapping[str, str], values: dict[str, Any]) -> None:
    """Put each chosen value where the chart takes it. What its chart no longer asks is passed over."""
    for option in options:
        if option.id in chosen:
            *parents, last = option.value.split(".")
            at = values
            for key in parents:
                at = at.setdefault(key, {})
            at[last] = chosen[option.id]


def _leads_somewhere(path: str, values: Any) -> bool:
    for key in path.split("."):
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def _explain(error: Any) -> str:
    where = " ".join(f"entry {part + 1}" if isinstance(part, int) else str(part) for part in error["loc"])
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"

"""Catalog: the store types, one for each chart with our annotations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from provisioner.domain.documents import read_yaml
from provisioner.domain.errors import UnknownStoreType
from provisioner.domain.idleness import VISITS, VisitLog
from provisioner.domain.options import Option, read_options
from provisioner.domain.store import PREFIX
from provisioner.domain.text import enumerate_some, nearest, shorten

MAX_TYPES = 100  # Slack's limit for a select menu


@dataclass(frozen=True)
class StoreType:
    """A store type, as its Chart.yaml describes it.

    `secret` maps each key of the store's Secret to the template of its value, with `{password}`, `{hex}`, `{host}` and
    `{name}`. `credentials` are the keys on the credential page. `check` has the requests of the storefront check
    (check.yaml). `options` are the choices in an order and the settings. `has_backups` says whether the chart describes
    backups. `proof` has the chart values of a copy in which a backup is proven; None where the chart knows no proof.
    `counts_visits` says whether its pods do. `reset` has the keys of the Secret that a reset of the admin's password
    replaces; none where the chart describes no reset."""

    name: str
    label: str
    description: str
    chart: Path
    version: str
    admin_path: str
    credentials: tuple[str, ...]
    secret: dict[str, str]
    check: tuple[dict[str, Any], ...]
    options: tuple[Option, ...] = ()
    has_backups: bool = False
    proof: dict[str, Any] | None = None
    counts_visits: bool = False
    reset: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[Option, ...]:
        """The options that every order chooses."""
        return tuple(option for option in self.options if option.default is not None)

    @property
    def settable(self) -> tuple[Option, ...]:
        """The options that can be changed of a store that exists."""
        return tuple(option for option in self.options if option.settable)


class Catalog:
    """The store types of a charts folder, by name."""

    def __init__(self, charts: Path, default: str | None = None) -> None:
        """Read the folder `charts`.

        `default` is the type of orders without a type; by default, the first type by name.
        Raises ValueError if no chart has our annotations, too many have them, or one of them is invalid, and
        UnknownStoreType for `default`."""
        self.types = {t.name: t for t in map(_read, sorted(charts.glob("*/Chart.yaml"))) if t}
        if not self.types:
            raise ValueError(f"no store type found: no Chart.yaml in {charts} has the annotation {PREFIX}label")
        if len(self.types) > MAX_TYPES:
            raise ValueError(f"{charts} has {len(self.types)} store types, and {MAX_TYPES} is the limit")
        self.default = self.get(default) if default else next(iter(self.types.values()))

    def get(self, name: str) -> StoreType:
        """The store type `name`.

        Raises UnknownStoreType, with the nearest name as a hint."""
        if name in self.types:
            return self.types[name]
        near = nearest(name.lower(), self.types)
        hint = f"Did you mean {near}?" if near else ""
        cause = f"Known types: {enumerate_some(self.types)}."
        raise UnknownStoreType(f"There is no store type “{shorten(name)}”.", cause, hint)


def _read(chart_yaml: Path) -> StoreType | None:
    meta = read_yaml(chart_yaml.read_text())
    annotations: dict[str, str] = meta.get("annotations") or {}
    if PREFIX + "label" not in annotations:
        return None
    check = chart_yaml.with_name("check.yaml")
    secret = read_yaml(annotations.get(PREFIX + "secret", "{}"))
    return StoreType(
        name=meta["name"],
        label=annotations[PREFIX + "label"],
        description=annotations.get(PREFIX + "description", meta.get("description", "")),
        chart=chart_yaml.parent,
        version=str(meta["version"]),
        admin_path=annotations.get(PREFIX + "admin-path", "/"),
        credentials=_keys(annotations, "credentials"),
        secret=secret,
        check=tuple(read_yaml(check.read_text())) if check.exists() else ({"get": "/"},),
        has_backups=annotations.get(PREFIX + "backups") == "true",
        proof=read_yaml(annotations[PREFIX + "proof"]) if PREFIX + "proof" in annotations else None,
        counts_visits=_counts_visits(chart_yaml, annotations.get(VISITS, "")),
        reset=_reset(chart_yaml, _keys(annotations, "reset"), secret),
        options=_options(chart_yaml, annotations.get(PREFIX + "options", "")),
    )


def _counts_visits(chart_yaml: Path, text: str) -> bool:
    try:
        return bool(text and VisitLog.read(text))
    except ValueError as error:
        raise ValueError(f"{chart_yaml}: {VISITS}: {error}") from None


def _keys(annotations: dict[str, str], name: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in annotations.get(PREFIX + name, "").split(",") if key.strip())


def _reset(chart_yaml: Path, keys: tuple[str, ...], secret: dict[str, str]) -> tuple[str, ...]:
    if unknown := [key for key in keys if key not in secret]:
        raise ValueError(f"{chart_yaml}: {PREFIX}reset: {PREFIX}secret has no key {', '.join(unknown)}")
    return keys


def _options(chart_yaml: Path, text: str) -> tuple[Option, ...]:
    values = chart_yaml.with_name("values.yaml")
    try:
        given = read_yaml(values.read_text()) if values.exists() else {}
        return read_options(text, given)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{chart_yaml}: {PREFIX}options: {error}") from None

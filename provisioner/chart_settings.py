"""ChartSettings: what can be set of a store that exists, how it is now, and whether its chart takes a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.domain.catalog import StoreType
from provisioner.domain.documents import overlaid, read_yaml
from provisioner.domain.errors import BadOption, Refused
from provisioner.domain.options import Option, change, find_at
from provisioner.domain.store import Store
from provisioner.domain.text import shorten
from provisioner.operations.steps.release import values_of

LONGEST = 2000  # characters of a value; Slack takes 3,000 in a form


@dataclass(frozen=True)
class Setting:
    """An option that can be set, and its present value as text."""

    option: Option
    present: str


@dataclass(frozen=True)
class ChartSettings:
    """`profile` and `overlay` (values by store type) are the operator's, as for the jobs."""

    profile: str | None = None
    overlay: Mapping[str, Any] = field(default_factory=dict)

    def of(self, store: Store, store_type: StoreType) -> list[Setting]:
        """What can be set of the store."""
        values = self._values(store, store_type)
        return [
            Setting(option, _as_text(find_at(option.value, values))) for option in store_type.options if option.settable
        ]

    def changes(self, store: Store, store_type: StoreType, requested: Mapping[str, str]) -> dict[str, str]:
        """The values that differ from the present ones, by option id, of `requested` values or labels.

        Raises BadOption, and Refused if nothing differs or the chart does not take all of them together."""
        present = {setting.option.id: setting.present for setting in self.of(store, store_type)}
        wanted = {name: text for name, text in requested.items() if present.get(name) != text.strip()}
        chosen = change(store_type.options, wanted)
        changed = {name: value for name, value in chosen.items() if value != present[name]}
        if not changed:
            raise Refused(f"There is nothing to change: {store.name} has these settings.")
        for name in [name for name, value in changed.items() if len(value) > LONGEST]:
            raise BadOption(name, f"The {name} is too long.", f"It may have {LONGEST} characters.")
        self._require_valid(replace(store, options=store.options | changed), store_type, changed)
        return changed

    def _values(self, store: Store, store_type: StoreType) -> dict[str, Any]:
        """All values of the store's chart, as helm computes them."""
        values: dict[str, Any] = {}
        for name in ("values.yaml", f"values-{self.profile}.yaml"):
            file = store_type.chart / name
            values = overlaid(values, (read_yaml(file.read_text()) if file.exists() else {}) or {})
        return _without_nulls(overlaid(values, values_of(dict(self.overlay), store, store_type)))

    def _require_valid(self, store: Store, store_type: StoreType, changed: Mapping[str, str]) -> None:
        """Raises BadOption or Refused if values.schema.json refuses the store's values."""
        from jsonschema.validators import validator_for

        file = store_type.chart / "values.schema.json"
        if not file.exists():
            return
        schema = read_yaml(file.read_text())
        found = validator_for(schema)(schema).iter_errors(self._values(store, store_type))
        faults = {".".join(map(str, fault.absolute_path)): fault for fault in found}
        paths = {option.value: option for option in store_type.options if option.id in changed and not option.choices}
        for path in faults.keys() & paths.keys():
            raise paths[path].refused(changed[paths[path].id])
        for path, fault in faults.items():
            raise Refused(
                "The chart refuses these settings together.",
                f"{path or 'values'}: {shorten(fault.message, 200)}.",
                "Choose other values, or correct STORE_VALUES.",
            )


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    """Without the keys that a null takes away, as in helm."""
    return {
        key: _without_nulls(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


DEFAULT_SETTINGS = ChartSettings()

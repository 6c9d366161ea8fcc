"""The Helm release of a store: its chart and values."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from provisioner.clients.helm import ReleaseSpec
from provisioner.domain.catalog import StoreType
from provisioner.domain.options import place
from provisioner.domain.store import SECRET_NAME, Store
from provisioner.operations.toolbox import StoreDefaults


def release_spec(defaults: StoreDefaults, store: Store, store_type: StoreType) -> ReleaseSpec:
    """The release as the chart and the operator define it now."""
    values = _values_of(defaults.overlay, store, store_type)
    return ReleaseSpec(store.release, store.namespace, store_type.chart, defaults.profile, values)


def _values_of(overlay: dict[str, Any], store: Store, store_type: StoreType) -> dict[str, Any]:
    """The values of a store's chart: the operator's `overlay`, the store's facts and the name of its Secret."""
    facts = {"name": store.name, "displayName": store.name, "host": store.host, "url": store.url}
    values: dict[str, Any] = deepcopy(overlay.get(store.type, {}))
    values["store"] = {**(values.get("store") or {}), **facts}
    values["secretName"] = SECRET_NAME
    place(store_type.options, store.options, values)
    return values

"""The permissions that the doctor asks for, compared with the chart as helm renders it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.cli.doctor.cluster import _permissions, _rules
from bot.settings import StoreSettings
from dev.charts import bot_chart
from provisioner.clients.kubernetes.permissions import Permission

ROOT = Path(__file__).parents[2]


def test_doctor_asks_for_two_secrets_in_the_bots_namespace() -> None:
    plain = StoreSettings.from_environment(store_domain="shops.example.com", charts_dir=ROOT / "charts")
    manifests = list(yaml.safe_load_all(bot_chart.permissions("storewright", "--set=stores.imagePullSecret=registry")))
    (granted,) = [set(_permissions(m["rules"])) for m in manifests if m["kind"] == "Role"]
    given = {
        "image_pull_secret": "storewright/registry",
        "backup_server": "https://storewright-backup.storewright.svc:8000",
    }
    settings = plain.model_copy(update=given)
    rules = [rule for part in ("own", "pull", "backup") for rule in _rules(part, settings)]
    assert granted == set(_permissions(rules))
    assert {one for one in granted if one.resource == "secrets"} == {
        Permission("get", "secrets", name="registry"),
        Permission("get", "secrets", name="storewright-backup"),
        Permission("patch", "secrets", name="storewright-backup"),
    }


@pytest.mark.parametrize("shown", [False, True])
def test_doctor_asks_for_nodes_and_pods_only_where_the_capacity_is_shown(shown: bool) -> None:
    flags = ["--set=stores.showCapacity=true"] if shown else []
    manifests = list(yaml.safe_load_all(bot_chart.permissions("storewright", *flags)))
    roles = {m["metadata"]["name"]: set(_permissions(m["rules"])) for m in manifests if m["kind"] == "ClusterRole"}
    settings = StoreSettings.from_environment(store_domain="shops.example.com", charts_dir=ROOT / "charts")
    of_capacity = set(_permissions(_rules("capacity", settings)))
    assert of_capacity == {Permission("list", "nodes"), Permission("list", "pods")}
    assert (roles["storewright"] & of_capacity == of_capacity) == shown
    parts = ("cluster", "doctor", *(["capacity"] if shown else []))
    assert roles["storewright"] == {one for part in parts for one in _permissions(_rules(part, settings))}

"""The permissions that the doctor asks for, compared with the chart as helm renders it."""

from __future__ import annotations

from pathlib import Path

import yaml

from bot.cli.doctor.cluster import _permissions, _rules
from bot.settings import StoreSettings
from dev.charts import bot_chart
from provisioner.clients.kubernetes.permissions import Permission

ROOT = Path(__file__).parents[2]


def test_pull_secret_is_the_only_secret_in_the_bots_namespace_that_the_doctor_asks_for() -> None:
    plain = StoreSettings.from_environment(store_domain="shops.example.com", charts_dir=ROOT / "charts")
    manifests = list(yaml.safe_load_all(bot_chart.permissions("storewright", "--set=stores.imagePullSecret=registry")))
    (granted,) = [set(_permissions(m["rules"])) for m in manifests if m["kind"] == "Role"]
    settings = plain.model_copy(update={"image_pull_secret": "storewright/registry"})
    assert granted == {*_permissions(_rules("own", settings)), *_permissions(_rules("pull", settings))}
    assert {one for one in granted if one.resource == "secrets"} == {Permission("get", "secrets", name="registry")}

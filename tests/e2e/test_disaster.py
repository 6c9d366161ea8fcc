"""A cluster is thrown away with the stores in it. A new one, the remote and the copy of the keys bring them back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from dev import cluster as clusters
from dev import images
from dev.charts import bot_chart
from dev.cluster.layout import load
from dev.stack import kubectl, read_secret
from provisioner.domain.store import SECRET_NAME
from tests.conftest import ROOT
from tests.e2e import remote_elsewhere
from tests.e2e.backup_server import BackupServer
from tests.e2e.medusa import MedusaStore
from tests.e2e.provisioner_harness import INSTANCE, ProvisionerHarness
from tests.e2e.store_release import PNG, StoreRelease
from tests.e2e.woocommerce import WooCommerceStore, has_plugin
from tests.waiting import until

pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]  # a second cluster and three stores keep the machine busy
NAME = "disaster"
STORES: dict[str, type[StoreRelease]] = {
    "lost-medusa": MedusaStore,
    "lost-woocommerce": WooCommerceStore,
    "lost-other": MedusaStore,
}


@contextmanager
def cluster_with_server(remote: Path, keys: str = "") -> Iterator[BackupServer]:
    """A new cluster with a backup server, whose remote is not in the cluster. `keys` is the copy of its Secret."""
    cluster = clusters.up(NAME)
    try:
        images.load_store_images(cluster)
        layout = load(NAME, ROOT)
        assert layout
        kubectl(cluster, "apply", "-f", "-", stdin=bot_chart.NAMESPACE)
        kubectl(cluster, "create", "-f", "-", stdin=remote_elsewhere.secret_for(layout.host_address))
        if keys:  # as docs/operating.md says
            kubectl(cluster, "create", "-f", "-", stdin=keys)
            kubectl(cluster, "annotate", "-f", "-", "kubectl.kubernetes.io/last-applied-configuration-", stdin=keys)
        with remote_elsewhere.serving(remote, layout.host_address):
            server = BackupServer(cluster)
            server.start(*remote_elsewhere.OPTIONS)
            yield server
    finally:
        clusters.down(NAME)


def release_of(server: BackupServer, name: str) -> Any:
    secret = read_secret(server.cluster, f"store-{name}", SECRET_NAME)
    return STORES[name](server.cluster, name, f"store-{name}", secret)


def order_in(shop: Any) -> str:
    """Order something if the shop sells; the order's id, or ''."""
    if isinstance(shop, MedusaStore):
        shop.stock_up()
        return str(shop.place_order()["id"])
    if has_plugin():
        return str(shop.place_order()["order_id"])
    assert shop.answers()
    return ""


def orders_of(shop: Any) -> list[str]:
    if isinstance(shop, MedusaStore):
        return [str(order["id"]) for order in shop.orders()]
    return [str(order) for order in shop.orders()] if has_plugin() else [""]


@dataclass(frozen=True)
class Lived:
    """What was in a store before the disaster: the path of a picture, an order's id and the credentials."""

    picture: str
    order: str
    secret: dict[str, str]


def backed_up_stores(server: BackupServer, folder: Path) -> dict[str, Lived]:
    """Make the stores, put something into each, and back them up."""
    harness, lived = ProvisionerHarness(server.cluster, folder), {}
    made = []
    for name, release in STORES.items():
        harness.type = release.type
        made.append(harness.create(name))
    for job in made:
        harness.succeeded(job, 300)
        shop = release_of(server, job.store)
        lived[job.store] = Lived(shop.upload("dot.png", PNG), order_in(shop), shop.secret)
    for backup in [harness.backup(job) for job in made]:
        harness.succeeded(backup, 300)
    harness.close()
    return lived


def recover(server: BackupServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """`storewright recover` with an empty ledger; what it says."""
    settings = {
        "LEDGER_PATH": folder / "ledger.db",
        "KUBECONFIG": server.cluster.kubeconfig,
        "STORE_DOMAIN": server.cluster.store_domain,
        "INGRESS_ADDRESS": server.cluster.ingress_address,
        "STORE_VALUES": ROOT / "build/images.yaml",
        "STORE_PROFILE": "local",
        "INSTANCE": INSTANCE,
        "BACKUP_SERVER": server.url,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))
    done = CliRunner().invoke(main, ["recover"])
    assert done.exit_code == 0, done.output
    return done.output


def test_three_stores_of_a_cluster_that_is_gone_sell_in_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote, first, second = tmp_path / "remote", tmp_path / "first", tmp_path / "second"
    for folder in (remote, first, second):
        folder.mkdir()
    with cluster_with_server(remote) as server:
        lived = backed_up_stores(server, first)
        keys = server.kubectl("get", "secret", f"{server.release}-backup", "-o", "yaml")
    with cluster_with_server(remote, keys) as server:
        said = recover(server, second, monkeypatch)
        assert said.count("is back after") == len(STORES), said
        for name, before in lived.items():
            shop = release_of(server, name)
            until("the shop answers", shop.answers)
            assert shop.secret == before.secret
            assert shop.request(before.picture).content == PNG
            assert before.order in orders_of(shop)
            order_in(shop)

"""The Medusa chart, installed by Helm alone: pages, orders, restarts, crashes and deletion."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cluster import Cluster
from provisioner.clients.kubernetes.objects import is_ready
from provisioner.clients.storefront_check import StorefrontClient
from provisioner.domain.catalog import Catalog
from tests.e2e import medusa
from tests.e2e.medusa import CHART, MedusaStore
from tests.e2e.shoppers import kill_database, orders_during_crashes
from tests.e2e.store_release import PNG, process_id
from tests.waiting import until

NAME = "chart-shop"
own_processes = pytest.mark.skipif("KUBE_CONTEXT" in os.environ, reason="another cluster's processes can't be killed")


@pytest.fixture(scope="module")
def store(cluster: Cluster) -> Iterator[MedusaStore]:
    """A store whose name and passwords need quoting everywhere; removed at the end."""
    awkward = {
        "admin-email": "o'neil@example.com",
        "admin-password": 'it\'s \\ "quoted" $HOME; drop table store --',
        "database-password": "p'w\\ \"@:/?#%",
    }
    with medusa.store(cluster, NAME, **awkward) as release:
        release.install(store={"displayName": 'O\'Neil & "Sons"'})
        yield release


def test_home_page_shows_the_name_and_products_with_prices(store: MedusaStore) -> None:
    page = store.request("/").text
    assert "O&#39;Neil &amp; &quot;Sons&quot;" in page
    assert "Stoneware mug" in page
    assert "€18.00" in page
    assert "<h1>Stoneware mug</h1>" in store.request("/products/stoneware-mug").text


def test_unknown_product_has_status_404(store: MedusaStore) -> None:
    assert store.request("/products/..%2f..%2fetc").status_code == 404
    assert store.request("/products/%3Cscript%3E").status_code == 404


def test_store_api_requires_the_publishable_key(store: MedusaStore) -> None:
    assert store.request("/store/products").status_code == 400
    key = {"x-publishable-api-key": store.secret["publishable-key"]}
    assert len(store.request("/store/products", headers=key).json()["products"]) == 8


def test_login_with_a_wrong_password_is_refused(store: MedusaStore) -> None:
    credentials = {"email": store.secret["admin-email"], "password": "guess"}
    assert store.request("/auth/user/emailpass", json=credentials).status_code == 401


def test_storefront_check_passes_and_leaves_no_order(store: MedusaStore) -> None:
    before = len(store.orders())
    with StorefrontClient(store.url, store.cluster.ingress_address, {"secret": store.secret}) as visitor:
        visitor.run(Catalog(CHART.parent).get("medusa").check)
    assert visitor.variables["cart"].startswith("cart_")
    assert len(store.orders()) == before


def test_helm_test_places_one_order(store: MedusaStore) -> None:
    before = len(store.orders())
    assert "Succeeded" in store.run("helm", "test", NAME, "--timeout=300s")
    assert len(store.orders()) == before + 1


def test_pods_run_as_their_users_with_read_only_file_systems(store: MedusaStore) -> None:
    """The namespace enforces Pod Security *restricted*; this tests the rest."""
    for component, uid in {"application": 1000, "database": 999}.items():
        assert store.pod(component)["spec"]["securityContext"]["runAsUser"] == uid
    refused = subprocess.run(
        ["kubectl", f"--kubeconfig={store.cluster.kubeconfig}", f"--namespace={store.namespace}", "exec",
         "statefulset/chart-shop-database", "--", "touch", "/etc/x"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Read-only file system" in refused.stderr


def test_release_and_logs_contain_no_secret(store: MedusaStore) -> None:
    release = store.run("helm", "get", "all", NAME)
    logs = store.kubectl("logs", "deployment/chart-shop") + store.kubectl("logs", "statefulset/chart-shop-database")
    for key in store.secret:
        if key != "admin-email":
            assert store.secret[key] not in release
            assert store.secret[key] not in logs


def test_killed_first_start_leaves_nothing_and_concurrent_starts_load_once(store: MedusaStore) -> None:
    sql = ["psql", "--username=postgres", "--dbname=template1", "--command"]
    store.kubectl("exec", "statefulset/chart-shop-database", "--", *sql, "create database second owner medusa")
    script = Path(__file__).with_name("interrupted_first_start.cjs").read_text()
    result = json.loads(store.kubectl("exec", "--stdin", "deployment/chart-shop", "--", "node", "-", stdin=script))
    assert result == {"half": False, "twoAtOnce": ["kept", "loaded"], "third": "kept", "whole": True}
    store.kubectl("exec", "statefulset/chart-shop-database", "--", *sql, "drop database second")


def test_orders_and_uploads_survive_a_restart(store: MedusaStore) -> None:
    before = [order["id"] for order in store.orders()]
    picture = store.upload("a dot.png", PNG)
    assert store.request(picture).content == PNG
    old = store.pod("application")["metadata"]["uid"]
    store.kubectl("rollout", "restart", "deployment/chart-shop")
    store.kubectl("rollout", "status", "deployment/chart-shop", "--timeout=90s")
    assert store.pod("application")["metadata"]["uid"] != old
    until("the store answers again", store.answers)
    assert [order["id"] for order in store.orders()] == before
    assert store.request(picture).content == PNG
    assert "database kept" in store.kubectl("logs", "deployment/chart-shop")


@own_processes
def test_confirmed_orders_survive_database_crashes(store: MedusaStore) -> None:
    """The second kill hits a backend process only: PostgreSQL then restarts all its processes and recovers."""

    def kill(crash: int) -> None:
        main_process = crash == 0
        command = b"/data/postgresql" if main_process else b"postgres: medusa medusa"
        kill_database(store, command, replace_pod=main_process)

    store.stock_up()
    offer = store.offer()
    confirmed = orders_during_crashes(lambda: store.place_order(offer)["id"], shoppers=2, crashes=2, kill=kill)
    assert confirmed <= {order["id"] for order in store.orders()}
    assert store.restarts("application") == 0


@own_processes
def test_orders_survive_a_database_crash(store: MedusaStore) -> None:
    before = [order["id"] for order in store.orders()]
    assert before, "no order was placed before this test"
    os.kill(process_id(store.pod("database"), b"/data/postgresql"), signal.SIGKILL)
    until("the kubelet restarts it", lambda: store.restarts("database") == 1)
    until("the database is ready again", lambda: is_ready(store.pod("database")))
    until("the store answers again", store.answers)
    assert [order["id"] for order in store.orders()] == before
    assert "redo done" in store.kubectl("logs", "statefulset/chart-shop-database")


def test_deleting_the_namespace_leaves_no_volume(store: MedusaStore) -> None:
    assert len(store.volumes()) == 2
    store.kubectl("delete", "namespace", store.namespace, "--timeout=90s")
    until("its volumes are gone", lambda: not store.volumes())

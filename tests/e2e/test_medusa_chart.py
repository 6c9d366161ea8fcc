"""The Medusa chart by Helm alone on a real cluster: installed, sold from, restarted, killed, deleted."""

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
from tests.e2e.medusa import CHART, Shop
from tests.e2e.store_release import DOT, process
from tests.waiting import until

NAME = "chart-shop"


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[Shop]:
    """A shop installed as the provisioner would, with awkward values, once it answers; it is removed at the end."""
    awkward = {
        "admin-email": "o'neil@example.com",
        "admin-password": 'it\'s \\ "quoted" $HOME; drop table store --',
        "database-password": "p'w\\ \"@:/?#%",
    }
    with medusa.shop(cluster, NAME, **awkward) as one:
        one.install(store={"displayName": 'O\'Neil & "Sons"'})
        yield one


def test_the_window_shows_its_name_and_products_with_prices(shop: Shop) -> None:
    window = shop.http("/").text
    assert "O&#39;Neil &amp; &quot;Sons&quot;" in window
    assert "Stoneware mug" in window
    assert "€18.00" in window
    assert "<h1>Stoneware mug</h1>" in shop.http("/products/stoneware-mug").text


def test_a_page_that_is_not_there_says_so(shop: Shop) -> None:
    assert shop.http("/products/..%2f..%2fetc").status_code == 404
    assert shop.http("/products/%3Cscript%3E").status_code == 404


def test_the_api_wants_the_key(shop: Shop) -> None:
    assert shop.http("/store/products").status_code == 400
    key = {"x-publishable-api-key": shop.secret["publishable-key"]}
    assert len(shop.http("/store/products", headers=key).json()["products"]) == 8


def test_nobody_gets_in_with_another_password(shop: Shop) -> None:
    known = {"email": shop.secret["admin-email"], "password": "guess"}
    assert shop.http("/auth/user/emailpass", json=known).status_code == 401


def test_the_first_click_holds_and_leaves_no_order(shop: Shop) -> None:
    before = len(shop.orders())
    with StorefrontClient(shop.url, shop.cluster.ingress_address, {"secret": shop.secret}) as visitor:
        visitor.run(Catalog(CHART.parent).get("medusa").check)
    assert visitor.variables["cart"].startswith("cart_")
    assert len(shop.orders()) == before


def test_helm_test_buys_and_the_admin_sees_it(shop: Shop) -> None:
    before = len(shop.orders())
    assert "Succeeded" in shop.run("helm", "test", NAME, "--timeout=120s")
    assert len(shop.orders()) == before + 1


def test_pods_run_as_the_restricted_standard_wants(shop: Shop) -> None:
    """The namespace enforces it, so that the pods are there proves it; what it leaves open is looked at here."""
    for component, uid in {"application": 1000, "database": 999}.items():
        assert shop.pod(component)["spec"]["securityContext"]["runAsUser"] == uid
    refused = subprocess.run(
        ["kubectl", f"--kubeconfig={shop.cluster.kubeconfig}", f"--namespace={shop.namespace}", "exec",
         "statefulset/chart-shop-database", "--", "touch", "/etc/x"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Read-only file system" in refused.stderr


def test_no_secret_is_in_the_release_or_the_logs(shop: Shop) -> None:
    release = shop.run("helm", "get", "all", NAME)
    logs = shop.kubectl("logs", "deployment/chart-shop") + shop.kubectl("logs", "statefulset/chart-shop-database")
    for key in shop.secret:
        if key != "admin-email":
            assert shop.secret[key] not in release
            assert shop.secret[key] not in logs


def test_a_first_start_that_is_killed_leaves_nothing_and_two_at_once_load_once(shop: Shop) -> None:
    sql = ["psql", "--username=postgres", "--dbname=template1", "--command"]
    shop.kubectl("exec", "statefulset/chart-shop-database", "--", *sql, "create database second owner medusa")
    script = Path(__file__).with_name("interrupted_first_start.cjs").read_text()
    told = json.loads(shop.kubectl("exec", "--stdin", "deployment/chart-shop", "--", "node", "-", stdin=script))
    assert told == {"half": False, "twoAtOnce": ["kept", "loaded"], "third": "kept", "whole": True}
    shop.kubectl("exec", "statefulset/chart-shop-database", "--", *sql, "drop database second")


def test_an_order_and_a_picture_survive_a_restart_of_the_shop(shop: Shop) -> None:
    before = [order["id"] for order in shop.orders()]
    picture = shop.upload("a dot.png", DOT)
    assert shop.http(picture).content == DOT
    old = shop.pod("application")["metadata"]["uid"]
    shop.kubectl("rollout", "restart", "deployment/chart-shop")
    shop.kubectl("rollout", "status", "deployment/chart-shop", "--timeout=90s")
    assert shop.pod("application")["metadata"]["uid"] != old
    until("the shop answers again", shop.answers)
    assert [order["id"] for order in shop.orders()] == before
    assert shop.http(picture).content == DOT
    assert "database kept" in shop.kubectl("logs", "deployment/chart-shop")


@pytest.mark.skipif("KUBE_CONTEXT" in os.environ, reason="another cluster's processes are not ours to kill")
def test_an_order_survives_the_sudden_death_of_the_database(shop: Shop) -> None:
    before = [order["id"] for order in shop.orders()]
    assert before, "no order was placed before this test"
    os.kill(process(shop.pod("database"), b"/data/postgresql"), signal.SIGKILL)
    until("the kubelet sees it die", lambda: shop.restarts("database") == 1)
    until("the database is ready again", lambda: is_ready(shop.pod("database")))
    until("the shop serves from it again", shop.answers)
    assert [order["id"] for order in shop.orders()] == before
    assert "redo done" in shop.kubectl("logs", "statefulset/chart-shop-database")


def test_deleting_the_namespace_leaves_no_volume(shop: Shop) -> None:
    assert len(shop.volumes()) == 2
    shop.kubectl("delete", "namespace", shop.namespace, "--timeout=90s")
    until("its volumes are gone", lambda: not shop.volumes())

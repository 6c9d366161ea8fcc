"""What `/store status` says of a store's quota, read from the API server in a second at most."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner import store_usage
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.store_usage import Share, StoreUsage, read_usage
from tests.conftest import write_kubeconfig
from tests.integration.bot_harness import Bot
from tests.integration.kubernetes_api import Answer, Request, serving
from tests.integration.slack_steps import ready_store
from tests.unit.sample_stores import STORE

GIB = 1024.0**3
HARD = {"requests.memory": "4Gi", "limits.memory": "10Gi", "requests.storage": "50Gi", "pods": "12"}
USED = {"requests.memory": "480Mi", "limits.memory": "1152Mi", "requests.storage": "3Gi", "pods": "2"}
QUOTA = {"metadata": {"name": "store"}, "status": {"hard": HARD, "used": USED}}
USAGE = StoreUsage(Share(480 * 1024**2, 4 * GIB), Share(3 * GIB, 50 * GIB), Share(2, 12))


class Api:
    """An API server with one ResourceQuota, the answer to every request, which it gives once it is `free`."""

    def __init__(self) -> None:
        self.status, self.quota = 200, QUOTA
        self.free = threading.Event()
        self.free.set()
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request.path)
        self.free.wait(30)
        return self.status, self.quota


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def cluster(api: Api, tmp_path: Path) -> Iterator[Cluster]:
    with serving(api) as url:
        yield Cluster(write_kubeconfig(tmp_path / "kubeconfig", url))
        api.free.set()


def test_usage_is_what_the_quotas_status_says(cluster: Cluster, api: Api) -> None:
    assert read_usage(cluster, STORE) == USAGE
    assert api.asked == ["/api/v1/namespaces/store-my-shop/resourcequotas/store"]


@pytest.mark.parametrize(
    ("quota", "usage"),
    [
        ({"status": {"hard": {"count/pods": "5"}, "used": {"count/pods": "0"}}}, StoreUsage(pods=Share(0, 5))),
        ({"status": {"hard": {"memory": "1Gi"}, "used": {"memory": "1e9"}}}, StoreUsage(memory=Share(1e9, GIB))),
        ({"status": {"hard": {"pods": "5"}}}, None),
        ({"metadata": {}}, None),
        ({"status": {"hard": {"services": "5"}, "used": {"services": "1"}}}, None),
    ],
    ids=["by count", "by another name", "not counted yet", "new", "without these limits"],
)
def test_quota_of_an_operator_may_limit_other_things(
    cluster: Cluster, api: Api, quota: dict[str, Any], usage: StoreUsage | None
) -> None:
    api.quota = quota
    assert read_usage(cluster, STORE) == usage


@pytest.mark.parametrize("status", [403, 404, 500])
def test_refusal_is_no_usage_and_asks_once(cluster: Cluster, api: Api, status: int) -> None:
    api.status, api.quota = status, {"message": 'User "x" cannot get resource "resourcequotas"'}
    assert read_usage(cluster, STORE) is None
    assert len(api.asked) == 1


def test_cluster_that_hangs_is_not_waited_for(cluster: Cluster, api: Api) -> None:
    api.free.clear()
    began = time.monotonic()
    assert read_usage(cluster, STORE) is None
    assert store_usage.ANSWER_SECONDS <= time.monotonic() - began < store_usage.ANSWER_SECONDS + 1


def test_status_shows_the_usage_where_there_is_one(bot: Bot) -> None:
    ready_store(bot)
    assert "Quota used" not in str(bot.slack.command("Dana", "#stores", "/store status my-shop").json())
    bot.usage = USAGE
    shown = str(bot.slack.command("Dana", "#stores", "/store status my-shop").json()["blocks"])
    assert "Quota used: 480 MiB of 4 GiB memory · 3 GiB of 50 GiB storage · 2 of 12 pods" in shown
    bot.usage = StoreUsage(pods=Share(0, 5))
    shown = str(bot.slack.command("Dana", "#stores", "/store status my-shop").json()["blocks"])
    assert "Quota used: 0 of 5 pods" in shown

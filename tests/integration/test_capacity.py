"""The cluster's room for one more store: rendered charts, pages of pods, a cluster that refuses, and the form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioner.capacity import KNOWN_SECONDS, Capacity, CapacityReader, Resources
from provisioner.clients.helm import Helm
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.operations.toolbox import StoreDefaults, Toolbox
from tests.conftest import Clock, write_kubeconfig
from tests.integration.bot_harness import Bot
from tests.integration.kubernetes_api import Answer, Request, serving
from tests.integration.slack_steps import create_form, top_form
from tests.ledgers import repository_catalog
from tests.unit.test_capacity import MIB, node, pod
from tests.waiting import until

MEDUSA = repository_catalog().types["medusa"]
ONE_MEDUSA = Resources(
    0.15, 480 * MIB
)  # the requests of its application and its database, in charts/medusa/values.yaml


class Api:
    """An API server with one node and two pages of pods; `status` is that of its answers."""

    def __init__(self) -> None:
        self.status, self.asked = 200, list[str]()
        self.memory = "128Mi"

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request.path)
        if self.status != 200:
            return self.status, {
                "message": 'User "x" cannot list resource "nodes" in API group "" at the cluster scope'
            }
        if request.path == "/api/v1/nodes":
            return 200, {"items": [node("a")], "metadata": {}}
        assert request.query["fieldSelector"] == "status.phase!=Succeeded,status.phase!=Failed"
        if "continue" in request.query:
            return 200, {"items": [pod("a", "500m", self.memory)], "metadata": {}}
        return 200, {"items": [pod("a", "500m", "256Mi")], "metadata": {"continue": "more"}}


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def reader(api: Api, tmp_path: Path, clock: Clock) -> Iterator[CapacityReader]:
    with serving(api) as url:
        cluster = Cluster(write_kubeconfig(tmp_path / "kubeconfig", url))
        tools = SimpleNamespace(defaults=StoreDefaults(), cluster=cluster, helm=Helm())
        yield CapacityReader(cast(Toolbox, tools), clock)


def known(reader: CapacityReader) -> Capacity:
    """What was read, as soon as it is there."""
    found = until("the capacity", lambda: reader.latest(MEDUSA))
    assert found
    return found


def test_first_look_answers_nothing_and_reads_in_the_background(reader: CapacityReader, api: Api) -> None:
    assert reader.latest(MEDUSA) is None
    found = known(reader)
    assert found.free == Resources(1, 640 * MIB)
    assert (found.requested.cpu, found.requested.memory) == pytest.approx((ONE_MEDUSA.cpu, ONE_MEDUSA.memory))
    assert found.suffices
    assert api.asked == ["/api/v1/nodes", "/api/v1/pods", "/api/v1/pods"], "many looks, one reading"


def test_reading_is_shown_for_a_while_and_then_repeated(reader: CapacityReader, api: Api, clock: Clock) -> None:
    known(reader)
    api.memory = "700Mi"
    clock.now += KNOWN_SECONDS - 1
    assert known(reader).suffices
    clock.now += 1
    assert reader.latest(MEDUSA) is None, "what is old is not shown"
    assert not known(reader).suffices
    assert len(api.asked) == 6


@pytest.mark.parametrize("status", [403, 500])
def test_cluster_that_refuses_is_asked_again_only_later(
    reader: CapacityReader, api: Api, clock: Clock, status: int
) -> None:
    api.status = status
    assert reader.latest(MEDUSA) is None
    until("the refusal", lambda: MEDUSA.name not in reader._reading)
    assert reader.latest(MEDUSA) is None
    assert api.asked == ["/api/v1/nodes"]
    api.status, clock.now = 200, clock.now + KNOWN_SECONDS
    assert known(reader).suffices


def test_form_shows_the_capacity_once_it_is_known_and_orders_all_the_same(bot: Bot) -> None:
    form = create_form(bot)
    assert "The cluster" not in str(form)
    bot.capacity = Capacity(ONE_MEDUSA, Resources(0, 0))
    values: dict[str, Any] = {"name": "my-shop", "type": "medusa"}
    bot.slack.click("Dana", form, "name", "my-shop", values)
    warned = bot.slack.wait_for(lambda: top_form(bot) if "nearly full" in str(top_form(bot)) else None)
    assert bot.slack.submit("Dana", warned, values) is None
    bot.root("Creating *my-shop*")

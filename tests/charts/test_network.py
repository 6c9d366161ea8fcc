"""Who may talk to whom around a store, pair by pair and port by port, against what is meant.

The dev cluster enforces no NetworkPolicy, so they are evaluated here as Kubernetes documents them (policies.py)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.charts.network_reachability import Store
from tests.charts.policies import Peer, Port, allows
from tests.charts.releases import NAME, NAMESPACE, Object, every_chart

VARIANTS = [(), ("metrics",), ("external",), ("payments",), ("metrics", "external", "payments", "http-route")]
PROTOCOLS = ("TCP", "UDP")
every_variant = pytest.mark.parametrize("features", VARIANTS, ids=lambda features: "+".join(features) or "plain")


def meant(store: Store, features: tuple[str, ...]) -> set[str]:
    """The connections a store needs: from a controller to its shop, and from its pods to the hosts they name."""
    host, database = store.database()
    visitors, clients = store.callers(NAME), store.callers(host)
    assert visitors <= {"test", "cron"}
    assert {"application"} <= clients <= {"application", "migration", "cron", "test"}
    wanted = {f"{who} > application:http/TCP" for who in ("ingress-nginx", "traefik", "envoy-gateway", *visitors)}
    wanted |= {f"{who} > {database}" for who in clients}
    wanted |= {f"{who} > {to}:53/{by}" for who in visitors | clients for to in ("dns", "dns cache") for by in PROTOCOLS}
    if "metrics" in features:
        wanted.add("prometheus > application:metrics/TCP")
    if "payments" in features:
        wanted |= {f"{who} > payment provider:443/TCP" for who in {"application", "cron"} & clients}
    return wanted


def less(policies: list[Object]) -> Iterator[tuple[str, list[Object]]]:
    """These policies with one thing taken away: a whole one, a rule or a peer (ports within are told at both ends)."""
    for i, policy in enumerate(policies):
        name, spec = policy["metadata"]["name"], policy["spec"]
        yield name, [*policies[:i], *policies[i + 1 :]]
        for way, side in (("ingress", "from"), ("egress", "to")):
            for j, rule in enumerate(spec.get(way, [])):
                for path in [(way, j), *((way, j, side, k) for k in range(len(rule.get(side, []))))]:
                    yield f"{name}: {path}", without(policies, i, "spec", *path)


def without(policies: list[Object], *path: int | str) -> list[Object]:
    changed = copy.deepcopy(policies)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return changed


@every_chart
@every_variant
def test_only_what_is_meant_is_allowed(chart: Path, features: tuple[str, ...]) -> None:
    store = Store(chart, *features)
    allowed, wanted = store.connections(store.policies), meant(store, features)
    assert allowed - wanted == set()
    assert wanted - allowed == set()


@every_chart
@every_variant
def test_nothing_in_the_policies_can_be_spared(chart: Path, features: tuple[str, ...]) -> None:
    """With any part of them gone another set of connections is allowed, so the test above sees all of them."""
    store = Store(chart, *features)
    allowed = store.connections(store.policies)
    idle = [taken for taken, rest in less(store.policies) if store.connections(rest) == allowed]
    assert idle == []


@every_chart
def test_cert_managers_pod_in_a_stores_namespace_is_reached_by_the_ingress_controller(chart: Path) -> None:
    """The store's policies are about its own pods, of which that of an HTTP01 challenge is none."""
    store = Store(chart)
    labels = {"acme.cert-manager.io/http01-solver": "true"}
    solver = Peer("solver", "10.1.0.99", NAMESPACE, labels, {"kubernetes.io/metadata.name": NAMESPACE})
    controllers = [peer for peer in store.outside if peer.name in ("ingress-nginx", "traefik", "envoy-gateway")]
    assert len(controllers) == 3
    assert all(allows(store.policies, controller, solver, Port(8089)) for controller in controllers)


@every_chart
def test_without_policies_all_is_open(chart: Path) -> None:
    store = Store(chart, "no-policies")
    assert store.policies == []
    assert {"internet > database:" + str(store.ports("database")[0].name) + "/TCP"} <= store.connections([])

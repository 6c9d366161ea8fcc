"""Connections that a store's NetworkPolicies allow, for each pair of peers and each port.

The dev cluster does not enforce NetworkPolicies, so policies.py evaluates them as Kubernetes documents them."""

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


def expected_connections(store: Store, features: tuple[str, ...]) -> set[str]:
    """The connections that a store needs: from ingress controllers, and from its pods to the hosts they name."""
    host, database = store.database()
    visitors, clients = store.callers(NAME), store.callers(host)
    assert visitors <= {"test", "cron", "shopper"}
    backups = {"backup", "restore", "export", "import"} & store.pods.keys()
    assert {"application"} <= clients <= {"application", "migration", "cron", "test", "backup", "restore", "reset"}
    wanted = {f"{who} > application:http/TCP" for who in ("ingress-nginx", "traefik", "envoy-gateway", *visitors)}
    wanted |= {f"{who} > {database}" for who in clients}
    wanted |= {
        f"{who} > {to}:53/{by}"
        for who in visitors | clients | backups
        for to in ("dns", "dns cache")
        for by in PROTOCOLS
    }
    wanted |= {f"{who} > backup server:8000/TCP" for who in backups}
    if "metrics" in features:
        wanted.add("prometheus > application:metrics/TCP")
    if "payments" in features:
        wanted |= {f"{who} > payment provider:443/TCP" for who in {"application", "cron"} & clients}
    return wanted


def reduced(policies: list[Object]) -> Iterator[tuple[str, list[Object]]]:
    """The policies without one policy, rule or peer. Ports are left alone: both ends of a connection list them."""
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
def test_policies_allow_exactly_the_expected_connections(chart: Path, features: tuple[str, ...]) -> None:
    store = Store(chart, *features)
    allowed, wanted = store.connections(store.policies), expected_connections(store, features)
    assert allowed - wanted == set()
    assert wanted - allowed == set()


@every_chart
@every_variant
def test_every_part_of_the_policies_has_an_effect(chart: Path, features: tuple[str, ...]) -> None:
    """Removing any policy, rule or peer changes the allowed connections: the test above covers each of them."""
    store = Store(chart, *features)
    allowed = store.connections(store.policies)
    without_effect = [removed for removed, rest in reduced(store.policies) if store.connections(rest) == allowed]
    assert without_effect == []


@every_chart
def test_ingress_controller_reaches_the_cert_manager_solver(chart: Path) -> None:
    """The store's policies select only the store's pods, not the solver pod of an HTTP01 challenge."""
    store = Store(chart)
    labels = {"acme.cert-manager.io/http01-solver": "true"}
    solver = Peer("solver", "10.1.0.99", NAMESPACE, labels, {"kubernetes.io/metadata.name": NAMESPACE})
    controllers = [peer for peer in store.outside if peer.name in ("ingress-nginx", "traefik", "envoy-gateway")]
    assert len(controllers) == 3
    assert all(allows(store.policies, controller, solver, Port(8089)) for controller in controllers)


@every_chart
def test_store_without_policies_accepts_all_connections(chart: Path) -> None:
    store = Store(chart, "no-policies")
    assert store.policies == []
    assert {"internet > database:" + str(store.ports("database")[0].name) + "/TCP"} <= store.connections([])

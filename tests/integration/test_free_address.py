"""A store gets no address that an Ingress or HTTPRoute of the cluster answers already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.domain.errors import JobFailed
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.operations.steps.address import require_free_address
from provisioner.operations.toolbox import Toolbox
from tests.integration.kubernetes_api import Answer, Request, serving
from tests.ledgers import SampleOrders
from tests.schedulers import toolbox

INGRESSES = "/apis/networking.k8s.io/v1/ingresses"
HTTP_ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"
Objects = list[dict[str, Any]]


def named(namespace: str, spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": "site"}, "spec": spec}


def ingress(*hosts: str | None, namespace: str = "web") -> dict[str, Any]:
    return named(namespace, {"rules": [{"host": host} if host else {} for host in hosts]})


def http_route(*hosts: str, namespace: str = "web") -> dict[str, Any]:
    return named(namespace, {"hostnames": list(hosts)} if hosts else {})


class Routing:
    """The cluster's Ingresses and HTTPRoutes; without HTTPRoutes there is no Gateway API."""

    def __init__(self) -> None:
        self.ingresses: Objects = []
        self.http_routes: Objects | None = None
        self.asked: list[tuple[str, str]] = []

    def answer(self, request: Request) -> Answer:
        self.asked.append((request.method, request.path))
        found = {INGRESSES: self.ingresses, HTTP_ROUTES: self.http_routes}.get(request.path)
        return (404, {"code": 404}) if found is None else (200, {"items": found})


@pytest.fixture
def routing() -> Routing:
    return Routing()


@pytest.fixture
def tools(tmp_path: Path, ledger: Ledger, routing: Routing) -> Iterator[Toolbox]:
    with serving(routing.answer) as url:
        yield toolbox(tmp_path, ledger, url)


@pytest.fixture
def store(orders: SampleOrders) -> Store:
    """my-shop.localhost in the namespace store-my-shop."""
    orders.create()
    return orders.store()


@pytest.mark.parametrize(
    ("ingresses", "routes"),
    [
        ([], None),
        ([], []),
        ([ingress("other-shop.localhost", "example.com", None)], None),
        ([ingress(None), named("web", {}), named("web", None)], [http_route()]),
        ([ingress("my-shop.localhost", namespace="store-my-shop")], None),
        ([], [http_route("my-shop.localhost", namespace="store-my-shop"), http_route("*.other.localhost")]),
    ],
    ids=["empty", "with Gateway API", "other hosts", "any host", "its own Ingress", "its own HTTPRoute"],
)
def test_free_address_is_accepted(
    tools: Toolbox, store: Store, routing: Routing, ingresses: Objects, routes: Objects | None
) -> None:
    routing.ingresses, routing.http_routes = ingresses, routes
    require_free_address(tools, store)
    assert routing.asked == [("GET", INGRESSES), ("GET", HTTP_ROUTES)]


@pytest.mark.parametrize(
    ("ingresses", "routes", "owner"),
    [
        ([ingress("my-shop.localhost")], None, "the Ingress web/site (my-shop.localhost)"),
        ([ingress("a.localhost", "MY-shop.localhost")], None, "the Ingress web/site (MY-shop.localhost)"),
        ([ingress("*.localhost")], None, "the Ingress web/site (*.localhost)"),
        ([ingress("my-shop.localhost", namespace="store-other")], None, "the Ingress store-other/site"),
        ([], [http_route("a.localhost", "my-shop.localhost")], "the HTTPRoute web/site (my-shop.localhost)"),
        ([], [http_route("*.localhost")], "the HTTPRoute web/site (*.localhost)"),
    ],
    ids=["host", "one of two", "wildcard", "another store's", "HTTPRoute", "wildcard of an HTTPRoute"],
)
def test_address_of_another_site_is_refused(
    tools: Toolbox, store: Store, routing: Routing, ingresses: Objects, routes: Objects | None, owner: str
) -> None:
    routing.ingresses, routing.http_routes = ingresses, routes
    with pytest.raises(JobFailed) as refusal:
        require_free_address(tools, store)
    assert f"The address my-shop.localhost is not free: it belongs to {owner}" in str(refusal.value)
    assert "Delete this store and create one with another name" in refusal.value.problem.next_step
    routing.ingresses, routing.http_routes = [], None  # the other next step: somebody removed that host
    require_free_address(tools, store)

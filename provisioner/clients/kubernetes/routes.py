"""Ingresses and HTTPRoutes of the whole cluster: which host leads where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.errors import NotFound
from provisioner.clients.kubernetes.objects import Object
from provisioner.clients.kubernetes.resources import HTTP_ROUTES, INGRESSES

CACHED = {"resourceVersion": "0"}  # from the API server's cache


@dataclass(frozen=True)
class Route:
    """One host of an Ingress or HTTPRoute. `host` may start with the wildcard `*.`."""

    kind: str
    namespace: str
    name: str
    host: str

    def __str__(self) -> str:
        """Such as: the Ingress web/shop (*.example.com)."""
        return f"the {self.kind} {self.namespace}/{self.name} ({self.host})"

    def answers(self, host: str) -> bool:
        """Whether requests for `host` come here.

        The wildcard of an Ingress means one label (kubernetes.io, Ingress: hostname wildcards); that of an
        HTTPRoute for one or more (gateway-api, Hostname).
        """
        wanted, own = host.lower(), self.host.lower().rstrip(".")
        if not own.startswith("*."):
            return own == wanted
        labels = wanted.removesuffix(own[1:])
        return wanted.endswith(own[1:]) and bool(labels) and (self.kind != "Ingress" or "." not in labels)


class Routes(Api):
    """Ingresses and HTTPRoutes."""

    def routes(self) -> list[Route]:
        """Every host in the cluster; a rule without a host is left out, because any host goes before it."""
        ingresses = self._list(INGRESSES, query=CACHED)
        try:
            routes = self._list(HTTP_ROUTES, query=CACHED)
        except NotFound:  # a cluster without Gateway API
            routes = []
        return [*_hosts("Ingress", ingresses), *_hosts("HTTPRoute", routes)]


def _hosts(kind: str, objects: list[Object]) -> Iterator[Route]:
    for found in objects:
        spec, metadata = found.get("spec") or {}, found["metadata"]
        hosts = spec.get("hostnames") or [rule.get("host") for rule in spec.get("rules") or []]
        for host in dict.fromkeys(filter(None, hosts)):
            yield Route(kind, metadata["namespace"], metadata["name"], host)

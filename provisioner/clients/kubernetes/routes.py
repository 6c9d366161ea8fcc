"""Ingresses and HTTPRoutes of the whole cluster: which host leads where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubernetes import client

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import Object

GATEWAY_API = ("gateway.networking.k8s.io", "v1")


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
        lister = client.NetworkingV1Api(self._client).list_ingress_for_all_namespaces
        ingresses = self._list(lister, resource_version="0")  # from the API server's cache
        group_lister = client.CustomObjectsApi(self._client).list_cluster_custom_object
        found = self._find(group_lister, *GATEWAY_API, "httproutes", resource_version="0")  # None without Gateway API
        routes = (found or {}).get("items", [])
        return [*_hosts("Ingress", ingresses), *_hosts("HTTPRoute", routes)]


def _hosts(kind: str, objects: list[Object]) -> Iterator[Route]:
    for found in objects:
        spec, metadata = found.get("spec") or {}, found["metadata"]
        hosts = spec.get("hostnames") or [rule.get("host") for rule in spec.get("rules") or []]
        for host in dict.fromkeys(filter(None, hosts)):
            yield Route(kind, metadata["namespace"], metadata["name"], host)

"""Services that lead somewhere else for a while, by an EndpointSlice of ours.

Ingress controllers, Gateways and kube-proxy follow EndpointSlices, so that a host, its route and its certificate stay
as they are (kubernetes.io: EndpointSlices, custom slices of a Service)."""

from __future__ import annotations

from ipaddress import ip_address

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import Object
from provisioner.clients.kubernetes.resources import ENDPOINT_SLICES, SERVICES

MANAGER = {"endpointslice.kubernetes.io/managed-by": "storewright"}  # otherwise a controller would remove the slice


class Services(Api):
    """Services of stores."""

    def lead_service(self, namespace: str, service: str, address: str) -> None:
        """Let a Service lead to `address` ("ip:port"), too. Does nothing without the Service."""
        found = self._get(SERVICES, service, namespace)
        if found:
            wanted = _slice(service, found["spec"]["ports"][0].get("name", ""), address)
            if not self._create(ENDPOINT_SLICES, wanted, namespace):
                self._patch(ENDPOINT_SLICES, wanted["metadata"]["name"], wanted, namespace)

    def release_service(self, namespace: str, service: str) -> None:
        """Undo `lead_service`."""
        self._delete(ENDPOINT_SLICES, _name(service), namespace)


def _name(service: str) -> str:
    return f"{service}-asleep"


def _slice(service: str, port_name: str, address: str) -> Object:
    host, _, port = address.rpartition(":")
    return {
        "metadata": {"name": _name(service), "labels": {"kubernetes.io/service-name": service, **MANAGER}},
        "addressType": f"IPv{ip_address(host.strip('[]')).version}",
        "endpoints": [{"addresses": [host.strip("[]")], "conditions": {"ready": True}}],
        "ports": [{"name": port_name, "port": int(port), "protocol": "TCP"}],
    }

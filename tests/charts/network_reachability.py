"""A rendered store and its network peers: pods, ports and all connections that the policies allow."""

from __future__ import annotations

import copy
import re
from itertools import product
from pathlib import Path

from tests.charts.policies import Peer, Port, allows
from tests.charts.releases import (
    EXTERNAL_ADDRESS,
    EXTERNAL_HOST,
    EXTERNAL_PORT,
    NAME,
    NAMESPACE,
    PROVIDER_ADDRESS,
    Object,
    component,
    containers,
    of_kind,
    pods,
    render,
)

# Tried on every peer, in addition to container ports: DNS, web, the external database, the port after it, one other.
COMMON_PORTS = [Port(53, protocol="UDP"), *map(Port, (53, 80, 443, EXTERNAL_PORT, EXTERNAL_PORT + 1, 8000, 31337))]


def pod(name: str, address: str, namespace: str, /, **labels: str) -> Peer:
    return Peer(
        name,
        address,
        namespace,
        {f"app.kubernetes.io/{key}": value for key, value in labels.items()},
        {"kubernetes.io/metadata.name": namespace},
    )


def outsiders(chart: str) -> list[Peer]:
    """Peers outside the store: allowed ones, ones with misleading labels, other stores, the internet."""
    other = {"name": chart, "instance": "other-shop"}
    return [
        pod("ingress-nginx", "10.2.0.1", "ingress-nginx", name="ingress-nginx"),
        pod("traefik", "10.2.0.2", "kube-system", name="traefik"),
        pod("envoy-gateway", "10.2.0.3", "envoy-gateway-system", name="envoy"),
        pod("prometheus", "10.2.0.4", "monitoring", name="prometheus"),
        Peer("dns", "10.2.0.5", "kube-system", {"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"}),
        Peer("dns cache", "169.254.20.10"),
        pod("pod next to the controller", "10.2.0.6", "ingress-nginx", name="other"),
        pod("pod with the controller's labels", "10.2.0.7", "store-other-shop", name="ingress-nginx"),
        pod("other store", "10.2.0.8", "store-other-shop", **other, component="application"),
        pod("other store's database", "10.2.0.9", "store-other-shop", **other, component="database"),
        pod("pod with store's labels", "10.2.0.10", "elsewhere", name=chart, instance=NAME, component="application"),
        pod("foreign pod in the namespace", "10.2.0.11", NAMESPACE, name="debug"),
        Peer("sql server", EXTERNAL_ADDRESS),
        Peer("host next to the sql server", "10.9.8.8"),
        pod("backup server", "10.2.0.12", "storewright", name="storewright", component="backup"),
        Peer("payment provider", PROVIDER_ADDRESS),
        Peer("node", "192.168.7.1"),
        Peer("cloud metadata", "169.254.169.254"),
        Peer("internet", "93.184.215.14"),
    ]


class Store:
    """A rendered release of a chart. Its pods are named by their component."""

    def __init__(self, chart: Path, *features: str) -> None:
        self.manifests = render(chart, *features)
        self.policies = copy.deepcopy(of_kind(self.manifests, "NetworkPolicy"))
        for policy in self.policies:
            policy["metadata"].setdefault("namespace", NAMESPACE)
        self.pods = {component(made): made for made in pods(self.manifests)}
        home = {"kubernetes.io/metadata.name": NAMESPACE}
        self.inside = [
            Peer(part, f"10.1.0.{i}", NAMESPACE, made["metadata"]["labels"], home)
            for i, (part, made) in enumerate(self.pods.items(), start=1)
        ]
        self.outside = outsiders(chart.name)

    def ports(self, part: str) -> list[Port]:
        """The container ports of a component."""
        listed = [port for c in containers(self.pods[part]) for port in c.get("ports", [])]
        return [Port(port["containerPort"], port["name"], port.get("protocol", "TCP")) for port in listed]

    def tried(self, peer: Peer) -> list[Port]:
        """The ports to try on a peer: all ports of the release, with their names if they are the peer's own."""
        own = self.ports(peer.name) if peer in self.inside else []
        others = {port.number for part in self.pods for port in self.ports(part)} - {port.number for port in own}
        return [*own, *map(Port, others), *COMMON_PORTS]

    def connections(self, policies: list[Object]) -> set[str]:
        """Every connection from or to one of the store's pods that these policies allow."""
        inside = [(peer, self.tried(peer)) for peer in self.inside]
        outside = [(peer, self.tried(peer)) for peer in self.outside]
        ends = [*product(inside, [*inside, *outside]), *product(outside, inside)]
        return {
            f"{source.name} > {target.name}:{port.name or port.number}/{port.protocol}"
            for (source, _), (target, ports) in ends
            if source is not target
            for port in ports
            if allows(policies, source, target, port)
        }

    def callers(self, host: str) -> set[str]:
        """The components whose environment or command line names this host."""
        return {part for part, made in self.pods.items() if host in _named_hosts(made)}

    def database(self) -> tuple[str, str]:
        """The database's host name and the target of its connections."""
        for service in of_kind(self.manifests, "Service"):
            if component(service) == "database":
                (port,) = self.ports("database")
                return service["metadata"]["name"], f"database:{port.name}/TCP"
        return EXTERNAL_HOST, f"sql server:{EXTERNAL_PORT}/TCP"


def _named_hosts(made: Object) -> set[str]:
    """The words of the environment, commands and arguments of a pod's containers, without the name of its own store."""
    arguments = [word for c in containers(made) for word in (*c.get("command", []), *c.get("args", []))]
    variables = [v for c in containers(made) for v in c.get("env", []) if "value" in v and v["name"] != "STORE"]
    return set(re.findall(r"[\w.-]+", " ".join([*arguments, *(v["value"] for v in variables)])))

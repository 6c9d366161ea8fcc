"""Evaluate NetworkPolicies as Kubernetes documents them, for a cluster that does not enforce them.

Sources: https://kubernetes.io/docs/concepts/services-networking/network-policies/ and the API reference of
networking.k8s.io/v1 NetworkPolicy. The quotations below are from these pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any, Literal

Object = dict[str, Any]
Direction = Literal["Ingress", "Egress"]
OPERATORS: Mapping[str, Callable[[str | None, list[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


@dataclass(frozen=True)
class Port:
    """A port that a peer listens on. The name is the container port's, for policies that use names."""

    number: int
    name: str = ""
    protocol: str = "TCP"


@dataclass(frozen=True)
class Peer:
    """A pod. Without a namespace: an address that is no pod of the cluster."""

    name: str
    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    namespace_labels: Mapping[str, str] = field(default_factory=dict, hash=False)


def allows(policies: Iterable[Object], source: Peer, target: Peer, port: Port) -> bool:
    """Whether the policies allow a connection from `source` to `port` of `target`.

    "If either side does not allow the connection, it will not happen". Responses need no rule."""
    if source == target:
        return True  # "A Pod cannot block access to itself."
    policies = list(policies)
    leaves = _passes(policies, "Egress", source, target, port)
    return leaves and _passes(policies, "Ingress", target, source, port)


def _passes(policies: list[Object], direction: Direction, pod: Peer, other: Peer, port: Port) -> bool:
    """Whether one end allows the connection.

    If no policy selects the pod for this direction, the pod is not isolated. Otherwise one rule must match."""
    selecting = [p for p in policies if _selects(p, pod) and direction in policy_types(p)]
    return not selecting or any(
        _matches(rule, direction, policy, other, port)
        for policy in selecting
        for rule in policy["spec"].get(direction.lower()) or []
    )


def policy_types(policy: Object) -> list[str]:
    """The policy's types.

    By default, "Ingress will always be set and Egress […] if the NetworkPolicy has any egress rules"."""
    spec = policy["spec"]
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _selects(policy: Object, pod: Peer) -> bool:
    """Whether the policy selects the pod: only pods of the policy's namespace, never outside addresses."""
    return pod.namespace == policy["metadata"]["namespace"] and selects(policy["spec"]["podSelector"], pod.labels)


def _matches(rule: Object, direction: Direction, policy: Object, other: Peer, port: Port) -> bool:
    """Whether peers and ports of the rule match: "if this field is empty or missing, this rule matches all"."""
    peers, ports = rule.get("from" if direction == "Ingress" else "to"), rule.get("ports")
    return (not peers or any(_is_peer(peer, policy, other) for peer in peers)) and (
        not ports or any(_is_port(wanted, port) for wanted in ports)
    )


def _is_peer(peer: Object, policy: Object, other: Peer) -> bool:
    """Whether the peer matches. An ipBlock matches pods too, as in some clusters: the stricter test."""
    if block := peer.get("ipBlock"):
        return _is_in(other.address, block["cidr"]) and not any(
            _is_in(other.address, excepted) for excepted in block.get("except") or []
        )
    if not other.namespace:
        return False
    if "namespaceSelector" in peer:
        in_namespace = selects(peer["namespaceSelector"], other.namespace_labels)
    else:
        in_namespace = other.namespace == policy["metadata"]["namespace"]
    return in_namespace and selects(peer.get("podSelector") or {}, other.labels)


@cache
def _is_in(address: str, cidr: str) -> bool:
    return ip_address(address) in ip_network(cidr)


def _is_port(wanted: Object, port: Port) -> bool:
    """Whether the port matches: number, range up to `endPort`, name, or any port of the protocol (default TCP)."""
    if wanted.get("protocol", "TCP") != port.protocol:
        return False
    first: int | str = wanted.get("port", port.number)
    if isinstance(first, str):
        return first == port.name
    return first <= port.number <= int(wanted.get("endPort", first))


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches these labels. An empty selector matches everything."""
    wanted, rules = selector.get("matchLabels") or {}, selector.get("matchExpressions") or []
    return wanted.items() <= labels.items() and all(
        OPERATORS[rule["operator"]](labels.get(rule["key"]), rule.get("values") or []) for rule in rules
    )

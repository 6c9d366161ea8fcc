"""Who may talk to whom under a set of NetworkPolicies, as Kubernetes means them, for a cluster that enforces none.

Sources: https://kubernetes.io/docs/concepts/services-networking/network-policies/ and the API reference of
networking.k8s.io/v1 NetworkPolicy, from which the quotations below are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Literal

Object = dict[str, Any]
Direction = Literal["Ingress", "Egress"]


@dataclass(frozen=True)
class Port:
    """A port that something listens on; the name is the container port's, for policies that use it."""

    number: int
    name: str = ""
    protocol: str = "TCP"


@dataclass(frozen=True)
class Peer:
    """A pod, or with no namespace an address outside the cluster's pods."""

    name: str
    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    namespace_labels: Mapping[str, str] = field(default_factory=dict, hash=False)


def allows(policies: Iterable[Object], source: Peer, target: Peer, port: Port) -> bool:
    """Tell whether `source` may open a connection to `port` of `target`.

    "If either side does not allow the connection, it will not happen"; answers to it need no rule of their own."""
    if source == target:
        return True  # "A Pod cannot block access to itself."
    policies = list(policies)
    leaves = _passes(policies, "Egress", source, target, port)
    return leaves and _passes(policies, "Ingress", target, source, port)


def _passes(policies: list[Object], direction: Direction, pod: Peer, other: Peer, port: Port) -> bool:
    """One end's say: a pod that no policy selects for this direction is not isolated; else one rule must match."""
    selecting = [p for p in policies if direction in policy_types(p) and _selects(p, pod)]
    return not selecting or any(
        _matches(rule, direction, policy, other, port)
        for policy in selecting
        for rule in policy["spec"].get(direction.lower()) or []
    )


def policy_types(policy: Object) -> list[str]:
    """If none are named, "Ingress will always be set and Egress […] if the NetworkPolicy has any egress rules"."""
    spec = policy["spec"]
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _selects(policy: Object, pod: Peer) -> bool:
    """A policy speaks for the pods of its own namespace that its selector takes, and for no address outside."""
    return pod.namespace == policy["metadata"]["namespace"] and selects(policy["spec"]["podSelector"], pod.labels)


def _matches(rule: Object, direction: Direction, policy: Object, other: Peer, port: Port) -> bool:
    """Both lists must match; "if this field is empty or missing, this rule matches all" of what it would list."""
    peers, ports = rule.get("from" if direction == "Ingress" else "to"), rule.get("ports")
    return (not peers or any(_is_peer(peer, policy, other) for peer in peers)) and (
        not ports or any(_is_port(wanted, port) for wanted in ports)
    )


def _is_peer(peer: Object, policy: Object, other: Peer) -> bool:
    """An address block takes pods in here, as some clusters do: what may be a hole is one."""
    if block := peer.get("ipBlock"):
        blocks = [block["cidr"], *(block.get("except") or [])]
        inside = [ip_address(other.address) in ip_network(cidr) for cidr in blocks]
        return inside[0] and not any(inside[1:])
    if not other.namespace:
        return False
    if "namespaceSelector" in peer:
        in_namespace = selects(peer["namespaceSelector"], other.namespace_labels)
    else:
        in_namespace = other.namespace == policy["metadata"]["namespace"]
    return in_namespace and selects(peer.get("podSelector") or {}, other.labels)


def _is_port(wanted: Object, port: Port) -> bool:
    """A number, a range up to `endPort`, a container port's name, or all ports of the protocol (TCP unless said)."""
    if wanted.get("protocol", "TCP") != port.protocol:
        return False
    first: int | str = wanted.get("port", port.number)
    if isinstance(first, str):
        return first == port.name
    return first <= port.number <= int(wanted.get("endPort", first))


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes an object with these labels; an empty one takes all."""
    operators: dict[str, Callable[[str | None, list[str]], bool]] = {
        "In": lambda value, values: value in values,
        "NotIn": lambda value, values: value not in values,
        "Exists": lambda value, _: value is not None,
        "DoesNotExist": lambda value, _: value is None,
    }
    wanted, rules = selector.get("matchLabels") or {}, selector.get("matchExpressions") or []
    return wanted.items() <= labels.items() and all(
        operators[rule["operator"]](labels.get(rule["key"]), rule.get("values") or []) for rule in rules
    )

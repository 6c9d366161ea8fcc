"""The policy evaluator against what Kubernetes documents, rule by rule; cases follow the docs' own examples.

https://kubernetes.io/docs/concepts/services-networking/network-policies/"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.charts.policies import Peer, Port, allows, policy_types, selects

DB = Peer("db", "10.1.0.1", "default", {"role": "db"}, {"project": "shop"})
FRONTEND = Peer("frontend", "10.1.0.2", "default", {"role": "frontend"}, {"project": "shop"})
CLIENT = Peer("client", "10.1.0.3", "other", {"role": "client"}, {"project": "myproject"})
STRANGER = Peer("stranger", "10.1.0.4", "other", {"role": "stranger"}, {"project": "myproject"})
OUTSIDE = Peer("outside", "172.17.0.9")
EXCEPTED = Peer("excepted", "172.17.1.9")
REDIS = Port(6379, "redis")

# The example that opens the documentation, word for word.
EXAMPLE = """
metadata: {name: test-network-policy, namespace: default}
spec:
  podSelector: {matchLabels: {role: db}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}
        - namespaceSelector: {matchLabels: {project: myproject}}
        - podSelector: {matchLabels: {role: frontend}}
      ports: [{protocol: TCP, port: 6379}]
  egress:
    - to: [{ipBlock: {cidr: 10.0.0.0/24}}]
      ports: [{protocol: TCP, port: 5978}]
"""


def policy(spec: str, selector: str = "{}") -> dict[str, Any]:
    rules = yaml.safe_load(spec)
    return {"metadata": {"namespace": "default"}, "spec": {"podSelector": yaml.safe_load(selector), **rules}}


@pytest.mark.parametrize(
    ("source", "target", "port", "answer"),
    [
        (FRONTEND, DB, REDIS, True),
        (CLIENT, DB, REDIS, True),
        (OUTSIDE, DB, REDIS, True),
        (EXCEPTED, DB, REDIS, False),
        (FRONTEND, DB, Port(6380), False),
        (FRONTEND, DB, Port(6379, protocol="UDP"), False),
        (DB, Peer("billing", "10.0.0.7"), Port(5978), True),
        (DB, Peer("billing", "10.0.0.7"), Port(5979), False),
        (DB, Peer("billing", "10.0.1.7"), Port(5978), False),
        (DB, FRONTEND, Port(80), False),
        (CLIENT, FRONTEND, Port(80), True),
        (DB, DB, Port(80), True),
    ],
    ids=str,
)
def test_documentations_example_allows_and_denies_as_described(
    source: Peer, target: Peer, port: Port, answer: bool
) -> None:
    assert allows([yaml.safe_load(EXAMPLE)], source, target, port) is answer


def test_without_policies_everything_is_allowed() -> None:
    assert allows([], OUTSIDE, DB, REDIS)
    assert allows([], DB, OUTSIDE, REDIS)


def test_policy_applies_to_its_own_namespace_only() -> None:
    closed = policy("{policyTypes: [Ingress, Egress]}")
    assert not allows([closed], CLIENT, DB, REDIS)
    assert not allows([closed], DB, CLIENT, REDIS)
    assert allows([closed], CLIENT, STRANGER, REDIS)


@pytest.mark.parametrize(
    ("spec", "types"),
    [
        ("{}", ["Ingress"]),
        ("{ingress: [{}]}", ["Ingress"]),
        ("{egress: [{}]}", ["Ingress", "Egress"]),
        ("{policyTypes: [Egress]}", ["Egress"]),
        ("{policyTypes: [Egress], ingress: [{}]}", ["Egress"]),
    ],
)
def test_policy_without_types_isolates_as_documented(spec: str, types: list[str]) -> None:
    assert policy_types(policy(spec)) == types
    assert allows([policy(spec)], DB, OUTSIDE, REDIS) is ("Egress" not in types or "egress" in spec)


def test_rules_of_several_policies_add_up() -> None:
    closed = policy("{policyTypes: [Ingress]}")
    opened = policy(
        "{ingress: [{from: [{podSelector: {matchLabels: {role: frontend}}}]}]}", "{matchLabels: {role: db}}"
    )
    assert not allows([closed], FRONTEND, DB, REDIS)
    assert allows([closed, opened], FRONTEND, DB, REDIS)
    assert not allows([closed, opened], CLIENT, DB, REDIS)


def test_connection_needs_permission_at_both_ends() -> None:
    out = policy("{policyTypes: [Egress]}", "{matchLabels: {role: frontend}}")
    assert not allows([out], FRONTEND, DB, REDIS)
    assert not allows([out, policy("{ingress: [{}]}", "{matchLabels: {role: db}}")], FRONTEND, DB, REDIS)


def test_empty_namespace_selector_matches_all_and_pod_selector_alone_its_own_namespace() -> None:
    assert allows([policy("{ingress: [{from: [{namespaceSelector: {}}]}]}")], CLIENT, DB, REDIS)
    assert not allows([policy("{ingress: [{from: [{namespaceSelector: {}}]}]}")], OUTSIDE, DB, REDIS)
    assert allows([policy("{ingress: [{from: [{podSelector: {}}]}]}")], FRONTEND, DB, REDIS)
    assert not allows([policy("{ingress: [{from: [{podSelector: {}}]}]}")], CLIENT, DB, REDIS)


def test_selectors_in_one_peer_must_both_match_but_one_of_two_peers_is_enough() -> None:
    """The documentation's pitfall: one dash more or less."""
    selectors = "namespaceSelector: {matchLabels: {project: myproject}}", "podSelector: {matchLabels: {role: client}}"
    both = policy(f"{{ingress: [{{from: [{{ {selectors[0]}, {selectors[1]} }}]}}]}}")
    either = policy(f"{{ingress: [{{from: [{{ {selectors[0]} }}, {{ {selectors[1]} }}]}}]}}")
    assert allows([both], CLIENT, DB, REDIS)
    assert not allows([both], STRANGER, DB, REDIS)
    assert allows([either], STRANGER, DB, REDIS)


@pytest.mark.parametrize(
    ("ports", "port", "answer"),
    [
        ("[]", REDIS, True),
        ("[{port: redis}]", REDIS, True),
        ("[{port: http}]", REDIS, False),
        ("[{port: 6000, endPort: 6400}]", REDIS, True),
        ("[{port: 6000, endPort: 6378}]", REDIS, False),
        ("[{port: 53}]", Port(53, protocol="UDP"), False),
        ("[{protocol: UDP, port: 53}]", Port(53, protocol="UDP"), True),
        ("[{protocol: UDP}]", Port(53, protocol="UDP"), True),
        ("[{port: 80}, {port: 6379}]", REDIS, True),
    ],
    ids=str,
)
def test_port_rules_match_number_name_range_and_protocol(ports: str, port: Port, answer: bool) -> None:
    assert allows([policy(f"{{ingress: [{{ports: {ports}}}]}}")], CLIENT, DB, port) is answer


def test_ip_block_matches_pods_as_on_some_clusters() -> None:
    assert allows([policy("{egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}")], DB, CLIENT, REDIS)
    assert not allows([policy('{egress: [{to: [{ipBlock: {cidr: "::/0"}}]}]}')], DB, CLIENT, REDIS)


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("{key: role, operator: In, values: [db, web]}", True),
        ("{key: role, operator: In, values: [web]}", False),
        ("{key: role, operator: NotIn, values: [web]}", True),
        ("{key: tier, operator: NotIn, values: [web]}", True),
        ("{key: role, operator: NotIn, values: [db]}", False),
        ("{key: role, operator: Exists}", True),
        ("{key: tier, operator: Exists}", False),
        ("{key: tier, operator: DoesNotExist}", True),
        ("{key: role, operator: DoesNotExist}", False),
    ],
)
def test_match_expressions_select_as_documented(expression: str, answer: bool) -> None:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements"""
    assert selects({"matchExpressions": [yaml.safe_load(expression)]}, {"role": "db"}) is answer
    assert not selects(
        {"matchLabels": {"role": "web"}, "matchExpressions": [yaml.safe_load(expression)]}, {"role": "db"}
    )

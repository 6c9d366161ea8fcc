"""What pods request and what nodes have free, as the scheduler counts it."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.capacity import Capacity, Resources, free_on, requests_of

MIB = 1024.0**2


def container(cpu: str = "", memory: str = "", **more: Any) -> dict[str, Any]:
    requests = {name: amount for name, amount in (("cpu", cpu), ("memory", memory)) if amount}
    return {"name": "c", "resources": {"requests": requests}, **more}


def pod(node: str, cpu: str, memory: str) -> dict[str, Any]:
    return {"spec": {"nodeName": node, "containers": [container(cpu, memory)]}}


def node(name: str, ready: str = "True", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"disk": name}},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": "2", "memory": "1024Mi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


@pytest.mark.parametrize(
    ("spec", "requested"),
    [
        ({"containers": [container("100m", "64Mi"), container("1", "1Gi")]}, Resources(1.1, 1088 * MIB)),
        (
            {"containers": [container("100m", "64Mi")], "initContainers": [container("50m", "512Mi")]},
            Resources(0.1, 512 * MIB),
        ),
        (
            {
                "containers": [container("100m", "64Mi")],
                "initContainers": [container("50m", "32Mi", restartPolicy="Always"), container("10m", "96Mi")],
            },
            Resources(0.15, 128 * MIB),
        ),
        ({"containers": [{"name": "c", "resources": {"limits": {"memory": "128Mi"}}}]}, Resources(0, 128 * MIB)),
        ({"containers": [{"name": "c"}]}, Resources(0, 64 * MIB)),
        ({"containers": [container("1", "64Mi")], "overhead": {"memory": "16Mi"}}, Resources(1, 80 * MIB)),
    ],
    ids=["sum", "init container", "sidecar", "limit", "default of the namespace", "overhead"],
)
def test_pod_requests_what_the_scheduler_counts(spec: dict[str, Any], requested: Resources) -> None:
    found = requests_of(spec, {"memory": "64Mi"})
    assert (found.cpu, found.memory) == pytest.approx((requested.cpu, requested.memory))


def test_free_is_what_pods_leave_and_a_full_node_takes_nothing_from_others() -> None:
    pods = [pod("a", "1", "256Mi"), pod("b", "3", "2Gi"), pod("gone", "1", "1Gi"), pod("", "1", "1Gi")]
    assert free_on([node("a"), node("b")], pods, {}) == Resources(1, 768 * MIB)


TAINT = {"key": "shops", "value": "only", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("tested", "pod_spec", "taken"),
    [
        (node("a", unschedulable=True), {}, False),
        (node("a", ready="Unknown"), {}, False),
        (node("a", taints=[TAINT]), {}, False),
        (node("a", taints=[{**TAINT, "effect": "PreferNoSchedule"}]), {}, True),
        (node("a", taints=[TAINT]), {"tolerations": [{"operator": "Exists"}]}, True),
        (node("a", taints=[TAINT]), {"tolerations": [{"key": "shops", "value": "only", "effect": "NoSchedule"}]}, True),
        (node("a", taints=[TAINT]), {"tolerations": [{"key": "shops", "operator": "Exists"}]}, True),
        (node("a", taints=[TAINT]), {"tolerations": [{"key": "shops", "value": "other"}]}, False),
        (node("a", taints=[TAINT]), {"tolerations": [{"operator": "Exists", "effect": "NoExecute"}]}, False),
        (node("a"), {"nodeSelector": {"disk": "a"}}, True),
        (node("a"), {"nodeSelector": {"disk": "b"}}, False),
    ],
)
def test_only_nodes_that_take_the_pods_count(tested: dict[str, Any], pod_spec: dict[str, Any], taken: bool) -> None:
    assert free_on([tested], [], pod_spec) == (Resources(2, 1024 * MIB) if taken else Resources())


def test_capacity_needs_cpu_and_memory() -> None:
    asked = Resources(1, 64)
    assert Capacity(asked, Resources(1, 64)).suffices
    assert not Capacity(asked, Resources(0.9, 99)).suffices
    assert not Capacity(asked, Resources(9, 63)).suffices

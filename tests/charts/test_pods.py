"""Every pod of a store chart is restricted, has memory limits and reads secrets only by reference."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.charts.releases import (
    NAME,
    STORES,
    Object,
    combinations_of,
    component,
    containers,
    every_chart,
    every_profile,
    of_kind,
    pods,
    render,
)

# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted; ours is stricter: exactly these.
POD_SECURITY = {
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
    "fsGroupChangePolicy": "OnRootMismatch",
}
IDS = {"runAsUser", "runAsGroup", "fsGroup"}
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret", "downwardAPI", "csi", "ephemeral"}
HOST = {"hostNetwork", "hostPID", "hostIPC"}
SECRET_WORDS = ("PASSWORD", "SECRET", "KEY", "EMAIL", "TOKEN", "SALT")


def faults(pod: Object) -> list[str]:
    """Violations of the restricted standard and of our stricter rules."""
    spec, security = pod["spec"], dict(pod["spec"].get("securityContext", {}))
    ids = {key: security.pop(key, 0) for key in IDS}
    found = [f"{key} is root or unset" for key, number in ids.items() if number == 0]
    found += [f"securityContext {security}"] * (security != POD_SECURITY)
    found += ["service account token"] * (spec.get("automountServiceAccountToken") is not False)
    found += [f"{key} is set" for key in HOST & spec.keys()]
    found += [f"volume {v}" for v in spec.get("volumes", []) if not v.keys() - {"name"} <= VOLUMES]
    return found + [fault for container in containers(pod) for fault in container_faults(container)]


def container_faults(container: Object) -> list[str]:
    found = ["securityContext"] * (container.get("securityContext") != CONTAINER_SECURITY)
    found += [f"host port {port}" for port in container.get("ports", []) if "hostPort" in port]
    resources = container.get("resources", {})
    bounds = [resources.get("requests", {}).get("memory"), resources.get("limits", {}).get("memory")]
    found += ["memory request or limit is missing"] * (None in bounds)
    return found + ["CPU limit, which doubles the start time"] * ("cpu" in resources.get("limits", {}))


@every_profile
def test_pods_are_restricted_and_have_memory_limits(chart: Path, profile: str) -> None:
    made = [pod for manifests in combinations_of(chart, profile) for pod in pods(manifests)]
    assert {component(pod) for pod in made} >= {"application", "database", "test"}
    assert [fault for pod in made for fault in faults(pod)] == []


@pytest.mark.parametrize(
    ("path", "bad"),
    [
        (("securityContext", "runAsUser"), 0),
        (("securityContext", "runAsNonRoot"), False),
        (("securityContext", "seccompProfile", "type"), "Unconfined"),
        (("securityContext", "sysctls"), []),
        (("automountServiceAccountToken",), True),
        (("hostNetwork",), True),
        (("volumes",), [{"name": "host", "hostPath": {"path": "/"}}]),
        (("containers", 0, "securityContext", "privileged"), True),
        (("containers", 0, "securityContext", "capabilities"), {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        (("containers", 0, "ports"), [{"containerPort": 80, "hostPort": 80}]),
        (("containers", 0, "resources"), {"requests": {"memory": "1Mi"}}),
        (("containers", 0, "resources", "limits", "cpu"), "1"),
        (("initContainers",), [{"name": "bare"}]),
    ],
    ids=lambda part: ".".join(map(str, part)) if isinstance(part, tuple) else None,
)
@every_chart
def test_pod_violation_is_found(chart: Path, path: tuple[Any, ...], bad: Any) -> None:
    pod = copy.deepcopy(pods(render(chart))[0])
    inner = pod["spec"]
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = bad
    assert faults(pod)


@every_profile
def test_pods_read_secrets_only_by_reference(chart: Path, profile: str) -> None:
    manifests = render(chart, profile=profile, options=('secretName="its-secret"',))
    assert of_kind(manifests, "Secret") == []
    env = [
        variable for pod in pods(manifests) for container in containers(pod) for variable in container.get("env", [])
    ]
    plain = [v["name"] for v in env if "value" in v and any(word in v["name"] for word in SECRET_WORDS)]
    assert plain == []
    references = [v["valueFrom"]["secretKeyRef"] for v in env if "valueFrom" in v]
    to_backups = [reference for reference in references if reference["name"] == "store-backup"]
    assert {reference["key"] for reference in to_backups} == {"repository", "password"}
    references = [reference for reference in references if reference not in to_backups]
    assert {reference["name"] for reference in references} == {"its-secret"}
    keys = {reference["key"] for reference in references}
    replaced = {f"new-{key}" for key in STORES[chart.name].reset}
    assert replaced
    assert keys == set(STORES[chart.name].secret) | replaced
    assert set(STORES[chart.name].credentials) <= set(STORES[chart.name].secret)


@every_profile
def test_probes_run_every_second_during_the_start(chart: Path, profile: str) -> None:
    for workload in of_kind(render(chart, profile=profile), "Deployment", "StatefulSet"):
        for container in workload["spec"]["template"]["spec"]["containers"]:
            assert container["startupProbe"]["periodSeconds"] == 1
            assert container["readinessProbe"]["periodSeconds"] == 1
            assert container["livenessProbe"]["periodSeconds"] >= 5


@every_chart
def test_workloads_and_pods_are_labelled_with_their_component(chart: Path) -> None:
    manifests = render(chart)
    for kind, part in {"Deployment": "application", "StatefulSet": "database"}.items():
        assert {component(workload) for workload in of_kind(manifests, kind)} == {part}
    assert {pod["metadata"]["labels"]["app.kubernetes.io/instance"] for pod in pods(manifests)} == {NAME}
    for workload in of_kind(manifests, "Deployment", "StatefulSet", "Job"):
        assert component(workload) == component(workload["spec"]["template"])

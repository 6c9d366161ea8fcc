"""What the cluster refuses to a bot that asks with its own token, and the little that it grants."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dev.charts import own
from dev.cluster import Cluster
from dev.stack import ROOT, kubectl

# Two Storewrights on one cluster; `we` ask. `plain` is a namespace of nobody's.
WE, THEY = "storewright-we", "storewright-they"
OURS, THEIRS, PLAIN = "store-refused-ours", "store-refused-theirs", "refused-plain"
IMAGE = "storewright/storewright:0.1.0"


class Bot:
    """The holder of a ServiceAccount's token, and of nothing else."""

    def __init__(self, cluster: Cluster, instance: str) -> None:
        config = json.loads(kubectl(cluster, "config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        api = config["clusters"][0]["cluster"]
        token = kubectl(cluster, "create", "token", instance, "-n", "storewright").strip()
        self._command = [str(ROOT / "build/tools/bin/kubectl"), f"--server={api['server']}", f"--token={token}"]
        self._command += ["--kubeconfig=/dev/null", "--insecure-skip-tls-verify"]

    def ask(self, *what: str, manifest: Any = None) -> subprocess.CompletedProcess[str]:
        stdin = json.dumps(manifest) if manifest else ""
        return subprocess.run([*self._command, *what], input=stdin, capture_output=True, text=True, check=False)


def labels(instance: str | None = WE, **other: str | None) -> dict[str, str]:
    """What a namespace of a store is born with, but for what is to be different."""
    born: dict[str, str | None] = {
        "app.kubernetes.io/managed-by": "storewright",
        "storewright.dev/instance": instance,
        "storewright.dev/store-id": "0001",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    changed = {next((key for key in born if key.endswith(f"/{name}")), name): value for name, value in other.items()}
    return {key: value for key, value in (born | changed).items() if value is not None}


def namespace(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def binding(place: str, role: str = f"{WE}-store", kind: str = "ClusterRole", **subject: str) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    us = {"kind": "ServiceAccount", "name": WE, "namespace": "storewright"}
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "asked", "namespace": place},
        "roleRef": {"apiGroup": group, "kind": kind, "name": role},
        "subjects": [us | subject],
    }


def worker(**different: Any) -> dict[str, Any]:
    return {"name": "worker", "image": IMAGE, "command": ["python3", "-m", "provisioner.executors.pod"]} | different


def job(place: str, **pod: Any) -> dict[str, Any]:
    spec = {"serviceAccountName": WE, "restartPolicy": "Never", "containers": [worker()]} | pod
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "asked", "namespace": place},
        "spec": {"template": {"spec": spec}},
    }


def lease(name: str, place: str) -> dict[str, Any]:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "namespace": place}}


@pytest.fixture(scope="module")
def bot(cluster: Cluster) -> Iterator[Bot]:
    """Us, each Storewright having made a namespace, and let itself into it, with its own token."""
    granted = own.rights(WE) + own.rights(THEY)
    kubectl(cluster, "apply", "-f", "-", stdin=own.NAMESPACE + granted)
    kubectl(cluster, "create", "namespace", PLAIN)
    try:
        bots = {name: Bot(cluster, name) for name in (WE, THEY)}
        for name, place in {WE: OURS, THEY: THEIRS}.items():
            _await_policies(bots[name], name)
            made = bots[name].ask("create", "-f", "-", manifest=namespace(place, labels(name)))
            assert made.returncode == 0, made.stderr
            bound = bots[name].ask("create", "-f", "-", manifest=binding(place, f"{name}-store", name=name))
            assert bound.returncode == 0, bound.stderr
        yield bots[WE]
    finally:
        kubectl(cluster, "delete", "namespace", OURS, THEIRS, PLAIN, "--ignore-not-found", "--wait=false")
        kubectl(cluster, "delete", "--ignore-not-found", "-f", "-", stdin=granted)


def _await_policies(bot: Bot, name: str) -> None:
    """The API server takes up new policies within moments, each by itself."""
    probes = [namespace("refused-probe", {}), binding(PLAIN, f"{name}-store", name=name)]
    until = time.monotonic() + 15
    while not all(
        "denied request" in bot.ask("create", "--dry-run=server", "-f", "-", manifest=p).stderr for p in probes
    ):
        assert time.monotonic() < until, "the policies are not enforced"
        time.sleep(0.2)


def _exec(place: str) -> tuple[str, ...]:
    return ("create", "--raw", f"/api/v1/namespaces/{place}/pods/any/exec?command=id", "-f", "/dev/null")


BY_KUBERNETES: dict[str, tuple[str, ...]] = {
    "read Secrets in kube-system": ("get", "secrets", "-n", "kube-system"),
    "read Secrets everywhere": ("get", "secrets", "--all-namespaces"),
    "read its own Slack tokens by the API": ("get", "secret", "storewright-slack", "-n", "storewright"),
    "read Secrets of another Storewright's store": ("get", "secrets", "-n", THEIRS),
    "read Secrets of a namespace of nobody's": ("get", "secrets", "-n", PLAIN),
    "read ConfigMaps in kube-system": ("get", "configmaps", "-n", "kube-system"),
    "read pods' logs in kube-system": ("get", "--raw", "/api/v1/namespaces/kube-system/pods/any/log"),
    "look at nodes": ("get", "nodes"),
    "reach a kubelet through the API": ("get", "--raw", "/api/v1/nodes/any/proxy/pods"),
    "cordon a node": ("patch", "node", "any", "-p", '{"spec":{"unschedulable":true}}'),
    "look at cluster roles": ("get", "clusterroles"),
    "make a cluster role": ("create", "clusterrole", "asked", "--verb=*", "--resource=*"),
    "widen its own cluster role": ("patch", "clusterrole", WE, "-p", '{"rules":null}'),
    "widen its role for stores": ("patch", "clusterrole", f"{WE}-store", "-p", '{"rules":null}'),
    "bind itself cluster-wide": ("create", "clusterrolebinding", "asked", f"--clusterrole={WE}-store", "--user=x"),
    "make a role in its store": ("create", "role", "asked", "--verb=*", "--resource=*", "-n", OURS),
    "be cluster-admin in its store": (
        *("create", "rolebinding", "asked", "--clusterrole=cluster-admin"),
        *(f"--serviceaccount=storewright:{WE}", "-n", OURS),
    ),
    "change a binding": ("patch", "rolebinding", "asked", "-n", OURS, "-p", '{"metadata":{"labels":{"a":"b"}}}'),
    "be somebody else": ("get", "namespaces", "--as=system:admin"),
    "be a group": ("get", "namespaces", "--as=x", "--as-group=system:masters"),
    "get a token in kube-system": ("create", "token", "default", "-n", "kube-system"),
    "get a token in its store": ("create", "token", "default", "-n", OURS),
    "run a program in its store's pod": _exec(OURS),
    "run a program in kube-system": _exec("kube-system"),
    "run a pod in its store by itself": ("run", "asked", "--image=any", "-n", OURS),
    "run a pod in kube-system": ("run", "asked", "--image=any", "-n", "kube-system"),
    "run a Deployment in a namespace of nobody's": ("create", "deployment", "asked", "--image=any", "-n", PLAIN),
    "run a Deployment beside itself": ("create", "deployment", "asked", "--image=any", "-n", "storewright"),
    "change itself": ("patch", "deployment", WE, "-n", "storewright", "-p", '{"spec":{"paused":true}}'),
    "remove what refuses all this": ("delete", "validatingadmissionpolicy", f"{WE}-namespaces"),
    "unbind what refuses all this": ("delete", "validatingadmissionpolicybinding", f"{WE}-bindings"),
    "make a resource type": ("get", "customresourcedefinitions"),
    "delete a volume": ("delete", "persistentvolume", "any"),
    "finalize a namespace": ("replace", "--raw", f"/api/v1/namespaces/{OURS}/finalize", "-f", "/dev/null"),
    "take another's Lease": ("get", "lease", f"storewright-{THEY}", "-n", "storewright"),
    "take a node's Lease": ("get", "leases", "-n", "kube-node-lease"),
    "delete kube-system": ("delete", "namespace", "kube-system", "--wait=false"),
    "delete default": ("delete", "namespace", "default", "--wait=false"),
}


@pytest.mark.parametrize("what", BY_KUBERNETES)
def test_kubernetes_does_not_let_it(bot: Bot, what: str) -> None:
    refused = bot.ask(*BY_KUBERNETES[what])
    assert refused.returncode != 0, refused.stdout
    assert "orbidden" in refused.stderr
    assert "denied request" not in refused.stderr


BY_POLICY: dict[str, dict[str, Any]] = {
    "bind itself in kube-system": binding("kube-system"),
    "bind itself in default": binding("default"),
    "bind itself in its own namespace": binding("storewright"),
    "bind itself in a namespace of nobody's": binding(PLAIN),
    "bind itself in another Storewright's store": binding(THEIRS),
    "let another ServiceAccount into its store": binding(OURS, name="default"),
    "let a namesake into its store": binding(OURS, namespace="default"),
    "let a person into its store": binding(OURS),
    "let somebody in beside itself": binding(OURS),
    "make a namespace without labels": namespace("refused-asked", {}),
    "make a namespace for another Storewright": namespace("refused-asked", labels(THEY)),
    "make a namespace that others manage": namespace("refused-asked", labels(**{"managed-by": "Helm"})),
    "make a namespace without a store's id": namespace("refused-asked", labels(**{"store-id": None})),
    "make a namespace for privileged pods": namespace("refused-asked", labels(enforce="privileged")),
    "make a namespace without Pod Security": namespace("refused-asked", labels(enforce=None)),
    "make a namespace by an old Pod Security": namespace(
        "refused-asked", labels(**{"pod-security.kubernetes.io/enforce-version": "v1.10"})
    ),
    "run another image beside itself": job("storewright", containers=[worker(image="any")]),
    "run another program beside itself": job("storewright", containers=[worker(command=["/usr/bin/helm"])]),
    "run another module beside itself": job("storewright", containers=[worker(args=["-c", "print()"])]),
    "run a second container beside itself": job("storewright", containers=[worker(), worker(name="second")]),
    "be another ServiceAccount beside itself": job("storewright", serviceAccountName="default"),
    "run a privileged Job beside itself": job("storewright", containers=[worker(securityContext={"privileged": True})]),
    "run a Job with a capability beside itself": job(
        "storewright", containers=[worker(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}})]
    ),
    "mount the node's disk": job("storewright", volumes=[{"name": "x", "hostPath": {"path": "/"}}]),
    "use the node's network": job("storewright", hostNetwork=True),
    "see the node's processes": job("storewright", hostPID=True),
}
BY_POLICY["let a person into its store"]["subjects"] = [{"kind": "User", "name": "dana"}]
BY_POLICY["let somebody in beside itself"]["subjects"] += [{"kind": "User", "name": "dana"}]


@pytest.mark.parametrize("what", BY_POLICY)
def test_its_roles_let_it_but_a_policy_does_not(bot: Bot, what: str) -> None:
    refused = bot.ask("create", "-f", "-", manifest=BY_POLICY[what])
    assert refused.returncode != 0, refused.stdout
    assert "denied request" in refused.stderr


CHANGES: dict[str, tuple[str, ...]] = {
    "take kube-system for a store": ("label", "namespace", "kube-system", "storewright.dev/instance=" + WE),
    "take a namespace of nobody's for a store": (
        "label",
        "namespace",
        PLAIN,
        *(f"{k}={v}" for k, v in labels().items()),
    ),
    "take another Storewright's store over": ("label", "--overwrite", "ns", THEIRS, f"storewright.dev/instance={WE}"),
    "annotate a namespace of nobody's": ("annotate", "namespace", PLAIN, "storewright.dev/owner=x"),
    "give its store away": ("label", "--overwrite", "namespace", OURS, f"storewright.dev/instance={THEY}"),
    "take its label away": ("label", "namespace", OURS, "storewright.dev/instance-"),
    "make its store another one": ("label", "--overwrite", "namespace", OURS, "storewright.dev/store-id=2"),
    "loosen Pod Security": ("label", "--overwrite", "ns", OURS, "pod-security.kubernetes.io/enforce=baseline"),
    "take Pod Security away": ("label", "namespace", OURS, "pod-security.kubernetes.io/enforce-"),
    "date Pod Security back": ("label", "namespace", OURS, "pod-security.kubernetes.io/enforce-version=v1.10"),
    "delete the nodes' namespace": ("delete", "namespace", "kube-node-lease", "--wait=false"),
    "delete its own namespace": ("delete", "namespace", "storewright", "--wait=false"),
    "delete a namespace of nobody's": ("delete", "namespace", PLAIN, "--wait=false"),
    "delete another Storewright's store": ("delete", "namespace", THEIRS, "--wait=false"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_policy_does_not_let_it_change(bot: Bot, what: str) -> None:
    refused = bot.ask(*CHANGES[what])
    assert refused.returncode != 0, refused.stdout
    assert "denied request" in refused.stderr


GRANTED: dict[str, tuple[str, ...]] = {
    "see the namespaces": ("get", "namespaces"),
    "see volumes, for what a deleted store left": ("get", "persistentvolumes"),
    "note that its store is ready": ("annotate", "namespace", OURS, "storewright.dev/ready-at=1"),
    "make its store's Secret": ("create", "secret", "generic", "asked", "--from-literal=a=b", "-n", OURS),
    "read its store's Secrets": ("get", "secrets", "-n", OURS),
    "run its store": ("create", "deployment", "asked", "--image=any", "-n", OURS),
    "see its store's pods": ("get", "pods", "-n", OURS),
    "see what went wrong in its store": ("get", "events", "-n", OURS),
    "see its Jobs": ("get", "jobs", "-n", "storewright"),
    "see what a cluster has for disks": ("get", "storageclasses"),
    "see its own role": ("get", "clusterrole", f"{WE}-store"),
}


@pytest.mark.parametrize("what", GRANTED)
def test_it_may(bot: Bot, what: str) -> None:
    granted = bot.ask(*GRANTED[what])
    assert granted.returncode == 0, granted.stderr


@pytest.mark.parametrize(
    "asked",
    [lease(f"storewright-{WE}", "storewright"), job("storewright"), job(OURS, containers=[worker(image="any")])],
    ids=["hold its Lease", "have work done beside itself", "run a Job of its store's"],
)
def test_it_may_make(bot: Bot, asked: dict[str, Any]) -> None:
    granted = bot.ask("create", "--dry-run=server", "-f", "-", manifest=asked)
    assert granted.returncode == 0, granted.stderr


def test_it_may_delete_its_store_in_the_end(bot: Bot) -> None:
    made = bot.ask("create", "-f", "-", manifest=namespace("store-refused-last", labels()))
    assert made.returncode == 0, made.stderr
    gone = bot.ask("delete", "namespace", "store-refused-last", "--wait=false")
    assert gone.returncode == 0, gone.stderr

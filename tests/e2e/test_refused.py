"""What the cluster refuses to a bot that asks with its own token, and the little that it grants."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dev.charts import bot_chart
from dev.cluster import Cluster
from dev.stack import ROOT, kubectl
from provisioner.runner.executors.job_manifest import Worker, manifest_of
from tests.unit.test_job_protocol import payload

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


# What their operator gave the bot's pod, and so the Jobs' too. The API server adds its defaults to some of it.
VOLUME = {"name": "authority", "configMap": {"name": "authority"}}
SECRET_TOO = {"sources": [{"configMap": {"name": "a"}}, {"secret": {"name": "b", "optional": False}}]}
MOUNT = {"name": "authority", "mountPath": "/etc/authority", "readOnly": True}
PROXY = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
PASSWORD = {"name": "PROXY_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "proxy", "key": "password"}}}
ODD = [
    {"name": "ODD", "value": '"it\'s" <odd> & $(HTTPS_PROXY)\n'},
    {"name": "EMPTY", "value": ""},
    {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
]
GIVEN: dict[str, list[Any]] = {
    "extraEnv": [PROXY, PASSWORD, *ODD],
    "extraVolumes": [VOLUME, {"name": "both", "projected": SECRET_TOO}],
    "extraVolumeMounts": [MOUNT, {"name": "both", "mountPath": "/both", "readOnly": False}],
}
GIVEN_CONTAINER = {"env": GIVEN["extraEnv"], "volumeMounts": GIVEN["extraVolumeMounts"]}
OURS_TO_RUN: dict[str, Any] = manifest_of(
    payload(service_account=f"storewright/{WE}", instance=WE),
    Worker(IMAGE, pod={"volumes": GIVEN["extraVolumes"]}, container=GIVEN_CONTAINER),
    seconds=100,
)["spec"]["template"]
POD = OURS_TO_RUN["spec"]
(CONTAINER,) = POD["containers"]
SLACKS = {"secretKeyRef": {"name": "storewright-slack", "key": "SLACK_BOT_TOKEN"}}


def worker(**different: Any) -> dict[str, Any]:
    """The container of a Job that does our work, but for what is different."""
    return {**CONTAINER, **different}


def job(place: str, labels: dict[str, str] | None = None, **pod: Any) -> dict[str, Any]:
    """A Job that does our work, but for what is different of its pod."""
    metadata = OURS_TO_RUN["metadata"] if labels is None else {"labels": labels}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "asked", "namespace": place},
        "spec": {"template": {"metadata": metadata, "spec": {**POD, **pod}}},
    }


def beside_us(**container: Any) -> dict[str, Any]:
    """A Job in our own namespace, but for what is different of its container."""
    return job("storewright", containers=[worker(**container)])


def with_variable(name: str, **value: Any) -> dict[str, Any]:
    """The same, with a variable in place of one of that name."""
    others = [one for one in CONTAINER["env"] if one["name"] != name]
    return beside_us(env=[*others, {"name": name, **value}])


def with_volume(name: str = "x", **source: Any) -> dict[str, Any]:
    return job(
        "storewright", volumes=[*(one for one in POD["volumes"] if one["name"] != name), {"name": name, **source}]
    )


def with_security(**different: Any) -> dict[str, Any]:
    return beside_us(securityContext={**CONTAINER["securityContext"], **different})


def service(place: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "asked", "namespace": place}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}], **spec}}


def account_token(place: str) -> dict[str, Any]:
    metadata = {"name": "asked", "namespace": place, "annotations": {"kubernetes.io/service-account.name": "default"}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"}


def lease(name: str, place: str) -> dict[str, Any]:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "namespace": place}}


@pytest.fixture(scope="module")
def bot(cluster: Cluster) -> Iterator[Bot]:
    """Us, each Storewright having made a namespace, and let itself into it, with its own token."""
    given = [f"--set-json={name}={json.dumps(value)}" for name, value in GIVEN.items()]
    granted = bot_chart.permissions(WE, *given) + bot_chart.permissions(THEY)
    kubectl(cluster, "apply", "-f", "-", stdin=bot_chart.NAMESPACE + granted)
    kubectl(cluster, "create", "namespace", PLAIN)
    try:
        bots = {name: Bot(cluster, name) for name in (WE, THEY)}
        for name, place in {WE: OURS, THEY: THEIRS}.items():
            probes = namespace("refused-probe", {}), binding(PLAIN, f"{name}-store", name=name), beside_us(image="any")
            _await_policies(bots[name], *probes)
            made = bots[name].ask("create", "-f", "-", manifest=namespace(place, labels(name)))
            assert made.returncode == 0, made.stderr
            bound = bots[name].ask("create", "-f", "-", manifest=binding(place, f"{name}-store", name=name))
            assert bound.returncode == 0, bound.stderr
            _await_policies(bots[name], account_token(place))
        yield bots[WE]
    finally:
        kubectl(cluster, "delete", "namespace", OURS, THEIRS, PLAIN, "--ignore-not-found", "--wait=false")
        kubectl(cluster, "delete", "--ignore-not-found", "-f", "-", stdin=granted)


def _await_policies(bot: Bot, *refused: dict[str, Any]) -> None:
    """The API server takes up new policies within moments, each by itself."""
    until = time.monotonic() + 15
    while not all(
        "denied request" in bot.ask("create", "--dry-run=server", "-f", "-", manifest=one).stderr for one in refused
    ):
        assert time.monotonic() < until, "the policies are not enforced"
        time.sleep(0.2)


def _put(path: str) -> tuple[str, ...]:
    """To update it, without a look at it before, which would be refused by itself. Nothing is read of what is sent."""
    return ("replace", "--raw", path, "-f", "/dev/null")


def _post(path: str) -> tuple[str, ...]:
    return ("create", "--raw", path, "-f", "/dev/null")


RBAC = "/apis/rbac.authorization.k8s.io/v1"
LEASES = "/apis/coordination.k8s.io/v1/namespaces"


def _exec(place: str) -> tuple[str, ...]:
    return _post(f"/api/v1/namespaces/{place}/pods/any/exec?command=id")


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
    "cordon a node": _put("/api/v1/nodes/any"),
    "look at cluster roles": ("get", "clusterroles"),
    "make a cluster role": ("create", "clusterrole", "asked", "--verb=*", "--resource=*"),
    "widen its own cluster role": _put(f"{RBAC}/clusterroles/{WE}"),
    "widen its role for stores": _put(f"{RBAC}/clusterroles/{WE}-store"),
    "bind itself cluster-wide": ("create", "clusterrolebinding", "asked", f"--clusterrole={WE}-store", "--user=x"),
    "make a role in its store": ("create", "role", "asked", "--verb=*", "--resource=*", "-n", OURS),
    "be cluster-admin in its store": (
        *("create", "rolebinding", "asked", "--clusterrole=cluster-admin"),
        *(f"--serviceaccount=storewright:{WE}", "-n", OURS),
    ),
    "change a binding": _put(f"{RBAC}/namespaces/{OURS}/rolebindings/asked"),
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
    "change itself": _put(f"/apis/apps/v1/namespaces/storewright/deployments/{WE}"),
    "remove what refuses all this": ("delete", "validatingadmissionpolicy", f"{WE}-namespaces"),
    "unbind what refuses all this": ("delete", "validatingadmissionpolicybinding", f"{WE}-bindings"),
    "make a resource type": _post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
    "delete a volume": ("delete", "persistentvolume", "any"),
    "finalize a namespace": _put(f"/api/v1/namespaces/{OURS}/finalize"),
    "take another's Lease": _put(f"{LEASES}/storewright/leases/storewright-{THEY}"),
    "take a node's Lease": _put(f"{LEASES}/kube-node-lease/leases/any"),
    "delete kube-system": ("delete", "namespace", "kube-system", "--wait=false"),
    "delete default": ("delete", "namespace", "default", "--wait=false"),
}


@pytest.mark.parametrize("what", BY_KUBERNETES)
def test_kubernetes_does_not_let_it(bot: Bot, what: str) -> None:
    refused = bot.ask(*BY_KUBERNETES[what])
    assert refused.returncode != 0, refused.stdout
    assert "orbidden" in refused.stderr
    assert "denied request" not in refused.stderr


PROBE = {"exec": {"command": ["id"]}}
BESIDE_ITSELF: dict[str, dict[str, Any]] = {
    "run another image": beside_us(image="any"),
    "run an image called much the same": beside_us(image="storewright/storewright-too:0.1.0"),
    "run an image from a registry called like its own": beside_us(image="storewright/storewright:5000/any"),
    "run another program": beside_us(command=["/usr/bin/helm"]),
    "run another module": beside_us(args=["-c", "print()"]),
    "run it in another folder": beside_us(workingDir="/etc/authority"),
    "run a program after its start": beside_us(lifecycle={"postStart": PROBE}),
    "run a program to see if it lives": beside_us(livenessProbe=PROBE),
    "run a program to see if it is ready": beside_us(readinessProbe=PROBE),
    "run a program to see if it has started": beside_us(startupProbe=PROBE),
    "run a second container": job("storewright", containers=[worker(), worker(name="second")]),
    "run a container before it": job("storewright", initContainers=[worker(name="first")]),
    "read a Secret for its payload": with_variable("JOB_PAYLOAD", valueFrom=SLACKS),
    "read a Secret for a variable of its own": with_variable("ASKED", valueFrom=SLACKS),
    "read a Secret for its operator's variable": with_variable("HTTPS_PROXY", valueFrom=SLACKS),
    "read another Secret than its operator's": with_variable("PROXY_PASSWORD", valueFrom=SLACKS),
    "read a whole Secret": beside_us(envFrom=[{"secretRef": {"name": "storewright-slack"}}]),
    "read a whole ConfigMap": beside_us(envFrom=[{"configMapRef": {"name": "any"}}]),
    "put its operator's Secret into its payload": with_variable("JOB_PAYLOAD", value="$(PROXY_PASSWORD)"),
    "set a variable of its own": with_variable("PYTHONPATH", value="/etc/authority"),
    "set its operator's variable": with_variable("HTTPS_PROXY", value="http://elsewhere:3128"),
    "have another home": with_variable("HOME", value="/etc/authority"),
    "mount a Secret": with_volume(secret={"secretName": "storewright-slack"}),
    "mount a projected Secret": with_volume(projected={"sources": [{"secret": {"name": "storewright-slack"}}]}),
    "mount another ServiceAccount's token": with_volume(
        projected={"sources": [{"serviceAccountToken": {"path": "x"}}]}
    ),
    "mount another ConfigMap": with_volume(configMap={"name": "any"}),
    "mount a ConfigMap by its operator's name": with_volume("authority", configMap={"name": "any"}),
    "mount a Secret by its operator's name": with_volume("authority", secret={"secretName": "storewright-slack"}),
    "mount one more Secret by its operator's name": with_volume(
        "both", projected={"sources": [*SECRET_TOO["sources"], {"secret": {"name": "storewright-slack"}}]}
    ),
    "mount its ledger": with_volume(persistentVolumeClaim={"claimName": f"{WE}-ledger"}),
    "mount what the API tells of its pod": with_volume(downwardAPI={"items": []}),
    "mount what a driver makes": with_volume(csi={"driver": "any"}),
    "mount the node's disk": with_volume(hostPath={"path": "/"}),
    "mount its operator's volume over its code": beside_us(volumeMounts=[{**MOUNT, "mountPath": "/app"}]),
    "mount its own volume over its code": beside_us(volumeMounts=[{"name": "tmp", "mountPath": "/app"}]),
    "be another ServiceAccount": job("storewright", serviceAccountName="default"),
    "be privileged": beside_us(securityContext={"privileged": True}),
    "have a capability": with_security(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    "keep capabilities": with_security(capabilities={}),
    "gain privileges": beside_us(securityContext={"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}),
    "write to its image": with_security(readOnlyRootFilesystem=False),
    "be root in its container": with_security(runAsUser=0, runAsNonRoot=False),
    "be root": job("storewright", securityContext={"runAsUser": 0}),
    "be whoever its image says": job("storewright", securityContext={}),
    "be of another group": job("storewright", securityContext={**POD["securityContext"], "supplementalGroups": [0]}),
    "use the node's network": job("storewright", hostNetwork=True),
    "see the node's processes": job("storewright", hostPID=True),
    "share the node's memory": job("storewright", hostIPC=True),
    "choose its node": job("storewright", nodeName="any"),
    "use the node's port": beside_us(ports=[{"containerPort": 80, "hostPort": 80}]),
    "name hosts": job("storewright", hostAliases=[{"ip": "192.0.2.1", "hostnames": ["kubernetes.default.svc"]}]),
    "look names up elsewhere": job("storewright", dnsPolicy="None", dnsConfig={"nameservers": ["192.0.2.1"]}),
    "go before others": job("storewright", priorityClassName="system-cluster-critical"),
    "escape its NetworkPolicy": job("storewright", labels={"storewright.dev/instance": WE}),
    "pass for another Storewright's": job(
        "storewright", labels={**OURS_TO_RUN["metadata"]["labels"], "storewright.dev/instance": THEY}
    ),
}
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
    "make a namespace without labels": namespace("store-refused-asked", {}),
    "make a namespace for another Storewright": namespace("store-refused-asked", labels(THEY)),
    "make a namespace that others manage": namespace("store-refused-asked", labels(**{"managed-by": "Helm"})),
    "make a namespace without a store's id": namespace("store-refused-asked", labels(**{"store-id": None})),
    "make a namespace for privileged pods": namespace("store-refused-asked", labels(enforce="privileged")),
    "make a namespace without Pod Security": namespace("store-refused-asked", labels(enforce=None)),
    "make a namespace by an old Pod Security": namespace(
        "store-refused-asked", labels(**{"pod-security.kubernetes.io/enforce-version": "v1.10"})
    ),
    "make a namespace that is not called like a store's": namespace("refused-asked", labels()),
    "take another's address": service(OURS, externalIPs=["192.0.2.1"]),
    "make itself a lasting token": account_token(OURS),
    **{f"{what} beside itself": asked for what, asked in BESIDE_ITSELF.items()},
}
BY_POLICY["let a person into its store"]["subjects"] = [{"kind": "User", "name": "dana"}]
BY_POLICY["let somebody in beside itself"]["subjects"] += [{"kind": "User", "name": "dana"}]


@pytest.mark.parametrize("what", BY_POLICY)
def test_its_roles_let_it_but_a_policy_does_not(bot: Bot, what: str) -> None:
    refused = bot.ask("create", "-f", "-", manifest=BY_POLICY[what])
    assert refused.returncode != 0, refused.stdout
    assert re.search(rf"\(Forbidden\): .* denied request: .*torewright \({WE}\)", refused.stderr), "in words, by a 403"


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


MAKES: dict[str, dict[str, Any]] = {
    "hold its Lease": lease(f"storewright-{WE}", "storewright"),
    "have work done beside itself": job("storewright"),
    "have work done by another release of it": beside_us(image="storewright/storewright:0.0.9"),
    "have work done by an image with a digest": beside_us(image=f"{IMAGE}@sha256:{'0' * 64}"),
    "run a Job of its store's": job(OURS, containers=[worker(image="any", envFrom=[{"secretRef": {"name": "any"}}])]),
    "make its store's Service": service(OURS),
}


@pytest.mark.parametrize("asked", MAKES.values(), ids=list(MAKES))
def test_it_may_make(bot: Bot, asked: dict[str, Any]) -> None:
    granted = bot.ask("create", "--dry-run=server", "-f", "-", manifest=asked)
    assert granted.returncode == 0, granted.stderr


def test_it_may_delete_its_store_in_the_end(bot: Bot) -> None:
    made = bot.ask("create", "-f", "-", manifest=namespace("store-refused-last", labels()))
    assert made.returncode == 0, made.stderr
    gone = bot.ask("delete", "namespace", "store-refused-last", "--wait=false")
    assert gone.returncode == 0, gone.stderr

"""Requests that the cluster refuses to a bot with only its own token, and the requests that it grants."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dev.charts import bot_chart
from dev.cluster import Cluster
from dev.stack import kubectl
from tests.e2e.permission_requests import (
    FOREIGN,
    IMAGE,
    INSTANCE,
    JOB_POD,
    LEASES,
    MOUNT,
    OPERATOR_VALUES,
    OTHER_INSTANCE,
    OTHER_STORE,
    POD_SPEC,
    PROJECTED_SOURCES,
    RBAC,
    SLACK_TOKEN,
    STORE,
    Bot,
    account_token,
    binding,
    endpoint_slice,
    exec_request,
    job,
    labels,
    lease,
    namespace,
    own_job,
    post_request,
    put_request,
    service,
    with_security,
    with_variable,
    with_volume,
    worker,
)


@pytest.fixture(scope="module")
def bot(cluster: Cluster) -> Iterator[Bot]:
    """The bot of INSTANCE. Both bots have created their store's namespace and RoleBinding with their own tokens."""
    values = [f"--set-json={name}={json.dumps(value)}" for name, value in OPERATOR_VALUES.items()]
    granted = bot_chart.permissions(INSTANCE, *values) + bot_chart.permissions(OTHER_INSTANCE)
    kubectl(cluster, "apply", "-f", "-", stdin=bot_chart.NAMESPACE + granted)
    kubectl(cluster, "create", "namespace", FOREIGN)
    try:
        bots = {name: Bot(cluster, name) for name in (INSTANCE, OTHER_INSTANCE)}
        for name, namespace_name in {INSTANCE: STORE, OTHER_INSTANCE: OTHER_STORE}.items():
            probes = namespace("refused-probe", {}), binding(FOREIGN, f"{name}-store", name=name), own_job(image="any")
            _await_policies(bots[name], *probes)
            made = bots[name].create(namespace(namespace_name, labels(name)))
            assert made.status_code == 201, made.text
            bound = bots[name].create(binding(namespace_name, f"{name}-store", name=name))
            assert bound.status_code == 201, bound.text
            _await_policies(bots[name], account_token(namespace_name))
        yield bots[INSTANCE]
    finally:
        kubectl(cluster, "delete", "namespace", STORE, OTHER_STORE, FOREIGN, "--ignore-not-found", "--wait=false")
        kubectl(cluster, "delete", "--ignore-not-found", "-f", "-", stdin=granted)


def _await_policies(bot: Bot, *refused: dict[str, Any]) -> None:
    """Wait until the API server enforces the new policies; it loads each at a time of its own."""
    until = time.monotonic() + 15
    while not all("denied request" in bot.create(manifest, dry_run=True).text for manifest in refused):
        assert time.monotonic() < until, "the policies are not enforced"
        time.sleep(0.2)


REFUSED_BY_RBAC: dict[str, tuple[str, ...]] = {
    "read Secrets in kube-system": ("get", "secrets", "-n", "kube-system"),
    "read Secrets everywhere": ("get", "secrets", "--all-namespaces"),
    "read its own Slack tokens through the API": ("get", "secret", "storewright-slack", "-n", "storewright"),
    "read Secrets of another instance's store": ("get", "secrets", "-n", OTHER_STORE),
    "read Secrets of a foreign namespace": ("get", "secrets", "-n", FOREIGN),
    "read ConfigMaps in kube-system": ("get", "configmaps", "-n", "kube-system"),
    "read pods' logs in kube-system": ("get", "--raw", "/api/v1/namespaces/kube-system/pods/any/log"),
    "list nodes": ("get", "nodes"),
    "reach a kubelet through the API": ("get", "--raw", "/api/v1/nodes/any/proxy/pods"),
    "cordon a node": put_request("/api/v1/nodes/any"),
    "list cluster roles": ("get", "clusterroles"),
    "create a cluster role": ("create", "clusterrole", "requested", "--verb=*", "--resource=*"),
    "change its own cluster role": put_request(f"{RBAC}/clusterroles/{INSTANCE}"),
    "change its role for stores": put_request(f"{RBAC}/clusterroles/{INSTANCE}-store"),
    "bind itself cluster-wide": (
        "create",
        "clusterrolebinding",
        "requested",
        f"--clusterrole={INSTANCE}-store",
        "--user=x",
    ),
    "create a role in its store": ("create", "role", "requested", "--verb=*", "--resource=*", "-n", STORE),
    "bind cluster-admin in its store": (
        *("create", "rolebinding", "requested", "--clusterrole=cluster-admin"),
        *(f"--serviceaccount=storewright:{INSTANCE}", "-n", STORE),
    ),
    "change a binding": put_request(f"{RBAC}/namespaces/{STORE}/rolebindings/requested"),
    "impersonate a user": ("get", "namespaces", "--as=system:admin"),
    "impersonate a group": ("get", "namespaces", "--as=x", "--as-group=system:masters"),
    "create a token in kube-system": ("create", "token", "default", "-n", "kube-system"),
    "create a token in its store": ("create", "token", "default", "-n", STORE),
    "exec in kube-system": exec_request("kube-system"),
    "create a bare pod in its store": ("run", "requested", "--image=any", "-n", STORE),
    "create a pod in kube-system": ("run", "requested", "--image=any", "-n", "kube-system"),
    "create a Deployment in a foreign namespace": ("create", "deployment", "requested", "--image=any", "-n", FOREIGN),
    "create a Deployment in its own namespace": (
        "create",
        "deployment",
        "requested",
        "--image=any",
        "-n",
        "storewright",
    ),
    "change its own Deployment": put_request(f"/apis/apps/v1/namespaces/storewright/deployments/{INSTANCE}"),
    "delete its admission policy": ("delete", "validatingadmissionpolicy", f"{INSTANCE}-namespaces"),
    "delete its admission policy's binding": (
        "delete",
        "validatingadmissionpolicybinding",
        f"{INSTANCE}-bindings",
    ),
    "create a resource type": post_request("/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
    "delete a volume": ("delete", "persistentvolume", "any"),
    "finalize a namespace": put_request(f"/api/v1/namespaces/{STORE}/finalize"),
    "take another instance's Lease": put_request(f"{LEASES}/storewright/leases/storewright-{OTHER_INSTANCE}"),
    "take a node's Lease": put_request(f"{LEASES}/kube-node-lease/leases/any"),
    "delete kube-system": ("delete", "namespace", "kube-system", "--wait=false"),
    "delete default": ("delete", "namespace", "default", "--wait=false"),
}


@pytest.mark.parametrize("action", REFUSED_BY_RBAC)
def test_rbac_refuses_the_request(bot: Bot, action: str) -> None:
    refused = bot.kubectl(*REFUSED_BY_RBAC[action])
    assert refused.returncode != 0, refused.stdout
    assert "orbidden" in refused.stderr
    assert "denied request" not in refused.stderr


PROBE = {"exec": {"command": ["id"]}}
REFUSED_JOBS: dict[str, dict[str, Any]] = {
    "run another image": own_job(image="any"),
    "run an image with a similar name": own_job(image="storewright/storewright-too:0.1.0"),
    "run an image from a registry named like its own image": own_job(image="storewright/storewright:5000/any"),
    "run another program": own_job(command=["/usr/bin/helm"]),
    "run another module": own_job(args=["-c", "print()"]),
    "set the working directory": own_job(workingDir="/etc/authority"),
    "set a postStart hook": own_job(lifecycle={"postStart": PROBE}),
    "set a liveness probe": own_job(livenessProbe=PROBE),
    "set a readiness probe": own_job(readinessProbe=PROBE),
    "set a startup probe": own_job(startupProbe=PROBE),
    "add a container": job("storewright", containers=[worker(), worker(name="second")]),
    "add an init container": job("storewright", initContainers=[worker(name="first")]),
    "fill its payload from a Secret": with_variable("JOB_PAYLOAD", valueFrom=SLACK_TOKEN),
    "fill a new variable from a Secret": with_variable("ADDED", valueFrom=SLACK_TOKEN),
    "fill the operator's variable from a Secret": with_variable("HTTPS_PROXY", valueFrom=SLACK_TOKEN),
    "replace the Secret of the operator's variable": with_variable("PROXY_PASSWORD", valueFrom=SLACK_TOKEN),
    "read a whole Secret": own_job(envFrom=[{"secretRef": {"name": "storewright-slack"}}]),
    "read a whole ConfigMap": own_job(envFrom=[{"configMapRef": {"name": "any"}}]),
    "expand the operator's Secret in its payload": with_variable("JOB_PAYLOAD", value="$(PROXY_PASSWORD)"),
    "add a variable": with_variable("PYTHONPATH", value="/etc/authority"),
    "change the operator's variable": with_variable("HTTPS_PROXY", value="http://elsewhere:3128"),
    "change HOME": with_variable("HOME", value="/etc/authority"),
    "mount a Secret": with_volume(secret={"secretName": "storewright-slack"}),
    "mount a projected Secret": with_volume(projected={"sources": [{"secret": {"name": "storewright-slack"}}]}),
    "mount another ServiceAccount's token": with_volume(
        projected={"sources": [{"serviceAccountToken": {"path": "x"}}]}
    ),
    "mount another ConfigMap": with_volume(configMap={"name": "any"}),
    "replace the operator's ConfigMap volume": with_volume("authority", configMap={"name": "any"}),
    "replace the operator's volume with a Secret": with_volume("authority", secret={"secretName": "storewright-slack"}),
    "add a Secret to the operator's projected volume": with_volume(
        "both", projected={"sources": [*PROJECTED_SOURCES["sources"], {"secret": {"name": "storewright-slack"}}]}
    ),
    "mount its ledger": with_volume(persistentVolumeClaim={"claimName": f"{INSTANCE}-ledger"}),
    "mount the downward API": with_volume(downwardAPI={"items": []}),
    "mount a CSI volume": with_volume(csi={"driver": "any"}),
    "mount the node's disk": with_volume(hostPath={"path": "/"}),
    "mount the operator's volume over its code": own_job(volumeMounts=[{**MOUNT, "mountPath": "/app"}]),
    "mount its temporary volume over its code": own_job(volumeMounts=[{"name": "tmp", "mountPath": "/app"}]),
    "use another ServiceAccount": job("storewright", serviceAccountName="default"),
    "be privileged": own_job(securityContext={"privileged": True}),
    "add a capability": with_security(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    "keep capabilities": with_security(capabilities={}),
    "allow privilege escalation": own_job(
        securityContext={"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    ),
    "write to its image": with_security(readOnlyRootFilesystem=False),
    "run its container as root": with_security(runAsUser=0, runAsNonRoot=False),
    "run its pod as root": job("storewright", securityContext={"runAsUser": 0}),
    "run as the user of its image": job("storewright", securityContext={}),
    "add a supplementary group": job(
        "storewright", securityContext={**POD_SPEC["securityContext"], "supplementalGroups": [0]}
    ),
    "use the node's network": job("storewright", hostNetwork=True),
    "see the node's processes": job("storewright", hostPID=True),
    "share the node's memory": job("storewright", hostIPC=True),
    "choose its node": job("storewright", nodeName="any"),
    "use a port of the node": own_job(ports=[{"containerPort": 80, "hostPort": 80}]),
    "add host aliases": job("storewright", hostAliases=[{"ip": "192.0.2.1", "hostnames": ["kubernetes.default.svc"]}]),
    "use another name server": job("storewright", dnsPolicy="None", dnsConfig={"nameservers": ["192.0.2.1"]}),
    "use another priority class": job("storewright", priorityClassName="system-cluster-critical"),
    "drop the labels of its NetworkPolicy": job("storewright", labels={"storewright.dev/instance": INSTANCE}),
    "use another instance's label": job(
        "storewright", labels={**JOB_POD["metadata"]["labels"], "storewright.dev/instance": OTHER_INSTANCE}
    ),
}


def test_commands_are_run_only_in_a_container_that_reads_a_backup_or_takes_in_an_archive(bot: Bot) -> None:
    for container in ("", "application", "exports"):
        assert (
            "may run commands only in a container that reads a backup"
            in bot.kubectl(*exec_request(STORE, container)).stderr
        )
    for container in ("export", "import"):
        allowed = bot.kubectl(*exec_request(STORE, container))
        assert 'pods "any" not found' in allowed.stderr


REFUSED_BY_POLICY: dict[str, dict[str, Any]] = {
    "bind itself in kube-system": binding("kube-system"),
    "bind itself in default": binding("default"),
    "bind itself in its own namespace": binding("storewright"),
    "bind itself in a foreign namespace": binding(FOREIGN),
    "bind itself in another instance's store": binding(OTHER_STORE),
    "bind another ServiceAccount in its store": binding(STORE, name="default"),
    "bind a ServiceAccount of the same name in its store": binding(STORE, namespace="default"),
    "bind a user in its store": binding(STORE),
    "bind itself and a user in its store": binding(STORE),
    "create a namespace without labels": namespace("store-refused-requested", {}),
    "create a namespace for another instance": namespace("store-refused-requested", labels(OTHER_INSTANCE)),
    "create a namespace that others manage": namespace("store-refused-requested", labels(**{"managed-by": "Helm"})),
    "create a namespace without a store's id": namespace("store-refused-requested", labels(**{"store-id": None})),
    "create a namespace for privileged pods": namespace("store-refused-requested", labels(enforce="privileged")),
    "create a namespace without Pod Security": namespace("store-refused-requested", labels(enforce=None)),
    "create a namespace with an old Pod Security version": namespace(
        "store-refused-requested", labels(**{"pod-security.kubernetes.io/enforce-version": "v1.10"})
    ),
    "create a namespace without the prefix of stores": namespace("refused-requested", labels()),
    "take an external IP": service(STORE, externalIPs=["192.0.2.1"]),
    "let a Service lead to another port": endpoint_slice(STORE, port=80),
    "let a Service lead to several addresses": endpoint_slice(STORE, addresses=2),
    "create a token that does not expire": account_token(STORE),
    **{f"{action} in its own namespace": manifest for action, manifest in REFUSED_JOBS.items()},
}
REFUSED_BY_POLICY["bind a user in its store"]["subjects"] = [{"kind": "User", "name": "dana"}]
REFUSED_BY_POLICY["bind itself and a user in its store"]["subjects"] += [{"kind": "User", "name": "dana"}]


@pytest.mark.parametrize("action", REFUSED_BY_POLICY)
def test_admission_policy_refuses_the_object_with_403(bot: Bot, action: str) -> None:
    refused = bot.create(REFUSED_BY_POLICY[action])
    assert refused.status_code == 403, refused.text
    assert refused.json()["reason"] == "Forbidden"
    assert re.search(rf" denied request: .*Storewright instance {INSTANCE} ", refused.json()["message"]), refused.text


RELABEL = ("label", "--overwrite", "namespace")
POD_SECURITY = "pod-security.kubernetes.io"
REFUSED_CHANGES: dict[str, tuple[str, ...]] = {
    "label kube-system as its store": ("label", "namespace", "kube-system", f"storewright.dev/instance={INSTANCE}"),
    "label a foreign namespace as its store": (
        *("label", "namespace", FOREIGN),
        *(f"{label}={value}" for label, value in labels().items()),
    ),
    "label another instance's store as its own": (*RELABEL, OTHER_STORE, f"storewright.dev/instance={INSTANCE}"),
    "annotate a foreign namespace": ("annotate", "namespace", FOREIGN, "storewright.dev/owner=x"),
    "label its store as another instance's": (*RELABEL, STORE, f"storewright.dev/instance={OTHER_INSTANCE}"),
    "remove the instance label of its store": ("label", "namespace", STORE, "storewright.dev/instance-"),
    "change the id of its store": (*RELABEL, STORE, "storewright.dev/store-id=2"),
    "lower the Pod Security level of its store": (*RELABEL, STORE, f"{POD_SECURITY}/enforce=baseline"),
    "remove the Pod Security level of its store": ("label", "namespace", STORE, f"{POD_SECURITY}/enforce-"),
    "set an old Pod Security version for its store": (
        *("label", "namespace", STORE),
        f"{POD_SECURITY}/enforce-version=v1.10",
    ),
    "delete kube-node-lease": ("delete", "namespace", "kube-node-lease", "--wait=false"),
    "delete its own namespace": ("delete", "namespace", "storewright", "--wait=false"),
    "delete a foreign namespace": ("delete", "namespace", FOREIGN, "--wait=false"),
    "delete another instance's store": ("delete", "namespace", OTHER_STORE, "--wait=false"),
}


@pytest.mark.parametrize("action", REFUSED_CHANGES)
def test_admission_policy_refuses_the_change(bot: Bot, action: str) -> None:
    refused = bot.kubectl(*REFUSED_CHANGES[action])
    assert refused.returncode != 0, refused.stdout
    assert "denied request" in refused.stderr


GRANTED_COMMANDS: dict[str, tuple[str, ...]] = {
    "list namespaces": ("get", "namespaces"),
    "list volumes": ("get", "persistentvolumes"),
    "list the Ingresses of the cluster": ("get", "ingresses", "--all-namespaces"),
    "annotate its store": ("annotate", "namespace", STORE, "storewright.dev/ready-at=1"),
    "create its store's Secret": ("create", "secret", "generic", "requested", "--from-literal=a=b", "-n", STORE),
    "read its store's Secrets": ("get", "secrets", "-n", STORE),
    "create its store's Deployment": ("create", "deployment", "requested", "--image=any", "-n", STORE),
    "list its store's pods": ("get", "pods", "-n", STORE),
    "list its store's events": ("get", "events", "-n", STORE),
    "list its Jobs": ("get", "jobs", "-n", "storewright"),
    "list storage classes": ("get", "storageclasses"),
    "read its role for stores": ("get", "clusterrole", f"{INSTANCE}-store"),
}


@pytest.mark.parametrize("action", GRANTED_COMMANDS)
def test_cluster_grants_the_request(bot: Bot, action: str) -> None:
    granted = bot.kubectl(*GRANTED_COMMANDS[action])
    assert granted.returncode == 0, granted.stderr


GRANTED_OBJECTS: dict[str, dict[str, Any]] = {
    "create its Lease": lease(f"storewright-{INSTANCE}", "storewright"),
    "create a worker Job": job("storewright"),
    "create a worker Job with another version": own_job(image="storewright/storewright:0.0.9"),
    "create a worker Job with an image digest": own_job(image=f"{IMAGE}@sha256:{'0' * 64}"),
    "create a Job in its store": job(STORE, containers=[worker(image="any", envFrom=[{"secretRef": {"name": "any"}}])]),
    "create its store's Service": service(STORE),
    "let its store's Service lead to its page": endpoint_slice(STORE),
}


@pytest.mark.parametrize("manifest", GRANTED_OBJECTS.values(), ids=list(GRANTED_OBJECTS))
def test_cluster_grants_the_object(bot: Bot, manifest: dict[str, Any]) -> None:
    granted = bot.create(manifest, dry_run=True)
    assert granted.status_code == 201, granted.text


def test_bot_may_delete_its_stores_namespace(bot: Bot) -> None:
    made = bot.create(namespace("store-refused-last", labels()))
    assert made.status_code == 201, made.text
    gone = bot.kubectl("delete", "namespace", "store-refused-last", "--wait=false")
    assert gone.returncode == 0, gone.stderr

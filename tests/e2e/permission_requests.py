"""Requests of a bot with only its own token, for the tests of its permissions and admission policies."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import httpx

from dev.cluster import Cluster
from dev.stack import ROOT, kubectl
from provisioner.runner.executors.job_manifest import Worker, manifest_of
from tests.unit.test_job_protocol import payload

# Two instances of Storewright on one cluster, with a store each, and a namespace of neither.
INSTANCE, OTHER_INSTANCE = "storewright-one", "storewright-two"
STORE, OTHER_STORE, FOREIGN = "store-refused-one", "store-refused-two", "refused-foreign"
IMAGE = "storewright/storewright:0.1.0"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
LEASES = "/apis/coordination.k8s.io/v1/namespaces"


class Bot:
    """kubectl and an HTTP client with the token of a bot's ServiceAccount as their only credential."""

    def __init__(self, cluster: Cluster, instance: str) -> None:
        config = json.loads(kubectl(cluster, "config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        api = config["clusters"][0]["cluster"]
        token = kubectl(cluster, "create", "token", instance, "-n", "storewright").strip()
        self._command = [str(ROOT / "build/tools/bin/kubectl"), f"--server={api['server']}", f"--token={token}"]
        self._command += ["--kubeconfig=/dev/null", "--insecure-skip-tls-verify"]
        headers = {"Authorization": f"Bearer {token}"}
        self._api = httpx.Client(base_url=api["server"], headers=headers, verify=False, trust_env=False)  # noqa: S501

    def kubectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._command, *arguments], capture_output=True, text=True, check=False)

    def create(self, manifest: dict[str, Any], *, dry_run: bool = False) -> httpx.Response:
        """The API server's answer to a POST of the manifest. kubectl would take ten times as long."""
        version, in_namespace = manifest["apiVersion"], manifest["metadata"].get("namespace")
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        path += f"/namespaces/{in_namespace}" if in_namespace else ""
        parameters = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        return self._api.post(f"{path}/{manifest['kind'].lower()}s", json=manifest, params=parameters)


def labels(instance: str | None = INSTANCE, **other: str | None) -> dict[str, str]:
    """The labels of a new store's namespace, with changes.

    A key of `other` is the part of a label after its slash, or a whole label; None removes it."""
    default: dict[str, str | None] = {
        "app.kubernetes.io/managed-by": "storewright",
        "storewright.dev/instance": instance,
        "storewright.dev/store-id": "0001",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    changed = {next((key for key in default if key.endswith(f"/{name}")), name): value for name, value in other.items()}
    return {key: value for key, value in (default | changed).items() if value is not None}


def namespace(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def binding(
    namespace_name: str, role: str = f"{INSTANCE}-store", kind: str = "ClusterRole", **subject: str
) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "name": INSTANCE, "namespace": "storewright"}
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "requested", "namespace": namespace_name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [account | subject],
    }


# Values of the bot's chart that also apply to the pods of its Jobs. The API server adds defaults to some of them.
VOLUME = {"name": "authority", "configMap": {"name": "authority"}}
PROJECTED_SOURCES = {"sources": [{"configMap": {"name": "a"}}, {"secret": {"name": "b", "optional": False}}]}
MOUNT = {"name": "authority", "mountPath": "/etc/authority", "readOnly": True}
PROXY = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
PASSWORD = {"name": "PROXY_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "proxy", "key": "password"}}}
OTHER_VARIABLES = [
    {"name": "ODD", "value": '"it\'s" <odd> & $(HTTPS_PROXY)\n'},
    {"name": "EMPTY", "value": ""},
    {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
]
OPERATOR_VALUES: dict[str, list[Any]] = {
    "extraEnv": [PROXY, PASSWORD, *OTHER_VARIABLES],
    "extraVolumes": [VOLUME, {"name": "both", "projected": PROJECTED_SOURCES}],
    "extraVolumeMounts": [MOUNT, {"name": "both", "mountPath": "/both", "readOnly": False}],
}
OPERATOR_CONTAINER = {"env": OPERATOR_VALUES["extraEnv"], "volumeMounts": OPERATOR_VALUES["extraVolumeMounts"]}
JOB_POD: dict[str, Any] = manifest_of(
    payload(service_account=f"storewright/{INSTANCE}", instance=INSTANCE),
    Worker(IMAGE, pod={"volumes": OPERATOR_VALUES["extraVolumes"]}, container=OPERATOR_CONTAINER),
    seconds=100,
)["spec"]["template"]
POD_SPEC = JOB_POD["spec"]
(CONTAINER,) = POD_SPEC["containers"]
SLACK_TOKEN = {"secretKeyRef": {"name": "storewright-slack", "key": "SLACK_BOT_TOKEN"}}


def worker(**changes: Any) -> dict[str, Any]:
    """The container of an allowed Job, with changes."""
    return {**CONTAINER, **changes}


def job(namespace_name: str, labels: dict[str, str] | None = None, **pod: Any) -> dict[str, Any]:
    """An allowed Job, with other labels of its pod and changes of its pod spec."""
    metadata = JOB_POD["metadata"] if labels is None else {"labels": labels}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "requested", "namespace": namespace_name},
        "spec": {"template": {"metadata": metadata, "spec": {**POD_SPEC, **pod}}},
    }


def own_job(**container: Any) -> dict[str, Any]:
    """An allowed Job in the bot's namespace, with changes of its container."""
    return job("storewright", containers=[worker(**container)])


def with_variable(name: str, **value: Any) -> dict[str, Any]:
    """An allowed Job, with one environment variable added or replaced."""
    others = [variable for variable in CONTAINER["env"] if variable["name"] != name]
    return own_job(env=[*others, {"name": name, **value}])


def with_volume(name: str = "x", **source: Any) -> dict[str, Any]:
    """An allowed Job, with one volume added or replaced."""
    others = [volume for volume in POD_SPEC["volumes"] if volume["name"] != name]
    return job("storewright", volumes=[*others, {"name": name, **source}])


def with_security(**changes: Any) -> dict[str, Any]:
    """An allowed Job, with changes of its container's security context."""
    return own_job(securityContext={**CONTAINER["securityContext"], **changes})


def service(namespace_name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "requested", "namespace": namespace_name}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}], **spec}}


def endpoint_slice(namespace_name: str, port: int = 8090, addresses: int = 1) -> dict[str, Any]:
    """What leads the visits of a sleeping store to the bot."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "requested", "namespace": namespace_name},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [f"192.0.2.{number}"]} for number in range(addresses)],
        "ports": [{"name": "", "port": port}],
    }


def account_token(namespace_name: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "requested", "namespace": namespace_name}
    metadata["annotations"] = {"kubernetes.io/service-account.name": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"}


def lease(name: str, namespace_name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace_name}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}


def put_request(path: str) -> tuple[str, ...]:
    """kubectl's arguments for a PUT without a GET, which would be refused first. The body is empty."""
    return ("replace", "--raw", path, "-f", "/dev/null")


def post_request(path: str) -> tuple[str, ...]:
    return ("create", "--raw", path, "-f", "/dev/null")


def exec_request(namespace_name: str, container: str = "") -> tuple[str, ...]:
    return post_request(f"/api/v1/namespaces/{namespace_name}/pods/any/exec?command=id&container={container}")

"""Images in a private registry: the registry's Secret is copied to each store's namespace, and nowhere else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev import local_http
from dev.charts import bot_chart
from dev.cluster import Cluster as DevCluster
from dev.cluster import archive
from dev.cluster.local import LocalCluster
from dev.cluster.node import Node
from dev.cluster.process import run
from dev.stack import StackError, kubectl
from provisioner.clients.kubernetes.cluster import PULL_SECRET
from provisioner.domain.job import JobStatus
from tests.e2e.kubernetes_harness import BOT_NAMESPACE, KubernetesHarness
from tests.e2e.provisioner_harness import INSTANCE, ProvisionerHarness
from tests.e2e.sample_type import SampleType, load_image
from tests.registry import running_registry

REGISTRY_SECRET, PASSWORDS = "registry-of-a-test", ("of-yesterday-1f2e", "of-today-3d4c")
BCRYPT = "$2b$04$kxTqWb1rRoLGU.ehhm5yc.K9J4nkzHsr2wVHxanydEF6BLhbi8QLi"  # of the first password


def login(password: str, registry: str = "registry.example.com") -> dict[str, Any]:
    """The content of auth.json."""
    return {"auths": {registry: {"username": "stores", "password": password}}}


def make_secret(cluster: DevCluster, password: str, registry: str = "registry.example.com") -> None:
    """Create or replace the registry's Secret, as an operator does."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": REGISTRY_SECRET, "namespace": BOT_NAMESPACE},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps(login(password, registry))},
    }
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(secret))


@pytest.fixture
def harness(cluster: DevCluster, tmp_path: Path) -> Iterator[KubernetesHarness]:
    load_image(cluster, tmp_path)
    opened = KubernetesHarness(cluster, tmp_path, SampleType(tmp_path / "charts"), REGISTRY_SECRET)
    yield opened
    opened.close()
    opened.remove_all()
    kubectl(cluster, "delete", "secret", REGISTRY_SECRET, "-n", BOT_NAMESPACE, "--ignore-not-found")


def get_objects(cluster: DevCluster, kind: str, namespace: str, *name: str) -> Any:
    return json.loads(kubectl(cluster, "get", kind, *name, "-n", namespace, "-o", "json"))


def test_pods_of_a_store_pull_with_a_copy_of_the_secret(cluster: DevCluster, harness: KubernetesHarness) -> None:
    missing = harness.ended(harness.create("paid-shop"))
    assert missing.status == JobStatus.FAILED
    assert missing.problem is not None
    assert (
        f"The Secret {BOT_NAMESPACE}/{REGISTRY_SECRET}, by which stores pull their images, is missing."
        in missing.problem.what
    )
    assert f"kubectl -n {BOT_NAMESPACE} create secret docker-registry {REGISTRY_SECRET}" in missing.problem.next_step

    auth = harness.folder / "auth.json"
    auth.write_text(json.dumps(login(PASSWORDS[0])))
    command = missing.problem.next_step.partition("kubectl ")[2].replace("auth.json", str(auth))
    kubectl(cluster, *command.split())
    job = harness.succeeded(harness.retry(missing))
    store = harness.store("paid-shop")
    pods = get_objects(cluster, "pods", store.namespace)["items"]
    assert [pod["spec"]["imagePullSecrets"] for pod in pods] == [[{"name": PULL_SECRET}]]
    original, copy = (
        get_objects(cluster, "secret", *of) for of in ((BOT_NAMESPACE, REGISTRY_SECRET), (store.namespace, PULL_SECRET))
    )
    assert (copy["type"], copy["data"]) == (original["type"], original["data"])

    make_secret(cluster, PASSWORDS[1])
    assert harness.ended(harness.upgrade(job)).status == JobStatus.SUCCEEDED
    renewed = get_objects(cluster, "secret", store.namespace, PULL_SECRET)
    assert renewed["data"] == get_objects(cluster, "secret", BOT_NAMESPACE, REGISTRY_SECRET)["data"] != copy["data"]

    texts = [
        (harness.folder / "ledger.db").read_bytes(),
        json.dumps(get_objects(cluster, "jobs,pods", BOT_NAMESPACE)).encode(),
    ]
    texts.append(json.dumps(get_objects(cluster, "all,configmaps", store.namespace)).encode())
    assert not [1 for text in texts for password in PASSWORDS if password.encode() in text]


def test_bot_may_read_no_other_secret_of_its_namespace(cluster: DevCluster, harness: KubernetesHarness) -> None:
    make_secret(cluster, PASSWORDS[0])
    account = f"--as=system:serviceaccount:{BOT_NAMESPACE}:{INSTANCE}"
    assert REGISTRY_SECRET in kubectl(cluster, "get", "secret", REGISTRY_SECRET, "-n", BOT_NAMESPACE, account)
    for refused in (
        ("get", "secret", "storewright-slack"),
        ("get", "secrets"),
        ("annotate", "secret", REGISTRY_SECRET, "read=1"),
        ("delete", "secret", REGISTRY_SECRET),
    ):
        with pytest.raises(StackError, match=r"failed: .*orbidden"):
            kubectl(cluster, *refused, "-n", BOT_NAMESPACE, account)


# --- a registry with a password -----------------------------------------------------------------------------------


@pytest.fixture
def registry(cluster: DevCluster, tmp_path: Path) -> Iterator[str]:
    """The host:port of a registry on the node: there, the container runtime may use plain HTTP."""
    if not isinstance(cluster, LocalCluster):
        pytest.skip("needs the local cluster's node")
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "htpasswd").write_text(f"stores:{BCRYPT}\n")
    address = f"{cluster.layout.node_address}:5055"
    on_the_node = ("nsenter", f"--target={Node(cluster.layout).pid()}", "--net", "--")
    auth = {"htpasswd": {"realm": "images", "path": str(folder / "htpasswd")}}
    with running_registry(folder, address, on_the_node, auth=auth, http={"addr": ":5055"}):
        yield address


class PullSecretHarness(ProvisionerHarness):
    """A harness whose jobs run here, with the registry's Secret."""

    def defaults(self) -> dict[str, Any]:
        return super().defaults() | {"pull_secret": f"{BOT_NAMESPACE}/{REGISTRY_SECRET}"}


def test_store_is_created_from_a_registry_with_a_password(cluster: DevCluster, registry: str, tmp_path: Path) -> None:
    image = f"127.0.0.1:5055/leaflet:{time.time_ns()}"
    archive.write(tmp_path / "leaflet.tar", image, {"busybox": Path("/bin/busybox")}, ["/busybox"])
    store = (f"--root={tmp_path}/storage", f"--runroot={tmp_path}/run", "--storage-driver=vfs")
    pulled = run("buildah", *store, "pull", "--quiet", f"docker-archive:{tmp_path}/leaflet.tar").strip()
    target = f"docker://{image.replace('127.0.0.1:5055', registry)}"
    run("buildah", *store, "push", "--tls-verify=false", f"--creds=stores:{PASSWORDS[0]}", pulled, target)
    assert local_http.get(f"http://{registry}/v2/leaflet/tags/list").status_code == 401

    kubectl(cluster, "apply", "-f", "-", stdin=bot_chart.NAMESPACE)
    make_secret(cluster, PASSWORDS[0], "127.0.0.1:5055")
    leaflet = SampleType(tmp_path / "charts")
    leaflet.release("0.1.0", image=image)
    harness = PullSecretHarness(cluster, tmp_path, leaflet.charts, "leaflet")
    try:
        harness.succeeded(harness.create("private-shop"))
    finally:
        harness.close()
        harness.remove_all()
        kubectl(cluster, "delete", "secret", REGISTRY_SECRET, "-n", BOT_NAMESPACE)

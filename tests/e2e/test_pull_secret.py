"""Stores' images in a private registry: its Secret goes from the bot's namespace to each store's, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import StackError, kubectl
from provisioner.cluster import PULL_SECRET
from provisioner.jobs import JobStatus
from tests.e2e.leaflet import Leaflet, load_image
from tests.e2e.remote import HOME, RemoteWorks
from tests.e2e.works import INSTANCE, LIMITS

REGISTRY, PASSWORDS = "registry-of-a-test", ("of-yesterday-1f2e", "of-today-3d4c")


def make_secret(cluster: DevCluster, password: str) -> None:
    """As an operator does, but for the command line."""
    config = {"auths": {"registry.example.com": {"username": "stores", "password": password}}}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": REGISTRY, "namespace": HOME},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps(config)},
    }
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(secret))


@pytest.fixture
def works(cluster: DevCluster, tmp_path: Path) -> Iterator[RemoteWorks]:
    load_image(cluster, tmp_path)
    opened = RemoteWorks(cluster, tmp_path, Leaflet(tmp_path / "charts"), REGISTRY)
    yield opened
    opened.close()
    opened.remove_all()
    kubectl(cluster, "delete", "secret", REGISTRY, "-n", HOME, "--ignore-not-found")


def found(cluster: DevCluster, kind: str, namespace: str, *name: str) -> Any:
    return json.loads(kubectl(cluster, "get", kind, *name, "-n", namespace, "-o", "json"))


def test_every_pod_of_a_store_pulls_by_a_copy_of_it(cluster: DevCluster, works: RemoteWorks) -> None:
    missing = works.ended(works.create("paid-shop"))
    assert missing.status == JobStatus.FAILED
    assert missing.problem is not None
    assert f"The Secret {HOME}/{REGISTRY}, by which stores pull their images, is missing." in missing.problem.what
    assert f"kubectl -n {HOME} create secret docker-registry {REGISTRY}" in missing.problem.next_step

    make_secret(cluster, PASSWORDS[0])
    key = {"by": "U1", "origin": "{}", "delivery_key": "again"}
    job = works.ended(works.ledger.order_retry(job_id=missing.id, limits=LIMITS, **key))
    assert job.status == JobStatus.SUCCEEDED, job.problem
    store = works.ledger.store("paid-shop")
    assert store is not None
    pods = found(cluster, "pods", store.namespace)["items"]
    assert [pod["spec"]["imagePullSecrets"] for pod in pods] == [[{"name": PULL_SECRET}]]
    original, copy = (found(cluster, "secret", *of) for of in ((HOME, REGISTRY), (store.namespace, PULL_SECRET)))
    assert (copy["type"], copy["data"]) == (original["type"], original["data"])

    make_secret(cluster, PASSWORDS[1])
    assert works.ended(works.upgrade(job)).status == JobStatus.SUCCEEDED
    renewed = found(cluster, "secret", store.namespace, PULL_SECRET)
    assert renewed["data"] == found(cluster, "secret", HOME, REGISTRY)["data"] != copy["data"]

    told = [(works.folder / "ledger.db").read_bytes(), json.dumps(found(cluster, "jobs,pods", HOME)).encode()]
    told.append(json.dumps(found(cluster, "all,configmaps", store.namespace)).encode())
    assert not [1 for text in told for password in PASSWORDS if password.encode() in text]


def test_of_the_secrets_beside_it_the_bot_reads_no_other(cluster: DevCluster, works: RemoteWorks) -> None:
    make_secret(cluster, PASSWORDS[0])
    account = f"--as=system:serviceaccount:{HOME}:{INSTANCE}"
    assert REGISTRY in kubectl(cluster, "get", "secret", REGISTRY, "-n", HOME, account)
    for refused in (
        ("get", "secret", "storewright-slack"),
        ("get", "secrets"),
        ("annotate", "secret", REGISTRY, "read=1"),
        ("delete", "secret", REGISTRY),
    ):
        with pytest.raises(StackError, match=r"failed: .*orbidden"):
            kubectl(cluster, *refused, "-n", HOME, account)

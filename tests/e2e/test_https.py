"""Stores with https: each is Ready once its certificate is trusted, one of its own or one for all stores."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dev.cluster import Cluster as DevCluster
from dev.cluster import binaries
from dev.stack import StackError, free_port, kubectl
from provisioner.clients.storefront_check import http_client
from provisioner.domain.job import JobStatus
from provisioner.domain.store import Addresses
from provisioner.operations.steps import readiness
from tests.certificate_authority import Authority
from tests.e2e.provisioner_harness import Works
from tests.integration.test_chart_quota import HTTP01
from tests.workers import PORT_OFFSET

DOMAIN = "shops.example.com"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """A certificate authority that the provisioner trusts."""
    ours = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.trusted))
    return ours


@contextmanager
def traefik(cluster: DevCluster, folder: Path, **default: str) -> Iterator[str]:
    """The address of a second ingress, for https; `default` is its certificate for stores without one."""
    stores = {"default": {"defaultCertificate": default}} if default else {}
    (folder / "dynamic.json").write_text(json.dumps({"tls": {"stores": stores}} if stores else {}))
    address = f"127.0.0.1:{free_port(8443 + PORT_OFFSET)}"
    options = [
        "--providers.kubernetesingress=true",
        f"--providers.file.filename={folder / 'dynamic.json'}",
        "--providers.providersthrottleduration=100ms",
        f"--entrypoints.websecure.address={address}",
        "--entrypoints.websecure.http.tls=true",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    with (folder / "traefik.log").open("w") as log:
        process = subprocess.Popen([binaries.ensure()["traefik"], *options], env=environment, stdout=log, stderr=log)
    try:
        yield address
    finally:
        process.terminate()
        process.wait(10)


class HttpsWorks(Works):
    """Works whose stores have https, at the ingress `address`."""

    def __init__(self, cluster: DevCluster, folder: Path, address: str, secret_name: str) -> None:
        self.address = address
        super().__init__(cluster, folder)
        self.overlay["medusa"]["ingress"] = {"tls": {"enabled": True, "secretName": secret_name}}

    def addresses(self) -> Addresses:
        return Addresses(DOMAIN, "https")

    def defaults(self) -> dict[str, Any]:
        return {"ingress_address": self.address}


@contextmanager
def opened(cluster: DevCluster, folder: Path, address: str, secret_name: str) -> Iterator[HttpsWorks]:
    works = HttpsWorks(cluster, folder, address, secret_name)
    try:
        yield works
    finally:
        works.close()
        works.remove_all()


def solver(service_type: str) -> str:
    """The objects that cert-manager (1.18) adds to a store for an HTTP01 challenge, with its documented defaults."""
    labels = {"acme.cert-manager.io/http01-solver": "true"}
    container = {
        "name": "acmesolver",
        "image": "quay.io/jetstack/cert-manager-acmesolver:v1.18.2",
        "ports": [{"name": "http", "containerPort": 8089}],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "OnFailure",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    service = {"type": service_type, "selector": labels, "ports": [{"port": 8089, "targetPort": 8089}]}
    kinds = {"Pod": pod, "Service": service}
    items = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": "cm-acme-http-solver", "labels": labels}, "spec": spec}
        for kind, spec in kinds.items()
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def test_store_is_ready_once_its_own_certificate_exists(
    cluster: DevCluster, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with traefik(cluster, tmp_path) as address, opened(cluster, tmp_path, address, "") as works:
        job = works.create("safe-shop")
        with monkeypatch.context() as impatient:
            impatient.setattr(readiness, "ANSWER_TIMEOUT_SECONDS", 2)
            works.reached(job, "storefront")
            time.sleep(6)
            waiting = works.job(job)
            assert waiting.live, waiting.problem
        beside = ("create", "--dry-run=server", "-n", "store-safe-shop", "-f", "-")
        assert "Warning" not in kubectl(cluster, *beside, stdin=solver(HTTP01["serviceType"]))
        with pytest.raises(StackError, match=r"exceeded quota.*services\.nodeports=1"):
            kubectl(cluster, *beside, stdin=solver("NodePort"))
        crt, key = authority.certificate(f"safe-shop.{DOMAIN}")  # as cert-manager does
        made = ("create", "secret", "tls", "safe-shop-tls", f"--cert={crt}", f"--key={key}", "-n", "store-safe-shop")
        kubectl(cluster, *made)
        done = works.ended(job)
        assert done.status == JobStatus.SUCCEEDED, done.problem


def test_wildcard_certificate_serves_all_stores(cluster: DevCluster, authority: Authority, tmp_path: Path) -> None:
    crt, key = authority.certificate(f"*.{DOMAIN}")
    with (
        traefik(cluster, tmp_path, certFile=str(crt), keyFile=str(key)) as address,
        opened(cluster, tmp_path, address, "-") as works,
    ):
        done = works.ended(works.create("plain-shop"))
        assert done.status == JobStatus.SUCCEEDED, done.problem
        host = f"plain-shop.{DOMAIN}"
        with http_client(f"https://{address}") as client:
            page = client.get("/", headers={"Host": host}, extensions={"sni_hostname": host})
        assert page.status_code == 200
        assert "plain-shop" in page.text

"""Stores with HTTPS are Ready once their certificate is trusted: their own one, or a wildcard for all stores."""

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
from provisioner.diagnosis import Patience
from provisioner.domain.store import Addresses
from tests.certificate_authority import CertificateAuthority
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.integration.test_chart_quota import HTTP01
from tests.workers import PORT_OFFSET

DOMAIN = "shops.example.com"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CertificateAuthority:
    """A certificate authority that the provisioner trusts."""
    ours = CertificateAuthority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.ca_file))
    return ours


@contextmanager
def traefik(cluster: DevCluster, folder: Path, **default: str) -> Iterator[str]:
    """The address of a second ingress controller, with HTTPS. `default` is its default certificate."""
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


class HttpsHarness(ProvisionerHarness):
    """A harness whose WooCommerce stores, which start fast, have HTTPS at the ingress controller's `address`."""

    def __init__(self, cluster: DevCluster, folder: Path, address: str, secret_name: str) -> None:
        self.address = address
        super().__init__(cluster, folder, type="woocommerce")
        self.overlay["woocommerce"]["ingress"] = {"tls": {"enabled": True, "secretName": secret_name}}

    def addresses(self) -> Addresses:
        return Addresses(DOMAIN, "https")

    def defaults(self) -> dict[str, Any]:
        return {"ingress_address": self.address}


@contextmanager
def https_harness(cluster: DevCluster, folder: Path, address: str, secret_name: str) -> Iterator[HttpsHarness]:
    harness = HttpsHarness(cluster, folder, address, secret_name)
    try:
        yield harness
    finally:
        harness.close()
        harness.remove_all()


def acme_solver(service_type: str) -> str:
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
    cluster: DevCluster, authority: CertificateAuthority, tmp_path: Path
) -> None:
    with traefik(cluster, tmp_path) as address, https_harness(cluster, tmp_path, address, "") as harness:
        harness.patience = Patience(wrong_answer=4)
        harness.reopen()
        job = harness.create("safe-shop")
        harness.wait_for_stage(job, "storefront")
        time.sleep(6)
        waiting = harness.job(job)
        assert waiting.live, waiting.problem
        create = ("create", "--dry-run=server", "-n", "store-safe-shop", "-f", "-")
        assert "Warning" not in kubectl(cluster, *create, stdin=acme_solver(HTTP01["serviceType"]))
        with pytest.raises(StackError, match=r"exceeded quota.*services\.nodeports=1"):
            kubectl(cluster, *create, stdin=acme_solver("NodePort"))
        crt, key = authority.certificate(f"safe-shop.{DOMAIN}")  # as cert-manager does
        made = ("create", "secret", "tls", "safe-shop-tls", f"--cert={crt}", f"--key={key}", "-n", "store-safe-shop")
        kubectl(cluster, *made)
        harness.succeeded(job)


def test_wildcard_certificate_serves_all_stores(
    cluster: DevCluster, authority: CertificateAuthority, tmp_path: Path
) -> None:
    crt, key = authority.certificate(f"*.{DOMAIN}")
    with (
        traefik(cluster, tmp_path, certFile=str(crt), keyFile=str(key)) as address,
        https_harness(cluster, tmp_path, address, "-") as harness,
    ):
        harness.succeeded(harness.create("plain-shop"))
        host = f"plain-shop.{DOMAIN}"
        with http_client(f"https://{address}") as client:
            page = client.get("/", headers={"Host": host}, extensions={"sni_hostname": host})
        assert page.status_code == 200
        assert "plain-shop" in page.text

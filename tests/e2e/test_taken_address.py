"""A store whose address another site of the cluster has is not created; once that host is removed, a retry succeeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.cluster import Cluster
from dev.stack import Stack, kubectl, newest_root
from tests.e2e.sample_type import SampleType, load_image

SITE = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: taken-site, namespace: default }
spec:
  rules:
    - host: taken-shop.localhost
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: site, port: { number: 80 } } } }] }
"""


@pytest.fixture
def site(cluster: Cluster, tmp_path: Path) -> Iterator[None]:
    """Somebody's Ingress in another namespace."""
    manifest = tmp_path / "site.yaml"
    manifest.write_text(SITE)
    kubectl(cluster, "apply", "-f", str(manifest))
    yield
    kubectl(cluster, "delete", "ingress", "taken-site", "-n", "default", "--ignore-not-found")


def test_store_gets_no_address_of_another_site(
    stack: Callable[..., Stack], cluster: Cluster, site: None, tmp_path: Path
) -> None:
    load_image(cluster, tmp_path)
    leaflet = SampleType(tmp_path / "charts")
    slack = stack(CHARTS_DIR=str(leaflet.charts)).slack()
    assert slack.command("Dana", "#stores", "/store create taken-shop leaflet").ok
    failed = {"store": "taken-shop", "status": "failed"}
    root = slack.wait_for(lambda: newest_root(slack.messages("#stores"), **failed), 30, "the failure")
    owner = "the Ingress default/taken-site (taken-shop.localhost)"
    assert f"The address taken-shop.localhost is not free: it belongs to {owner}." in root["text"]
    namespaces = json.loads(kubectl(cluster, "get", "namespaces", "-o", "json"))["items"]
    assert "store-taken-shop" not in [found["metadata"]["name"] for found in namespaces], "nothing was created"

    kubectl(cluster, "delete", "ingress", "taken-site", "-n", "default")
    assert slack.click("Dana", root, "retry").ok
    ready = {"store": "taken-shop", "status": "succeeded"}
    slack.wait_for(lambda: newest_root(slack.messages("#stores"), **ready), 120, "the retried store to be Ready")

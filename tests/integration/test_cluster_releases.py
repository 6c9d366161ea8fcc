"""Helm's releases, read from the labels of its Secrets."""

from __future__ import annotations

from pathlib import Path

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.clients.kubernetes.releases import Release, record_name
from tests.conftest import write_kubeconfig
from tests.integration.kubernetes_api import Answer, Request, serving


def secret(revision: int, status: str) -> dict[str, object]:
    labels = {"owner": "helm", "name": "shop", "status": status, "version": str(revision)}
    return {"metadata": {"name": record_name("shop", revision), "labels": labels}, "data": {}}


def test_revisions_are_in_the_order_of_their_numbers_and_the_newest_may_be_stuck(tmp_path: Path) -> None:
    kept = [secret(10, "pending-upgrade"), secret(8, "superseded"), secret(9, "deployed")]

    def answer(request: Request) -> Answer:
        chosen = kept if request.query["labelSelector"] == "owner=helm,name=shop" else []
        return 200, {"items": chosen if request.path == "/api/v1/namespaces/store-shop/secrets" else []}

    with serving(answer) as address:
        cluster = Cluster(write_kubeconfig(tmp_path / "kubeconfig", address))
        assert [release.revision for release in cluster.revisions("store-shop", "shop")] == [8, 9, 10]
        newest = cluster.release("store-shop", "shop")
        assert newest == Release(10, "pending-upgrade", "sh.helm.release.v1.shop.v10")
        assert newest.stuck
        assert cluster.release("store-shop", "other") is None

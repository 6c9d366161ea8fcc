"""Backups in an S3 bucket: made, listed, restored and tidied up, and what people read while it is away.

The S3 server is rclone's own, which checks signatures as the original does."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import ROOT, backup_image
from provisioner.domain.job import JobStatus
from tests.e2e.backed_up_store import PICTURE_BYTES, BackedUpStore, backed_up_store
from tests.e2e.backup_server import BackupServer

S3_SERVER = (ROOT / "tests/e2e/s3_server.yaml").read_text()
OPTIONS = ("--set=backups.remote=s3:backups/shops", "--set=backups.remoteSecret=s3", "--set=backups.remotePort=8080")


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "remote")


@pytest.fixture(scope="module")
def store(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    image = backup_image()
    server.kubectl("apply", "-f", "-", stdin=S3_SERVER.replace("@image@", f"{image['repository']}:{image['tag']}"))
    server.kubectl("rollout", "status", "deployment/s3", "--timeout=120s")
    with backed_up_store(server, tmp_path_factory.mktemp("remote"), *OPTIONS) as made:
        yield made
    server.kubectl("delete", "deployment/s3", "service/s3", "secret/s3", "pvc/s3", "--wait=false")


def test_backup_goes_to_the_bucket_and_comes_back(store: BackedUpStore, server: BackupServer) -> None:
    picture = store.upload()
    store.harness.succeeded(store.harness.backup(store.made))
    [backup] = store.harness.backups(store.made)
    assert backup.added_bytes > PICTURE_BYTES
    list_files = ("rclone", "lsf", "-R", f"/data/backups/shops/{store.made.store_id}")
    assert f"snapshots/{backup.id}" in server.kubectl("exec", "deployment/s3", "--", *list_files)
    store.upload()
    store.harness.succeeded(store.harness.restore(store.made, backup))
    assert store.checksum() == picture


def test_old_backups_are_removed_from_the_bucket(store: BackedUpStore, server: BackupServer) -> None:
    server.kubectl("create", "job", f"--from={server.retention}", "tidy-bucket")
    server.kubectl("wait", "--for=condition=Complete", "job/tidy-bucket", "--timeout=300s")
    [line] = server.kubectl("logs", "job/tidy-bucket").splitlines()  # the bot warns of any other
    kept = {backup["id"] for backup in json.loads(line)["backups"]}
    assert kept == {backup.id for backup in store.harness.backups(store.made)}


def test_backup_fails_soon_while_the_bucket_is_away_and_its_retry_succeeds(
    store: BackedUpStore, server: BackupServer
) -> None:
    server.kubectl("scale", "deployment/s3", "--replicas=0")
    server.kubectl("wait", "--for=delete", "pod", "-l", "app=s3", "--timeout=60s")
    failed = store.harness.ended(store.harness.backup(store.made))
    server.kubectl("scale", "deployment/s3", "--replicas=1")
    server.kubectl("rollout", "status", "deployment/s3", "--timeout=120s")
    assert failed.status == JobStatus.FAILED
    assert "the backup server does not answer" in str(failed.problem)
    store.harness.succeeded(store.harness.retry(failed))

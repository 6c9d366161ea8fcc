"""The archive of an export becomes a store of its own; one that is no good becomes none, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from dev.cluster import Cluster as DevCluster
from provisioner.domain.job import JobStatus
from provisioner.imports import AT_ONCE, NotYet
from provisioner.operations.steps import backup_job
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store
from tests.e2e.backup_server import BackupServer
from tests.e2e.imported_archive import Upload, archive_from, spoilt


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "imported")


@pytest.fixture(scope="module")
def store(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("imported")) as made:
        made.upload()
        made.harness.succeeded(made.harness.backup(made.made))
        yield made


@pytest.fixture(scope="module")
def archive(store: BackedUpStore) -> bytes:
    return archive_from(store.harness, store.made)


def test_archive_becomes_a_store_that_is_backed_up_and_independent(store: BackedUpStore, archive: bytes) -> None:
    upload = Upload(store.harness, f"{store.name}-a", archive)
    upload.go_on()
    imported = store.harness.succeeded(upload.job)
    assert store.picture_in(upload.name) == store.checksum()
    [first] = store.harness.backups(imported)
    assert (first.reason, first.version) == ("imported", store.type.version)
    store.harness.succeeded(store.harness.backup(imported))
    store.harness.succeeded(store.harness.delete(imported))
    store.harness.succeeded(store.harness.undelete(imported))
    assert store.picture_in(upload.name) == store.checksum()
    assert store.intact()


def test_interrupted_import_goes_on_with_the_archive_that_is_there(store: BackedUpStore, archive: bytes) -> None:
    upload = Upload(store.harness, f"{store.name}-b", archive)
    upload.go_on(1)
    for stage in ("upload", "restore", "application"):
        store.harness.wait_for_stage(upload.job, stage)
        store.harness.reopen()
        if stage == "upload":
            assert upload.send(0) == 1_000_000, "the first part is there, and is not written twice"
            upload.go_on()
    store.harness.succeeded(upload.job)
    assert store.picture_in(upload.name) == store.checksum()
    assert len(store.harness.backups(upload.job)) == 1


def test_archive_that_is_no_good_becomes_no_store(store: BackedUpStore, archive: bytes) -> None:
    cases = [
        (Upload(store.harness, f"{store.name}-x{number}", bad), said)
        for number, (bad, said) in enumerate(spoilt(archive))
    ]
    for upload, _ in cases[:AT_ONCE]:
        with pytest.raises(NotYet, match="is being prepared"):
            upload.send(0)
    with pytest.raises(NotYet, match="4 other imports are running"):
        cases[AT_ONCE][0].send(0)
    for upload, said in cases:
        upload.go_on()
        failed = store.harness.ended(upload.job)
        assert failed.status == JobStatus.FAILED
        assert failed.problem
        assert said in failed.problem.cause
        assert f"type /store import {upload.name}" in failed.problem.next_step
    assert store.intact()
    first = cases[0][0]
    store.harness.succeeded(store.harness.delete(first.job))
    again = Upload(store.harness, first.name, archive)
    again.go_on()
    store.harness.succeeded(again.job)


def test_upload_that_stops_fails_and_its_retry_goes_on(
    store: BackedUpStore, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_job, "UPLOAD_IDLE_SECONDS", 3)
    upload = Upload(store.harness, f"{store.name}-c", archive)
    upload.go_on(1)
    failed = store.harness.ended(upload.job)
    assert failed.problem
    assert "nothing was uploaded for 3 seconds; 1000000 bytes are here" in failed.problem.cause
    monkeypatch.undo()
    retried = store.harness.retry(failed)
    upload.go_on()
    store.harness.succeeded(retried)
    assert store.picture_in(upload.name) == store.checksum()


def test_retry_after_the_upload_needs_no_other_one(store: BackedUpStore, archive: bytes) -> None:
    upload = Upload(store.harness, f"{store.name}-d", archive.replace(b"16 pages\n", b"17 pages\n", 1))
    upload.go_on()
    failed = store.harness.ended(upload.job)
    assert failed.problem
    assert "error: not 16 pages" in failed.problem.cause
    retried = store.harness.ended(store.harness.retry(failed))
    assert retried.problem, "the archive is the same"
    assert len(store.harness.backups(retried)) == 1, "and was not waited for"


def test_terminal_imports_a_file(
    store: BackedUpStore, archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.use_terminal(monkeypatch)
    file, new = tmp_path / "my-shop.tar", f"{store.name}-e"
    file.write_bytes(archive)
    done = CliRunner().invoke(main, ["import", new, str(file)])
    assert done.exit_code == 0, done.output
    assert "3 MB of the archive are uploaded." in done.output
    assert store.picture_in(new) == store.checksum()
    piped = CliRunner().invoke(main, ["import", f"{new}1", "-"], input=archive)
    assert piped.exit_code == 0, piped.output
    assert store.picture_in(f"{new}1") == store.checksum()
    assert CliRunner().invoke(main, ["import", f"{new}2", str(Path(__file__))]).exit_code == 2, "this is no archive"

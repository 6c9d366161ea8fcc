"""A backup leaves the cluster as one archive, whatever its size; the shop goes on, and nothing is left behind."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from dev.cluster import Cluster as DevCluster
from provisioner.domain.errors import JobFailed
from provisioner.exports import archive_of
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store
from tests.e2e.backup_server import BackupServer
from tests.waiting import until


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "exported")


@pytest.fixture(scope="module")
def store(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("exported")) as made:
        yield made


def parts_of(store: BackedUpStore, **changes: str) -> Iterator[bytes]:
    backup = store.harness.backups(store.made)[0]
    tools = store.harness.tools
    return archive_of(tools, store.harness.store(store.name), type(backup)(**{**vars(backup), **changes}))


def require_no_job_left(store: BackedUpStore) -> None:
    jobs = ("get", "jobs", "-l", "app.kubernetes.io/component=export", "-o", "name")
    until("the Job to go", lambda: not store.kubectl(*jobs).strip())


def test_archive_has_the_database_the_uploads_and_what_they_are(store: BackedUpStore) -> None:
    picture = store.upload("picture-with-a-long-name-" + "x" * 120)
    store.harness.succeeded(store.harness.backup(store.made))
    content = b"".join(parts_of(store))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        names = archive.getnames()
        files = {name: archive.extractfile(name).read() for name in names if archive.getmember(name).isfile()}  # type: ignore[union-attr]
    assert names[:2] == ["README.txt", "storewright.json"]
    assert files["dump/database.sql"] == b"16 pages\n"
    [found] = [content for name, content in files.items() if name.startswith("uploads/picture-with")]
    assert hashlib.md5(found, usedforsecurity=False).hexdigest() == picture
    about = json.loads(files["storewright.json"])
    assert (about["name"], about["type"], about["counts"]) == (store.name, "booklet", {"pages": 16})
    assert store.name in files["README.txt"].decode()
    assert store.intact()
    require_no_job_left(store)


def test_download_that_somebody_stops_leaves_no_job(store: BackedUpStore) -> None:
    parts = parts_of(store)
    next(parts)
    parts.close()  # type: ignore[attr-defined]
    require_no_job_left(store)


def test_backup_that_is_not_there_is_no_archive(store: BackedUpStore) -> None:
    with pytest.raises(JobFailed, match=r"could not be read. Load\(<snapshot/ffffffffff>, 0, 0\) failed"):
        next(parts_of(store, id="f" * 64))
    require_no_job_left(store)


def test_server_that_is_away_is_no_endless_wait(store: BackedUpStore, server: BackupServer) -> None:
    with server.away(), pytest.raises(JobFailed, match="the backup server does not answer"):
        next(parts_of(store))
    require_no_job_left(store)
    assert next(parts_of(store))


def test_terminal_writes_the_archive_to_a_file(
    store: BackedUpStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.use_terminal(monkeypatch)
    file = tmp_path / "my-shop.tar"
    done = CliRunner().invoke(main, ["export", store.name, str(file)])
    assert done.exit_code == 0, done.output
    with tarfile.open(file) as archive:
        assert archive.getnames()[0] == "README.txt"
        assert "dump/database.sql" in archive.getnames()
    assert [row["detail"] for row in store.harness.ledger.audit.rows()][-1] == f"export {store.name}"

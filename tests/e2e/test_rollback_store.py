"""A store goes back to a former version, with its data from before the upgrade; a rollback that fails changes nothing.

The tests share one store and run in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.domain.backup import Reason
from provisioner.domain.errors import Refused
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.operations.namespace_metadata import stores_in_cluster
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store
from tests.e2e.backup_server import BackupServer
from tests.e2e.provisioner_harness import INSTANCE
from tests.waiting import until

OPTION = "- {id: memory, label: Memory, value: memory, default: 32Mi, choices: {32Mi: Small, 48Mi: Large}}"


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "rolled-back")


@pytest.fixture(scope="module")
def store(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("rolled-back")) as made:
        yield made


def upgraded(store: BackedUpStore, memory: str) -> Job:
    """Upgrade to the next version, whose chart has an option, with this choice."""
    store.type.release(store.next_version, migration="true")
    store.type.annotate("storewright.dev/options", OPTION)
    store.harness.ledger.stores.set_options(store.made.store_id, {"memory": memory})
    store.harness.reopen()
    return store.harness.succeeded(store.harness.upgrade(store.made))


def test_killed_rollback_brings_version_and_data_back_once_and_an_upgrade_leads_forward_again(
    store: BackedUpStore,
) -> None:
    former = store.upload()
    upgraded(store, "32Mi")
    store.upload()
    job = store.harness.rollback(store.made)
    for stage in ("release", "restore", "storefront"):
        store.harness.wait_for_stage(job, stage)
        store.harness.reopen()
    store.harness.succeeded(job)
    store.require_version("0.1.0")
    assert store.checksum() == former
    before, before_upgrade = store.harness.backups(store.made)
    assert (before.reason, before.version) == (Reason.BEFORE_ROLLBACK, "0.1.1")
    assert (before_upgrade.reason, before_upgrade.version) == (Reason.BEFORE_UPGRADE, "0.1.0")
    [adopted] = [
        found for found in stores_in_cluster(store.harness.tools.cluster, INSTANCE) if found.name == store.name
    ]
    assert (adopted.version, adopted.options) == ("0.1.0", store.harness.store(store.name).options)
    with pytest.raises(Refused, match="has nothing to go back to"):
        store.harness.rollback(store.made)

    store.harness.succeeded(store.harness.upgrade(store.made))
    store.require_version("0.1.1")


def test_failed_rollback_brings_the_present_version_and_its_data_back(
    store: BackedUpStore, server: BackupServer
) -> None:
    upgraded(store, "48Mi")
    present = store.upload()
    [lost] = [found for found in store.harness.backups(store.made) if found.version == "0.1.1"][:1]
    server.shell(store.made.store_id, f"restic --no-cache forget {lost.id}")
    failed = store.harness.ended(store.harness.rollback(store.made))
    assert failed.status == JobStatus.FAILED
    assert "does not exist" in str(failed.problem)
    events = store.harness.ledger.jobs.events(failed.id)
    assert ("rollback", EventKind.DONE) in [(event.stage, event.kind) for event in events]
    store.require_version("0.1.2")
    assert store.checksum() == present
    until("the shop is back", store.intact)


def test_rollback_that_was_ordered_for_another_version_changes_nothing_and_its_advice_helps(
    store: BackedUpStore,
) -> None:
    stale = store.harness.rollback(store.made, keep_data=True, present="0.0.9")
    failed = store.harness.ended(stale)
    assert "runs version 0.1.2 now, and ran 0.0.9 when this was ordered" in str(failed.problem)
    present = store.checksum()
    store.harness.succeeded(store.harness.rollback(store.made, keep_data=True))
    store.require_version("0.1.1")
    assert store.checksum() == present, "the data was kept"
    assert store.harness.store(store.name).options == {"memory": "32Mi"}

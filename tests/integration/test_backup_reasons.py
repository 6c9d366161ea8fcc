"""Each reason for a backup has its place in the daily removal, and no backup is loaded into an older chart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.domain.backup import Backup, Reason
from provisioner.domain.errors import Refused
from provisioner.domain.job import Job
from provisioner.operations.restore import RESTORE, arguments_of
from tests.ledgers import SampleOrders, repository_catalog
from tests.unit.sample_stores import BACKUPS

RETENTION = (Path(__file__).parents[2] / "charts/storewright/files/retention.sh").read_text()


@pytest.mark.parametrize("reason", Reason)
def test_removal_of_old_backups_knows_the_reason(reason: Reason) -> None:
    assert f"--tag reason={reason} " in RETENTION or f"--tag 'reason={reason}'" in RETENTION


@pytest.fixture
def made(orders: SampleOrders) -> Job:
    """The creation of a store that runs version 0.9.1."""
    return orders.finished(orders.create(), "0.9.1")


def backup_of(orders: SampleOrders, version: str) -> Backup:
    backup = replace(BACKUPS[0], store_id=orders.store().id, version=version)
    orders.ledger.store_backups.add(backup)
    return backup


@pytest.mark.parametrize("version", ["0.9.2", "0.10.0", "1.0"])
def test_backup_of_a_later_version_is_not_restored(orders: SampleOrders, made: Job, version: str) -> None:
    arguments = arguments_of(backup_of(orders, version), back_up_first=True)
    with pytest.raises(Refused, match=f"is of version {version}, and the store would run 0.9.1") as refused:
        orders.place(RESTORE, made, arguments=arguments)
    assert "Choose an older backup, or upgrade first." in str(refused.value)


@pytest.mark.parametrize("version", ["0.9.1", "0.9.0", "0.8.12", ""])
def test_backup_of_this_version_or_an_earlier_one_is_restored(orders: SampleOrders, made: Job, version: str) -> None:
    arguments = arguments_of(backup_of(orders, version), back_up_first=True)
    assert orders.place(RESTORE, made, arguments=arguments).kind == RESTORE.kind


def test_backup_of_a_later_version_is_not_cloned(orders: SampleOrders, made: Job) -> None:
    backup = backup_of(orders, "99.0.0")
    with pytest.raises(Refused, match=f"would run {repository_catalog().get('medusa').version}"):
        orders.clone(made, "my-copy", backup.id)

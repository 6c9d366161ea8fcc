"""The doctor names stores whose newest backup is old, and says when the room for backups ends."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.cli.doctor import store_backups
from bot.cli.doctor.environment import Environment
from bot.settings import Settings
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.runner.kept_backups import Room
from tests.environment import NEEDED
from tests.ledgers import SampleOrders, repository_catalog
from tests.unit.sample_stores import BACKUPS

DAY = 86_400


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The doctor's environment of a bot with daily backups."""
    given = {"BACKUP_SERVER": "https://one-backup.home.svc:8000", "BACKUP_DAILY_HOUR": "1"}
    for name, value in {**NEEDED, **given, "LEDGER_PATH": str(tmp_path / "ledger.db")}.items():
        monkeypatch.setenv(name, value)
    other: Any = None  # this check reads no other part
    return Environment(Settings.from_environment(), other, other, repository_catalog(), other, other)


def make_old(orders: SampleOrders) -> None:
    """A store that has been ready for three days."""
    orders.finished(orders.create())
    with orders.ledger.transaction() as db:
        db.execute("UPDATE stores SET ready_at = ?", (time.time() - 3 * DAY,))


def back_up(orders: SampleOrders, days_ago: float) -> None:
    made = replace(BACKUPS[0], id=str(days_ago), store_id=orders.store().id, made_at=time.time() - days_ago * DAY)
    orders.ledger.store_backups.add(made)


def test_store_without_a_recent_backup_is_named(environment: Environment, orders: SampleOrders) -> None:
    make_old(orders)
    back_up(orders, 2)
    [found] = store_backups.ages(environment)
    assert (found.status, found.message) == ("wrong", "Not backed up for 36 hours: my-shop.")
    assert "storewright backup my-shop" in found.fix
    back_up(orders, 0.5)
    [found] = store_backups.ages(environment)
    assert found.status == "ok"


def test_new_store_waits_for_its_first_night(environment: Environment, orders: SampleOrders) -> None:
    orders.finished(orders.create())
    [found] = store_backups.ages(environment)
    assert found.status == "ok"


@pytest.mark.parametrize("missing", ["BACKUP_SERVER", "BACKUP_DAILY_HOUR"])
def test_without_daily_backups_no_store_is_late(
    environment: Environment, orders: SampleOrders, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    make_old(orders)
    monkeypatch.delenv(missing)
    assert list(store_backups.ages(replace(environment, settings=Settings.from_environment()))) == []


@pytest.mark.parametrize(("free", "status"), [(11, "ok"), (10, "wrong")])
def test_storage_of_the_backups_that_is_nearly_full_is_wrong(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    monkeypatch.setattr(store_backups, "read_room", lambda cluster, server: Room(free * 10**9, 100 * 10**9))
    reachable = replace(environment, cluster=Cluster.__new__(Cluster), kubernetes_version="v1.34.0")
    [found] = store_backups.room(reachable)
    assert found.status == status
    assert f"{free}.0 GB of 100.0 GB" in found.message

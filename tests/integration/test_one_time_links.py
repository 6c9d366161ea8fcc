"""One-time credential links on a real ledger: one reveal, in time, with the right token."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from provisioner import one_time_links
from provisioner.domain.errors import LinkRefused, StoreNotFound, Transient
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.links import OneTimeLink, Purpose
from tests.conftest import Clock
from tests.ledgers import SampleOrders

SECRET = {"admin-password": "hunter2"}


@pytest.fixture
def store(orders: SampleOrders) -> Store:
    orders.finished(orders.create("my-shop"))
    return orders.store("my-shop")


def reveal(ledger: Ledger, link: one_time_links.MintedLink, token: str | None = None) -> dict[str, str]:
    given = link.token if token is None else token
    return one_time_links.use(ledger, link.id, given, Purpose.REVEAL, lambda *_: SECRET, detail="", request_id="r")[1]


def test_link_reveals_once_and_is_audited_and_queues_a_receipt(ledger: Ledger, store: Store) -> None:
    link = one_time_links.mint(ledger, store, "U1")
    assert reveal(ledger, link) == SECRET
    with pytest.raises(LinkRefused, match="already used"):
        reveal(ledger, link)
    [row] = ledger.audit.rows()
    assert (row["actor"], row["action"], row["store"], row["outcome"]) == ("U1", "reveal", "my-shop", "answered")
    assert [entry.subject for entry in ledger.outbox.due() if entry.kind == "notice"] == [link.id]


def test_one_of_twelve_concurrent_claims_of_a_link_succeeds(ledger: Ledger, store: Store, clock: Clock) -> None:
    ledger.links.add(OneTimeLink("L1", "hash", store.id, "U1", clock.now, clock.now + 900))
    claimed: list[bool] = []

    def claim() -> None:
        claimed.append(ledger.links.claim("L1", actor="U1", detail="", request_id="r"))

    threads = [threading.Thread(target=claim) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [False] * 11 + [True]
    assert [row["action"] for row in ledger.audit.rows()] == ["reveal"]


@pytest.mark.parametrize("token", ["", "wrong", "x" * 10_000])
def test_wrong_token_is_refused_and_does_not_use_the_link(ledger: Ledger, store: Store, token: str) -> None:
    link = one_time_links.mint(ledger, store, "U1")
    with pytest.raises(LinkRefused, match="not valid"):
        reveal(ledger, link, token)
    assert reveal(ledger, link) == SECRET


def test_link_expires_after_fifteen_minutes(ledger: Ledger, store: Store, clock: Clock) -> None:
    link = one_time_links.mint(ledger, store, "U1")
    clock.now += 15 * 60
    with pytest.raises(LinkRefused, match="has expired"):
        reveal(ledger, link)


def test_new_link_and_delete_revoke_the_old_link(ledger: Ledger, store: Store, orders: SampleOrders) -> None:
    first = one_time_links.mint(ledger, store, "U1")
    second = one_time_links.mint(ledger, store, "U1")
    with pytest.raises(LinkRefused, match="revoked"):
        reveal(ledger, first)
    job = ledger.jobs.last(store.id)
    assert job is not None
    orders.delete(job)
    with pytest.raises(LinkRefused, match="revoked"):
        reveal(ledger, second)
    with pytest.raises(StoreNotFound):
        one_time_links.mint(ledger, store, "U1")


def test_api_failure_does_not_use_the_link(ledger: Ledger, store: Store) -> None:
    link = one_time_links.mint(ledger, store, "U1")

    def away(_: Store, __: OneTimeLink) -> dict[str, str]:
        raise Transient("The API is away.")

    with pytest.raises(Transient):
        one_time_links.use(ledger, link.id, link.token, Purpose.REVEAL, away, detail="", request_id="r")
    assert reveal(ledger, link) == SECRET


def test_ledger_holds_neither_token_nor_password(ledger: Ledger, store: Store, tmp_path: Path) -> None:
    link = one_time_links.mint(ledger, store, "U1")
    reveal(ledger, link)
    written = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    assert link.token.encode() not in written
    assert b"hunter2" not in written
    assert link.id.encode() in written


def test_links_to_credentials_and_to_backups_do_not_stand_for_each_other(ledger: Ledger, store: Store) -> None:
    login, backup = one_time_links.mint(ledger, store, "U1"), one_time_links.mint(ledger, store, "U1", "5f0e")
    for link, wrong in ((login, Purpose.DOWNLOAD), (backup, Purpose.REVEAL)):
        with pytest.raises(LinkRefused, match="not valid"):
            one_time_links.use(ledger, link.id, link.token, wrong, lambda *_: SECRET, detail="", request_id="r")
    assert reveal(ledger, login) == SECRET, "the newer link is for something else, and revokes nothing"
    args = (ledger, backup.id, backup.token, Purpose.DOWNLOAD)
    _, found = one_time_links.use(*args, lambda _, link: link.backup_id, detail="", request_id="r")
    assert found == "5f0e"
    assert [row["action"] for row in ledger.audit.rows()] == ["download", "reveal"]

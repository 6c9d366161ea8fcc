"""One-time credential links on a real ledger: one reveal, in time, with the right token."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from provisioner import credential_links
from provisioner.domain.errors import LinkRefused, StoreNotFound, Transient
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.links import CredentialLink
from tests.conftest import Clock
from tests.ledgers import SampleOrders

SECRET = {"admin-password": "hunter2"}


@pytest.fixture
def store(orders: SampleOrders) -> Store:
    orders.finished(orders.create("my-shop"))
    return orders.store("my-shop")


def reveal(ledger: Ledger, link: credential_links.MintedLink, token: str | None = None) -> dict[str, str]:
    return credential_links.reveal(
        ledger, link.id, link.token if token is None else token, lambda _: SECRET, detail="", request_id="r"
    )[1]


def test_link_reveals_once_and_is_audited_and_queues_a_receipt(ledger: Ledger, store: Store) -> None:
    link = credential_links.mint(ledger, store, "U1")
    assert reveal(ledger, link) == SECRET
    with pytest.raises(LinkRefused, match="already used"):
        reveal(ledger, link)
    [row] = ledger.audit.rows()
    assert (row["actor"], row["action"], row["store"], row["outcome"]) == ("U1", "reveal", "my-shop", "answered")
    assert [entry.subject for entry in ledger.outbox.due() if entry.kind == "notice"] == [link.id]


def test_one_of_twelve_concurrent_claims_of_a_link_succeeds(ledger: Ledger, store: Store, clock: Clock) -> None:
    ledger.links.add(CredentialLink("L1", "hash", store.id, "U1", clock.now, clock.now + 900))
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
    link = credential_links.mint(ledger, store, "U1")
    with pytest.raises(LinkRefused, match="not valid"):
        reveal(ledger, link, token)
    assert reveal(ledger, link) == SECRET


def test_link_expires_after_fifteen_minutes(ledger: Ledger, store: Store, clock: Clock) -> None:
    link = credential_links.mint(ledger, store, "U1")
    clock.now += 15 * 60
    with pytest.raises(LinkRefused, match="has expired"):
        reveal(ledger, link)


def test_new_link_and_delete_revoke_the_old_link(ledger: Ledger, store: Store, orders: SampleOrders) -> None:
    first = credential_links.mint(ledger, store, "U1")
    second = credential_links.mint(ledger, store, "U1")
    with pytest.raises(LinkRefused, match="revoked"):
        reveal(ledger, first)
    job = ledger.jobs.last(store.id)
    assert job is not None
    orders.delete(job)
    with pytest.raises(LinkRefused, match="revoked"):
        reveal(ledger, second)
    with pytest.raises(StoreNotFound):
        credential_links.mint(ledger, store, "U1")


def test_api_failure_does_not_use_the_link(ledger: Ledger, store: Store) -> None:
    link = credential_links.mint(ledger, store, "U1")

    def away(_: Store) -> dict[str, str]:
        raise Transient("The API is away.")

    with pytest.raises(Transient):
        credential_links.reveal(ledger, link.id, link.token, away, detail="", request_id="r")
    assert reveal(ledger, link) == SECRET


def test_ledger_holds_neither_token_nor_password(ledger: Ledger, store: Store, tmp_path: Path) -> None:
    link = credential_links.mint(ledger, store, "U1")
    reveal(ledger, link)
    written = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    assert link.token.encode() not in written
    assert b"hunter2" not in written
    assert link.id.encode() in written

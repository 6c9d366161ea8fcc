"""One-time links on a real ledger: once, in time, by the right token, and no API failure burns one."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner import credential_links
from provisioner.domain.errors import LinkRefused, StoreNotFound, Transient
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger, Limits
from tests.conftest import Clock

SECRET = {"admin-password": "hunter2"}


@pytest.fixture
def store(ledger: Ledger) -> Store:
    ledger.order_create(
        name="my-shop", type="medusa", admin_path="/app", owner="U1", origin="", delivery_key="k", limits=Limits()
    )
    job = ledger.claim_due()
    assert job is not None
    ledger.succeed(job)
    found = ledger.store("my-shop")
    assert found is not None
    return found


def reveal(ledger: Ledger, link: credential_links.MintedLink, token: str | None = None) -> dict[str, str]:
    return credential_links.reveal(
        ledger, link.id, link.token if token is None else token, lambda _: SECRET, detail="", request_id="r"
    )[1]


def test_a_link_reveals_once_and_is_audited_and_told(ledger: Ledger, store: Store) -> None:
    link = credential_links.mint(ledger, store, "U1")
    assert reveal(ledger, link) == SECRET
    with pytest.raises(LinkRefused, match="used already"):
        reveal(ledger, link)
    assert [(r["actor"], r["action"], r["store"]) for r in ledger.audit_rows()] == [("U1", "reveal", "my-shop")]
    assert [o.subject for o in ledger.outgoing() if o.kind == "notice"] == [link.id]


@pytest.mark.parametrize("token", ["", "wrong", "x" * 10_000])
def test_a_wrong_token_is_refused_and_burns_nothing(ledger: Ledger, store: Store, token: str) -> None:
    link = credential_links.mint(ledger, store, "U1")
    with pytest.raises(LinkRefused, match="not valid"):
        reveal(ledger, link, token)
    assert reveal(ledger, link) == SECRET


def test_a_link_is_good_for_fifteen_minutes(ledger: Ledger, store: Store, clock: Clock) -> None:
    link = credential_links.mint(ledger, store, "U1")
    clock.now += 15 * 60
    with pytest.raises(LinkRefused, match="too old"):
        reveal(ledger, link)


def test_a_new_link_and_a_delete_withdraw_the_old_one(ledger: Ledger, store: Store) -> None:
    first = credential_links.mint(ledger, store, "U1")
    second = credential_links.mint(ledger, store, "U1")
    with pytest.raises(LinkRefused, match="withdrawn"):
        reveal(ledger, first)
    ledger.order_delete(store_id=store.id, by="U1", origin="", delivery_key="d", limits=Limits())
    with pytest.raises(LinkRefused, match="withdrawn"):
        reveal(ledger, second)
    with pytest.raises(StoreNotFound):
        credential_links.mint(ledger, store, "U1")


def test_an_api_failure_burns_no_link(ledger: Ledger, store: Store) -> None:
    link = credential_links.mint(ledger, store, "U1")

    def away(_: Store) -> dict[str, str]:
        raise Transient("The API is away.")

    with pytest.raises(Transient):
        credential_links.reveal(ledger, link.id, link.token, away, detail="", request_id="r")
    assert reveal(ledger, link) == SECRET


def test_the_ledger_holds_neither_token_nor_password(ledger: Ledger, store: Store, tmp_path: Path) -> None:
    link = credential_links.mint(ledger, store, "U1")
    reveal(ledger, link)
    written = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    assert link.token.encode() not in written
    assert b"hunter2" not in written
    assert link.id.encode() in written

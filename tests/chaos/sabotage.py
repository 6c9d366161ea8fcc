"""Switches that take one safeguard out of a bot's process, to show that the suite notices its absence.

Only `launcher` uses them; the bot's own code has no switch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

from provisioner.clients.kubernetes.releases import Release
from provisioner.ledger import schema
from provisioner.ledger.connection import Connection
from provisioner.ledger.links import UNUSED, Links
from provisioner.ledger.outbox import Outbox, OutboxKind
from provisioner.runner.lease import Lease

UNIQUE_INDEX = "CREATE UNIQUE INDEX one_live_job_per_store"


def no_unique_index() -> None:
    """The ledger takes a second live job of a store."""
    assert UNIQUE_INDEX in schema.FIRST_LEDGER
    schema.FIRST_LEDGER = schema.FIRST_LEDGER.replace(UNIQUE_INDEX, UNIQUE_INDEX.replace("UNIQUE ", ""))


def outbox_after_commit() -> None:
    """A message is queued after the commit that it announces, as by code that sends it directly."""
    put = Outbox.put

    def put_later(outbox: Outbox, kind: OutboxKind, subject: str) -> None:
        class Later:
            def send(self) -> None:
                put(outbox, kind, subject)

        connection: Connection = outbox._connection
        if connection._thread.in_transaction:
            later: Any = Later()
            connection.send_after_commit(later)
        else:
            put(outbox, kind, subject)

    _replace(Outbox, "put", put_later)


def no_receipts() -> None:
    """Nothing is recorded before a message is sent, so that a message with an unknown outcome is sent again."""
    _replace(Outbox, "note_attempt", lambda *args, **more: None)


def no_healing() -> None:
    """A release that a killed helm left pending is not recognized."""
    _replace(Release, "stuck", property(lambda release: False))


def claim_in_two_steps() -> None:
    """A credential link is checked first and used up afterwards."""
    claim = Links.claim

    def checked_claim(links: Links, link_id: str, *, actor: str, detail: str, request_id: str) -> bool:
        query = f"SELECT 1 FROM links WHERE id = ? AND {UNUSED}"  # noqa: S608
        unused = links._connection.db.execute(query, (link_id,)).fetchone() is not None
        time.sleep(0.1)  # for the others, which have looked as well by then
        return claim(links, link_id, actor=actor, detail=detail, request_id=request_id) or unused

    _replace(Links, "claim", checked_claim)


def no_lease() -> None:
    """Every bot takes the lease for its own, although another may hold it."""
    _replace(Lease, "held", lambda lease: True)
    for method in ("check", "require", "acquire"):
        _replace(Lease, method, lambda *args: None)
    _replace(Lease, "another", property(lambda lease: None))


def _replace(owner: type, name: str, replacement: object) -> None:
    """Replace a method for good. Raises AttributeError if there is none of that name."""
    patch.object(owner, name, replacement).start()


SWITCHES: Mapping[str, Callable[[], None]] = {
    switch.__name__: switch
    for switch in (no_unique_index, outbox_after_commit, no_receipts, no_healing, claim_in_two_steps, no_lease)
}

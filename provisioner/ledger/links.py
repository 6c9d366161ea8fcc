"""One-time links in the ledger. Only the SHA-256 of a link's token is stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from provisioner.domain.errors import StoreNotFound
from provisioner.ledger.audit import Audit, AuditRecord, Outcome
from provisioner.ledger.connection import Connection
from provisioner.ledger.outbox import Outbox, OutboxKind
from provisioner.ledger.stores import Stores

UNUSED = "claimed_at IS NULL AND revoked_at IS NULL"


class Purpose(StrEnum):
    """What a link is for: the action in the audit log."""

    REVEAL = "reveal"
    DOWNLOAD = "download"
    UPLOAD = "upload"


@dataclass(frozen=True)
class OneTimeLink:
    """A link that works once: it shows a store's credentials, downloads the backup `backup_id`, or uploads an archive
    that becomes the store `new_store`.

    The last one has no `store_id` before the upload; `origin` is where the messages of its job go.
    Times are epoch seconds."""

    id: str
    token_hash: str
    store_id: str | None
    minted_for: str
    minted_at: float
    expires_at: float
    claimed_at: float | None = None
    revoked_at: float | None = None
    backup_id: str = ""
    new_store: str = ""
    origin: str = ""

    @property
    def purpose(self) -> Purpose:
        if self.new_store:
            return Purpose.UPLOAD
        return Purpose.DOWNLOAD if self.backup_id else Purpose.REVEAL


class Links:
    """Reads and writes the table `links`."""

    def __init__(self, connection: Connection, stores: Stores, audit: Audit, outbox: Outbox) -> None:
        self._connection, self._stores, self._audit, self._outbox = connection, stores, audit, outbox

    def get(self, link_id: str) -> OneTimeLink | None:
        """The link with this id."""
        rows = self._connection.db.query("SELECT * FROM links WHERE id = ?", [link_id])
        return next((OneTimeLink(**row) for row in rows), None)

    def add(self, link: OneTimeLink) -> None:
        """Insert a link and revoke the earlier links of its store for the same purpose.

        Raises StoreNotFound if the store is deleted or being deleted."""
        with self._connection.transaction() as db:
            if link.store_id:
                store = self._stores.get(link.store_id)
                if not store or store.ending:
                    raise StoreNotFound("That store is deleted or being deleted.")
                self._revoke(link.store_id, f"(backup_id != '') = {link.purpose is Purpose.DOWNLOAD}")
            db.table("links").insert(link.__dict__)

    def claim(self, link_id: str, *, actor: str, detail: str, request_id: str, store_id: str | None = None) -> bool:
        """Use up the link and audit it; False if it is used, revoked or expired.

        A link without a store gets this `store_id`. For the others, the owner's receipt is queued."""
        now = self._connection.clock()
        with self._connection.transaction() as db:
            row = db.execute(
                f"""UPDATE links SET claimed_at = ?, store_id = coalesce(store_id, ?)
                    WHERE id = ? AND {UNUSED} AND expires_at > ? RETURNING id""",
                (now, store_id, link_id, now),
            ).fetchone()
            link = self.get(link_id)
            if not row or not link:
                return False
            store = self._stores.get(link.store_id) if link.store_id else None
            name = store.name if store else str(link.store_id)
            record = AuditRecord(actor=actor, action=link.purpose, store=name, detail=detail, request_id=request_id)
            self._audit.add(record, Outcome.ANSWERED)
            if link.purpose is not Purpose.UPLOAD:
                self._outbox.put(OutboxKind.RECEIPT, link_id)
            return True

    def revoke_all(self, store_id: str) -> None:
        """Revoke the unused links of a store."""
        self._revoke(store_id, "true")

    def _revoke(self, store_id: str, condition: str) -> None:
        with self._connection.transaction() as db:
            query = f"UPDATE links SET revoked_at = ? WHERE store_id = ? AND {UNUSED} AND {condition}"
            db.execute(query, (self._connection.clock(), store_id))

    def sweep(self, before: float) -> None:
        """Delete links that expired before this time.

        Those that were used stay: their receipts may be answered later."""
        with self._connection.transaction() as db:
            db.execute("DELETE FROM links WHERE expires_at < ? AND claimed_at IS NULL", (before,))

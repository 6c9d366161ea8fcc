"""The outbox: messages that still have to be sent. An entry is due while its revision is ahead of the sent one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provisioner.domain.store import Store
from provisioner.ledger.connection import Connection

PAGE = 100  # entries read at once


class OutboxKind(StrEnum):
    """The kinds of messages, and the `subject` that each is about."""

    SUMMARY = "summary"  # a job's root message, edited in place; a job id
    STAGES = "stages"  # posts in its thread; a job id
    FAILURE = "failure"  # a message in the failure channel, edited in place; a job id
    RECEIPT = "notice"  # for a store's owner: somebody opened a one-time link; a link id
    HOME = "home"  # a person's App Home; a person id
    NIGHT = "night"  # in the failure channel: what else failed in a night; the id of the job that failed first
    TRANSFER = "transfer"  # a store has another owner; store id / reader / actor / time
    EXPIRY = "expiry"  # for a store's owner: it expires soon; store id / end / number of the notice
    EXPIRY_POST = "expiry_post"  # the same in the store's thread
    SLEEP = "sleep"  # in a store's thread: it sleeps, because no shopper came; the id of the job that paused it
    REFUSAL = "refusal"  # in the failure channel: messages given up for the same reason; the reason


@dataclass(frozen=True)
class OutboxEntry:
    """One message to send. Times are epoch seconds.

    `address`, `remote_id` and `content_hash` belong to the sender: the channel, the message's id there, and the hash
    of the content sent last. Of a STAGES entry, `sent_event` is the last job event posted and `tried_event` the last
    one that a post was tried with. A dead entry (`dead_at`) is not sent any more; `error` says why. `moved_for` is the
    refusal for which the entry is no longer sent to its first place, or ''."""

    key: str
    kind: OutboxKind
    subject: str
    revision: int
    sent_revision: int
    attempts: int
    due_at: float
    address: str | None
    remote_id: str | None
    content_hash: str | None
    created_at: float
    sent_event: int = 0
    tried_event: int = 0
    dead_at: float | None = None
    error: str = ""
    moved_for: str = ""


@dataclass(frozen=True)
class Receipt:
    """What was sent for an entry, and where."""

    address: str = ""
    remote_id: str | None = None
    content_hash: str | None = None
    sent_event: int = 0


def key_of(kind: OutboxKind, subject: str) -> str:
    """The primary key of an entry."""
    return f"{kind}:{subject}"


NOTICES = (OutboxKind.EXPIRY, OutboxKind.EXPIRY_POST)  # the entries of one notice


def notice_subject(store: Store, number: int) -> str:
    """The subject of an EXPIRY entry: the notice with this number, of the store's present end."""
    return f"{store.id}/{store.expires_at}/{number}"


def transfer_subject(store: Store, reader: str, actor: str, at: float) -> str:
    """The subject of a TRANSFER entry: the message for `reader` that `actor` transferred the store at that time."""
    return f"{store.id}/{reader}/{actor}/{at}"


class Outbox:
    """Reads and writes the table `outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- entries to send ---------------------------------------------------------------------------------------------

    def put(self, kind: OutboxKind, subject: str) -> None:
        """Add an entry, or make it due again. Sends the signal `entry_due`."""
        now = self._connection.clock()
        with self._connection.transaction() as db:
            db.execute(
                """INSERT INTO outbox (key, kind, subject, revision, sent_revision, attempts, due_at, created_at)
                   VALUES (?, ?, ?, 1, 0, 0, ?, ?)
                   ON CONFLICT (key) DO UPDATE SET revision = revision + 1, dead_at = NULL, error = '',
                       attempts = CASE WHEN sent_revision = revision OR dead_at IS NOT NULL THEN 0 ELSE attempts END,
                       due_at = CASE WHEN sent_revision = revision OR dead_at IS NOT NULL THEN excluded.due_at
                                ELSE due_at END""",
                (key_of(kind, subject), kind, subject, now, now),
            )
            self._connection.send_after_commit(self._connection.signals.entry_due)

    def refresh(self, kind: OutboxKind, subject: str) -> None:
        """Make an entry due again if there is one. Sends the signal `entry_due`."""
        if self.get(kind, subject):
            self.put(kind, subject)

    def forget(self, kind: OutboxKind, subject: str) -> None:
        """Forget what was sent for an entry, so that the next attempt sends it even if it is unchanged."""
        with self._connection.transaction() as db:
            db.execute("UPDATE outbox SET content_hash = NULL WHERE key = ?", (key_of(kind, subject),))

    def due(self) -> Iterator[OutboxEntry]:
        """All entries that are due, oldest first, read page by page while they are used."""
        now, after = self._connection.clock(), (0.0, "")
        while True:
            query = """SELECT * FROM outbox WHERE sent_revision < revision AND dead_at IS NULL AND due_at <= ?
                       AND (due_at, key) > (?, ?) ORDER BY due_at, key LIMIT ?"""
            page = [_entry(row) for row in self._connection.db.query(query, [now, *after, PAGE])]
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].due_at, page[-1].key

    def next_due_at(self) -> float | None:
        """When the next entry is due, or None if nothing is left to send."""
        query = "SELECT min(due_at) FROM outbox WHERE sent_revision < revision AND dead_at IS NULL"
        found: float | None = self._connection.db.execute(query).fetchone()[0]
        return found

    def get(self, kind: OutboxKind, subject: str) -> OutboxEntry | None:
        """The entry, due or not."""
        rows = self._connection.db.query("SELECT * FROM outbox WHERE key = ?", [key_of(kind, subject)])
        return next(map(_entry, rows), None)

    def job_of_message(self, address: str, remote_id: str) -> str:
        """The id of the job that this message in Slack is about, '' if it is about none."""
        query = "SELECT subject FROM outbox WHERE remote_id = ? AND address = ? AND kind IN (?, ?)"
        row = self._connection.db.execute(
            query, (remote_id, address, OutboxKind.SUMMARY, OutboxKind.FAILURE)
        ).fetchone()
        return str(row[0]) if row else ""

    def dead(self, error: str) -> list[OutboxEntry]:
        """The entries that were given up for this reason, the newest first."""
        query = "SELECT * FROM outbox WHERE dead_at IS NOT NULL AND error = ? ORDER BY dead_at DESC, key"
        return [_entry(row) for row in self._connection.db.query(query, [error])]

    # --- what became of it --------------------------------------------------------------------------------------------

    def note_attempt(
        self, entry: OutboxEntry, address: str, *, remote_id: str | None = None, tried_event: int | None = None
    ) -> None:
        """Record where an entry is being sent, before the call whose outcome may stay unknown."""
        tried = entry.tried_event if tried_event is None else tried_event
        self._set(entry, address=address, remote_id=remote_id, tried_event=tried)

    def sent(self, entry: OutboxEntry, receipt: Receipt) -> None:
        """Record that `entry` was sent as of its revision; a later revision stays due."""
        self._set(
            entry,
            sent_revision=entry.revision,
            attempts=0,
            address=receipt.address,
            remote_id=receipt.remote_id,
            content_hash=receipt.content_hash,
            sent_event=receipt.sent_event,
            tried_event=receipt.sent_event,
        )

    def postpone(self, entry: OutboxEntry, due_at: float, error: str = "") -> None:
        """Record a failed attempt; the next one is at `due_at`."""
        self._set(entry, due_at=due_at, attempts=entry.attempts + 1, error=error)

    def move(self, entry: OutboxEntry, address: str, refusal: str) -> None:
        """Send an entry to another address from now on, as a new message."""
        now = self._connection.clock()
        new = {"remote_id": None, "content_hash": None, "attempts": 0, "due_at": now, "error": refusal}
        self._set(entry, address=address, moved_for=refusal, **new)

    def bury(self, entry: OutboxEntry, error: str) -> None:
        """Give up on an entry, until something new makes it due again, and have that reported."""
        with self._connection.transaction():
            self._set(entry, dead_at=self._connection.clock(), error=error)
            if entry.kind is not OutboxKind.REFUSAL:
                self.put(OutboxKind.REFUSAL, error)

    def _set(self, entry: OutboxEntry, **changes: Any) -> None:
        with self._connection.transaction() as db:
            db.table("outbox").update(entry.key, changes)


def _entry(row: dict[str, Any]) -> OutboxEntry:
    return OutboxEntry(**{**row, "kind": OutboxKind(row["kind"])})

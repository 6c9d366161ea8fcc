"""Delivery keys of requests that make no job, so that a replay of one is recognised."""

from __future__ import annotations

from provisioner.ledger.connection import Connection


class Deliveries:
    """Reads and writes the table `deliveries`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_first(self, key: str) -> bool:
        """True the first time a key is seen, False for its repeats and replays."""
        with self._connection.transaction() as db:
            query = "INSERT INTO deliveries VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING key"
            return db.execute(query, (key, self._connection.clock())).fetchone() is not None

    def sweep(self, before: float) -> None:
        """Delete keys that were seen before this time."""
        with self._connection.transaction() as db:
            db.execute("DELETE FROM deliveries WHERE at < ?", (before,))

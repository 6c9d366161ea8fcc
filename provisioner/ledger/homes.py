"""What each person looks at on App Home. Slack keeps nothing of it between two publications of the view."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from provisioner.ledger.connection import Connection
from provisioner.ledger.outbox import Outbox, OutboxKind

KEY = re.compile(r"(mine|everyone)/([a-z]+)/([1-9][0-9]{0,5})")


class Shown(StrEnum):
    """Which of the stores."""

    ALL = "all"
    READY = "ready"
    ASLEEP = "asleep"
    FAILED = "failed"
    EXPIRING = "expiring"


@dataclass(frozen=True)
class HomeChoice:
    """A person's own stores or `everyone`'s, which of them, and the page of that list, from 1 on."""

    everyone: bool = False
    shown: Shown = Shown.ALL
    page: int = 1

    @property
    def key(self) -> str:
        """As text, such as “mine/ready/2”."""
        return f"{'everyone' if self.everyone else 'mine'}/{self.shown}/{self.page}"

    @staticmethod
    def of(key: str) -> HomeChoice:
        """The choice with this key. Raises ValueError."""
        found = KEY.fullmatch(key)
        if not found:
            raise ValueError("no choice of App Home")
        return HomeChoice(found[1] == "everyone", Shown(found[2]), int(found[3]))


class Homes:
    """Reads and writes the table `homes`."""

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self._connection, self._outbox = connection, outbox

    def choice(self, person: str) -> HomeChoice:
        """What the person chose last."""
        row = self._connection.db.execute("SELECT choice FROM homes WHERE person = ?", (person,)).fetchone()
        return HomeChoice.of(row[0]) if row else HomeChoice()

    def choose(self, person: str, choice: HomeChoice) -> None:
        """Record a person's choice, and show it."""
        with self._connection.transaction() as db:
            row = {"person": person, "choice": choice.key, "everyone": choice.everyone}
            db.table("homes").upsert(row, pk="person")
            self._outbox.forget(OutboxKind.HOME, person)
            self._outbox.put(OutboxKind.HOME, person)

    def refresh(self, owner: str) -> None:
        """Bring up to date the App Homes that show the stores of `owner`, if Slack has them."""
        with self._connection.transaction() as db:
            others = db.execute("SELECT person FROM homes WHERE everyone AND person != ?", (owner,)).fetchall()
            for person in (owner, *(row[0] for row in others)):
                self._outbox.refresh(OutboxKind.HOME, person)

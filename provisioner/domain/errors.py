"""Errors that say what happened, the likely cause and the next step, to the person who can act.

StorewrightError
├── Refused            the request is wrong or comes at the wrong time; nothing was changed
│   ├── InvalidName, UnknownStoreType, BadOption, BadExpiry, BadIdleTime, LimitReached, LinkRefused
│   ├── StoreNotFound ── StoreDeleted
│   ├── StoreBusy, StoreExists
│   └── NotAllowed
├── JobFailed          another attempt would fail too; a person must act
│   └── StoreUnchanged the store is as it was before the job
└── Transient          likely to pass: the scheduler tries again
Superseded, HandedOver stop a job quietly; no person needs to know
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

RESTORE_FROM_BACKUP = (
    "Restore it from a backup of the cluster, then retry. Without it nobody can open the store's data."
)
RAISE_QUOTA = (
    "Raise the quota (kubectl edit resourcequota store, in its namespace), or lower what the store needs in"
    " STORE_VALUES, then retry."
)


@dataclass(frozen=True)
class Problem:
    """Why something failed, for a person to read.

    `what` is one sentence with the name of the thing that failed; `cause` and `next_step` are one sentence each, or
    empty; `log_tail` is the end of the failing container's log without the store's secrets, or empty."""

    what: str
    cause: str = ""
    next_step: str = ""
    log_tail: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.cause, self.next_step) if part)


class StorewrightError(Exception):
    """Base of every error we raise on purpose; `str()` of it may be shown to people."""

    def __init__(self, what: str, cause: str = "", next_step: str = "", log_tail: str = "") -> None:
        self.problem = Problem(what, cause, next_step, log_tail)
        super().__init__(str(self.problem))

    @classmethod
    def of(cls, problem: Problem) -> Self:
        return cls(**asdict(problem))


# --- refusals ----------------------------------------------------------------------------------------------------


class Refused(StorewrightError):
    """A refused request: the answer says why, and nothing was changed."""


class InvalidName(Refused):
    """The text can't be a store's name."""


class UnknownStoreType(Refused):
    """No chart has that name."""


class BadOption(Refused):
    """The option `option` (its id) does not exist, or has no such choice."""

    def __init__(self, option: str, what: str, cause: str = "", next_step: str = "") -> None:
        super().__init__(what, cause, next_step)
        self.option = option


class BadExpiry(Refused):
    """The text is no time at which a store can expire, or a later one than people may choose."""


class BadIdleTime(Refused):
    """The text is no time after which a store can go to sleep."""


class StoreNotFound(Refused):
    """No store has that name."""


class StoreDeleted(StoreNotFound):
    """The store was deleted by `deleted_by` (opaque id) at `deleted_at`, and can be undeleted until `kept_until`.

    Times are epoch seconds; `kept_until` is None where it is gone for good."""

    def __init__(self, store: str, deleted_by: str, deleted_at: float, kept_until: float | None) -> None:
        next_step = f"Bring it back: /store undelete {store}" if kept_until else ""
        super().__init__(f"{store} was already deleted by {deleted_by}.", next_step=next_step)
        self.store, self.deleted_by, self.deleted_at, self.kept_until = store, deleted_by, deleted_at, kept_until


class StoreBusy(Refused):
    """The store has a live job that this order can't replace."""


class StoreExists(Refused):
    """Another store has that name."""


class NotAllowed(Refused):
    """The person is neither the owner of `store` (`owner`, an opaque id) nor an admin."""

    def __init__(self, store: str, owner: str) -> None:
        super().__init__(f"{store} belongs to {owner}.", "", "Ask its owner or an admin.")
        self.store, self.owner = store, owner


class LimitReached(Refused):
    """A person's limit is reached; `free_at` is when they can order again (epoch seconds), or None."""

    def __init__(self, what: str, cause: str = "", next_step: str = "", free_at: float | None = None) -> None:
        super().__init__(what, cause, next_step)
        self.free_at = free_at


class LinkRefused(Refused):
    """The credential link is unknown, used, expired or revoked."""


# --- failures of work: decide whether another attempt makes sense ---------------------------------------------


class JobFailed(StorewrightError):
    """The job failed and another attempt would fail too: a person must act."""


class StoreUnchanged(JobFailed):
    """The job failed, and the store is as it was before."""


class Transient(StorewrightError):
    """A failure that is likely to pass: the scheduler tries again with backoff."""


class Superseded(Exception):
    """A later order replaced the job, or somebody cancelled it: stop this attempt quietly."""


class HandedOver(Exception):
    """This process stops: the job goes on in the next process."""

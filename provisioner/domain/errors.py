"""Errors that carry what happened, the likely cause and the next step, to the person who can act."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True)
class Problem:
    """Why something did not work, in words for a person.

    `what` is one sentence with the name of the thing that failed; `cause` and `next_step` one each, or empty;
    `log_tail` the last lines of the failing container, with the store's secrets taken out, or empty."""

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


# --- refusals: the request is wrong or comes at the wrong time; nothing was changed ---------------------------


class Refused(StorewrightError):
    """A request that is answered with a reason and changes nothing."""


class InvalidName(Refused):
    """Not a usable store name."""


class UnknownStoreType(Refused):
    """No chart of that name."""


class BadOption(Refused):
    """What was chosen for `option` (its id) is no choice, or there is no such option."""

    def __init__(self, option: str, what: str, cause: str = "", next_step: str = "") -> None:
        super().__init__(what, cause, next_step)
        self.option = option


class StoreNotFound(Refused):
    """No store of that name (any more)."""


class StoreBusy(Refused):
    """The store has a live job that this request can't replace."""


class StoreExists(Refused):
    """The name is taken."""


class NotAllowed(Refused):
    """The actor is neither the store's owner nor an admin."""


class LimitReached(Refused):
    """Stores per person or creations per hour; `free_at` is when the next is free (epoch seconds), or None."""

    def __init__(self, what: str, cause: str = "", next_step: str = "", free_at: float | None = None) -> None:
        super().__init__(what, cause, next_step)
        self.free_at = free_at


class LinkRefused(Refused):
    """A one-time link that is unknown, used, expired or revoked."""


# --- failures of work: decide whether another attempt makes sense ---------------------------------------------


class JobFailed(StorewrightError):
    """Trying again by itself would not help; a person must act."""


class StoreUnchanged(JobFailed):
    """The work could not be done, and the store is as it was before: what it was, it still is."""


class Transient(StorewrightError):
    """Likely to pass by itself: the scheduler tries again with backoff."""


class Superseded(Exception):
    """The job is not live any more (a delete took its place): stop quietly."""


class HandedOver(Exception):
    """This process is stopping: the job stays running in the ledger, and the next process takes it up."""

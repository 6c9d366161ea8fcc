"""The protocol between the bot and a worker.

A worker is the process of one job in a Kubernetes Job. The bot gives it a payload in one environment variable, as JSON
and without any secret. The worker sends messages back as JSON lines on its log. A worker of the bot's previous version
may run on after an upgrade of the bot: a message's type and fields keep their names and meaning.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, replace
from enum import IntEnum, StrEnum
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from provisioner.clients.helm import HelmOutcome
from provisioner.domain.backup import Backup
from provisioner.domain.errors import JobFailed, Problem, StoreUnchanged, StorewrightError, Transient
from provisioner.domain.job import EventKind, Job, JobEvent
from provisioner.domain.store import Store
from provisioner.operations.toolbox import StoreDefaults

PAYLOAD_VARIABLE = "JOB_PAYLOAD"
MAX_PAYLOAD_BYTES = 100_000  # Linux allows 128 KiB in one environment variable


class ExitCode(IntEnum):
    """How a worker's process ends.

    The code is for people; the bot uses the messages.
    """

    DONE = 0
    CRASHED = 1  # Python's own: it could not even begin
    FAILED = 3  # the operation ended without success, and a message says how
    STOPPED = 143  # by SIGTERM, as shells report it


# --- to the worker ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JobPayload:
    """A job, its store and its events when the worker is created; the `source` is the store whose data it copies."""

    job: Job
    store: Store
    events: tuple[JobEvent, ...]
    defaults: Annotated[StoreDefaults, Field(alias="terms")]
    source: Store | None = None

    def as_text(self) -> str:
        """The payload as JSON.

        Raises JobFailed where the operator's values for this store type are too long.
        """
        text = PAYLOADS.dump_json(self, by_alias=True).decode()
        text = text.replace("$", "\\u0024")  # Kubernetes expands $(…) in a variable
        if len(text.encode()) > MAX_PAYLOAD_BYTES:
            what = f"The values for {self.store.type} are too long for a Kubernetes Job."
            raise JobFailed(what, f"{len(text)} bytes.", "Shorten STORE_VALUES, or set EXECUTOR=local.")
        return text


def payload_of(
    job: Job, store: Store, events: list[JobEvent], defaults: StoreDefaults, source: Store | None = None
) -> JobPayload:
    """The payload of a job.

    Of the operator's values it has only those for this store type.
    """
    overlay = {store.type: defaults.overlay[store.type]} if store.type in defaults.overlay else {}
    return JobPayload(job, store, tuple(events), replace(defaults, overlay=overlay), source)


def read_payload(text: str) -> JobPayload:
    """The payload in the worker's environment.

    Raises ValueError without the text: the error is on the pod's log.
    """
    try:
        return PAYLOADS.validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_context=False, include_url=False)
        raise ValueError(f"{PAYLOAD_VARIABLE} is no payload: {faults}") from None


PAYLOADS = TypeAdapter(JobPayload)


# --- and back --------------------------------------------------------------------------------------------------------


class MessageType(StrEnum):
    """The type of a message on the log.

    The last message of an operation without success has an Ending instead.
    """

    RECORD = "record"
    ROLLBACK = "rollback"
    VERSION = "version"
    OPTIONS = "options"
    BACKUP = "backup"
    PROVEN = "proven"
    KEPT = "keeps"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    HELM = "helm"
    LOG = "log"


class Ending(StrEnum):
    """How an operation without success ended; on the log, the message's type."""

    TRANSIENT = "transient"  # another attempt may succeed
    UNCHANGED = "kept"  # another attempt does not help, and the store is as it was before
    FAILED = "failed"  # another attempt does not help


@dataclass(frozen=True)
class Recorded:
    """An event of the job."""

    kind: EventKind
    stage: str = ""
    detail: str = ""


@dataclass(frozen=True)
class RollbackStarted:
    """The job failed and restores what it changed."""

    problem: Problem


@dataclass(frozen=True)
class VersionNoted:
    """The version of the chart that the store runs."""

    version: str


@dataclass(frozen=True)
class OptionsNoted:
    """The store's choices for the options of its type, by option id."""

    options: dict[str, str]


@dataclass(frozen=True)
class BackupMade:
    """A backup of the job's store."""

    backup: Backup


@dataclass(frozen=True)
class BackupProven:
    """A working copy of the job's store was made from the backup with this id."""

    backup_id: str


@dataclass(frozen=True)
class StoreKept:
    """Until when the deletion of the job's store can be undone (epoch seconds); None for not at all."""

    until: float | None


@dataclass(frozen=True)
class Succeeded:
    """The operation succeeded.

    `version` is the chart's, '' where the store has none now. `options` are the store's new ones, None where they stay.
    """

    version: str = ""
    options: dict[str, str] | None = None


@dataclass(frozen=True)
class Cancelled:
    """The operation of a cancelled job took back what it did."""


@dataclass(frozen=True)
class HelmRan:
    """One run of helm."""

    verb: str
    outcome: HelmOutcome
    seconds: float


@dataclass(frozen=True)
class Logged:
    """A line of the worker's own log.

    `level` is a number of the module logging.
    """

    level: int
    logger: str
    message: str


@dataclass(frozen=True)
class Ended:
    """The operation ended without success."""

    ending: Ending
    problem: Problem

    @classmethod
    def by(cls, error: StorewrightError) -> Ended:
        """The message for the error that ended the operation."""
        found = (ending for ending, type in ERRORS.items() if isinstance(error, type))
        return cls(next(found, Ending.FAILED), error.problem)

    @property
    def error(self) -> Transient | JobFailed:
        return ERRORS[self.ending].of(self.problem)


Message = (
    Recorded
    | RollbackStarted
    | VersionNoted
    | OptionsNoted
    | BackupMade
    | BackupProven
    | StoreKept
    | Succeeded
    | Cancelled
    | HelmRan
    | Logged
    | Ended
)
TYPES: dict[MessageType, type[Message]] = {
    MessageType.RECORD: Recorded,
    MessageType.ROLLBACK: RollbackStarted,
    MessageType.VERSION: VersionNoted,
    MessageType.OPTIONS: OptionsNoted,
    MessageType.BACKUP: BackupMade,
    MessageType.PROVEN: BackupProven,
    MessageType.KEPT: StoreKept,
    MessageType.SUCCEEDED: Succeeded,
    MessageType.CANCELLED: Cancelled,
    MessageType.HELM: HelmRan,
    MessageType.LOG: Logged,
}
# StoreUnchanged is a JobFailed: the first match counts.
ERRORS: dict[Ending, type[Transient | JobFailed]] = {
    Ending.TRANSIENT: Transient,
    Ending.UNCHANGED: StoreUnchanged,
    Ending.FAILED: JobFailed,
}
MESSAGES: dict[MessageType, TypeAdapter[Any]] = {name: TypeAdapter(type) for name, type in TYPES.items()}
PROBLEMS = TypeAdapter(Problem)


@dataclass(frozen=True)
class Line:
    """A message and its time.

    `at` is in epoch seconds, by the worker's clock.
    """

    at: float
    message: Message


_whole_lines = threading.Lock()  # print() writes a line and its end apart, and a watch's thread logs too


def emit(message: Message) -> None:
    """Send a message to the bot."""
    content = asdict(message)
    type = content.pop("ending") if isinstance(message, Ended) else _type_of(message)
    line = json.dumps({"type": type, "at": time.time(), **content})
    with _whole_lines:
        print(line, flush=True)


def read_line(text: str) -> Line | None:
    """The message on a line of the log; None for other text.

    Other text is a traceback, for example.
    """
    try:
        content = json.loads(text)
        type, at = content["type"], float(content["at"])
        if type in list(Ending):
            return Line(at, Ended(Ending(type), PROBLEMS.validate_python(content["problem"])))
        return Line(at, MESSAGES[MessageType(type)].validate_python(content))
    except (ValueError, TypeError, KeyError):
        return None


def _type_of(message: Message) -> MessageType:
    return next(name for name, type in TYPES.items() if isinstance(message, type))

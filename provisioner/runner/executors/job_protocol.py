"""What goes to a job's own process, and what comes back: one JSON text there, JSON lines on its log back. No secret."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from provisioner.domain.errors import JobFailed, StoreUnchanged, StorewrightError, Transient
from provisioner.domain.job import Job, JobEvent
from provisioner.domain.store import Store
from provisioner.operations.toolbox import StoreDefaults

VARIABLE = "JOB_PAYLOAD"  # of the process's environment
LARGEST = 100_000  # bytes; Linux takes 128 KiB in one variable


@dataclass(frozen=True)
class JobPayload:
    """A job as it is when its process is made: the store, and what happened to the job so far."""

    job: Job
    store: Store
    events: tuple[JobEvent, ...]
    terms: StoreDefaults

    def as_text(self) -> str:
        """Raises JobFailed where the operator's values for this type of store are too long."""
        text = PAYLOADS.dump_json(self).decode().replace("$", "\\u0024")  # Kubernetes reads $(…) in a variable
        if len(text.encode()) > LARGEST:
            what = f"The values for {self.store.type} are too long to be given to a job of its own."
            raise JobFailed(what, f"{len(text)} bytes.", "Shorten STORE_VALUES, or set EXECUTOR=local.")
        return text


def payload_of(job: Job, store: Store, events: list[JobEvent], terms: StoreDefaults) -> JobPayload:
    """Of the operator's values only those for this type of store go along."""
    overlay = {store.type: terms.overlay[store.type]} if store.type in terms.overlay else {}
    return JobPayload(job, store, tuple(events), replace(terms, overlay=overlay))


def read_payload(text: str) -> JobPayload:
    """Raises ValueError, which does not repeat the text: what it says is on the pod's log."""
    try:
        return PAYLOADS.validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_context=False, include_url=False)
        raise ValueError(f"{VARIABLE} is no payload: {faults}") from None


PAYLOADS = TypeAdapter(JobPayload)


# --- and back ----------------------------------------------------------------------------------------------------

ENDINGS: dict[str, type[Transient | JobFailed]] = {"transient": Transient, "kept": StoreUnchanged, "failed": JobFailed}


WHOLE_LINES = threading.Lock()  # print() writes a line and its end apart, and a watch's thread logs beside the workflow


def emit(type: str, **more: Any) -> None:
    """One line for the bot: what is `type`, when, and more of it."""
    line = json.dumps({"type": type, "at": time.time(), **more})
    with WHOLE_LINES:
        print(line, flush=True)


def emit_end(error: StorewrightError) -> None:
    """How the workflow ended that did not succeed."""
    type = next((word for word, kind in ENDINGS.items() if isinstance(error, kind)), "failed")
    emit(type, problem=asdict(error.problem))


def read_line(text: str) -> dict[str, Any] | None:
    """What `say` said; None for any other line."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "type" in line else None


def read_end(line: dict[str, Any]) -> Transient | JobFailed | None:
    """The error of `emit_end`; None for other lines."""
    kind = ENDINGS.get(line["type"])
    return kind(**line["problem"]) if kind else None

"""The process of a job that runs as a Kubernetes Job: `python -m provisioner.runner.executors.worker_main`.

What it does it tells on its log, and the bot alone writes the ledger: it needs no ledger, no Slack, no running bot."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from provisioner.clients.helm import Helm, HelmOutcome
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import HandedOver, JobFailed, Problem, StorewrightError
from provisioner.domain.job import EventKind, Job, JobEvent, JobPhase, unexpected_problem
from provisioner.domain.store import Store
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.toolbox import Toolbox
from provisioner.runner.executors.job_protocol import VARIABLE, JobPayload, emit, emit_end, read_payload

FAILED = 3  # exit code of a workflow that told how it failed; Python's own is 1
STOPPED = 143  # of one that was asked to stop, as a shell has it for SIGTERM
log = logging.getLogger(__name__)


class StdoutLedger:
    """A JobLedger (see workflows/toolbox.py) whose entries are said, for the bot to write."""

    def __init__(self, payload: JobPayload) -> None:
        self._payload, self._events = payload, list(payload.events)

    @property
    def clock(self) -> Callable[[], float]:
        return time.time

    def store(self, store_id: str) -> Store | None:
        return self._payload.store if self._payload.store.id == store_id else None

    def events(self, job_id: str) -> list[JobEvent]:
        return [event for event in self._events if event.job_id == job_id]

    def require_live(self, job: Job) -> None:
        """A job that is no longer wanted is ended from outside, with its process."""

    def record(self, job: Job, kind: EventKind, stage: str = "", detail: str = "") -> None:
        self._events.append(JobEvent(len(self._events), job.id, time.time(), kind, stage, detail))
        emit("record", kind=kind, stage=stage, detail=detail)

    def set_version(self, store_id: str, version: str) -> None:
        emit("version", version=version)

    def start_rollback(self, job: Job, problem: Problem) -> Job:
        emit("rollback", problem=asdict(problem))
        return replace(job, phase=JobPhase.ROLLBACK, problem=problem)

    def succeed(self, job: Job, version: str = "") -> None:
        emit("succeeded", version=version)


class LogsToStdout(logging.Handler):
    """Log lines as lines for the bot, which has them in its own log then."""

    def emit(self, record: logging.LogRecord) -> None:
        emit("log", level=record.levelno, logger=record.name, message=self.format(record))


def main() -> None:
    """Do the payload of the environment; the exit code is for people, the bot goes by what was said."""
    logging.basicConfig(handlers=[LogsToStdout()], level=logging.INFO)
    payload = read_payload(os.environ[VARIABLE])
    tools = _toolbox(payload)
    signal.signal(signal.SIGTERM, lambda *_: tools.stopping.set())
    sys.exit(_carry_out(tools, payload.job))


def _toolbox(payload: JobPayload) -> Toolbox:
    kubeconfig = Path(os.environ["KUBECONFIG"]) if "KUBECONFIG" in os.environ else None
    cluster = Cluster(kubeconfig)
    helm = Helm(
        os.environ.get("HELM", "helm"),
        kubeconfig,
        on_run=_emit_run,
        permissions_pending=cluster.permissions_pending,
    )
    tools = Toolbox(
        defaults=payload.terms,
        ledger=StdoutLedger(payload),
        cluster=cluster,
        helm=helm,
        catalog=Catalog(Path(os.environ.get("CHARTS_DIR", "charts"))),
    )
    return tools.fenced(lambda: tools.require_wanted(payload.job))


def _emit_run(verb: str, outcome: HelmOutcome, seconds: float) -> None:
    emit("helm", verb=verb, outcome=outcome, seconds=seconds)


def _carry_out(tools: Toolbox, job: Job) -> int:
    try:
        OPERATIONS[job.kind].run(tools, job)
    except HandedOver:
        return STOPPED
    except StorewrightError as error:
        emit_end(error)
        return FAILED
    except Exception:
        log.exception("job failed unexpectedly")
        emit_end(JobFailed.of(unexpected_problem(job)))
        return FAILED
    return 0


if __name__ == "__main__":
    main()

"""The worker: the process of one job in a Kubernetes Job.

Its command is `python -m provisioner.runner.executors.worker_main`. It reports everything on its log, and the bot alone
writes the ledger. So it needs no ledger, no Slack and no running bot.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from provisioner.clients.helm import Helm, HelmOutcome
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.backup import Backup
from provisioner.domain.catalog import Catalog
from provisioner.domain.clock import SteadyClock
from provisioner.domain.errors import HandedOver, JobFailed, Problem, StorewrightError
from provisioner.domain.job import EventKind, Job, JobEvent, JobPhase, unexpected_problem
from provisioner.domain.store import Store
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.toolbox import Toolbox
from provisioner.runner.executors.job_protocol import (
    PAYLOAD_VARIABLE,
    BackupMade,
    BackupProven,
    Cancelled,
    Ended,
    ExitCode,
    HelmRan,
    JobPayload,
    Logged,
    OptionsNoted,
    Recorded,
    RollbackStarted,
    StoreKept,
    Succeeded,
    VersionNoted,
    emit,
    read_payload,
)

log = logging.getLogger(__name__)


class StdoutLedger:
    """A JobLedger (see operations/toolbox.py) that sends its entries to the bot."""

    def __init__(self, payload: JobPayload) -> None:
        self._payload, self._events = payload, list(payload.events)
        self.clock: Callable[[], float] = SteadyClock()

    def store(self, store_id: str) -> Store | None:
        known = (self._payload.store, self._payload.source)
        return next((store for store in known if store and store.id == store_id), None)

    def events(self, job_id: str) -> list[JobEvent]:
        return [event for event in self._events if event.job_id == job_id]

    def require_live(self, job: Job) -> None:
        """Nothing.

        The bot ends the Kubernetes Job of a job that is not live any more.
        """

    def record(self, job: Job, kind: EventKind, stage: str = "", detail: str = "") -> None:
        self._events.append(JobEvent(len(self._events), job.id, time.time(), kind, stage, detail))
        emit(Recorded(kind, stage, detail))

    def set_version(self, store_id: str, version: str) -> None:
        emit(VersionNoted(version))

    def set_options(self, store_id: str, options: dict[str, str]) -> None:
        emit(OptionsNoted(options))

    def add_backup(self, job: Job, backup: Backup) -> None:
        emit(BackupMade(backup))

    def note_proven(self, job: Job, backup_id: str) -> None:
        emit(BackupProven(backup_id))

    def keep_until(self, store_id: str, until: float | None) -> None:
        emit(StoreKept(until))

    def start_rollback(self, job: Job, problem: Problem) -> Job:
        emit(RollbackStarted(problem))
        return replace(job, phase=JobPhase.ROLLBACK, problem=problem)

    def succeed(self, job: Job, version: str = "", options: Mapping[str, str] | None = None) -> None:
        emit(Succeeded(version, dict(options) if options is not None else None))

    def end_cancelled(self, job: Job) -> None:
        emit(Cancelled())


class LogsToStdout(logging.Handler):
    """Sends log records to the bot, for the bot's own log."""

    def emit(self, record: logging.LogRecord) -> None:
        emit(Logged(record.levelno, record.name, self.format(record)))


def main() -> None:
    """Run the job of the payload; exit with an ExitCode."""
    logging.basicConfig(handlers=[LogsToStdout()], level=logging.INFO)
    payload = read_payload(os.environ[PAYLOAD_VARIABLE])
    tools = _toolbox(payload)
    signal.signal(signal.SIGTERM, lambda *_: tools.stopping.set())
    sys.exit(_carry_out(tools, payload.job))


def _toolbox(payload: JobPayload) -> Toolbox:
    kubeconfig = Path(os.environ["KUBECONFIG"]) if "KUBECONFIG" in os.environ else None
    cluster = Cluster(kubeconfig)
    helm = Helm(
        os.environ.get("HELM", "helm"),
        kubeconfig,
        on_run=_report_run,
        permissions_pending=cluster.permissions_pending,
    )
    tools = Toolbox(
        defaults=payload.defaults,
        ledger=StdoutLedger(payload),
        cluster=cluster,
        helm=helm,
        catalog=Catalog(Path(os.environ.get("CHARTS_DIR", "charts"))),
    )
    return tools.fenced(lambda: tools.require_wanted(payload.job))


def _report_run(verb: str, outcome: HelmOutcome, seconds: float) -> None:
    emit(HelmRan(verb, outcome, seconds))


def _carry_out(tools: Toolbox, job: Job) -> ExitCode:
    try:
        OPERATIONS[job.kind].carry_out(tools, job)
    except HandedOver:
        return ExitCode.STOPPED
    except StorewrightError as error:
        emit(Ended.by(error))
        return ExitCode.FAILED
    except Exception:
        log.exception("job failed unexpectedly")
        emit(Ended.by(JobFailed.of(unexpected_problem(job))))
        return ExitCode.FAILED
    return ExitCode.DONE


if __name__ == "__main__":
    main()

"""A worker's log, which the bot follows and writes to the ledger."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from provisioner.clients.helm import OnHelmRun
from provisioner.clients.kubernetes.cluster import Cluster, Forbidden, LineStream
from provisioner.domain.errors import JobFailed, Problem, StorewrightError, Superseded, Transient
from provisioner.domain.job import ROLLBACK_STAGE, Job
from provisioner.log_context import carried
from provisioner.operations.journal import JobJournal
from provisioner.runner.executors.job_manifest import CONTAINER
from provisioner.runner.executors.job_protocol import (
    BackupMade,
    BackupProven,
    Cancelled,
    Ended,
    HelmRan,
    Line,
    Logged,
    OptionsNoted,
    Recorded,
    RollbackStarted,
    StoreKept,
    Succeeded,
    VersionNoted,
    read_line,
)

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5  # before a log whose connection broke is read again
MAX_STRAY_CHARACTERS = 1000  # of a line that is no message


class JobLog:
    """The messages of one job so far.

    The same log may be read again from its beginning: each line counts once. The ledger keeps no event twice either,
    so that another process may have read the log before.
    """

    def __init__(self, ledger: JobJournal, job: Job, on_helm_run: OnHelmRun) -> None:
        """`on_helm_run` is called for each run of helm in the worker."""
        self._ledger, self._job, self._on_helm_run = ledger, job, on_helm_run
        self._lines_read = 0
        self._closed = False
        self._lock = threading.Lock()
        self.complete = False  # there was a message that says how the operation ended
        self.error: Transient | JobFailed | None = None  # the reason, where it ended without success

    def read(self, lines: Iterable[str]) -> None:
        """Read a log from its beginning. Raises Superseded, and what `lines` raises."""
        for number, text in enumerate(lines):
            with self._lock:
                if self._closed:
                    return
                if number >= self._lines_read:
                    self._take(text)
                    self._lines_read = number + 1

    def close(self) -> None:
        """Write nothing to the ledger any more.

        Another thread or process may go on with this job.
        """
        with self._lock:
            self._closed = True

    def _take(self, text: str) -> None:
        if line := read_line(text):
            self._write(line)
        else:
            log.warning("the job's process said: %s", text[:MAX_STRAY_CHARACTERS])

    def _write(self, line: Line) -> None:
        at = max(line.at, self._job.created_at)  # the worker's clock may be behind the bot's
        match line.message:
            case Recorded(_, stage, detail) if stage == ROLLBACK_STAGE and detail:  # by a former version's worker
                problem = Problem(**json.loads(detail))
                self._ledger.start_rollback(self._job, problem, at=at)
            case RollbackStarted(problem):
                self._ledger.start_rollback(self._job, problem, at=at)
            case Recorded(kind, stage, detail):
                self._ledger.record(self._job, kind, stage, detail, at=at)
            case VersionNoted(version):
                self._ledger.set_version(self._job.store_id, version)
            case OptionsNoted(options):
                self._ledger.set_options(self._job.store_id, options)
            case BackupMade(backup):
                self._ledger.add_backup(self._job, backup)
            case BackupProven(backup_id):
                self._ledger.note_proven(self._job, backup_id, at=at)
            case StoreKept(until):
                self._ledger.keep_until(self._job.store_id, until)
            case Succeeded(version, options):
                self._ledger.succeed(self._job, version, options, at=at)
                self.complete = True
            case Cancelled():
                self._ledger.end_cancelled(self._job, at=at)
                self.complete = True
            case Ended() as ended:
                self.error = ended.error
                self.complete = True
            case HelmRan(verb, outcome, seconds):
                self._on_helm_run(verb, outcome, seconds)
            case Logged(level, logger, message):
                logging.getLogger(logger).log(level, "%s", message)


class LogFollower:
    """Follows the log of one pod on a thread."""

    def __init__(self, cluster: Cluster, namespace: str, job_log: JobLog) -> None:
        self._cluster, self._namespace, self._job_log = cluster, namespace, job_log
        self._lines: LineStream | None = None
        self._forbidden: Forbidden | None = None
        self._stopped = threading.Event()

    @property
    def began(self) -> bool:
        return self._lines is not None

    @property
    def complete(self) -> bool:
        """Whether the log says how the operation ended."""
        return self._job_log.complete

    def follow(self, pod: str) -> None:
        """Start to follow; a second call changes nothing."""
        if not self._lines:
            self._lines = self._cluster.pod_log(self._namespace, pod, CONTAINER, follow=True)
            target, lines = carried(self._listen), (self._lines,)
            threading.Thread(target=target, args=lines, name="log-follower", daemon=True).start()

    def check(self) -> None:
        """Raises Forbidden where the bot may not read logs."""
        if self._forbidden:
            raise self._forbidden

    def read_rest(self, pod: str) -> None:
        """Read the whole log of an ended container.

        A log that is lost with its node is no error.
        Raises Forbidden where the bot may not read logs.
        """
        try:
            self._job_log.read(self._cluster.pod_log(self._namespace, pod, CONTAINER, follow=False))
        except Forbidden:
            raise
        except StorewrightError as error:
            log.warning("could not read the log of %s: %s", pod, error)

    def stop(self) -> None:
        self._stopped.set()
        self._job_log.close()
        if self._lines:
            self._lines.stop()

    def _listen(self, lines: LineStream) -> None:
        while not self._stopped.is_set() and not self._job_log.complete:
            try:
                self._job_log.read(lines)
            except Superseded:
                return  # the job's own thread notices it, too
            except Forbidden as error:
                self._forbidden = error
                return
            except Exception as error:  # noqa: BLE001  (a job whose log nobody follows would have no end)
                log.info("log connection broke: %s", error)
            self._stopped.wait(RETRY_SECONDS)


@contextmanager
def following(cluster: Cluster, namespace: str, job_log: JobLog) -> Iterator[LogFollower]:
    """A LogFollower for the `with` block.

    After the block, nothing is written to the ledger.
    """
    follower = LogFollower(cluster, namespace, job_log)
    try:
        yield follower
    finally:
        follower.stop()

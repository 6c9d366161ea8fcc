"""What a job's own process says to the bot: its log, followed line by line and written into the ledger as it comes."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from provisioner.clients.helm import HelmOutcome, OnHelmRun
from provisioner.clients.kubernetes.cluster import Cluster, LineStream
from provisioner.domain.errors import JobFailed, Problem, StorewrightError, Superseded, Transient
from provisioner.domain.job import EventKind, Job
from provisioner.ledger.jobs import ROLLBACK_STAGE
from provisioner.log_context import carried
from provisioner.operations.journal import JobJournal
from provisioner.runner.executors.job_manifest import CONTAINER
from provisioner.runner.executors.job_protocol import read_end, read_line

log = logging.getLogger(__name__)

TRY_AGAIN = 0.5  # seconds until a log whose connection broke is read anew


class JobLog:
    """What was told so far. The same log may be read again and again: a line is taken in once, and what another process
    took in before us the ledger does not keep twice."""

    def __init__(self, ledger: JobJournal, job: Job, on_helm_run: OnHelmRun) -> None:
        """`on_helm_run` is called for each run of helm in the worker."""
        self._ledger, self._job, self._on_helm_run = ledger, job, on_helm_run
        self._lines_read = 0  # lines
        self._closed = False
        self._lock = threading.Lock()
        self.complete = False  # the workflow told how it ended
        self.error: Transient | JobFailed | None = None  # where that was not well

    def read(self, lines: Iterable[str]) -> None:
        """A log from its beginning, as far as it goes. Raises Superseded, and what `lines` raises."""
        for number, line in enumerate(lines):
            with self._lock:
                if self._closed:
                    return
                if number >= self._lines_read:
                    self._take_in(line)
                    self._lines_read = number + 1

    def close(self) -> None:
        """Take in no more: from here on another may."""
        with self._lock:
            self._closed = True

    def _take_in(self, text: str) -> None:
        line = read_line(text)
        if line is None:
            log.warning("the job's process said: %s", text[:1000])
            return
        at = max(line["at"], self._job.created_at)  # its clock may be behind ours
        match line["type"]:
            case "record" if line["stage"] == ROLLBACK_STAGE and line["detail"]:  # of a former version's worker
                problem = Problem(**json.loads(line["detail"]))
                self._ledger.start_rollback(self._job, problem, at=at)
            case "record":
                self._ledger.record(self._job, EventKind(line["kind"]), line["stage"], line["detail"], at=at)
            case "rollback":
                self._ledger.start_rollback(self._job, Problem(**line["problem"]), at=at)
            case "version":
                self._ledger.set_version(self._job.store_id, line["version"])
            case "succeeded":
                self._ledger.succeed(self._job, line["version"], at=at)
                self.complete = True
            case "helm":
                self._on_helm_run(line["verb"], HelmOutcome(line["outcome"]), line["seconds"])
            case "log":
                logging.getLogger(line["logger"]).log(line["level"], "%s", line["message"])
            case _:
                self.error = read_end(line)
                self.complete = self.error is not None


class LogFollower:
    """Follows the log of one pod, once that has begun to speak."""

    def __init__(self, cluster: Cluster, namespace: str, job_log: JobLog) -> None:
        self._cluster, self._namespace, self._job_log = cluster, namespace, job_log
        self._lines: LineStream | None = None
        self._stopped = threading.Event()

    @property
    def began(self) -> bool:
        return self._lines is not None

    def follow(self, pod: str) -> None:
        """Begin, unless that was done."""
        if not self._lines:
            self._lines = self._cluster.pod_log(self._namespace, pod, CONTAINER, follow=True)
            target, lines = carried(self._listen), (self._lines,)
            threading.Thread(target=target, args=lines, name="log-follower", daemon=True).start()

    def read_rest(self, pod: str) -> None:
        """What there is of the log, now that there will be no more of it; nothing where it is lost with its node."""
        try:
            self._job_log.read(self._cluster.pod_log(self._namespace, pod, CONTAINER, follow=False))
        except StorewrightError as error:
            log.warning("the log of %s can't be read: %s", pod, error)

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
                return  # whoever attends to the job sees that by itself
            except Exception as error:  # noqa: BLE001
                # Whatever breaks it off, it is read again: a thread that died here would leave a job without its end.
                log.info("a log broke off: %s", error)
            self._stopped.wait(TRY_AGAIN)


@contextmanager
def following(cluster: Cluster, namespace: str, job_log: JobLog) -> Iterator[LogFollower]:
    """A LogFollower, as long as the `with` lasts; nothing is taken in after it."""
    follower = LogFollower(cluster, namespace, job_log)
    try:
        yield follower
    finally:
        follower.stop()

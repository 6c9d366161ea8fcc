"""Jobs as Kubernetes Jobs.

So the cluster bounds how many run at once, and not the bot's own pod.

A Kubernetes Job is named after its job. So there is never a second one for a job, and the next process with the ledger
finds it again: it reads the Job's log from the beginning, and the ledger keeps nothing twice. The Kubernetes Job itself
needs no bot.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import replace

from provisioner.clients.helm import OnHelmRun, ignore_run
from provisioner.clients.kubernetes.objects import Object
from provisioner.domain.errors import HandedOver, JobFailed, StorewrightError, Superseded, Transient
from provisioner.domain.job import Job
from provisioner.operations.journal import JobJournal
from provisioner.operations.steps.chart_job import NAME_LABEL
from provisioner.operations.toolbox import Toolbox
from provisioner.runner.executors.exclusive import end_others
from provisioner.runner.executors.job_manifest import Worker, manifest_of, name_of, worker_labels
from provisioner.runner.executors.job_monitor import GONE_SECONDS, LOOK_SECONDS, JobMonitor, loss
from provisioner.runner.executors.job_protocol import JobPayload, payload_of
from provisioner.runner.executors.log_follower import JobLog, following
from provisioner.runner.executors.worker_pods import WorkerPods

log = logging.getLogger(__name__)


class KubernetesExecutor:
    """Runs each job in a Kubernetes Job of its own."""

    def __init__(
        self,
        ledger: JobJournal,
        tools: Toolbox,
        worker: Worker,
        home: str,
        at_once: int = 50,
        on_helm_run: OnHelmRun = ignore_run,
    ) -> None:
        """`home` is the namespace of the Kubernetes Jobs: the bot's own, because they use its ServiceAccount.

        `on_helm_run` is called for each run of helm in a worker.
        """
        self._ledger, self._tools, self._cluster, self._on_helm_run = ledger, tools, tools.cluster, on_helm_run
        self._worker, self._home, self.at_once = worker, home, at_once
        self._worker_pods = WorkerPods(tools.cluster, home, worker_labels(tools.defaults.instance))

    def run(self, job: Job) -> None:
        """Run the job, as Executor does.

        On HandedOver the Kubernetes Job goes on, and the next process finds it.
        """
        if job.cancelled_by:
            self._end_work(replace(job, cancelled_by=""))
            self._tools.require_wanted(job)
        source = self._tools.source_of(job) if "source" in job.arguments else None
        events = self._ledger.events(job.id)
        payload = payload_of(job, self._tools.store_of(job), events, self._tools.defaults, source)
        name = name_of(job)
        end_others(self._tools, self._home, job, spared=name)
        found = self._ensure(job, name, payload)
        try:
            error = self._follow(job, found)
        except (Superseded, Transient, JobFailed):
            self._remove(name, GONE_SECONDS)
            raise
        if not isinstance(error, JobFailed):  # the Job of a failed operation stays for inspection
            self._remove(name)
        if error:
            raise error

    def _ensure(self, job: Job, name: str, payload: JobPayload) -> Object:
        """The Kubernetes Job, created or found; one that is being deleted, of an earlier attempt, is waited for."""
        while True:
            manifest = manifest_of(payload, self._worker, self._tools.remaining(job))
            created = self._cluster.create_job(self._home, manifest)
            if created is not None:
                return created
            found = self._cluster.job(self._home, name)
            if found and not found["metadata"].get("deletionTimestamp"):
                log.info("found the Kubernetes Job %s", name)
                return found
            self._tools.check_in(job, f"The Job {name} of an earlier attempt did not end")
            time.sleep(LOOK_SECONDS)

    def _follow(self, job: Job, found: Object) -> Transient | JobFailed | None:
        """Follow the Kubernetes Job until its operation has ended; the error it ended with, or None.

        Raises Transient or JobFailed where the operation does not end, Superseded or HandedOver.
        """
        job_log = JobLog(self._ledger, job, self._on_helm_run)
        end = None
        with following(self._cluster, self._home, job_log) as follower, self._worker_pods.of(job.id) as pods:
            try:
                end = JobMonitor(self._tools, self._worker_pods, self._home, job, found, follower).until_over(pods)
            except Superseded:
                if not job_log.complete:
                    self._remove(found["metadata"]["name"], GONE_SECONDS)  # its log is read meanwhile, to the last line
                if not job_log.complete:  # a job that has succeeded is not live any more
                    raise
        if end and not job_log.complete:
            raise loss(job, end)
        return job_log.error

    def _end_work(self, job: Job) -> None:
        """End the Kubernetes Job that still works on a job which was cancelled. What its log says counts.

        There is one if a former process of the bot ended before it could do this."""
        job_log, name = JobLog(self._ledger, job, self._on_helm_run), name_of(job)
        with following(self._cluster, self._home, job_log) as follower:
            for pod in self._cluster.pods(self._home, {NAME_LABEL: name}):
                with suppress(Superseded):
                    follower.read_rest(pod["metadata"]["name"])  # what is there: an ended pod may be gone at once
                follower.follow(pod["metadata"]["name"])
            self._remove(name, GONE_SECONDS)

    def _remove(self, name: str, within_seconds: float = 0.0) -> None:
        """Delete the Kubernetes Job, and wait for its end. A failure does no harm: the store's next job does it."""
        until = time.monotonic() + within_seconds
        with suppress(StorewrightError, HandedOver):
            self._cluster.delete_job(self._home, name)
            while time.monotonic() < until and self._cluster.job(self._home, name):
                if self._tools.stopping.wait(LOOK_SECONDS):
                    return

"""Workflows as Kubernetes Jobs, so that the cluster bounds how many run at once and not the bot's own pod.

A Job is named by its job, so there is never a second one, and whoever has the ledger finds it again: its log is read
anew from the beginning, and what the ledger has of it already is not kept twice. The Job itself needs no bot."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import replace

from provisioner.clients.helm import OnHelmRun, ignore_run
from provisioner.clients.kubernetes.cluster import Object
from provisioner.clients.kubernetes.objects import end_reason
from provisioner.diagnosis import Patience, PodWatcher
from provisioner.domain.errors import HandedOver, JobFailed, StorewrightError, Superseded, Transient
from provisioner.domain.job import ROLLBACK_GRACE_SECONDS, Job
from provisioner.domain.store import JOB
from provisioner.operations.journal import JobJournal
from provisioner.operations.toolbox import Toolbox
from provisioner.runner.executors.exclusive import end_others
from provisioner.runner.executors.job_manifest import Worker, manifest_of, name_of
from provisioner.runner.executors.job_protocol import JobPayload, payload_of
from provisioner.runner.executors.log_follower import JobLog, LogFollower, following

log = logging.getLogger(__name__)

LOOK_AGAIN = 0.5  # seconds between looks where no watch brings news
EXAMINE = 2.0  # seconds between looks for what keeps a pod from starting
BROKEN = 1  # Python's exit code where it could not even begin; our own are in pod.py
GONE_WITHIN = 30.0  # seconds for the pod of a Job that is no longer wanted to go
# A full cluster is what these Jobs wait for, until their deadline; what only an operator can mend is told soon.
PATIENCE = Patience(registry=120.0, quota=120.0, unschedulable=float("inf"), sandbox=float("inf"))


class KubernetesExecutor:
    """`home` is the namespace the Jobs are made in: our own, since the ServiceAccount is."""

    def __init__(
        self,
        ledger: JobJournal,
        tools: Toolbox,
        worker: Worker,
        home: str,
        at_once: int = 50,
        on_helm_run: OnHelmRun = ignore_run,
    ) -> None:
        self._ledger, self._tools, self._cluster, self._on_helm_run = ledger, tools, tools.cluster, on_helm_run
        self._worker, self._home, self.at_once = worker, home, at_once

    def run(self, job: Job) -> None:
        """As Executor has it. On HandedOver the Job goes on, and the next process finds it."""
        payload = payload_of(job, self._tools.store_of(job), self._ledger.events(job.id), self._tools.defaults)
        name = name_of(payload)
        end_others(self._tools, self._home, job, spared=name)
        self._ensure(job, name, payload)
        try:
            error = self._attend(job, name)
        except (Superseded, Transient, JobFailed):
            self._remove(name, GONE_WITHIN)
            raise
        if not isinstance(error, JobFailed):  # those whose workflow failed are left to be looked at
            self._remove(name)
        if error:
            raise error

    # --- beginning and end ----------------------------------------------------------------------------------------

    def _ensure(self, job: Job, name: str, payload: JobPayload) -> None:
        """The Job, made or found; one on its way out, of a former attempt, is waited for."""
        while not self._cluster.create_job(self._home, manifest_of(payload, self._worker, self._tools.remaining(job))):
            found = self._cluster.job(self._home, name)
            if found and not found["metadata"].get("deletionTimestamp"):
                log.info("found the Job %s", name)
                return
            self._tools.check_in(job, f"The Job {name} of a former attempt did not end")
            time.sleep(LOOK_AGAIN)

    def _remove(self, name: str, within: float = 0.0) -> None:
        """Ask for its end, and wait for that `within` seconds. Not to succeed is no harm: the store's next job does."""
        until = time.monotonic() + within
        with suppress(StorewrightError, HandedOver):
            self._cluster.delete_job(self._home, name)
            while time.monotonic() < until and self._cluster.job(self._home, name):
                if self._tools.stopping.wait(LOOK_AGAIN):
                    return

    # --- in between -----------------------------------------------------------------------------------------------

    def _attend(self, job: Job, name: str) -> Transient | JobFailed | None:
        """Until the workflow has ended: why it did not succeed, or None.

        Raises Transient or JobFailed where it does not come to that, Superseded or HandedOver."""
        job_log = JobLog(self._ledger, job, self._on_helm_run)
        pods, reason = list[Object](), ""
        try:
            with following(self._cluster, self._home, job_log) as follower:
                pods, reason = self._until_over(job, name, job_log, follower)
        except Superseded:
            if not job_log.complete:  # it succeeded, and so is live no more
                raise
        if job_log.complete:
            return job_log.error
        raise loss(job, pods, reason)

    def _until_over(self, job: Job, name: str, job_log: JobLog, follower: LogFollower) -> tuple[list[Object], str]:
        """The Job's pods then, and why it is over."""
        watcher = PodWatcher(f"{job.store}'s job", PATIENCE, self._ledger.clock())
        late = replace(job, deadline_at=job.deadline_at + ROLLBACK_GRACE_SECONDS + GONE_WITHIN)
        while True:
            try:
                with self._cluster.watch_pods(self._home, {JOB: job.id}) as snapshots:
                    hint, examined_at = "", float("-inf")
                    for pods in snapshots.every(LOOK_AGAIN):
                        if reason := self._look(name, pods, job_log, follower):
                            return pods, reason
                        self._tools.check_in(late if follower.began else job, f"The Job {name} did not end", hint)
                        if not follower.began and time.monotonic() - examined_at > EXAMINE:
                            hint, examined_at = self._examine(name, pods, watcher), time.monotonic()
            except Transient as trouble:  # of ours with the API, which the Job need not have
                log.warning("the Job %s is out of sight: %s", name, trouble)
                self._tools.check_in(late, f"The Job {name} did not end", str(trouble))
                time.sleep(LOOK_AGAIN)

    def _look(self, name: str, pods: list[Object], job_log: JobLog, follower: LogFollower) -> str:
        """Why it is over; '' while it is not."""
        if pods and _speaks(pods[0]):
            follower.follow(pods[0]["metadata"]["name"])
        if job_log.complete:
            return "Complete"
        reason = self._over(name, pods)
        if reason and pods:
            follower.read_rest(pods[0]["metadata"]["name"])
        return reason

    def _examine(self, name: str, pods: list[Object], watcher: PodWatcher) -> str:
        """What keeps the pod from starting, as far as is known; raises JobFailed where waiting does not mend that."""
        warnings = self._cluster.warning_events(self._home)
        about_it = [event for event in warnings if event["involvedObject"].get("name", "").startswith(name)]
        symptom, likeliest = watcher.look(pods, [], about_it, self._ledger.clock())
        if symptom:
            raise JobFailed.of(symptom.problem)
        return str(likeliest.problem) if likeliest else ""

    def _over(self, name: str, pods: list[Object]) -> str:
        """Why the Job will say no more; '' while it may."""
        if pods and pods[0]["status"].get("phase") not in ("Succeeded", "Failed"):
            return ""
        found = self._cluster.job(self._home, name)
        return end_reason(found) if found else "Deleted"


def _speaks(pod: Object) -> bool:
    """Whether its container has begun, so that there is a log."""
    statuses = pod["status"].get("containerStatuses") or [{}]
    return bool({"running", "terminated"} & statuses[0].get("state", {}).keys())


def loss(job: Job, pods: list[Object], reason: str) -> Transient | JobFailed:
    """What it means that a Job is over, for `reason`, and nobody told how its workflow did."""
    if reason == "DeadlineExceeded":
        what = f"The work on {job.store} took too long and was stopped."
        return JobFailed(what, "", "Look at the namespace, then retry.")
    status: Object = pods[0]["status"] if pods else {}
    end = (status.get("containerStatuses") or [{}])[0].get("state", {}).get("terminated", {})
    if end.get("reason") in ("StartError", "ContainerCannotRun") or end.get("exitCode") == BROKEN:
        what = f"The process that was to work on {job.store} could not begin."
        cause = end.get("message") or "The bot's log has what it said."
        return JobFailed(what, cause, "Check EXECUTOR_IMAGE and EXECUTOR_POD, then retry.")
    cause = status.get("message") or end.get("reason") or reason
    return Transient(f"The pod that worked on {job.store} was lost.", f"Kubernetes says: {cause}.")

"""One Kubernetes Job, watched until its operation ends or it is lost."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace

from provisioner.clients.kubernetes.feed import Feed
from provisioner.clients.kubernetes.objects import Object, end_reason, owned_by
from provisioner.diagnosis import Patience, PodWatcher
from provisioner.domain.errors import JobFailed, Transient
from provisioner.domain.job import Job
from provisioner.domain.store import JOB
from provisioner.operations.toolbox import Toolbox
from provisioner.runner.executors.job_protocol import ExitCode
from provisioner.runner.executors.log_follower import LogFollower
from provisioner.runner.executors.worker_pods import WorkerPods

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # between looks where nothing changes
EXAMINE_SECONDS = 2.0  # between looks for the reason why there is no pod, or why it does not start
GONE_SECONDS = 30.0  # for the pod of an unwanted Job to go
# Workers wait for room in a full cluster until their deadline. What only an operator can fix fails soon.
PATIENCE = Patience(registry=120.0, quota=120.0, unschedulable=float("inf"), sandbox=float("inf"))
# Reasons why a Job is over.
DELETED = "Deleted"  # ours: the Job does not exist any more
DEADLINE_EXCEEDED = "DeadlineExceeded"  # Kubernetes' own, as every other
CANNOT_START = ("StartError", "ContainerCannotRun")  # a container's reasons


@dataclass(frozen=True)
class JobEnd:
    """A Kubernetes Job that is over.

    `reason` is Kubernetes' word; `pods` are the Job's last ones.
    """

    reason: str
    pods: list[Object]


class JobMonitor:
    """Watches the pods of one Kubernetes Job and has its log followed."""

    def __init__(
        self,
        tools: Toolbox,
        worker_pods: WorkerPods,
        namespace: str,
        job: Job,
        found: Object,
        follower: LogFollower,
    ) -> None:
        """`found` is the Kubernetes Job, as the API server sent it."""
        self._tools, self._worker_pods, self._namespace, self._job = tools, worker_pods, namespace, job
        self._name, self._uid = str(found["metadata"]["name"]), str(found["metadata"]["uid"])
        self._follower = follower
        self._lost_contact = False
        self._watcher = PodWatcher(f"{job.store}'s job", PATIENCE, tools.ledger.clock())
        self._hint, self._examined_at, self._asked_at = "", float("-inf"), time.monotonic()

    def until_over(self, feed: Feed[list[Object]]) -> JobEnd | None:
        """Wait for the end of the operation or of the Job.

        Returns a JobEnd where the Job is over, and None where its log is complete.
        Raises JobFailed where the worker can't start or runs too long, Superseded or HandedOver.
        """
        while True:
            try:
                for pods in feed.every(LOOK_SECONDS):
                    self._note_contact(None)
                    own = self._own(pods)
                    if self._follow_log(own):
                        return None
                    if end := self._end(own):
                        return end
                    self._check_in(late=self._follower.began)
                    self._examine(own)
            except Transient as trouble:  # the bot can't reach the API server; the worker perhaps can
                self._note_contact(trouble)
                self._hint = str(trouble)
                self._check_in(late=True)

    def _note_contact(self, trouble: Transient | None) -> None:
        """Log the loss of contact with the API server once, and its return."""
        if trouble and not self._lost_contact:
            log.warning("lost contact with the Kubernetes Job %s: %s", self._name, trouble)
        elif self._lost_contact and not trouble:
            log.info("regained contact with the Kubernetes Job %s", self._name)
        self._lost_contact = trouble is not None

    def _own(self, pods: list[Object]) -> list[Object]:
        """The pods of this very Job: the job's earlier attempt had a Job of the same name and label."""
        return [pod for pod in pods if owned_by(pod, uid=self._uid)]

    def _follow_log(self, pods: list[Object]) -> bool:
        """Follow the log once there is one; whether it is complete."""
        if pods and _has_started(pods[0]):
            self._follower.follow(pods[0]["metadata"]["name"])
        self._follower.check()
        return self._follower.complete

    def _end(self, pods: list[Object]) -> JobEnd | None:
        """How the Job ended, with the rest of its log read; None while it runs."""
        if not self._may_be_over(pods):
            return None
        found = self._tools.cluster.job(self._namespace, self._name)
        gone = not found or found["metadata"]["uid"] != self._uid
        reason = DELETED if gone else end_reason(found or {})
        if not reason:
            return None
        if not pods and not gone:  # the watch may be behind
            pods = self._own(self._tools.cluster.pods(self._namespace, {JOB: self._job.id}))
        if pods:
            self._follower.read_rest(pods[0]["metadata"]["name"])
        return JobEnd(reason, pods)

    def _may_be_over(self, pods: list[Object]) -> bool:
        """Whether to ask for the Job's state: its pod has ended, or it has none for a while."""
        if pods:
            return pods[0]["status"].get("phase") in ("Succeeded", "Failed")
        if time.monotonic() - self._asked_at < EXAMINE_SECONDS:
            return False
        self._asked_at = time.monotonic()
        return True

    def _check_in(self, *, late: bool) -> None:
        """As Toolbox.check_in. A worker ends by itself at its deadline, so only one that is `late` ends here."""
        job = self._job
        if late:
            grace = self._tools.defaults.grace_seconds + GONE_SECONDS
            job = replace(job, deadline_at=job.deadline_at + grace)
        self._tools.check_in(job, f"The Job {self._name} did not end", self._hint)

    def _examine(self, pods: list[Object]) -> None:
        """Find out why the pod does not start. Raises JobFailed where waiting does not help."""
        if self._follower.began or time.monotonic() - self._examined_at <= EXAMINE_SECONDS:
            return
        warnings = self._worker_pods.warnings_about(self._name)
        symptom, likeliest = self._watcher.look(pods, [], warnings, self._tools.ledger.clock())
        if symptom:
            raise JobFailed.of(symptom.problem)
        self._hint = str(likeliest.problem) if likeliest else ""
        self._examined_at = time.monotonic()


def _has_started(pod: Object) -> bool:
    """Whether the pod's container has started, so that there is a log."""
    statuses = pod["status"].get("containerStatuses") or [{}]
    return bool({"running", "terminated"} & statuses[0].get("state", {}).keys())


def loss(job: Job, end: JobEnd) -> Transient | JobFailed:
    """The error for a Job that is over without a final message."""
    if end.reason == DEADLINE_EXCEEDED:
        what = f"The work on {job.store} took too long and was stopped."
        return JobFailed(what, "", "Look at the namespace, then retry.")
    status: Object = end.pods[0]["status"] if end.pods else {}
    exit = (status.get("containerStatuses") or [{}])[0].get("state", {}).get("terminated", {})
    if exit.get("reason") in CANNOT_START or exit.get("exitCode") == ExitCode.CRASHED:
        what = f"The process that was to work on {job.store} could not begin."
        cause = exit.get("message") or "The bot's log has its output."
        return JobFailed(what, cause, "Check EXECUTOR_IMAGE and EXECUTOR_POD, then retry.")
    cause = status.get("message") or exit.get("reason") or end.reason
    return Transient(f"The pod that worked on {job.store} was lost.", f"Kubernetes says: {cause}.")

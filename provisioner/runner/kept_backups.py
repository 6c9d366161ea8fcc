"""KeptBackups: reads what the daily removal of old backups has left, for the ledger: backups, and room for more."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.clients.kubernetes.objects import COMPONENT, end_reason
from provisioner.domain.errors import StorewrightError
from provisioner.ledger.ledger import Ledger
from provisioner.operations.steps.backup_job import secret_of
from provisioner.operations.steps.chart_job import NAME_LABEL
from provisioner.operations.steps.kept_store import forget_purge

RETENTION = "retention"  # the component and the container of its Jobs, in the backup server's namespace
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Room:
    """The size of the backup server's storage, and what of it is free."""

    free_bytes: int
    total_bytes: int


class KeptBackups:
    """Each run of the CronJob prints the backups of every store that are left, the stores that have none left, and the
    room. See charts/storewright/files/retention.sh."""

    def __init__(self, ledger: Ledger, cluster: Cluster, server: str) -> None:
        """`server` is the URL of the backup server."""
        self._ledger, self._cluster, self._server = ledger, cluster, server
        self._read: set[str] = set()  # the uids of Jobs that are done
        self.room: Room | None = None  # after the last run; None where the storage has no limit

    def read(self) -> None:
        """Delete from the ledger what ended Jobs have removed. Raises Transient and JobFailed."""
        for job in _ended_jobs(self._cluster, self._server):
            if job["metadata"]["uid"] not in self._read:
                started = datetime.fromisoformat(job["status"]["startTime"]).timestamp()
                for line in _lines(self._cluster, self._server, job):
                    self._take(line, started)
                self._read.add(job["metadata"]["uid"])

    def _take(self, line: str, started: float) -> None:
        try:
            found = json.loads(line)
            if "room" in found:
                self.room = _room(found["room"])
                return
            store_id, purged = found["store"], found.get("purged", False)
            kept = [] if purged else [backup["id"] for backup in found["backups"]]
        except (ValueError, TypeError, KeyError, AttributeError):
            log.warning("removal of old backups: %s", line)
            return
        if purged:
            forget_purge(self._cluster, self._server, store_id)
        if removed := self._ledger.store_backups.keep(store_id, kept, started):
            log.info("%d old backups removed", removed, extra={"store_id": store_id})


def read_room(cluster: Cluster, server: str) -> Room | None:
    """The room that the last run of the CronJob found; None where it has not run, or the storage has no limit.

    Raises Transient and JobFailed."""
    lines = [line for job in _ended_jobs(cluster, server) for line in _lines(cluster, server, job)]
    rooms = [_room(json.loads(line)["room"]) for line in lines if line.startswith('{"room": {')]
    return rooms[-1] if rooms else None


def _room(about: dict[str, Any]) -> Room | None:
    """From what `rclone about` prints."""
    return Room(about["free"], about["total"]) if {"free", "total"} <= about.keys() else None


def _ended_jobs(cluster: Cluster, server: str) -> list[Object]:
    """The CronJob's Jobs that have ended, the oldest first."""
    namespace, name = secret_of(server)
    cron_job = f"{name}-{RETENTION}"
    jobs = [
        job
        for job in cluster.jobs(namespace, {COMPONENT: RETENTION})
        if cron_job in [owner["name"] for owner in job["metadata"].get("ownerReferences", [])] and end_reason(job)
    ]
    return sorted(jobs, key=lambda job: str(job["status"]["startTime"]))


def _lines(cluster: Cluster, server: str, job: Object) -> Iterator[str]:
    """What the Job printed; what can't be read is left out."""
    namespace, _ = secret_of(server)
    for pod in cluster.pods(namespace, {NAME_LABEL: job["metadata"]["name"]}):
        try:
            yield from cluster.pod_log(namespace, pod["metadata"]["name"], RETENTION, follow=False)
        except StorewrightError as error:
            log.warning("log of %s not read: %s", pod["metadata"]["name"], error)

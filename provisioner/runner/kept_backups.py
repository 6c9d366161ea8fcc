"""KeptBackups: reads which backups the daily removal of old ones has left, for the ledger."""

from __future__ import annotations

import json
import logging
from datetime import datetime

from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.clients.kubernetes.objects import COMPONENT, end_reason
from provisioner.domain.errors import StorewrightError
from provisioner.ledger.ledger import Ledger
from provisioner.operations.steps.backup_job import NAME_LABEL, secret_of
from provisioner.operations.steps.kept_store import forget_purge

RETENTION = "retention"  # the component and the container of its Jobs, in the backup server's namespace
log = logging.getLogger(__name__)


class KeptBackups:
    """Each run of the CronJob prints the backups of every store that are left, and the stores that have none left.

    See charts/storewright/files/retention.sh."""

    def __init__(self, ledger: Ledger, cluster: Cluster, server: str) -> None:
        """`server` is the URL of the backup server."""
        self._ledger, self._cluster, self._server = ledger, cluster, server
        self._namespace, name = secret_of(server)
        self._cron_job = f"{name}-{RETENTION}"
        self._read: set[str] = set()  # the uids of Jobs that are done

    def read(self) -> None:
        """Delete from the ledger what ended Jobs have removed. Raises Transient and JobFailed."""
        for job in self._cluster.jobs(self._namespace, {COMPONENT: RETENTION}):
            owners = [owner["name"] for owner in job["metadata"].get("ownerReferences", [])]
            if self._cron_job in owners and end_reason(job) and job["metadata"]["uid"] not in self._read:
                self._take(job)
                self._read.add(job["metadata"]["uid"])

    def _take(self, job: Object) -> None:
        started = datetime.fromisoformat(job["status"]["startTime"]).timestamp()
        for pod in self._cluster.pods(self._namespace, {NAME_LABEL: job["metadata"]["name"]}):
            try:
                for line in self._cluster.pod_log(self._namespace, pod["metadata"]["name"], RETENTION, follow=False):
                    self._take_line(line, started)
            except StorewrightError as error:
                log.warning("log of %s not read: %s", pod["metadata"]["name"], error)

    def _take_line(self, line: str, started: float) -> None:
        try:
            found = json.loads(line)
            store_id, purged = found["store"], found.get("purged", False)
            kept = [] if purged else [backup["id"] for backup in found["backups"]]
        except (ValueError, TypeError, KeyError, AttributeError):
            log.warning("removal of old backups: %s", line)
            return
        if purged:
            forget_purge(self._cluster, self._server, store_id)
        if removed := self._ledger.store_backups.keep(store_id, kept, started):
            log.info("%d old backups removed", removed, extra={"store_id": store_id})

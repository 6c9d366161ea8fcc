"""Backup servers of the stores that tests make without a bot, and a look into their repositories."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dev.charts import bot_chart
from dev.cluster import Cluster as DevCluster
from dev.cluster.layout import locked
from dev.stack import backup_image, kubectl
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.operations.steps import backup_keys
from provisioner.operations.steps.backup_job import ensure_keys
from tests import workers

NAMESPACE = "storewright"


@dataclass(frozen=True)
class BackupServer:
    """The server of a release of the bot's chart. A test that stops or fills it takes one of its own."""

    cluster: DevCluster
    release: str = "tests"

    @property
    def url(self) -> str:
        return f"https://{self.release}-backup.{NAMESPACE}.svc:8000"

    @property
    def retention(self) -> str:
        """The CronJob that removes old backups."""
        return f"cronjob/{self.release}-backup-retention"

    @property
    def _deployment(self) -> str:
        return f"deployment/{self.release}-backup"

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        return kubectl(self.cluster, "-n", NAMESPACE, *args, stdin=stdin)

    def start(self, *options: str) -> None:
        """Start it, unless it runs, and wait until it is ready; `options` are options of `helm template`."""
        server = bot_chart.backup_server(self.release, backup_image(), *options)
        objects = bot_chart.NAMESPACE + bot_chart.permissions(self.release) + server
        with locked(workers.run_folder()):
            self.kubectl("apply", "-f", "-", stdin=objects)
            ensure_keys(Cluster(self.cluster.kubeconfig), self.url)
            self._await_ready()

    def remove_old_backups(self, name: str, key: str) -> str:
        """Run the CronJob's Job now, called `name`, for one key of the keys' Secret only, which saves time; its log."""
        job = json.loads(
            self.kubectl("create", "job", f"--from={self.retention}", name, "--dry-run=client", "-o", "json")
        )
        [keys] = [volume["secret"] for volume in job["spec"]["template"]["spec"]["volumes"] if volume["name"] == "keys"]
        keys["items"] = [{"key": key, "path": key}]
        self.kubectl("create", "-f", "-", stdin=json.dumps(job))
        self.kubectl("wait", "--for=condition=Complete", f"job/{name}", "--timeout=300s")
        return self.kubectl("logs", f"job/{name}")

    def remove(self) -> None:
        names = (self._deployment, self.retention, f"pvc/{self.release}-backup", f"secret/{self.release}-backup")
        self.kubectl("delete", *names, "--ignore-not-found", "--wait=false")

    @contextmanager
    def away(self) -> Iterator[None]:
        """It does not answer in the block."""
        self.kubectl("scale", self._deployment, "--replicas=0")
        try:
            yield
        finally:
            self.kubectl("scale", self._deployment, "--replicas=1")
            self._await_ready()

    def _await_ready(self) -> None:
        self.kubectl("rollout", "status", self._deployment, "--timeout=120s")

    def restic(self, store_id: str, *command: str) -> str:
        """The output of restic on the server itself, with the store's password."""
        return self._exec(store_id, "restic", "--no-cache", "--no-lock", *command)

    def shell(self, store_id: str, script: str) -> str:
        """The output of a script on the server itself, with restic's environment for the store."""
        return self._exec(store_id, "sh", "-euc", script)

    def snapshots(self, store_id: str) -> list[dict[str, Any]]:
        """restic's own list of the store's backups, oldest first."""
        found: list[dict[str, Any]] = json.loads(self.restic(store_id, "snapshots", "--json"))
        return found

    def _exec(self, store_id: str, *command: str) -> str:
        password = backup_keys.password(ensure_keys(Cluster(self.cluster.kubeconfig), self.url), store_id)
        environment = ("env", f"RESTIC_PASSWORD={password}", f"RESTIC_REPOSITORY=/data/{store_id}")
        return self.kubectl("exec", self._deployment, "--", *environment, *command)

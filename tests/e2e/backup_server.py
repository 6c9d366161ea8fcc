"""The backup server of the stores that tests make without a bot, and a look into their repositories."""

from __future__ import annotations

import json
from typing import Any

from dev.charts import bot_chart
from dev.cluster import Cluster as DevCluster
from dev.cluster.layout import locked
from dev.stack import backup_image, kubectl
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.operations.steps import backup_keys
from provisioner.operations.steps.backup_job import ensure_keys
from tests import workers

RELEASE, NAMESPACE = "tests", "storewright"
URL = f"https://{RELEASE}-backup.{NAMESPACE}.svc:8000"
DEPLOYMENT = f"deployment/{RELEASE}-backup"


def start(cluster: DevCluster) -> None:
    """Start the server, unless it runs, and wait until it is ready."""
    with locked(workers.run_folder()):
        objects = (
            bot_chart.NAMESPACE + bot_chart.permissions(RELEASE) + bot_chart.backup_server(RELEASE, backup_image())
        )
        kubectl(cluster, "apply", "-f", "-", stdin=objects)
        ensure_keys(Cluster(cluster.kubeconfig), URL)
        kubectl(cluster, "-n", NAMESPACE, "rollout", "status", DEPLOYMENT, "--timeout=120s")


def restic(cluster: DevCluster, store_id: str, *command: str) -> str:
    """The output of restic on the server itself, with the store's password."""
    return _exec(cluster, store_id, "restic", "--no-cache", "--no-lock", *command)


def shell(cluster: DevCluster, store_id: str, script: str) -> str:
    """The output of a script on the server itself, with restic's environment for the store."""
    return _exec(cluster, store_id, "sh", "-euc", script)


def _exec(cluster: DevCluster, store_id: str, *command: str) -> str:
    password = backup_keys.password(ensure_keys(Cluster(cluster.kubeconfig), URL), store_id)
    environment = ("env", f"RESTIC_PASSWORD={password}", f"RESTIC_REPOSITORY=/data/{store_id}")
    return kubectl(cluster, "-n", NAMESPACE, "exec", DEPLOYMENT, "--", *environment, *command)


def snapshots(cluster: DevCluster, store_id: str) -> list[dict[str, Any]]:
    """restic's own list of the store's backups, oldest first."""
    found: list[dict[str, Any]] = json.loads(restic(cluster, store_id, "snapshots", "--json"))
    return found

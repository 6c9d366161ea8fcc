"""The bot's image as Kubernetes Jobs: the namespace, the permissions and the charts that its pods need."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from dev import images
from dev.charts import bot_chart
from dev.cluster import Cluster as DevCluster
from dev.stack import kubectl
from provisioner.runner.executors import Executor, KubernetesExecutor
from provisioner.runner.executors.job_manifest import Worker
from tests.e2e.provisioner_harness import INSTANCE, Works
from tests.e2e.sample_type import Leaflet

HOME = "storewright"
OURS = ("jobs", "-n", HOME, "-l", f"storewright.dev/instance={INSTANCE}")
CHARTS = f"charts-of-{INSTANCE}"  # a ConfigMap


def give_charts(cluster: DevCluster, charts: Path) -> dict[str, Any]:
    """Put a folder of charts into the cluster. Returns the fields of EXECUTOR_POD that mount it."""
    files = {str(path.relative_to(charts)): path.read_text() for path in charts.rglob("*") if path.is_file()}
    keys = {f"file-{number}": name for number, name in enumerate(files)}
    data = {key: files[name] for key, name in keys.items()}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CHARTS, "namespace": HOME}, "data": data}
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(config))
    items = [{"key": key, "path": name} for key, name in keys.items()]
    return {
        "pod": {"volumes": [{"name": "charts", "configMap": {"name": CHARTS, "items": items}}]},
        "container": {
            "volumeMounts": [{"name": "charts", "mountPath": "/charts"}],
            "env": [{"name": "CHARTS_DIR", "value": "/charts"}],
        },
    }


class RemoteWorks(Works):
    """Works whose jobs run as Kubernetes Jobs."""

    def __init__(self, cluster: DevCluster, folder: Path, leaflet: Leaflet, pull_secret: str = "") -> None:
        self.pull_secret = pull_secret
        options = [f"--set=stores.imagePullSecret={pull_secret}"] if pull_secret else []
        kubectl(cluster, "apply", "-f", "-", stdin=bot_chart.NAMESPACE + bot_chart.permissions(INSTANCE, *options))
        image = images.load_bot_image(cluster)
        self.leaflet = leaflet
        self.worker = Worker(f"{image['repository']}:{image['tag']}", **give_charts(cluster, leaflet.charts))
        super().__init__(cluster, folder, leaflet.charts, "leaflet")

    def give_charts(self) -> None:
        """Let the pods use the charts as they are now."""
        self.worker = replace(self.worker, **give_charts(self.cluster, self.charts))

    def defaults(self) -> dict[str, Any]:
        return {
            "ingress_address": self.cluster.pod_ingress_address,
            "service_account": f"{HOME}/{INSTANCE}",
            "store_role": f"storewright-{INSTANCE}-store",
            "pull_secret": f"{HOME}/{self.pull_secret}" if self.pull_secret else None,
        }

    def executor(self) -> Executor:
        return KubernetesExecutor(self.journal, self.tools, self.worker, HOME)

    def jobs(self) -> list[dict[str, Any]]:
        """The Jobs that exist, in any state."""
        items: list[dict[str, Any]] = json.loads(kubectl(self.cluster, "get", *OURS, "-o", "json"))["items"]
        return items

    def remove_all(self) -> None:
        super().remove_all()
        kubectl(self.cluster, "delete", *OURS)
        kubectl(self.cluster, "delete", "--ignore-not-found", "-f", "-", stdin=bot_chart.permissions(INSTANCE))

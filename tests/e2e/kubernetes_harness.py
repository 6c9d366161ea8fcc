"""The harness for jobs that run as Kubernetes Jobs: their namespace, permissions, image and charts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from dev import images
from dev.charts import bot_chart
from dev.cluster import Cluster as DevCluster
from dev.stack import kubectl
from provisioner.runner.executors import Executor
from provisioner.runner.executors.job_manifest import Worker
from provisioner.runner.executors.kubernetes import KubernetesExecutor
from tests.e2e.provisioner_harness import INSTANCE, ProvisionerHarness
from tests.e2e.sample_type import SampleType

BOT_NAMESPACE = "storewright"
OUR_JOBS = ("jobs", "-n", BOT_NAMESPACE, "-l", f"storewright.dev/instance={INSTANCE}")
CONFIG_MAP = f"charts-of-{INSTANCE}"


def chart_files(charts: Path) -> dict[str, str]:
    """The texts of a folder of charts, by path."""
    return {str(path.relative_to(charts)): path.read_text() for path in charts.rglob("*") if path.is_file()}


def upload_charts(cluster: DevCluster, charts: Path) -> dict[str, Any]:
    """Write a folder of charts to a ConfigMap; returns the fields of EXECUTOR_POD that mount it."""
    files = chart_files(charts)
    keys = {f"file-{number}": name for number, name in enumerate(files)}
    data = {key: files[name] for key, name in keys.items()}
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": BOT_NAMESPACE},
        "data": data,
    }
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(config))
    items = [{"key": key, "path": name} for key, name in keys.items()]
    return {
        "pod": {"volumes": [{"name": "charts", "configMap": {"name": CONFIG_MAP, "items": items}}]},
        "container": {
            "volumeMounts": [{"name": "charts", "mountPath": "/charts"}],
            "env": [{"name": "CHARTS_DIR", "value": "/charts"}],
        },
    }


class KubernetesHarness(ProvisionerHarness):
    """A harness whose jobs run as Kubernetes Jobs, with the bot's image."""

    def __init__(self, cluster: DevCluster, folder: Path, leaflet: SampleType, pull_secret: str = "") -> None:
        self.pull_secret = pull_secret
        options = [f"--set=stores.imagePullSecret={pull_secret}"] if pull_secret else []
        kubectl(cluster, "apply", "-f", "-", stdin=bot_chart.NAMESPACE + bot_chart.permissions(INSTANCE, *options))
        image = images.load_bot_image(cluster)
        self.leaflet = leaflet
        self.worker = Worker(f"{image['repository']}:{image['tag']}", **upload_charts(cluster, leaflet.charts))
        super().__init__(cluster, folder, leaflet.charts, "leaflet")

    def release(self, version: str, **details: str) -> None:
        """Release this version of leaflet with these `details` (see SampleType.release) to the next process."""
        self.leaflet.release(version, **details)
        self.upload_charts()
        self.reopen()

    def upload_charts(self) -> None:
        """Write the present charts to the ConfigMap, for the next open()."""
        self.worker = replace(self.worker, **upload_charts(self.cluster, self.charts))

    def defaults(self) -> dict[str, Any]:
        return {
            "ingress_address": self.cluster.pod_ingress_address,
            "service_account": f"{BOT_NAMESPACE}/{INSTANCE}",
            "store_role": f"storewright-{INSTANCE}-store",
            "pull_secret": f"{BOT_NAMESPACE}/{self.pull_secret}" if self.pull_secret else None,
        }

    def executor(self) -> Executor:
        return KubernetesExecutor(self.journal, self.tools, self.worker, BOT_NAMESPACE)

    def jobs(self) -> list[dict[str, Any]]:
        """The Jobs that exist, in any state."""
        items: list[dict[str, Any]] = json.loads(kubectl(self.cluster, "get", *OUR_JOBS, "-o", "json"))["items"]
        return items

    def remove_stores(self, *kept: str) -> None:
        super().remove_stores(*kept)
        kubectl(self.cluster, "delete", *OUR_JOBS)

    def remove_all(self) -> None:
        super().remove_all()
        kubectl(self.cluster, "delete", "--ignore-not-found", "-f", "-", stdin=bot_chart.permissions(INSTANCE))

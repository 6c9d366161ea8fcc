"""The bot's chart as Helm renders it, for the tests of its values and objects."""

from __future__ import annotations

import subprocess

import yaml

from dev.charts import bot_chart
from provisioner.clients.kubernetes.objects import COMPONENT
from provisioner.domain.documents import read_manifests
from tests.charts.releases import Object, containers, of_kind
from tests.workers import once_a_run

CHART, NAMESPACE = bot_chart.CHART, "tools"
# Features that an operator can turn on, as arguments of --set-json.
FEATURES = {
    "http": ('slack.mode="http"',),
    "plain": ('publicUrl="http://storewright.localhost:8081"', 'stores.scheme="http"', "stores.port=8081"),
    "no-ingress": ("ingress.enabled=false",),
    "http-route": ("httpRoute.enabled=true", 'httpRoute.parentRefs=[{"name":"web","namespace":"gateways"}]'),
    "kubernetes": ('executor="kubernetes"',),
    "monitored": ("serviceMonitor.enabled=true", "prometheusRule.enabled=true", "dashboard.enabled=true"),
    "budget": ("podDisruptionBudget.enabled=true",),
    "priority": ("priorityClass.create=true",),
    "remote": ('backups.remote="s3:bucket/storewright"', 'backups.remoteSecret="s3"'),
    "capacity": ("stores.showCapacity=true",),
    "no-policy": ("networkPolicy.enabled=false",),
}


@once_a_run
def template(*options: str, release: str = "bot", namespace: str = NAMESPACE) -> subprocess.CompletedProcess[str]:
    """The result of `helm template` with manifests/values.yaml and these `--set-json` assignments."""
    flags = [
        f"--namespace={namespace}",
        f"--values={bot_chart.VALUES}",
        *(f"--set-json={option}" for option in options),
    ]
    command = ["helm", "template", release, str(CHART), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def render(*options: str, release: str = "bot", namespace: str = NAMESPACE) -> list[Object]:
    """The rendered objects; fails if Helm refuses the options."""
    done = template(*options, release=release, namespace=namespace)
    assert done.returncode == 0, done.stderr
    return read_manifests(done.stdout)


def with_features(*names: str) -> list[Object]:
    """The rendered objects with these FEATURES."""
    return render(*(setting for name in names for setting in FEATURES[name]))


def only(kind: str, manifests: list[Object], component: str = "bot") -> Object:
    """The only object of a kind and component."""
    (found,) = parts(kind, manifests, component)
    return found


def parts(kind: str, manifests: list[Object], component: str = "bot") -> list[Object]:
    """The objects of a kind and component."""
    return [found for found in of_kind(manifests, kind) if found["metadata"]["labels"][COMPONENT] == component]


def pod(manifests: list[Object]) -> Object:
    """The pod template of the Deployment."""
    pod_template: Object = only("Deployment", manifests)["spec"]["template"]
    return pod_template


def files(manifests: list[Object]) -> dict[str, str]:
    """The configuration files of the bot, by name."""
    (data,) = [m["data"] for m in of_kind(manifests, "ConfigMap") if m["metadata"]["name"] == "bot-stores"]
    return dict(data)


def worker(manifests: list[Object]) -> Object:
    """The fields that the bot adds to the pods of its Jobs."""
    fields: Object = yaml.safe_load(files(manifests)["worker.yaml"])
    return fields


def environment(manifests: list[Object]) -> dict[str, str]:
    """The bot's environment, with sample values for the Secret's keys and the pod's address."""
    (bot,) = containers(pod(manifests))
    given = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_SIGNING_SECRET": "s",
        "POD_IP": "10.0.0.9",
    }
    variables = {v["name"]: v["value"] if "value" in v else given[v["name"]] for v in bot["env"]}
    return {name: value.replace("$(POD_IP)", given["POD_IP"]) for name, value in variables.items()}


def notes(*options: str) -> str:
    """The notes that `helm install` prints."""
    command = ["helm", "install", "bot", str(CHART), "--dry-run=client", f"--namespace={NAMESPACE}"]
    command += [f"--values={bot_chart.VALUES}", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("NOTES:")[2]

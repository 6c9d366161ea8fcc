"""The baseline of every order: the containers of a store's chart in one bare pod, with no volume, probe or ingress."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import yaml

from dev.cluster import Cluster
from dev.stack import kubectl
from provisioner.domain.catalog import StoreType
from tests.waiting import answers

NAME = "baseline"
Object = dict[str, Any]


def bare_boot(cluster: Cluster, kind: StoreType, overlay: Object) -> float:
    """Seconds from `kubectl apply` until the path of the store's readiness probe answers 200."""
    pod, port, path = bare_pod(rendered(kind, overlay), kind)
    begun = time.monotonic()
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(pod))
    try:
        while not (address := _pod_address(cluster)) or not answers(f"http://{address}:{port}{path}"):
            time.sleep(0.02)
        return time.monotonic() - begun
    finally:
        kubectl(cluster, "delete", "pod", NAME, "--grace-period=0", "--force")


def rendered(kind: StoreType, overlay: Object) -> list[Object]:
    """The objects of the chart, with the local profile."""
    command = ["helm", "template", NAME, str(kind.chart), "--no-hooks", "--values", "-"]
    command += ["--values", str(kind.chart / "values-local.yaml")]
    values = yaml.safe_dump(overlay)
    done = subprocess.run(command, input=values, capture_output=True, text=True, check=True)
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def bare_pod(manifests: list[Object], kind: StoreType) -> tuple[Object, int, str]:
    """One pod with the containers of all workloads, and the port and path of the store's readiness probe.

    The Secret's values are literals in the pod: they are random, and the pod lives for seconds."""
    secret = {
        key: template.format(password=NAME, hex="f" * 64, host="baseline.localhost", name=NAME)
        for key, template in kind.secret.items()
    }
    local = {m["metadata"]["name"] for m in manifests if m["kind"] == "Service"}
    pods = [m["spec"]["template"]["spec"] for m in manifests if m["kind"] in ("Deployment", "StatefulSet")]
    ready = next(probe for pod in pods for c in pod["containers"] if (probe := _ready(c)))
    containers = [_bare(c, pod, secret, local) for pod in pods for c in pod["containers"]]
    volumes = {volume["name"]: volume for pod in pods for volume in pod.get("volumes", [])}
    mounted = {mount["name"] for container in containers for mount in container.get("volumeMounts", [])}
    spec = {
        "enableServiceLinks": False,
        "containers": containers,
        "volumes": [_without_claim(name, volumes.get(name, {})) for name in sorted(mounted)],
    }
    meta = {"name": NAME, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}, *ready


def _ready(container: Object) -> tuple[int, str] | None:
    """Port and path of a container's HTTP readiness probe."""
    probe = container.get("readinessProbe", {}).get("httpGet")
    if not probe:
        return None
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
    return ports.get(probe["port"], probe["port"]), probe["path"]


def _bare(container: Object, pod: Object, secret: dict[str, str], local: set[str]) -> Object:
    user = {"runAsUser": pod["securityContext"]["runAsUser"], "runAsGroup": pod["securityContext"]["runAsGroup"]}
    copied = ("name", "image", "command", "args", "volumeMounts")
    kept: Object = {key: container[key] for key in copied if key in container}
    env = [_literal(variable, secret, local) for variable in container.get("env", [])]
    return {**kept, "env": env, "securityContext": user}


def _literal(variable: Object, secret: dict[str, str], local: set[str]) -> Object:
    """The variable with a literal value. The host of the release's own Services is this pod."""
    if "valueFrom" in variable:
        value = secret[variable["valueFrom"]["secretKeyRef"]["key"]]
    else:
        value = "127.0.0.1" if variable.get("value") in local else variable.get("value", "")
    return {"name": variable["name"], "value": value}


def _without_claim(name: str, volume: Object) -> Object:
    kept = {key: value for key, value in volume.items() if key != "persistentVolumeClaim"}
    return kept if len(kept) > 1 else {"name": name, "emptyDir": {}}


def _pod_address(cluster: Cluster) -> str:
    status = json.loads(kubectl(cluster, "get", "pod", NAME, "-o", "json"))["status"]
    return str(status.get("podIP", ""))

"""A database elsewhere, as a hosting service offers it, and a shop on it: what every engine's places begin with."""

from __future__ import annotations

from typing import Any

from dev import images
from tests.e2e.store_release import SECRET, Release

HOST = "managed"


def start_database(one: Release, engine: str, port: int, *arguments: str, **folders: dict[str, Any]) -> None:
    """Let there be nothing but our image of a database `engine` in that namespace, as a bare pod.

    `folders` are volumes beside its data: one called tls is found at /tls."""
    one.create("Service", HOST, spec={"selector": {"app": HOST}, "ports": [{"port": port}]})
    image = images.build_store_images()[one.type][engine]["image"]
    password = {"secretKeyRef": {"name": SECRET, "key": "database-password"}}
    folders = {"data": {"emptyDir": {}}, **folders}
    server = {
        "name": engine,
        "image": f"{image['repository']}:{image['tag']}",
        "args": list(arguments),
        "env": [{"name": name, "valueFrom": password} for name in ("POSTGRES_PASSWORD", "MARIADB_PASSWORD")],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in folders],
    }
    user = {"runAsNonRoot": True, "runAsUser": 999, "fsGroup": 999, "seccompProfile": {"type": "RuntimeDefault"}}
    volumes = [{"name": name, **volume} for name, volume in folders.items()]
    spec = {"securityContext": user, "containers": [server], "volumes": volumes}
    one.create("Pod", HOST, metadata={"labels": {"app": HOST}}, spec=spec)
    one.kubectl("wait", "--for=condition=Ready", f"pod/{HOST}", "--timeout=60s")


def install(one: Release, elsewhere: Release, **store: str) -> None:
    """Install the shop on the database that was started in the namespace of `elsewhere`, whose password it has."""
    address = elsewhere.found("service", HOST)["spec"]["clusterIP"]
    external = {"enabled": True, "host": f"{HOST}.{elsewhere.namespace}.svc", "cidr": f"{address}/32"}
    one.install(store=store, database={"external": external})

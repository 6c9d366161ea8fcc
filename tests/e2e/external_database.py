"""A database outside of the store's namespace, as a hosting service offers it, and a store that uses it."""

from __future__ import annotations

from typing import Any

from dev import images
from tests.e2e.store_release import SECRET, StoreRelease

HOST = "managed"


def start_database(release: StoreRelease, engine: str, port: int, *arguments: str, **folders: dict[str, Any]) -> None:
    """Run our image of a database `engine` as a bare pod in the namespace of a release that is not installed.

    `folders` are further volumes, by name; the volume `tls` is mounted at /tls."""
    release.create_object("Service", HOST, spec={"selector": {"app": HOST}, "ports": [{"port": port}]})
    image = images.build_store_images()[release.type][engine]["image"]
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
    release.create_object("Pod", HOST, metadata={"labels": {"app": HOST}}, spec=spec)
    release.kubectl("wait", "--for=condition=Ready", f"pod/{HOST}", "--timeout=60s")


def install_with_database(release: StoreRelease, database: StoreRelease, **store: str) -> None:
    """Install a store that uses the database in the namespace of `database`; both Secrets have its password."""
    address = database.get_object("service", HOST)["spec"]["clusterIP"]
    external = {"enabled": True, "host": f"{HOST}.{database.namespace}.svc", "cidr": f"{address}/32"}
    release.install(store=store, database={"external": external})

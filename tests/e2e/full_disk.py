"""Disks that are full: a small file system in the place of each volume of a store on the local cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from dev.cluster.local import LocalCluster
from dev.cluster.node import Node
from tests.e2e.store_release import StoreRelease

SPARE_MB = 16  # for what the engine writes while it starts
COPY = 'size=$(($(du -sm "$1" | cut -f1) + $2)); mount -t tmpfs -o size=${size}m,mode=777 tmpfs /mnt'
MOVE = 'cp -a --sparse=always "$1"/. /mnt/; mount --move /mnt "$1"'
FILL = 'cat /dev/zero >"$1/filler" 2>/dev/null || true; [ $(df --output=avail "$1" | tail -1) = 0 ]'


@contextmanager
def full_disks(store: StoreRelease) -> Iterator[None]:
    """Fill the disks of a running store until the block ends. Afterwards, the store can only be deleted."""
    workloads = ("statefulset,deployment", "--all")
    store.kubectl("scale", *workloads, "--replicas=0")
    running = "--selector=app.kubernetes.io/component in (database, application)"
    store.kubectl("wait", "--for=delete", "pods", running, "--timeout=300s")
    folders = [_folder(store, volume) for volume in store.volumes()]
    try:
        for folder in folders:
            _on_node(store, f"set -e; {COPY}; {MOVE}", folder, str(SPARE_MB))
        store.kubectl("scale", *workloads, "--replicas=1")
        for workload in (f"statefulset/{store.name}-database", f"deployment/{store.name}"):
            store.kubectl("rollout", "status", workload, "--timeout=300s")
        for folder in folders:
            _on_node(store, FILL, folder)
        yield
    finally:
        for folder in folders:
            _on_node(store, 'umount --lazy "$1" || true', folder)


def _folder(store: StoreRelease, volume: str) -> str:
    """The volume's folder on the node."""
    found = json.loads(store.kubectl("get", "persistentvolume", volume, "--output=json"))
    return str(found["spec"]["hostPath"]["path"])


def _on_node(store: StoreRelease, script: str, *arguments: str) -> None:
    """Run a shell script among the mounts of the cluster's node."""
    assert isinstance(store.cluster, LocalCluster)
    pid = Node(store.cluster.layout).pid()
    done = subprocess.run(
        ["nsenter", f"--target={pid}", "--mount", "sh", "-c", script, "sh", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

"""Disks that are full: a small file system in the place of each volume of a store on the local cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dev.cluster.local import LocalCluster
from dev.cluster.node import Node
from dev.cluster.process import run
from tests.e2e.store_release import StoreRelease

SPARE_MB = 160  # for what the engine writes while it starts
# The working directory is the volume's own folder, which the new file system hides. The copies have no holes: a full
# disk has room for what an engine writes into a file that it allocated before, such as its redo log.
REPLACE = """
set -e
cd "$1"
mount -t tmpfs -o "size=$(($(du -sm --apparent-size . | cut -f1) + $2))m" tmpfs "$1"
chown --reference=. "$1"
chmod --reference=. "$1"
cp -a --sparse=never . "$1"
"""
FILL = 'cat /dev/zero >"$1/filler" 2>/dev/null || true; [ "$(df --output=avail "$1" | tail -1)" -eq 0 ]'
GROW = 'for folder in "$@"; do mount -o remount,size=1g "$folder"; done'
RESTORE = 'umount --lazy "$1"'


@contextmanager
def full_disks(store: StoreRelease) -> Iterator[Callable[[], None]]:
    """Fill the disks of a running store; the yielded function enlarges them.

    After the block, the volumes have what they had before it."""
    folders = [_folder(store, volume) for volume in store.volumes()]
    replaced = []
    with _stopped(store):
        for folder in folders:
            _on_node(store, REPLACE, folder, str(SPARE_MB))
            replaced.append(folder)
    try:
        for folder in folders:
            _on_node(store, FILL, folder)
        yield lambda: _on_node(store, GROW, *folders)
    finally:
        for folder in replaced:
            _on_node(store, RESTORE, folder)


@contextmanager
def _stopped(store: StoreRelease) -> Iterator[None]:
    """Stop the store's pods during the block."""
    workloads = ("statefulset,deployment", "--all")
    store.kubectl("scale", *workloads, "--replicas=0")
    running = "--selector=app.kubernetes.io/component in (database, application)"
    store.kubectl("wait", "--for=delete", "pods", running, "--timeout=300s")
    yield
    store.kubectl("scale", *workloads, "--replicas=1")
    for workload in (f"statefulset/{store.name}-database", f"deployment/{store.name}"):
        store.kubectl("rollout", "status", workload, "--timeout=300s")


def _folder(store: StoreRelease, volume: str) -> str:
    """The volume's folder on the node."""
    found = json.loads(store.kubectl("get", "persistentvolume", volume, "--output=json"))
    return str(found["spec"]["hostPath"]["path"])


def _on_node(store: StoreRelease, script: str, *arguments: str) -> None:
    """Run a shell script on the cluster's node. Raises ClusterError."""
    assert isinstance(store.cluster, LocalCluster)
    run(*Node(store.cluster.layout).command("sh", "-c", script, "sh", *arguments))

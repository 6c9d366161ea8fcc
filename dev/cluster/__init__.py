"""A real Kubernetes cluster for development.

It is a local cluster of this checkout, or the external cluster that KUBE_CONTEXT names."""

import os

from dev.cluster import external, local
from dev.cluster.base import Cluster
from dev.cluster.process import ClusterError

__all__ = ["Cluster", "ClusterError", "down", "find", "kill", "up"]


def up(name: str = "dev") -> Cluster:
    """The cluster, ready for use. A local cluster that is not running is started. Raises ClusterError."""
    context = os.environ.get("KUBE_CONTEXT")
    return external.connect(name, context) if context else local.up(name)


def find(name: str = "dev") -> Cluster | None:
    """The cluster if it is running, else None. Raises ClusterError."""
    context = os.environ.get("KUBE_CONTEXT")
    return external.connect(name, context) if context else local.find(name)


def down(name: str = "dev") -> None:
    """Remove the local cluster `name` and all its data. Raises ClusterError."""
    external.refuse_if_external()
    local.down(name)


def kill(name: str = "dev") -> None:
    """Kill all processes of the local cluster `name`, like a reboot.

    `up` restores it. Raises ClusterError."""
    external.refuse_if_external()
    local.kill(name)

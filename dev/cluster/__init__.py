"""A real Kubernetes for development: this checkout's own on this machine, or the one that KUBE_CONTEXT names."""

import os

from dev.cluster import external, local
from dev.cluster.base import Cluster
from dev.cluster.process import ClusterError

__all__ = ["Cluster", "ClusterError", "down", "find", "kill", "up"]


def up(name: str = "dev") -> Cluster:
    """The cluster, working; started if it is ours and not running. Raises ClusterError."""
    context = os.environ.get("KUBE_CONTEXT")
    return external.connect(name, context) if context else local.up(name)


def find(name: str = "dev") -> Cluster | None:
    """The cluster if it runs, without starting anything. Raises ClusterError."""
    context = os.environ.get("KUBE_CONTEXT")
    return external.connect(name, context) if context else local.find(name)


def down(name: str = "dev") -> None:
    """Remove our cluster `name`, running or not, with all it kept. Raises ClusterError."""
    external.spare()
    local.down(name)


def kill(name: str = "dev") -> None:
    """End all processes of our cluster `name` as a reboot would; `up` brings it back. Raises ClusterError."""
    external.spare()
    local.kill(name)

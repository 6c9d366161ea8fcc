"""The client of a Kubernetes cluster."""

from __future__ import annotations

from provisioner.clients.kubernetes.access import Access
from provisioner.clients.kubernetes.applied import Applied, FieldChange
from provisioner.clients.kubernetes.commands import Commands
from provisioner.clients.kubernetes.errors import ClusterNotConfigured, Conflict, Forbidden, NotAllowedYet, NotFound
from provisioner.clients.kubernetes.jobs import Jobs
from provisioner.clients.kubernetes.leases import Leases
from provisioner.clients.kubernetes.namespaces import Namespaces
from provisioner.clients.kubernetes.nodes import Nodes
from provisioner.clients.kubernetes.objects import Object
from provisioner.clients.kubernetes.releases import Releases
from provisioner.clients.kubernetes.routes import Routes
from provisioner.clients.kubernetes.secrets import PULL_SECRET, Secrets
from provisioner.clients.kubernetes.services import Services
from provisioner.clients.kubernetes.streams import LineStream
from provisioner.clients.kubernetes.watches import Snapshots, Watches
from provisioner.clients.kubernetes.workloads import Workloads

__all__ = [
    "PULL_SECRET",
    "Cluster",
    "ClusterNotConfigured",
    "Conflict",
    "FieldChange",
    "Forbidden",
    "LineStream",
    "NotAllowedYet",
    "NotFound",
    "Object",
    "Snapshots",
]


class Cluster(
    Namespaces, Secrets, Releases, Workloads, Watches, Jobs, Commands, Leases, Services, Routes, Access, Applied, Nodes
):
    """One Kubernetes cluster.

    Objects are plain dicts, as the API server sends them.
    """

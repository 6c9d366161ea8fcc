"""What the rest of the project sees of a cluster, whichever kind it is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cluster(ABC):
    """A Kubernetes that answers.

    `ingress_address` is "host:port" as dialled from this machine, `pod_ingress_address` the same ingress as
    dialled from a pod; a store's host is `<store>.<store_domain>`.
    """

    name: str
    kubeconfig: Path
    context: str
    ingress_address: str
    pod_ingress_address: str
    store_domain: str

    @property
    def ingress_port(self) -> int:
        return int(self.ingress_address.rpartition(":")[2])

    @abstractmethod
    def load_image(self, tar: Path) -> None:
        """Give the cluster the one image of a docker archive (no-op if it has it). Raises ClusterError."""

    @abstractmethod
    def down(self) -> None:
        """Remove the cluster and all it kept. Raises ClusterError if that is not ours to do."""

    @abstractmethod
    def kill(self) -> None:
        """End all its processes at once, as a reboot would, and keep its data. Raises ClusterError likewise."""

"""What the rest of the project sees of a cluster, whichever kind it is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import httpx


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

    def client(self, host: str, timeout: float = 10) -> httpx.Client:
        """A client that reaches the store of that host (its name alone) through the ingress, on which others may be."""
        headers = {"Host": f"{host}:{self.ingress_port}"}
        return httpx.Client(
            base_url=f"http://{self.ingress_address}", headers=headers, timeout=timeout, trust_env=False
        )

    def get(self, host: str, path: str = "/") -> httpx.Response:
        """What a GET of that host is answered. Raises httpx.HTTPError."""
        with self.client(host) as client:
            return client.get(path)

    @abstractmethod
    def load_image(self, tar: Path) -> None:
        """Give the cluster the one image of a docker archive (no-op if it has it). Raises ClusterError."""

    @abstractmethod
    def down(self) -> None:
        """Remove the cluster and all it kept. Raises ClusterError if that is not ours to do."""

    @abstractmethod
    def kill(self) -> None:
        """End all its processes at once, as a reboot would, and keep its data. Raises ClusterError likewise."""

"""The interface of a cluster, local or external."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import httpx

from dev import local_http


@dataclass(frozen=True)
class Cluster(ABC):
    """A running Kubernetes cluster.

    `ingress_address` is the ingress's "host:port" for this machine, `pod_ingress_address` the same for pods.
    `host_address` is this machine's address for pods and the ingress, '' where they may not reach it.
    A store's host is `<store>.<store_domain>`.
    """

    name: str
    kubeconfig: Path
    context: str
    ingress_address: str
    pod_ingress_address: str
    store_domain: str
    host_address: str

    @property
    def ingress_port(self) -> int:
        return int(self.ingress_address.rpartition(":")[2])

    def client(self, host: str, timeout: float = 10) -> httpx.Client:
        """An HTTP client for the store with that host name.

        It connects to the ingress and sends the Host header."""
        headers = {"Host": f"{host}:{self.ingress_port}"}
        return local_http.client(base_url=f"http://{self.ingress_address}", headers=headers, timeout=timeout)

    def get(self, host: str, path: str = "/") -> httpx.Response:
        """The answer of that host to a GET. Raises httpx.HTTPError."""
        with self.client(host) as client:
            return client.get(path)

    @abstractmethod
    def load_image(self, tar: Path) -> None:
        """Load a Docker archive, unless the cluster has its image. Raises ClusterError."""

    @abstractmethod
    def down(self) -> None:
        """Remove the cluster and all its data. Raises ClusterError for an external cluster."""

    @abstractmethod
    def kill(self) -> None:
        """Kill all its processes, like a reboot, and keep its data. Raises ClusterError for an external cluster."""

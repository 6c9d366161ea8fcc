"""A cluster's id, directories, addresses and ingress port.

Each cluster claims its own address block and ingress port once, so that several clusters can run side by side.
"""

import fcntl
import hashlib
import json
import os
import re
import socket
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from dev.cluster.process import ClusterError, run

STATE_DIR = Path("/var/lib/storewright")
RECORD = "site.json"  # keep this file name: with another one, existing clusters would not be found
FIRST_INGRESS_PORT = 8081
CLUSTER_INDEXES = range(100)


@dataclass(frozen=True)
class Layout:
    """The addresses and paths of one cluster.

    `index` is its number on this machine."""

    name: str
    checkout: Path
    index: int
    ingress_port: int

    @property
    def id(self) -> str:
        return cluster_id(self.name, self.checkout)

    @property
    def state(self) -> Path:
        """The directory with all data of the cluster."""
        return STATE_DIR / self.id

    @property
    def lib(self) -> Path:
        """The node's /var/lib."""
        return self.state / "lib"

    @property
    def log(self) -> Path:
        """The node's /var/log."""
        return self.state / "log"

    @property
    def kubeconfig(self) -> Path:
        return self.checkout / "build" / "cluster" / f"{self.name}.kubeconfig"

    @property
    def interface(self) -> str:
        """The host's interface of the veth pair to the node."""
        return f"sw-{self.index}"

    @property
    def block(self) -> IPv4Network:
        return address_block(self.index)

    @property
    def pod_cidr(self) -> str:
        return f"{self.block[0]}/17"

    @property
    def service_cidr(self) -> str:
        return f"{self.block[0x8000]}/18"

    @property
    def api_service_address(self) -> str:
        """The cluster IP of the API server's Service `kubernetes`."""
        return str(self.block[0x8001])

    @property
    def host_address(self) -> str:
        """The address of this machine for pods."""
        return str(self.block[0xFF01])

    @property
    def node_address(self) -> str:
        return str(self.block[0xFF02])


def cluster_id(name: str, checkout: Path) -> str:
    """A cluster's name with a hash of the checkout's path.

    Raises ClusterError for an invalid name."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?", name):
        raise ClusterError(
            f"{name!r} is not a valid cluster name; use up to 20 lower-case letters, digits and hyphens, such as `dev`"
        )
    return f"{name}-{hashlib.sha256(str(checkout.resolve()).encode()).hexdigest()[:8]}"


def address_block(index: int) -> IPv4Network:
    """The /16 network of cluster number `index`."""
    return IPv4Network(f"10.{100 + index}.0.0/16")


def free_index(taken: Collection[int], networks: Iterable[IPv4Network]) -> int:
    """The lowest free index whose block overlaps none of `networks`.

    Raises ClusterError if there is none."""
    routed = [network for network in networks if network.prefixlen]
    for index in CLUSTER_INDEXES:
        if index not in taken and not any(address_block(index).overlaps(network) for network in routed):
            return index
    raise ClusterError(
        "no free 10.x.0.0/16 address block for another cluster; remove one with `python -m dev.cluster down`"
    )


def load(name: str, checkout: Path) -> Layout | None:
    """The layout that this cluster has claimed, or None."""
    record = STATE_DIR / cluster_id(name, checkout) / RECORD
    return _read(record) if record.exists() else None


def claim(name: str, checkout: Path) -> Layout:
    """The cluster's layout.

    A new one does not conflict with other clusters, routes and ports. Raises ClusterError."""
    STATE_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
    with locked(STATE_DIR):
        return load(name, checkout) or _claim_new(name, checkout)


def _claim_new(name: str, checkout: Path) -> Layout:
    others = [_read(record) for record in STATE_DIR.glob(f"*/{RECORD}")]
    index = free_index({other.index for other in others}, _routed_networks())
    port = _free_port({other.ingress_port for other in others})
    layout = Layout(name, checkout, index, port)
    # Pods write to their volumes with any user id, so only root may enter this directory.
    layout.state.mkdir(mode=0o700, exist_ok=True)
    record = {"name": name, "checkout": str(checkout), "index": index, "ingress_port": port}
    unfinished = layout.state / f"{RECORD}.new"
    unfinished.write_text(json.dumps(record))
    unfinished.rename(layout.state / RECORD)
    return layout


def _read(record: Path) -> Layout:
    fields = json.loads(record.read_text())
    return Layout(fields["name"], Path(fields["checkout"]), fields["index"], fields["ingress_port"])


def _routed_networks() -> list[IPv4Network]:
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all"))
    return [IPv4Network(route["dst"], strict=False) for route in routes if route["dst"] != "default"]


def _free_port(taken: Collection[int]) -> int:
    for port in range(FIRST_INGRESS_PORT, FIRST_INGRESS_PORT + 1000):
        if port not in taken and port_is_free(port):
            return port
    raise ClusterError(f"no free port for the ingress from {FIRST_INGRESS_PORT} on; stop a program that listens there")


def port_is_free(port: int) -> bool:
    """True if a server can listen on `port` of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold an exclusive lock on a directory.

    The kernel releases it when the process ends."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

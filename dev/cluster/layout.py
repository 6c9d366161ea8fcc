"""Where one cluster lives on this machine: its id, directories, addresses and port, claimed once and kept.

Every cluster takes its own block of addresses and its own ingress port, so that clusters of several
checkouts, or several of one checkout, live side by side.
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

STATE = Path("/var/lib/storewright")
FIRST_PORT = 8081
BLOCKS = range(100)


@dataclass(frozen=True)
class Site:
    """One cluster's place: the addresses and paths that everything else is derived from."""

    name: str
    checkout: Path
    index: int
    ingress_port: int

    @property
    def id(self) -> str:
        return cluster_id(self.name, self.checkout)

    @property
    def state(self) -> Path:
        """All the cluster keeps on disk."""
        return STATE / self.id

    @property
    def lib(self) -> Path:
        """What the node sees as /var/lib."""
        return self.state / "lib"

    @property
    def log(self) -> Path:
        """What the node sees as /var/log."""
        return self.state / "log"

    @property
    def kubeconfig(self) -> Path:
        return self.checkout / "build" / "cluster" / f"{self.name}.kubeconfig"

    @property
    def interface(self) -> str:
        """The host's end of the cable to the node."""
        return f"sw-{self.index}"

    @property
    def block(self) -> IPv4Network:
        return address_block(self.index)

    @property
    def pods(self) -> str:
        return f"{self.block[0]}/17"

    @property
    def services(self) -> str:
        return f"{self.block[0x8000]}/18"

    @property
    def first_service(self) -> str:
        """The address of the API server's own Service."""
        return str(self.block[0x8001])

    @property
    def host_address(self) -> str:
        """This machine, as the pods see it."""
        return str(self.block[0xFF01])

    @property
    def node_address(self) -> str:
        return str(self.block[0xFF02])


def cluster_id(name: str, checkout: Path) -> str:
    """The cluster's name on this machine, unique by checkout. Raises ClusterError for an unusable name."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?", name):
        raise ClusterError(
            f"{name!r} cannot name a cluster: use up to 20 lower-case letters, digits and hyphens, as in `dev`"
        )
    return f"{name}-{hashlib.sha256(str(checkout.resolve()).encode()).hexdigest()[:8]}"


def address_block(index: int) -> IPv4Network:
    """The /16 that cluster number `index` uses for pods, Services and the cable to the host."""
    return IPv4Network(f"10.{100 + index}.0.0/16")


def free_index(taken: Collection[int], networks: Iterable[IPv4Network]) -> int:
    """The lowest index not taken whose addresses overlap none of `networks`. Raises ClusterError if none is."""
    known = [network for network in networks if network.prefixlen]
    for index in BLOCKS:
        if index not in taken and not any(address_block(index).overlaps(network) for network in known):
            return index
    raise ClusterError(
        "no free 10.x.0.0/16 address block for another cluster: `python -m dev.cluster down` one you no longer need"
    )


def load(name: str, checkout: Path) -> Site | None:
    """The site claimed earlier for this cluster, if there is one."""
    record = STATE / cluster_id(name, checkout) / "site.json"
    return _read(record) if record.exists() else None


def claim(name: str, checkout: Path) -> Site:
    """The cluster's site: the one it has, or a new one beside all other clusters and programs here."""
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    with locked(STATE):
        return load(name, checkout) or _claim_new(name, checkout)


def _claim_new(name: str, checkout: Path) -> Site:
    others = [_read(record) for record in STATE.glob("*/site.json")]
    index = free_index({other.index for other in others}, _routed_networks())
    port = _free_port({other.ingress_port for other in others})
    site = Site(name, checkout, index, port)
    # Pods write their volumes as anyone; only root may come near them on this machine.
    site.state.mkdir(mode=0o700, exist_ok=True)
    record = {"name": name, "checkout": str(checkout), "index": index, "ingress_port": port}
    unfinished = site.state / "site.json.new"
    unfinished.write_text(json.dumps(record))
    unfinished.rename(site.state / "site.json")
    return site


def _read(record: Path) -> Site:
    known = json.loads(record.read_text())
    return Site(known["name"], Path(known["checkout"]), known["index"], known["ingress_port"])


def _routed_networks() -> list[IPv4Network]:
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all"))
    return [IPv4Network(route["dst"], strict=False) for route in routes if route["dst"] != "default"]


def _free_port(taken: Collection[int]) -> int:
    for port in range(FIRST_PORT, FIRST_PORT + 1000):
        if port not in taken and port_is_free(port):
            return port
    raise ClusterError(f"no free port from {FIRST_PORT} on for the ingress; stop a program that listens there")


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on the loopback address at `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory for this process alone; a process that dies lets go of it."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

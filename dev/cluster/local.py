"""A real Kubernetes on this machine, as root, without Docker: start it, find it, end it, remove it."""

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx

from dev.cache import CHECKOUT
from dev.cluster import archive, binaries, cgroups, components, files
from dev.cluster.base import Cluster
from dev.cluster.components import Component
from dev.cluster.layout import Site, claim, load, locked, port_is_free
from dev.cluster.node import Node
from dev.cluster.process import ClusterError, console, kubectl, run, succeeds, until
from dev.cluster.templates import render

CTR = ("ctr", "--namespace=k8s.io", "images")


@dataclass(frozen=True)
class LocalCluster(Cluster):
    """A cluster of this checkout, on this machine."""

    site: Site

    def load_image(self, tar: Path) -> None:
        load_image(Node(self.site), tar)

    def down(self) -> None:
        down(self.name)

    def kill(self) -> None:
        kill(self.name)


def up(name: str) -> LocalCluster:
    """Start what is not running of the cluster `name` and return when it works. Raises ClusterError."""
    _check_machine()
    programs = binaries.ensure()
    with _alone():
        site = claim(name, CHECKOUT)
        node = Node(site)
        with console.status(f"Starting cluster {name}"):
            _check_port(node)
            files.ensure(site, programs)
            node.start()
            _start(node)
        return _describe(site)


def find(name: str) -> LocalCluster | None:
    """The cluster `name` if its node runs."""
    site = load(name, CHECKOUT)
    return _describe(site) if site and Node(site).pid() else None


def status(name: str) -> Iterator[str]:
    """What the cluster `name` is made of and which parts run, a line each."""
    site = load(name, CHECKOUT)
    if not site:
        yield f"{name}: there is none; `python -m dev.cluster up --name {name}` makes it"
        return
    running = {process.argv: process.pid for process in Node(site).processes()}
    yield f"{name}: kept in {site.state}, ingress http://127.0.0.1:{site.ingress_port}/"
    for component in (make(site) for make in components.ALL):
        pid = running.get(component.argv)
        yield f"  {component.name:24}" + (f"runs as process {pid}" if pid else "does not run")


def kill(name: str) -> None:
    """End all processes of the cluster `name` at once and keep its data."""
    with _alone():
        if site := load(name, CHECKOUT):
            Node(site).kill()


def down(name: str) -> None:
    """Leave nothing of the cluster `name`: no process, mount, interface, control group, directory."""
    with _alone():
        if site := load(name, CHECKOUT):
            Node(site).kill()
            cgroups.remove(site)
            site.kubeconfig.unlink(missing_ok=True)
            # The record of the site goes last: a `down` cut short can be run again.
            for folder in (site.lib, site.log, site.state):
                shutil.rmtree(folder, ignore_errors=not folder.exists())


def _check_machine() -> None:
    debian = shutil.which("apt-get") and platform.system() == "Linux"
    if debian and os.geteuid() == 0:
        return
    raise ClusterError(
        "a cluster of its own needs root on Debian 12. Either name a cluster you have: KUBE_CONTEXT=<context> "
        "INGRESS_ADDRESS=<host:port> STORE_DOMAIN=<domain> REGISTRY=<registry>; or, with Docker, run this in a "
        "container of its own:\n"
        "  docker run --privileged --cgroupns=host --network=host -it -v storewright:/var/lib/storewright "
        "-v $PWD:/storewright -w /storewright debian:12 \\\n"
        "  sh -c 'apt-get update && apt-get install -y make && make demo && exec bash'"
    )


def _alone() -> AbstractContextManager[None]:
    folder = CHECKOUT / "build" / "cluster"
    folder.mkdir(parents=True, exist_ok=True)
    return locked(folder)


def _describe(site: Site) -> LocalCluster:
    return LocalCluster(
        name=site.name,
        kubeconfig=site.kubeconfig,
        context=site.id,
        ingress_address=f"127.0.0.1:{site.ingress_port}",
        pod_ingress_address=f"{site.host_address}:{site.ingress_port}",
        store_domain=os.environ.get("STORE_DOMAIN", "localhost"),
        site=site,
    )


def _start(node: Node) -> None:
    """Start what is not running, each as soon as what it needs answers, and wait until all of it works."""
    site, api = node.site, kubectl(node.site.kubeconfig)
    _ensure(node, components.containerd, components.etcd, components.apiserver)
    _wait(node, components.containerd, lambda: succeeds(*node.command(*CTR, "ls", "--quiet")))
    _load_pause(node)
    _wait(node, components.apiserver, lambda: succeeds(*api, "get", "--raw=/readyz"))
    _forget_readiness(node)
    _ensure(node, components.kubelet, components.controller_manager, components.scheduler, components.proxy)
    _ensure(node, components.coredns, components.volumes, components.traefik)
    # Forced: a class of an older checkout is replaced, for it cannot be changed.
    run(*api, "apply", "--force", "--filename=-", stdin=render("objects.yaml"))
    _wait(node, components.kubelet, lambda: _readiness(site) == "True")
    _wait(node, components.coredns, lambda: _answers(f"http://{site.node_address}:8181/ready", 200))
    _wait(node, components.traefik, lambda: _answers(f"http://127.0.0.1:{site.ingress_port}/", 404))


def _ensure(node: Node, *makers: Callable[[Site], Component]) -> None:
    for make in makers:
        node.ensure(make(node.site))


def _wait(node: Node, make: Callable[[Site], Component], works: Callable[[], bool]) -> None:
    """Wait until a component works. Raises ClusterError with its last words when it ends or takes two minutes."""
    component = make(node.site)
    until(lambda: works() or not node.runs(component), 120, lambda: node.complaint(component, "does not answer"))
    if not node.runs(component):
        raise ClusterError(node.complaint(component, "ended by itself"))


def _readiness(site: Site) -> str:
    """What the API server last heard of the node: True, False, Unknown, or nothing yet."""
    path = '--output=jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    return run(*kubectl(site.kubeconfig), "get", "node", site.name, "--ignore-not-found", path)


def _forget_readiness(node: Node) -> None:
    """Void what a kubelet that has ended said of its node, which would be taken for the new one's word."""
    if not node.runs(components.kubelet(node.site)) and _readiness(node.site):
        condition = {"type": "Ready", "status": "Unknown", "reason": "KubeletStarting", "message": ""}
        patch = json.dumps({"status": {"conditions": [condition]}})
        run(*kubectl(node.site.kubeconfig), "patch", "node", node.site.name, "--subresource=status", "--patch", patch)


def _answers(url: str, status: int) -> bool:
    try:
        return httpx.get(url, timeout=1, trust_env=False).status_code == status
    except httpx.TransportError:
        return False


def _check_port(node: Node) -> None:
    """The port was free when the cluster was made, but another program may have taken it while we were down."""
    port = node.site.ingress_port
    if not node.pid() and not port_is_free(port):
        raise ClusterError(
            f"another program took port {port}, this cluster's ingress: end it (`ss -ltnp sport = {port}` names it), "
            f"or make the cluster anew at another port by `python -m dev.cluster down` and `up --name {node.site.name}`"
        )


def _load_pause(node: Node) -> None:
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder, "pause.tar")
        archive.write(image, "storewright/pause:1", {"pause": node.site.lib / "bin" / "pause"}, ["/pause"])
        load_image(node, image)


def load_image(node: Node, image: Path) -> None:
    """Import a docker archive into the node's containerd unless that has its image. Raises ClusterError."""
    if archive.reference(image) in run(*node.command(*CTR, "ls", "--quiet")).split():
        return
    with image.open("rb") as stream:
        run(*node.command(*CTR, "import", "-"), stdin=stream, timeout=600)

"""Starts, finds, kills and removes a local cluster."""

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

from dev import local_http
from dev.cache import CHECKOUT
from dev.cluster import archive, binaries, cgroups, components, files
from dev.cluster.base import Cluster
from dev.cluster.components import Component
from dev.cluster.layout import Layout, claim, load, locked, port_is_free
from dev.cluster.node import Node
from dev.cluster.process import ClusterError, console, kubectl, run, succeeds, wait_until
from dev.cluster.templates import render

CTR = ("ctr", "--namespace=k8s.io", "images")
READY_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class LocalCluster(Cluster):
    """A cluster of this checkout on this machine."""

    layout: Layout

    def load_image(self, tar: Path) -> None:
        load_image(Node(self.layout), tar)

    def down(self) -> None:
        down(self.name)

    def kill(self) -> None:
        kill(self.name)


def up(name: str) -> LocalCluster:
    """Start the components of the cluster `name` that are not running.

    Wait until all are ready.
    Raises ClusterError."""
    _check_machine()
    programs = binaries.ensure()
    with _exclusive():
        layout = claim(name, CHECKOUT)
        node = Node(layout)
        with console.status(f"Starting cluster {name}"):
            _check_port(node)
            files.install(layout, programs)
            node.start()
            _start(node)
        return _local_cluster(layout)


def find(name: str) -> LocalCluster | None:
    """The cluster `name` if its node is running, else None."""
    layout = load(name, CHECKOUT)
    return _local_cluster(layout) if layout and Node(layout).pid() else None


def status(name: str) -> Iterator[str]:
    """The state of each component of the cluster `name`, one line each."""
    layout = load(name, CHECKOUT)
    if not layout:
        yield f"{name}: does not exist; create it with `python -m dev.cluster up --name {name}`"
        return
    running = {process.argv: process.pid for process in Node(layout).processes()}
    yield f"{name}: data in {layout.state}, ingress at http://127.0.0.1:{layout.ingress_port}/"
    for component in (make(layout) for make in components.ALL):
        pid = running.get(component.argv)
        yield f"  {component.name:24}" + (f"running as process {pid}" if pid else "not running")


def kill(name: str) -> None:
    """Kill all processes of the cluster `name` and keep its data. Raises ClusterError."""
    with _exclusive():
        if layout := load(name, CHECKOUT):
            Node(layout).kill()


def down(name: str) -> None:
    """Remove the cluster `name`: processes, mounts, interfaces, control groups and files. Raises ClusterError."""
    with _exclusive():
        if layout := load(name, CHECKOUT):
            Node(layout).kill()
            cgroups.remove(layout)
            layout.kubeconfig.unlink(missing_ok=True)
            # Delete the layout's record last, so that an interrupted `down` can run again.
            for folder in (layout.lib, layout.log, layout.state):
                shutil.rmtree(folder, ignore_errors=not folder.exists())


def _check_machine() -> None:
    debian = shutil.which("apt-get") and platform.system() == "Linux"
    if debian and os.geteuid() == 0:
        return
    raise ClusterError(
        "a local cluster needs root on Debian 12. Either use a cluster that you have: set KUBE_CONTEXT=<context> "
        "INGRESS_ADDRESS=<host:port> STORE_DOMAIN=<domain> REGISTRY=<registry>. Or, with Docker, run the demo in a "
        "privileged Debian container:\n"
        "  docker run --privileged --cgroupns=host --network=host -it -v storewright:/var/lib/storewright "
        "-v $PWD:/storewright -w /storewright debian:12 \\\n"
        "  sh -c 'apt-get update && apt-get install -y make && make demo && exec bash'"
    )


def _exclusive() -> AbstractContextManager[None]:
    folder = CHECKOUT / "build" / "cluster"
    folder.mkdir(parents=True, exist_ok=True)
    return locked(folder)


def _local_cluster(layout: Layout) -> LocalCluster:
    return LocalCluster(
        name=layout.name,
        kubeconfig=layout.kubeconfig,
        context=layout.id,
        ingress_address=f"127.0.0.1:{layout.ingress_port}",
        pod_ingress_address=f"{layout.host_address}:{layout.ingress_port}",
        store_domain=os.environ.get("STORE_DOMAIN", "localhost"),
        host_address=layout.host_address,
        layout=layout,
    )


def _start(node: Node) -> None:
    """Start each component when its dependencies are ready; wait for all."""
    layout, api = node.layout, kubectl(node.layout.kubeconfig)
    _ensure_running(node, components.containerd, components.etcd, components.apiserver)
    _wait(node, components.containerd, lambda: succeeds(*node.command(*CTR, "ls", "--quiet")))
    _load_pause(node)
    _wait(node, components.apiserver, lambda: succeeds(*api, "get", "--raw=/readyz"))
    _reset_readiness(node)
    _ensure_running(node, components.kubelet, components.controller_manager, components.scheduler, components.proxy)
    _ensure_running(node, components.coredns, components.volumes, components.traefik)
    # --force replaces a StorageClass of an older checkout, because it is immutable.
    run(*api, "apply", "--force", "--filename=-", stdin=render("objects.yaml"))
    _wait(node, components.kubelet, lambda: _readiness(layout) == "True")
    _wait(node, components.coredns, lambda: _responds(f"http://{layout.node_address}:8181/ready", 200))
    _wait(node, components.traefik, lambda: _responds(f"http://127.0.0.1:{layout.ingress_port}/", 404))


def _ensure_running(node: Node, *factories: Callable[[Layout], Component]) -> None:
    for create in factories:
        node.ensure_running(create(node.layout))


def _wait(node: Node, create: Callable[[Layout], Component], is_ready: Callable[[], bool]) -> None:
    """Wait until a component is ready. Raises ClusterError with the end of its log if it ends or the time is up."""
    component = create(node.layout)
    wait_until(
        lambda: is_ready() or not node.is_running(component),
        READY_TIMEOUT_SECONDS,
        lambda: node.failure_message(component, "does not answer"),
    )
    if not node.is_running(component):
        raise ClusterError(node.failure_message(component, "ended unexpectedly"))


def _readiness(layout: Layout) -> str:
    """The node's Ready condition: True, False, Unknown, or "" if missing."""
    path = '--output=jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    return run(*kubectl(layout.kubeconfig), "get", "node", layout.name, "--ignore-not-found", path)


def _reset_readiness(node: Node) -> None:
    """Set the Ready condition to Unknown until the new kubelet reports."""
    if not node.is_running(components.kubelet(node.layout)) and _readiness(node.layout):
        condition = {"type": "Ready", "status": "Unknown", "reason": "KubeletStarting", "message": ""}
        patch = json.dumps({"status": {"conditions": [condition]}})
        run(
            *kubectl(node.layout.kubeconfig),
            "patch",
            "node",
            node.layout.name,
            "--subresource=status",
            "--patch",
            patch,
        )


def _responds(url: str, status: int) -> bool:
    try:
        return local_http.get(url, timeout=1).status_code == status
    except httpx.TransportError:
        return False


def _check_port(node: Node) -> None:
    """Check that no other program uses the ingress port. Raises ClusterError."""
    port = node.layout.ingress_port
    if not node.pid() and not port_is_free(port):
        raise ClusterError(
            f"another program uses port {port}, the port of this cluster's ingress. Stop that program "
            f"(`ss -ltnp sport = {port}` shows it), or create the cluster again on another port: "
            f"run `python -m dev.cluster down --name {node.layout.name}`, then `up`"
        )


def _load_pause(node: Node) -> None:
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder, "pause.tar")
        archive.write(image, "storewright/pause:1", {"pause": node.layout.lib / "bin" / "pause"}, ["/pause"])
        load_image(node, image)


def load_image(node: Node, image: Path) -> None:
    """Import a Docker archive, unless containerd has its image. Raises ClusterError."""
    if archive.reference(image) in run(*node.command(*CTR, "ls", "--quiet")).split():
        return
    with image.open("rb") as stream:
        run(*node.command(*CTR, "import", "-"), stdin=stream, timeout=600)

"""The node: one process that holds fresh mount, network and process namespaces, and all that runs inside them.

When that process ends, by `kill`, `down` or a reboot, the kernel ends every process in the node, its mounts, its
network and the cable to the host with it, so nothing can be left half standing.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.cluster import cgroups
from dev.cluster.components import Component
from dev.cluster.layout import Site
from dev.cluster.process import ClusterError, run, succeeds, tail, until

PAUSE = "/var/lib/bin/pause"
# Nothing of the caller's environment (proxies, credentials) gets into the cluster.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
SCRIPT = Path(__file__).parent / "templates" / "node.sh"


@dataclass(frozen=True)
class Process:
    """A process as this machine sees it."""

    pid: int
    argv: tuple[str, ...]


@dataclass(frozen=True)
class Node:
    """The machine within the machine on which one cluster runs."""

    site: Site

    def pid(self) -> int | None:
        """The process that holds the node, known by its command line, so that no recycled pid is ever trusted."""
        wanted = (PAUSE, "storewright", self.site.id)
        return next((process.pid for process in _processes() if process.argv == wanted), None)

    def processes(self) -> list[Process]:
        """What runs in the node beside the pods: components and container shims."""
        holder = self.pid()
        namespace = _namespace(holder) if holder else ""
        return [process for process in _processes() if namespace and _namespace(process.pid) == namespace]

    def start(self) -> None:
        """Make the node unless it stands. Raises ClusterError if the kernel or a tool refuses."""
        if self.pid():
            return
        # Groups of pods that were killed would be read as containers, three seconds each.
        cgroups.remove(self.site)
        cgroups.create(self.site)
        log = self.site.log / "node.log"
        holder = self._unshare(log)
        if holder.stdin and holder.stdout and holder.stdout.readline() == "ready\n":
            self._connect(holder.pid)
            print("go", file=holder.stdin, flush=True)
        until(lambda: self.pid() or holder.poll(), 5, lambda: f"the node does not answer:\n{tail(log)}")
        if not self.pid():
            raise ClusterError(f"the node's namespaces could not be made; the end of {log}:\n{tail(log)}")
        # The node lives on without `unshare`, which would only wait for its end.
        holder.kill()
        holder.communicate()

    def _unshare(self, log: Path) -> subprocess.Popen[str]:
        """Begin the node: it says "ready" when it waits for its cable, and goes on when it is told to."""
        site, pipe = self.site, subprocess.PIPE
        namespaces = ("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc")
        script = ("sh", str(SCRIPT), str(site.state), site.node_address, site.host_address, site.id)
        with log.open("w") as record:
            return subprocess.Popen(
                [*namespaces, *script],
                stdin=pipe,
                stdout=pipe,
                stderr=record,
                text=True,
                env=ENVIRONMENT,
                start_new_session=True,
            )

    def _connect(self, namespace_of: int) -> None:
        """Lay the cable: the host's end with its address and a route, the node's end as its `uplink`."""
        name, site = self.site.interface, self.site
        succeeds("ip", "link", "delete", name)
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "uplink", "netns", str(namespace_of))
        run("ip", "addr", "add", f"{site.host_address}/30", "dev", name)
        run("ip", "link", "set", name, "up")
        run("ip", "route", "add", str(site.block), "via", site.node_address)

    def command(self, *argv: str | Path, network: bool = True) -> list[str]:
        """A command line that runs `argv` in the node (with `network=False`: in the host's network)."""
        holder = self.pid()
        if not holder:
            raise ClusterError(f"cluster {self.site.name!r} is not running; start it with `python -m dev.cluster up`")
        namespaces = ["--mount", "--pid", *(["--net"] if network else [])]
        return ["nsenter", f"--target={holder}", *namespaces, "--", *(str(part) for part in argv)]

    def runs(self, component: Component) -> bool:
        """Tell whether the component runs, by its present command line and from its present file."""
        return any(
            process.argv == component.argv and not _program(process.pid).endswith(" (deleted)")
            for process in self.processes()
        )

    def ensure(self, component: Component) -> None:
        """Start a component that does not run, so that it outlives us; its words go to its log.

        One of an older checkout, with another command line or file, is replaced. Raises ClusterError.
        """
        if self.runs(component):
            return
        self._retire(component)
        script = 'log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 &'
        arguments = ("sh", "-c", script, "sh", f"/var/log/{component.name}.log", *component.argv)
        run(*self.command(*arguments, network=not component.host_network), env={**ENVIRONMENT, **component.environment})
        until(lambda: self.runs(component), 5, lambda: self.complaint(component, "does not start"))

    def _retire(self, component: Component) -> None:
        """End what runs of an older version of the component, so that it holds no port or lock any more."""
        older = [process.pid for process in self.processes() if process.argv[:2] == component.argv[:2]]
        for pid in older:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(_program(pid) for pid in older), 10, lambda: self.complaint(component, "does not end"))

    def complaint(self, component: Component, what: str) -> str:
        """A sentence on what is wrong with a component, with its own last words."""
        log = self.site.log / f"{component.name}.log"
        return f"{component.name} {what}; the end of {log}:\n{tail(log)}"

    def kill(self) -> None:
        """End the node and all in it at once, as a loss of power would. What is on disk stays."""
        if holder := self.pid():
            os.kill(holder, signal.SIGKILL)
        until(lambda: not self._remains(), 30, lambda: f"the node {self.site.id} is still there 30 s after SIGKILL")

    def _remains(self) -> bool:
        return bool(self.pid()) or Path("/sys/class/net", self.site.interface).exists()


def _processes() -> Iterator[Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        yield Process(int(folder.name), tuple(argv.split("\0")[:-1]))


def _namespace(pid: int) -> str:
    return _link(f"/proc/{pid}/ns/pid")


def _program(pid: int) -> str:
    """The file a process runs, with " (deleted)" added by the kernel if that was replaced."""
    return _link(f"/proc/{pid}/exe")


def _link(path: str) -> str:
    """Where a link of /proc leads; nowhere once its process has ended."""
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""

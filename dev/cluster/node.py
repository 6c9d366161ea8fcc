"""The node: a process with its own namespaces.

All components run in its mount, network and PID namespaces.
When that process ends, by `kill`, `down` or a reboot, the kernel also removes every process, mount and network
interface of the node. A node is therefore never half stopped.
"""

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.cluster import cgroups
from dev.cluster.components import Component
from dev.cluster.layout import Layout
from dev.cluster.process import ClusterError, run, succeeds, tail, wait_until

PAUSE = "/var/lib/bin/pause"
# The whole environment of the node's programs: the caller's proxies and credentials stay out of the cluster.
# With GOGC, Go collects garbage less often: a third less processor time for an idle cluster, for some memory.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "GOGC": "300"}
SCRIPT = Path(__file__).parent / "templates" / "node.sh"


@dataclass(frozen=True)
class Process:
    """A process, with its pid in the PID namespace of this machine."""

    pid: int
    argv: tuple[str, ...]


@dataclass(frozen=True)
class Node:
    """The node of one cluster."""

    layout: Layout

    def pid(self) -> int | None:
        """The pid of the node's first process, or None.

        It is found by its command line, because another process could reuse a stored pid."""
        return self._pid_among(_processes())

    def _pid_among(self, processes: Iterable[Process]) -> int | None:
        argv = (PAUSE, "storewright", self.layout.id)
        return next((process.pid for process in processes if process.argv == argv), None)

    def processes(self) -> list[Process]:
        """The components and container shims that run in the node."""
        running = list(_processes())
        pid = self._pid_among(running)
        namespace = _namespace(pid) if pid else ""
        return [process for process in running if namespace and _namespace(process.pid) == namespace]

    def start(self) -> None:
        """Start the node unless it is running. Raises ClusterError."""
        if self.pid():
            return
        # The kubelet would take the groups of killed pods for containers, and spend three seconds on each.
        cgroups.remove(self.layout)
        cgroups.create(self.layout)
        log = self.layout.log / "node.log"
        unshare = self._start_namespaces(log)
        if unshare.stdin and unshare.stdout and unshare.stdout.readline() == "ready\n":
            self._create_veth_pair(unshare.pid)
            print("go", file=unshare.stdin, flush=True)
        wait_until(lambda: self.pid() or unshare.poll(), 5, lambda: f"the node does not answer:\n{tail(log)}")
        if not self.pid():
            raise ClusterError(f"could not create the node's namespaces; {log} ends with:\n{tail(log)}")
        # `unshare` only waits for the node to end, so the node does not need it any more.
        unshare.kill()
        unshare.communicate()

    def _start_namespaces(self, log: Path) -> subprocess.Popen[str]:
        """Start the node's script.

        It prints "ready" when it needs its network, and then reads one line."""
        layout, pipe = self.layout, subprocess.PIPE
        namespaces = ("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc")
        script = ("sh", str(SCRIPT), str(layout.state), layout.node_address, layout.host_address, layout.id)
        with log.open("w") as log_file:
            return subprocess.Popen(
                [*namespaces, *script],
                stdin=pipe,
                stdout=pipe,
                stderr=log_file,
                text=True,
                env=ENVIRONMENT,
                start_new_session=True,
            )

    def _create_veth_pair(self, namespace_of: int) -> None:
        """Connect host and node with a veth pair.

        The host gets an address and a route, the node an interface called `uplink`."""
        name, layout = self.layout.interface, self.layout
        succeeds("ip", "link", "delete", name)
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "uplink", "netns", str(namespace_of))
        run("ip", "addr", "add", f"{layout.host_address}/30", "dev", name)
        run("ip", "link", "set", name, "up")
        run("ip", "route", "add", str(layout.block), "via", layout.node_address)

    def command(self, *argv: str | Path, network: bool = True) -> list[str]:
        """The command line that runs `argv` in the node.

        With `network=False` it uses the host's network.
        Raises ClusterError if the node is not running."""
        pid = self.pid()
        if not pid:
            raise ClusterError(f"cluster {self.layout.name!r} is not running; start it with `python -m dev.cluster up`")
        namespaces = ["--mount", "--pid", *(["--net"] if network else [])]
        return ["nsenter", f"--target={pid}", *namespaces, "--", *(str(part) for part in argv)]

    def is_running(self, component: Component) -> bool:
        """True if the component runs with its current command line and file."""
        return any(
            process.argv == component.argv and not _program(process.pid).endswith(" (deleted)")
            for process in self.processes()
        )

    def ensure_running(self, component: Component) -> None:
        """Start a component in the background, unless it is running.

        Its output goes to its log.
        Replaces a process of an older checkout, which has another command line or file. Raises ClusterError.
        """
        if self.is_running(component):
            return
        self._kill_outdated(component)
        script = 'log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 &'
        arguments = ("sh", "-c", script, "sh", f"/var/log/{component.name}.log", *component.argv)
        run(*self.command(*arguments, network=not component.host_network), env={**ENVIRONMENT, **component.environment})
        wait_until(lambda: self.is_running(component), 5, lambda: self.failure_message(component, "does not start"))

    def _kill_outdated(self, component: Component) -> None:
        """Kill an older version of the component to free ports and locks."""
        outdated = [process.pid for process in self.processes() if process.argv[:2] == component.argv[:2]]
        for pid in outdated:
            os.kill(pid, signal.SIGKILL)
        wait_until(
            lambda: not any(_program(pid) for pid in outdated),
            10,
            lambda: self.failure_message(component, "does not end"),
        )

    def failure_message(self, component: Component, problem: str) -> str:
        """An error message about a component, with the end of its log."""
        log = self.layout.log / f"{component.name}.log"
        return f"{component.name} {problem}; {log} ends with:\n{tail(log)}"

    def kill(self) -> None:
        """Kill the node and all its processes, like a power cut.

        Files on disk stay. Raises ClusterError."""
        if pid := self.pid():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self._exists(), 30, lambda: f"the node {self.layout.id} still exists 30 s after SIGKILL")

    def _exists(self) -> bool:
        return bool(self.pid()) or Path("/sys/class/net", self.layout.interface).exists()


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
    """The program file of a process.

    The kernel adds " (deleted)" if the file was replaced."""
    return _link(f"/proc/{pid}/exe")


def _link(path: str) -> str:
    """The target of a link in /proc, or ""."""
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""

"""The boundaries in a bot's process: the points between two effects that others can see.

There is one after each commit of the ledger, before and after each call of helm, the cluster and Slack, and one in
each run of helm that changes a release. They are found by wrapping the libraries underneath the bot (sqlite3,
subprocess, the Kubernetes client, slack_sdk): the bot has no hook, and a new operation has its boundaries at once.

Each boundary that is reached is logged. The points of the plan end the process with SIGKILL."""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial, wraps
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import slack_sdk
from kubernetes.client.rest import RESTClientObject
from slack_sdk.webhook import WebhookClient

from provisioner.log_context import bound_ids

LOG, PLAN, HELD = "boundaries.jsonl", "plan.json", "held"
BOT = "bot"  # the owner of what belongs to no store and no person
VISITOR = "visitor"  # of what belongs to a request that is not from Slack
IN_HELM_POLL_SECONDS, HOLD_POLL_SECONDS = 0.002, 0.02
CHANGING_VERBS = ("upgrade", "rollback", "uninstall")


@dataclass(frozen=True)
class Point:
    """A boundary: `name` of `owner`, when a process reaches it for the `occurrence`-th time.

    `owner` is a store's name, a person's id, VISITOR or BOT. The process ends there; with `hold` a thread waits."""

    owner: str
    name: str
    occurrence: int = 1
    hold: bool = False


def write_plan(folder: Path, points: Iterable[Point]) -> None:
    """Let the processes of this folder end at each of these points, once each."""
    new = folder / f"{PLAN}.new"
    new.write_text(json.dumps([asdict(point) for point in points]))
    new.replace(folder / PLAN)


def held(folder: Path) -> bool:
    """Whether a thread waits at a point."""
    return (folder / HELD).exists()


def let_go(folder: Path) -> None:
    """Let the thread that waits at a point go on."""
    (folder / HELD).unlink()


def read_plan(folder: Path) -> list[Point]:
    """The points that no process has reached yet."""
    file = folder / PLAN
    return [Point(**point) for point in json.loads(file.read_text())] if file.exists() else []


class Boundaries:
    """The log and the plan of one process."""

    def __init__(self, folder: Path, ledger: Path) -> None:
        self._folder, self._ledger = folder, ledger
        self._log = os.open(folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._lock = threading.Lock()
        self._plan, self._plan_version = list[Point](), 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._stages: dict[str, str] = {}  # by job id
        self._stores: dict[str, str] = {}  # by job id
        self._own_call = threading.local()

    def reach(self, name: str) -> None:
        """Log the boundary, and end this process if the plan says so."""
        if getattr(self._own_call, "active", False):
            return
        with self._lock:
            owner, name = self._owner(), self._placed(name)
            line = json.dumps({"at": time.monotonic(), "pid": os.getpid(), "owner": owner, "name": name})
            os.write(self._log, f"{line}\n".encode())
            points = self._points()
            self._counts[owner, name] += 1
            place = (owner, name, self._counts[owner, name])
            point = next((p for p in points if (p.owner, p.name, p.occurrence) == place), None)
            if not point:
                return
            write_plan(self._folder, [other for other in points if other != point])
            if not point.hold:
                os.kill(os.getpid(), signal.SIGKILL)
        (self._folder / HELD).touch()
        while held(self._folder):
            time.sleep(HOLD_POLL_SECONDS)

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        """A boundary before and one after the block, however it ends."""
        self.reach(f"before {name}")
        try:
            yield
        finally:
            self.reach(f"after {name}")

    # --- the plan ---------------------------------------------------------------------------------------------------

    def _points(self) -> list[Point]:
        """The plan. A new one starts the counts again."""
        file = self._folder / PLAN
        version = file.stat().st_mtime_ns if file.exists() else 0
        if version != self._plan_version:
            self._plan_version, self._plan = version, read_plan(self._folder)
            self._counts.clear()
        return self._plan

    def is_planned(self, name: str) -> bool:
        """Whether the plan ends this process at this boundary of the present owner."""
        with self._lock:
            place = self._owner(), self._placed(name)
            return any((point.owner, point.name) == place for point in self._points())

    # --- whose boundary it is ---------------------------------------------------------------------------------------

    def _owner(self) -> str:
        ids = bound_ids()
        if "store" in ids:
            return ids["store"]
        kind, _, subject = ids.get("outbox", "").partition(":")
        if kind:
            return self._store_of(subject) or BOT
        return ids.get("user") or (VISITOR if "request" in ids else BOT)

    def _placed(self, name: str) -> str:
        """The name with its place: the job's stage, or the kind of the outbox entry."""
        ids = bound_ids()
        if entry := ids.get("outbox"):
            return f"{name} [{entry.partition(':')[0]}]"
        job = ids.get("job", "")
        if started := re.fullmatch(r"commit jobs\.record started (\S+)", name):
            self._stages[job] = started[1]
        return f"{self._stages[job]}: {name}" if job in self._stages else name

    def _store_of(self, job: str) -> str:
        if job not in self._stores:
            with self.own_call(), closing(_plain_connect(f"{self._ledger.as_uri()}?mode=rw", uri=True)) as db:
                row = db.execute("SELECT store FROM jobs WHERE id = ?", (job,)).fetchone()
            self._stores[job] = row[0] if row else ""
        return self._stores[job]

    @contextmanager
    def own_call(self) -> Iterator[None]:
        """A block whose calls are the suite's own, not the bot's."""
        self._own_call.active = True
        try:
            yield
        finally:
            self._own_call.active = False


_plain_connect = sqlite3.connect


def install(boundaries: Boundaries) -> None:
    """Wrap the libraries. They must not have been called yet."""
    _wrap_commits(boundaries)
    _wrap_helm(boundaries)
    _wrap(
        RESTClientObject,
        "request",
        boundaries,
        lambda client, method, url, *args, **more: f"{method} {_resource(url)}",
    )
    _wrap(slack_sdk.WebClient, "api_call", boundaries, lambda client, method, *args, **more: f"slack {method}")
    _wrap(WebhookClient, "send", boundaries, lambda *args, **more: "slack response_url")


def _wrap(owner: type, method: str, boundaries: Boundaries, name_of: Callable[..., str]) -> None:
    """A boundary before and after each call of a method. Fails where a library no longer has the method."""
    original = getattr(owner, method)

    @wraps(original)
    def wrapped(*args: Any, **more: Any) -> Any:
        with boundaries.around(name_of(*args, **more)):
            return original(*args, **more)

    patch.object(owner, method, wrapped).start()


def _resource(url: str) -> str:
    """Such as namespaces/*/secrets/* for a Secret: the path without the names in it."""
    parts = urlsplit(url).path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    return "/".join(part if number % 2 == 0 else "*" for number, part in enumerate(rest)) or "version"


# --- commits -------------------------------------------------------------------------------------------------------


def _wrap_commits(boundaries: Boundaries) -> None:
    class WatchedConnection(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            cursor = super().execute(sql, *args)
            if sql == "COMMIT":
                boundaries.reach(f"commit {_writer(inspect.currentframe())}")
            return cursor

    patch.object(sqlite3, "connect", partial(_plain_connect, factory=WatchedConnection)).start()


def _writer(frame: FrameType | None) -> str:
    """The function that opened the transaction, and which event it is about: “jobs.record started release”."""
    while frame:
        module, function = str(frame.f_globals.get("__name__", "")), frame.f_code.co_name
        helper = module.endswith(".connection") or (module.startswith("provisioner.ledger") and function[0] == "_")
        if module.startswith(("provisioner.", "bot.")) and not helper:
            about = [frame.f_locals.get(name) for name in ("kind", "status", "stage")]
            return " ".join([f"{module.split('.')[-1]}.{function}", *(word for word in about if isinstance(word, str))])
        frame = frame.f_back
    return "migration"


# --- helm, the only program that the bot runs ----------------------------------------------------------------------


def _wrap_helm(boundaries: Boundaries) -> None:
    class WatchedPopen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, command: list[str], *args: Any, **more: Any) -> None:
            self.run = _run_of(command)
            boundaries.reach(f"before {self.run}")
            super().__init__(command, *args, **more)
            if self.run.split()[-1] in CHANGING_VERBS:
                if boundaries.is_planned(f"in {self.run}"):
                    _wait_until_pending(boundaries, self, command[command.index("--namespace") + 1])
                boundaries.reach(f"in {self.run}")

        def communicate(self, *args: Any, **more: Any) -> Any:
            output = super().communicate(*args, **more)
            boundaries.reach(f"after {self.run}")
            return output

    patch.object(subprocess, "Popen", WatchedPopen).start()


def _run_of(command: list[str]) -> str:
    """Such as “helm upgrade”: the program and its first word."""
    at = next(at for at, word in enumerate(command) if Path(word).name == "helm")
    return f"helm {command[at + 1]}"


def _wait_until_pending(boundaries: Boundaries, helm: subprocess.Popen[str], namespace: str) -> None:
    """Wait until helm has recorded its revision and not completed it, or has ended."""
    from tests.chaos.releases import Releases  # not before the launcher has installed the clock

    releases = Releases(Path(os.environ["KUBECONFIG"]), os.environ.get("KUBE_CONTEXT"))
    with boundaries.own_call():
        while helm.poll() is None and not releases.pending(namespace):
            time.sleep(IN_HELM_POLL_SECONDS)

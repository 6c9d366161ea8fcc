"""The only module that runs helm: argument list, values on stdin, typed errors; a child never outlives us."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import yaml

from provisioner.clients.kubernetes.permissions import Permission
from provisioner.domain.errors import JobFailed, Transient

HISTORY = "10"  # revisions helm keeps of a release, each a Secret in the store's namespace
AFTER_HOOKS = 60.0  # seconds for what helm does besides waiting for hooks
LOOK_UP = 0.2  # seconds between looks up from a helm at work
PENDING = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")

# helm tells its errors only in words; these are the ones of helm 4.1 that matter, first match wins.
UNREACHABLE_WORDS = (
    "cluster unreachable", "connection refused", "connection reset", "i/o timeout", "tls handshake timeout",
    "etcdserver", "too many requests", "internal error occurred", "unexpected eof", "http2: client connection lost",
)  # fmt: skip
TRANSIENT_WORDS = (
    *UNREACHABLE_WORDS,
    "context deadline exceeded", "another operation", "the object has been modified",
)  # fmt: skip
PERMANENT_WORDS = {
    "values don't meet the specifications": ("The chart refuses the store's values.", "Correct STORE_VALUES."),
    "exceeded quota": ("The namespace's quota is full.", "Raise the quota or delete what fills it, then retry."),
    "violates podsecurity": ("A pod is not allowed by the namespace's Pod Security level.", "Correct the chart."),
    "no matches for kind": ("The cluster lacks a resource type the chart uses.", "Install its CRDs, then retry."),
}


class HelmOutcome(StrEnum):
    """How one run of helm ended."""

    OK = "ok"
    REFUSED = "refused"  # trying again does not help
    TRANSIENT = "transient"
    STOPPED = "stopped"  # by this process


OnHelmRun = Callable[[str, HelmOutcome, float], None]


def ignore_run(verb: str, outcome: HelmOutcome, seconds: float) -> None:
    """An OnHelmRun for a process without metrics."""


class HookFailed(JobFailed):
    """A Job that the chart runs before it changes anything (a migration) failed or did not end: nothing was changed."""


@dataclass(frozen=True)
class Release:
    """A revision of a release: `status` is deployed, failed, pending-install, …; `chart` is its name-version."""

    name: str
    revision: int
    status: str
    chart: str

    @property
    def stuck(self) -> bool:
        """Left behind by a helm that was killed in the middle."""
        return self.status in PENDING

    @property
    def record(self) -> str:
        """The Secret in which helm keeps this revision (helm.sh/docs: storage backends)."""
        return f"sh.helm.release.v1.{self.name}.v{self.revision}"


@dataclass(frozen=True)
class ReleaseSpec:
    """What a release should be: `values` go over the chart's own `values-<profile>.yaml`."""

    name: str
    namespace: str
    chart: Path
    profile: str | None
    values: dict[str, Any]

    @property
    def files(self) -> list[str]:
        """The chart and its values, the last of them on stdin, as arguments of helm."""
        overlay = self.chart / f"values-{self.profile}.yaml"
        profile = ["--values", str(overlay)] if self.profile and overlay.exists() else []
        return [str(self.chart), *profile, "--values", "-"]


class Helm:
    """One helm binary for one cluster. Every method raises Transient or JobFailed."""

    def __init__(
        self,
        binary: str = "helm",
        kubeconfig: Path | None = None,
        context: str | None = None,
        *,
        on_run: OnHelmRun = ignore_run,
        permissions_pending: Callable[[str], str] = lambda namespace: "",
    ) -> None:
        """`on_run` is called after each run with helm's verb, the outcome and the seconds it took.

        `permissions_pending` says why a missing permission in a namespace may pass by itself, and '' where it will
        not.
        """
        self.binary, self._on_run, self._permissions_pending = binary, on_run, permissions_pending
        self._global = ["--kube-context", context] if context else []
        # Proxies and clouds' own settings pass, Slack's tokens do not.
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
        if kubeconfig:
            self._env["KUBECONFIG"] = str(kubeconfig)

        self._fence: Callable[[], None] = lambda: None

    def fenced(self, fence: Callable[[], None]) -> Helm:
        """The same, for work that may lose its right to go on: what `fence` raises ends a helm at work, too."""
        fenced = copy.copy(self)
        fenced._fence = fence
        return fenced

    def version(self) -> str:
        """Such as v4.1.4."""
        return self._run(["version", "--short"], timeout=10).strip()

    def release(self, name: str, namespace: str) -> Release | None:
        """The release, or None where there is none."""
        out = self._run(["list", "--namespace", namespace, "--filter", f"^{name}$", "--output", "json"])
        for row in json.loads(out):
            return Release(row["name"], int(row["revision"]), row["status"], row["chart"])
        return None

    def history(self, name: str, namespace: str) -> list[Release]:
        """The revisions that helm keeps of a release, oldest first."""
        out = self._run(["history", name, "--namespace", namespace, "--max", HISTORY, "--output", "json"])
        rows = [Release(name, int(row["revision"]), row["status"], row["chart"]) for row in json.loads(out)]
        return sorted(rows, key=lambda release: release.revision)

    def render(self, wanted: ReleaseSpec) -> list[dict[str, Any]]:
        """The manifests that `apply` would send, hooks too; no cluster is asked."""
        args = ["template", wanted.name, *wanted.files, "--namespace", wanted.namespace]
        return [found for found in yaml.safe_load_all(self._run(args, yaml.safe_dump(wanted.values))) if found]

    def apply(
        self, wanted: ReleaseSpec, timeout: float, *, hooks: bool = True, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Install the release, or bring it to what is `wanted`.

        Waits (`timeout` seconds) for the chart's `hooks`, not for readiness: the workflow watches that. `meanwhile` is
        called again and again, and what it raises ends helm."""
        self._bring_to(wanted, timeout, ["--install", *([] if hooks else ["--no-hooks"])], meanwhile)

    def upgrade(self, wanted: ReleaseSpec, timeout: float, meanwhile: Callable[[], None]) -> None:
        """As `apply`, of a release that must be there. While the hooks (a migration) run, `meanwhile` is called again
        and again, and what it raises ends helm. Raises HookFailed where it was a hook that failed."""
        self._bring_to(wanted, timeout, [], meanwhile)

    def _bring_to(self, wanted: ReleaseSpec, timeout: float, more: list[str], meanwhile: Callable[[], None]) -> None:
        args = ["upgrade", wanted.name, *wanted.files, "--namespace", wanted.namespace]
        args += ["--timeout", f"{timeout:.0f}s", "--history-max", HISTORY, "--hide-notes", "--output", "json", *more]
        self._run(args, yaml.safe_dump(wanted.values), timeout + AFTER_HOOKS, meanwhile)

    def rollback(self, name: str, namespace: str, revision: int) -> None:
        """Make `revision` the present one again, whatever state the release was left in."""
        self._run(["rollback", name, str(revision), "--namespace", namespace, "--history-max", HISTORY])

    def _run(self, args: list[str], *given: Any, **named: Any) -> str:
        """Run helm and report the run, however it ends."""
        begun, outcome = time.monotonic(), HelmOutcome.STOPPED
        try:
            out = self._run_to_end(args, *given, **named)
            outcome = HelmOutcome.OK
        except Transient:
            outcome = HelmOutcome.TRANSIENT
            raise
        except JobFailed:
            outcome = HelmOutcome.REFUSED
            raise
        finally:
            self._on_run(args[0], outcome, time.monotonic() - begun)
        return out

    def _run_to_end(
        self, args: list[str], stdin: str = "", timeout: float = 120, meanwhile: Callable[[], None] = lambda: None
    ) -> str:
        command = [*_dies_with_us(), self.binary, *args, *self._global]
        self._fence()
        try:
            with TemporaryFile("w+") as given:
                given.write(stdin)
                given.seek(0)
                process = subprocess.Popen(
                    command, text=True, env=self._env, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE
                )
            with process:
                try:
                    out, err = _communicate(process, timeout, self._fence, meanwhile)
                finally:
                    process.kill()  # one that has ended is none the worse for it
        except subprocess.TimeoutExpired:
            raise Transient(f"helm {args[0]} took longer than {timeout:.0f} s.", "The cluster is slow.") from None
        except OSError as error:
            raise self._missing(error.strerror or str(error)) from None
        if process.returncode == 127 or "failed to execute" in err:
            raise self._missing(err.strip())
        if process.returncode != 0:
            raise self._typed(args[0], err)
        return out

    def _typed(self, verb: str, stderr: str) -> JobFailed | Transient:
        missing = Permission.missing_in(stderr)
        if not missing:
            return _typed(verb, stderr)
        what = f"helm {verb} was refused: the bot may not {missing}."
        if why := self._permissions_pending(missing.namespace):
            return Transient(what, why)
        return JobFailed(what, "", missing.remedy)

    def _missing(self, why: str) -> JobFailed:
        next_step = "Install Helm 4 where the bot runs, or set HELM to its path, then retry."
        return JobFailed("Helm can't be run.", f"{self.binary}: {why}.", next_step)


def _communicate(process: subprocess.Popen[str], timeout: float, *meanwhile: Callable[[], None]) -> tuple[str, str]:
    """What the process says, with looks up from it meanwhile. Raises TimeoutExpired, and what `meanwhile` raises."""
    until = time.monotonic() + timeout
    while True:
        try:
            return process.communicate(timeout=LOOK_UP)
        except subprocess.TimeoutExpired:
            if time.monotonic() > until:
                raise
        for look in meanwhile:
            look()


def _dies_with_us() -> list[str]:
    """A killed bot must not leave a helm at work beside the next bot, which heals the release."""
    if sys.platform == "linux" and (setpriv := shutil.which("setpriv")):
        return [setpriv, "--pdeathsig", "KILL", "--"]
    return []


def _typed(verb: str, stderr: str) -> JobFailed | Transient:
    lines = [line for line in stderr.splitlines() if line.strip() and "level=" not in line and not line.startswith("W")]
    last = " ".join(lines[-3:]).removeprefix("Error: ")[:500]
    low = stderr.lower()
    if "hooks failed" in low and not any(words in low for words in UNREACHABLE_WORDS):
        return HookFailed(f"helm {verb} stopped: {last}", "", "Look at the job's log, then retry.")
    for words, (cause, next_step) in PERMANENT_WORDS.items():
        if words in low:
            return JobFailed(f"helm {verb} was refused: {last}", cause, next_step)
    if any(words in low for words in TRANSIENT_WORDS):
        return Transient(f"helm {verb} did not get through: {last}")
    return JobFailed(f"helm {verb} failed: {last}", "", "Correct the chart or its values, then retry.")

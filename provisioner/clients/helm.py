"""The only module that runs helm.

Values go to helm on stdin, errors come back typed, and no helm process outlives this one.
"""

from __future__ import annotations

import copy
import itertools
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
from provisioner.domain.documents import read_manifests
from provisioner.domain.errors import RAISE_QUOTA, JobFailed, Transient

MAX_REVISIONS = "10"  # that helm keeps of a release, each in a Secret in the store's namespace
MOST_REVISIONS = "20"  # that a rollback leaves: one that was killed runs again, and still needs the revision
OVERHEAD_SECONDS = 60.0  # for everything that helm does but waiting for hooks
TIMEOUT_SECONDS = 120.0  # for a run without hooks
POLL_SECONDS = 0.2  # between two calls of `meanwhile` while helm runs
MAX_ERROR_CHARACTERS = 500
# The chart's fields are helm's, even if people changed them, and so are objects that people made by hand.
OVERWRITE = ["--server-side=true", "--force-conflicts"]
# The API server validates all that is applied. helm would do so too, and load 3 MB of schemas for it: half a second.
WITHOUT_SCHEMAS = "--disable-openapi-validation"
COMMAND_NOT_FOUND = 127  # a shell's exit code, and setpriv's

# helm reports errors as text only. These phrases are helm 4.1's; the first match counts.
UNREACHABLE_PHRASES = (
    "cluster unreachable", "connection refused", "connection reset", "i/o timeout", "tls handshake timeout",
    "etcdserver", "too many requests", "internal error occurred", "unexpected eof", "http2: client connection lost",
)  # fmt: skip
TRANSIENT_PHRASES = (
    *UNREACHABLE_PHRASES,
    "context deadline exceeded", "another operation", "the object has been modified", "it is being terminated",
)  # fmt: skip
PERMANENT_PHRASES = {
    "values don't meet the specifications": (
        "The chart refuses the store's values.",
        "Correct STORE_VALUES, then retry.",
    ),
    "exceeded quota": ("The namespace's quota is full.", RAISE_QUOTA),
    "violates podsecurity": (
        "A pod is not allowed by the namespace's Pod Security level.",
        "Correct the chart, then retry.",
    ),
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
    """A pre-upgrade hook of the chart failed or did not end.

    Such a hook is the migration. The release is unchanged.
    """


@dataclass(frozen=True)
class ReleaseSpec:
    """A release as it should be; `values` override the chart's own `values-<profile>.yaml`."""

    name: str
    namespace: str
    chart: Path
    profile: str | None
    values: dict[str, Any]

    @property
    def files(self) -> list[str]:
        """The arguments for the chart and its values; stdin comes last."""
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
        # The settings of proxies and clouds are passed on, Slack's tokens are not.
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
        if kubeconfig:
            self._env["KUBECONFIG"] = str(kubeconfig)
        self._fence: Callable[[], None] = lambda: None

    def fenced(self, fence: Callable[[], None]) -> Helm:
        """A copy that calls `fence` before and during each run.

        An error that `fence` raises ends helm.
        """
        fenced = copy.copy(self)
        fenced._fence = fence
        return fenced

    @property
    def field_manager(self) -> str:
        """helm's name in the objects that it applies: that of its program."""
        return Path(self.binary).name

    def version(self) -> str:
        """helm's version, such as v4.1.4."""
        return self._run(["version", "--short"], timeout=10).strip()

    def chart_version(self, name: str, namespace: str, revision: int) -> str:
        """The version of the chart of a revision of the release."""
        args = ["get", "metadata", name, "--namespace", namespace, "--revision", str(revision), "--output", "json"]
        return str(json.loads(self._run(args))["version"])

    def manifests(self, name: str, namespace: str, revision: int) -> list[dict[str, Any]]:
        """The manifests of a revision of the release, without hooks, as helm applied them."""
        out = self._run(["get", "manifest", name, "--namespace", namespace, "--revision", str(revision)])
        return read_manifests(out)

    def render(self, wanted: ReleaseSpec) -> list[dict[str, Any]]:
        """The manifests that `apply` would send, hooks included; without a cluster."""
        args = ["template", wanted.name, *wanted.files, "--namespace", wanted.namespace]
        return read_manifests(self._run(args, yaml.safe_dump(wanted.values)))

    def apply(
        self, wanted: ReleaseSpec, timeout: float, *, hooks: bool = True, meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        """Install the release, or change it to `wanted`.

        helm waits up to `timeout` seconds for the chart's `hooks`, and not for readiness. While it runs, `meanwhile` is
        called every POLL_SECONDS; an error that it raises ends helm.
        """
        self._bring_to(wanted, timeout, ["--install", *([] if hooks else ["--no-hooks"])], meanwhile)

    def upgrade(self, wanted: ReleaseSpec, timeout: float, meanwhile: Callable[[], object]) -> None:
        """Change an existing release to `wanted`; `timeout` and `meanwhile` as in `apply`.

        Raises HookFailed where a hook, such as the migration, failed.
        """
        self._bring_to(wanted, timeout, [], meanwhile)

    def _bring_to(self, wanted: ReleaseSpec, timeout: float, more: list[str], meanwhile: Callable[[], object]) -> None:
        args = ["upgrade", wanted.name, *wanted.files, "--namespace", wanted.namespace]
        args += [
            "--timeout",
            f"{timeout:.0f}s",
            "--history-max",
            MAX_REVISIONS,
            "--hide-notes",
            "--output",
            "json",
            *OVERWRITE,
            WITHOUT_SCHEMAS,
            "--take-ownership",
            *more,
        ]
        self._run(args, yaml.safe_dump(wanted.values), timeout + OVERHEAD_SECONDS, meanwhile)

    def rollback(self, name: str, namespace: str, revision: int) -> None:
        """Restore `revision`, whatever state the release is in."""
        args = ["rollback", name, str(revision), "--namespace", namespace, "--history-max", MOST_REVISIONS]
        self._run([*args, *OVERWRITE])

    def _run(self, args: list[str], *given: Any, **named: Any) -> str:
        """Run helm and report the run, however it ends."""
        began, outcome = time.monotonic(), HelmOutcome.STOPPED
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
            self._on_run(args[0], outcome, time.monotonic() - began)
        return out

    def _run_to_end(
        self,
        args: list[str],
        stdin: str = "",
        timeout: float = TIMEOUT_SECONDS,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> str:
        command = [*_killed_with_us(), self.binary, *args, *self._global]
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
                    process.kill()  # no effect on a process that has ended
        except subprocess.TimeoutExpired:
            raise Transient(f"helm {args[0]} took longer than {timeout:.0f} s.", "The cluster is slow.") from None
        except OSError as error:
            raise self._missing(error.strerror or str(error)) from None
        if process.returncode == COMMAND_NOT_FOUND or "failed to execute" in err:
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
        return JobFailed("Could not run helm.", f"{self.binary}: {why}.", next_step)


def _communicate(process: subprocess.Popen[str], timeout: float, *meanwhile: Callable[[], object]) -> tuple[str, str]:
    """The process's stdout and stderr; each of `meanwhile` is called while it runs.

    Raises TimeoutExpired, and the errors of `meanwhile`.
    """
    until = time.monotonic() + timeout
    while True:
        try:
            return process.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() > until:
                raise
        for check in meanwhile:
            check()


def _killed_with_us() -> list[str]:
    """The command that has the kernel kill helm where this process is killed: the next bot repairs the release."""
    if sys.platform == "linux" and (setpriv := shutil.which("setpriv")):
        return [setpriv, "--pdeathsig", "KILL", "--"]
    return []


def _error_in(lines: list[str]) -> str:
    """helm's error, without the difference of two objects that may follow it; the last lines if there is no error."""
    start = next((number for number, line in enumerate(lines) if line.startswith("Error: ")), max(0, len(lines) - 3))
    error = itertools.takewhile(lambda line: not line.startswith("@@ "), lines[start:])
    return " ".join(error).removeprefix("Error: ")


def _typed(verb: str, stderr: str) -> JobFailed | Transient:
    lines = [line for line in stderr.splitlines() if line.strip() and "level=" not in line and not line.startswith("W")]
    last = _error_in(lines)[:MAX_ERROR_CHARACTERS]
    low = stderr.lower()
    if "hooks failed" in low and not any(phrase in low for phrase in UNREACHABLE_PHRASES):
        return HookFailed(f"helm {verb} stopped: {last}", "", "Look at the job's log, then retry.")
    for phrase, (cause, next_step) in PERMANENT_PHRASES.items():
        if phrase in low:
            return JobFailed(f"helm {verb} was refused: {last}", cause, next_step)
    if any(phrase in low for phrase in TRANSIENT_PHRASES):
        return Transient(f"helm {verb} did not get through: {last}")
    return JobFailed(f"helm {verb} failed: {last}", "", "Correct the chart or its values, then retry.")

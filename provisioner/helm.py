"""The only module that runs helm: argument list, values on stdin, typed errors; a child never outlives us."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from provisioner.errors import JobFailed, Transient

HISTORY = "5"  # revisions helm keeps of a release, each a Secret in the store's namespace
PENDING = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")

# helm tells its errors only in words; these are the ones of helm 4.1 that matter, first match wins.
TRANSIENT_WORDS = (
    "cluster unreachable", "connection refused", "connection reset", "i/o timeout", "tls handshake timeout",
    "context deadline exceeded", "etcdserver", "too many requests", "another operation", "the object has been modified",
    "is forbidden: user", "internal error occurred", "unexpected eof", "http2: client connection lost",
)  # fmt: skip
PERMANENT_WORDS = {
    "values don't meet the specifications": ("The chart refuses the store's values.", "Correct STORE_VALUES."),
    "exceeded quota": ("The namespace's quota is full.", "Raise the quota or delete what fills it, then retry."),
    "violates podsecurity": ("A pod is not allowed by the namespace's Pod Security level.", "Correct the chart."),
    "no matches for kind": ("The cluster lacks a resource type the chart uses.", "Install its CRDs, then retry."),
}


@dataclass(frozen=True)
class Release:
    """A Helm release as `helm list` tells it: `status` is deployed, failed, pending-install, …"""

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


class Helm:
    """Runs one helm binary against one cluster. Every method raises Transient or JobFailed."""

    def __init__(self, binary: str = "helm", kubeconfig: Path | None = None, context: str | None = None) -> None:
        self.binary = binary
        self._global = ["--kube-context", context] if context else []
        # Proxies and clouds' own settings pass, Slack's tokens do not.
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
        if kubeconfig:
            self._env["KUBECONFIG"] = str(kubeconfig)

    def version(self) -> str:
        """Such as v4.1.4."""
        return self._run(["version", "--short"], timeout=10).strip()

    def release(self, name: str, namespace: str) -> Release | None:
        """The release, or None where there is none."""
        out = self._run(["list", "--namespace", namespace, "--filter", f"^{name}$", "--output", "json"])
        for row in json.loads(out):
            return Release(row["name"], int(row["revision"]), row["status"], row["chart"])
        return None

    def apply(
        self,
        name: str,
        namespace: str,
        chart: Path,
        profile: str | None,
        values: dict[str, Any],
        timeout: float,
        hooks: bool = True,
    ) -> None:
        """Install the release, or upgrade it to `chart` with `values` over the chart's `values-<profile>.yaml`.

        Does not wait for readiness (the workflow watches that), but for the chart's `hooks`, such as an upgrade's
        migration; `timeout` is in seconds."""
        overlay = chart / f"values-{profile}.yaml"
        files = ["--values", str(overlay)] if profile and overlay.exists() else []
        self._run(
            [
                *("upgrade", name, str(chart), "--install", "--namespace", namespace, *files, "--values", "-"),
                *("--history-max", HISTORY, "--hide-notes", "--output", "json"),
                *([] if hooks else ["--no-hooks"]),
            ],
            stdin=yaml.safe_dump(values),
            timeout=timeout,
        )

    def _run(self, args: list[str], stdin: str = "", timeout: float = 120) -> str:
        command = [*_dies_with_us(), self.binary, *args, *self._global]
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, text=True, timeout=timeout, env=self._env, check=False
            )
        except subprocess.TimeoutExpired:
            raise Transient(f"helm {args[0]} took longer than {timeout:.0f} s.", "The cluster is slow.") from None
        except OSError as error:
            raise self._missing(error.strerror or str(error)) from None
        if done.returncode == 127 or "failed to execute" in done.stderr:
            raise self._missing(done.stderr.strip())
        if done.returncode != 0:
            raise _typed(args[0], done.stderr)
        return done.stdout

    def _missing(self, why: str) -> JobFailed:
        next_step = "Install Helm 4 where the bot runs, or set HELM to its path, then retry."
        return JobFailed("Helm can't be run.", f"{self.binary}: {why}.", next_step)


def _dies_with_us() -> list[str]:
    """A killed bot must not leave a helm at work beside the next bot, which heals the release."""
    if sys.platform == "linux" and (setpriv := shutil.which("setpriv")):
        return [setpriv, "--pdeathsig", "KILL", "--"]
    return []


def _typed(verb: str, stderr: str) -> JobFailed | Transient:
    lines = [line for line in stderr.splitlines() if line.strip() and "level=" not in line and not line.startswith("W")]
    last = " ".join(lines[-3:]).removeprefix("Error: ")[:500]
    low = stderr.lower()
    for words, (cause, next_step) in PERMANENT_WORDS.items():
        if words in low:
            return JobFailed(f"helm {verb} was refused: {last}", cause, next_step)
    if any(words in low for words in TRANSIENT_WORDS):
        return Transient(f"helm {verb} did not get through: {last}")
    return JobFailed(f"helm {verb} failed: {last}", "", "Correct the chart or its values, then retry.")

"""The bot and a local Slack as processes beside a cluster, wired as an operator would: what the demo and e2e run."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from dev.background import Background
from dev.cache import CHECKOUT
from dev.charts import bot_chart
from dev.cluster import Cluster
from dev.slack import LocalSlackClient
from provisioner.domain.store import Addresses

ROOT = CHECKOUT
BOT_CONTEXT = "bot"
ADMIN, FAILURES = "U0ADA0001", "C0FAILURE"  # the local Slack's Ada and #store-failures


class StackError(Exception):
    """A part did not come up; the message ends with its log's last lines."""


@dataclass
class Stack:
    """One bot and one local Slack; everything of theirs stands in `folder`. `settings` go over the bot's own."""

    folder: Path
    cluster: Cluster
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.slack_process = Background("slack", self.folder)
        self.bot_process = Background("bot", self.folder)
        self.kept = self._kept()

    @property
    def workspace_url(self) -> str:
        return f"http://127.0.0.1:{self.kept['slack_port']}"

    @property
    def bot_url(self) -> str:
        return f"http://127.0.0.1:{self.kept['bot_port']}"

    @property
    def addresses(self) -> Addresses:
        """Where this stack's stores are found; the ingress's own port is told unless it is http's."""
        port = self.cluster.ingress_port
        return Addresses(self.cluster.store_domain, port=None if port == 80 else port)

    def start(self) -> None:
        """Start what does not run yet and wait until both answer. Raises StackError."""
        if not self.slack_process.process():
            # A new Slack knows none of the former's messages, so a bot that does starts over with it.
            self.bot_process.stop()
            module = [sys.executable, "-m", "dev.slack", "--port", self.kept["slack_port"], "--bot-url", self.bot_url]
            self.slack_process.start(module, self._slack_secrets())
        self._await(self.slack_process, self.workspace_url)
        if not self.bot_process.process():
            self.start_bot()

    def start_bot(self) -> None:
        """The bot, with its own ServiceAccount and never as cluster admin. Raises StackError."""
        self.bot_process.start([sys.executable, "-m", "bot", "run"], self.bot_environment())
        self._await(self.bot_process, f"{self.bot_url}/readyz")

    def stop(self) -> None:
        self.bot_process.stop()
        self.slack_process.stop()

    def slack(self) -> LocalSlackClient:
        return LocalSlackClient(self.workspace_url)

    def bot_environment(self) -> dict[str, str]:
        """Every setting of the bot, as `storewright run --help` has them."""
        return {
            **self._slack_secrets(),
            "SLACK_API_URL": f"{self.workspace_url}/api/",
            "FAILURE_CHANNEL": FAILURES,
            "ADMINS": ADMIN,
            "PUBLIC_URL": self.bot_url,
            "LISTEN": f"127.0.0.1:{self.kept['bot_port']}",
            "LEDGER_PATH": str(self.folder / "ledger.db"),
            "CHARTS_DIR": str(ROOT / "charts"),
            "STORE_DOMAIN": self.cluster.store_domain,
            "STORE_PORT": str(self.addresses.port or ""),
            "STORE_PROFILE": "local",
            "STORE_VALUES": str(ROOT / "build/images.yaml"),
            "INGRESS_ADDRESS": self.cluster.ingress_address,
            "INSTANCE": instance_of(self.folder),
            "KUBECONFIG": str(self._bot_kubeconfig()),
            "KUBE_CONTEXT": BOT_CONTEXT,  # over the one that names the cluster to us
            "SERVICE_ACCOUNT": f"storewright/{instance_of(self.folder)}",
            "STORE_ROLE": f"{instance_of(self.folder)}-store",
            "HELM": str(ROOT / "build/tools/bin/helm"),
            **self.settings,
        }

    def _kept(self) -> dict[str, str]:
        """Ports and secrets, chosen once and kept for this stack."""
        path = self.folder / "stack.json"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            kept = {
                "slack_port": str(free_port(3900)),
                "bot_port": str(free_port(3000)),
                "SLACK_BOT_TOKEN": f"xoxb-{secrets.token_hex(16)}",
                "SLACK_APP_TOKEN": f"xapp-{secrets.token_hex(16)}",
                "SLACK_SIGNING_SECRET": secrets.token_hex(16),
            }
            path.write_text(json.dumps(kept))
        found: dict[str, str] = json.loads(path.read_text())
        return found

    def _slack_secrets(self) -> dict[str, str]:
        return {name: value for name, value in self.kept.items() if name.startswith("SLACK_")}

    def _bot_kubeconfig(self) -> Path:
        """A kubeconfig that holds nothing but the bot's own ServiceAccount's token."""
        account = instance_of(self.folder)
        kubectl(self.cluster, "apply", "-f", "-", stdin=bot_chart.NAMESPACE + bot_chart.rights(account))
        token = kubectl(self.cluster, "create", "token", account, "-n", "storewright", "--duration=720h").strip()
        admin = json.loads(kubectl(self.cluster, "config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        config = {
            **admin,
            "users": [{"name": account, "user": {"token": token}}],
            "contexts": [{"name": BOT_CONTEXT, "context": {"cluster": admin["clusters"][0]["name"], "user": account}}],
            "current-context": BOT_CONTEXT,
        }
        path = self.folder / "bot.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return path

    def _await(self, process: Background, url: str, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not process.process():
                raise StackError(f"the {process.name} ended at once:\n{_tail(process.log)}")
            try:
                answer = httpx.get(url, trust_env=False, timeout=5)
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                return
            time.sleep(0.1)
        raise StackError(f"the {process.name} did not become ready in {seconds:.0f} s:\n{_tail(process.log)}")


def instance_of(folder: Path) -> str:
    """What the cluster's labels call the bot of this folder: none of its stores is taken for another bot's."""
    return f"storewright-local-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def remove_stores(cluster: Cluster, folder: Path, *options: str) -> None:
    """Remove the namespaces of that folder's stores, and of no others, and its bot's rights. Raises StackError."""
    instance = instance_of(folder)
    kubectl(cluster, "delete", "namespace", "-l", f"storewright.dev/instance={instance}", *options)
    kubectl(cluster, "delete", "--ignore-not-found", "-f", "-", stdin=bot_chart.rights(instance))


def kubectl(cluster: Cluster, *args: str, stdin: str | None = None) -> str:
    """Run the pinned kubectl as the cluster's admin; its output. Raises StackError with what it said."""
    command = [str(ROOT / "build/tools/bin/kubectl"), "--kubeconfig", str(cluster.kubeconfig), *args]
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise StackError(f"kubectl {' '.join(args[:2])} failed: {done.stderr.strip()}")
    return done.stdout


def job_of(message: dict[str, Any]) -> dict[str, str]:
    """What the bot says in a root message's metadata (`job`, `kind`, `store`, `status`); none of these in others."""
    return dict((message.get("metadata") or {}).get("event_payload") or {})


def newest_root(messages: list[dict[str, Any]], **job: str) -> dict[str, Any] | None:
    """The newest root message of such a job, by what `job_of` says: `newest_root(messages, store="my-shop")`."""
    return next((m for m in reversed(messages) if job.items() <= job_of(m).items()), None)


def one_time_link(slack: LocalSlackClient, person: str, channel: str) -> tuple[str, str]:
    """The newest link to credentials that only this person sees there: its address, and the token behind its #."""
    told = slack.wait_for(lambda: [m for m in slack.ephemerals(person, channel) if "/s/" in m["text"]])[-1]
    address, token = told["text"].split("<", 1)[1].split("|", 1)[0].split("#")
    return address, token


def read_secret(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    """A Secret's keys and values, read as admin."""
    data = json.loads(kubectl(cluster, "get", "secret", name, "-n", namespace, "-o", "json"))["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def free_port(preferred: int) -> int:
    """The preferred port of loopback where it is free, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            return chosen
    raise StackError("no free port on the loopback address")


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])

"""The bot and a local Slack as processes outside the cluster.

The demo and the e2e tests use them."""

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
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import yaml

from dev import local_http
from dev.background import BackgroundProcess
from dev.cache import CHECKOUT
from dev.charts import bot_chart
from dev.cluster import Cluster
from dev.slack import LocalSlackClient
from dev.slack.delivery import ACK_TIMEOUT_SECONDS
from provisioner.domain.store import Addresses

ROOT = CHECKOUT
BOT_CONTEXT = "bot"
ADMIN, FAILURES = "U0ADA0001", "C0FAILURE"  # Ada and #store-failures in the local Slack
READY_TIMEOUT_SECONDS = 180


class StackError(Exception):
    """A process of the stack or kubectl failed.

    The message ends with the last lines of the output."""


@dataclass
class Stack:
    """One bot and one local Slack with their files in `folder`.

    `settings` override the bot's settings. `python` runs the module whose name and arguments follow it. The local
    Slack gives the bot `ack_seconds` for an ack."""

    folder: Path
    cluster: Cluster
    settings: dict[str, str] = field(default_factory=dict)
    port_offset: int = 0  # keeps stacks that start at the same time apart
    python: Sequence[str] = (sys.executable, "-m")
    ack_seconds: float = ACK_TIMEOUT_SECONDS

    def __post_init__(self) -> None:
        self.slack_process = BackgroundProcess("slack", self.folder)
        self.bot_process = BackgroundProcess("bot", self.folder)
        self.config = self._load_or_create_config()

    @property
    def workspace_url(self) -> str:
        return f"http://127.0.0.1:{self.config['slack_port']}"

    @property
    def bot_url(self) -> str:
        return f"http://127.0.0.1:{self.config['bot_port']}"

    @property
    def addresses(self) -> Addresses:
        """The addresses of this stack's stores.

        They contain the ingress's port unless it is 80."""
        port = self.cluster.ingress_port
        return Addresses(self.cluster.store_domain, port=None if port == 80 else port)

    def start(self) -> None:
        """Start the processes and wait until both are ready. Raises StackError."""
        self.start_slack()
        if not self.bot_process.process():
            self.start_bot()

    def start_slack(self) -> None:
        """Start the local Slack if it does not run, and wait until it is ready. Raises StackError."""
        if not self.slack_process.process():
            # A new local Slack has no messages, so a bot that remembers old ones must restart too.
            self.bot_process.stop()
            module = ["dev.slack", "--port", self.config["slack_port"], "--bot-url", self.bot_url]
            module += ["--ack-seconds", str(self.ack_seconds)]
            self.slack_process.start([*self.python, *module], self._slack_secrets())
        self._wait_until_ready(self.slack_process, self.workspace_url)

    def start_bot(self) -> None:
        """Start the bot with its own ServiceAccount, not as cluster admin. Raises StackError."""
        self.bot_process.start([*self.python, "bot", "run"], self.bot_environment())
        self._wait_until_ready(self.bot_process, f"{self.bot_url}/readyz")

    def start_backup_server(self) -> None:
        """Start the backup server of this stack's stores. It is ready soon after the bot. Raises StackError."""
        server = bot_chart.backup_server(instance_of(self.folder), backup_image())
        kubectl(self.cluster, "apply", "-f", "-", stdin=server)

    def stop(self) -> None:
        self.bot_process.stop()
        self.slack_process.stop()

    def slack(self) -> LocalSlackClient:
        return LocalSlackClient(self.workspace_url)

    def bot_environment(self) -> dict[str, str]:
        """The bot's settings as environment variables; `storewright run --help` describes them."""
        return {
            **self._slack_secrets(),
            "SLACK_API_URL": f"{self.workspace_url}/api/",
            "FAILURE_CHANNEL": FAILURES,
            "ADMINS": ADMIN,
            "PUBLIC_URL": self.bot_url,
            "LISTEN": f"127.0.0.1:{self.config['bot_port']}",
            "LEDGER_PATH": str(self.folder / "ledger.db"),
            "CHARTS_DIR": str(ROOT / "charts"),
            "STORE_DOMAIN": self.cluster.store_domain,
            "STORE_PORT": str(self.addresses.port or ""),
            "STORE_PROFILE": "local",
            "STORE_VALUES": str(ROOT / "build/images.yaml"),
            "INGRESS_ADDRESS": self.cluster.ingress_address,
            "INSTANCE": instance_of(self.folder),
            "KUBECONFIG": str(self._bot_kubeconfig),
            "KUBE_CONTEXT": BOT_CONTEXT,  # overrides the variable that names an external cluster for dev.cluster
            "SERVICE_ACCOUNT": f"storewright/{instance_of(self.folder)}",
            "STORE_ROLE": f"{instance_of(self.folder)}-store",
            "WAKER_ADDRESS": self._waker_address,
            "BACKUP_SERVER": f"https://{instance_of(self.folder)}-backup.storewright.svc:8000",
            "HELM": str(ROOT / "build/tools/bin/helm"),
            **self.settings,
        }

    @property
    def _waker_address(self) -> str:
        host = self.cluster.host_address
        return f"{host}:{self.config['waker_port']}" if host else ""

    def _load_or_create_config(self) -> dict[str, str]:
        """The ports and secrets of this stack, stored in its folder."""
        path = self.folder / "stack.json"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            config = {
                "slack_port": str(free_port(3900 + self.port_offset)),
                "bot_port": str(free_port(3000 + self.port_offset)),
                "waker_port": str(free_port(8090 + self.port_offset)),
                "SLACK_BOT_TOKEN": f"xoxb-{secrets.token_hex(16)}",
                "SLACK_APP_TOKEN": f"xapp-{secrets.token_hex(16)}",
                "SLACK_SIGNING_SECRET": secrets.token_hex(16),
            }
            path.write_text(json.dumps(config))
        stored: dict[str, str] = json.loads(path.read_text())
        return {"waker_port": str(8090 + self.port_offset), **stored}  # a folder of a former version has none

    def _slack_secrets(self) -> dict[str, str]:
        return {name: value for name, value in self.config.items() if name.startswith("SLACK_")}

    def grant_permissions(self) -> None:
        """Create or restore the bot's ServiceAccount and its permissions. Raises StackError."""
        port = f"--set=waker.port={self.config['waker_port']}"
        permissions = bot_chart.permissions(instance_of(self.folder), port)
        kubectl(self.cluster, "apply", "-f", "-", stdin=bot_chart.NAMESPACE + permissions)

    @cached_property
    def _bot_kubeconfig(self) -> Path:
        """A kubeconfig with only the token of the bot's ServiceAccount."""
        self.grant_permissions()
        account = instance_of(self.folder)
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

    def _wait_until_ready(self, process: BackgroundProcess, url: str) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if not process.process():
                raise StackError(
                    f"{process.name} ended during its start. {process.log} ends with:\n{_tail(process.log)}"
                )
            try:
                answer = local_http.get(url, timeout=5)
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                return
            time.sleep(0.1)
        raise StackError(
            f"{process.name} was not ready within {READY_TIMEOUT_SECONDS} s. "
            f"{process.log} ends with:\n{_tail(process.log)}"
        )


def backup_image() -> dict[str, str]:
    """The chart values of the image with rclone and restic, as built last."""
    overlay = yaml.safe_load((ROOT / "build/images.yaml").read_text())
    return next(values["backup"]["image"] for values in overlay.values() if "backup" in values)


def instance_of(folder: Path) -> str:
    """The instance name of this folder's bot, which labels its stores."""
    return f"storewright-local-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def remove_stores(cluster: Cluster, folder: Path, *options: str) -> None:
    """Remove the namespaces of this folder's stores, and its bot's permissions. Raises StackError.

    `options` are options of `kubectl delete namespace`."""
    instance = instance_of(folder)
    kubectl(cluster, "delete", "namespace", "-l", f"storewright.dev/instance={instance}", *options)
    ours = bot_chart.permissions(instance) + bot_chart.backup_server(instance, {})
    kubectl(cluster, "delete", "--ignore-not-found", "-f", "-", stdin=ours)


def kubectl(cluster: Cluster, *args: str, stdin: str | None = None) -> str:
    """Run the pinned kubectl as the cluster's admin; its output. Raises StackError with its error output."""
    command = [str(ROOT / "build/tools/bin/kubectl"), "--kubeconfig", str(cluster.kubeconfig), *args]
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise StackError(f"kubectl {' '.join(args[:2])} failed: {done.stderr.strip()}")
    return done.stdout


def job_of(message: dict[str, Any]) -> dict[str, str]:
    """The metadata of a root message (`job`, `kind`, `store`, `status`).

    Empty for other messages."""
    return dict((message.get("metadata") or {}).get("event_payload") or {})


def newest_root(messages: list[dict[str, Any]], **job: str) -> dict[str, Any] | None:
    """The newest root message whose `job_of` contains these items: `newest_root(messages, store="my-shop")`."""
    return next((m for m in reversed(messages) if job.items() <= job_of(m).items()), None)


def one_time_link(slack: LocalSlackClient, user: str, channel: str) -> tuple[str, str]:
    """The newest credential link that this user sees in the channel.

    Returns its URL and the token after its #."""
    message = slack.wait_for(lambda: [m for m in slack.ephemerals(user, channel) if "/s/" in m["text"]])[-1]
    url, token = message["text"].split("<", 1)[1].split("|", 1)[0].split("#")
    return url, token


def read_secret(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    """The decoded data of a Secret, read as admin. Raises StackError."""
    data = json.loads(kubectl(cluster, "get", "secret", name, "-n", namespace, "-o", "json"))["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def free_port(preferred: int) -> int:
    """The preferred loopback port if it is free, else another. Raises StackError."""
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

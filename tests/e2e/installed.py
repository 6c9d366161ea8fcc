"""Storewright as an operator installs it: its own image, by its own chart, with a local Slack outside the cluster."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import httpx

from dev import images
from dev.charts.bot_chart import CHART
from dev.cluster import Cluster
from dev.slack import LocalSlack
from dev.stack import ADMIN, FAILURES, ROOT, kubectl
from tests.e2e import sample_type

README, OPERATING = ROOT / "README.md", ROOT / "docs/operating.md"
# Where a page's command says the release's name, its namespace's or its instance's, which all are the same there.
NAMED = re.compile(r"(-n |namespace |install |upgrade |template |deployment/|instance=)storewright\b")


def section(page: Path, title: str) -> str:
    """What a page says under a heading, up to the next heading of whatever depth."""
    parts = re.split(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return parts[parts.index(title) + 1]


def typed(text: str, begins: str = "") -> str:
    """The commands that a page shows, as one script; those that begin so, if that is said."""
    lines = re.findall(r"^ {4,}((?:kubectl|helm|storewright) .*)$", text, re.MULTILINE)
    return "\n".join(line for line in lines if line.startswith(begins))


@dataclass
class Installed:
    """One release, called like its namespace. Beside the image's store types it has leaflet, as an operator's own."""

    cluster: Cluster
    slack: LocalSlack
    name: str
    folder: Path

    @property
    def host(self) -> str:
        """Of the credential page, as a browser names it."""
        return f"{self.name}.localhost:{self.cluster.ingress_port}"

    def load_images(self) -> None:
        """The bot's own and leaflet's, onto the node; the stores' are there."""
        self.image = images.load_bot_image(self.cluster)
        sample_type.load_image(self.cluster, self.folder)

    def prepare(self) -> None:
        """What is there before Helm: a namespace, the Secret with Slack's words, leaflet's chart."""
        restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
        self._make({"kind": "Namespace", "metadata": {"name": self.name, "labels": restricted}})
        words = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
        }
        self._make({"kind": "Secret", "metadata": {"name": "storewright-slack"}, "stringData": words})
        files = {
            str(f.relative_to(sample_type.CHART)): f.read_text() for f in sample_type.CHART.rglob("*") if f.is_file()
        }
        data = {path.replace("/", "."): text for path, text in files.items()}
        self._make({"kind": "ConfigMap", "metadata": {"name": "leaflet"}, "data": data})

    def _make(self, manifest: dict[str, Any]) -> None:
        stdin = json.dumps({"apiVersion": "v1", **manifest})
        kubectl(self.cluster, "apply", f"--namespace={self.name}", "-f", "-", stdin=stdin)

    def values(self, mode: str) -> dict[str, Any]:
        paths = [str(path.relative_to(sample_type.CHART)) for path in sample_type.CHART.rglob("*") if path.is_file()]
        items = [{"key": path.replace("/", "."), "path": path} for path in paths]
        return {
            "image": self.image,
            "slack": {"mode": mode, "apiUrl": self.slack.api_url, "failureChannel": FAILURES, "admins": [ADMIN]},
            "publicUrl": f"http://{self.host}",
            "stores": {
                "domain": self.cluster.store_domain,
                "scheme": "http",
                "port": self.cluster.ingress_port,
                "profile": "local",
                "values": images.build_store_images(),
                "ingressAddress": self.cluster.pod_ingress_address,
            },
            "extraVolumes": [{"name": "leaflet", "configMap": {"name": "leaflet", "items": items}}],
            "extraVolumeMounts": [{"name": "leaflet", "mountPath": "/app/charts/leaflet", "readOnly": True}],
        }

    def upgrade(self, mode: str, *options: str) -> str:
        """Install it, or upgrade it, and wait until it is ready; what Helm said."""
        done = self._helm("upgrade", "--install", self.name, str(CHART), "--wait", "--values=-", *options, mode=mode)
        assert done.returncode == 0, f"{done.stderr}\n{self.log()}"
        self.await_slack()
        return done.stdout

    def await_slack(self) -> None:
        """Until Slack reaches the bot: a connection or a route may come a moment after it is ready."""
        self.slack.wait_for(
            lambda: self.slack.command("Dana", "#stores", "/store list").ok, 15, "Slack's way to the bot"
        )

    def _helm(self, *arguments: str, mode: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "build/tools/bin/helm"), *arguments, "--timeout=120s"]
        command += [f"--namespace={self.name}", f"--kubeconfig={self.cluster.kubeconfig}"]
        stdin = json.dumps(self.values(mode)) if mode else ""
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    def write_files(self, values: dict[str, Any]) -> None:
        """What the README has an operator write, with this release's own in place of its examples.

        build/values.yaml then has not the images alone, but these values: what a test has in place of the world."""
        install = section(README, "Install, and connect your Slack")
        (mine,) = map(dedent, re.findall(r"^ {7}slack: .*?\n\n", install, re.MULTILINE | re.DOTALL))
        tokens = "\n".join(re.findall(r"`(SLACK_\w+_TOKEN=\S+)`", install))
        for told, meant in {
            "C0123ABCD": FAILURES,
            "https://storewright.example.com": f"http://{self.host}",
            "shops.example.com": self.cluster.store_domain,
            "xoxb-…": self.slack.bot_token,
            "xapp-…": self.slack.app_token,
        }.items():
            assert told in mine + tokens, told
            mine, tokens = mine.replace(told, meant), tokens.replace(told, meant)
        for name, text in {"my-values.yaml": mine, "slack.env": tokens, "values.yaml": json.dumps(values)}.items():
            (self.folder / name).write_text(text)

    def type(self, script: str) -> str:
        """Run what a page tells operators to type, for this release and with the files above; what it prints."""
        with self.typed(script) as running:
            said, complaint = running.communicate()
        assert running.returncode == 0, f"{script}\n{said}{complaint}"
        return said

    @contextmanager
    def typed(self, script: str) -> Iterator[subprocess.Popen[str]]:
        """The same, as long as the `with` lasts, for what ends when it is told to."""
        script = NAMED.sub(rf"\1{self.name}", script)
        for file in ("build/values.yaml", "my-values.yaml", "slack.env", "away.db"):
            script = script.replace(file, str(self.folder / Path(file).name))
        environment = {**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)}
        command, pipe = ["sh", "-euc", script], subprocess.PIPE
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True) as running:
            try:
                yield running
            finally:
                running.terminate()

    def log(self) -> str:
        return kubectl(self.cluster, "logs", f"deployment/{self.name}", f"--namespace={self.name}", "--tail=30")

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """What the world is answered, through the ingress."""
        with self.cluster.client(f"{self.name}.localhost") as client:
            return client.request(method, path, headers={"Origin": f"http://{self.host}"}, **options)

    def remove(self) -> None:
        """All of it, and its stores."""
        self._helm("uninstall", self.name, "--ignore-not-found")
        kubectl(self.cluster, "delete", "namespace", self.name, "--ignore-not-found", "--wait=false")
        ours = f"storewright.dev/instance={self.name}"
        kubectl(self.cluster, "delete", "namespace", "-l", ours, "--wait=false")


@contextmanager
def release(cluster: Cluster, folder: Path, mode: str, *, bare: bool = False) -> Iterator[Installed]:
    """A release in one of Slack's modes, not yet installed; a bare one lacks its namespace and Secret too."""
    name = f"storewright-{uuid4().hex[:8]}"  # a former one's namespace may still be on its way out
    host = cluster.pod_ingress_address.rpartition(":")[0]  # this machine, as pods see it
    bot = f"http://{name}.localhost:{cluster.ingress_port}"
    with LocalSlack(bot, host=host, socket_mode=mode == "socket") as slack:
        made = Installed(cluster, slack, name, folder)
        made.load_images()
        try:
            if not bare:
                made.prepare()
            yield made
        finally:
            made.remove()

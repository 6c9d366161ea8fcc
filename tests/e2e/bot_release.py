"""The release of the bot's chart, as an operator installs it, with a local Slack outside of the cluster."""

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
from dev.stack import ADMIN, FAILURES, ROOT, job_of, kubectl
from tests.e2e import sample_type
from tests.waiting import PATIENT_ACK_SECONDS

README, OPERATING = ROOT / "README.md", ROOT / "docs/operating.md"
# In the commands of the docs, the release, its namespace and its instance have this name.
RELEASE_NAME = re.compile(
    r"(-n |namespace |install |upgrade |template |secret |deployment/|cronjob/|instance=)storewright\b"
)
# The files that the docs' commands read and write; here they are in the test's own folder.
FILES = (
    *("build/values.yaml", "my-values.yaml", "slack.env", "away.db", "backup-keys.yaml", "november.jsonl"),
    "their-shop.tar",
)


def section(page: Path, title: str) -> str:
    """The text under a heading of a page, up to the next heading of any level."""
    parts = re.split(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return parts[parts.index(title) + 1]


def commands(text: str, prefix: str = "") -> str:
    """The commands in a page's text that start with `prefix`, as one script."""
    lines = re.findall(r"^ {4,}((?:kubectl|helm|storewright) .*)$", text, re.MULTILINE)
    return "\n".join(line for line in lines if line.startswith(prefix))


@dataclass
class BotRelease:
    """A release that has the name of its namespace. In addition to the image's store types, it has the `source`.

    A leaflet takes `opening_seconds` to open."""

    cluster: Cluster
    slack: LocalSlack
    name: str
    folder: Path
    opening_seconds: int = 0
    source: Path = sample_type.CHART

    def __post_init__(self) -> None:
        sample = sample_type.SampleType(self.folder / "charts", self.source)
        if self.opening_seconds:
            sample.open_slowly(self.opening_seconds)
        files = [file for file in sample.chart.rglob("*") if file.suffix in (".yaml", ".tpl")]
        self.chart = {str(file.relative_to(sample.chart)): file.read_text() for file in files}

    @property
    def host(self) -> str:
        """Host and port of the credential page."""
        return f"{self.name}.localhost:{self.cluster.ingress_port}"

    def load_images(self) -> None:
        """Load the images of the bot and of the sample type onto the node; the stores' images are there."""
        self.image = images.load_bot_image(self.cluster)
        sample_type.load_image(self.cluster, self.folder)

    def prepare(self) -> None:
        """Create what Helm expects: a namespace, the Secret with the Slack tokens, and `add_chart`."""
        restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
        self._apply({"kind": "Namespace", "metadata": {"name": self.name, "labels": restricted}})
        tokens = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
        }
        self._apply({"kind": "Secret", "metadata": {"name": "storewright-slack"}, "stringData": tokens})
        self.add_chart()

    def add_chart(self) -> None:
        """Create the ConfigMap with the chart of the sample type, which the bot's pod mounts."""
        data = {path.replace("/", "."): text for path, text in self.chart.items()}
        self._apply({"kind": "ConfigMap", "metadata": {"name": self.source.name}, "data": data})

    def _apply(self, manifest: dict[str, Any]) -> None:
        stdin = json.dumps({"apiVersion": "v1", **manifest})
        kubectl(self.cluster, "apply", f"--namespace={self.name}", "-f", "-", stdin=stdin)

    def values(self, mode: str) -> dict[str, Any]:
        overlay = images.build_store_images()
        items = [{"key": path.replace("/", "."), "path": path} for path in self.chart]
        return {
            "image": self.image,
            "backups": {"image": overlay["medusa"]["backup"]["image"]},
            "slack": {"mode": mode, "apiUrl": self.slack.api_url, "failureChannel": FAILURES, "admins": [ADMIN]},
            "publicUrl": f"http://{self.host}",
            "stores": {
                "domain": self.cluster.store_domain,
                "scheme": "http",
                "port": self.cluster.ingress_port,
                "profile": "local",
                "values": overlay,
                "ingressAddress": self.cluster.pod_ingress_address,
            },
            "extraVolumes": [{"name": "sample", "configMap": {"name": self.source.name, "items": items}}],
            "extraVolumeMounts": [{"name": "sample", "mountPath": f"/app/charts/{self.source.name}", "readOnly": True}],
        }

    def upgrade(self, mode: str, *options: str) -> str:
        """Install or upgrade the release, wait until it is ready, and return Helm's output."""
        done = self._helm("upgrade", "--install", self.name, str(CHART), "--wait", "--values=-", *options, mode=mode)
        assert done.returncode == 0, f"{done.stderr}\n{self.log()}"
        self.await_slack()
        return done.stdout

    def await_slack(self) -> None:
        """Wait until Slack reaches the bot. Its connection or route may start to work after the bot is ready."""
        self.slack.wait_for(
            lambda: self.slack.command("Dana", "#stores", "/store list").ok, 60, "Slack to reach the bot"
        )

    def root(self, store: str, kind: str) -> dict[str, Any] | None:
        """The root message of a store's job, if there is one."""
        posts = self.slack.messages("#stores")
        found = [m for m in posts if (job_of(m).get("store"), job_of(m).get("kind")) == (store, kind)]
        assert len(found) <= 1, found
        return found[0] if found else None

    def status(self, store: str) -> str:
        """The status of the store's creation, as its root message shows it."""
        return job_of(self.root(store, "create") or {}).get("status", "")

    def ended(self, store: str, kind: str) -> dict[str, Any]:
        """The root message of a store's job, once the job has succeeded."""

        def look() -> dict[str, Any] | None:
            message = self.root(store, kind)
            assert message is None or job_of(message)["status"] != "failed", message
            return message if message and job_of(message)["status"] == "succeeded" else None

        found: dict[str, Any] = self.slack.wait_for(look, 240, f"the {kind} of {store}")
        return found

    def _helm(self, *arguments: str, mode: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "build/tools/bin/helm"), *arguments, "--timeout=120s"]
        command += [f"--namespace={self.name}", f"--kubeconfig={self.cluster.kubeconfig}"]
        stdin = json.dumps(self.values(mode)) if mode else ""
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    def write_files(self, values: dict[str, Any]) -> None:
        """Write the files of the README's installation, with this release's values in place of the examples.

        build/values.yaml gets `values`, and not only the images: they name the test's cluster and Slack."""
        install = section(README, "Install, and connect your Slack")
        (mine,) = map(dedent, re.findall(r"^ {7}slack: .*?\n\n", install, re.MULTILINE | re.DOTALL))
        tokens = "\n".join(re.findall(r"`(SLACK_\w+_TOKEN=\S+)`", install))
        for example, value in {
            "C0123ABCD": FAILURES,
            "https://storewright.example.com": f"http://{self.host}",
            "shops.example.com": self.cluster.store_domain,
            "xoxb-…": self.slack.bot_token,
            "xapp-…": self.slack.app_token,
        }.items():
            assert example in mine + tokens, example
            mine, tokens = mine.replace(example, value), tokens.replace(example, value)
        for name, text in {"my-values.yaml": mine, "slack.env": tokens, "values.yaml": json.dumps(values)}.items():
            (self.folder / name).write_text(text)

    def run_script(self, script: str) -> str:
        """Run commands of the docs for this release, with the files of `write_files`; returns their output."""
        with self.start_script(script) as running:
            output, errors = running.communicate()
        assert running.returncode == 0, f"{script}\n{output}{errors}"
        return output

    @contextmanager
    def start_script(self, script: str) -> Iterator[subprocess.Popen[str]]:
        """Start commands of the docs, and terminate them when the block ends."""
        script = RELEASE_NAME.sub(rf"\1{self.name}", script)
        for file in FILES:
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

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request through the ingress."""
        with self.cluster.client(f"{self.name}.localhost") as client:
            return client.request(method, path, headers={"Origin": f"http://{self.host}"}, **options)

    def remove(self) -> None:
        """Remove the release and its stores."""
        self._helm("uninstall", self.name, "--ignore-not-found")
        kubectl(self.cluster, "delete", "namespace", self.name, "--ignore-not-found", "--wait=false")
        ours = f"storewright.dev/instance={self.name}"
        kubectl(self.cluster, "delete", "namespace", "-l", ours, "--wait=false")


@contextmanager
def bot_release(
    cluster: Cluster, folder: Path, mode: str, *, bare: bool = False, **options: Any
) -> Iterator[BotRelease]:
    """A release for a Slack mode, not installed yet; `options` are fields of BotRelease.

    With `bare`, it has no namespace and no Secret either."""
    name = f"storewright-{uuid4().hex[:8]}"  # Kubernetes may still be deleting the namespace of a former test
    host = cluster.pod_ingress_address.rpartition(":")[0]  # this machine's address, for pods
    bot = f"http://{name}.localhost:{cluster.ingress_port}"
    with LocalSlack(bot, host=host, socket_mode=mode == "socket", ack_seconds=PATIENT_ACK_SECONDS) as slack:
        made = BotRelease(cluster, slack, name, folder, **options)
        made.load_images()
        try:
            if not bare:
                made.prepare()
            yield made
        finally:
            made.remove()

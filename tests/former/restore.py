"""Restore the former version's ledger, Slack messages and stores, as if its bot had stopped a minute ago."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from dev.cluster import Cluster
from dev.stack import Stack, instance_of, kubectl

FOLDER = Path(__file__).parent
CHART = FOLDER / "charts" / "leaflet"
# Not within a hash; a `ts` in a permalink has 6 digits more.
EPOCH_SECONDS = re.compile(r"(?<![0-9a-f])1[6-9]\d{8}(?=\d{6}(?![0-9a-f])|(?![0-9a-f]))")
STOPPED_SECONDS_AGO = 60
BOTS_MANAGER, HELMS_MANAGER, STORAGE_MANAGER = "OpenAPI-Generator", "helm", "Helm"  # in managedFields of that version


class FormerFiles:
    """The files with their times shifted to the present, all by the same seconds, and their placeholders filled in."""

    def __init__(self, **places: str) -> None:
        self._places = places
        self._shift = int(time.time()) - STOPPED_SECONDS_AGO - _stopped_at()

    def read(self, name: str) -> str:
        """The text of a file of this folder."""
        text = (FOLDER / name).read_text()
        for placeholder, value in self._places.items():
            text = text.replace(f"__{placeholder.upper()}__", value)
        return EPOCH_SECONDS.sub(lambda found: str(int(found[0]) + self._shift), text)

    def restore_ledger(self, path: Path) -> None:
        """Write the ledger as the former version left it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as ledger:
            ledger.executescript(self.read("ledger.sql"))


def _stopped_at() -> int:
    """When the bot posted its last message."""
    messages = json.loads((FOLDER / "slack.json").read_text())
    return max(int(float(message["ts"])) for channel in messages.values() for message in channel)


def restore(stack: Stack) -> None:
    """Restore everything for a stack whose local Slack runs and whose bot does not."""
    files = FormerFiles(
        instance=instance_of(stack.folder),
        port=str(stack.cluster.ingress_port),
        bot_url=stack.bot_url,
        slack_url=stack.workspace_url,
    )
    files.restore_ledger(stack.folder / "ledger.db")
    for channel, messages in json.loads(files.read("slack.json")).items():
        stack.slack().restore_messages(channel, messages)
    for folder in sorted(FOLDER.glob("stores/*")):
        _restore_store(stack.cluster, folder.name, files)


def _restore_store(cluster: Cluster, namespace: str, files: FormerFiles) -> None:
    """Create the objects as their former owners did, so that Helm and the bot know them as their own."""
    folder = f"stores/{namespace}"
    create = ("create", "--filename=-", "--field-manager")
    kubectl(cluster, *create, BOTS_MANAGER, stdin=files.read(f"{folder}/bot.yaml"))
    releases = [_secret(each, namespace) for each in json.loads(files.read(f"{folder}/releases.json"))]
    kubectl(cluster, *create, STORAGE_MANAGER, stdin=yaml.safe_dump_all(releases))
    apply = ("apply", "--server-side", "--filename=-", "--field-manager", HELMS_MANAGER)
    kubectl(cluster, *apply, "--namespace", namespace, stdin=files.read(f"{folder}/helm.yaml"))


def _secret(saved: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The Secret of a revision: Helm keeps its record as gzip in base64."""
    record = base64.b64encode(gzip.compress(json.dumps(saved["release"]).encode())).decode()
    meta = {"name": saved["secret"], "namespace": namespace, "labels": saved["labels"]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": meta,
        "stringData": {"release": record},
    }

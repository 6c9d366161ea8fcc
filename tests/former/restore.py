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

from dev.stack import Stack, instance_of, kubectl

FOLDER = Path(__file__).parent
CHART = FOLDER / "charts" / "leaflet"
# Not within a hash; a `ts` in a permalink has 6 digits more.
EPOCH_SECONDS = re.compile(r"(?<![0-9a-f])1[6-9]\d{8}(?=\d{6}(?![0-9a-f])|(?![0-9a-f]))")
STOPPED_SECONDS_AGO = 60
BOTS_MANAGER, HELMS_MANAGER, STORAGE_MANAGER = "OpenAPI-Generator", "helm", "Helm"  # in managedFields of that version


def read(name: str, **places: str) -> str:
    """A file of this folder, with its times shifted to the present and its placeholders filled in."""
    text = (FOLDER / name).read_text()
    for placeholder, value in places.items():
        text = text.replace(f"__{placeholder.upper()}__", value)
    shift = int(time.time()) - STOPPED_SECONDS_AGO - _stopped_at()
    return EPOCH_SECONDS.sub(lambda found: str(int(found[0]) + shift), text)


def _stopped_at() -> int:
    """When the bot posted its last message."""
    messages = json.loads((FOLDER / "slack.json").read_text())
    return max(int(float(message["ts"])) for channel in messages.values() for message in channel)


def restore_ledger(path: Path, **places: str) -> None:
    """Write the ledger as the former version left it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as ledger:
        ledger.executescript(read("ledger.sql", **places))


def restore(stack: Stack) -> None:
    """Restore everything for a stack whose local Slack runs and whose bot does not."""
    places = {
        "instance": instance_of(stack.folder),
        "port": str(stack.cluster.ingress_port),
        "bot_url": stack.bot_url,
        "slack_url": stack.workspace_url,
    }
    restore_ledger(stack.folder / "ledger.db", **places)
    for channel, messages in json.loads(read("slack.json", **places)).items():
        stack.slack().restore_messages(channel, messages)
    for folder in sorted(FOLDER.glob("stores/*")):
        _restore_store(stack, folder, places)


def _restore_store(stack: Stack, folder: Path, places: dict[str, str]) -> None:
    """Create the objects as their former owners did, so that Helm and the bot know them as their own."""
    name = f"stores/{folder.name}"
    create = ("create", "--filename=-", "--field-manager")
    kubectl(stack.cluster, *create, BOTS_MANAGER, stdin=read(f"{name}/bot.yaml", **places))
    releases = [_secret(each, folder.name) for each in json.loads(read(f"{name}/releases.json", **places))]
    kubectl(stack.cluster, *create, STORAGE_MANAGER, stdin=yaml.safe_dump_all(releases))
    apply = ("apply", "--server-side", "--filename=-", "--field-manager", HELMS_MANAGER)
    kubectl(stack.cluster, *apply, "--namespace", folder.name, stdin=read(f"{name}/helm.yaml", **places))


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

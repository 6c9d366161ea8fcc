"""Save the state of a stopped bot in `tests/former`: its ledger, its local Slack's channels and its stores.

`python -m tests.former.save FOLDER KUBECONFIG` reads a `dev.stack.Stack` in FOLDER, whose local Slack still runs."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from dev import local_http

FOLDER = Path(__file__).parent
READERS = ("Dana", "Ada", "Oli")
CHANNELS = ("C0STORES1", "C0FAILURE")
BOTS_KINDS = "secrets,rolebindings,resourcequotas,limitranges"
SERVER_SET = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
HELM_SECRET = "helm.sh/release.v1"
PASSWORD = "kept-since-the-former-version"
REAL = re.compile(r"\b\d\.\d+e[+-]\d+")  # as SQLite quotes it, with more digits than it has
STORE_PORT = re.compile(r"([a-z-]+\.localhost):\d+")

Object = dict[str, Any]


class Saver:
    """One stack. `places` are the texts that depend on the machine, and the placeholders that replace them."""

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        self.folder, self.kubeconfig = folder, kubeconfig
        known = json.loads((folder / "stack.json").read_text())
        self.slack_url = f"http://127.0.0.1:{known['slack_port']}"
        self.instance = f"storewright-local-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
        self.places = {
            self.slack_url: "__SLACK_URL__",
            f"http://127.0.0.1:{known['bot_port']}": "__BOT_URL__",
            self.instance: "__INSTANCE__",
        }

    def save(self) -> None:
        """Write all files."""
        for namespace in self._objects("namespaces", "-l", f"storewright.dev/instance={self.instance}"):
            self._save_store(namespace)
        with closing(sqlite3.connect(self.folder / "ledger.db")) as ledger:
            dump = "\n".join(ledger.iterdump()) + "\n"
        self._write("ledger.sql", REAL.sub(lambda found: repr(float(found[0])), dump))
        self._write("slack.json", _json({channel: self._messages(channel) for channel in CHANNELS}))

    def _write(self, name: str, text: str) -> None:
        for found, placeholder in self.places.items():
            text = text.replace(found, placeholder)
        text = STORE_PORT.sub(r"\1:__PORT__", text)
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    # --- Slack ------------------------------------------------------------------------------------------------------

    def _messages(self, channel: str) -> list[Object]:
        """The channel's messages and everybody's ephemeral ones, oldest first."""
        found: dict[str, Object] = {}
        for reader in READERS:
            answer = local_http.get(f"{self.slack_url}/dev/state", params={"user": reader}).json()
            [seen] = [each for each in answer["result"]["channels"] if each["id"] == channel]
            found |= {message["ts"]: message for message in seen["messages"]}
        return [found[ts] for ts in sorted(found, key=float)]

    # --- the cluster ------------------------------------------------------------------------------------------------

    def _save_store(self, namespace: Object) -> None:
        name = namespace["metadata"]["name"]
        objects = list(self._objects(BOTS_KINDS, "-n", name))
        releases = [_release(each) for each in objects if each.get("type") == HELM_SECRET]
        ours = [_clean(each) for each in [namespace, *objects] if each.get("type") != HELM_SECRET]
        self._write(f"stores/{name}/bot.yaml", yaml.safe_dump_all(ours, sort_keys=False))
        deployed = next(each["release"] for each in releases if each["release"]["info"]["status"] == "deployed")
        self._write(f"stores/{name}/helm.yaml", yaml.safe_dump_all(_applied(deployed), sort_keys=False))
        self._write(f"stores/{name}/releases.json", _json(releases))

    def _objects(self, kinds: str, *options: str) -> list[Object]:
        command = ["kubectl", "--kubeconfig", str(self.kubeconfig), "get", kinds, "-o", "json", *options]
        found: list[Object] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["items"]
        return found


def _clean(found: Object) -> Object:
    """The object as a client could create it, with a password that is none."""
    meta = {key: value for key, value in found["metadata"].items() if key not in SERVER_SET}
    meta.get("labels", {}).pop("kubernetes.io/metadata.name", None)
    cleaned = {key: value for key, value in found.items() if key not in ("status", "data")} | {"metadata": meta}
    if found["kind"] == "Namespace":
        cleaned.pop("spec")
    if "data" in found:
        values = {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
        cleaned["stringData"] = {**values, "password": PASSWORD}
    return cleaned


def _release(secret: Object) -> Object:
    """A revision's Secret, with Helm's record as JSON: Helm keeps it as gzip in base64."""
    record = gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"])))
    meta = secret["metadata"]
    return {"secret": meta["name"], "labels": meta["labels"], "release": json.loads(record)}


def _applied(release: Object) -> Iterator[Object]:
    """The objects as Helm applied them, with the label and annotations by which it knows them as its own."""
    for found in yaml.safe_load_all(release["manifest"]):
        meta = found["metadata"]
        meta["labels"] = {**meta.get("labels", {}), "app.kubernetes.io/managed-by": "Helm"}
        names = {"meta.helm.sh/release-name": release["name"], "meta.helm.sh/release-namespace": release["namespace"]}
        meta["annotations"] = {**meta.get("annotations", {}), **names}
        yield found


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Saver(Path(sys.argv[1]).resolve(), Path(sys.argv[2])).save()

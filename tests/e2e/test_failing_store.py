"""A store whose image does not exist: the failure message names it, and a retry succeeds once it exists."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import yaml

from dev.cluster import Cluster
from dev.images import store_images
from dev.stack import ROOT, Stack, kubectl, newest_root
from tests.waiting import until

# Each run has its own tag, because a kept node has the images of former runs.
MISSING_IMAGE = {"repository": "storewright/medusa", "tag": f"not-built-yet-{uuid4().hex[:8]}"}
NAME = f"{MISSING_IMAGE['repository']}:{MISSING_IMAGE['tag']}"


def test_failure_message_names_missing_image_within_15_s_and_retry_works_with_it(
    stack: Callable[..., Stack], cluster: Cluster, tmp_path: Path
) -> None:
    values = yaml.safe_load((ROOT / "build/images.yaml").read_text())
    values["medusa"]["image"] = MISSING_IMAGE
    overlay = tmp_path / "values.yaml"
    overlay.write_text(yaml.safe_dump(values))
    bot = stack(STORE_VALUES=str(overlay), STORES_PER_PERSON="3")
    slack = bot.slack()

    assert slack.command("Dana", "#stores", "/store create failing-shop medusa").ok
    until("a pod reports the missing image", lambda: _pull_failed(cluster))
    reported_at = time.monotonic()
    notice = slack.wait_for(lambda: next(iter(slack.messages("#store-failures")), None), 30, "the failure notice")
    assert time.monotonic() - reported_at < 15
    text = json.dumps(notice["blocks"]) + notice["text"]
    assert NAME in text
    assert "ImagePullBackOff" in text or "ErrImagePull" in text
    root = newest_root(slack.messages("#stores"), store="failing-shop", status="failed")
    assert root
    assert NAME in root["text"]

    cluster.load_image(_retagged(tmp_path))
    assert slack.click("Dana", notice, "retry").ok
    ready = {"store": "failing-shop", "status": "succeeded"}
    slack.wait_for(lambda: newest_root(slack.messages("#stores"), **ready), 120, "the retried store to be Ready")
    solved = slack.wait_for(lambda: [m for m in slack.messages("#store-failures") if "Solved" in json.dumps(m)])
    assert [m["ts"] for m in solved] == [notice["ts"]], "the same message, edited in place"


def _pull_failed(cluster: Cluster) -> bool:
    """Return whether the kubelet reports a failed pull."""
    pods = json.loads(kubectl(cluster, "get", "pods", "-n", "store-failing-shop", "-o", "json"))["items"]
    states = [status["state"] for pod in pods for status in pod["status"].get("containerStatuses", [])]
    return any(s.get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff") for s in states)


def _retagged(folder: Path) -> Path:
    """The archive of the Medusa image, with the missing name."""
    source = next(image.archive for image in store_images() if image.name == "medusa")
    target = folder / "retagged.tar"
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = old.extractfile(member)
            if member.name == "manifest.json" and content:
                manifest = json.load(content)
                manifest[0]["RepoTags"] = [NAME]
                _add(new, "manifest.json", json.dumps(manifest).encode())
            else:
                new.addfile(member, content)
    return target


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))

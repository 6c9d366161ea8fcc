"""A store whose image does not exist: who hears of it, how soon, in which words; and Retry works once it is there."""

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

# A tag of its own for each run: what a former run mended is still on a node that was kept.
MISSING = {"repository": "storewright/medusa", "tag": f"not-built-yet-{uuid4().hex[:8]}"}
NAME = f"{MISSING['repository']}:{MISSING['tag']}"


def test_a_missing_image_is_named_within_15_s_and_retry_works_once_it_is_there(
    stack: Callable[..., Stack], cluster: Cluster, tmp_path: Path
) -> None:
    values = yaml.safe_load((ROOT / "build/images.yaml").read_text())
    values["medusa"]["image"] = MISSING
    overlay = tmp_path / "values.yaml"
    overlay.write_text(yaml.safe_dump(values))
    bot = stack(STORE_VALUES=str(overlay), STORES_PER_PERSON="3")
    slack = bot.slack()

    assert slack.command("Dana", "#stores", "/store create failing-shop medusa").ok
    until("a pod reports the missing image", lambda: _pod_says_so(cluster))
    said_at = time.monotonic()
    notice = slack.wait_for(lambda: next(iter(slack.messages("#store-failures")), None), 30, "the failure notice")
    assert time.monotonic() - said_at < 15
    told = json.dumps(notice["blocks"]) + notice["text"]
    assert NAME in told
    assert "ImagePullBackOff" in told or "ErrImagePull" in told
    root = newest_root(slack.messages("#stores"), store="failing-shop", status="failed")
    assert root
    assert NAME in root["text"]

    cluster.load_image(_retagged(tmp_path))
    assert slack.click("Dana", notice, "retry").ok
    ready = {"store": "failing-shop", "status": "succeeded"}
    slack.wait_for(lambda: newest_root(slack.messages("#stores"), **ready), 120, "the retried store to be Ready")
    solved = slack.wait_for(lambda: [m for m in slack.messages("#store-failures") if "Solved" in json.dumps(m)])
    assert [m["ts"] for m in solved] == [notice["ts"]], "the one notice, edited in place"


def _pod_says_so(cluster: Cluster) -> bool:
    """Whether the kubelet reports the pull as failed."""
    pods = json.loads(kubectl(cluster, "get", "pods", "-n", "store-failing-shop", "-o", "json"))["items"]
    states = [status["state"] for pod in pods for status in pod["status"].get("containerStatuses", [])]
    return any(s.get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff") for s in states)


def _retagged(folder: Path) -> Path:
    """The real Medusa image's archive under the missing name."""
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

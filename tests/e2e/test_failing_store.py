"""A store whose image does not exist: the failure message names it, and a retry succeeds once it exists."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from dev.cluster import Cluster
from dev.stack import Stack, kubectl, newest_root
from tests.e2e.sample_type import SampleType, load_image
from tests.waiting import until

# Each run has its own tag, because a kept node has the images of former runs.
NAME = f"storewright/leaflet:not-built-yet-{uuid4().hex[:8]}"


def test_failure_message_names_missing_image_within_15_s_and_retry_works_with_it(
    stack: Callable[..., Stack], cluster: Cluster, tmp_path: Path
) -> None:
    leaflet = SampleType(tmp_path / "charts")
    leaflet.release("0.1.0", image=NAME)
    bot = stack(CHARTS_DIR=str(leaflet.charts))
    slack = bot.slack()

    assert slack.command("Dana", "#stores", "/store create failing-shop leaflet").ok
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

    load_image(cluster, tmp_path, NAME)
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

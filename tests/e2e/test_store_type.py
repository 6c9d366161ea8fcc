"""A store type is a folder: one that no Python knows is ordered from Slack, opened, and its credentials shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx

from dev.cluster import Cluster, archive
from dev.stack import Stack, job_of

CHARTS = Path(__file__).parent / "charts"


def test_a_folder_is_all_it_takes(stack: Callable[..., Stack], cluster: Cluster, tmp_path: Path) -> None:
    image = tmp_path / "leaflet.tar"
    archive.write(image, "storewright/leaflet:1", {"busybox": Path("/bin/busybox")}, ["/busybox"])
    cluster.load_image(image)
    slack = stack(CHARTS_DIR=str(CHARTS)).slack()

    assert slack.command("Dana", "#stores", "/store create paper-shop leaflet color=ocean").ok
    root = slack.wait_for(
        lambda: next((m for m in slack.messages("#stores") if job_of(m).get("status") == "succeeded"), None), 60
    )
    assert "Start the database" not in json.dumps(root["blocks"]), "a chart without a database has no such stage"
    host = f"paper-shop.{cluster.store_domain}:{cluster.ingress_port}"
    page = httpx.get(f"http://{cluster.ingress_address}/", headers={"Host": host}, trust_env=False)
    assert '<h1 style="color: #1f5f8b">paper-shop</h1>' in page.text

    assert slack.click("Dana", root, "credentials").ok
    told = slack.wait_for(lambda: [m for m in slack.ephemerals("Dana", "#stores") if "/s/" in m["text"]])[-1]
    address, token = told["text"].split("<", 1)[1].split("|", 1)[0].split("#")
    origin = address.rsplit("/s/", 1)[0]
    revealed = httpx.post(address, json={"token": token}, headers={"Origin": origin}, trust_env=False)
    assert f"editor@paper-shop.{cluster.store_domain}" in revealed.text

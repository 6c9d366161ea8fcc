"""A chart folder alone makes a store type: a store of it is ordered from Slack and shows its credentials."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from dev import local_http
from dev.cluster import Cluster
from dev.stack import Stack, newest_root, one_time_link
from tests.e2e.sample_type import CHART, load_image


def test_chart_folder_alone_is_a_store_type(stack: Callable[..., Stack], cluster: Cluster, tmp_path: Path) -> None:
    load_image(cluster, tmp_path)
    slack = stack(CHARTS_DIR=str(CHART.parent)).slack()

    assert slack.command("Dana", "#stores", "/store create paper-shop leaflet color=ocean").ok
    root = slack.wait_for(lambda: newest_root(slack.messages("#stores"), status="succeeded"), 60)
    assert "Start the database" not in json.dumps(root["blocks"]), "a chart without a database has no such stage"
    page = cluster.get(f"paper-shop.{cluster.store_domain}").text
    assert '<h1 style="color: #1f5f8b">paper-shop</h1>' in page

    assert slack.click("Dana", root, "credentials").ok
    address, token = one_time_link(slack, "Dana", "#stores")
    origin = address.rsplit("/s/", 1)[0]
    revealed = local_http.post(address, json={"token": token}, headers={"Origin": origin})
    assert f"editor@paper-shop.{cluster.store_domain}" in revealed.text

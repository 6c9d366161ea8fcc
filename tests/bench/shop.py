"""What a shop costs and gives once it is Ready: memory at rest, and how long its pages take."""

from __future__ import annotations

import json
import re
import statistics
import time

import httpx

from dev.cluster import Cluster
from dev.stack import kubectl

REST = 15.0  # seconds after Ready until a shop is taken to rest
PAGES, REQUESTS = 5, 30


def memory(cluster: Cluster, namespace: str) -> dict[str, float]:
    """Resident MB by container, as the kubelet tells it (its Summary API, `rssBytes`)."""
    time.sleep(REST)
    node = kubectl(cluster, "get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    summary = json.loads(kubectl(cluster, "get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"))
    return {
        container["name"]: container["memory"]["rssBytes"] / 1e6
        for pod in summary["pods"]
        if pod["podRef"]["namespace"] == namespace
        for container in pod["containers"]
    }


def pages(cluster: Cluster, host: str) -> dict[str, float]:
    """Median milliseconds of the home page and the first ones it links to, asked in turn through the ingress."""
    with cluster.client(host) as client:
        paths = ["/", *_links(client.get("/").text)][:PAGES]
        return {path: statistics.median(_milliseconds(client, path) for _ in range(REQUESTS)) for path in paths}


def _milliseconds(client: httpx.Client, path: str) -> float:
    begun = time.monotonic()
    client.get(path).raise_for_status()
    return (time.monotonic() - begun) * 1000


def _links(page: str) -> list[str]:
    found = re.findall(r'<a\s[^>]*href="(?:https?://[^/"]+)?(/[^"#?]+)"', page)
    return list(dict.fromkeys(path for path in found if path != "/"))

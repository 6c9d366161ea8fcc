"""Memory and page times of a Ready store."""

from __future__ import annotations

import json
import re
import statistics
import time

import httpx

from dev.cluster import Cluster
from dev.stack import kubectl

SETTLE_SECONDS = 15.0  # from Ready until the store is at rest
MAX_PAGES, REQUESTS = 5, 30


def memory(cluster: Cluster, namespace: str) -> dict[str, float]:
    """Resident MB by container, from the kubelet's Summary API (`rssBytes`)."""
    time.sleep(SETTLE_SECONDS)
    node = kubectl(cluster, "get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    summary = json.loads(kubectl(cluster, "get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"))
    return {
        container["name"]: container["memory"]["rssBytes"] / 1e6
        for pod in summary["pods"]
        if pod["podRef"]["namespace"] == namespace
        for container in pod["containers"]
    }


def pages(cluster: Cluster, host: str) -> dict[str, float]:
    """Median milliseconds, through the ingress, of the home page and the first pages that it links to."""
    with cluster.client(host) as client:
        paths = ["/", *_links(client.get("/").text)][:MAX_PAGES]
        return {path: statistics.median(_milliseconds(client, path) for _ in range(REQUESTS)) for path in paths}


def _milliseconds(client: httpx.Client, path: str) -> float:
    begun = time.monotonic()
    client.get(path).raise_for_status()
    return (time.monotonic() - begun) * 1000


def _links(page: str) -> list[str]:
    found = re.findall(r'<a\s[^>]*href="(?:https?://[^/"]+)?(/[^"#?]+)"', page)
    return list(dict.fromkeys(path for path in found if path != "/"))

"""A store that sleeps: the page that its visitor sees at once, and the shop that follows; each timed."""

from __future__ import annotations

import time

import httpx

from dev.cluster import Cluster
from dev.stack import Stack
from tests.bench.orders import newest, store, until_done
from tests.waiting import until

NAME = "sleepy-shop"
BROWSER = {"Accept": "text/html", "User-Agent": "Mozilla/5.0"}
PROBE = {"Accept": "*/*", "User-Agent": "probe"}
LOOK_SECONDS = 0.02


def seconds(stack: Stack, cluster: Cluster, type_name: str, rounds: int) -> dict[str, list[float]]:
    """The seconds of `rounds` pauses, and from a visit to the page for its visitor and to the shop's own first page."""
    slack, host = stack.slack(), stack.addresses.host(NAME)
    taken: dict[str, list[float]] = {"pause": [], "visit to the waiting page": [], "visit to the shop's page": []}
    with store(stack, type_name, NAME), cluster.client(host) as visitor:
        for _ in range(rounds):
            before, begun = newest(slack, NAME, "pause"), time.monotonic()
            slack.command("Dana", "#stores", f"/store pause {NAME}")
            until_done(slack, NAME, "pause", before)
            taken["pause"].append(time.monotonic() - begun)
            begun = time.monotonic()
            assert visitor.get("/", headers=BROWSER).status_code == httpx.codes.SERVICE_UNAVAILABLE
            taken["visit to the waiting page"].append(time.monotonic() - begun)
            while visitor.get("/", headers=PROBE).status_code != httpx.codes.OK:
                time.sleep(LOOK_SECONDS)
            taken["visit to the shop's page"].append(time.monotonic() - begun)
            until("the store is ready", lambda: "is awake" in _status(stack) or "A visit woke it" in _status(stack))
    return taken


def _status(stack: Stack) -> str:
    return str(stack.slack().command("Dana", "#stores", f"/store status {NAME}").json()["text"])

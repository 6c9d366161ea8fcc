"""Many sleeping stores at rest: the machine's memory for each, and the requests that the API server gets for all."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import psutil

from dev.cluster import Cluster
from dev.stack import Stack, kubectl
from tests.bench.orders import until_done

STORES = 50
AT_ONCE = 8  # orders that are not done
SETTLE_SECONDS = 60  # until the cluster has come to rest
COUNTED_SECONDS = 120


def measure(stack: Stack, cluster: Cluster, type_name: str) -> dict[str, dict[str, float]]:
    """What the machine and the API server do at rest, without stores, with STORES that are awake, and while they
    sleep: used memory in MB, and requests in a minute. The bot runs all the time."""
    found = {"no store": _at_rest(cluster)}
    names = [f"resting-{number}" for number in range(STORES)]
    _order_all(stack, "create", [f"{name} {type_name}" for name in names])
    found[f"{STORES} stores awake"] = _at_rest(cluster)
    _order_all(stack, "pause", names)
    found[f"{STORES} stores asleep"] = _at_rest(cluster)
    return found


def _order_all(stack: Stack, verb: str, orders: list[str]) -> None:
    def order(words: str) -> None:
        stack.slack().command("Dana", "#stores", f"/store {verb} {words}")
        until_done(stack.slack(), words.split()[0], verb)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(order, orders))


def _at_rest(cluster: Cluster) -> dict[str, float]:
    time.sleep(SETTLE_SECONDS)
    before, began = _requests(cluster), time.monotonic()
    time.sleep(COUNTED_SECONDS)
    minutes = (time.monotonic() - began) / 60
    memory = psutil.virtual_memory()
    return {
        "memory_mb": (memory.total - memory.available) / 1e6,
        "requests_per_minute": (_requests(cluster) - before) / minutes,
    }


def _requests(cluster: Cluster) -> float:
    """How many requests the API server has answered since its start."""
    metrics = kubectl(cluster, "get", "--raw", "/metrics")
    return sum(float(value) for value in re.findall(r"^apiserver_request_total\{.*\} (\S+)$", metrics, re.MULTILINE))

"""The bot's start and memory: in the cluster, installed by its chart, and as a process of this machine."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from dev.cluster import Cluster
from dev.stack import Stack, StackError, kubectl
from tests.bench.store_usage import memory
from tests.e2e.bot_release import BotRelease, bot_release
from tests.e2e.store_release import process_id
from tests.waiting import until


def measure(cluster: Cluster, rounds: int) -> tuple[list[float], float]:
    """Seconds from the process's start until /readyz answers 200, `rounds` times, and resident MB at rest."""
    with tempfile.TemporaryDirectory() as folder, bot_release(cluster, Path(folder), "socket") as bot:
        bot.upgrade("socket")
        starts = [_start(bot) for _ in range(rounds)]
        bot.await_slack()
        resident = memory(cluster, bot.name)["bot"]
        return starts, resident


def process_starts(stack: Stack, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds from the process's start until /readyz answers 200, and the processor's seconds of each."""
    seconds, processor_seconds = [], []
    for _ in range(rounds):
        stack.bot_process.stop()
        stack.start_bot()
        ready, process = time.time(), stack.bot_process.process()
        assert process, "the bot has ended"
        seconds.append(ready - process.create_time())
        processor_seconds.append(sum(process.cpu_times()[:2]))
    return seconds, processor_seconds


def _start(bot: BotRelease) -> float:
    _scale(bot, 0)
    _scale(bot, 1)
    until("the bot is ready", lambda: _is_ready(bot))
    ready = time.time()
    return ready - psutil.Process(process_id(_pods(bot)[0], b"-m\0bot")).create_time()


def _scale(bot: BotRelease, replicas: int) -> None:
    kubectl(bot.cluster, "scale", f"deployment/{bot.name}", f"--namespace={bot.name}", f"--replicas={replicas}")
    until(f"{replicas} of the bot's pods", lambda: len(_pods(bot)) == replicas)


def _pods(bot: BotRelease) -> list[dict[str, Any]]:
    selector = (f"--namespace={bot.name}", "--selector=app.kubernetes.io/component=bot", "--output=json")
    found: list[dict[str, Any]] = json.loads(kubectl(bot.cluster, "get", "pods", *selector))["items"]
    return found


def _is_ready(bot: BotRelease) -> bool:
    """Return whether /readyz answers 200. The pod's condition changes later, with the next probe."""
    pod = _pods(bot)[0]["metadata"]["name"]
    try:
        kubectl(bot.cluster, "get", "--raw", f"/api/v1/namespaces/{bot.name}/pods/{pod}:9090/proxy/readyz")
    except StackError:
        return False
    return True

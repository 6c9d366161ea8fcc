"""Faults of what the bot needs: the API server, Slack, the disk, the clock, the node, a namespace that does not end.

Each scenario is judged as the kills are: orders may take longer, and nothing else may differ."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from kubernetes import client, config

from dev.cluster import Cluster
from dev.stack import kubectl
from provisioner.domain.job import ROLLBACK_STAGE, JobStatus
from provisioner.domain.store import NAMESPACE_PREFIX
from tests import clock
from tests.chaos import boundaries
from tests.chaos.api_proxy import ApiProxy, Mode
from tests.chaos.arena import Arena
from tests.chaos.boundaries import Point
from tests.chaos.judge import Kind, Violation
from tests.chaos.tour import Step, short_tours, tours
from tests.waiting import until

Scenario = Callable[[Cluster, Path], list[Violation]]
NOTIFIER_METHODS = (
    "chat.postMessage",
    "chat.update",
    "views.publish",
    "conversations.history",
    "conversations.replies",
)
SLACK_FAULTS: Mapping[str, dict[str, float]] = {
    "ratelimited": {"times": 4, "seconds": 2},
    "server_error": {"times": 4},
    "hang": {"times": 2, "seconds": 11},  # longer than the bot waits; the call takes effect
    "drop_response": {"times": 4},  # half an answer; the call takes effect
}
JUMPS_SECONDS = (3600.0, -3600.0)
FAULT_SECONDS = 10.0
DISK_MB = 8
DELETE_DEADLINE_SECONDS = "20"
FILLER, NODE_FULL = "chaos-filler", "node full for a while"
ALONE = (NODE_FULL,)  # it would disturb the others


def scenarios(outage_seconds: float) -> dict[str, Scenario]:
    """All scenarios by name."""
    named: dict[str, Scenario] = {}
    for mode in (Mode.REFUSE, Mode.HANG):
        for tour, step, stage in _stages():
            name = f"API server away ({mode.name.lower()}): {step.name}, {stage}"
            named[name] = partial(_without_api, tour=tour, stage=stage, mode=mode, seconds=outage_seconds)
    for kind in SLACK_FAULTS:
        named[f"Slack: {kind}"] = partial(_slack_fault, kind=kind)
    for seconds in JUMPS_SECONDS:
        named[f"clock jumps by {seconds:+.0f} s"] = partial(_clock_jump, seconds=seconds)
    named["disk full"] = _disk_full
    named["namespace held by a finalizer"] = _held_namespace
    named[NODE_FULL] = _node_full
    return named


def _stages() -> Iterator[tuple[list[Step], Step, str]]:
    """Each stage of each step, with a tour to that step."""
    steps = {tour[-1].name: tour for tour in [tours()[0][:1], *short_tours()]}
    for tour in steps.values():
        step = tour[-1]
        for stage in step.operation.stages:
            reached = stage.name == ROLLBACK_STAGE if step.fails else not stage.exceptional
            if reached and not step.replaces:
                yield tour, step, stage.name


@contextmanager
def _ready(arena: Arena, tour: list[Step]) -> Iterator[str]:
    """The arena with one store that has only the last step of its tour to do."""
    with arena:
        arena.add(tour)
        for _ in tour[:-1]:
            assert not (found := arena.cycle().violations), found
        yield arena.stores[0]


# --- the API server ------------------------------------------------------------------------------------------------


def _without_api(
    cluster: Cluster, folder: Path, *, tour: list[Step], stage: str, mode: Mode, seconds: float
) -> list[Violation]:
    """The API server is away for that long; the job waits at the start of the stage until it is."""
    with ApiProxy() as proxy:
        arena = Arena(cluster, folder, "away")
        arena.bot.process_environment  # noqa: B018  (it writes the kubeconfig)
        proxy.redirect(folder / "bot.kubeconfig")
        with _ready(arena, tour) as store:
            point = Point(store, f"{stage}: commit jobs.record started {stage}", hold=True)

            def take_away() -> None:
                until(f"{stage} starts", lambda: boundaries.held(folder))
                proxy.set(mode)
                boundaries.let_go(folder)
                time.sleep(seconds)
                proxy.set(Mode.FORWARD)

            return arena.cycle(holds=[point], meanwhile=take_away).violations


# --- Slack ---------------------------------------------------------------------------------------------------------


def _slack_fault(cluster: Cluster, folder: Path, *, kind: str) -> list[Violation]:
    with Arena(cluster, folder, "slack") as arena:
        arena.add(*short_tours())
        found = []
        while arena.stores:
            for method in NOTIFIER_METHODS:
                arena.bot.local_slack.fault(kind, method, **SLACK_FAULTS[kind])
            found += arena.cycle().violations
            arena.bot.local_slack.clear_faults()
        return found


# --- clock and disk ------------------------------------------------------------------------------------------------


def _clock_jump(cluster: Cluster, folder: Path, *, seconds: float) -> list[Violation]:
    """The clock jumps while jobs run and messages wait. It is right again after they end, then while they run.

    Nobody orders while it is wrong: Slack's requests are refused then, as they must be."""
    with Arena(cluster, folder, "clock", moves_clock=True) as arena:

        def jump_and_return() -> None:
            clock.move(folder, seconds)
            time.sleep(FAULT_SECONDS)
            clock.move(folder, 0)

        arena.add(*short_tours())
        found = arena.cycle(meanwhile=lambda: clock.move(folder, seconds)).violations
        clock.move(folder, 0)
        return found or arena.cycle(meanwhile=jump_and_return).violations


def _disk_full(cluster: Cluster, folder: Path) -> list[Violation]:
    """The ledger's volume is full for a while, while jobs run; then the bot is killed on a full volume, too."""
    ledger = folder / "volume" / "ledger.db"
    with _small_volume(ledger.parent), Arena(cluster, folder, "disk", {"LEDGER_PATH": str(ledger)}) as arena:
        arena.add(*short_tours())
        filler = ledger.with_name("filler")

        def fill() -> None:
            _fill(filler)
            time.sleep(FAULT_SECONDS)
            filler.unlink()

        def fill_and_kill() -> None:
            _fill(filler)
            arena.bot.kill()
            arena.bot.launch()
            time.sleep(FAULT_SECONDS)
            filler.unlink()

        return arena.cycle(meanwhile=fill).violations or arena.cycle(meanwhile=fill_and_kill).violations


@contextmanager
def _small_volume(path: Path) -> Iterator[None]:
    path.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def _fill(filler: Path) -> None:
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        return


# --- the cluster ---------------------------------------------------------------------------------------------------


def _held_namespace(cluster: Cluster, folder: Path) -> list[Violation]:
    """A finalizer keeps a store's namespace: the deletion fails, says why, and succeeds once it is retried."""
    [tour] = [tour for tour in short_tours() if tour[-1].operation.replaces_live_job and not tour[-1].replaces]
    setting = {f"{tour[-1].operation.kind.upper()}_DEADLINE_SECONDS": DELETE_DEADLINE_SECONDS}
    with _ready(arena := Arena(cluster, folder, "held", setting), tour) as store:
        namespace = NAMESPACE_PREFIX + store
        held = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "held", "finalizers": ["example.com/held"]},
        }
        kubectl(cluster, "apply", "-n", namespace, "-f", "-", stdin=json.dumps(held))
        try:
            found = arena.cycle(outcomes={tour[-1].name: JobStatus.FAILED}, pauses=[5]).violations
        finally:
            release = '{"metadata": {"finalizers": null}}'
            kubectl(cluster, "patch", "configmap", "held", "-n", namespace, "--type=merge", "-p", release)
        return found + _require_problem(arena, store, "example.com/held") + arena.retry(store)


def _require_problem(arena: Arena, store: str, words: str) -> list[Violation]:
    [job] = arena.bot.rows("SELECT problem FROM jobs WHERE store = ? ORDER BY rowid DESC LIMIT 1", store)
    told = words in str(job["problem"])
    return [] if told else [Violation(Kind.LOST, f"The problem of {store} does not name {words}: {job['problem']}")]


def _node_full(cluster: Cluster, folder: Path) -> list[Violation]:
    """No pod finds room while orders are placed; there is room again before their patience ends."""
    with Arena(cluster, folder, "full") as arena:
        arena.add(*short_tours())

        def make_room() -> None:
            time.sleep(FAULT_SECONDS)
            kubectl(cluster, "delete", "pod", FILLER, "--wait=false", "--grace-period=0", "--force")

        found = []
        while arena.stores:
            _fill_node(cluster)
            found += arena.cycle(meanwhile=make_room).violations
        return found


def _fill_node(cluster: Cluster) -> None:
    """Create a pod that asks for all processor time that the other pods do not ask for."""
    core = client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))
    containers = [c for pod in core.list_pod_for_all_namespaces().items for c in pod.spec.containers]
    asked = sum(_millicores((c.resources.requests or {}).get("cpu", "0")) for c in containers if c.resources)
    [node] = core.list_node().items
    free = _millicores(node.status.allocatable["cpu"]) - asked
    resources = {"requests": {"cpu": f"{free}m"}}
    container = {"name": "filler", "image": "storewright/pause:1", "resources": resources}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": FILLER}, "spec": {"containers": [container]}}
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(pod))
    kubectl(cluster, "wait", "--for=condition=PodScheduled", f"pod/{FILLER}", "--timeout=60s")


def _millicores(quantity: str) -> int:
    return int(quantity.removesuffix("m")) if quantity.endswith("m") else int(float(quantity) * 1000)

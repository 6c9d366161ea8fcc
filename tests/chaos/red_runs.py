"""“The suite can fail”: each safeguard is taken out once, and the judge has to notice.

Each run is done twice: with the safeguard, when nothing may be found, and without."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dev.background import BackgroundProcess
from dev.cluster import Cluster
from dev.stack import free_port
from tests.chaos import boundaries, sabotage
from tests.chaos.arena import PORT_OFFSETS, Arena, Owner, Target
from tests.chaos.boundaries import Point
from tests.chaos.judge import Kind, Violation
from tests.chaos.killable_bot import kill, launcher
from tests.chaos.launcher import FOLDER
from tests.chaos.person import People
from tests.chaos.tour import tours
from tests.waiting import answers, until

Scenario = Callable[[Arena], list[Violation]]
BIRTH = tours()[0][0]
DEADLINE_SECONDS = "120"  # of an order that can't succeed without the safeguard
OPENING_SECONDS = 8  # of a store that is not ready before the second bot has started
VISITORS = 8


@dataclass(frozen=True)
class RedRun:
    """A scenario, and what the judge says without the safeguard: a violation of `kind` that matches `what`."""

    scenario: Scenario
    kind: Kind
    what: str


def run(cluster: Cluster, folder: Path, name: str, *, without: bool) -> list[Violation]:
    """The violations of one of RED_RUNS, with its safeguard or `without`."""
    switch = name if without else ""
    settings = {f"{BIRTH.operation.kind.upper()}_DEADLINE_SECONDS": DEADLINE_SECONDS}
    with Arena(cluster, folder, "red", settings, sabotage=switch) as arena:
        arena.add([BIRTH])
        return RED_RUNS[name].scenario(arena)


def is_noticed(name: str, violations: list[Violation]) -> bool:
    """Whether the violations are what is expected without the safeguard."""
    expected = RED_RUNS[name]
    return any(v.kind == expected.kind and re.search(expected.what, v.what) for v in violations)


# --- scenarios -----------------------------------------------------------------------------------------------------


def _order(arena: Arena) -> list[Violation]:
    return arena.cycle().violations


def _killed_at(boundary: str) -> Scenario:
    def scenario(arena: Arena) -> list[Violation]:
        cycle = arena.cycle([Target(BIRTH.name, Owner.STORE, boundary)])
        assert cycle.kills, f"{boundary} was not reached"
        return cycle.violations

    return scenario


def _killed_once_all_is_shown(arena: Arena) -> list[Violation]:
    """The bot is killed when it has recorded the end, and Slack shows everything before it."""
    [store], folder = arena.stores, arena.bot.folder

    def wait_for_slack() -> None:
        until("the last step before the end", lambda: boundaries.held(folder))
        until("Slack to show all", lambda: not arena.bot.rows("SELECT 1 FROM outbox WHERE sent_revision < revision"))
        boundaries.let_go(folder)

    last_step = Point(store, "check: before PATCH namespaces/*", hold=True)
    end = Target(BIRTH.name, Owner.STORE, "check: commit journal.succeed ready")
    cycle = arena.cycle([end], holds=[last_step], meanwhile=wait_for_slack)
    assert cycle.kills, "the end was not reached"
    return cycle.violations


def _visitors_at_once(arena: Arena) -> list[Violation]:
    """Several people open the same credential link at once."""
    [store], people = arena.stores, People(arena.bot)
    found = arena.cycle().violations
    url, token = people.credential_link(store)
    with ThreadPoolExecutor(VISITORS) as threads:
        statuses = list(threads.map(lambda _: people.open(url, token), range(VISITORS)))
    shown = statuses.count(200)
    if shown != 1:
        found.append(Violation(Kind.DOUBLED if shown else Kind.LOST, f"The link showed the secret {shown} times."))
    return found


def _second_bot(arena: Arena) -> list[Violation]:
    """A second bot with a copy of the ledger, as from a snapshot of the volume, starts while the first one works."""
    values = arena.bot.charts / arena.bot.type_name / "values.yaml"
    values.write_text(f"openingSeconds: {OPENING_SECONDS}\n")
    folder = arena.bot.folder / "second"
    folder.mkdir()
    address = f"127.0.0.1:{free_port(3000 + next(PORT_OFFSETS))}"
    second = BackgroundProcess("bot", folder)
    settings = {"LISTEN": address, "PUBLIC_URL": f"http://{address}", "LEDGER_PATH": str(folder / "ledger.db")}

    def start() -> None:
        with (
            closing(sqlite3.connect(arena.bot.ledger_file)) as ledger,
            closing(sqlite3.connect(folder / "ledger.db")) as copy,
        ):
            ledger.backup(copy)
        environment = {**arena.bot.process_environment, FOLDER: str(folder), **settings}
        launcher().start(second, environment)
        until("the second bot answers", lambda: answers(f"http://{address}/healthz"))

    try:
        return arena.cycle(meanwhile=start).violations
    finally:
        kill(second)


RED_RUNS: Mapping[str, RedRun] = {
    sabotage.no_unique_index.__name__: RedRun(_order, Kind.DOUBLED, "two live jobs of one store"),
    sabotage.outbox_after_commit.__name__: RedRun(
        _killed_once_all_is_shown, Kind.LOST, "its root message says running"
    ),
    sabotage.no_receipts.__name__: RedRun(
        _killed_at("after slack chat.postMessage [summary]"), Kind.DOUBLED, "it has 2 root messages"
    ),
    sabotage.no_healing.__name__: RedRun(_killed_at("release: in helm upgrade"), Kind.STUCK, "pending-install"),
    sabotage.claim_in_two_steps.__name__: RedRun(_visitors_at_once, Kind.DOUBLED, "showed the secret"),
    sabotage.no_lease.__name__: RedRun(_second_bot, Kind.DOUBLED, "its thread says 2 times"),
}

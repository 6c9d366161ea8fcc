"""One bot with stores on their tours. Each cycle orders the next step of every store at once; meanwhile the bot is
killed and started again; in the end everything is judged."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from dev.cluster import Cluster
from dev.stack import ADMIN, StackError, kubectl, remove_stores
from provisioner.domain.job import LIVE, JobStatus
from provisioner.domain.store import NAMESPACE_PREFIX
from provisioner.operations.create import CREATE
from provisioner.operations.registry import OPERATIONS
from tests.chaos.boundaries import BOT, Point, read_plan, write_plan
from tests.chaos.judge import SETTLE_SECONDS, Judge, Kind, Violation
from tests.chaos.killable_bot import DANA, KillableBot
from tests.chaos.person import Order, People, Refused
from tests.chaos.tour import Step, order_of
from tests.waiting import until

POLL_SECONDS = 0.1
# Keep the ports of arenas apart, also those of several runs. Those of bots and Slacks differ by 900: they never meet.
FIRST_PORT_OFFSET = 2000 + 200 * secrets.randbelow(80)
PORT_OFFSETS = itertools.cycle(range(FIRST_PORT_OFFSET, FIRST_PORT_OFFSET + 100))
FATE = "fate"  # the ConfigMap that lets an operation on a store fail


class BotEnded(Exception):
    """The bot's process ended, and nobody killed it."""


class Owner(StrEnum):
    """Whose boundary it is."""

    STORE = "store"  # its job and its messages
    PERSON = "person"  # the request
    BOT = "bot"


@dataclass(frozen=True)
class Target:
    """A boundary of a step: where a kill is aimed. `step` is '' for the boundaries of the bot itself."""

    step: str
    owner: Owner
    name: str
    occurrence: int = 1


@dataclass(frozen=True)
class Kill:
    """One SIGKILL. `target` is None for a random one; `live` are the steps whose jobs were live."""

    target: Target | None
    live: tuple[str, ...]


@dataclass
class Cycle:
    """What happened in one cycle.

    `steps` are by store; `apart` is the step that another person ordered. `aims` are the targets that no process has
    reached, by point: at the end they are missed. `log` is the first line of its boundaries in the log."""

    steps: dict[str, str]
    apart: str
    log: int
    outcomes: Mapping[str, JobStatus]
    aims: dict[Point, Target] = field(default_factory=dict)
    kills: list[Kill] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Traveller:
    """A store on its tour; `at` is the next step."""

    name: str
    tour: Sequence[Step]
    at: int = 0

    @property
    def step(self) -> Step:
        return self.tour[self.at]


class Arena:
    """One KillableBot and its stores, for a `with` block. Only one thread uses it."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        name: str = "a",
        settings: Mapping[str, str] = MappingProxyType({}),
        *,
        sabotage: str = "",
        moves_clock: bool = False,
    ) -> None:
        """`name` begins the names of the stores. A random part follows: the stores of a former arena may still end."""
        self._name, self._cluster = f"{name}{secrets.token_hex(2)}", cluster
        self.bot = KillableBot(
            folder, cluster, dict(settings), next(PORT_OFFSETS), sabotage=sabotage, moves_clock=moves_clock
        )
        self.judge = Judge(self.bot, cluster)
        self._people = People(self.bot)
        self._travellers: list[Traveller] = []
        self._made = self._cycles = self._read = 0
        self._source = f"{self._name}-source"

    def __enter__(self) -> Arena:
        self.bot.__enter__()
        self.bot.start_bot()
        for person in (DANA, ADMIN):
            self.bot.local_slack.open_home(person)
        self._make_source()
        return self

    def _make_source(self) -> None:
        """Make the store that others are cloned from."""
        text, ready = order_of(CREATE, self._source, ""), frozenset({JobStatus.SUCCEEDED})
        order = Order("create", CREATE, self._source, text, DANA, "#stores", ready, self._people.last_job())
        self._people.insist(order)
        assert self.judge.judge([order]) == []

    def __exit__(self, *failure: object) -> None:
        self.bot.__exit__(*failure)
        remove_stores(self._cluster, self.bot.folder, "--wait=false")

    # --- cycles -----------------------------------------------------------------------------------------------------

    def add(self, *tours: Sequence[Step]) -> None:
        """Let a new store begin each tour in the next cycle."""
        for tour in tours:
            self._made += 1
            self._travellers.append(Traveller(f"{self._name}-shop-{self._made:03d}", tour))

    @property
    def stores(self) -> list[str]:
        """The stores that take part in the next cycle."""
        return [traveller.name for traveller in self._travellers]

    @property
    def steps(self) -> list[Step]:
        """The steps of the next cycle, each once."""
        return list({traveller.step.name: traveller.step for traveller in self._travellers}.values())

    def cycle(
        self,
        targets: Sequence[Target] = (),
        pauses: Sequence[float] = (),
        apart: str = "",
        meanwhile: Callable[[], None] = lambda: None,
        holds: Sequence[Point] = (),
        outcomes: Mapping[str, JobStatus] = MappingProxyType({}),
    ) -> Cycle:
        """Order the next step of each store, and judge what became of the orders.

        The bot is killed at each of the `targets`, and after each of the `pauses` (seconds), of which the first counts
        from the orders and each other from a start. The step `apart` is ordered by another person, so that the
        boundaries of its request can be distinguished; a target of a PERSON needs that. `meanwhile` is called after the
        orders. `holds` are more points of the plan; `outcomes` by step differ from those of the steps."""
        began = time.monotonic()
        steps = {traveller.name: traveller.step.name for traveller in self._travellers}
        self._cycle = cycle = Cycle(steps, apart, self._read, outcomes)
        self._prepare(targets, holds)
        try:
            orders = [order for traveller in self._travellers for order in self._place(traveller)]
            meanwhile()
            for pause in pauses:
                time.sleep(pause)
                self.bot.kill()
                self._note_kill(None)
                self.bot.launch()
            self._outlast()
            cycle.violations = self.judge.judge(orders)
        except BotEnded as error:
            cycle.violations = [Violation(Kind.STUCK, str(error))]
        except Refused as error:
            cycle.violations = [Violation(Kind.LOST, str(error))]
        self._move_on()
        cycle.seconds = time.monotonic() - began
        return cycle

    def retry(self, store: str) -> list[Violation]:
        """Order the store's failed job again, and judge what became of it."""
        [failed] = self.bot.rows("SELECT * FROM jobs WHERE store = ? ORDER BY rowid DESC LIMIT 1", store)
        operation = OPERATIONS[failed["kind"]]
        succeeds = frozenset({JobStatus.SUCCEEDED})
        order = Order(
            operation.kind,
            operation,
            store,
            f"/store retry {store}",
            DANA,
            "#stores",
            succeeds,
            self._people.last_job(),
        )
        self._people.insist(order)
        return self.judge.judge([order])

    def _prepare(self, targets: Sequence[Target], holds: Sequence[Point]) -> None:
        for traveller in self._travellers:
            if traveller.step.fails:
                self._seal_fate(traveller)
        self._cycles += 1  # a new edition in each, so that an upgrade changes something
        values = self.bot.charts / self.bot.type_name / "values.yaml"
        values.write_text(re.sub(r"(?m)^edition: \d+", f"edition: {self._cycles}", values.read_text()))
        stores = {step: store for store, step in self._cycle.steps.items()}
        for target in targets:
            owner = {Owner.PERSON: ADMIN, Owner.BOT: BOT}.get(target.owner) or stores[target.step]
            self._cycle.aims[Point(owner, target.name, target.occurrence)] = target
        write_plan(self.bot.folder, [*self._cycle.aims, *holds])

    def _seal_fate(self, traveller: Traveller) -> None:
        """Let the store's next operation fail; the edition that runs now goes on."""
        edition = "jsonpath={.spec.template.metadata.annotations.edition}"
        present = self._kubectl(traveller, "get", f"deployment/{traveller.name}", "-o", edition)
        fate = {"FAILS": traveller.step.operation.kind, "EDITION": present}
        literals = [f"--from-literal={key}={value}" for key, value in fate.items()]
        self._kubectl(traveller, "create", "configmap", FATE, *literals)

    def _move_on(self) -> None:
        write_plan(self.bot.folder, [])
        self._read = sum(1 for _ in self.bot.reached())
        for traveller in self._travellers:
            if traveller.step.fails:
                self._kubectl(traveller, "delete", "configmap", FATE)
            traveller.at += 1
        self._travellers = [t for t in self._travellers if t.at < len(t.tour)]

    def _kubectl(self, traveller: Traveller, *args: str) -> str:
        return kubectl(self._cluster, "--namespace", NAMESPACE_PREFIX + traveller.name, *args)

    # --- orders -----------------------------------------------------------------------------------------------------

    def _place(self, traveller: Traveller) -> Iterator[Order]:
        """Order the next step of a store."""
        step, channel = traveller.step, "#stores" if traveller.name[-1] in "02468" else "@storewright"
        person = ADMIN if step.name == self._cycle.apart else DANA
        if step.replaces:
            either = frozenset({JobStatus.SUPERSEDED, JobStatus.SUCCEEDED})
            text = order_of(step.replaces, traveller.name, self._source)
            replaced = Order(
                step.name, step.replaces, traveller.name, text, DANA, channel, either, self._people.last_job()
            )
            self._insist(replaced)
            until("a job to replace has started", lambda: self._has_started(replaced))
            yield replaced
        outcomes = frozenset({self._cycle.outcomes.get(step.name, step.outcome)})
        if step.cancelled:
            outcomes |= {JobStatus.CANCELLED}
        text = order_of(step.operation, traveller.name, self._source)
        order = Order(
            step.name, step.operation, traveller.name, text, person, channel, outcomes, self._people.last_job()
        )
        self._insist(order)
        if step.cancelled:
            self._cancel(order)
        yield order

    def _cancel(self, order: Order) -> None:
        """Cancel the order's job, once it changes its store, until the bot has done that or the job has ended."""
        stage = order.operation.changes_store_at or order.operation.stages[0].name
        until(f"the stage {stage}", lambda: self._has_reached(order, stage))
        until("a cancelled job", lambda: self._is_cancelled(order))

    def _has_reached(self, order: Order, stage: str) -> bool:
        self._revive()
        [job] = self._people.jobs(order)
        query = "SELECT id FROM job_events WHERE job_id = ? AND stage = ?"
        return job["status"] not in LIVE or bool(self.bot.rows(query, job["id"], stage))

    def _is_cancelled(self, order: Order) -> bool:
        self._revive()
        self._people.type(order, f"/store cancel {order.store}")
        [job] = self._people.jobs(order)
        return job["status"] not in LIVE or bool(job["cancelled_by"])

    def _insist(self, order: Order) -> None:
        """Order until the bot has answered, or has the job. Raises Refused."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while not order.answered and not self._people.jobs(order):
            if time.monotonic() > deadline:
                raise Refused(f"{order.text}: no answer")
            self._revive()
            self._people.order(order)

    def _has_started(self, order: Order) -> bool:
        self._revive()
        return any(job["attempts"] for job in self._people.jobs(order))

    # --- kills ------------------------------------------------------------------------------------------------------

    def _outlast(self) -> None:
        """Start the bot again each time that the plan ends it, until nothing is left to do."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self._revive() or (self.judge.leftovers() and time.monotonic() < deadline):
            time.sleep(POLL_SECONDS)

    def _revive(self) -> bool:
        """Start the bot if the plan has ended it, and again if the plan ends it during its start.

        Raises BotEnded if it ended by itself."""
        revived = False
        while self.bot.is_dead():
            plan = read_plan(self.bot.folder)
            reached = [point for point in self._cycle.aims if point not in plan]
            if not reached:
                raise BotEnded(f"The bot ended by itself; see {self.bot.bot_process.log}.")
            for point in reached:
                self._note_kill(self._cycle.aims.pop(point))
            with suppress(StackError):
                self.bot.start_bot()
            revived = True
        return revived

    def _note_kill(self, target: Target | None) -> None:
        live = {job["store"] for job in self.bot.live_jobs()}
        self._cycle.kills.append(Kill(target, tuple(t.step.name for t in self._travellers if t.name in live)))

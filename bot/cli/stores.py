"""`storewright VERB`: the verbs of `/store` in the terminal.

While a bot runs, a command places its order in the ledger and follows the job. Without a bot, it runs the job itself.
"""

from __future__ import annotations

import os
import pwd
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from bot.builders import ACQUIRE_SECONDS, build_executor, build_lease, build_orders, build_toolbox
from bot.cli.output import errors_as_text
from bot.commands.create import TERMINAL
from bot.commands.registry import COMMANDS
from bot.commands.spec import Command
from bot.commands.terminal import TerminalCommand
from bot.former_settings import deprecation_warnings
from bot.observability.logging import configure_logging
from bot.rendering import messages
from bot.rendering.job_view import read_job_view
from bot.rendering.terminal_text import mark, plain
from bot.settings import StoreSettings
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import Refused
from provisioner.domain.job import Job, JobStatus
from provisioner.domain.policy import Actor
from provisioner.ledger.audit import NAME_LIMIT, AuditRecord, Outcome
from provisioner.ledger.ledger import Ledger, LedgerInUse
from provisioner.log_context import new_id
from provisioner.operations.toolbox import Toolbox
from provisioner.orders import OrderContext, Orders
from provisioner.runner.lease import Lease
from provisioner.runner.scheduler import Scheduler

Result = TypeVar("Result")
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Session:
    """A Terminal with the ledger open.

    `tools` and `lease` are set if no bot runs; then this process runs the jobs."""

    settings: StoreSettings
    orders: Orders
    tools: Toolbox | None = None
    lease: Lease | None = None

    @property
    def ledger(self) -> Ledger:
        return self.orders.ledger

    @property
    def catalog(self) -> Catalog:
        return self.orders.catalog

    @property
    def toolbox(self) -> Toolbox:
        """Raises ClusterNotConfigured."""
        if self.tools:
            return self.tools
        cluster = Cluster(self.settings.kubeconfig, self.settings.kube_context)
        return build_toolbox(self.settings, self.ledger, self.catalog, cluster)

    def order(self, store: str, detail: str, place: Callable[[OrderContext], Job], *, wait: bool) -> Job:
        """Place an audited order and, with `wait`, follow its job. Raises Refused."""
        job = self.audited(store, detail, place)
        if not self.follow_all([job], wait=wait):
            raise SystemExit(1)
        return self.ledger.jobs.get(job.id) or job

    def follow_all(self, jobs: Sequence[Job], *, wait: bool) -> bool:
        """Follow jobs to their ends, one after the other; whether all succeeded. Without `wait`, only say how to."""
        if not wait:
            for job in jobs:
                hint = f"storewright status {job.store}"
                click.echo(f"{mark('busy')} Ordered. The bot runs the job as soon as it can: {hint}")
            return True
        with _running_jobs(self):
            ended = [_follow(self, job) for job in jobs]
        return all(job.status == JobStatus.SUCCEEDED for job in ended)

    def follow(self, job: Job) -> Job:
        """Follow a job to its end, and return it as it is then."""
        with _running_jobs(self):
            return _follow(self, job)

    def audited(self, store: str, detail: str, act: Callable[[OrderContext], Result]) -> Result:
        """Do what was asked for, such as place an order, and write it to the audit log. Raises Refused."""
        record = _audit_record(store, detail)
        context = OrderContext(Actor(TERMINAL, is_admin=True), "", f"{TERMINAL}:{record.request_id}")
        try:
            result = act(context)
        except BaseException as error:
            outcome = Outcome.REFUSED if isinstance(error, Refused) else Outcome.ERROR
            self.ledger.audit.add(record, outcome, reason=str(error) or type(error).__name__)
            raise
        job = result if isinstance(result, Job) else None
        self.ledger.audit.add(record, Outcome.ORDERED if job else Outcome.ANSWERED, job_id=job.id if job else "")
        return result

    def note(self, store: str, detail: str) -> None:
        """Write what was asked for to the audit log, where it is no order."""
        self.ledger.audit.add(_audit_record(store, detail), Outcome.ANSWERED)

    def show_job(self, job: Job) -> None:
        """Print the job's events and its headline."""
        _print_events(self, job, after=0)
        _print_headline(self, job)


def click_command(command: Command[Any], terminal: TerminalCommand) -> click.Command:
    """The click command `storewright VERB` of a command in the registry."""

    def callback(**parameters: Any) -> None:
        runs_jobs = terminal.runs_jobs and parameters.get("wait", True)
        with errors_as_text(), open_session(runs_jobs=runs_jobs) as session:
            terminal.run(session, **parameters)

    return click.Command(command.verb, params=list(terminal.parameters), callback=callback, help=terminal.help)


STORE_COMMANDS = [
    click_command(command, command.terminal) for command in COMMANDS.values() if command.terminal is not None
]


def _audit_record(store: str, detail: str) -> AuditRecord:
    return AuditRecord(
        actor=TERMINAL,
        action="command",
        store=store[:NAME_LIMIT],
        origin=_user_and_host(),
        detail=detail,
        request_id=new_id(),
    )


def _user_and_host() -> str:
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a pod's user is not in /etc/passwd
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


# --- following a job ---------------------------------------------------------------------------------------------


@contextmanager
def _running_jobs(session: Session) -> Iterator[None]:
    """Run a scheduler if no bot runs.

    A job that has not ended at the end continues in the next process."""
    if not session.tools or not session.lease:
        yield
        return
    executor = build_executor(session.settings, session.ledger, session.tools, session.lease)
    scheduler = Scheduler(session.ledger, session.tools, executor, lease=session.lease)
    scheduler.start()
    try:
        yield
    finally:
        if scheduler.stop():
            os._exit(1)


def _follow(session: Session, job: Job) -> Job:
    last_event = 0
    try:
        while True:
            current = session.ledger.jobs.get(job.id) or job  # read before its events, to print the last one too
            last_event = _print_events(session, current, last_event)
            if not current.live:
                _print_headline(session, current)
                return current
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        click.echo(f"\nThe job continues if a bot runs. To show it: storewright status {job.store}", err=True)
        raise


def _print_events(session: Session, job: Job, after: int) -> int:
    """Print the events after the event id `after`, as in Slack's thread.

    Returns the id of the last event."""
    events = session.ledger.jobs.events(job.id, after)
    if not events:
        return after  # as most polls: the store and the whole job need no reading
    view = read_job_view(session.ledger, session.catalog, job.id)
    for line in messages.stage_lines(view, events) if view else []:
        click.echo(plain(line))
    return events[-1].id


def _print_headline(session: Session, job: Job) -> None:
    view = read_job_view(session.ledger, session.catalog, job.id)
    if not view:
        return
    ended = {JobStatus.SUCCEEDED: "ok", JobStatus.CANCELLED: "unsure"}
    status = "busy" if job.live else ended.get(job.status, "wrong")
    click.echo(f"{mark(status)} {plain(messages.summary(view, ()).text)}")


# --- the session -------------------------------------------------------------------------------------------------


@contextmanager
def open_session(*, runs_jobs: bool) -> Iterator[Session]:
    """A session next to the bot.

    With `runs_jobs` and without a bot, it has the ledger for exclusive use."""
    settings = StoreSettings.from_environment()
    for warning in deprecation_warnings():
        click.echo(f"{mark('unsure')} {warning}", err=True)
    configure_logging("ERROR")
    catalog = settings.catalog()
    ledger = _open(settings, runs_jobs)
    orders = build_orders(settings, ledger, catalog)
    try:
        if ledger.is_exclusive:
            with _exclusive_session(settings, orders) as session:
                yield session
        else:
            yield Session(settings, orders)
    finally:
        ledger.close()


@contextmanager
def _exclusive_session(settings: StoreSettings, orders: Orders) -> Iterator[Session]:
    """A session that holds the lease.

    Raises NotHeld, before any order, if another bot holds the lease or the cluster can't be reached."""
    cluster = Cluster(settings.kubeconfig, settings.kube_context)
    lease = build_lease(settings, cluster, orders.ledger)
    lease.start()
    try:
        lease.acquire(ACQUIRE_SECONDS)
        lease.check()
        yield Session(settings, orders, build_toolbox(settings, orders.ledger, orders.catalog, cluster), lease)
    finally:
        lease.release()


def _open(settings: StoreSettings, runs_jobs: bool) -> Ledger:
    """Raises LedgerNotUsable."""
    if runs_jobs:
        with suppress(LedgerInUse):
            return Ledger.exclusive(settings.ledger_path, backups=settings.backups())
    return Ledger.shared(settings.ledger_path)

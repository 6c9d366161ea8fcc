"""What `/store` does in Slack, from a terminal: list, create, upgrade, delete, by the same rules, in the same words.

A running bot has the ledger: then this orders beside it and follows. Without one this does the work itself."""

from __future__ import annotations

import json
import os
import pwd
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

import click

from bot.bootstrap import executor_of, toolbox
from bot.cli.output import complaints, mark, plain
from bot.commands import parser
from bot.dependencies import named
from bot.leader_election import ACQUIRE_SECONDS, lease_of
from bot.observability.logging import configure_logging
from bot.rendering import messages
from bot.rendering.job_view import read_job_view
from bot.settings import StoreSettings
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import NotAllowed, Refused
from provisioner.domain.job import Job, JobKind, JobStatus
from provisioner.domain.options import choose
from provisioner.domain.store import SECRET_NAME, Store
from provisioner.ledger.ledger import Ledger, LedgerInUse
from provisioner.log_context import new_id
from provisioner.operations import Toolbox
from provisioner.runner.lease import Lease
from provisioner.runner.scheduler import Scheduler

TERMINAL = "terminal"  # who asks, and who owns what nobody else does
LOOK_AGAIN = 0.2  # seconds
SIGNS = {"ready": "ok", "failed": "wrong", "creating": "busy", "deleting": "busy"}


@dataclass(frozen=True)
class Session:
    """`tools` and `lease` are there where no bot has the ledger and the work is ours."""

    settings: StoreSettings
    catalog: Catalog
    ledger: Ledger
    tools: Toolbox | None = None
    lease: Lease | None = None


as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
waiting = click.option("--wait/--no-wait", default=True, help="Follow the work to its end (or only order it).")


@click.command("list")
@as_json
def list_stores(as_json: bool) -> None:
    """Show all stores."""
    with complaints(), _session() as session:
        stores = session.ledger.stores()
        if as_json:
            click.echo(json.dumps([asdict(store) for store in stores], indent=2))
        elif not stores:
            click.echo("There are no stores yet. Make the first: storewright create my-shop")
        for store in [] if as_json else stores:
            sign = mark(SIGNS.get(store.status, "unsure"))
            click.echo(f"{sign} {store.name:<30} {store.status:<9} {store.type:<12} {store.owner:<12} {store.url}")


@click.command()
@click.argument("name")
@as_json
def status(name: str, as_json: bool) -> None:
    """Show how a store is doing."""
    with complaints(), _session() as session:
        store = named(session.ledger, name)
        job = session.ledger.last_job(store.id)
        if as_json:
            events = [asdict(event) for event in session.ledger.events(job.id)] if job else []
            found = {"store": asdict(store), "job": asdict(job) if job else None, "events": events}
            click.echo(json.dumps(found, indent=2))
        elif job:
            _tell(session, job, after=0)
            _tell_end(session, job)
        else:
            click.echo(plain(messages.store_alone(store, session.catalog).text))


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="NAME [TYPE] [OPTION=CHOICE]...")
@click.option("--owner", default=TERMINAL, help="The Slack id of the person whose store it is, U…")
@waiting
def create(words: tuple[str, ...], owner: str, wait: bool) -> None:
    """Make a store, such as: storewright create my-shop currency=usd"""
    with complaints(), _session(to_work=wait) as session:
        text = " ".join(("create", *words))
        detail = text if owner == TERMINAL else f"{text} --owner {owner}"
        _go_on(session, _audited(session, words[0], detail, lambda: _order_create(session, text, owner)), wait)


@click.command()
@click.argument("name")
@waiting
def upgrade(name: str, wait: bool) -> None:
    """Bring a store to its chart of today."""
    with complaints(), _session(to_work=wait) as session:
        _go_on(session, _audited(session, name, f"upgrade {name}", lambda: _order_upgrade(session, name)), wait)


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@waiting
def delete(name: str, yes: bool, wait: bool) -> None:
    """Remove a store with all its data."""
    with complaints(), _session(to_work=wait) as session:
        ordered = _audited(session, name, f"delete {name}", lambda: _order_delete(session, name, sure=yes))
        _go_on(session, ordered, wait)


COMMANDS = (list_stores, status, create, upgrade, delete)


# --- ordering ----------------------------------------------------------------------------------------------------


def _order_create(session: Session, text: str, owner: str) -> Job:
    """What `/store create …` orders. Raises Refused."""
    wanted = parser.parse(text, session.catalog.types)
    if not isinstance(wanted, parser.Create):  # but blanks
        raise parser.NotUnderstood("“create” needs the name of a store.", "", f"Usage: {parser.USAGE['create']}")
    kind = session.catalog.get(wanted.type) if wanted.type else session.catalog.default
    return session.ledger.order_create(
        name=wanted.name,
        type=kind.name,
        admin_path=kind.admin_path,
        owner=_person(owner),
        origin="",
        delivery_key=f"{TERMINAL}:{new_id()}",
        limits=session.settings.limits,
        options=choose(kind.options, wanted.options),
    )


def _order_upgrade(session: Session, name: str) -> Job:
    """Raises Refused."""
    key = f"{TERMINAL}:{new_id()}"
    return session.ledger.order_upgrade(
        store_id=named(session.ledger, name).id,
        by=TERMINAL,
        origin="",
        delivery_key=key,
        limits=session.settings.limits,
    )


def _order_delete(session: Session, name: str, *, sure: bool) -> Job:
    """Raises Refused, also where the store's name is not typed when it is asked for."""
    store = named(session.ledger, name)
    if not sure and click.prompt(f"This removes {store.url} with all its data. Type its name to do so") != name:
        raise Refused("That is not its name.", "", "Nothing was deleted.")
    key = f"{TERMINAL}:{new_id()}"
    limits = session.settings.limits
    return session.ledger.order_delete(store_id=store.id, by=TERMINAL, origin="", delivery_key=key, limits=limits)


def _person(owner: str) -> str:
    if owner != TERMINAL and not re.fullmatch(r"[UW][A-Z0-9]{5,}", owner):
        raise NotAllowed(
            f"“{owner}” is no Slack id of a person.", "It is like U0DANA001.", "Copy it from their profile."
        )
    return owner


def _audited(session: Session, store: str, text: str, order: Callable[[], Job]) -> Job:
    """What was typed, by which user of the machine, and how it ended is kept, like what is typed in Slack. Raises what
    `order` does."""
    outcome = "not ordered"
    try:
        job = order()
        outcome = f"ordered {job.id}"
    except Refused as refusal:
        outcome = f"refused: {refusal}"
        raise
    finally:
        session.ledger.audit(
            actor=TERMINAL,
            action="command",
            store=store[:100],
            origin=_user_and_host(),
            detail=text,
            outcome=outcome,
            request_id=new_id(),
        )
    return job


def _user_and_host() -> str:
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a pod's
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


# --- following ---------------------------------------------------------------------------------------------------


def _go_on(session: Session, job: Job, wait: bool) -> None:
    """Follow the job to its end; status 1 where it failed."""
    if not wait:
        click.echo(f"{mark('busy')} Ordered; the bot does the work as soon as it runs: storewright status {job.store}")
        return
    with _at_work(session):
        if _follow(session, job).status != JobStatus.SUCCEEDED:
            raise SystemExit(1)


@contextmanager
def _at_work(session: Session) -> Iterator[None]:
    """The bot's own scheduler where no bot is; what is not done when we end is left to the next process."""
    if not session.tools or not session.lease:
        yield
        return
    executor = executor_of(session.settings, session.ledger, session.tools, session.lease)
    scheduler = Scheduler(session.ledger, session.tools, executor, lease=session.lease)
    session.ledger.on_change = scheduler.wake
    scheduler.start()
    try:
        yield
    finally:
        if scheduler.stop():
            os._exit(1)


def _follow(session: Session, job: Job) -> Job:
    told = 0
    try:
        while True:
            now = session.ledger.job(job.id) or job  # before its events: what it ended with is then among them
            told = _tell(session, now, told)
            if not now.live:
                _tell_end(session, now)
                return now
            time.sleep(LOOK_AGAIN)
    except KeyboardInterrupt:
        click.echo(f"\nThe work on {job.store} goes on where a bot runs. See: storewright status {job.store}", err=True)
        raise


def _tell(session: Session, job: Job, after: int) -> int:
    """What happened since event `after`, as the thread in Slack has it; the last event's id."""
    events, story = session.ledger.events(job.id, after), read_job_view(session.ledger, session.catalog, job.id)
    said = messages.stages(story, events) if story else None
    if said:
        click.echo(plain(said.text))
    return events[-1].id if events else after


def _tell_end(session: Session, job: Job) -> None:
    story = read_job_view(session.ledger, session.catalog, job.id)
    if not story:
        return
    kind = "busy" if job.live else "ok" if job.status == JobStatus.SUCCEEDED else "wrong"
    click.echo(f"{mark(kind)} {plain(messages.summary(story).text)}")
    if story.phase == "ready" and job.kind == JobKind.CREATE:
        click.echo(_way_in(story.store))


def _way_in(store: Store) -> str:
    return f"Admin: {store.admin_url}  Its login: kubectl get secret {SECRET_NAME} -n {store.namespace} -o yaml"


# --- the ledger --------------------------------------------------------------------------------------------------


@contextmanager
def _session(to_work: bool = False) -> Iterator[Session]:
    """Beside the bot that has the ledger; alone where none has, if it is `to_work`."""
    settings = StoreSettings.from_environment()
    configure_logging("ERROR")
    catalog = settings.catalog()
    ledger = _open(settings, to_work)
    try:
        if ledger.alone:
            with _working_alone(settings, catalog, ledger) as session:
                yield session
        else:
            yield Session(settings, catalog, ledger)
    finally:
        ledger.close()


@contextmanager
def _working_alone(settings: StoreSettings, catalog: Catalog, ledger: Ledger) -> Iterator[Session]:
    """Raises NotHeld where a bot with another ledger works under this name, or the cluster can't be reached; then
    nothing is ordered."""
    cluster = Cluster(settings.kubeconfig, settings.kube_context)
    lease = lease_of(settings, cluster, ledger)
    lease.start()
    try:
        lease.acquire(ACQUIRE_SECONDS)
        lease.check()
        yield Session(settings, catalog, ledger, toolbox(settings, ledger, catalog, cluster), lease)
    finally:
        lease.release()


def _open(settings: StoreSettings, to_work: bool) -> Ledger:
    """Raises LedgerNotUsable."""
    if to_work:
        with suppress(LedgerInUse):
            return Ledger(settings.ledger_path, settings.addresses, backups=settings.backups())
    return Ledger(settings.ledger_path, settings.addresses, alone=False)

"""`storewright recover`: brings back the stores that are gone from the cluster."""

from __future__ import annotations

import click

from bot.cli.output import errors_as_text
from bot.cli.stores import Session, open_session
from bot.rendering.terminal_text import mark
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import Refused
from provisioner.domain.job import Job
from provisioner.operations.steps.kept_store import KeptStore
from provisioner.recovery import lost_stores


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--wait/--no-wait", default=True, help="Follow the jobs to their ends, or only order them.")
def recover(names: tuple[str, ...], wait: bool) -> None:
    """Bring back the stores that are gone from the cluster, from their newest backups.

    A new cluster needs the backups' remote, and the Secret with their keys as it was copied last. Each store comes back
    as its newest backup found it, with its owner, its address and its credentials; its messages go to its channel.
    Stores that exist and stores that somebody deleted are left alone.

    \b
    Examples:
      storewright recover            every store that is gone
      storewright recover my-shop    only this one
    """
    with errors_as_text(), open_session(runs_jobs=wait) as session:
        orders = [_order(session, kept) for kept in _lost(session, names)]
        if not orders:
            click.echo(f"{mark('ok')} No store is gone from the cluster.")
        elif not session.follow_all(orders, wait=wait):
            raise SystemExit(1)


def _lost(session: Session, names: tuple[str, ...]) -> list[KeptStore]:
    """The stores of these names, or all. Raises Refused if one of the names is not among those that are gone."""
    settings = session.settings
    if not settings.backup_server:
        raise Refused("BACKUP_SERVER is not set: there are no backups.", next_step="Set backups.enabled in the chart.")
    cluster = session.tools.cluster if session.tools else Cluster(settings.kubeconfig, settings.kube_context)
    found = lost_stores(session.ledger, cluster, settings.backup_server, settings.instance)
    lost = {kept.store.name: kept for kept in found}
    if unknown := [name for name in names if name not in lost]:
        what = f"{unknown[0]} is not gone from the cluster, or no backup of it was made."
        raise Refused(what, next_step="storewright recover, without a name, brings back all that are gone.")
    return [kept for name, kept in lost.items() if not names or name in names]


def _order(session: Session, kept: KeptStore) -> Job:
    name = kept.store.name
    return session.audited(name, f"recover {name}", lambda context: session.orders.recover(context, kept))

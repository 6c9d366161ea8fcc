"""Builds the parts of a process that runs jobs: of the bot, and of a command in the terminal.

None of them needs Slack or a web server.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from bot.settings import StoreSettings
from provisioner.chart_settings import ChartSettings
from provisioner.clients.helm import Helm, OnHelmRun, ignore_run
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.catalog import Catalog
from provisioner.ledger.ledger import Ledger
from provisioner.operations.journal import JobJournal
from provisioner.operations.toolbox import Toolbox
from provisioner.orders import Orders
from provisioner.runner.executors import Executor
from provisioner.runner.executors.kubernetes import KubernetesExecutor
from provisioner.runner.executors.local import LocalExecutor
from provisioner.runner.lease import Lease

ACQUIRE_SECONDS = 2.0  # before a process that has not acquired the lease is reported as waiting


def home_of(settings: StoreSettings, cluster: Cluster) -> str:
    """The bot's own namespace: the ServiceAccount's, or else the cluster client's."""
    return settings.service_account.split("/")[0] if settings.service_account else cluster.own_namespace


def build_lease(
    settings: StoreSettings, cluster: Cluster, ledger: Ledger, on_change: Callable[[Lease], None] = lambda lease: None
) -> Lease:
    """The instance's lease, not started.

    Its identity is the host and the ledger's lock. A process that has the lock may go on with the lease of the last
    process that had it.
    """
    identity = f"{socket.gethostname()}/{ledger.lock_id}"
    home, everywhere = home_of(settings, cluster), not settings.service_account
    name = f"storewright-{settings.instance}"
    return Lease(cluster, home, name, identity, everywhere=everywhere, on_change=on_change)


def build_executor(
    settings: StoreSettings, ledger: Ledger, tools: Toolbox, lease: Lease, on_helm_run: OnHelmRun = ignore_run
) -> Executor:
    """The executor of the settings; its jobs stop when the lease is lost."""
    fenced, home = tools.fenced(lease.require), home_of(settings, tools.cluster)
    if settings.executor == "local":
        return LocalExecutor(fenced, settings.workers, home)
    journal = JobJournal(ledger)
    return KubernetesExecutor(journal, fenced, settings.worker, home, settings.max_concurrent_jobs, on_helm_run)


def build_toolbox(
    settings: StoreSettings,
    ledger: Ledger,
    catalog: Catalog,
    cluster: Cluster,
    on_helm_run: OnHelmRun = ignore_run,
) -> Toolbox:
    """The tools of jobs."""
    helm = Helm(
        settings.helm,
        settings.kubeconfig,
        settings.kube_context,
        on_run=on_helm_run,
        permissions_pending=cluster.permissions_pending,
    )
    return Toolbox(
        defaults=settings.store_defaults, ledger=JobJournal(ledger), cluster=cluster, helm=helm, catalog=catalog
    )


def build_orders(
    settings: StoreSettings, ledger: Ledger, catalog: Catalog, admins: frozenset[str] = frozenset()
) -> Orders:
    """The application layer; `admins` manage every store."""
    return Orders(
        ledger,
        catalog,
        settings.addresses,
        settings.limits,
        settings.deadlines,
        admins,
        settings.own_hosts,
        settings.undelete_days if settings.backup_server else 0.0,
        settings.expiry,
        settings.idle,
        ChartSettings(settings.store_profile, settings.store_values),
    )

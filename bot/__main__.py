"""The console script `storewright`, and the only place that wires settings, clients, scheduler and servers."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version

import click

from bot import logs
from bot.app import build_app, listener_threads
from bot.health import Readiness
from bot.house import House
from bot.metrics import Metrics
from bot.notifier import Notifier
from bot.servers import serve_web, socket_mode
from bot.settings import BadSettings, Settings, variables
from bot.slack import Slack
from bot.web import Front, build_web
from provisioner import stores
from provisioner.catalog import Catalog
from provisioner.cluster import Cluster
from provisioner.errors import StorewrightError
from provisioner.helm import Helm
from provisioner.ledger import Ledger, LedgerInUse
from provisioner.scheduler import Scheduler
from provisioner.workflows import Toolbox

log = logging.getLogger("bot")


def _variables_for_people() -> str:
    lines = [f"  {name}  {meaning} ({default})" for name, meaning, default in variables()]
    return "\b\nSettings come from the environment:\n" + "\n".join(lines)


@click.group(epilog="Start with `storewright run --help`, which lists every setting.")
@click.version_option(version("storewright"))
def main() -> None:
    """Online stores on your own Kubernetes, ordered from Slack."""


@main.command(epilog=_variables_for_people())
def run() -> None:
    """Run the bot: Slack, the credential page, health and metrics on one port, and the work itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        settings = Settings.from_environment()
        logs.configure(settings.log_level)
        serve(settings)
    except BadSettings as error:
        raise click.ClickException(f"the settings can't be used.\n{error}") from None
    except (LedgerInUse, StorewrightError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises LedgerInUse, StorewrightError, or ValueError for charts of no use."""
    catalog = Catalog(settings.charts_dir, settings.default_type)
    ledger = Ledger(settings.ledger_path, settings.addresses)
    metrics = Metrics()
    metrics.watch(ledger)
    slack = Slack(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, metrics.slack_calls)
    cluster = Cluster(settings.kubeconfig, settings.kube_context)
    helm = Helm(settings.helm, settings.kubeconfig, settings.kube_context)
    notifier = Notifier(ledger, catalog, slack, settings.failure_channel, settings.limits)
    scheduler = Scheduler(_toolbox(settings, ledger, cluster, helm, catalog), settings.workers)
    house = House(
        ledger, catalog, slack, settings.admins, settings.limits, settings.public_url, notifier.remember_aside
    )
    front = Front(
        ledger=ledger,
        catalog=catalog,
        read_secret=lambda store: cluster.read_secret(store.namespace, stores.SECRET_NAME),
        public_origin=settings.public_origin,
        healthy=scheduler.healthy,
        readiness=Readiness(
            {"ledger": ledger.counts, "cluster": cluster.version, "slack": slack.auth_test, "helm": helm.version},
            {"failure_channel": lambda: slack.conversations_history(channel=settings.failure_channel, limit=1)},
        ),
        registry=metrics.registry,
    )

    def wake_all() -> None:
        scheduler.wake()
        notifier.wake()

    ledger.on_change = wake_all
    with _working(ledger, scheduler, notifier), listener_threads() as threads:
        _listen(settings, house, front, threads)


def _toolbox(settings: Settings, ledger: Ledger, cluster: Cluster, helm: Helm, catalog: Catalog) -> Toolbox:
    return Toolbox(
        ledger=ledger,
        cluster=cluster,
        helm=helm,
        catalog=catalog,
        addresses=settings.addresses,
        instance=settings.instance,
        profile=settings.store_profile,
        overlay=settings.overlay,
        service_account=settings.service_account,
        ingress_address=settings.ingress_address,
    )


@contextmanager
def _working(ledger: Ledger, scheduler: Scheduler, notifier: Notifier) -> Iterator[None]:
    """The threads that work and tell; at the end what they left is in the ledger for the next process."""
    scheduler.start()
    notifier.start()
    try:
        yield
    finally:
        scheduler.stop()
        notifier.stop()
        ledger.close()
        log.info("stopped")


def _listen(settings: Settings, house: House, front: Front, threads: ThreadPoolExecutor) -> None:
    """Take requests until a signal says stop."""
    if settings.slack_mode == "http" and settings.slack_signing_secret:
        app = build_app(house, threads, settings.slack_signing_secret.get_secret_value())
        return serve_web(build_web(front, app), settings.listen)
    app_token = settings.slack_app_token.get_secret_value() if settings.slack_app_token else ""
    with socket_mode(build_app(house, threads, None), app_token):
        return serve_web(build_web(front, None), settings.listen)


if __name__ == "__main__":
    main()

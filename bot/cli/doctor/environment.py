"""Environment: the doctor's view of the bot's clients, charts and cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from typing import TypeVar

from bot.cli.doctor.findings import Finding
from bot.observability.metrics import Metrics
from bot.settings import BadSettings, Settings
from bot.slack.client import Slack
from provisioner.clients.helm import Helm
from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import StorewrightError
from provisioner.domain.options import choose
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import Ledger, LedgerNotUsable
from provisioner.operations.steps.release import release_spec

T = TypeVar("T")
PROBE = "storewright-doctor"  # a store name that no store has


@dataclass(frozen=True)
class Environment:
    """Everything that checks read.

    A part that could not be loaded is its error instead.
    `rendered` has, by store type, the manifests of a store named PROBE, with the operator's values."""

    settings: Settings
    slack: Slack
    helm: Helm
    catalog: Catalog | StorewrightError
    cluster: Cluster | StorewrightError
    kubernetes_version: str | StorewrightError
    rendered: dict[str, list[Object] | StorewrightError] = field(default_factory=dict)

    @property
    def reachable_cluster(self) -> Cluster | None:
        """The cluster, or None if it does not answer."""
        answered = isinstance(self.kubernetes_version, str)
        return self.cluster if isinstance(self.cluster, Cluster) and answered else None

    def recorded_stores(self) -> list[Store] | None:
        """The ledger's stores; None as `read_ledger`."""
        return self.read_ledger(lambda ledger: ledger.stores.all())

    def read_ledger(self, read: Callable[[Ledger], T]) -> T | None:
        """What `read` returns for the ledger; None without a usable ledger, which the check “ledger” reports."""
        if not self.settings.ledger_path.exists():
            return None
        try:
            ledger = Ledger.shared(self.settings.ledger_path)
        except LedgerNotUsable:
            return None
        try:
            return read(ledger)
        finally:
            ledger.close()

    def pods(self) -> Iterator[tuple[str, Object]]:
        """Store type and spec of each pod, hooks and tests included."""
        for store_type, manifest in self.manifests():
            job = manifest["spec"]["jobTemplate"] if manifest["kind"] == "CronJob" else manifest
            if manifest["kind"] == "Pod":
                yield store_type, manifest["spec"]
            elif "template" in job.get("spec", {}):
                yield store_type, job["spec"]["template"]["spec"]

    def claims(self) -> Iterator[tuple[str, Object]]:
        """Store type and spec of each PersistentVolumeClaim."""
        for store_type, manifest in self.manifests():
            if manifest["kind"] == "PersistentVolumeClaim":
                yield store_type, manifest["spec"]
            for claim in manifest.get("spec", {}).get("volumeClaimTemplates", []):
                yield store_type, claim["spec"]

    def manifests(self) -> Iterator[tuple[str, Object]]:
        """Store type and manifest, for the store types that render."""
        for store_type, manifests in self.rendered.items():
            for manifest in [] if isinstance(manifests, StorewrightError) else manifests:
                yield store_type, manifest


def with_cluster(
    check: Callable[[Environment, Cluster], Iterator[Finding]],
) -> Callable[[Environment], Iterator[Finding]]:
    """Skip a check if the cluster does not answer.

    The check “cluster” reports that once for all."""

    @wraps(check)
    def run(environment: Environment) -> Iterator[Finding]:
        if cluster := environment.reachable_cluster:
            yield from check(environment, cluster)

    return run


def is_local(host: str) -> bool:
    """Whether only browsers on this machine can reach the host."""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def load_environment(settings: Settings) -> Environment:
    """Load the environment of a bot with these settings. Raises nothing."""
    helm = Helm(settings.helm, settings.kubeconfig, settings.kube_context)
    slack = Slack(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, Metrics().slack_calls)
    catalog, cluster = _catalog(settings), _cluster(settings)
    environment = Environment(settings, slack, helm, catalog, cluster, _version(cluster))
    if isinstance(catalog, Catalog):
        environment.rendered.update({name: _render(environment, catalog, name) for name in catalog.types})
    return environment


class ChartsUnusable(StorewrightError):
    """CHARTS_DIR has no usable store type."""


def _catalog(settings: Settings) -> Catalog | StorewrightError:
    try:
        return settings.catalog()
    except (BadSettings, ValueError) as error:
        return ChartsUnusable(f"{error}", "", "Fix that chart, CHARTS_DIR or DEFAULT_TYPE.")


def _cluster(settings: Settings) -> Cluster | StorewrightError:
    try:
        return Cluster(settings.kubeconfig, settings.kube_context)
    except StorewrightError as error:
        return error


def _version(cluster: Cluster | StorewrightError) -> str | StorewrightError:
    try:
        return cluster if isinstance(cluster, StorewrightError) else cluster.version()
    except StorewrightError as error:
        return error


def _render(environment: Environment, catalog: Catalog, name: str) -> list[Object] | StorewrightError:
    store_type, addresses = catalog.get(name), environment.settings.addresses
    store = Store(
        id=PROBE,
        name=PROBE,
        type=name,
        status=StoreStatus.CREATING,
        owner="",
        origin="",
        namespace=addresses.namespace(PROBE),
        release=addresses.release(PROBE),
        url=addresses.url(PROBE),
        admin_url=addresses.url(PROBE) + store_type.admin_path,
        created_at=0,
        options=choose(store_type.options, {}),
    )
    try:
        return environment.helm.render(release_spec(environment.settings.store_defaults, store, store_type))
    except StorewrightError as error:
        return error

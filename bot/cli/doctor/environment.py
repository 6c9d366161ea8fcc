"""What the doctor looks at: the bot's own clients, and each store type as it renders with the operator's values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps

from bot.cli.doctor.findings import Finding
from bot.observability.metrics import Metrics
from bot.settings import BadSettings, Settings
from bot.slack.client import Slack
from provisioner.clients.helm import Helm, ReleaseSpec
from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import StorewrightError
from provisioner.domain.options import choose
from provisioner.domain.store import Store, StoreStatus
from provisioner.operations.steps.release import values_of

PROBE = "storewright-doctor"  # the name of a store that nobody has


@dataclass(frozen=True)
class Site:
    """`rendered`: by store type the manifests of a store named PROBE, or why there are none. `answers`: the cluster's
    version, or why it can't be told."""

    settings: Settings
    slack: Slack
    helm: Helm
    catalog: Catalog | StorewrightError
    cluster: Cluster | StorewrightError
    answers: str | StorewrightError
    rendered: dict[str, list[Object] | StorewrightError] = field(default_factory=dict)

    @property
    def reached(self) -> Cluster | None:
        """The cluster, where it answers."""
        return self.cluster if isinstance(self.cluster, Cluster) and isinstance(self.answers, str) else None

    def pods(self) -> Iterator[tuple[str, Object]]:
        """Store type and spec of every pod that its charts run, hooks and tests too."""
        for name, manifest in self.manifests():
            job = manifest["spec"]["jobTemplate"] if manifest["kind"] == "CronJob" else manifest
            if manifest["kind"] == "Pod":
                yield name, manifest["spec"]
            elif "template" in job.get("spec", {}):
                yield name, job["spec"]["template"]["spec"]

    def claims(self) -> Iterator[tuple[str, Object]]:
        """Store type and spec of every volume claim."""
        for name, manifest in self.manifests():
            if manifest["kind"] == "PersistentVolumeClaim":
                yield name, manifest["spec"]
            for claim in manifest.get("spec", {}).get("volumeClaimTemplates", []):
                yield name, claim["spec"]

    def manifests(self) -> Iterator[tuple[str, Object]]:
        """Store type and manifest, of the types that render."""
        for name, manifests in self.rendered.items():
            for manifest in [] if isinstance(manifests, StorewrightError) else manifests:
                yield name, manifest


def with_cluster(look: Callable[[Site, Cluster], Iterator[Finding]]) -> Callable[[Site], Iterator[Finding]]:
    """A check that finds nothing where the cluster does not answer: one line says so, and not each check's own."""

    @wraps(look)
    def looks(site: Site) -> Iterator[Finding]:
        if cluster := site.reached:
            yield from look(site, cluster)

    return looks


def is_local(host: str) -> bool:
    """Whether only this machine's own browsers find it."""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def load_site(settings: Settings) -> Site:
    """Look at the site as the bot would find it with these settings."""
    helm = Helm(settings.helm, settings.kubeconfig, settings.kube_context)
    slack = Slack(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, Metrics().slack_calls)
    catalog, cluster = _catalog(settings), _cluster(settings)
    site = Site(settings, slack, helm, catalog, cluster, _version(cluster))
    if isinstance(catalog, Catalog):
        site.rendered.update({name: _render(site, catalog, name) for name in catalog.types})
    return site


class ChartsUnusable(StorewrightError):
    """No store type can be made of CHARTS_DIR."""


def _catalog(settings: Settings) -> Catalog | StorewrightError:
    try:
        return settings.catalog()
    except (BadSettings, ValueError) as error:
        return ChartsUnusable(f"{error}", "", "Correct that chart, CHARTS_DIR or DEFAULT_TYPE.")


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


def _render(site: Site, catalog: Catalog, name: str) -> list[Object] | StorewrightError:
    kind, addresses = catalog.get(name), site.settings.addresses
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
        admin_url=addresses.url(PROBE) + kind.admin_path,
        created_at=0,
        options=choose(kind.options, {}),
    )
    try:
        values = values_of(site.settings.overlay, store, kind)
        profile = site.settings.store_profile
        return site.helm.render(ReleaseSpec(store.release, store.namespace, kind.chart, profile, values))
    except StorewrightError as error:
        return error

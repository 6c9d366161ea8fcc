"""Checks of the stores' backups: the server runs and has room, somebody keeps a copy of its keys, and no store's
backup is old."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import wraps

from bot.cli.doctor.environment import Environment, with_cluster
from bot.cli.doctor.findings import Finding, ok, unsure, wrong
from provisioner.clients.kubernetes.cluster import Cluster, Forbidden, Object
from provisioner.clients.kubernetes.objects import COMPONENT, is_ready
from provisioner.domain.catalog import Catalog
from provisioner.domain.store import PREFIX, Store, StoreStatus
from provisioner.domain.text import enumerate_some, size
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.store_backups import BackupTimes
from provisioner.operations.steps.backup_job import secret_of
from provisioner.runner.kept_backups import read_room

STARTING_SECONDS = 120
OLD_SECONDS = 36 * 3600  # as the alert StorewrightStoreNotBackedUp has it
MIN_FREE = 0.1  # of the storage, as the alert StorewrightBackupRoom has it
EXPORTED_AT = PREFIX + "exported-at"  # the operator's annotation of the Secret with the keys


def if_permitted(check: Callable[[Environment], Iterator[Finding]]) -> Callable[[Environment], Iterator[Finding]]:
    """Skip a check that the bot may not make: the check “rights” reports that."""

    @wraps(check)
    def run(environment: Environment) -> Iterator[Finding]:
        with suppress(Forbidden):
            yield from check(environment)

    return run


@if_permitted
@with_cluster
def server(environment: Environment, cluster: Cluster) -> Iterator[Finding]:
    """A pod of the backup server is ready."""
    if not (url := environment.settings.backup_server):
        fix = "To have them: set backups.enabled in the bot's chart, or BACKUP_SERVER."
        yield unsure("BACKUP_SERVER is not set: stores have no backups, and a deleted one is gone for good.", fix)
        return
    namespace, name = secret_of(url)
    labels = {COMPONENT: "backup", "app.kubernetes.io/instance": name.removesuffix("-backup")}
    pods = cluster.pods(namespace, labels)
    if any(map(is_ready, pods)):
        yield ok(f"The backup server {url} runs.")
    elif any(map(_is_young, pods)):
        yield unsure(f"The backup server {url} is starting.", "Run the doctor again in a minute.")
    else:
        fix = f"See what keeps it from starting: kubectl -n {namespace} describe deployment,pod -l {COMPONENT}=backup"
        yield wrong(f"No pod of the backup server {url} is ready: no store can be backed up or restored.", fix)


@if_permitted
@with_cluster
def keys(environment: Environment, cluster: Cluster) -> Iterator[Finding]:
    """Somebody keeps a copy of the keys: without them nobody can read a backup."""
    if not (url := environment.settings.backup_server):
        return
    namespace, name = secret_of(url)
    exported_at = cluster.secret_annotations(namespace, name).get(EXPORTED_AT)
    if exported_at:
        yield ok(f"The keys of the backups were copied at {datetime.fromisoformat(exported_at):%Y-%m-%d %H:%M}.")
        return
    fix = (
        f"Copy the Secret: kubectl -n {namespace} get secret {name} -o yaml > backup-keys.yaml, keep the file"
        f" elsewhere, and note it: kubectl -n {namespace} annotate secret {name} {EXPORTED_AT}=$(date -u +%FT%TZ)"
    )
    yield unsure(f"Nobody noted a copy of the Secret {namespace}/{name}. Without it no backup can be read.", fix)


@if_permitted
@with_cluster
def room(environment: Environment, cluster: Cluster) -> Iterator[Finding]:
    """The backup server's storage is not nearly full."""
    if not (url := environment.settings.backup_server) or not (found := read_room(cluster, url)):
        return
    left = f"{size(found.free_bytes)} of {size(found.total_bytes)}"
    message = f"{left} are left for backups, as of the last daily removal."
    if found.free_bytes > MIN_FREE * found.total_bytes:
        yield ok(message)
    else:
        fix = "Raise backups.storage.size in the bot's chart, or keep fewer backups: backups.retention."
        yield wrong(f"Only {message}", fix)


def ages(environment: Environment) -> Iterator[Finding]:
    """Each store that is backed up daily has a backup that is not old."""
    settings, catalog = environment.settings, environment.catalog
    if not settings.backup_server or settings.backup_daily_hour is None:
        return
    if not (recorded := environment.read_ledger(_stores_and_times)) or not recorded[0]:
        return
    stores, times = recorded
    before = time.time() - OLD_SECONDS
    types = catalog.types if isinstance(catalog, Catalog) else {}
    daily = [store for store in stores if store.type in types and types[store.type].has_backups and _is_old(store)]
    if late := [store.name for store in daily if store.id not in times or times[store.id].made_at < before]:
        message = f"Not backed up for {OLD_SECONDS // 3600} hours: {enumerate_some(late)}."
        yield wrong(message, f"Read why in the failure channel, then try it: storewright backup {late[0]}")
    else:
        yield ok(f"All {len(daily)} stores that are older than a day have a backup of the last day.")


def _stores_and_times(ledger: Ledger) -> tuple[list[Store], dict[str, BackupTimes]]:
    stores = ledger.stores.all()
    return stores, ledger.store_backups.times([store.id for store in stores])


def _is_young(pod: Object) -> bool:
    created_at = datetime.fromisoformat(pod["metadata"]["creationTimestamp"]).timestamp()
    return time.time() - created_at < STARTING_SECONDS


def _is_old(store: Store) -> bool:
    return store.status == StoreStatus.READY and (store.ready_at or time.time()) < time.time() - OLD_SECONDS

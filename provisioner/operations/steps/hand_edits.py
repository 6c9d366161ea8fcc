"""What people changed by hand in a store's release. An upgrade or a rollback names it and sets it back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.clients.kubernetes.cluster import FieldChange, Object
from provisioner.clients.kubernetes.objects import unready_pods
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.spec import Stage
from provisioner.operations.steps.claims import keep_claims
from provisioner.operations.steps.readiness import await_database
from provisioner.operations.toolbox import Toolbox

log = logging.getLogger(__name__)

NAMED = 5  # changes in a message; the rest is counted
REPAIR = Stage("repair", "Bring back what somebody removed", "What somebody had removed is back", exceptional=True)


@dataclass(frozen=True)
class HandEdits:
    """What differs from a release: fields that somebody changed, and objects that somebody deleted.

    `asleep` are the workloads that somebody scaled to 0."""

    changed: tuple[str, ...]
    deleted: tuple[str, ...]
    asleep: tuple[str, ...]

    @property
    def need_repair(self) -> bool:
        """Whether something is missing that the next migration may need, such as the database."""
        return bool(self.deleted or self.asleep)

    def sentences(self, change: str) -> Iterator[str]:
        """Sentences for the result of the `change`, such as “upgrade”."""
        if self.changed:
            keep = "To keep a change, set it in STORE_VALUES."
            yield f"The {change} replaces what was changed by hand: {_some(self.changed)}. {keep}"
        if self.deleted:
            yield f"The {change} creates again what was deleted: {_some(self.deleted)}."
        if self.asleep:
            yield f"The {change} starts again what was scaled to 0: {_some(self.asleep)}."


def hand_edits(tools: Toolbox, store: Store, revision: int) -> HandEdits:
    """What people changed since this revision of the release was installed; nothing if helm has lost its record."""
    changed: list[str] = []
    deleted: list[str] = []
    asleep: list[str] = []
    for manifest in _manifests(tools, store, revision):
        if manifest["kind"] == "PersistentVolumeClaim" or not tools.cluster.is_served(manifest):
            continue  # a claim keeps what it has
        name = f"{manifest['kind'].lower()}/{manifest['metadata']['name']}"
        found = tools.cluster.live(store.namespace, manifest)
        if not found:
            deleted.append(name)
            continue
        if (manifest.get("spec") or {}).get("replicas") and not found["spec"].get("replicas"):
            asleep.append(name)
        changed += [f"{name} {change.field} ({change.manager})" for change in _changes(tools, store, manifest)]
    return HandEdits(tuple(changed), tuple(deleted), tuple(asleep))


def _manifests(tools: Toolbox, store: Store, revision: int) -> list[Object]:
    try:
        return tools.helm.manifests(store.release, store.namespace, revision)
    except JobFailed as refusal:
        log.warning("could not read revision %d: %s", revision, refusal)
        return []


def _changes(tools: Toolbox, store: Store, manifest: Object) -> list[FieldChange]:
    try:
        return tools.cluster.field_changes(store.namespace, manifest, tools.helm.field_manager)
    except JobFailed as refusal:  # helm will meet it too; here it is not the question
        log.info("could not compare %s: %s", manifest["metadata"]["name"], refusal)
        return []


def repair(tools: Toolbox, job: Job, store: Store, secret: dict[str, str], revision: int) -> None:
    """Restore the revision that is installed, and wait for its database, which a migration or a backup needs.

    The application may be broken: the job may be to fix it. Raises JobFailed, Transient, Superseded, HandedOver."""
    since = tools.ledger.clock()
    with tools.stage(job, REPAIR.name):
        restore_revision(tools, store, revision)
        await_database(tools, job, store, secret, since)


def restore_revision(tools: Toolbox, store: Store, revision: int) -> None:
    """Roll the release back to a revision, and have what waits for it try again at once."""
    keep_claims(tools, store, revision)
    suspects = unready_pods(tools.cluster.pods(store.namespace))
    tools.helm.rollback(store.release, store.namespace, revision)
    for release in tools.cluster.revisions(store.namespace, store.release):
        if release.stuck:  # by a killed helm; nobody goes on with it
            tools.cluster.delete_secret(store.namespace, release.record)
    tools.cluster.end_back_off(store.namespace, suspects)


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

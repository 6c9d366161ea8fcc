"""The operation `prove`: makes a copy of a store from one of its backups, visits it as a shopper, and removes it.

The copy is a clone that nothing leads to from outside: it has keys of its own, sends no mail and takes no payments."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from provisioner.domain.backup import Backup
from provisioner.domain.documents import overlaid
from provisioner.domain.errors import JobFailed, StorewrightError
from provisioner.domain.job import EventKind, Job, JobKind, find_event
from provisioner.domain.policy import Right
from provisioner.domain.store import NAMESPACE_PREFIX, Store, StoreStatus
from provisioner.domain.text import enumerate_words
from provisioner.operations.namespace_metadata import COPY_OF
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.backup_job import arguments_for, served_before, visit_shop
from provisioner.operations.steps.claims import sizes_of
from provisioner.operations.steps.from_backup import FILL, INSTALL, fill_store, install_closed
from provisioner.operations.steps.namespace import ensure_namespace
from provisioner.operations.steps.removal import await_volumes, remove_all, remove_namespace
from provisioner.operations.steps.secret import ensure_secret
from provisioner.operations.steps.shop import open_shop
from provisioner.operations.toolbox import Toolbox

REMOVAL_SECONDS = 60.0  # that a failed job waits for the end of its copy
RELEASE = "copy"  # the Helm release of a copy, and so its Service


def arguments_of(backup: Backup) -> dict[str, str]:
    """The arguments of a job that proves this backup."""
    return {**arguments_for(backup), "counts": json.dumps(backup.counts)}


def run(tools: Toolbox, job: Job) -> None:
    """Prove the backup. Raises what Operation.run raises; a copy that is left then is removed by BackupProofs."""
    store, backup = tools.store_of(job), job.arguments["backup"]
    copy = copy_of(store)
    try:
        if not find_event(tools.ledger.events(job.id), EventKind.STARTED, "remove"):
            _prove(_without_visitors(tools, store), job, store, copy)
    except JobFailed as failure:
        with suppress(StorewrightError):
            soon = replace(job, allowed=REMOVAL_SECONDS, deadline_at=tools.ledger.clock() + REMOVAL_SECONDS)
            remove_namespace(tools, soon, copy)
        found = failure.problem
        what = f"No working copy of {store.name} could be made from its newest backup: {found.what}"
        next_step = f"Fix the cause and retry. The other backups: /store backups {store.name}"
        raise JobFailed(what, found.cause, next_step, found.log_tail) from failure
    tools.ledger.note_proven(job, backup)
    with tools.stage(job, "remove"):
        remove_namespace(tools, job, copy)
        await_volumes(tools, job, copy)
    tools.ledger.succeed(job)


def copy_of(store: Store) -> Store:
    """The copy in which the store's backups are proven; its address is one inside the cluster."""
    id, namespace = f"copy-{store.id}", f"{NAMESPACE_PREFIX}copy-{store.id}"
    url = f"http://{RELEASE}.{namespace}.svc"
    name = f"{store.name}-copy"
    return replace(store, id=id, name=name, namespace=namespace, release=RELEASE, url=url, admin_url=url, ready_at=None)


def _prove(tools: Toolbox, job: Job, store: Store, copy: Store) -> None:
    with tools.stage(job, "namespace"):
        ensure_namespace(tools, copy, {COPY_OF: store.id})
    with tools.stage(job, "secrets"):
        secret = ensure_secret(tools, copy, tools.catalog.get(copy.type), may_create=True)
    install_closed(tools, job, copy, secret, sizes_of(tools, store))
    counts = fill_store(tools, job, copy, secret, job.arguments["backup"], source=store, moved_from=store.url)
    _require_counts(counts, json.loads(job.arguments["counts"]))
    if served_before(job):  # a shop that did not answer then need not answer now
        with tools.stage(job, "application"):
            open_shop(tools, job, copy, secret)
        with tools.stage(job, "visit") as results:
            results.append(visit_shop(tools, job, copy, secret))


def _without_visitors(tools: Toolbox, store: Store) -> Toolbox:
    """The same tools, with the chart's values for a copy."""
    proof: dict[str, Any] = tools.catalog.get(store.type).proof or {}
    overlay = {store.type: overlaid(tools.defaults.overlay.get(store.type, {}), proof)}
    return replace(tools, defaults=replace(tools.defaults, overlay=overlay))


def _require_counts(found: dict[str, int], expected: dict[str, int]) -> None:
    """Raises JobFailed if the copy holds less than the backup should."""
    missing = [
        f"{found.get(thing, 0)} of {number} {thing}"
        for thing, number in expected.items()
        if found.get(thing, 0) < number
    ]
    if missing:
        raise JobFailed(f"The backup holds only {enumerate_words(missing)}.", "Data was lost on the backup server.")


def undo(tools: Toolbox, job: Job) -> None:
    """Remove the copy."""
    with tools.stage(job, "remove"):
        remove_all(tools, job, copy_of(tools.store_of(job)))
    tools.ledger.end_cancelled(job)


PROVE = Operation(
    kind=JobKind("prove"),
    run=run,
    stages=(
        Stage("namespace", "Create a namespace for a copy", "Namespace for a copy created"),
        Stage("secrets", "Generate passwords and keys", "Passwords and keys generated"),
        *INSTALL,
        *FILL,
        Stage("application", "Start the copy", "The copy is up"),
        Stage("visit", "Visit the copy as a shopper", "A shopper found the copy working"),
        Stage("remove", "Remove the copy", "Copy removed"),
    ),
    deadline_seconds=3600,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.READY, StoreStatus.ASLEEP}),
    uses_backups=True,
    needs_backup=True,
    resets_login=False,
    status_when_ordered=None,
    status_when_succeeded=None,
    status_when_failed=None,
    changes_store_at="remove",  # it changes nothing of the store
    rolls_back=False,
    replaces_live_job=False,
    undo=undo,
    last_stage=None,
    status_when_cancelled=None,
    instead_of_cancel="",
    participle="restored as a test",
    gerund="testing a restore of",
)

"""The operation `reset`: gives the admin of a store a new password, in its Secret and in the running shop."""

from __future__ import annotations

from provisioner.domain.job import EventKind, Job, JobKind, find_event
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.chart_job import run_chart_job
from provisioner.operations.steps.readiness import monitoring
from provisioner.operations.steps.secret import adopt_password, has_adopted_password, propose_password
from provisioner.operations.steps.storefront import INSPECT
from provisioner.operations.toolbox import Toolbox

SHOP = "shop"  # the stage from which on the shop may have the new password
COMPONENT = "reset"  # of the CronJob in the store's chart, and of its Jobs


def run(tools: Toolbox, job: Job) -> None:
    """Reset the password, or go on where an interrupted attempt stopped.

    The Secret has the new password next to the present one until the shop knows it; only then does it take its place.
    So a job that fails before leaves both as they were. Raises what Operation.run raises."""
    store = tools.store_of(job)
    store_type = tools.catalog.get(store.type)
    if not has_adopted_password(tools, job, store):
        with tools.stage(job, INSPECT.name):
            _require_running(tools, job, store)
        with tools.stage(job, "password"):
            secret = propose_password(tools, store, store_type)
        with tools.stage(job, SHOP):
            run_chart_job(tools, job, store, secret, COMPONENT, f"{store.release}-{COMPONENT}-{job.id}", {})
        with tools.stage(job, "secret"):
            adopt_password(tools, job, store, store_type, secret)
    else:
        with tools.stage(job, "secret"):
            pass  # it was killed after that step, before it could say so
    tools.ledger.succeed(job)


def undo(tools: Toolbox, job: Job) -> None:
    """Leave the former password. If the shop may know the new one already, it comes too late: the job is done."""
    if find_event(tools.ledger.events(job.id), EventKind.STARTED, SHOP):
        run(tools, job)
    else:
        tools.ledger.end_cancelled(job)


def _require_running(tools: Toolbox, job: Job, store: Store) -> None:
    """Wait until the store runs: a password can be set only in a shop that does."""
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    with monitoring(tools, job, store, secret, tools.ledger.clock()) as monitor:
        for component in monitor.components():
            monitor.await_running(component)


RESET = Operation(
    kind=JobKind("reset"),
    run=run,
    stages=(
        INSPECT,
        Stage("password", "Make a new password", "New password made"),
        Stage(SHOP, "Set it in the shop, and end all logins of its admin", "Set in the shop"),
        Stage("secret", "Keep it for the page with the credentials", "Kept for the page with the credentials"),
    ),
    deadline_seconds=600,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.READY}),
    uses_backups=False,
    needs_backup=False,
    resets_login=True,
    status_when_ordered=None,
    status_when_succeeded=None,
    status_when_failed=None,
    changes_store_at=SHOP,
    rolls_back=False,
    replaces_live_job=False,
    undo=undo,
    last_stage=SHOP,
    status_when_cancelled=None,
    instead_of_cancel="Wait until it is done. For another password then: /store reset {name}",
    participle="given a new password",
    gerund="resetting the password of",
)

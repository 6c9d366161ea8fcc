"""The first steps of a new store: its namespace, and a Secret with passwords and keys of its own."""

from __future__ import annotations

from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.spec import Stage
from provisioner.operations.steps.namespace import ensure_namespace
from provisioner.operations.steps.secret import ensure_secret
from provisioner.operations.toolbox import Toolbox

PREPARE = (
    Stage("namespace", "Create the namespace", "Namespace created"),
    Stage("secrets", "Generate passwords and keys", "Passwords and keys generated"),
)


def prepare_store(tools: Toolbox, job: Job, store: Store) -> dict[str, str]:
    """Make what is missing of both; returns the Secret. Raises JobFailed, Transient, Superseded or HandedOver."""
    with tools.stage(job, "namespace"):
        ensure_namespace(tools, store)
    with tools.stage(job, "secrets"):
        return ensure_secret(tools, store, tools.catalog.get(store.type), may_create=True)

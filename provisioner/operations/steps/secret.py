"""The steps that create a store's Secret, and give its admin another password. All other values are generated once."""

from __future__ import annotations

import secrets
import string

from provisioner.domain.catalog import StoreType
from provisioner.domain.job import Job
from provisioner.domain.store import PREFIX, SECRET_NAME, Store
from provisioner.operations.toolbox import Toolbox

PASSWORD_LENGTH = 24
RESET_BY = PREFIX + "reset-by"  # an annotation of the Secret: the job that gave it its present password


def ensure_secret(tools: Toolbox, store: Store, store_type: StoreType, *, may_create: bool) -> dict[str, str]:
    """The store's Secret (key -> value), with every key that its chart needs; existing values stay.

    Create it only if `may_create`: new passwords would not open a database that has the old ones.

    Raises JobFailed if it is missing."""
    wanted = {key: _generate(template, store) for key, template in store_type.secret.items()}
    if may_create and tools.cluster.create_secret(store.namespace, SECRET_NAME, wanted):
        return wanted
    existing = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    if missing := {key: value for key, value in wanted.items() if key not in existing}:
        tools.cluster.add_to_secret(store.namespace, SECRET_NAME, missing)
    return {**wanted, **existing}


def propose_password(tools: Toolbox, store: Store, store_type: StoreType) -> dict[str, str]:
    """Write a new value for each key that a reset replaces next to the present one; returns the whole Secret.

    What an earlier reset left is taken instead: nobody has seen it, and the shop may have it already.

    Raises JobFailed and Transient."""
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    wanted = {_proposed(key): _generate(store_type.secret[key], store) for key in store_type.reset}
    if missing := {key: value for key, value in wanted.items() if key not in secret}:
        tools.cluster.add_to_secret(store.namespace, SECRET_NAME, missing)
    return {**wanted, **secret}


def adopt_password(tools: Toolbox, job: Job, store: Store, store_type: StoreType, secret: dict[str, str]) -> None:
    """Let the new values take the place of the present ones, for this job, in one step.

    Raises JobFailed and Transient."""
    new = {key: secret[_proposed(key)] for key in store_type.reset}
    removed = [_proposed(key) for key in store_type.reset]
    annotations = {RESET_BY: job.id}
    tools.cluster.change_secret(store.namespace, SECRET_NAME, new, removed=removed, annotations=annotations)


def has_adopted_password(tools: Toolbox, job: Job, store: Store) -> bool:
    """Whether an earlier attempt of this job has done `adopt_password`. Raises Transient."""
    return tools.cluster.secret_annotations(store.namespace, SECRET_NAME).get(RESET_BY) == job.id


def _proposed(key: str) -> str:
    return f"new-{key}"


def _generate(template: str, store: Store) -> str:
    alphabet = string.ascii_letters + string.digits
    return template.format(
        password="".join(secrets.choice(alphabet) for _ in range(PASSWORD_LENGTH)),
        hex=secrets.token_hex(32),
        host=store.host,
        name=store.name,
    )

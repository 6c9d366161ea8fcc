"""The step that creates a store's Secret. Its values are generated once and never changed."""

from __future__ import annotations

import secrets
import string

from provisioner.domain.catalog import StoreType
from provisioner.domain.store import SECRET_NAME, Store
from provisioner.operations.toolbox import Toolbox

PASSWORD_LENGTH = 24


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


def _generate(template: str, store: Store) -> str:
    alphabet = string.ascii_letters + string.digits
    return template.format(
        password="".join(secrets.choice(alphabet) for _ in range(PASSWORD_LENGTH)),
        hex=secrets.token_hex(32),
        host=store.host,
        name=store.name,
    )

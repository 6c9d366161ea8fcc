"""The revisions of a store's release, read from helm's records."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from provisioner.clients.kubernetes.objects import component_of
from provisioner.domain.documents import read_manifests
from provisioner.domain.revision import Revision
from provisioner.domain.store import Store
from provisioner.operations.steps.rollback import MIGRATION
from provisioner.operations.toolbox import Toolbox


def read_revisions(tools: Toolbox, store: Store) -> list[Revision]:
    """The revisions that helm keeps of the store's release, oldest first. Raises Transient and JobFailed."""
    return [_revision_of(record) for record in tools.cluster.records(store.namespace, store.release)]


def _revision_of(record: dict[str, Any]) -> Revision:
    info = record["info"]
    restores = re.fullmatch(r"Rollback to (\d+)", info.get("description", ""))  # helm's words
    return Revision(
        number=int(record["version"]),
        status=info["status"],
        version=str(record["chart"]["metadata"]["version"]),
        deployed_at=datetime.fromisoformat(info["last_deployed"]).timestamp(),
        values=record.get("config") or {},
        migrates=any(map(_migrates, record.get("hooks") or [])),
        restores=int(restores[1]) if restores else None,
    )


def _migrates(hook: dict[str, Any]) -> bool:
    """Whether a hook is the chart's migration."""
    before_upgrade = "pre-upgrade" in hook["events"]
    return before_upgrade and any(component_of(object) == MIGRATION for object in read_manifests(hook["manifest"]))

"""Namespaces, and the setup of a new one: quota, limits, permissions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.errors import Forbidden, NotAllowedYet
from provisioner.clients.kubernetes.objects import Object, quantity, selector
from provisioner.clients.kubernetes.resources import (
    CLAIMS,
    DEPLOYMENTS,
    LIMIT_RANGES,
    NAMESPACES,
    QUOTAS,
    ROLE_BINDINGS,
    STATEFUL_SETS,
)

LIMITS_NAME = "store"  # of the ResourceQuota and the LimitRange in a store's namespace


class Namespaces(Api):
    """Namespaces, their limits and role bindings."""

    def namespace(self, name: str) -> Object | None:
        return self._get(NAMESPACES, name)

    def namespaces(self, labels: dict[str, str]) -> list[Object]:
        """Namespaces with all these labels."""
        return self._list(NAMESPACES, query={"labelSelector": selector(labels)})

    def create_namespace(self, name: str, labels: dict[str, str], annotations: dict[str, str]) -> bool:
        """False where a namespace of that name exists."""
        meta = {"name": name, "labels": labels, "annotations": annotations}
        return self._create(NAMESPACES, {"metadata": meta}) is not None

    def annotate_namespace(
        self, name: str, annotations: Mapping[str, str | None], labels: Mapping[str, str] | None = None
    ) -> None:
        """Set annotations (None removes one) and labels; all others stay."""
        meta = {"annotations": dict(annotations), "labels": dict(labels or {})}
        self._patch(NAMESPACES, name, {"metadata": meta})

    def delete_namespace(self, name: str) -> None:
        """Start the deletion of a namespace; `watch_namespace` shows its end.

        A missing namespace is no error. Workloads and claims are deleted first: the namespace controller looks after
        5 s, and where a pod or a claim is left then, only some 8 s later again.
        """
        with suppress(Forbidden, NotAllowedYet):  # the namespace is terminating, and the RoleBinding is gone already
            for resource in (DEPLOYMENTS, STATEFUL_SETS, CLAIMS):
                for found in self._list(resource, name):
                    self._delete(resource, found["metadata"]["name"], name)
        self._delete(NAMESPACES, name)

    def create_limits(self, namespace: str, quota: Mapping[str, str], limit_range: Object) -> None:
        """Create the ResourceQuota and the LimitRange of a store's namespace; those that exist stay as they are."""
        body: Object = {"metadata": {"name": LIMITS_NAME}, "spec": {"hard": dict(quota)}}
        self._create(QUOTAS, body, namespace)
        body = {"metadata": {"name": LIMITS_NAME}, "spec": {"limits": [limit_range]}}
        self._create(LIMIT_RANGES, body, namespace)

    def quota(self, namespace: str, seconds: float) -> Object | None:
        """The ResourceQuota of a store's namespace; None too without an answer within so many seconds."""
        return self._get_soon(QUOTAS, LIMITS_NAME, namespace, seconds)

    def raise_quota(self, namespace: str, quota: Mapping[str, str]) -> None:
        """Raise what the namespace's quota limits to less than `quota`; the rest of it stays, and so does no quota."""
        found = self._get(QUOTAS, LIMITS_NAME, namespace)
        hard = found["spec"].get("hard", {}) if found else {}
        raised = {key: value for key, value in quota.items() if key in hard and quantity(hard[key]) < quantity(value)}
        if raised:
            self._patch(QUOTAS, LIMITS_NAME, {"spec": {"hard": raised}}, namespace)

    def bind_role(self, namespace: str, role: str, service_account: str) -> None:
        """Bind the ClusterRole `role` in the namespace to a ServiceAccount ("namespace/name")."""
        account_namespace, account = service_account.split("/")
        subject = {"kind": "ServiceAccount", "namespace": account_namespace, "name": account}
        body = {
            "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        }
        if self._create(ROLE_BINDINGS, body, namespace):
            self._new_bindings.note(namespace)
        elif found := self.namespace(namespace):
            # A former process may have just created the binding. The bot may not read it; its namespace is no younger.
            created_at = datetime.fromisoformat(found["metadata"]["creationTimestamp"]).timestamp()
            self._new_bindings.note(namespace, time.time() - created_at)

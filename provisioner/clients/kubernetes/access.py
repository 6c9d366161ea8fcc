"""Access reviews, dry runs and discovery, for the doctor."""

from __future__ import annotations

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import Object
from provisioner.clients.kubernetes.permissions import Permission
from provisioner.clients.kubernetes.resources import (
    ACCESS_REVIEWS,
    CLUSTER_ROLES,
    INGRESS_CLASSES,
    JOBS,
    NAMESPACES,
    NODES,
    ROLE_BINDINGS,
    SELF_REVIEWS,
    SERVICES,
    STORAGE_CLASSES,
)

DRY_RUNS = {"Namespace": NAMESPACES, "RoleBinding": ROLE_BINDINGS, "Job": JOBS, "Service": SERVICES}


class Access(Api):
    """Reviews, dry runs and discovery."""

    def is_allowed(self, wanted: Permission) -> bool:
        """Whether RBAC allows the bot this."""
        kind, _, part = wanted.resource.partition("/")
        asked = {"verb": wanted.verb, "group": wanted.group, "resource": kind, "subresource": part}
        asked |= {"namespace": wanted.namespace, "name": wanted.name}
        review = self._call("POST", ACCESS_REVIEWS.path(), {"spec": {"resourceAttributes": asked}})
        return bool(review["status"].get("allowed"))

    def username(self) -> str:
        """The bot's name at the API server, such as system:serviceaccount:storewright:storewright."""
        return str(self._call("POST", SELF_REVIEWS.path(), {})["status"]["userInfo"]["username"])

    def dry_run(self, manifest: Object) -> None:
        """Try to create an object without creating it.

        The object is a Namespace, RoleBinding, Job or Service. Raises the API server's refusal.
        """
        path = DRY_RUNS[manifest["kind"]].path(manifest["metadata"].get("namespace", ""))
        self._call("POST", path, manifest, query={"dryRun": "All"})

    def cluster_role(self, name: str) -> Object | None:
        """Raises Forbidden where the bot may not read it."""
        return self._get(CLUSTER_ROLES, name)

    def storage_classes(self) -> list[Object]:
        """Raises Forbidden where the bot may not list them."""
        return self._list(STORAGE_CLASSES)

    def ingress_classes(self) -> list[Object]:
        """Raises Forbidden where the bot may not list them."""
        return self._list(INGRESS_CLASSES)

    def node_images(self) -> set[str]:
        """Names of the images on all nodes.

        Each node lists only its largest 50. Raises Forbidden as a rule.
        """
        nodes = self._list(NODES)
        return {name for node in nodes for image in node["status"].get("images", []) for name in image.get("names", [])}

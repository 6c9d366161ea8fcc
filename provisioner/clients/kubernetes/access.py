"""Access reviews, dry runs and discovery, for the doctor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubernetes import client

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import Object
from provisioner.clients.kubernetes.permissions import Permission


class Access(Api):
    """Reviews, dry runs and discovery."""

    def is_allowed(self, wanted: Permission) -> bool:
        """Whether RBAC allows the bot this."""
        kind, _, part = wanted.resource.partition("/")
        asked = {"verb": wanted.verb, "group": wanted.group, "resource": kind, "subresource": part}
        asked |= {"namespace": wanted.namespace, "name": wanted.name}
        review = client.AuthorizationV1Api(self._client).create_self_subject_access_review
        return bool(self._call(review, {"spec": {"resourceAttributes": asked}})["status"].get("allowed"))

    def username(self) -> str:
        """The bot's name at the API server, such as system:serviceaccount:storewright:storewright."""
        review = client.AuthenticationV1Api(self._client).create_self_subject_review
        return str(self._call(review, {})["status"]["userInfo"]["username"])

    def dry_run(self, manifest: Object) -> None:
        """Try to create an object without creating it.

        The object is a Namespace, RoleBinding, Job or Service. Raises the API server's refusal.
        """
        create: Callable[..., Any] = {
            "Namespace": self._core.create_namespace,
            "RoleBinding": self._rbac.create_namespaced_role_binding,
            "Job": self._batch.create_namespaced_job,
            "Service": self._core.create_namespaced_service,
        }[manifest["kind"]]
        namespace = manifest["metadata"].get("namespace")
        self._call(create, *([namespace] if namespace else []), manifest, dry_run="All")

    def cluster_role(self, name: str) -> Object | None:
        """Raises Forbidden where the bot may not read it."""
        return self._find(self._rbac.read_cluster_role, name)

    def storage_classes(self) -> list[Object]:
        """Raises Forbidden where the bot may not list them."""
        return self._list(client.StorageV1Api(self._client).list_storage_class)

    def ingress_classes(self) -> list[Object]:
        """Raises Forbidden where the bot may not list them."""
        return self._list(client.NetworkingV1Api(self._client).list_ingress_class)

    def node_images(self) -> set[str]:
        """Names of the images on all nodes.

        Each node lists only its largest 50. Raises Forbidden as a rule.
        """
        nodes = self._list(self._core.list_node)
        return {name for node in nodes for image in node["status"].get("images", []) for name in image.get("names", [])}

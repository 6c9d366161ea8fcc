"""Manifests of any kind, compared with the objects in the cluster."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from kubernetes import client

from provisioner.clients.kubernetes.api import APPLY_PATCH, Api
from provisioner.clients.kubernetes.errors import Conflict, NotFound
from provisioner.clients.kubernetes.objects import Object
from provisioner.clients.kubernetes.resources import Resource, api_root

# The message for each field (k8s.io/apimachinery: managedfields/internal, NewConflictError).
CONFLICT = re.compile(r'conflict with "(?P<manager>[^"]*)"')


@dataclass(frozen=True)
class FieldChange:
    """A field that another program, its field manager, gave another value."""

    field: str
    manager: str


class Applied(Api):
    """Objects of any kind, by their manifests."""

    def served_kinds(self, api_version: str) -> dict[str, str]:
        """The kinds of an apiVersion that the cluster serves, with their plurals; empty for none."""
        try:
            listed = self._call("GET", api_root(api_version))["resources"]
        except NotFound:
            return {}
        return {resource["kind"]: resource["name"] for resource in listed if "/" not in resource["name"]}

    def is_served(self, manifest: Object) -> bool:
        """Whether the cluster has the manifest's kind."""
        return self._resource(manifest) is not None

    def live(self, namespace: str, manifest: Object) -> Object | None:
        """The manifest's object in the cluster; None if there is none, or if its kind is not served."""
        resource = self._resource(manifest)
        return self._get(resource, manifest["metadata"]["name"], namespace) if resource else None

    def delete_object(self, namespace: str, manifest: Object) -> None:
        """Start the deletion of the manifest's object; a missing one is no error."""
        if resource := self._resource(manifest):
            self._delete(resource, manifest["metadata"]["name"], namespace)

    def field_changes(self, namespace: str, manifest: Object, manager: str) -> list[FieldChange]:
        """What others changed of an object since `manager` applied the manifest.

        Nothing is written: a server-side apply as a dry run is refused with these fields (kubernetes.io: server-side
        apply, conflicts).
        """
        if resource := self._resource(manifest):
            query = {"fieldManager": manager, "dryRun": "All"}
            name = manifest["metadata"]["name"]
            try:
                self._patch(resource, name, manifest, namespace, query=query, patch_type=APPLY_PATCH)
            except Conflict as conflict:
                return _changes(conflict.__cause__)
        return []

    def _resource(self, manifest: Object) -> Resource | None:
        """The manifest's kind of object; None if the cluster does not serve it."""
        version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        if kind not in self._kinds.get(version, {}):
            self._kinds[version] = self.served_kinds(version)
        plural = self._kinds[version].get(kind)
        return Resource(version, plural) if plural else None


def _changes(refusal: BaseException | None) -> list[FieldChange]:
    body = refusal.body if isinstance(refusal, client.ApiException) else "{}"
    causes = (json.loads(body).get("details") or {}).get("causes", [])
    found = [(cause.get("field", ""), CONFLICT.match(cause.get("message", ""))) for cause in causes]
    return [FieldChange(field.removeprefix("."), match["manager"]) for field, match in found if match]

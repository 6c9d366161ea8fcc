"""Manifests of any kind, compared with the objects in the cluster."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.errors import Conflict
from provisioner.clients.kubernetes.objects import Object

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
        group, _, version = api_version.rpartition("/")
        if group:
            found = self._find(client.CustomObjectsApi(self._client).get_api_resources, group, version)
        else:
            found = self._find(self._core.get_api_resources)
        listed = (found or {}).get("resources", [])
        return {resource["kind"]: resource["name"] for resource in listed if "/" not in resource["name"]}

    def is_served(self, manifest: Object) -> bool:
        """Whether the cluster has the manifest's kind."""
        return bool(self._path("default", manifest))

    def live(self, namespace: str, manifest: Object) -> Object | None:
        """The manifest's object in the cluster; None if there is none, or if its kind is not served."""
        path = self._path(namespace, manifest)
        return self._find(self._request, "GET", path) if path else None

    def delete_object(self, namespace: str, manifest: Object) -> None:
        """Start the deletion of the manifest's object; a missing one is no error."""
        if path := self._path(namespace, manifest):
            self._find(self._request, "DELETE", path)

    def field_changes(self, namespace: str, manifest: Object, manager: str) -> list[FieldChange]:
        """What others changed of an object since `manager` applied the manifest.

        Nothing is written: a server-side apply as a dry run is refused with these fields (kubernetes.io: server-side
        apply, conflicts).
        """
        try:
            query = [("fieldManager", manager), ("dryRun", "All")]
            self._call(self._request, "PATCH", self._path(namespace, manifest), query, json.dumps(manifest))
        except Conflict as conflict:
            return _changes(conflict.__cause__)
        return []

    def _path(self, namespace: str, manifest: Object) -> str:
        """The path of the manifest's object at the API server; '' if its kind is not served."""
        version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        if kind not in self._kinds.get(version, {}):
            self._kinds[version] = self.served_kinds(version)
        plural = self._kinds[version].get(kind)
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        return f"{root}/namespaces/{namespace}/{plural}/{manifest['metadata']['name']}" if plural else ""

    def _request(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]] | None = None,
        body: str | None = None,
        *,
        _request_timeout: Any,
        _preload_content: bool,
    ) -> Any:
        """Send a request for which the kubernetes package has no method; its answer, as `_call` expects it."""
        headers = {"Accept": "application/json", "Content-Type": "application/apply-patch+yaml"}
        request = self._client.param_serialize(
            method, path, {}, query or [], headers, body, auth_settings=["BearerToken"]
        )
        answer = self._client.call_api(*request, _request_timeout=_request_timeout)
        answer.read()
        if not 200 <= answer.status <= 299:
            raise client.ApiException(http_resp=answer)
        return answer


def _changes(refusal: BaseException | None) -> list[FieldChange]:
    body = refusal.body if isinstance(refusal, client.ApiException) else "{}"
    causes = (json.loads(body).get("details") or {}).get("causes", [])
    found = [(cause.get("field", ""), CONFLICT.match(cause.get("message", ""))) for cause in causes]
    return [FieldChange(field.removeprefix("."), match["manager"]) for field, match in found if match]

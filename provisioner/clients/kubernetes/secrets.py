"""Secrets: a store's credentials, Helm's release records and the registry's login."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from contextlib import suppress

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.errors import Conflict
from provisioner.clients.kubernetes.objects import Object
from provisioner.clients.kubernetes.resources import SECRETS, SERVICE_ACCOUNTS
from provisioner.domain.errors import RESTORE_FROM_BACKUP, JobFailed

PULL_SECRET = "image-pull"  # noqa: S105  (the name of a Secret in stores' namespaces)
REGISTRY_LOGIN = "kubernetes.io/dockerconfigjson"  # a Secret's type


class Secrets(Api):
    """Secrets, by namespace and name."""

    def create_secret(self, namespace: str, name: str, values: dict[str, str]) -> bool:
        """False where a Secret of that name exists; it is not changed."""
        body = {"metadata": {"name": name}, "type": "Opaque", "stringData": values}
        return self._create(SECRETS, body, namespace) is not None

    def read_secret(self, namespace: str, name: str) -> dict[str, str]:
        """The Secret's keys and values. Raises JobFailed where it does not exist."""
        secret = self._get(SECRETS, name, namespace)
        if secret is None:
            raise JobFailed(f"The Secret {namespace}/{name} is missing.", "Somebody deleted it.", RESTORE_FROM_BACKUP)
        return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}

    def secret_annotations(self, namespace: str, name: str) -> dict[str, str]:
        """The Secret's annotations; none where it does not exist."""
        secret = self._get(SECRETS, name, namespace)
        return dict((secret or {}).get("metadata", {}).get("annotations") or {})

    def add_to_secret(self, namespace: str, name: str, values: dict[str, str]) -> None:
        """Set these keys; all others stay."""
        self._patch(SECRETS, name, {"stringData": values}, namespace)

    def change_secret(
        self,
        namespace: str,
        name: str,
        values: Mapping[str, str],
        *,
        removed: Iterable[str],
        annotations: Mapping[str, str],
    ) -> None:
        """Set these keys and annotations and remove others, all at once; what is not named stays."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        change = {"metadata": {"annotations": dict(annotations)}, "data": {**dict.fromkeys(removed), **data}}
        self._patch(SECRETS, name, change, namespace)

    def remove_from_secret(self, namespace: str, name: str, keys: Iterable[str]) -> None:
        """Remove these keys; all others stay. A missing one is no error."""
        self._patch(SECRETS, name, {"data": dict.fromkeys(keys)}, namespace)

    def fill_secret(self, namespace: str, name: str, values: dict[str, str]) -> None:
        """Set these keys if the Secret has none. Of two callers at once, the second changes nothing."""
        found = self._get(SECRETS, name, namespace)
        if found and not found.get("data"):
            version = {"resourceVersion": found["metadata"]["resourceVersion"]}
            with suppress(Conflict):
                self._patch(SECRETS, name, {"metadata": version, "stringData": values}, namespace)

    def delete_secret(self, namespace: str, name: str) -> None:
        """Delete a Secret; a missing one is no error."""
        self._delete(SECRETS, name, namespace)

    def read_pull_secret(self, source: str) -> Object:
        """The Secret `source` ("namespace/name") with a registry's login.

        Raises JobFailed where it is missing or of another type.
        """
        namespace, name = source.split("/")
        found = self._get(SECRETS, name, namespace)
        if not found or found["type"] != REGISTRY_LOGIN:
            state = f"not of the type {REGISTRY_LOGIN}" if found else "missing"
            what = f"The Secret {source}, by which stores pull their images, is {state}."
            create = f"kubectl -n {namespace} create secret docker-registry {name} --from-file=auth.json"
            raise JobFailed(what, "", f"Create it: {create}")
        return found

    def copy_pull_secret(self, namespace: str, source: str) -> None:
        """Copy the registry's login `source` into the namespace, for all its pods.

        `source` is "namespace/name". The namespace's ServiceAccount `default` names the copy.
        Raises JobFailed where the source is missing.
        """
        found = self.read_pull_secret(source)
        body: Object = {"metadata": {"name": PULL_SECRET}, "type": found["type"], "data": found["data"]}
        if not self._create(SECRETS, body, namespace):
            self._patch(SECRETS, PULL_SECRET, {"data": found["data"]}, namespace)
        body = {"metadata": {"name": "default"}, "imagePullSecrets": [{"name": PULL_SECRET}]}
        if not self._create(SERVICE_ACCOUNTS, body, namespace):
            self._patch(SERVICE_ACCOUNTS, "default", body, namespace)

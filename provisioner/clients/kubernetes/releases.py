"""Helm's releases, as the labels of its Secrets describe them.

Helm keeps each revision of a release in a Secret, and finds it by these labels itself (helm.sh/docs: storage backends;
pkg/storage/driver/secrets.go). Reading them starts no helm process, as `helm list` would.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from provisioner.clients import helm_records
from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import Object, selector
from provisioner.clients.kubernetes.resources import SECRETS

PENDING = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")


@dataclass(frozen=True)
class Release:
    """A revision of a release.

    `status` is helm's word, such as deployed; `record` is the name of the Secret.
    """

    revision: int
    status: str
    record: str

    @property
    def stuck(self) -> bool:
        """Whether a killed helm left the revision pending."""
        return self.status in PENDING


class Releases(Api):
    """Releases, by namespace and name."""

    def revisions(self, namespace: str, name: str) -> list[Release]:
        """The release's revisions that helm keeps, oldest first; none without a release."""
        found = self._records(namespace, name)
        labels = [(secret["metadata"]["labels"], secret["metadata"]["name"]) for secret in found]
        releases = [Release(int(of["version"]), of["status"], record) for of, record in labels]
        return sorted(releases, key=lambda release: release.revision)

    def release(self, namespace: str, name: str) -> Release | None:
        """The release's newest revision, or None without a release."""
        return next(reversed(self.revisions(namespace, name)), None)

    def records(self, namespace: str, name: str) -> list[dict[str, Any]]:
        """What helm keeps of each of the release's revisions, oldest first: see helm_records.decode."""
        texts = [b64decode(secret["data"][helm_records.KEY]).decode() for secret in self._records(namespace, name)]
        return sorted(map(helm_records.decode, texts), key=lambda record: int(record["version"]))

    def _records(self, namespace: str, name: str) -> list[Object]:
        labels = selector({"owner": "helm", "name": name})
        return self._list(SECRETS, namespace, query={"labelSelector": labels})


def record_name(release: str, revision: int) -> str:
    """The name of helm's Secret with a revision of a release."""
    return f"sh.helm.release.v1.{release}.v{revision}"

"""Kubernetes Jobs: the bot's own workers, and the migrations of store charts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import COMPONENT, Object, end_reason, selector


class Jobs(Api):
    """Kubernetes Jobs, by namespace and name."""

    def job(self, namespace: str, name: str) -> Object | None:
        return self._find(self._batch.read_namespaced_job, name, namespace)

    def jobs(self, namespace: str, labels: Mapping[str, str]) -> list[Object]:
        """Jobs with all these labels."""
        return self._list(self._batch.list_namespaced_job, namespace, label_selector=selector(labels))

    def active_jobs(self, namespace: str, component: str) -> list[str]:
        """Names of a component's Jobs that have not ended."""
        return [job["metadata"]["name"] for job in self.jobs(namespace, {COMPONENT: component}) if not end_reason(job)]

    def create_job(self, namespace: str, manifest: Object) -> Object | None:
        """The created Job; None where a Job of that name exists."""
        return self._created(self._batch.create_namespaced_job, namespace, manifest)

    def delete_job(self, namespace: str, name: str) -> None:
        """Start the deletion of a Job.

        The Job exists until its pods are gone. A missing Job is no error.
        """
        self._delete(namespace, name, "Foreground")

    def stop_job(self, namespace: str, name: str) -> None:
        """Delete a Job at once, and its pods in the background.

        A missing Job is no error.
        """
        self._delete(namespace, name, "Background")

    def _delete(self, namespace: str, name: str, propagation: str) -> None:
        delete = partial(self._batch.delete_namespaced_job, propagation_policy=propagation)
        self._find(delete, name, namespace)

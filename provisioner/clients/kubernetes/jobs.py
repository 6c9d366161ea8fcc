"""Kubernetes Jobs: the bot's own workers, and the migrations of store charts."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import COMPONENT, Object, end_reason, selector
from provisioner.clients.kubernetes.resources import JOBS


class Jobs(Api):
    """Kubernetes Jobs, by namespace and name."""

    def job(self, namespace: str, name: str) -> Object | None:
        return self._get(JOBS, name, namespace)

    def jobs(self, namespace: str, labels: Mapping[str, str]) -> list[Object]:
        """Jobs with all these labels."""
        return self._list(JOBS, namespace, query={"labelSelector": selector(labels)})

    def active_jobs(self, namespace: str, component: str) -> list[str]:
        """Names of a component's Jobs that have not ended."""
        return [job["metadata"]["name"] for job in self.jobs(namespace, {COMPONENT: component}) if not end_reason(job)]

    def create_job(self, namespace: str, manifest: Object) -> Object | None:
        """The created Job; None where a Job of that name exists."""
        return self._create(JOBS, manifest, namespace)

    def delete_job(self, namespace: str, name: str) -> None:
        """Start the deletion of a Job.

        The Job exists until its pods are gone. A missing Job is no error.
        """
        self._delete(JOBS, name, namespace, query={"propagationPolicy": "Foreground"})

    def stop_job(self, namespace: str, name: str) -> None:
        """Delete a Job at once, and its pods in the background.

        A missing Job is no error.
        """
        self._delete(JOBS, name, namespace, query={"propagationPolicy": "Background"})

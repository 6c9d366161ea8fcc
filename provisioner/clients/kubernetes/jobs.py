"""Kubernetes Jobs: the bot's own workers, and the migrations of store charts."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import COMPONENT, STOPPED, Object, end_reason, selector
from provisioner.clients.kubernetes.resources import CRON_JOBS, JOBS


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

    def cron_job(self, namespace: str, name: str) -> Object | None:
        return self._get(CRON_JOBS, name, namespace)

    def suspend_cron_jobs(self, namespace: str) -> None:
        """Suspend the CronJobs that run, until `resume_cron_jobs`."""
        for found in self._list(CRON_JOBS, namespace):
            if not found["spec"].get("suspend"):
                change = {"metadata": {"annotations": {STOPPED: "true"}}, "spec": {"suspend": True}}
                self._patch_if_there(CRON_JOBS, found["metadata"]["name"], change, namespace)

    def resume_cron_jobs(self, namespace: str) -> None:
        """Undo `suspend_cron_jobs`."""
        for found in self._list(CRON_JOBS, namespace):
            if STOPPED in found["metadata"].get("annotations", {}):
                change = {"metadata": {"annotations": {STOPPED: None}}, "spec": {"suspend": False}}
                self._patch_if_there(CRON_JOBS, found["metadata"]["name"], change, namespace)

    def start_job(self, namespace: str, cron_job: Object, name: str, environment: Mapping[str, str]) -> None:
        """Start a Job of a CronJob, as `kubectl create job --from` does; one of that name is left as it is.

        Each container gets the variables `environment`.
        """
        template = copy.deepcopy(cron_job["spec"]["jobTemplate"])
        pod = template["spec"]["template"]["spec"]
        for container in (*pod.get("initContainers", []), *pod["containers"]):
            others = [variable for variable in container.get("env", []) if variable["name"] not in environment]
            container["env"] = others + [{"name": key, "value": value} for key, value in environment.items()]
        owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": cron_job["metadata"]["name"]}
        owner["uid"] = cron_job["metadata"]["uid"]
        metadata = {"name": name, "labels": template["metadata"]["labels"], "ownerReferences": [owner]}
        self.create_job(namespace, {"metadata": metadata, "spec": template["spec"]})

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

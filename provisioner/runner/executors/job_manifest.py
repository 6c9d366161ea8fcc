"""The Kubernetes Job of a job: our own image, nothing of Slack's, a pod as restricted as a store's."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from provisioner.clients.kubernetes.objects import COMPONENT, Object
from provisioner.domain.job import ROLLBACK_GRACE_SECONDS
from provisioner.domain.store import INSTANCE, JOB, STORE, STORE_ID
from provisioner.runner.executors.job_protocol import VARIABLE, JobPayload

CONTAINER = "worker"
KEPT = 86_400  # seconds for which a Job that ended is kept: nobody may have heard its end yet
LET_GO = 10  # seconds from being asked to stop to being stopped


@dataclass(frozen=True)
class Worker:
    """What an operator decides about these pods. `pod` is laid over the pod's spec and `container` over its container:
    lists are added to ours, everything else takes the place of ours."""

    image: str
    pod: dict[str, Any] = field(default_factory=dict)
    container: dict[str, Any] = field(default_factory=dict)


def name_of(payload: JobPayload) -> str:
    """One Job for a job: the API server lets no second one be made while there is a first."""
    return f"{payload.store.name}-{payload.job.kind}-{payload.job.id}"


def labels_of(payload: JobPayload) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "storewright",
        "app.kubernetes.io/managed-by": "storewright",
        COMPONENT: CONTAINER,
        INSTANCE: payload.terms.instance,
        JOB: payload.job.id,
        STORE: payload.store.name,
        STORE_ID: payload.store.id,
    }


def manifest_of(payload: JobPayload, worker: Worker, seconds: float) -> Object:
    """`seconds` are left for the job. Raises JobFailed where the payload is too long."""
    labels = labels_of(payload)
    return {
        "metadata": {"name": name_of(payload), "labels": labels},
        "spec": {
            "backoffLimit": 0,  # whether it is tried again the ledger says
            "activeDeadlineSeconds": math.ceil(seconds + ROLLBACK_GRACE_SECONDS),
            "ttlSecondsAfterFinished": KEPT,
            "template": {"metadata": {"labels": labels}, "spec": _laid_over(_pod(payload, worker), worker.pod)},
        },
    }


def _pod(payload: JobPayload, worker: Worker) -> Object:
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": LET_GO,
        "enableServiceLinks": False,
        **_account(payload.terms.service_account),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_laid_over(_container(payload, worker.image), worker.container)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }


def _account(service_account: str | None) -> Object:
    """Ours, in whose namespace the Job is made."""
    if not service_account:
        return {}
    return {"serviceAccountName": service_account.split("/")[1], "automountServiceAccountToken": True}


def _container(payload: JobPayload, image: str) -> Object:
    return {
        "name": CONTAINER,
        "image": image,
        "command": ["python3", "-m", "provisioner.runner.executors.worker_main"],
        "env": [{"name": VARIABLE, "value": payload.as_text()}, {"name": "HOME", "value": "/tmp"}],  # noqa: S108
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _laid_over(ours: Object, theirs: Object) -> Object:
    both = {key: ours[key] + value for key, value in theirs.items() if isinstance(ours.get(key), list)}
    return {**ours, **theirs, **both}

"""The manifest of a worker's Kubernetes Job.

It has the bot's own image, none of Slack's tokens, and a restricted pod.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from provisioner.clients.kubernetes.objects import COMPONENT, Object
from provisioner.domain.job import Job
from provisioner.domain.store import INSTANCE, JOB, STORE, STORE_ID
from provisioner.runner.executors.job_protocol import PAYLOAD_VARIABLE, JobPayload

CONTAINER = "worker"
TTL_SECONDS = 86_400  # an ended Job stays this long: the bot may not have read its end yet
STOP_SECONDS = 10  # from SIGTERM to SIGKILL
NOBODY = 65532  # the user and group of the bot's image


@dataclass(frozen=True)
class Worker:
    """The operator's settings for these pods.

    `pod` overrides the pod's spec and `container` its container: lists are appended to ours, every other value replaces
    ours.
    """

    image: str
    pod: dict[str, Any] = field(default_factory=dict)
    container: dict[str, Any] = field(default_factory=dict)


def name_of(job: Job) -> str:
    """The name of the job's Kubernetes Job, or of the one that takes back what a cancelled job did.

    The API server allows no second Job of that name.
    """
    return f"{job.store}-{job.kind}-{job.id}" + ("-undo" if job.cancelled_by else "")


def labels_of(payload: JobPayload) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "storewright",
        "app.kubernetes.io/managed-by": "storewright",
        **worker_labels(payload.defaults.instance),
        JOB: payload.job.id,
        STORE: payload.store.name,
        STORE_ID: payload.store.id,
    }


def worker_labels(instance: str) -> dict[str, str]:
    """The labels by which all workers of an instance are found."""
    return {COMPONENT: CONTAINER, INSTANCE: instance}


def manifest_of(payload: JobPayload, worker: Worker, seconds: float) -> Object:
    """The manifest of the job's Kubernetes Job; `seconds` are left for it.

    Raises JobFailed where the payload is too long.
    """
    labels = labels_of(payload)
    return {
        "metadata": {"name": name_of(payload.job), "labels": labels},
        "spec": {
            "backoffLimit": 0,  # the scheduler retries, nobody else
            "activeDeadlineSeconds": math.ceil(seconds + payload.defaults.grace_seconds),
            "ttlSecondsAfterFinished": TTL_SECONDS,
            "template": {"metadata": {"labels": labels}, "spec": _merged(_pod(payload, worker), worker.pod)},
        },
    }


def _pod(payload: JobPayload, worker: Worker) -> Object:
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": STOP_SECONDS,
        "enableServiceLinks": False,
        **_account(payload.defaults.service_account),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": NOBODY,
            "runAsGroup": NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_merged(_container(payload, worker.image), worker.container)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }


def _account(service_account: str | None) -> Object:
    """The bot's own ServiceAccount; the Job runs in its namespace."""
    if not service_account:
        return {}
    return {"serviceAccountName": service_account.split("/")[1], "automountServiceAccountToken": True}


def _container(payload: JobPayload, image: str) -> Object:
    return {
        "name": CONTAINER,
        "image": image,
        "command": ["python3", "-m", "provisioner.runner.executors.worker_main"],
        "env": [{"name": PAYLOAD_VARIABLE, "value": payload.as_text()}, {"name": "HOME", "value": "/tmp"}],  # noqa: S108
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _merged(ours: Object, theirs: Object) -> Object:
    both = {key: ours[key] + value for key, value in theirs.items() if isinstance(ours.get(key), list)}
    return {**ours, **theirs, **both}

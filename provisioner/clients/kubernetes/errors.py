"""Typed errors of the Kubernetes API.

The type says whether another attempt makes sense.

StorewrightError
├── ClusterNotConfigured
├── Transient               401, 429, 5xx, no answer
│   ├── Conflict            409
│   └── NotAllowedYet       403 that passes by itself
└── JobFailed               every other status
    ├── NotFound            404
    └── Forbidden           403: a permission is missing
"""

from __future__ import annotations

import json

from kubernetes.client import ApiException

from provisioner.clients.kubernetes.permissions import Permission
from provisioner.domain.errors import JobFailed, StorewrightError, Transient


class ClusterNotConfigured(StorewrightError):
    """No kubeconfig, and this process does not run in a cluster."""


class NotFound(JobFailed):
    """404: no such object."""


class Forbidden(JobFailed):
    """403: RBAC does not allow it, and will not by itself."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        super().__init__(f"Kubernetes does not allow the bot to {permission}.", "", permission.remedy)


class NotAllowedYet(Transient):
    """403 that passes by itself.

    An admission policy may be of another release than the bot while the bot is upgraded, a new RoleBinding takes a
    moment, and a namespace that is being deleted takes nothing new.
    """


class Conflict(Transient):
    """409: the object exists already, or has changed since it was read."""


def typed(error: ApiException) -> StorewrightError:
    """The error for a status and message of the API server."""
    try:
        message = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        message = str(error.reason)
    if error.status == 404:
        return NotFound(f"Kubernetes does not have it: {message}")
    if error.status == 409:
        return Conflict(f"Kubernetes says it is there already: {message}")
    if error.status == 403:
        permission = Permission.missing_in(message)
        return Forbidden(permission) if permission else NotAllowedYet(f"Kubernetes refused for now (403): {message}")
    if error.status in (401, 429) or error.status >= 500:
        return Transient(f"Kubernetes refused for now ({error.status}): {message}")
    what = f"Kubernetes refused ({error.status}): {message}"
    return JobFailed(what, "", "Correct the chart or STORE_LIMITS, then retry.")


def brief(error: Exception) -> str:
    """The error's type and the start of its text."""
    return f"{type(error).__name__}: {str(error)[:200]}"

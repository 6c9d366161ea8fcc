"""The connection to one API server: configuration, calls and their fence.

Calls are made by path. The kubernetes package has a method for each, but those take 2 CPU seconds to import and need
pydantic models of all that they send, and each worker is a process of its own.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

import urllib3
from kubernetes import client, config

from provisioner.clients.kubernetes.errors import (
    ClusterNotConfigured,
    Conflict,
    Forbidden,
    NotAllowedYet,
    NotFound,
    brief,
    typed,
)
from provisioner.clients.kubernetes.objects import Object, is_terminating
from provisioner.clients.kubernetes.permissions import NewBindings
from provisioner.clients.kubernetes.resources import NAMESPACES, Resource
from provisioner.clients.kubernetes.streams import LineStream
from provisioner.domain.errors import StorewrightError, Transient

CONNECTIONS_PER_JOB = 2  # one watch or log that stays open, and one call at a time
OTHER_CONNECTIONS = 8  # the lease, readiness probes, the sweep, the shared watch, credential pages
TIMEOUT_SECONDS = (5, 30)  # to connect, to answer
STREAM_IDLE_SECONDS = 75  # the longest silence of a watch or a followed log
JSON = "application/json"
MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
OWN_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Api:
    """One API server.

    The subjects (namespaces, Secrets, …) are subclasses, and `Cluster` has all of them.
    Every method raises Transient where the API server can't be reached or asks for patience, and JobFailed where it
    refuses for good.
    """

    def __init__(self, kubeconfig: Path | None = None, context: str | None = None, *, max_jobs: int = 1) -> None:
        """Read the configuration; nothing is sent.

        `max_jobs` is the number of jobs that may run at once; enough connections are kept open for them.
        The attribute `own_namespace` is the namespace of this pod, or of the kubeconfig's context.
        Raises ClusterNotConfigured.
        """
        configuration = client.Configuration()
        try:
            if kubeconfig or context:
                path = str(kubeconfig) if kubeconfig else None
                config.load_kube_config(path, context, configuration)
                self.own_namespace = _namespace_of(path, context)
            else:
                config.load_incluster_config(configuration)
                self.own_namespace = OWN_NAMESPACE_FILE.read_text().strip()
        except (config.ConfigException, OSError) as error:
            hint = "Set KUBECONFIG (and KUBE_CONTEXT), or run the bot inside the cluster."
            raise ClusterNotConfigured("No Kubernetes cluster is configured.", str(error), hint) from None
        configuration.connection_pool_maxsize = CONNECTIONS_PER_JOB * max_jobs + OTHER_CONNECTIONS
        configuration.retries = 0  # the scheduler retries, nobody else
        self._client = client.ApiClient(configuration)
        self._new_bindings = NewBindings()
        self._kinds: dict[str, dict[str, str]] = {}  # those that the cluster serves: apiVersion -> kind -> plural
        self._fence: Callable[[], None] = lambda: None

    def fenced(self, fence: Callable[[], None]) -> Self:
        """A copy that calls `fence` before each call.

        `fence` raises once this process may not work any more.
        """
        fenced = copy.copy(self)
        fenced._fence = fence
        return fenced

    def version(self) -> str:
        """The API server's version, such as v1.34.4."""
        return str(self._call("GET", "/version")["gitVersion"])

    def permissions_pending(self, namespace: str) -> str:
        """Why a missing permission may be granted soon, or ''."""
        if self._new_bindings.is_new(namespace):
            return "The bot's RoleBinding there is new and does not work on every API server yet."
        if not namespace:
            return ""
        try:
            going = is_terminating(json.loads(self._send("GET", NAMESPACES.path(name=namespace)).data))
        except client.ApiException as error:
            going = error.status == 404
        except (urllib3.exceptions.HTTPError, ValueError):
            going = False
        return f"The namespace {namespace} is being deleted." if going else ""

    # --- calls, for the subjects --------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, body: Object | None = None, **options: Any) -> Object:
        """The API server's answer; for the options see `_send`.

        Raises Transient or JobFailed, and what the fence raises."""
        self._fence()
        try:
            parsed: Object = json.loads(self._send(method, path, body, **options).data)
            return parsed
        except client.ApiException as error:
            raise self._typed(error) from error
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Transient("The Kubernetes API can't be reached.", brief(error)) from error

    def _get(self, resource: Resource, name: str, namespace: str = "", **options: Any) -> Object | None:
        """The object; None if there is no such object."""
        try:
            return self._call("GET", resource.path(namespace, name), **options)
        except NotFound:
            return None

    def _get_soon(self, resource: Resource, name: str, namespace: str, seconds: float) -> Object | None:
        """The object; None too without an answer within so many seconds. For people who wait."""
        try:
            parsed: Object = json.loads(self._send("GET", resource.path(namespace, name), timeout=seconds).data)
            return parsed
        except (client.ApiException, urllib3.exceptions.HTTPError, ValueError):
            return None

    def _list(self, resource: Resource, namespace: str = "", **options: Any) -> list[Object]:
        items: list[Object] = self._call("GET", resource.path(namespace), **options)["items"]
        return items

    def _create(self, resource: Resource, body: Object, namespace: str = "", **options: Any) -> Object | None:
        """The created object; None where an object of that name exists."""
        try:
            return self._call("POST", resource.path(namespace), body, **options)
        except Conflict:
            return None

    def _patch(self, resource: Resource, name: str, change: Object, namespace: str = "", **options: Any) -> None:
        """Merge `change` into the object. Raises NotFound if there is no such object."""
        self._call("PATCH", resource.path(namespace, name), change, **options)

    def _patch_if_there(self, resource: Resource, name: str, change: Object, namespace: str) -> None:
        with suppress(NotFound):
            self._patch(resource, name, change, namespace)

    def _delete(self, resource: Resource, name: str, namespace: str = "", **options: Any) -> None:
        """Start the deletion of an object; a missing one is no error."""
        with suppress(NotFound):
            self._call("DELETE", resource.path(namespace, name), **options)

    def _stream(self, path: str, query: Mapping[str, Any]) -> LineStream:
        """A long answer, line by line; the request is sent when it is iterated."""
        timeout = (TIMEOUT_SECONDS[0], STREAM_IDLE_SECONDS)
        return LineStream(partial(self._send, "GET", path, query=query, timeout=timeout), self._typed)

    def _send(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        timeout: tuple[int, int] | float = TIMEOUT_SECONDS,
        patch_type: str = MERGE_PATCH,
    ) -> Any:
        """Send a request; urllib3's answer, with its body unread. `timeout` is to connect and to answer, or for both.

        Raises ApiException for a refusal, and the errors of urllib3.
        """
        headers = {"Accept": "application/json", "Content-Type": patch_type if method == "PATCH" else JSON}
        request = self._client.param_serialize(
            method, path, {}, dict(query or {}), headers, body, auth_settings=["BearerToken"]
        )
        answer = self._client.call_api(*request, _request_timeout=timeout)
        if not 200 <= answer.status <= 299:
            answer.read()
            raise client.ApiException(http_resp=answer)
        return answer.response

    def _typed(self, error: client.ApiException) -> StorewrightError:
        refused = typed(error)
        if isinstance(refused, Forbidden) and (why := self.permissions_pending(refused.permission.namespace)):
            return NotAllowedYet(f"Kubernetes does not allow the bot to {refused.permission} yet.", why)
        return refused


def _namespace_of(kubeconfig: str | None, context: str | None) -> str:
    contexts, current = config.list_kube_config_contexts(kubeconfig)
    chosen = next((c for c in contexts if c["name"] == context), current)
    return str(chosen["context"].get("namespace", "default"))

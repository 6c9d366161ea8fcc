"""The only module that imports kubernetes: namespaces, Secrets, watches, events, logs and volumes, as plain dicts."""

from __future__ import annotations

import base64
import copy
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.watch import Watch

from provisioner.diagnosis import COMPONENT, backs_off, broken, ended
from provisioner.domain.errors import JobFailed, StorewrightError, Transient
from provisioner.domain.store import PREFIX
from provisioner.log_context import carried

Object = dict[str, Any]
CONNECTIONS = 160  # a watch, a log and a few calls for each of many jobs at once
TIMEOUT = (5, 30)  # seconds to connect, to answer
HASTE = (2, 4)  # the same where an answer that comes late is of no use
WATCH = 60  # seconds after which a watch is begun anew
OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
PULL_SECRET = "image-pull"  # noqa: S105  (the name of a Secret in stores' namespaces)
log = logging.getLogger(__name__)


class ClusterNotConfigured(StorewrightError):
    """There is no kubeconfig and we do not run in a cluster."""


class Cluster:
    """One Kubernetes cluster. Every method raises Transient where the API can't be reached or asks for patience,
    JobFailed where it refuses for good."""

    def __init__(self, kubeconfig: Path | None = None, context: str | None = None) -> None:
        """Reads the configuration only; nothing is dialled. `home` is the namespace we are in: the pod's own, or what
        the kubeconfig's context says. Raises ClusterNotConfigured."""
        configuration = client.Configuration()
        try:
            if kubeconfig or context:
                config.load_kube_config(str(kubeconfig) if kubeconfig else None, context, configuration)
                self.home = _namespace_of(str(kubeconfig) if kubeconfig else None, context)
            else:
                config.load_incluster_config(configuration)
                self.home = OWN_NAMESPACE.read_text().strip()
        except (config.ConfigException, OSError) as error:
            hint = "Set KUBECONFIG (and KUBE_CONTEXT), or run the bot inside the cluster."
            raise ClusterNotConfigured("No Kubernetes cluster is configured.", str(error), hint) from None
        configuration.connection_pool_maxsize = CONNECTIONS
        configuration.retries = 0  # one retry layer: the scheduler's
        self._api = client.ApiClient(configuration)
        self._core = client.CoreV1Api(self._api)
        self._apps = client.AppsV1Api(self._api)
        self._batch = client.BatchV1Api(self._api)
        self._rbac = client.RbacAuthorizationV1Api(self._api)
        self._leases = client.CoordinationV1Api(self._api)
        self._fence: Callable[[], None] = lambda: None

    def fenced(self, fence: Callable[[], None]) -> Cluster:
        """The same, for work that may lose its right to go on: `fence` is called before each call, and raises then."""
        fenced = copy.copy(self)
        fenced._fence = fence
        return fenced

    def version(self) -> str:
        """Such as v1.34.4."""
        return str(self._call(client.VersionApi(self._api).get_code)["gitVersion"])

    # --- namespaces -----------------------------------------------------------------------------------------------

    def namespace(self, name: str) -> Object | None:
        return self._find(self._core.read_namespace, name)

    def namespaces(self, labels: dict[str, str]) -> list[Object]:
        """Namespaces with all these labels."""
        return self._list(self._core.list_namespace, label_selector=_selector(labels))

    def create_namespace(self, name: str, labels: dict[str, str], annotations: dict[str, str]) -> bool:
        """False where there is one of that name."""
        meta = {"name": name, "labels": labels, "annotations": annotations}
        return self._create(self._core.create_namespace, {"metadata": meta})

    def mark_namespace(
        self, name: str, annotations: Mapping[str, str | None], labels: Mapping[str, str] | None = None
    ) -> None:
        """Set annotations (None takes one away) and labels; others stay."""
        meta = {"annotations": dict(annotations), "labels": dict(labels or {})}
        self._call(self._core.patch_namespace, name, {"metadata": meta})

    def delete_namespace(self, name: str) -> None:
        """Ask for its end; watch for it with `watch_namespace`. No error where it is gone already.

        Its workloads and claims go first: the namespace controller looks after 5 s, and where a pod or a claim is left
        then, only some 8 s later again."""
        with suppress(Forbidden):  # on its way already, and our RoleBinding with it
            self._each(self._apps.list_namespaced_deployment, self._apps.delete_namespaced_deployment, name)
            self._each(self._apps.list_namespaced_stateful_set, self._apps.delete_namespaced_stateful_set, name)
            claims = self._core.list_namespaced_persistent_volume_claim
            self._each(claims, self._core.delete_namespaced_persistent_volume_claim, name)
        self._find(self._core.delete_namespace, name)

    def ensure_limits(self, namespace: str, quota: dict[str, str], limit_range: Object) -> None:
        """The ResourceQuota and LimitRange of a store's namespace, made or brought up to date."""
        name = "store"
        body: Object = {"metadata": {"name": name}, "spec": {"hard": quota}}
        if not self._create(self._core.create_namespaced_resource_quota, namespace, body):
            self._call(self._core.patch_namespaced_resource_quota, name, namespace, body)
        body = {"metadata": {"name": name}, "spec": {"limits": [limit_range]}}
        if not self._create(self._core.create_namespaced_limit_range, namespace, body):
            self._call(self._core.patch_namespaced_limit_range, name, namespace, body)

    def bind_ourselves(self, namespace: str, role: str, service_account: str) -> None:
        """Bind ClusterRole `role` in the namespace to `service_account` ("namespace/name"): our rights end there."""
        account_namespace, account = service_account.split("/")
        subject = {"kind": "ServiceAccount", "namespace": account_namespace, "name": account}
        body = {
            "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        }
        self._create(self._rbac.create_namespaced_role_binding, namespace, body)

    # --- secrets --------------------------------------------------------------------------------------------------

    def create_secret(self, namespace: str, name: str, values: dict[str, str]) -> bool:
        """False where there is one of that name, which is left as it is."""
        body = {"metadata": {"name": name}, "type": "Opaque", "stringData": values}
        return self._create(self._core.create_namespaced_secret, namespace, body)

    def read_secret(self, namespace: str, name: str) -> dict[str, str]:
        """Its keys and values. Raises JobFailed where it does not exist."""
        secret = self._find(self._core.read_namespaced_secret, name, namespace)
        if secret is None:
            raise JobFailed(f"The Secret {namespace}/{name} is missing.", "Somebody deleted it.")
        return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}

    def add_to_secret(self, namespace: str, name: str, values: dict[str, str]) -> None:
        """Set these keys of it; others stay."""
        self._call(self._core.patch_namespaced_secret, name, namespace, {"stringData": values})

    def delete_secret(self, namespace: str, name: str) -> None:
        """No error where there is none."""
        self._find(self._core.delete_namespaced_secret, name, namespace)

    def pull_secret(self, source: str) -> Object:
        """The Secret `source` ("namespace/name") of a registry. Raises JobFailed where it is none."""
        namespace, name = source.split("/")
        found = self._find(self._core.read_namespaced_secret, name, namespace)
        if not found or found["type"] != "kubernetes.io/dockerconfigjson":
            state = "another thing" if found else "missing"
            what = f"The Secret {source}, by which stores pull their images, is {state}."
            make = f"kubectl -n {namespace} create secret docker-registry {name} --from-file=auth.json"
            raise JobFailed(what, "", f"Make it: {make}")
        return found

    def give_pull_secret(self, namespace: str, source: str) -> None:
        """Let every pod of the namespace pull images by `source`: a copy, which the ServiceAccount `default` names.

        Raises JobFailed where there is no such Secret."""
        found = self.pull_secret(source)
        body: Object = {"metadata": {"name": PULL_SECRET}, "type": found["type"], "data": found["data"]}
        if not self._create(self._core.create_namespaced_secret, namespace, body):
            self._call(self._core.patch_namespaced_secret, PULL_SECRET, namespace, {"data": found["data"]})
        body = {"metadata": {"name": "default"}, "imagePullSecrets": [{"name": PULL_SECRET}]}
        if not self._create(self._core.create_namespaced_service_account, namespace, body):
            self._call(self._core.patch_namespaced_service_account, "default", namespace, body)

    # --- pods and what tells of them ------------------------------------------------------------------------------

    def workloads(self, namespace: str) -> list[Object]:
        """Its Deployments and StatefulSets."""
        deployments = self._list(self._apps.list_namespaced_deployment, namespace)
        return deployments + self._list(self._apps.list_namespaced_stateful_set, namespace)

    def pods(self, namespace: str) -> list[Object]:
        return self._list(self._core.list_namespaced_pod, namespace)

    def jobs_at_work(self, namespace: str, component: str) -> list[str]:
        """The names of a component's Jobs that have not ended."""
        jobs = self._list(self._batch.list_namespaced_job, namespace, label_selector=_selector({COMPONENT: component}))
        return [job["metadata"]["name"] for job in jobs if not ended(job)]

    def stop_job(self, namespace: str, name: str) -> None:
        """Remove a Job and its pods. No error where there is none."""
        remove = partial(self._batch.delete_namespaced_job, propagation_policy="Background")
        self._find(remove, name, namespace)

    def claims(self, namespace: str) -> list[Object]:
        return self._list(self._core.list_namespaced_persistent_volume_claim, namespace)

    def warnings(self, namespace: str) -> list[Object]:
        """Its Warning events."""
        return self._list(self._core.list_namespaced_event, namespace, field_selector="type=Warning")

    def log_tail(self, namespace: str, pod: str, container: str, lines: int = 15) -> str:
        """The last lines of the container's log, of its former run where this one has said nothing; '' if none."""
        for previous in (False, True):
            try:
                answer = self._core.read_namespaced_pod_log(
                    pod, namespace, container=container, tail_lines=lines, previous=previous,
                    _preload_content=False, _request_timeout=TIMEOUT,
                )  # fmt: skip
            except (client.ApiException, urllib3.exceptions.HTTPError):
                continue
            if text := answer.data.decode(errors="replace").strip():
                return str(text)
        return ""

    def restart_backing_off(self, namespace: str, suspects: Collection[str] = ()) -> None:
        """End kubelet's and the controllers' back-off, so that a mended cause is seen at once and not minutes later.

        Of the `suspects` (pod names) those go too that are still broken: a StatefulSet waits for them for ever."""
        pods = self.pods(namespace)
        still = broken(pods) & set(suspects)
        for pod in pods:
            if backs_off(pod) or pod["metadata"]["name"] in still:
                self._find(self._core.delete_namespaced_pod, pod["metadata"]["name"], namespace)
        nudge = {"metadata": {"annotations": {PREFIX + "nudged-at": str(time.time())}}}
        self._each(self._apps.list_namespaced_replica_set, self._apps.patch_namespaced_replica_set, namespace, nudge)
        self._each(self._apps.list_namespaced_stateful_set, self._apps.patch_namespaced_stateful_set, namespace, nudge)

    # --- watches --------------------------------------------------------------------------------------------------

    @contextmanager
    def watch_pods(self, namespace: str, labels: Mapping[str, str] | None = None) -> Iterator[Snapshots]:
        """Those with all these labels."""
        where = {"namespace": namespace, "label_selector": _selector(labels or {})}
        with self._watch(self._core.list_namespaced_pod, **where) as snapshots:
            yield snapshots

    @contextmanager
    def watch_namespace(self, name: str) -> Iterator[Snapshots]:
        with self._watch(self._core.list_namespace, field_selector=f"metadata.name={name}") as snapshots:
            yield snapshots

    @contextmanager
    def watch_volumes(self, namespace: str) -> Iterator[Snapshots]:
        """Persistent volumes that were claimed from this namespace, also after it is gone."""
        with self._watch(self._core.list_persistent_volume) as snapshots:
            snapshots.only = lambda v: (v["spec"].get("claimRef") or {}).get("namespace") == namespace
            yield snapshots

    @contextmanager
    def _watch(self, lister: Callable[..., Any], **where: Any) -> Iterator[Snapshots]:
        snapshots = Snapshots(lambda: self._call(lister, **where), lister, where)
        thread = threading.Thread(target=carried(snapshots.follow), name="watch", daemon=True)
        thread.start()
        try:
            yield snapshots
        finally:
            snapshots.stop()

    # --- jobs of our own --------------------------------------------------------------------------------------------

    def job(self, namespace: str, name: str) -> Object | None:
        return self._find(self._batch.read_namespaced_job, name, namespace)

    def jobs(self, namespace: str, labels: Mapping[str, str]) -> list[Object]:
        """Those with all these labels."""
        return self._list(self._batch.list_namespaced_job, namespace, label_selector=_selector(labels))

    def create_job(self, namespace: str, manifest: Object) -> bool:
        """False where there is one of that name."""
        return self._create(self._batch.create_namespaced_job, namespace, manifest)

    def delete_job(self, namespace: str, name: str) -> None:
        """Ask for its end. It is there until its pods are gone. No error where there is none."""
        remove = partial(self._batch.delete_namespaced_job, propagation_policy="Foreground")
        self._find(remove, name, namespace)

    def log(self, namespace: str, pod: str, container: str, *, follow: bool) -> LogLines:
        """Its whole log, and with `follow` what it says from now on, until it ends. Nothing is asked for yet."""
        read = partial(self._core.read_namespaced_pod_log, pod, namespace, container=container, follow=follow)
        return LogLines(lambda: read(_preload_content=False, _request_timeout=(TIMEOUT[0], WATCH)))

    # --- what only a watcher asks ------------------------------------------------------------------------------------

    def may(self, verb: str, group: str, resource: str, *, namespace: str = "", name: str = "") -> bool:
        """Whether we are allowed this; `resource` may have a subresource, such as pods/log."""
        kind, _, part = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": kind, "subresource": part}
        asked |= {"namespace": namespace, "name": name}
        review = client.AuthorizationV1Api(self._api).create_self_subject_access_review
        return bool(self._call(review, {"spec": {"resourceAttributes": asked}})["status"].get("allowed"))

    def own_name(self) -> str:
        """As the API server knows us, such as system:serviceaccount:storewright:storewright."""
        review = client.AuthenticationV1Api(self._api).create_self_subject_review
        return str(self._call(review, {})["status"]["userInfo"]["username"])

    def rehearse(self, manifest: Object) -> None:
        """Ask the API server whether we could make this Namespace, RoleBinding, Job or Service; none is made. Raises
        what it refuses it with."""
        create: Callable[..., Any] = {
            "Namespace": self._core.create_namespace,
            "RoleBinding": self._rbac.create_namespaced_role_binding,
            "Job": self._batch.create_namespaced_job,
            "Service": self._core.create_namespaced_service,
        }[manifest["kind"]]
        place = manifest["metadata"].get("namespace")
        self._call(create, *([place] if place else []), manifest, dry_run="All")

    def cluster_role(self, name: str) -> Object | None:
        """Raises Forbidden where we may not read it."""
        return self._find(self._rbac.read_cluster_role, name)

    def kinds(self, group_version: str) -> set[str]:
        """The kinds that the cluster serves under an apiVersion; none where it does not know that at all."""
        group, _, version = group_version.rpartition("/")
        if group:
            found = self._find(client.CustomObjectsApi(self._api).get_api_resources, group, version)
        else:
            found = self._find(self._core.get_api_resources)
        return {resource["kind"] for resource in (found or {}).get("resources", [])}

    def storage_classes(self) -> list[Object]:
        """Raises Forbidden where we may not list them."""
        return self._list(client.StorageV1Api(self._api).list_storage_class)

    def ingress_classes(self) -> list[Object]:
        """Raises Forbidden where we may not list them."""
        return self._list(client.NetworkingV1Api(self._api).list_ingress_class)

    def node_images(self) -> set[str]:
        """Names of images that lie on nodes (each node tells of the largest 50). Raises Forbidden as a rule."""
        nodes = self._list(self._core.list_node)
        return {name for node in nodes for image in node["status"].get("images", []) for name in image.get("names", [])}

    # --- leases ---------------------------------------------------------------------------------------------------

    def lease(self, namespace: str, name: str) -> Object | None:
        return self._find(self._leases.read_namespaced_lease, name, namespace, _request_timeout=HASTE)

    def leases(self, name: str) -> list[Object]:
        """Those of that name in all namespaces. Raises Forbidden where we may not list them."""
        lister, where = self._leases.list_lease_for_all_namespaces, f"metadata.name={name}"
        return self._list(lister, field_selector=where, _request_timeout=HASTE)

    def create_lease(self, namespace: str, name: str, spec: Object) -> bool:
        """False where there is one of that name."""
        body = {"metadata": {"name": name}, "spec": spec}
        return self._create(self._leases.create_namespaced_lease, namespace, body, _request_timeout=HASTE)

    def replace_lease(self, lease: Object) -> None:
        """Raises Conflict where it has changed since it was read, which its resourceVersion tells."""
        where = lease["metadata"]["name"], lease["metadata"]["namespace"]
        self._call(self._leases.replace_namespaced_lease, *where, lease, _request_timeout=HASTE)

    # --- calls ----------------------------------------------------------------------------------------------------

    def _call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Object:
        self._fence()
        try:
            answer = method(*args, **{"_request_timeout": TIMEOUT, "_preload_content": False, **kwargs})
            parsed: Object = json.loads(answer.data)
            return parsed
        except client.ApiException as error:
            raise _typed(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise Transient("The Kubernetes API can't be reached.", _brief(error)) from error

    def _find(self, method: Callable[..., Any], *args: Any, **options: Any) -> Object | None:
        try:
            return self._call(method, *args, **options)
        except NotFound:
            return None

    def _each(self, lister: Callable[..., Any], act: Callable[..., Any], namespace: str, *more: Any) -> None:
        """Act on every listed object of the namespace; one that went meanwhile is no error."""
        for found in self._list(lister, namespace):
            self._find(act, found["metadata"]["name"], namespace, *more)

    def _create(self, method: Callable[..., Any], *args: Any, **options: Any) -> bool:
        try:
            self._call(method, *args, **options)
        except Conflict:
            return False
        return True

    def _list(self, method: Callable[..., Any], *args: Any, **where: Any) -> list[Object]:
        items: list[Object] = self._call(method, *args, **where)["items"]
        return items


class Snapshots:
    """The present objects of one list, whenever one changes, kept current by a watch in a thread of its own."""

    def __init__(self, read: Callable[[], Object], lister: Callable[..., Any], where: Object) -> None:
        self._read, self._lister, self._where = read, lister, where
        self._news: queue.Queue[list[Object] | Exception] = queue.Queue()
        self._latest: list[Object] | Exception | None = None
        self.only: Callable[[Object], bool] = lambda _: True
        self._watch: Watch | None = None
        self._stopped = False

    def every(self, tick: float) -> Iterator[list[Object]]:
        """The objects, at each change and at least every `tick` seconds. Raises Transient where the API fails."""
        while True:
            with suppress(queue.Empty):
                self._latest = self._news.get(timeout=tick)
                while True:  # a burst of changes is one look, at the newest
                    self._latest = self._news.get_nowait()
            if isinstance(self._latest, Exception):
                raise self._latest
            if self._latest is not None:
                yield list(filter(self.only, self._latest))

    def stop(self) -> None:
        self._stopped = True
        if self._watch:
            self._watch.stop()

    def follow(self) -> None:
        """List, then watch from there; start over when the watch ends or is too old (410)."""
        while not self._stopped:
            try:
                listed = self._read()
                objects = {o["metadata"]["uid"]: o for o in listed["items"]}
                self._news.put(list(objects.values()))
                self._watch = Watch()
                stream = self._watch.stream(
                    self._lister, **self._where, resource_version=listed["metadata"]["resourceVersion"],
                    timeout_seconds=WATCH, _request_timeout=(TIMEOUT[0], WATCH + 15), deserialize=False,
                )  # fmt: skip
                for event in stream:
                    self._apply(objects, event)
            except StorewrightError as error:
                self._news.put(error)
                return
            except Exception as error:  # noqa: BLE001
                # Whatever ends a watch (410, a broken line, a silent connection), the list that follows tells whether
                # it was more than a hiccup; a thread that died here would leave a job with a frozen picture.
                log.info("a watch ended early: %s", _brief(error))
                time.sleep(0.2)

    def _apply(self, objects: dict[str, Object], event: Object) -> None:
        found = event["object"]
        if event["type"] == "DELETED":
            objects.pop(found["metadata"]["uid"], None)
        else:
            objects[found["metadata"]["uid"]] = found
        self._news.put(list(objects.values()))


class LogLines:
    """A log as it comes. The last line may be missing where the connection broke: only whole ones are given."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self._answer: Any = None
        self._stopped = False

    def __iter__(self) -> Iterator[str]:
        """Raises Transient or JobFailed."""
        try:
            self._answer = self._ask()
            if self._stopped:
                return
            rest = b""
            for part in self._answer.stream(None, decode_content=False):
                *whole, rest = (rest + part).split(b"\n")
                yield from (line.decode(errors="replace") for line in whole)
        except client.ApiException as error:
            raise _typed(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise Transient("A log can't be followed.", _brief(error)) from error

    def stop(self) -> None:
        """From another thread: no more lines."""
        self._stopped = True
        if self._answer:
            with suppress(OSError, ValueError, RuntimeError):  # it is over already
                self._answer.shutdown()


class NotFound(JobFailed):
    """404."""


class Forbidden(Transient):
    """403: transient, because a RoleBinding made a moment ago is not seen everywhere yet."""


class Conflict(Transient):
    """409: it exists already, or has changed meanwhile."""


def _typed(error: client.ApiException) -> StorewrightError:
    try:
        message = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        message = str(error.reason)
    if error.status == 404:
        return NotFound(f"Kubernetes does not have it: {message}")
    if error.status == 409:
        return Conflict(f"Kubernetes says it is there already: {message}")
    if error.status == 403:
        return Forbidden(f"Kubernetes does not allow it (yet): {message}")
    if error.status in (401, 429) or error.status >= 500:
        return Transient(f"Kubernetes refused for now ({error.status}): {message}")
    return JobFailed(f"Kubernetes refused ({error.status}): {message}", "", "Correct the chart or quota, then retry.")


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"


def _namespace_of(kubeconfig: str | None, context: str | None) -> str:
    contexts, current = config.list_kube_config_contexts(kubeconfig)
    chosen = next((c for c in contexts if c["name"] == context), current)
    return str(chosen["context"].get("namespace", "default"))


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())

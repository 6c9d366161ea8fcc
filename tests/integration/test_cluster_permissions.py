"""403 answers of the Kubernetes API: a missing permission fails a job, a refusal that passes by itself does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.clients.kubernetes import permissions
from provisioner.clients.kubernetes.cluster import Cluster, Forbidden, NotAllowedYet
from provisioner.clients.kubernetes.permissions import Permission
from provisioner.domain.errors import JobFailed, StorewrightError, Transient
from tests.conftest import write_kubeconfig
from tests.integration.kubernetes_api import Answer, Request, serving

BOT = "system:serviceaccount:storewright:storewright"
NAMESPACE = "store-my-shop"
DENIED = f'pods is forbidden: User "{BOT}" cannot list resource "pods" in API group "" in the namespace "{NAMESPACE}"'
POLICY = (
    "namespaces \"store-my-shop\" is forbidden: ValidatingAdmissionPolicy 'storewright-namespaces' with binding "
    "'storewright-namespaces' denied request: A namespace of this Storewright (storewright) belongs to one store."
)


class RefusingApi:
    """An API server that answers 403 with `message`, except to requests for the namespace and for RoleBindings."""

    def __init__(self) -> None:
        self.message = DENIED
        self.namespace: dict[str, Any] | None = {"metadata": {"name": NAMESPACE}}
        self.binding_exists = False

    def __call__(self, request: Request) -> Answer:
        if request.path == f"/api/v1/namespaces/{NAMESPACE}":
            return (200, self.namespace) if self.namespace else (404, {"message": "no such namespace"})
        if request.path.endswith("/rolebindings"):
            return (409, {"message": "it exists"}) if self.binding_exists else (201, {"metadata": {}})
        return 403, {"message": self.message.replace(f'"{NAMESPACE}"', f'"{request.path.split("/")[4]}"')}


@pytest.fixture
def api() -> RefusingApi:
    return RefusingApi()


@pytest.fixture
def cluster(api: RefusingApi, tmp_path: Path) -> Iterator[Cluster]:
    with serving(api) as url:
        yield Cluster(write_kubeconfig(tmp_path / "kubeconfig", url))


@pytest.fixture
def short_window(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(permissions, "BINDING_SECONDS", 0.3)
    return 0.3


def test_missing_permission_is_permanent_and_named(cluster: Cluster) -> None:
    with pytest.raises(Forbidden) as refused:
        cluster.pods(NAMESPACE)
    assert isinstance(refused.value, JobFailed)
    assert refused.value.permission == Permission("list", "pods", "", NAMESPACE, user=BOT)
    problem = refused.value.problem
    assert problem.what == f"Kubernetes does not allow the bot to list pods in the namespace {NAMESPACE}."
    assert f"Grant {BOT} this permission" in problem.next_step


def read_log(cluster: Cluster) -> None:
    list(cluster.pod_log(NAMESPACE, "web", "app", follow=False))


def watch(cluster: Cluster) -> None:
    with cluster.watch_pods(NAMESPACE) as snapshots:
        next(snapshots.every(5))


@pytest.mark.parametrize("act", [read_log, watch, lambda cluster: cluster.fenced(lambda: None).pods(NAMESPACE)])
def test_missing_permission_is_permanent_for_streams_watches_and_fenced_copies(
    cluster: Cluster, act: Callable[[Cluster], None]
) -> None:
    with pytest.raises(Forbidden, match="list pods"):
        act(cluster)


def test_missing_permission_is_waited_out_while_our_binding_is_new(cluster: Cluster, short_window: float) -> None:
    cluster.fenced(lambda: None).bind_role(NAMESPACE, "storewright-store", "storewright/storewright")
    with pytest.raises(NotAllowedYet, match=r"list pods in the namespace store-my-shop yet\. .* RoleBinding .* is new"):
        cluster.pods(NAMESPACE)
    with pytest.raises(Forbidden):
        cluster.pods("store-other")
    time.sleep(short_window)
    with pytest.raises(Forbidden):
        cluster.pods(NAMESPACE)


def test_found_binding_is_as_old_as_its_namespace(api: RefusingApi, cluster: Cluster) -> None:
    """Each job has a process of its own, which finds the binding of the former one."""
    api.binding_exists = True
    for seconds_ago, refusal in ((1, NotAllowedYet), (60, Forbidden), (-60, NotAllowedYet)):
        created_at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        api.namespace = {"metadata": {"name": NAMESPACE, "creationTimestamp": created_at.isoformat()}}
        cluster.bind_role(NAMESPACE, "storewright-store", "storewright/storewright")
        with pytest.raises(refusal):
            cluster.pods(NAMESPACE)


def test_recreated_binding_is_new_again(cluster: Cluster, short_window: float) -> None:
    for _ in range(2):
        cluster.bind_role(NAMESPACE, "storewright-store", "storewright/storewright")
        with pytest.raises(NotAllowedYet):
            cluster.pods(NAMESPACE)
        time.sleep(short_window)


@pytest.mark.parametrize("meta", [{"deletionTimestamp": "2026-11-21T08:00:00Z"}, None], ids=["terminating", "gone"])
def test_missing_permission_is_waited_out_while_the_namespace_is_deleted(
    api: RefusingApi, cluster: Cluster, meta: dict[str, str] | None
) -> None:
    api.namespace = {"metadata": meta} if meta else None
    with pytest.raises(NotAllowedYet, match="is being deleted"):
        cluster.pods(NAMESPACE)
    assert cluster.delete_namespace(NAMESPACE) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    "message",
    [
        POLICY,
        'pods "web" is forbidden: exceeded quota: store, requested: pods=1, used: pods=12, limited: pods=12',
        'secrets "s" is forbidden: unable to create new content in namespace store-x because it is being terminated',
        "not JSON's usual text",
    ],
)
def test_refusal_that_is_not_of_rbac_is_transient(api: RefusingApi, cluster: Cluster, message: str) -> None:
    api.message = message
    with pytest.raises(NotAllowedYet) as refused:
        cluster.pods(NAMESPACE)
    assert isinstance(refused.value, Transient)
    assert message in str(refused.value), "the operator needs the policy's message"


@pytest.mark.parametrize(
    ("message", "permission"),
    [
        (
            f'jobs.batch is forbidden: User "{BOT}" cannot create resource "jobs" in API group "batch" '
            'in the namespace "storewright"',
            "create jobs.batch in the namespace storewright",
        ),
        (
            f'nodes is forbidden: User "{BOT}" cannot list resource "nodes" in API group "" at the cluster scope',
            "list nodes",
        ),
        (
            f'pods "web" is forbidden: User "{BOT}" cannot get resource "pods/log" in API group "" '
            'in the namespace "x"',
            "get pods/log in the namespace x",
        ),
        (f'forbidden: User "{BOT}" cannot get path "/version"', "get /version"),
        (
            f'rolebindings.rbac.authorization.k8s.io "r" is forbidden: user "{BOT}" (groups=["a" "b"]) is attempting '
            'to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["get"]}',
            "bind clusterroles.rbac.authorization.k8s.io",
        ),
    ],
)
def test_permission_is_read_from_the_authorizers_message(message: str, permission: str) -> None:
    found = Permission.missing_in(message)
    assert (str(found), found.user if found else "") == (permission, BOT)


@pytest.mark.parametrize(
    ("status", "error"), [(401, Transient), (429, Transient), (503, Transient), (409, Transient), (422, JobFailed)]
)
def test_other_statuses_keep_their_meaning(tmp_path: Path, status: int, error: type[StorewrightError]) -> None:
    with serving(lambda _: (status, {"message": "no"})) as url, pytest.raises(error, match="no"):
        Cluster(write_kubeconfig(tmp_path / "kubeconfig", url)).pods(NAMESPACE)


def test_answer_that_is_not_json_is_transient(tmp_path: Path) -> None:
    def page(request: Request) -> None:
        request.begin_chunks()
        request.write_chunk("<html>A proxy's page</html>")
        request.write_chunk("")

    with serving(page) as url, pytest.raises(Transient, match="can't be reached"):
        Cluster(write_kubeconfig(tmp_path / "kubeconfig", url)).pods(NAMESPACE)

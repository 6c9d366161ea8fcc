"""Restarts on a real cluster: one component after the other, each once, and no confirmed order is lost."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import Stack, kubectl
from provisioner.clients.kubernetes.objects import component_of, is_crashing, is_ready
from provisioner.diagnosis import Patience
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.domain.store import StoreStatus
from tests.e2e.pod_history import PodHistory
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.reused import reused
from tests.e2e.sample_type import BOOKLET, BREAK, load_image
from tests.e2e.slack_store import SlackStore
from tests.waiting import until

STAGES = ["inspect", "database", "application", "storefront", "check"]


class RestartedStore:
    """One store of the type `booklet`, Ready."""

    def __init__(self, harness: ProvisionerHarness) -> None:
        self.harness, self.name = harness, f"restarted-{uuid4().hex[:8]}"  # the former may still be ending
        self.namespace = f"store-{self.name}"
        self.made = harness.succeeded(harness.create(self.name))

    def intact(self) -> bool:
        """Whether the store is as its creation left it: Ready, with one Ready pod for each component."""
        pods = self.harness.tools.cluster.pods(self.namespace)
        whole = sorted(map(component_of, pods)) == ["application", "database"] and all(map(is_ready, pods))
        return whole and self.answers() and self.harness.store(self.name).status == StoreStatus.READY

    def restart(self) -> Job:
        return self.harness.restart(self.made)

    def history(self) -> PodHistory:
        return PodHistory(self.harness.cluster.kubeconfig, self.namespace)

    def stages(self, job: Job, kind: EventKind) -> list[str]:
        return [event.stage for event in self.harness.ledger.jobs.events(job.id) if event.kind == kind]

    def kubectl(self, *args: str) -> str:
        return kubectl(self.harness.cluster, "-n", self.namespace, *args)

    def answers(self) -> bool:
        cluster = self.harness.cluster
        try:
            return "<h1>" in cluster.get(f"{self.name}.{cluster.store_domain}").text
        except httpx.HTTPError:
            return False

    def send_visitors_to(self, component: str) -> None:
        """Point the shop's Service to a component, which may not exist."""
        selector = {"spec": {"selector": {"app.kubernetes.io/component": component}}}
        self.kubectl("patch", "service", self.name, "-p", json.dumps(selector))

    def pod(self, component: str) -> str:
        return self.kubectl("get", "pods", "-l", f"app.kubernetes.io/component={component}", "-o", "name").strip()

    def require_success(self, job: Job) -> None:
        """The restart ended well, and the shop answers at this moment."""
        self.harness.succeeded(job)
        assert self.answers()
        assert self.harness.store(self.name).status == StoreStatus.READY


@pytest.fixture(scope="module", autouse=True)
def image(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("charts")
    shutil.copytree(BOOKLET, folder / "booklet")
    return folder


@pytest.fixture(scope="module")
def stores(
    cluster: DevCluster, charts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], RestartedStore]]:
    harness = ProvisionerHarness(cluster, tmp_path_factory.mktemp("harness"), charts, "booklet")
    yield reused(lambda: RestartedStore(harness))
    harness.close()
    harness.remove_all()


@pytest.fixture
def store(stores: Callable[[], RestartedStore]) -> RestartedStore:
    return stores()


def test_restart_replaces_the_database_and_then_the_application(store: RestartedStore) -> None:
    with store.history() as history:
        job = store.restart()
        store.require_success(job)
    [_, database] = history.uids("database")
    [former, application] = history.uids("application")
    assert history.ready[database] < history.terminating[former]
    assert history.ready[database] < history.seen[application]
    assert store.stages(job, EventKind.DONE) == STAGES


def test_restart_ends_only_when_the_shop_answers(store: RestartedStore) -> None:
    store.send_visitors_to("nothing")
    job = store.restart()
    store.harness.wait_for_stage(job, "storefront")
    time.sleep(2)
    assert store.harness.job(job).live
    assert not store.answers()
    store.send_visitors_to("application")
    store.require_success(job)


@pytest.mark.parametrize("stage", ["database", "application", "storefront"])
def test_restart_interrupted_in_a_stage_restarts_each_component_once(store: RestartedStore, stage: str) -> None:
    if stage == "storefront":
        store.send_visitors_to("nothing")  # so that the stage lasts
    with store.history() as history:
        job = store.restart()
        store.harness.wait_for_stage(job, stage)
        until("the stage's pod is being replaced", lambda: stage == "storefront" or len(history.uids(stage)) == 2)
        store.harness.reopen()
        store.send_visitors_to("application")
        store.require_success(job)
    assert store.harness.job(job).attempts == 2
    assert [len(history.uids(component)) for component in ("database", "application")] == [2, 2]
    assert store.stages(job, EventKind.STARTED) == store.stages(job, EventKind.DONE) == STAGES


def test_second_restart_replaces_the_pods_again(store: RestartedStore) -> None:
    with store.history() as history:
        store.require_success(store.restart())
        store.require_success(store.restart())
    assert [len(history.uids(component)) for component in ("database", "application")] == [3, 3]


def test_restart_keeps_annotations_and_replicas_that_somebody_set(store: RestartedStore) -> None:
    store.kubectl("annotate", "deployment", store.name, "team=blue")
    store.kubectl("scale", "deployment", store.name, "--replicas=2")
    store.kubectl("rollout", "restart", "deployment", store.name)
    store.kubectl("rollout", "status", "deployment", store.name, "--timeout=60s")
    with store.history() as history:
        job = store.restart()
        store.require_success(job)
        pods = store.harness.tools.cluster.pods(store.namespace)
    serving = {pod["metadata"]["uid"] for pod in pods if component_of(pod) == "application" and is_ready(pod)}
    assert len(serving) == 2
    assert serving == set(history.uids("application")[-2:])
    assert len(history.uids("application")) == 4
    deployment = json.loads(store.kubectl("get", "deployment", store.name, "-o", "json"))
    assert deployment["metadata"]["annotations"]["team"] == "blue"
    assert "kubectl.kubernetes.io/restartedAt" in deployment["spec"]["template"]["metadata"]["annotations"]
    assert deployment["spec"]["replicas"] == 2
    store.kubectl("scale", "deployment", store.name, "--replicas=1")
    until("only one pod is left", store.intact)


def test_restart_repairs_pods_that_are_not_ready(store: RestartedStore) -> None:
    for component in ("database", "application"):
        store.kubectl("exec", store.pod(component), "--", "/busybox", "rm", "/www/index.html")
    until("pods that are not ready", lambda: not any(map(is_ready, store.harness.tools.cluster.pods(store.namespace))))
    store.require_success(store.restart())


def test_restart_repairs_pods_that_crash(store: RestartedStore) -> None:
    """The application crashes while the database restarts: this must not fail the job."""
    store.harness.patience = Patience(crash=0.5)
    store.harness.reopen()
    for component in ("database", "application"):
        store.kubectl("exec", store.pod(component), "--", *BREAK)

    def crashing() -> bool:
        pods = store.harness.tools.cluster.pods(store.namespace)
        statuses = [status for pod in pods for status in pod["status"]["containerStatuses"]]
        return len(statuses) == 2 and all(map(is_crashing, statuses))

    until("pods that crash", crashing)
    store.require_success(store.restart())


def test_deletion_supersedes_a_running_restart(store: RestartedStore) -> None:
    job = store.restart()
    store.harness.wait_for_stage(job, "application")
    store.harness.succeeded(store.harness.delete(job))
    assert store.harness.job(job).status == JobStatus.SUPERSEDED
    assert f"namespace/{store.namespace}" not in store.harness.namespaces()


def test_restart_of_a_store_without_workloads_or_namespace_fails_at_once(store: RestartedStore) -> None:
    store.kubectl("delete", "deployment,statefulset", "--all")
    without_workloads = store.harness.ended(store.restart(), 20)
    assert without_workloads.status == JobStatus.FAILED
    assert "has no workloads to restart" in str(without_workloads.problem)
    kubectl(store.harness.cluster, "delete", "namespace", store.namespace)
    without_namespace = store.harness.ended(store.restart(), 20)
    assert without_namespace.status == JobStatus.FAILED
    assert "is missing" in str(without_namespace.problem)
    assert f"namespace/{store.namespace}" not in store.harness.namespaces()


# --- from Slack --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slack_store(module_stack: Callable[..., Stack], charts: Path) -> SlackStore:
    made = SlackStore(module_stack(CHARTS_DIR=str(charts)), "talking-shop")
    made.create("booklet")
    return made


def test_restart_from_the_menu_survives_a_killed_bot(slack_store: SlackStore) -> None:
    ready = slack_store.root("create", "succeeded")
    with PodHistory(slack_store.cluster.kubeconfig, f"store-{slack_store.name}") as history:
        assert slack_store.slack.click("Dana", ready, "menu").ok
        [menu] = slack_store.slack.wait_for(lambda: slack_store.slack.views("Dana"), what="the menu")
        assert slack_store.slack.click("Dana", menu, "restart").ok
        until("the new application pod", lambda: len(history.uids("application")) == 2)
        slack_store.restart_bot(kill=True)
        done = slack_store.root("restart", "succeeded")
    assert "was restarted and answers again after" in done["text"]
    assert [len(history.uids(component)) for component in ("database", "application")] == [2, 2]
    thread = " ".join(post["text"] for post in slack_store.slack.thread(done))
    assert thread.count("Database restarted") == thread.count("Application restarted") == 1
    assert "<h1>" in slack_store.page()


def test_restart_whose_application_cannot_start_fails_and_leaves_the_store_ready(slack_store: SlackStore) -> None:
    texts = f"{slack_store.name}-texts"
    slack_store.kubectl("delete", "configmap", texts)
    assert slack_store.slack.command("Dana", "#stores", f"/store restart {slack_store.name}").ok
    failed = slack_store.root("restart", "failed")
    assert "could not be restarted. Its data is unchanged, but the shop may not answer." in failed["text"]
    assert (
        f"configmap &quot;{texts}&quot; not found" in failed["text"]
        or f'configmap "{texts}" not found' in failed["text"]
    )
    listed = slack_store.slack.ask("Dana", "#stores", "/store list")
    assert f"{slack_store.name} (ready)" in listed["text"]
    notice = slack_store.slack.messages("#store-failures")[-1]
    assert "could not be restarted for" in notice["text"]

    slack_store.kubectl("create", "configmap", texts, "--from-literal=imprint=none")
    assert slack_store.slack.click("Dana", failed, "retry").ok
    slack_store.root("restart", "succeeded")
    assert "<h1>" in slack_store.page()

"""Upgrades on a real cluster: secrets stay, killed processes are continued, and failures are rolled back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import Stack, kubectl, read_secret
from provisioner.domain.job import Job, JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus
from provisioner.operations.toolbox import QUOTA
from provisioner.operations.upgrade import UPGRADE
from tests.e2e.sample_type import SampleType, load_image
from tests.e2e.slack_store import SlackStore
from tests.e2e.upgraded_store import UpgradedStore, shared_stores

MISSING_IMAGE = "storewright/leaflet:none"


@pytest.fixture(scope="module", autouse=True)
def image(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def stores(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], UpgradedStore]]:
    folder = tmp_path_factory.mktemp("harness")
    leaflet = SampleType(folder / "charts")
    leaflet.before_rollback = "sleep 1"
    with shared_stores(cluster, folder, leaflet, UpgradedStore) as take:
        yield take


@pytest.fixture
def store(stores: Callable[[], UpgradedStore]) -> UpgradedStore:
    return stores()


@pytest.mark.parametrize("stages", [("namespace", "application"), ("secrets", "storefront"), ("release", "check")])
def test_upgrade_continues_at_the_stages_where_its_processes_ended(
    store: UpgradedStore, stages: tuple[str, str]
) -> None:
    job = store.upgrade()
    for stage in stages:
        store.harness.wait_for_stage(job, stage)
        store.harness.reopen()
    store.harness.succeeded(job)
    store.require_version(store.type.version)


def test_migration_outlives_its_process_and_runs_once(store: UpgradedStore) -> None:
    job = store.upgrade(migration="sleep 4; echo migrated")
    namespace = f"store-{store.name}"
    _await_migration(store, job)
    [first] = _uids(store, "migration")
    store.harness.reopen()
    release = store.harness.tools.cluster.release(namespace, store.name)
    assert release is not None
    assert release.status == "pending-upgrade", "helm ended with its process"
    time.sleep(1)
    assert _uids(store, "migration") == [first]
    store.harness.succeeded(job)
    store.require_version(store.type.version)


def _await_migration(store: UpgradedStore, job: Job) -> None:
    """Wait until the migration of the upgrade exists."""
    active_jobs = store.harness.tools.cluster.active_jobs
    store.harness.until(job, lambda _: bool(active_jobs(store.namespace, "migration")))


def _uids(store: UpgradedStore, component: str) -> list[str]:
    where = ("-n", f"store-{store.name}", "-l", f"app.kubernetes.io/component={component}")
    return kubectl(store.harness.cluster, "get", "jobs", *where, "-o", "jsonpath={.items[*].metadata.uid}").split()


@pytest.mark.parametrize(
    ("details", "seconds", "texts"),
    [
        ({"image": MISSING_IMAGE}, UPGRADE.deadline_seconds, [MISSING_IMAGE, "can't be pulled"]),
        (
            {"migration": "true", "image": MISSING_IMAGE},
            UPGRADE.deadline_seconds,
            ["The migration of", MISSING_IMAGE, "can't be pulled"],
        ),
        # The migration has to begin before the deadline, on a slow machine too.
        ({"migration": "sleep 600"}, 30, ["The migration of", "did not end within"]),
    ],
    ids=["image", "migration-image", "deadline"],
)
def test_failed_upgrade_is_rolled_back_by_the_next_process(
    store: UpgradedStore, details: dict[str, str], seconds: float, texts: list[str]
) -> None:
    former = store.version
    job = store.upgrade(seconds, **details)
    store.harness.wait_for_stage(job, "rollback")
    store.harness.reopen()  # a process ends during the rollback too
    ended = store.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert all(text in str(ended.problem) for text in texts), ended.problem
    store.require_version(former)
    assert store.harness.tools.cluster.active_jobs(f"store-{store.name}", "migration") == []


@pytest.mark.parametrize("serves", [True, False], ids=["serving", "not-serving"])
def test_store_is_failed_only_if_the_rollback_fails_and_its_shop_does_not_answer(
    store: UpgradedStore, serves: bool
) -> None:
    former = store.harness.tools.cluster.release(store.namespace, store.name)
    assert former is not None
    job = store.upgrade(migration="sleep 4; exit 1")
    _await_migration(store, job)
    store.kubectl("delete", "secret", former.record)
    if not serves:
        nobody = '{"spec": {"selector": {"app.kubernetes.io/component": "nobody"}}}'
        store.kubectl("patch", "service", store.name, "-p", nobody)
    ended = store.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert "Its former version could not be restored: " in str(ended.problem)
    assert store.harness.store(store.name).status == (StoreStatus.READY if serves else StoreStatus.FAILED)
    store.type.release(store.next_version)
    store.harness.reopen()
    store.harness.succeeded(store.harness.retry(job))
    store.require_version(store.type.version)


def test_delete_supersedes_a_running_upgrade(store: UpgradedStore) -> None:
    job = store.upgrade(migration="sleep 600")
    _await_migration(store, job)
    store.harness.succeeded(store.harness.delete(job))
    assert store.harness.job(job).status == JobStatus.SUPERSEDED
    assert f"namespace/store-{store.name}" not in store.harness.namespaces()


def test_upgrade_of_a_store_without_its_namespace_fails_and_creates_none(store: UpgradedStore) -> None:
    kubectl(store.harness.cluster, "delete", "namespace", f"store-{store.name}")
    ended = store.harness.ended(store.upgrade())
    assert ended.status == JobStatus.FAILED
    assert "is gone" in str(ended.problem)
    assert f"namespace/store-{store.name}" not in store.harness.namespaces()


class UpgradedSlackStore(SlackStore):
    """A SlackStore of the type leaflet."""

    def __init__(self, stack: Callable[..., Stack], charts: Path, name: str) -> None:
        self.leaflet = SampleType(charts)
        self.leaflet.before_rollback = "sleep 2"
        self.leaflet.release("0.1.0")
        super().__init__(stack(CHARTS_DIR=str(charts)), name)

    def secret(self) -> dict[str, str]:
        return read_secret(self.cluster, f"store-{self.name}", SECRET_NAME)

    def revisions(self) -> str:
        """The states of the release's revisions."""
        return self.kubectl("get", "secrets", "-l", "owner=helm", "-o=jsonpath={.items[*].metadata.labels.status}")

    def await_job(self, component: str) -> None:
        self.slack.wait_for(lambda: component in self.kubectl("get", "jobs", "-o", "name"), 60, component)


@pytest.fixture(scope="module")
def slack_store(module_stack: Callable[..., Stack], tmp_path_factory: pytest.TempPathFactory) -> UpgradedSlackStore:
    made = UpgradedSlackStore(module_stack, tmp_path_factory.mktemp("slack") / "charts", "upgraded-from-slack")
    made.create("leaflet color=ocean")
    return made


def test_upgrade_from_slack_keeps_secrets_and_adds_new_keys_and_limits(slack_store: UpgradedSlackStore) -> None:
    before = slack_store.secret()
    smaller = '{"spec": {"hard": {"pods": "9"}}}'  # the quota of an older version
    slack_store.kubectl("patch", "resourcequota", "store", "-p", smaller)
    slack_store.leaflet.release("0.2.0", migration="echo migrated")
    slack_store.leaflet.require_key("token")
    slack_store.restart_bot()
    status = slack_store.slack.command("Dana", "#stores", f"/store status {slack_store.name}").json()
    assert "'action_id': 'upgrade'" in str(status["blocks"])
    assert slack_store.slack.command("Dana", "#stores", f"/store upgrade {slack_store.name}").ok
    assert "runs Leaflet 0.2.0 after" in slack_store.root("upgrade", "succeeded")["text"]
    slack_store.slack.wait_for(lambda: "version 0.2.0<" in slack_store.page())
    assert "#1f5f8b" in slack_store.page()
    after = slack_store.secret()
    assert len(after.pop("token")) == 64
    assert after == before
    quota = slack_store.kubectl("get", "resourcequota", "store", "-o", "jsonpath={.spec.hard.pods}")
    assert quota == QUOTA["pods"]


def test_failed_upgrade_is_rolled_back_and_reported_by_a_bot_killed_twice(slack_store: UpgradedSlackStore) -> None:
    slack, former = slack_store.slack, slack_store.leaflet.version
    slack_store.kubectl("delete", "jobs", "--all")  # the migration of a former upgrade
    slack_store.leaflet.release("0.3.0", migration="sleep 3; echo reading $password; echo error: it is odd; exit 3")
    slack_store.restart_bot()
    assert slack.command("Dana", "#stores", f"/store upgrade {slack_store.name}").ok
    slack_store.await_job("migration")
    slack_store.restart_bot(kill=True)  # while helm waits for the migration
    slack_store.await_job("before-rollback")
    assert "pending-rollback" in slack_store.revisions()
    slack_store.restart_bot(kill=True)  # while helm rolls back
    root = slack_store.root("upgrade", "failed")
    assert f"could not be upgraded. It runs Leaflet {former} again; nothing was lost." in root["text"]
    assert "Its log says “error: it is odd”." in root["text"]
    assert f"version {former}<" in slack_store.page()
    assert "pending" not in slack_store.revisions(), "nothing is left of the killed helm"
    notice = slack.wait_for(lambda: [m for m in slack.messages("#store-failures") if slack_store.name in m["text"]])[-1]
    assert "reading •••" in str(notice["blocks"])
    posted = str(slack.messages("#store-failures")) + str(slack.messages("#stores")) + str(slack.thread(root))
    assert slack_store.secret()["password"] not in posted

    slack_store.leaflet.release("0.3.1", migration="true")
    slack_store.restart_bot()
    assert slack.click("Dana", root, "retry").ok
    assert "runs Leaflet 0.3.1 after" in slack_store.root("upgrade", "succeeded")["text"]
    slack.wait_for(lambda: "version 0.3.1<" in slack_store.page())

"""Upgrades on a real cluster: secrets stay, killed processes are continued, and failures are rolled back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import Stack, kubectl, read_secret
from provisioner.domain.job import JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus, suggest_name
from provisioner.operations.toolbox import QUOTA
from provisioner.operations.upgrade import UPGRADE
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.sample_type import SampleType, load_image
from tests.e2e.slack_store import SlackStore
from tests.e2e.upgraded_store import UpgradedStore

MISSING_IMAGE = "storewright/leaflet:none"


@pytest.fixture(scope="module", autouse=True)
def image(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))


@pytest.fixture
def store(cluster: DevCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[UpgradedStore]:
    leaflet = SampleType(tmp_path / "charts")
    leaflet.release("0.1.0", before_rollback="sleep 1")
    harness = ProvisionerHarness(cluster, tmp_path, leaflet.charts, "leaflet")
    name = f"upgraded-{crc32(request.node.name.encode()):08x}"  # one per test: Kubernetes may still delete the former
    yield UpgradedStore(harness, leaflet, name)
    harness.close()
    harness.remove_all()


def test_upgrade_continues_at_the_stage_where_its_process_ended(store: UpgradedStore) -> None:
    stages = ("namespace", "secrets", "release", "application", "storefront", "check")
    for number, stage in enumerate(stages, start=1):
        job = store.upgrade_to(f"0.1.{number}")
        store.harness.wait_for_stage(job, stage)
        store.reopen()
        ended = store.harness.ended(job)
        assert ended.status == JobStatus.SUCCEEDED, (stage, ended.problem)
        store.require_version(f"0.1.{number}")


def test_migration_outlives_its_process_and_runs_once(store: UpgradedStore) -> None:
    job = store.upgrade_to("0.2.0", migration="sleep 4; echo migrated")
    namespace, tools = f"store-{store.name}", store.harness.tools
    store.harness.until(job, lambda _: bool(tools.cluster.active_jobs(namespace, "migration")))
    [first] = _uids(store, "migration")
    store.reopen()
    release = store.harness.tools.helm.release(store.name, namespace)
    assert release is not None
    assert release.status == "pending-upgrade", "helm ended with its process"
    time.sleep(1)
    assert _uids(store, "migration") == [first]
    ended = store.harness.ended(job)
    assert ended.status == JobStatus.SUCCEEDED, ended.problem
    store.require_version("0.2.0")


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
        ({"migration": "sleep 600"}, 10, ["The migration of", "did not end within"]),
    ],
    ids=["image", "migration-image", "deadline"],
)
def test_failed_upgrade_is_rolled_back_by_the_next_process(
    store: UpgradedStore, details: dict[str, str], seconds: float, texts: list[str]
) -> None:
    job = store.upgrade_to("0.2.0", seconds, **details)
    store.harness.wait_for_stage(job, "rollback")
    store.reopen()  # a process ends during the rollback too
    ended = store.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert all(text in str(ended.problem) for text in texts), ended.problem
    store.require_version("0.1.0")
    assert store.harness.tools.cluster.active_jobs(f"store-{store.name}", "migration") == []


@pytest.mark.parametrize("serves", [True, False], ids=["serving", "not-serving"])
def test_store_is_failed_only_if_the_rollback_fails_and_its_shop_does_not_answer(
    store: UpgradedStore, serves: bool
) -> None:
    job = store.upgrade_to("0.2.0", migration="sleep 4; exit 1")
    store.harness.until(job, lambda _: bool(_uids(store, "migration")))
    store.kubectl("delete", "secret", f"sh.helm.release.v1.{store.name}.v1")
    if not serves:
        nobody = '{"spec": {"selector": {"app.kubernetes.io/component": "nobody"}}}'
        store.kubectl("patch", "service", store.name, "-p", nobody)
    ended = store.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert "Its former version could not be restored either" in str(ended.problem)
    assert store.harness.store(store.name).status == (StoreStatus.READY if serves else StoreStatus.FAILED)
    store.type.release("0.2.1")
    store.reopen()
    ended = store.harness.ended(store.harness.retry(job))
    assert ended.status == JobStatus.SUCCEEDED, ended.problem
    store.require_version("0.2.1")


def test_delete_supersedes_a_running_upgrade(store: UpgradedStore) -> None:
    job = store.upgrade_to("0.2.0", migration="sleep 600")
    store.harness.until(job, lambda _: bool(_uids(store, "migration")))
    removal = store.harness.ended(store.harness.delete(job))
    assert removal.status == JobStatus.SUCCEEDED, removal.problem
    assert store.harness.job(job).status == JobStatus.SUPERSEDED
    assert f"namespace/store-{store.name}" not in store.harness.namespaces()


def test_upgrade_of_a_store_without_its_namespace_fails_and_creates_none(store: UpgradedStore) -> None:
    kubectl(store.harness.cluster, "delete", "namespace", f"store-{store.name}")
    ended = store.harness.ended(store.upgrade_to("0.2.0"))
    assert ended.status == JobStatus.FAILED
    assert "is gone" in str(ended.problem)
    assert f"namespace/store-{store.name}" not in store.harness.namespaces()


class UpgradedSlackStore(SlackStore):
    """A SlackStore of the type leaflet."""

    def __init__(self, stack: Callable[..., Stack], charts: Path, name: str) -> None:
        self.leaflet = SampleType(charts)
        self.leaflet.release("0.1.0", before_rollback="sleep 2")
        super().__init__(stack(CHARTS_DIR=str(charts)), name)

    def secret(self) -> dict[str, str]:
        return read_secret(self.cluster, f"store-{self.name}", SECRET_NAME)

    def await_job(self, component: str) -> None:
        self.slack.wait_for(lambda: component in self.kubectl("get", "jobs", "-o", "name"), 60, component)


@pytest.fixture
def slack_store(stack: Callable[..., Stack], tmp_path: Path, request: pytest.FixtureRequest) -> UpgradedSlackStore:
    made = UpgradedSlackStore(stack, tmp_path / "charts", suggest_name(request.node.name.removeprefix("test_")))
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
    slack = slack_store.slack
    slack_store.leaflet.release("0.2.0", migration="sleep 3; echo reading $password; echo error: it is odd; exit 3")
    slack_store.restart_bot()
    assert slack.command("Dana", "#stores", f"/store upgrade {slack_store.name}").ok
    slack_store.await_job("migration")
    slack_store.restart_bot(kill=True)  # while helm waits for the migration
    slack_store.await_job("before-rollback")
    slack_store.restart_bot(kill=True)  # while helm rolls back
    root = slack_store.root("upgrade", "failed")
    assert "could not be upgraded. It runs Leaflet 0.1.0 again; nothing was lost." in root["text"]
    assert "Its log says “error: it is odd”." in root["text"]
    assert "version 0.1.0<" in slack_store.page()
    revisions = slack_store.kubectl(
        "get", "secrets", "-l", "owner=helm", "-o", "jsonpath={.items[*].metadata.labels.status}"
    )
    assert "pending-rollback" in revisions, "helm was killed during the rollback"
    notice = slack.wait_for(lambda: [m for m in slack.messages("#store-failures") if slack_store.name in m["text"]])[-1]
    assert "reading •••" in str(notice["blocks"])
    posted = str(slack.messages("#store-failures")) + str(slack.messages("#stores")) + str(slack.thread(root))
    assert slack_store.secret()["password"] not in posted

    slack_store.leaflet.release("0.2.1", migration="true")
    slack_store.restart_bot()
    assert slack.click("Dana", root, "retry").ok
    assert "runs Leaflet 0.2.1 after" in slack_store.root("upgrade", "succeeded")["text"]
    slack.wait_for(lambda: "version 0.2.1<" in slack_store.page())

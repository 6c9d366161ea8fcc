"""Upgrades on a real cluster: data and secrets stay, processes may end at any stage, failures are rolled back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import Stack, job_of, kubectl, newest_root, read_secret
from provisioner.domain.job import Job, JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus, suggest_name
from provisioner.operations.steps.namespace import QUOTA
from provisioner.operations.upgrade import UPGRADE
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.sample_type import SampleType, load_image
from tests.waiting import until

BROKEN = "storewright/leaflet:none"


class Shop:
    """One store of the tiny type, Ready with version 0.1.0."""

    def __init__(self, harness: ProvisionerHarness, leaflet: SampleType, name: str) -> None:
        self.harness, self.leaflet, self.name = harness, leaflet, name
        self.made = harness.ended(harness.create(name))
        assert self.made.status == JobStatus.SUCCEEDED, self.made.problem

    def reopen(self) -> None:
        """Start the next process, which reads the chart again."""
        self.harness.close()
        self.harness.open()

    def upgrade_to(self, version: str, seconds: float = UPGRADE.deadline_seconds, **details: str) -> Job:
        """Release a version with these `details` (see SampleType.release) and order the upgrade to it."""
        self.leaflet.release(version, **details)
        self.reopen()
        return self.harness.upgrade(self.made, seconds)

    def page(self) -> str:
        cluster = self.harness.cluster
        return cluster.get(f"{self.name}.{cluster.store_domain}").text

    def require_back_on(self, version: str) -> None:
        """The store is Ready with that version, and neither helm's record nor the namespace shows another one."""
        store = self.harness.store(self.name)
        assert (store.status, store.version) == (StoreStatus.READY, version)
        until("the ingress to leave the former pod", lambda: f"version {version}<" in self.page(), 5)
        release = self.harness.tools.helm.release(self.name, store.namespace)
        assert release is not None
        assert (release.status, release.chart) == ("deployed", f"leaflet-{version}")
        namespace = self.harness.tools.cluster.namespace(store.namespace)
        assert namespace is not None
        assert "storewright.dev/upgrade-from" not in namespace["metadata"]["annotations"]


@pytest.fixture(scope="module", autouse=True)
def image(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))


@pytest.fixture
def shop(cluster: DevCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    leaflet = SampleType(tmp_path / "charts")
    leaflet.release("0.1.0", before_rollback="sleep 1")
    harness = ProvisionerHarness(cluster, tmp_path, leaflet.charts, "leaflet")
    name = f"upgraded-{crc32(request.node.name.encode()):08x}"  # one for each test: the former may still be ending
    yield Shop(harness, leaflet, name)
    harness.close()
    harness.remove_all()


def test_upgrade_goes_on_at_whichever_stage_a_process_ended(shop: Shop) -> None:
    stages = ("namespace", "secrets", "release", "application", "storefront", "check")
    for number, stage in enumerate(stages, start=1):
        job = shop.upgrade_to(f"0.1.{number}")
        shop.harness.wait_for_stage(job, stage)
        shop.reopen()
        ended = shop.harness.ended(job)
        assert ended.status == JobStatus.SUCCEEDED, (stage, ended.problem)
        shop.require_back_on(f"0.1.{number}")


def test_migration_outlives_its_process_and_runs_once(shop: Shop) -> None:
    job = shop.upgrade_to("0.2.0", migration="sleep 4; echo migrated")
    namespace, tools = f"store-{shop.name}", shop.harness.tools
    shop.harness.until(job, lambda _: bool(tools.cluster.active_jobs(namespace, "migration")))
    [first] = _uids(shop, "migration")
    shop.reopen()
    release = shop.harness.tools.helm.release(shop.name, namespace)
    assert release is not None
    assert release.status == "pending-upgrade", "helm was killed with its process"
    time.sleep(1)
    assert _uids(shop, "migration") == [first]
    ended = shop.harness.ended(job)
    assert ended.status == JobStatus.SUCCEEDED, ended.problem
    shop.require_back_on("0.2.0")


def _uids(shop: Shop, component: str) -> list[str]:
    where = ("-n", f"store-{shop.name}", "-l", f"app.kubernetes.io/component={component}")
    return kubectl(shop.harness.cluster, "get", "jobs", *where, "-o", "jsonpath={.items[*].metadata.uid}").split()


@pytest.mark.parametrize(
    ("details", "seconds", "texts"),
    [
        ({"image": BROKEN}, UPGRADE.deadline_seconds, [BROKEN, "can't be pulled"]),
        (
            {"migration": "true", "image": BROKEN},
            UPGRADE.deadline_seconds,
            ["The migration of", BROKEN, "can't be pulled"],
        ),
        ({"migration": "sleep 600"}, 10, ["The migration of", "did not end within"]),
    ],
    ids=["image", "migration-image", "deadline"],
)
def test_failed_upgrade_is_rolled_back_by_the_next_process(
    shop: Shop, details: dict[str, str], seconds: float, texts: list[str]
) -> None:
    job = shop.upgrade_to("0.2.0", seconds, **details)
    shop.harness.wait_for_stage(job, "rollback")
    shop.reopen()  # a process ends during the rollback too
    ended = shop.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert all(text in str(ended.problem) for text in texts), ended.problem
    shop.require_back_on("0.1.0")
    assert shop.harness.tools.cluster.active_jobs(f"store-{shop.name}", "migration") == []


def test_failed_rollback_leaves_a_failed_store_that_a_retry_fixes(shop: Shop) -> None:
    job = shop.upgrade_to("0.2.0", migration="sleep 2; exit 1")
    namespace = f"store-{shop.name}"
    shop.harness.until(job, lambda _: bool(_uids(shop, "migration")))
    kubectl(shop.harness.cluster, "delete", "secret", "-n", namespace, f"sh.helm.release.v1.{shop.name}.v1")
    ended = shop.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert "Its former version could not be restored either" in str(ended.problem)
    assert shop.harness.store(shop.name).status == StoreStatus.FAILED
    shop.leaflet.release("0.2.1")
    shop.reopen()
    ended = shop.harness.ended(shop.harness.retry(job))
    assert ended.status == JobStatus.SUCCEEDED, ended.problem
    shop.require_back_on("0.2.1")


def test_delete_supersedes_a_running_upgrade(shop: Shop) -> None:
    job = shop.upgrade_to("0.2.0", migration="sleep 600")
    shop.harness.until(job, lambda _: bool(_uids(shop, "migration")))
    removal = shop.harness.ended(shop.harness.delete(job))
    assert removal.status == JobStatus.SUCCEEDED, removal.problem
    assert shop.harness.job(job).status == JobStatus.SUPERSEDED
    assert f"namespace/store-{shop.name}" not in shop.harness.namespaces()


def test_upgrade_of_a_store_without_its_namespace_fails_and_creates_none(shop: Shop) -> None:
    kubectl(shop.harness.cluster, "delete", "namespace", f"store-{shop.name}")
    ended = shop.harness.ended(shop.upgrade_to("0.2.0"))
    assert ended.status == JobStatus.FAILED
    assert "is gone" in str(ended.problem)
    assert f"namespace/store-{shop.name}" not in shop.harness.namespaces()


class SlackShop:
    """A running bot with the tiny chart, and one store as Slack shows it."""

    def __init__(self, stack: Callable[..., Stack], cluster: DevCluster, charts: Path, name: str) -> None:
        self.cluster, self.leaflet, self.name = cluster, SampleType(charts), name
        self.leaflet.release("0.1.0", before_rollback="sleep 2")
        self.stack = stack(CHARTS_DIR=str(charts))
        self.slack = self.stack.slack()

    def restart_bot(self, *, kill: bool = False) -> None:
        process = self.stack.bot_process.process()
        assert process is not None
        if kill:
            process.kill()
            process.wait(10)
        self.stack.bot_process.stop()
        self.stack.start_bot()

    def root(self, kind: str, status: str, seconds: float = 90) -> dict[str, Any]:
        """The newest root message of a job of that kind, once it has that status."""

        def look() -> dict[str, Any] | None:
            found = newest_root(self.slack.messages("#stores"), kind=kind)
            return found if found and job_of(found)["status"] == status else None

        return self.slack.wait_for(look, seconds, f"{kind} {status}")

    def page(self) -> str:
        return self.cluster.get(f"{self.name}.{self.cluster.store_domain}").text

    def kubectl(self, *args: str) -> str:
        return kubectl(self.cluster, *args, "-n", f"store-{self.name}")

    def secret(self) -> dict[str, str]:
        return read_secret(self.cluster, f"store-{self.name}", SECRET_NAME)

    def await_job(self, component: str) -> None:
        self.slack.wait_for(lambda: component in self.kubectl("get", "jobs", "-o", "name"), 60, component)


@pytest.fixture
def slack_shop(
    stack: Callable[..., Stack], cluster: DevCluster, tmp_path: Path, request: pytest.FixtureRequest
) -> SlackShop:
    made = SlackShop(stack, cluster, tmp_path / "charts", suggest_name(request.node.name.removeprefix("test_")))
    assert made.slack.command("Dana", "#stores", f"/store create {made.name} leaflet color=ocean").ok
    made.root("create", "succeeded")
    return made


def test_upgrade_from_slack_keeps_secrets_and_adds_new_keys_and_limits(slack_shop: SlackShop) -> None:
    before = slack_shop.secret()
    smaller = '{"spec": {"hard": {"pods": "9"}}}'  # the quota of an older version
    slack_shop.kubectl("patch", "resourcequota", "store", "-p", smaller)
    slack_shop.leaflet.release("0.2.0", migration="echo migrated")
    slack_shop.leaflet.require_key("token")
    slack_shop.restart_bot()
    status = slack_shop.slack.command("Dana", "#stores", f"/store status {slack_shop.name}").json()
    assert "'action_id': 'upgrade'" in str(status["blocks"])
    assert slack_shop.slack.command("Dana", "#stores", f"/store upgrade {slack_shop.name}").ok
    assert "was brought to Leaflet 0.2.0" in slack_shop.root("upgrade", "succeeded")["text"]
    slack_shop.slack.wait_for(lambda: "version 0.2.0<" in slack_shop.page())
    assert "#1f5f8b" in slack_shop.page()
    after = slack_shop.secret()
    assert len(after.pop("token")) == 64
    assert after == before
    quota = slack_shop.kubectl("get", "resourcequota", "store", "-o", "jsonpath={.spec.hard.pods}")
    assert quota == QUOTA["pods"]


def test_failed_upgrade_is_rolled_back_and_reported_though_the_bot_is_killed_twice(slack_shop: SlackShop) -> None:
    slack = slack_shop.slack
    slack_shop.leaflet.release("0.2.0", migration="sleep 3; echo reading $password; echo error: it is odd; exit 3")
    slack_shop.restart_bot()
    assert slack.command("Dana", "#stores", f"/store upgrade {slack_shop.name}").ok
    slack_shop.await_job("migration")
    slack_shop.restart_bot(kill=True)  # while helm waits for the migration
    slack_shop.await_job("before-rollback")
    slack_shop.restart_bot(kill=True)  # while helm rolls back
    root = slack_shop.root("upgrade", "failed")
    assert "could not be upgraded. It is back on Leaflet 0.1.0; nothing was lost." in root["text"]
    assert "Its log says “error: it is odd”." in root["text"]
    assert "version 0.1.0<" in slack_shop.page()
    revisions = slack_shop.kubectl(
        "get", "secrets", "-l", "owner=helm", "-o", "jsonpath={.items[*].metadata.labels.status}"
    )
    assert "pending-rollback" in revisions, "helm was killed during the rollback"
    notice = slack.wait_for(lambda: [m for m in slack.messages("#store-failures") if slack_shop.name in m["text"]])[-1]
    assert "reading •••" in str(notice["blocks"])
    posted = str(slack.messages("#store-failures")) + str(slack.messages("#stores")) + str(slack.thread(root))
    assert slack_shop.secret()["password"] not in posted

    slack_shop.leaflet.release("0.2.1", migration="true")
    slack_shop.restart_bot()
    assert slack.click("Dana", root, "retry").ok
    assert "was brought to Leaflet 0.2.1" in slack_shop.root("upgrade", "succeeded")["text"]
    slack.wait_for(lambda: "version 0.2.1<" in slack_shop.page())

"""Upgrades on a real cluster: data and secrets stay, a process may end anywhere, what fails is put back as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import Stack, job_of, kubectl, newest_root, read_secret
from provisioner.domain.job import Job, JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus, suggest_name
from provisioner.ledger.ledger import Limits
from provisioner.operations.steps.prepare import QUOTA
from tests.e2e.provisioner_harness import LIMITS, Works
from tests.e2e.sample_type import Leaflet, load_image
from tests.waiting import until

BROKEN = "storewright/leaflet:none"


class Shop:
    """One store of the tiny type, Ready by version 0.1.0."""

    def __init__(self, works: Works, leaflet: Leaflet, name: str) -> None:
        self.works, self.leaflet, self.name = works, leaflet, name
        self.made = works.ended(works.create(name))
        assert self.made.status == JobStatus.SUCCEEDED, self.made.problem

    def reopen(self) -> None:
        """The next process, which reads the chart anew."""
        self.works.close()
        self.works.open()

    def upgrade_to(self, version: str, limits: Limits = LIMITS, **details: str) -> Job:
        """Order the upgrade to a version of that kind."""
        self.leaflet.release(version, **details)
        self.reopen()
        return self.works.upgrade(self.made, limits)

    def page(self) -> str:
        cluster = self.works.cluster
        return cluster.get(f"{self.name}.{cluster.store_domain}").text

    def is_back_on(self, version: str) -> None:
        """The store is Ready by that version, and helm's record and the namespace are as if nothing had been."""
        store = self.works.ledger.store(self.name)
        assert store is not None
        assert (store.status, store.version) == (StoreStatus.READY, version)
        until("the ingress has heard that the former pod is gone", lambda: f"version {version}<" in self.page(), 5)
        release = self.works.tools.helm.release(self.name, store.namespace)
        assert release is not None
        assert (release.status, release.chart) == ("deployed", f"leaflet-{version}")
        namespace = self.works.tools.cluster.namespace(store.namespace)
        assert namespace is not None
        assert "storewright.dev/upgrade-from" not in namespace["metadata"]["annotations"]


@pytest.fixture(scope="module", autouse=True)
def image(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))


@pytest.fixture
def shop(cluster: DevCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    leaflet = Leaflet(tmp_path / "charts")
    leaflet.release("0.1.0", before_rollback="sleep 1")
    works = Works(cluster, tmp_path, leaflet.charts, "leaflet")
    name = suggest_name("u" + request.node.name.removeprefix("test"))
    yield Shop(works, leaflet, name)
    works.close()
    works.remove_all()


def test_goes_on_wherever_a_process_ended(shop: Shop) -> None:
    stages = ("namespace", "secrets", "release", "application", "storefront", "check")
    for number, stage in enumerate(stages, start=1):
        job = shop.upgrade_to(f"0.1.{number}")
        shop.works.reached(job, stage)
        shop.reopen()
        ended = shop.works.ended(job)
        assert ended.status == JobStatus.SUCCEEDED, (stage, ended.problem)
        shop.is_back_on(f"0.1.{number}")


def test_a_migration_outlives_its_process_and_is_not_disturbed(shop: Shop) -> None:
    job = shop.upgrade_to("0.2.0", migration="sleep 4; echo migrated")
    namespace, tools = f"store-{shop.name}", shop.works.tools
    shop.works.until(job, lambda _: bool(tools.cluster.active_jobs(namespace, "migration")))
    [first] = _uids(shop, "migration")
    shop.reopen()
    release = shop.works.tools.helm.release(shop.name, namespace)
    assert release is not None
    assert release.status == "pending-upgrade", "helm was killed with its process"
    time.sleep(1)
    assert _uids(shop, "migration") == [first]
    ended = shop.works.ended(job)
    assert ended.status == JobStatus.SUCCEEDED, ended.problem
    shop.is_back_on("0.2.0")


def _uids(shop: Shop, component: str) -> list[str]:
    where = ("-n", f"store-{shop.name}", "-l", f"app.kubernetes.io/component={component}")
    return kubectl(shop.works.cluster, "get", "jobs", *where, "-o", "jsonpath={.items[*].metadata.uid}").split()


@pytest.mark.parametrize(
    ("details", "limits", "words"),
    [
        ({"image": BROKEN}, LIMITS, [BROKEN, "can't be pulled"]),
        ({"migration": "true", "image": BROKEN}, LIMITS, ["The migration of", BROKEN, "can't be pulled"]),
        ({"migration": "sleep 600"}, Limits(upgrade_deadline=10), ["The migration of", "did not end within"]),
    ],
    ids=["image", "migration-image", "deadline"],
)
def test_undone(shop: Shop, details: dict[str, str], limits: Limits, words: list[str]) -> None:
    job = shop.upgrade_to("0.2.0", limits, **details)
    shop.works.reached(job, "rollback")
    shop.reopen()  # a process ends on the way back, too
    ended = shop.works.ended(job)
    assert ended.status == JobStatus.FAILED
    assert all(word in str(ended.problem) for word in words), ended.problem
    shop.is_back_on("0.1.0")
    assert shop.works.tools.cluster.active_jobs(f"store-{shop.name}", "migration") == []


def test_not_undone_is_failed_and_mended_by_a_retry(shop: Shop) -> None:
    job = shop.upgrade_to("0.2.0", migration="sleep 2; exit 1")
    namespace = f"store-{shop.name}"
    shop.works.until(job, lambda _: bool(_uids(shop, "migration")))
    kubectl(shop.works.cluster, "delete", "secret", "-n", namespace, f"sh.helm.release.v1.{shop.name}.v1")
    ended = shop.works.ended(job)
    assert ended.status == JobStatus.FAILED
    assert "could not be put back either" in str(ended.problem)
    store = shop.works.ledger.store(shop.name)
    assert store is not None
    assert store.status == StoreStatus.FAILED
    shop.leaflet.release("0.2.1")
    shop.reopen()
    again = shop.works.ledger.order_retry(job_id=job.id, by="U1", origin="{}", delivery_key="again", limits=LIMITS)
    ended = shop.works.ended(again)
    assert ended.status == JobStatus.SUCCEEDED, ended.problem
    shop.is_back_on("0.2.1")


def test_a_delete_supersedes_an_upgrade_at_work(shop: Shop) -> None:
    job = shop.upgrade_to("0.2.0", migration="sleep 600")
    shop.works.until(job, lambda _: bool(_uids(shop, "migration")))
    removal = shop.works.ended(shop.works.delete(job))
    assert removal.status == JobStatus.SUCCEEDED, removal.problem
    superseded = shop.works.ledger.job(job.id)
    assert superseded is not None
    assert superseded.status == JobStatus.SUPERSEDED
    assert f"namespace/store-{shop.name}" not in shop.works.namespaces()


def test_of_a_store_whose_namespace_is_gone_nothing_new_is_made(shop: Shop) -> None:
    kubectl(shop.works.cluster, "delete", "namespace", f"store-{shop.name}")
    ended = shop.works.ended(shop.upgrade_to("0.2.0"))
    assert ended.status == JobStatus.FAILED
    assert "is gone" in str(ended.problem)
    assert f"namespace/store-{shop.name}" not in shop.works.namespaces()


class SlackShop:
    """A running bot over the tiny chart, and one store as people see it."""

    def __init__(self, stack: Callable[..., Stack], cluster: DevCluster, charts: Path, name: str) -> None:
        self.cluster, self.leaflet, self.name = cluster, Leaflet(charts), name
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
        """The newest root message of a job of that kind, once it has come to that status."""

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


def test_an_upgrade_from_slack_keeps_what_is_there_and_adds_what_is_wanted(slack_shop: SlackShop) -> None:
    before = slack_shop.secret()
    smaller = '{"spec": {"hard": {"pods": "9"}}}'  # as an older Storewright may have made it
    slack_shop.kubectl("patch", "resourcequota", "store", "-p", smaller)
    slack_shop.leaflet.release("0.2.0", migration="echo migrated")
    slack_shop.leaflet.want_key("token")
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


def test_a_failed_upgrade_is_undone_and_told_though_the_bot_is_killed_twice(slack_shop: SlackShop) -> None:
    slack = slack_shop.slack
    slack_shop.leaflet.release("0.2.0", migration="sleep 3; echo reading $password; echo error: it is odd; exit 3")
    slack_shop.restart_bot()
    assert slack.command("Dana", "#stores", f"/store upgrade {slack_shop.name}").ok
    slack_shop.await_job("migration")
    slack_shop.restart_bot(kill=True)  # with helm in the midst of the migration
    slack_shop.await_job("way-back")
    slack_shop.restart_bot(kill=True)  # with helm in the midst of the way back
    told = slack_shop.root("upgrade", "failed")
    assert "could not be upgraded. It is back on Leaflet 0.1.0; nothing was lost." in told["text"]
    assert "Its log says “error: it is odd”." in told["text"]
    assert "version 0.1.0<" in slack_shop.page()
    revisions = slack_shop.kubectl(
        "get", "secrets", "-l", "owner=helm", "-o", "jsonpath={.items[*].metadata.labels.status}"
    )
    assert "pending-rollback" in revisions, "helm was killed on the way back"
    heard = slack.wait_for(lambda: [m for m in slack.messages("#store-failures") if slack_shop.name in m["text"]])[-1]
    assert "reading •••" in str(heard["blocks"])
    said = str(slack.messages("#store-failures")) + str(slack.messages("#stores")) + str(slack.thread(told))
    assert slack_shop.secret()["password"] not in said

    slack_shop.leaflet.release("0.2.1", migration="true")
    slack_shop.restart_bot()
    assert slack.click("Dana", told, "retry").ok
    assert "was brought to Leaflet 0.2.1" in slack_shop.root("upgrade", "succeeded")["text"]
    slack.wait_for(lambda: "version 0.2.1<" in slack_shop.page())

"""Upgrades on a real cluster: data and secrets stay, a process may end anywhere, what fails is put back as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import Stack, job_of, kubectl, read_secret
from provisioner.jobs import Job, JobStatus
from provisioner.ledger import Limits
from provisioner.stores import SECRET_NAME, StoreStatus, suggest_name
from provisioner.workflows.prepare import QUOTA
from tests.e2e.leaflet import Leaflet, load_image
from tests.e2e.works import LIMITS, Works

NONE = "storewright/none:none"
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

    def serves(self, version: str, seconds: float = 5) -> bool:
        """Once the ingress has heard that the former pod is gone."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if f"version {version}<" in self._page():
                return True
            time.sleep(0.1)
        return False

    def _page(self) -> str:
        cluster = self.works.cluster
        host = f"{self.name}.{cluster.store_domain}:{cluster.ingress_port}"
        return httpx.get(f"http://{cluster.ingress_address}/", headers={"Host": host}, trust_env=False).text

    def is_back_on(self, version: str) -> None:
        """The store is Ready by that version, and helm's record and the namespace are as if nothing had been."""
        store = self.works.ledger.store(self.name)
        assert store is not None
        assert (store.status, store.version) == (StoreStatus.READY, version)
        assert self.serves(version)
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
    shop.works.until(job, lambda _: bool(tools.cluster.jobs_at_work(namespace, "migration")))
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
    assert shop.works.tools.cluster.jobs_at_work(f"store-{shop.name}", "migration") == []


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


def test_upgrades_from_slack(stack: Callable[..., Stack], cluster: DevCluster, tmp_path: Path) -> None:
    leaflet = Leaflet(tmp_path / "charts")
    leaflet.release("0.1.0", before_rollback="sleep 2")
    running = stack(CHARTS_DIR=str(leaflet.charts))
    slack = running.slack()

    def root(kind: str, status: str, seconds: float = 60) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = [m for m in slack.messages("#stores") if job_of(m).get("kind") == kind]
            return found[-1] if found and job_of(found[-1])["status"] == status else None

        return slack.wait_for(look, seconds, f"{kind} {status}")

    def page() -> str:
        host = f"slack-shop.{cluster.store_domain}:{cluster.ingress_port}"
        return httpx.get(f"http://{cluster.ingress_address}/", headers={"Host": host}, trust_env=False).text

    def restart_bot() -> None:
        running.bot_process.stop()
        running.start_bot()

    def kill_bot() -> None:
        process = running.bot_process.process()
        assert process is not None
        process.kill()
        process.wait(10)
        running.start_bot()

    assert slack.command("Dana", "#stores", "/store create slack-shop leaflet color=ocean").ok
    root("create", "succeeded")
    before = read_secret(cluster, "store-slack-shop", SECRET_NAME)
    smaller = '{"spec": {"hard": {"pods": "9"}}}'  # as an older Storewright may have made it
    kubectl(cluster, "patch", "resourcequota", "store", "-n", "store-slack-shop", "-p", smaller)

    leaflet.release("0.2.0", migration="echo migrated", before_rollback="sleep 2")
    leaflet.want_key("token")
    restart_bot()
    status = slack.command("Dana", "#stores", "/store status slack-shop").json()
    assert "'action_id': 'upgrade'" in str(status["blocks"])
    assert slack.command("Dana", "#stores", "/store upgrade slack-shop").ok
    done = root("upgrade", "succeeded")
    assert "was brought to Leaflet 0.2.0" in done["text"]
    assert "#1f5f8b" in page()
    assert "version 0.2.0<" in page()
    after = read_secret(cluster, "store-slack-shop", SECRET_NAME)
    assert len(after.pop("token")) == 64
    assert after == before
    quota = ("get", "resourcequota", "store", "-n", "store-slack-shop", "-o", "jsonpath={.spec.hard.pods}")
    assert kubectl(cluster, *quota) == QUOTA["pods"]

    leaflet.release("0.3.0", migration="sleep 3; echo reading $password; echo error: the column is odd; exit 3")
    restart_bot()
    assert slack.command("Dana", "#stores", "/store upgrade slack-shop").ok
    slack.wait_for(lambda: kubectl(cluster, "get", "jobs", "-n", "store-slack-shop", "-o", "name").count("migr"), 20)
    kill_bot()  # with helm in the midst of the migration
    slack.wait_for(lambda: "way-back" in kubectl(cluster, "get", "jobs", "-n", "store-slack-shop", "-o", "name"), 60)
    kill_bot()  # with helm in the midst of the way back
    told = root("upgrade", "failed", 90)
    assert "could not be upgraded. It is back on Leaflet 0.2.0; nothing was lost." in told["text"]
    assert "the column is odd" in told["text"]
    assert "version 0.2.0<" in page()
    heard = slack.wait_for(lambda: [m for m in slack.messages("#store-failures") if "slack-shop" in m["text"]])[-1]
    assert "reading •••" in str(heard["blocks"])
    assert before["password"] not in str(slack.messages("#store-failures")) + str(slack.thread(told["ts"]))

    leaflet.release("0.3.1", migration="true")
    restart_bot()
    assert slack.click("Dana", told, "retry").ok
    slack.wait_for(lambda: "version 0.3.1<" in page(), 60)

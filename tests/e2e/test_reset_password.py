"""The admin of a store gets a new password: shop and Secret agree, whenever the bot is killed and whatever fails."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import ROOT, kubectl, read_secret
from provisioner.diagnosis import Patience
from provisioner.domain.errors import HandedOver
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus
from provisioner.operations import reset
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.sample_type import BOOKLET, BREAK, load_image
from tests.waiting import until

NAME = "forgotten"


class ForgottenStore:
    """A store of the type `booklet`, whose shop shows the hash of the password that a reset gave it."""

    def __init__(self, harness: ProvisionerHarness) -> None:
        self.harness, self.namespace = harness, f"store-{NAME}"
        self.made = harness.succeeded(harness.create(NAME))

    def secret(self) -> dict[str, str]:
        return read_secret(self.harness.cluster, self.namespace, SECRET_NAME)

    def hash_in_shop(self) -> str:
        cluster = self.harness.cluster
        return cluster.get(f"{NAME}.{cluster.store_domain}", "/login").text.split()[0]

    def kubectl(self, *args: str) -> str:
        return kubectl(self.harness.cluster, "-n", self.namespace, *args)

    def reset(self) -> Job:
        return self.harness.reset(self.made)

    def require_success(self, job: Job, before: dict[str, str]) -> None:
        """Shop and Secret have the same new password, and everything else is as it was."""
        self.harness.succeeded(job)
        after = self.secret()
        assert after["password"] != before["password"]
        assert after | {"password": before["password"]} == before
        assert self.hash_in_shop() == hashlib.sha256(after["password"].encode()).hexdigest()
        assert self.harness.store(NAME).status == StoreStatus.READY

    def require_failure(self, job: Job, before: dict[str, str], *words: str) -> Job:
        """The job failed and said so, and the store is ready with the password that it had."""
        ended = self.harness.ended(job)
        assert ended.status == JobStatus.FAILED
        assert [word for word in words if word not in str(ended.problem)] == []
        assert self.secret() == before
        assert self.harness.store(NAME).status == StoreStatus.READY
        return ended


@pytest.fixture(scope="module")
def store(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForgottenStore]:
    folder = tmp_path_factory.mktemp("reset")
    load_image(cluster, folder)
    shutil.copytree(BOOKLET, folder / "charts" / "booklet")
    harness = ProvisionerHarness(cluster, folder, folder / "charts", "booklet")
    harness.overlay["booklet"] = {"openingSeconds": 0}
    harness.reopen()
    yield ForgottenStore(harness)
    harness.close()
    harness.remove_all()


def test_reset_shows_the_password_nowhere(store: ForgottenStore) -> None:
    before = store.secret()
    job = store.reset()
    store.require_success(job, before)
    done = [event.stage for event in store.harness.ledger.jobs.events(job.id) if event.kind == EventKind.DONE]
    assert done == ["inspect", "password", "shop", "secret"]
    helm = [str(ROOT / "build/tools/bin/helm"), "get", "all", NAME, "-n", store.namespace]
    kubeconfig = ["--kubeconfig", str(store.harness.cluster.kubeconfig)]
    release = subprocess.run([*helm, *kubeconfig], capture_output=True, text=True, check=True).stdout
    log = store.kubectl("logs", f"job/{NAME}-reset-{job.id}")
    written = [release, log, store.kubectl("get", "jobs,pods,events", "-o", "yaml")]
    written += [part.read_bytes().decode(errors="replace") for part in store.harness.folder.glob("ledger.db*")]
    password = store.secret()["password"]
    assert [text[:50] for text in written if password in text] == []


@pytest.mark.parametrize("step", ["propose_password", "run_chart_job", "adopt_password"])
def test_reset_that_is_interrupted_after_a_step_ends_with_one_password(
    store: ForgottenStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    interrupted: list[str] = []
    real: Callable[..., Any] = getattr(reset, step)

    def do_and_stop(tools: Any, *args: Any, **options: Any) -> Any:
        result = real(tools, *args, **options)
        if not interrupted:
            interrupted.append(step)
            raise HandedOver("test")
        return result

    monkeypatch.setattr(reset, step, do_and_stop)
    before = store.secret()
    job = store.reset()
    store.require_success(job, before)
    assert interrupted == [step]
    assert store.harness.job(job).attempts == 2


def test_reset_that_the_shop_refuses_leaves_the_password_and_its_retry_succeeds(store: ForgottenStore) -> None:
    before, login = store.secret(), "/www/cgi-bin/login"
    of_shop = ("exec", f"deployment/{NAME}", "--", "/busybox")
    store.kubectl(*of_shop, "chmod", "-x", login)
    failed = store.harness.ended(store.reset())
    assert (failed.status, store.harness.store(NAME).status) == (JobStatus.FAILED, StoreStatus.READY)
    assert "The reset of forgotten failed: it ended with exit code 1." in str(failed.problem)
    assert store.secret()["password"] == before["password"]
    store.kubectl(*of_shop, "chmod", "+x", login)
    store.require_success(store.harness.retry(failed), before)


def test_reset_of_a_stopped_shop_changes_nothing_and_succeeds_after_an_upgrade(store: ForgottenStore) -> None:
    before = store.secret()
    store.kubectl("scale", f"deployment/{NAME}", "--replicas=0")
    failed = store.require_failure(store.reset(), before, "does not run", f"/store upgrade {NAME}")
    store.harness.succeeded(store.harness.upgrade(failed))
    store.require_success(store.reset(), before)


def test_reset_of_a_shop_whose_database_crashes_changes_nothing(store: ForgottenStore) -> None:
    store.harness.patience = Patience(crash=0.5)
    store.harness.reopen()
    before, database = store.secret(), f"{NAME}-database-0"
    store.kubectl("exec", database, "--", *BREAK)
    ready = ("get", "pod", database, "-o", "jsonpath={.status.containerStatuses[0].ready}")
    until("a database that is down", lambda: store.kubectl(*ready) == "false")
    store.require_failure(store.reset(), before, "The database of forgotten keeps crashing", "a page is missing")

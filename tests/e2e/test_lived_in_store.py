"""Every operation on a store that people have lived in. One store of each engine, in this order."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dev.cluster import Cluster
from dev.stack import ROOT
from provisioner.clients.storefront_check import StorefrontClient
from provisioner.diagnosis import Patience
from provisioner.domain.job import EventKind, JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus
from provisioner.operations.clone import CLONE
from provisioner.operations.namespace_metadata import stores_in_cluster
from provisioner.operations.registry import OPERATIONS
from tests.e2e.backup_server import BackupServer
from tests.e2e.busy_restart import restart_while_people_buy
from tests.e2e.full_disk import full_disks
from tests.e2e.imported_archive import Upload, archive_from
from tests.e2e.lived_in import LivedInStore
from tests.e2e.lived_in_medusa import LivedInMedusa
from tests.e2e.lived_in_woocommerce import LivedInWooCommerce
from tests.e2e.provisioner_harness import INSTANCE, ProvisionerHarness
from tests.e2e.shoppers import Visits
from tests.e2e.store_release import PNG
from tests.ledgers import exclusive_ledger

pytestmark = pytest.mark.long
Store = LivedInStore[Any]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
AS_BROWSER = {"Accept": "text/html,application/xhtml+xml"}
STOPS = "The check stops where it stopped before: "


@pytest.fixture(scope="module", params=[LivedInMedusa, LivedInWooCommerce], ids=["medusa", "woocommerce"])
def store(
    cluster: Cluster, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    engine: type[Store] = request.param
    harness = ProvisionerHarness(cluster, tmp_path_factory.mktemp("lived-in"), type=engine.release.type)
    try:
        yield engine(harness)
    finally:
        harness.close()
        harness.remove_all()


def check(store: Store) -> None:
    """What a job does to see whether the shop works."""
    made, address = store.harness.store(store.name), store.harness.cluster.ingress_address
    with StorefrontClient(made.url, address, {"secret": store.shop.secret}) as client:
        client.run(store.harness.catalog.types[made.type].check)


def test_store_becomes_ready_and_its_secrets_stay_out_of_the_release(store: Store) -> None:
    assert store.harness.store(store.name).status == StoreStatus.READY
    events = store.harness.ledger.jobs.events(store.made.id)
    stages = [event.stage for event in events if event.kind == EventKind.DONE]
    assert stages == ["namespace", "secrets", "release", "database", "application", "storefront", "check"]
    assert store.harness.volumes(store.shop.namespace)
    helm = [str(ROOT / "build/tools/bin/helm"), "get", "all", store.name, "--namespace", store.shop.namespace]
    kubeconfig = ["--kubeconfig", str(store.harness.cluster.kubeconfig)]
    release = subprocess.run([*helm, *kubeconfig], capture_output=True, text=True, check=True).stdout
    assert SECRET_NAME in release
    for key in ("admin-password", "database-password"):
        assert store.shop.secret[key] not in release


def test_new_ledger_can_adopt_the_store(store: Store) -> None:
    known = store.harness.store(store.name)
    in_cluster = stores_in_cluster(store.harness.tools.cluster, INSTANCE)
    with exclusive_ledger(store.harness.folder / "rebuilt.db") as fresh:
        adopted = [found for found in in_cluster if fresh.stores.adopt(found)]
    (found,) = (found for found in adopted if found.namespace == store.shop.namespace)
    assert found.ready_at is not None
    assert replace(found, ready_at=known.ready_at) == known


def test_people_are_counted_and_programs_are_not(store: Store) -> None:
    def ask(agent: str, path: str = "/", method: str = "GET") -> None:
        with store.harness.cluster.client(store.shop.host) as client:
            assert client.request(method, path, headers={"User-Agent": agent, **AS_BROWSER}).status_code < 400

    assert store.seen_since(lambda: ask(FIREFOX))
    assert not store.seen_since(lambda: ask(GOOGLEBOT))
    assert not store.seen_since(lambda: ask(FIREFOX, method="HEAD"))
    assert not store.seen_since(lambda: ask(FIREFOX, "/robots.txt"))
    assert not store.seen_since(lambda: check(store)), "the bot's own visit; the pods are probed every second, too"


def test_restart_loses_no_confirmed_order(store: Store) -> None:
    store.require_success(restart_while_people_buy(store))
    store.require_owner()


def test_backup_holds_every_order_and_the_pictures_and_disturbs_no_shopper(store: Store) -> None:
    with Visits(store.visit) as visits:
        store.require_success(store.harness.backup(store.made))
        store.require_success(store.harness.backup(store.made))
    assert (visits.failures, visits.answered > 10) == ([], True)
    later, first = store.harness.backups(store.made)
    assert first.counts["orders"] >= len(store.orders)
    assert later.counts == first.counts
    server = BackupServer(store.harness.cluster)
    found = server.snapshots(store.made.store_id)
    assert [snapshot["id"] for snapshot in found] == [first.id, later.id]
    assert "reason=ordered" in found[0]["tags"]
    held = server.restic(store.made.store_id, "ls", "latest")
    assert "/dump/database.sql" in held
    assert store.picture.rsplit("/", 1)[-1] in held


def test_restore_brings_back_what_was_there_and_can_be_undone(store: Store) -> None:
    backup = store.harness.backups(store.made)[0]
    later_picture = store.shop.upload("later.png", PNG)
    later_orders = {store.buy()} if store.sells else set()
    store.require_success(store.harness.restore(store.made, backup))
    store.require_owner()
    assert later_orders.isdisjoint(store.placed())
    assert store.shop.request(later_picture).status_code == 404
    undo = store.harness.backups(store.made)[0]
    assert (undo.reason, undo.made_at > backup.made_at) == ("before a restore", True)
    store.orders |= later_orders
    store.require_success(store.harness.restore(store.made, undo))
    assert store.shop.request(later_picture).content == PNG


def test_upgrade_after_which_no_version_can_run_brings_the_data_back(store: Store, tmp_path: Path) -> None:
    store.harness.patience = Patience(wrong_answer=3, no_answer=10)
    failed = store.order_breaking_upgrade(tmp_path)
    store.harness.patience = Patience()
    store.harness.reopen()
    assert failed.status == JobStatus.FAILED
    events = store.harness.ledger.jobs.events(failed.id)
    [result] = [event.detail for event in events if event.stage == "rollback" and event.kind == EventKind.DONE]
    migrated, before = store.harness.backups(store.made)[:2]
    assert (before.reason, migrated.reason) == ("before an upgrade", "after a failed upgrade")
    assert f"What was ordered since is in the backup {migrated.id[:8]}." in result
    store.require_success(store.harness.restart(store.made))


def test_failed_upgrade_of_a_sold_out_store_changes_nothing_and_its_retry_succeeds(store: Store) -> None:
    store.sell_out()
    image = store.harness.overlay[store.release.type]["image"]
    good, image["tag"] = image["tag"], "none"
    failed = store.harness.ended(store.order_upgrade("21m"), 600)
    assert failed.status == JobStatus.FAILED
    assert ":none" in str(failed.problem)
    image["tag"] = good
    results = store.require_success(store.harness.retry(failed))
    assert STOPS in results
    assert store.sold_out in results


def test_upgrade_succeeds_after_all_that_people_did_and_names_hand_edits(store: Store) -> None:
    store.change_everything()
    named = store.edit_by_hand()
    results = store.require_success(store.order_upgrade("22m"))
    assert [change for change in named if change not in results] == []
    assert STOPS in results
    assert store.changed in results
    store.require_changes()
    store.require_additions()


def test_rollback_undoes_what_the_upgrade_changed_and_keeps_the_data_of_the_same_version(store: Store) -> None:
    store.require_success(store.harness.rollback(store.made))
    assert store.cpu_request == "21m"
    store.require_changes()
    store.require_additions()


def test_settings_take_effect(store: Store) -> None:
    store.require_success(store.harness.change(store.made, **store.settings))
    store.require_settings()
    store.require_changes()


def test_clone_has_all_data_and_an_address_a_login_and_keys_of_its_own(store: Store) -> None:
    store.scatter_address()
    with Visits(store.require_home_page) as visits:
        clone = store.copy_made_by(store.harness.clone(store.made, f"copied-{store.release.type}"))
    assert (visits.failures, visits.answered > 10) == ([], True)
    store.require_rewritten(clone)
    store.require_own(clone)
    store.require_changes()
    copied = store.harness.store(clone.name)
    [job] = store.harness.ledger.jobs.of_kind(CLONE.kind)
    assert (copied.status, copied.id) == (StoreStatus.READY, job.store_id)


def test_backup_leaves_the_cluster_as_one_archive_and_becomes_a_store_elsewhere(store: Store) -> None:
    archive = archive_from(store.harness, store.made)
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        sizes = {member.name: member.size for member in opened}
    assert sizes["dump/database.sql"] > 100_000
    assert [name for name in sizes if name.startswith("uploads/") and name.endswith(".png")]
    upload = Upload(store.harness, f"imported-{store.release.type}", archive)
    upload.go_on()
    imported = store.copy_made_by(upload.job)
    store.require_rewritten(imported)
    store.require_own(imported)


def test_backup_of_all_that_people_did_is_proven(store: Store) -> None:
    store.require_success(store.harness.backup(store.made))
    with Visits(store.require_home_page) as visits:
        results = store.require_success(store.harness.prove(store.made))
    assert visits.failures == []
    assert "The home page answers." in results or "A cart holds a product with a price." in results
    assert store.harness.backups(store.made)[0].proven_at


def test_store_sleeps_and_wakes_with_all_that_people_did(store: Store) -> None:
    store.harness.succeeded(store.harness.pause(store.made), 300)
    assert store.harness.store(store.name).status == StoreStatus.ASLEEP
    assert store.shop.get_object("deployment", store.name)["spec"]["replicas"] == 0
    store.require_success(store.harness.wake(store.made))
    store.require_changes()
    store.require_additions()


def test_restart_of_a_closed_shop_succeeds_and_keeps_what_operators_scaled(store: Store) -> None:
    store.require_changes()
    store.close()
    store.shop.kubectl("scale", f"deployment/{store.name}", "--replicas=2")
    store.harness.patience = Patience(wrong_answer=3)  # a shop that was closed before can't fail the job
    store.harness.reopen()
    results = store.require_success(store.harness.restart(store.made))
    assert STOPS in results
    assert store.closed in results
    assert store.shop.get_object("deployment", store.name)["spec"]["replicas"] == 2
    store.require_additions()


def test_full_disks_fail_no_upgrade_without_saying_so_and_the_retry_succeeds_once_they_grew(store: Store) -> None:
    with full_disks(store.shop) as grow:
        job = store.harness.ended(store.order_upgrade("23m"), 600)
        if job.status == JobStatus.FAILED:  # some migrations need no space
            assert "A disk is full" in str(job.problem), job.problem
            grow()
            job = store.harness.retry(job)
        store.require_success(job)


def test_reset_ends_in_a_login_that_works_whatever_the_merchant_changed(store: Store) -> None:
    store.lose_account()
    store.reset_login()
    store.require_owner()
    store.change_login()
    signed_in, former = store.signed_in(), store.shop
    assert signed_in()
    store.reset_login()
    assert not signed_in()
    store.require_owner()
    assert store.shop.secret["admin-password"] != former.secret["admin-password"]
    present, store.shop = store.shop, former
    with pytest.raises(AssertionError):
        store.require_owner()
    store.shop = present


def test_deleted_store_comes_back_as_it_was(store: Store) -> None:
    store.harness.undelete_days = 7
    store.harness.reopen()
    secret = store.shop.get_object("secret", SECRET_NAME)["data"]
    store.harness.succeeded(store.harness.delete(store.made), 300)
    assert f"namespace/{store.shop.namespace}" not in store.harness.namespaces()
    store.require_success(store.harness.undelete(store.made))
    assert store.shop.get_object("secret", SECRET_NAME)["data"] == secret
    store.require_owner()
    store.harness.undelete_days = 0
    store.harness.reopen()


def test_delete_leaves_nothing(store: Store) -> None:
    store.harness.succeeded(store.harness.delete(store.made), 300)
    assert f"namespace/{store.shop.namespace}" not in store.harness.namespaces()
    assert store.harness.volumes(store.shop.namespace) == []


def test_store_has_lived_through_every_operation(store: Store) -> None:
    assert [kind for kind in OPERATIONS if not store.harness.ledger.jobs.of_kind(kind)] == []

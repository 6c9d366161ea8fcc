"""Upgrades from the previous Medusa chart to this one by Helm alone, with database migrations.

Both charts use the same image. So a test first undoes one or two of the image's newest migrations, with the SQL of
their `down`: Medusa's own command loads all of Medusa for it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cluster import Cluster
from tests.e2e import medusa
from tests.e2e.medusa import MedusaStore
from tests.e2e.public_address import require_whole_medusa
from tests.e2e.store_release import PNG, SECRET
from tests.waiting import until

PREVIOUS = Path(__file__).parent / "charts" / "previous" / "medusa"
# Other resources than the default, so that Kubernetes replaces the pod.
CHANGED = {"requests": {"cpu": "30m", "memory": "384Mi"}, "limits": {"memory": "768Mi"}}
LAYOUTS = "Migration20260615151246"  # of the module settings: creates the table layout_configuration
OPTIONS = "Migration20260623180000"  # of the module product: makes titles of shared product options unique
DOWN = {
    LAYOUTS: 'drop table "layout_configuration" cascade',
    OPTIONS: 'drop index "IDX_product_option_global_title_unique"',
}


@pytest.fixture(scope="module")
def store(cluster: Cluster) -> Iterator[MedusaStore]:
    """A store that runs the previous chart."""
    with medusa.store(cluster, "upgraded") as release:
        release.install(PREVIOUS)
        yield release


def test_upgrade_migrates_the_database_and_keeps_its_data(store: MedusaStore) -> None:
    order, picture, secret = store.place_order(), store.upload("dot.png", PNG), store.get_object("secret", SECRET)
    undo(store, LAYOUTS)
    assert "layout_configuration" not in tables(store)

    done = store.helm("upgrade")
    assert done.returncode == 0, done.stdout + done.stderr

    assert f"done: {LAYOUTS}" in store.kubectl("logs", "job/upgraded-migration")
    wait_for_new_version(store)
    assert LAYOUTS in migrations(store)
    assert "layout_configuration" in tables(store)
    assert store.get_object("deployment", "upgraded")["metadata"]["labels"]["helm.sh/chart"] != "medusa-0.1.0"
    assert [(o["id"], o["total"]) for o in store.orders()] == [(order["id"], order["total"])]
    assert store.request(picture).content == PNG
    assert store.get_object("secret", SECRET) == secret


def test_upgrade_of_an_up_to_date_database_migrates_nothing(store: MedusaStore) -> None:
    before = migrations(store)
    assert store.helm("upgrade").returncode == 0
    assert "the database is up to date" in store.kubectl("logs", "job/upgraded-migration")
    assert migrations(store) == before


def test_store_keeps_the_database_that_it_was_born_with(store: MedusaStore) -> None:
    """Only what Helm would apply: in an external database the store would be empty."""
    external = {"enabled": True, "host": "sql.example.com", "cidr": "10.0.0.5/32"}
    born = store.helm("upgrade", dry_run=True, database={"external": external})
    assert "kind: StatefulSet" in born.stdout
    assert "sql.example.com" not in manifests_of(born)
    mark = ("annotate", "deployment", "upgraded")
    store.kubectl(*mark, "storewright.dev/database=external")
    moved = store.helm("upgrade", dry_run=True, database={"external": external})
    refused = store.helm("upgrade", dry_run=True)
    store.kubectl(*mark, "storewright.dev/database-")
    assert "kind: StatefulSet" not in moved.stdout
    assert "sql.example.com" in manifests_of(moved)
    assert "the data of this store is in an external database" in refused.stderr


def manifests_of(done: subprocess.CompletedProcess[str]) -> str:
    """The manifests that helm printed, without the values."""
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("MANIFEST:")[2]


def test_killed_migration_completes_when_it_runs_again(store: MedusaStore) -> None:
    undo(store, OPTIONS, LAYOUTS)
    script = Path(__file__).with_name("killed_migration.cjs").read_text()
    inside = ["exec", "--stdin", "deployment/upgraded", "--", "node", "-", OPTIONS, LAYOUTS]
    result = json.loads(store.kubectl(*inside, stdin=script))
    assert result["half"] == [OPTIONS]
    assert f"done: {LAYOUTS}" in result["again"]
    assert result["whole"] == [OPTIONS, LAYOUTS]
    assert result["unfinished"] == 0
    assert "the database is up to date" in result["idle"]["log"]
    assert result["idle"]["modules"] < 100, "a migration with nothing to do does not load Medusa, which has thousands"


def test_failed_migration_logs_its_cause_and_the_old_version_keeps_serving(store: MedusaStore) -> None:
    """Two product options have the same title, which the new schema forbids."""
    orders, running = len(store.orders()), store.pod("application")["metadata"]["uid"]
    undo(store, OPTIONS)
    size = {"title": "Size", "values": ["S", "M"], "is_exclusive": False}
    options = [store.admin_api("/product-options", json=size)["product_option"]["id"] for _ in range(2)]

    assert store.helm("upgrade", resources=CHANGED).returncode != 0
    last = json.loads(store.kubectl("logs", "job/upgraded-migration").splitlines()[-1])
    assert last["level"] == "error"
    assert f"{OPTIONS} (up) failed" in last["message"]
    assert "Key (title)=(Size) is duplicated" in last["message"]
    assert OPTIONS not in migrations(store)
    assert store.pod("application")["metadata"]["uid"] == running
    store.place_order()
    assert len(store.orders()) == orders + 1

    store.admin_api(f"/product-options/{options[0]}", method="DELETE")
    moved = f"https://{store.host}"  # an upgrade may change the address too
    assert store.helm("upgrade", resources=CHANGED, store={"url": moved}).returncode == 0
    wait_for_new_version(store)
    require_whole_medusa(store, moved)
    assert OPTIONS in migrations(store)
    assert store.pod("application")["metadata"]["uid"] != running
    assert len(store.orders()) == orders + 1


def wait_for_new_version(store: MedusaStore) -> None:
    """Wait until only the new version runs and answers; the owner can still log in."""
    for workload in ("statefulset/upgraded-database", "deployment/upgraded"):
        store.kubectl("rollout", "status", workload, "--timeout=90s")
    until("the new version answers", store.answers)
    store.log_in()


def undo(store: MedusaStore, *names: str) -> None:
    for name in names:
        store.sql(f"{DOWN[name]}; delete from mikro_orm_migrations where name = '{name}'")  # noqa: S608
        assert name not in migrations(store)


def migrations(store: MedusaStore) -> list[str]:
    return store.sql("select name from mikro_orm_migrations order by id")


def tables(store: MedusaStore) -> list[str]:
    return store.sql("select tablename from pg_tables")

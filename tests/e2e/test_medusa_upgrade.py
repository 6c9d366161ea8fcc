"""From the previous version of Medusa's chart to this one by Helm alone, with a schema to migrate on the way.

The image is the same on both sides, so two of its newest migrations are taken back first, by Medusa's own means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cluster import Cluster
from tests.e2e import medusa
from tests.e2e.medusa import Shop
from tests.e2e.store_release import DOT, SECRET
from tests.waiting import until

PREVIOUS = Path(__file__).parent / "charts" / "previous" / "medusa"
CHANGED = {"requests": {"cpu": "30m", "memory": "384Mi"}, "limits": {"memory": "768Mi"}}  # so that its pod is a new one
LAYOUTS = "Migration20260615151246"  # of the module settings: makes the table layout_configuration
OPTIONS = "Migration20260623180000"  # of the module product: titles of options that products share become unique
MEDUSA = ["exec", "deployment/upgraded", "--", "node", "node_modules/@medusajs/cli/cli.js"]


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[Shop]:
    """A shop of the previous chart, once it answers."""
    with medusa.shop(cluster, "upgraded") as one:
        one.install(PREVIOUS)
        yield one


def test_an_upgrade_migrates_the_database_and_keeps_all_there_is(shop: Shop) -> None:
    order, picture, secret = shop.buy(), shop.upload("dot.png", DOT), shop.found("secret", SECRET)
    shop.kubectl(*MEDUSA, "db:rollback", "settings")
    assert LAYOUTS not in migrations(shop)
    assert "layout_configuration" not in tables(shop)

    done = shop.helm("upgrade")
    assert done.returncode == 0, done.stdout + done.stderr

    assert f"done: {LAYOUTS}" in shop.kubectl("logs", "job/upgraded-migration")
    serving(shop)
    assert LAYOUTS in migrations(shop)
    assert "layout_configuration" in tables(shop)
    assert shop.found("deployment", "upgraded")["metadata"]["labels"]["helm.sh/chart"] != "medusa-0.1.0"
    assert [(o["id"], o["total"]) for o in shop.orders()] == [(order["id"], order["total"])]
    assert shop.http(picture).content == DOT
    assert shop.found("secret", SECRET) == secret


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(shop: Shop) -> None:
    before = migrations(shop)
    assert shop.helm("upgrade").returncode == 0
    assert "the database is up to date" in shop.kubectl("logs", "job/upgraded-migration")
    assert migrations(shop) == before


def test_a_migration_that_is_killed_half_way_ends_when_entered_again(shop: Shop) -> None:
    shop.kubectl(*MEDUSA, "db:rollback", "product", "settings")
    script = Path(__file__).with_name("killed_migration.cjs").read_text()
    inside = ["exec", "--stdin", "deployment/upgraded", "--", "node", "-", OPTIONS, LAYOUTS]
    told = json.loads(shop.kubectl(*inside, stdin=script))
    assert told["half"] == [OPTIONS]
    assert f"done: {LAYOUTS}" in told["again"]
    assert told["whole"] == [OPTIONS, LAYOUTS]
    assert told["unfinished"] == 0


def test_a_migration_that_fails_says_why_and_the_old_version_serves_on(shop: Shop) -> None:
    """Its owner has two options of one title, which the new version does not allow."""
    orders, running = len(shop.orders()), shop.pod("application")["metadata"]["uid"]
    shop.kubectl(*MEDUSA, "db:rollback", "product")
    size = {"title": "Size", "values": ["S", "M"], "is_exclusive": False}
    options = [shop.admin("/product-options", json=size)["product_option"]["id"] for _ in range(2)]

    assert shop.helm("upgrade", resources=CHANGED).returncode != 0
    told = json.loads(shop.kubectl("logs", "job/upgraded-migration").splitlines()[-1])
    assert told["level"] == "error"
    assert f"{OPTIONS} (up) failed" in told["message"]
    assert "Key (title)=(Size) is duplicated" in told["message"]
    assert OPTIONS not in migrations(shop)
    assert shop.pod("application")["metadata"]["uid"] == running
    shop.buy()
    assert len(shop.orders()) == orders + 1

    shop.admin(f"/product-options/{options[0]}", method="DELETE")
    assert shop.helm("upgrade", resources=CHANGED).returncode == 0
    serving(shop)
    assert OPTIONS in migrations(shop)
    assert shop.pod("application")["metadata"]["uid"] != running
    assert len(shop.orders()) == orders + 1


def serving(shop: Shop) -> None:
    """The new version is there alone, a visitor gets in, and so does the owner by the credentials of before."""
    for workload in ("statefulset/upgraded-database", "deployment/upgraded"):
        shop.kubectl("rollout", "status", workload, "--timeout=90s")
    until("the new version answers", shop.answers)
    shop.login()


def migrations(shop: Shop) -> list[str]:
    return shop.sql("select name from mikro_orm_migrations order by id")


def tables(shop: Shop) -> list[str]:
    return shop.sql("select tablename from pg_tables")

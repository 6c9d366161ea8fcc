"""App Home: a person's stores within Slack's limits."""

from __future__ import annotations

from dataclasses import replace

from bot.commands.registry import OFFERS
from bot.rendering.home import STORE_LIMIT, home
from bot.rendering.job_view import StoreView, store_view
from dev.slack.block_validation import check_view
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from tests.unit.sample_stores import CATALOG, FAILED, FAILED_JOB, JOB, NOON, STORE


def view_of(store: Store, job: Job) -> StoreView:
    return store_view(CATALOG, store, job)


def test_empty_home_shows_the_command_for_the_first_store() -> None:
    view = home([], total=0, used=0, limit=10, offers=OFFERS)
    assert check_view(view) == []
    assert "/store create my-shop" in str(view)
    assert "0 of 10 stores used · 10 left" in str(view)


def test_full_home_keeps_the_given_order_and_slacks_limits() -> None:
    """The ledger orders the stores: test_failed_stores_come_first_on_home."""
    shops = [replace(STORE, id=f"s{n}", name=f"shop-{n}", created_at=NOON + n) for n in range(59, 40, -1)]
    views = [view_of(replace(FAILED, id="bad", name="bad-shop"), FAILED_JOB), *(view_of(shop, JOB) for shop in shops)]
    assert len(views) == STORE_LIMIT
    view = home(views, total=61, used=61, limit=60, offers=OFFERS)
    assert check_view(view) == []
    titles = [b["text"]["text"] for b in view["blocks"] if b["type"] == "section"]
    assert "bad-shop" in titles[0]
    assert "shop-59" in titles[1]
    assert "and 41 more" in str(view)
    assert "0 left" in str(view)

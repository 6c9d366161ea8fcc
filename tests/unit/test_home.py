"""App Home: stores, jobs at work and failures, within Slack's limits, and as text in tests/unit/golden_home/.

`UPDATE_GOLDEN=1 pytest tests/unit/test_home.py` rewrites the golden files: read the difference first."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands.registry import OFFERS
from bot.rendering.home import HomeView, home
from bot.rendering.job_view import StoreView, store_view
from dev.slack.block_validation import check_view
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.ledger.dashboards import JOBS, STORES
from provisioner.ledger.homes import HomeChoice, Shown
from tests.unit.message_text import view_as_text
from tests.unit.sample_stores import (
    ASLEEP,
    CATALOG,
    CREATING,
    EXPIRING,
    FAILED,
    FAILED_JOB,
    JOB,
    PAUSED_JOB,
    RESTART_FAILED_JOB,
    RETRYING,
    STORE,
    UPGRADE_JOB,
    WORKING_JOB,
    job_view,
)

GOLDEN = Path(__file__).parent / "golden_home"
EMPTY = HomeView(HomeChoice(), stores=[], total=0, pages=1, used=0, limit=10)


def card(store: Store, job: Job) -> StoreView:
    return store_view(CATALOG, store, job)


def named(name: str, store: Store = STORE) -> Store:
    return replace(store, id=name, name=name, url=f"http://{name}.localhost:8081")


BROKEN, OTHER = named("bad-shop", FAILED), replace(named("oils-shop"), owner="U0OLI0001")
HOMES = {
    "empty": EMPTY,
    "stores": replace(
        EMPTY,
        stores=[card(BROKEN, FAILED_JOB), card(named("long-shop", EXPIRING), JOB), card(ASLEEP, PAUSED_JOB)],
        total=3,
        used=3,
    ),
    "at-work-and-failed": replace(
        EMPTY,
        stores=[card(BROKEN, FAILED_JOB), card(CREATING, WORKING_JOB)],
        total=2,
        used=2,
        working=[
            job_view(WORKING_JOB, CREATING, done=2),
            job_view(UPGRADE_JOB, named("new-shop"), None, 4, RETRYING),
            job_view(replace(WORKING_JOB, id="j8"), named("late-shop", CREATING), done=-1),
        ],
        working_total=4,
        failed=[
            job_view(replace(FAILED_JOB, id="j7"), BROKEN),
            job_view(replace(RESTART_FAILED_JOB, problem=None), named("old-shop")),
        ],
        failed_total=12,
    ),
    "everyones-second-page": replace(
        EMPTY,
        choice=HomeChoice(everyone=True, page=2),
        stores=[card(OTHER, JOB)],
        total=21,
        pages=2,
        working=[job_view(UPGRADE_JOB, OTHER, done=0)],
        working_total=1,
        failed=[job_view(RESTART_FAILED_JOB, OTHER)],
        failed_total=1,
        offers_everyone=True,
    ),
    "nothing-asleep": replace(EMPTY, choice=HomeChoice(shown=Shown.ASLEEP), used=1),
}


@pytest.mark.parametrize("name", HOMES)
def test_home_reads_as_its_golden_file(name: str) -> None:
    view, path = home(HOMES[name], OFFERS), GOLDEN / f"{name}.txt"
    assert check_view(view) == []
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(view_as_text(view))
    assert view_as_text(view) == path.read_text()


def test_every_golden_file_has_a_home() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(HOMES)


def test_fullest_home_keeps_the_given_order_and_slacks_limits() -> None:
    """The ledger orders the stores: test_failed_stores_come_first_on_home."""
    broken = [replace(FAILED, id=f"b{n}", name=f"bad-{n}") for n in range(STORES)]
    failed = [job_view(replace(FAILED_JOB, id=f"f{n}"), named(f"other-{n}", FAILED)) for n in range(JOBS)]
    fullest = HomeView(
        choice=HomeChoice(everyone=True, shown=Shown.FAILED, page=2),
        stores=[card(store, replace(FAILED_JOB, id=store.id)) for store in broken],
        total=61,
        pages=4,
        used=61,
        limit=60,
        working=[job_view(replace(WORKING_JOB, id=f"w{n}"), named(f"new-{n}")) for n in range(JOBS)],
        working_total=99,
        failed=failed,
        failed_total=99,
        offers_everyone=True,
    )
    view = home(fullest, OFFERS)
    assert check_view(view) == []
    titles = [block["text"]["text"] for block in view["blocks"] if block["type"] == "section"]
    assert [name for name in ("bad-0", "bad-1") if f"*{name}*" in titles[JOBS + 2] + titles[JOBS + 3]] == [
        "bad-0",
        "bad-1",
    ]
    assert "Stores 21 to 40 of 61" in str(view)
    assert "0 left" in str(view)


def test_page_buttons_lead_only_to_pages_that_exist() -> None:
    def buttons(page: int) -> dict[str, str]:
        view = home(replace(EMPTY, choice=HomeChoice(page=page), stores=[card(STORE, JOB)], total=41, pages=3), OFFERS)
        return {button["action_id"]: button["value"] for button in view["blocks"][-1]["elements"]}

    assert buttons(1) == {"home_next": "mine/all/2"}
    assert buttons(2) == {"home_previous": "mine/all/1", "home_next": "mine/all/3"}
    assert buttons(3) == {"home_previous": "mine/all/2"}


@pytest.mark.parametrize(
    "key",
    ["", "mine", "mine/all", "mine/all/0", "mine/all/-1", "mine/all/1000000", "mine/all/٣", "mine/odd/1", "all/all/1"],
)
def test_key_that_no_button_has_is_no_choice(key: str) -> None:
    with pytest.raises(ValueError, match=r"choice|Shown"):
        HomeChoice.of(key)


def test_choice_has_a_key() -> None:
    choice = HomeChoice(everyone=True, shown=Shown.EXPIRING, page=999_999)
    assert HomeChoice.of(choice.key) == choice

"""The menu of a store: its items, the stores that have it, and Slack's rules for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.commands.registry import OFFERS
from bot.rendering import forms
from bot.rendering.form_context import FormContext
from bot.rendering.job_view import StoreView
from bot.rendering.offers import MENU_ACTION, offers_block
from dev.slack.block_validation import check_view
from provisioner.domain.job import Job, JobPhase, JobStatus
from provisioner.domain.store import Store
from tests.unit.sample_stores import (
    CREATING,
    DELETING,
    DELETING_JOB,
    FAILED,
    FAILED_JOB,
    JOB,
    RESTART_FAILED_JOB,
    RESTART_JOB,
    STORE,
    UPGRADE_JOB,
    WORKING_JOB,
)


def view_of(store: Store, job: Job | None) -> StoreView:
    return StoreView(store, job, "Medusa")


def items_of(view: StoreView) -> list[dict[str, Any]]:
    """The buttons in the store's menu."""
    menu = forms.menu(view, OFFERS, FormContext("C1", "", view.store.id)).to_dict()
    assert check_view(menu) == []
    return [block["accessory"] for block in menu["blocks"] if "accessory" in block]


@pytest.mark.parametrize(
    ("store", "job", "offered"),
    [
        (STORE, RESTART_JOB, True),
        (STORE, replace(RESTART_JOB, status=JobStatus.QUEUED), True),
        (STORE, replace(RESTART_JOB, cancelled_by="U0DANA001"), False),
        (STORE, replace(UPGRADE_JOB, phase=JobPhase.ROLLBACK), False),
        (CREATING, WORKING_JOB, True),
        (DELETING, DELETING_JOB, False),
        (STORE, JOB, False),
        (STORE, None, False),
        (FAILED, FAILED_JOB, False),
    ],
    ids=["running", "queued", "cancelled", "rolls back", "creating", "deleting", "idle", "adopted", "failed"],
)
def test_job_that_can_be_cancelled_has_a_button_for_it(store: Store, job: Job | None, offered: bool) -> None:
    block = offers_block(view_of(store, job), OFFERS)
    elements = block.to_dict()["elements"] if block else []
    [button] = [element for element in elements if element["action_id"] == "cancel"] or [None]
    assert (button is not None) == offered
    if button:
        removed = "Nothing is left of it then." in button["confirm"]["text"]["text"]
        assert removed == (store is CREATING)


@pytest.mark.parametrize(
    ("store", "job", "offered"),
    [
        (STORE, JOB, True),
        (STORE, None, True),
        (STORE, RESTART_FAILED_JOB, True),
        (STORE, RESTART_JOB, False),
        (STORE, replace(RESTART_JOB, status=JobStatus.QUEUED), False),
        (CREATING, WORKING_JOB, False),
        (FAILED, FAILED_JOB, False),
        (DELETING, DELETING_JOB, False),
    ],
    ids=["ready", "adopted", "restart failed", "restarting", "restart queued", "creating", "failed", "deleting"],
)
def test_restart_is_in_the_menu_of_a_ready_idle_store_only(store: Store, job: Job | None, offered: bool) -> None:
    assert ("Restart" in [item["text"]["text"] for item in items_of(view_of(store, job))]) == offered


def test_button_of_the_menu_is_the_last_one() -> None:
    block = offers_block(view_of(STORE, JOB), OFFERS)
    assert block is not None
    *_, last = block.to_dict()["elements"]
    assert (last["action_id"], last["text"]["text"], last["value"]) == (MENU_ACTION, "More …", "s1/j1")
    assert last["accessibility_label"] == "More …: my-shop"


def test_message_without_menu_items_has_no_button_for_them() -> None:
    block = offers_block(view_of(CREATING, WORKING_JOB), OFFERS)
    assert block is not None
    assert MENU_ACTION not in [element["action_id"] for element in block.to_dict()["elements"]]


def test_menu_item_carries_its_action_its_store_and_its_newest_job() -> None:
    items = {item["action_id"]: item["value"] for item in items_of(view_of(STORE, JOB))}
    assert items == dict.fromkeys(["restart", "pause", "backup", "restore", "clone"], "s1/j1")


def test_menu_of_a_busy_store_says_where_to_look() -> None:
    menu = forms.menu(view_of(CREATING, WORKING_JOB), OFFERS, FormContext()).to_dict()
    assert "has no more actions right now. See what it does: `/store status my-shop`" in str(menu["blocks"])

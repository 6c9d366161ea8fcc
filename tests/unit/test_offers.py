"""The overflow menu of a store's message: its items, the stores that have it, and Slack's rules for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.commands.registry import OFFERS
from bot.rendering.job_view import StoreView
from bot.rendering.offers import MENU_ACTION, offers_block
from dev.slack.block_validation import check_message
from provisioner.domain.job import Job, JobStatus
from provisioner.domain.store import Store
from provisioner.log_context import new_id
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
    WORKING_JOB,
)


def menu_of(store: Store, job: Job | None) -> dict[str, Any] | None:
    """The overflow menu of a store whose newest job is `job`; None if it has none."""
    block = offers_block(StoreView(store, job, "Medusa"), OFFERS)
    elements = block.to_dict()["elements"] if block else []
    return next((element for element in elements if element["type"] == "overflow"), None)


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
    menu = menu_of(store, job)
    labels = [option["text"]["text"] for option in menu["options"]] if menu else []
    assert ("Restart" in labels) == offered


def test_slack_accepts_menu_with_ids_of_real_length() -> None:
    menu = menu_of(replace(STORE, id=new_id()), replace(JOB, id=new_id()))
    assert menu is not None
    assert menu["action_id"] == MENU_ACTION
    assert check_message([{"type": "actions", "elements": [menu]}]) == []


def test_menu_item_carries_its_action_its_store_and_its_newest_job() -> None:
    menu = menu_of(STORE, JOB)
    assert menu is not None
    assert [option["value"] for option in menu["options"]] == [
        "restart:s1/j1",
        "pause:s1/j1",
        "backup:s1/j1",
        "restore:s1/j1",
        "clone:s1/j1",
    ]

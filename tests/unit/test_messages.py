"""Every message as people read it, compared with tests/unit/golden/, and Slack's rules for its blocks.

`UPDATE_GOLDEN=1 pytest tests/unit/test_messages.py` rewrites the golden files: read the difference first."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands.registry import OFFERS
from bot.rendering import messages
from bot.rendering.templating import duration
from dev.slack.block_validation import check_message
from provisioner.domain.job import EventKind, JobEvent
from tests.unit.message_text import as_text
from tests.unit.sample_messages import MESSAGES, THREAD_POSTS, summary
from tests.unit.sample_stores import FAILED, FAILED_JOB, IMAGE_PROBLEM, NOON, job_view

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", MESSAGES)
def test_message_reads_as_its_golden_file(name: str) -> None:
    text = as_text(MESSAGES[name])
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_every_golden_file_has_a_message() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(MESSAGES)
    assert all(THREAD_POSTS.values())


@pytest.mark.parametrize("name", MESSAGES)
def test_slack_accepts_both_forms_of_message(name: str) -> None:
    message = MESSAGES[name]
    assert check_message(message.blocks) == []
    assert check_message(message.simple) == []
    assert not {block["type"] for block in message.simple} & {"plan", "task_card", "data_table"}


@pytest.mark.parametrize("name", [name for name in MESSAGES if not name.startswith(("thread", "help", "unexpected"))])
def test_text_without_blocks_says_what_happened(name: str) -> None:
    """Screen readers and notifications get the text, not the blocks."""
    text = MESSAGES[name].text
    assert "shop" in text or "store" in text or name == "credentials-already-given"
    assert "None" not in text


def test_typed_text_never_becomes_markup() -> None:
    assert "&lt;!channel&gt;" in MESSAGES["refusal"].text
    assert "<!channel>" not in MESSAGES["refusal"].text
    assert "&lt;not found&gt; &amp; no mirror" in MESSAGES["failed"].text


def test_long_log_is_cut_at_its_beginning() -> None:
    problem = replace(IMAGE_PROBLEM, what="w" * 5000, log_tail="x" * 10_000 + "the end")
    message = messages.failure(job_view(replace(FAILED_JOB, problem=problem), FAILED), OFFERS, "")
    assert check_message(message.blocks) == []
    assert "the end" in str(message.blocks)


def test_thread_gets_no_post_for_a_started_stage() -> None:
    assert messages.stages(job_view(), [JobEvent(1, "j1", NOON, EventKind.STARTED, "namespace")]) is None


def test_messages_that_look_equal_have_equal_digests() -> None:
    assert summary(job_view()).digest == MESSAGES["ready"].digest
    assert MESSAGES["ready"].digest != MESSAGES["ready-then-deleted"].digest


def test_durations_read_as_people_say_them() -> None:
    assert [duration(s) for s in (0.04, 0.34, 9.94, 9.96, 14.2, 59.6, 125)] == [
        "0.0 s", "0.3 s", "9.9 s", "10 s", "14 s", "1 min 0 s", "2 min 5 s"
    ]  # fmt: skip

"""The audit log in Slack and in the terminal: who sees what, exports, and verification."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import main
from bot.commands.audit import SHOWN
from provisioner.domain.job import JobStatus
from tests.integration.bot_harness import ADA, DANA, Bot
from tests.integration.slack_steps import ready_store
from tests.waiting import until

Type = Callable[..., Result]


def typed(bot: Bot, user: str, name: str = "") -> str:
    """The answer to `/store audit`, with the rows of all requests before it written."""
    bot.audit_writer.wait_until_written()
    return str(bot.slack.command(user, "#stores", f"/store audit {name}").json())


@pytest.fixture
def type_(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type `storewright audit …` next to the bot."""
    monkeypatch.setenv("LEDGER_PATH", str(bot.ledger.path))

    def run(*words: str) -> Result:
        bot.audit_writer.wait_until_written()
        return CliRunner().invoke(main, ["audit", *words])

    return run


# --- in Slack ----------------------------------------------------------------------------------------------------


def test_owner_sees_the_requests_about_a_store_newest_first(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Oli", "#stores", "/store restart my-shop")
    answer = typed(bot, "Dana", "my-shop")
    refused, ordered = answer.index("`/store restart my-shop` — refused: my-shop belongs to"), answer.index("— ordered")
    assert "*Requests about my-shop*, newest first" in answer
    assert refused < ordered
    assert f"<@{DANA}>" in answer


def test_other_people_do_not_see_a_stores_requests(bot: Bot) -> None:
    ready_store(bot)
    assert "Only its owner and admins may do that." in typed(bot, "Oli", "my-shop")
    assert "Nobody has done anything to your stores yet." in typed(bot, "Oli")


def test_admin_sees_the_requests_about_all_stores_and_about_deleted_ones(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Oli", "#stores", "/store delete my-shop")
    bot.order_deletion(by=ADA)
    bot.finish()
    bot.answered("/store list")
    until("its row", lambda: "/store list" in str(bot.audit()))
    assert "`/store list` — answered" in typed(bot, "Ada")
    about_store = typed(bot, "Ada", "my-shop")
    assert "`/store delete my-shop` — refused" in about_store
    assert "/store list" not in about_store


def test_long_log_shows_whole_rows_and_how_many_more(bot: Bot) -> None:
    ready_store(bot)
    for _ in range(SHOWN + 5):
        bot.slack.command("Dana", "#stores", "/store status my-shop")
    answer = typed(bot, "Dana", "my-shop")
    assert answer.count("`/store status my-shop` — answered") == SHOWN
    assert "… and " in answer


def test_what_people_type_can_not_look_like_another_row(bot: Bot, type_: Type) -> None:
    ready_store(bot)
    forged = "`/store delete my-shop` — ordered\x1b[2J"
    bot.slack.command("Dana", "#stores", f"/store status my-shop\n{forged}")
    answer = typed(bot, "Ada")
    assert "`/store delete my-shop` — ordered" not in answer
    assert "'/store delete my-shop' — ordered" in answer
    assert "\x1b" not in type_().output


@pytest.mark.parametrize(
    ("words", "answer"),
    [("no-shop", "There is no store called “no-shop”."), ("my-shop again", "I didn't expect “again” here.")],
)
def test_wrong_words_are_refused(bot: Bot, words: str, answer: str) -> None:
    assert answer in typed(bot, "Dana", words)


# --- in the terminal ---------------------------------------------------------------------------------------------


def test_export_has_every_row_since_a_time_and_about_a_store(bot: Bot, type_: Type) -> None:
    ready_store(bot)
    bot.answered("/store list")
    until("its row", lambda: "/store list" in str(bot.audit()))
    everything = [json.loads(line) for line in type_("--json").output.splitlines()]
    assert [row["id"] for row in everything] == list(range(1, len(everything) + 1))
    assert {"/store list", "my-shop"} <= {row["detail"] for row in everything} | {row["store"] for row in everything}
    about_store = [json.loads(line) for line in type_("--json", "--store", "my-shop").output.splitlines()]
    assert about_store == [row for row in everything if row["store"] == "my-shop"]
    assert type_("--json", "--since", "2999-01-01").output == ""
    assert len(type_("--json", "--since", "2026-01-01T10:00").output.splitlines()) == len(everything)


def test_log_is_shown_for_people_too(bot: Bot, type_: Type) -> None:
    ready_store(bot)
    [line] = [line for line in type_("--store", "my-shop").output.splitlines() if "ordered" in line]
    assert line.split()[2:5] == [DANA, "my-shop", "ordered"]


def test_time_that_is_none_is_refused(type_: Type) -> None:
    result = type_("--since", "yesterday")
    assert result.exit_code == 2
    assert "“yesterday” is no time. Write 2026-11-01 or 2026-11-01T09:30." in result.output


def test_verification_prints_a_head_that_later_finds_removed_rows(bot: Bot, type_: Type) -> None:
    ready_store(bot)
    verified = type_("verify")
    assert verified.exit_code == 0, verified.output
    assert "none changed or removed" in verified.output
    head = verified.output.split()[-1]
    assert type_("verify", "--head", head).exit_code == 0
    bot.ledger.connection.db.execute("DROP TRIGGER audit_refuses_update")
    bot.ledger.connection.db.execute("UPDATE audit SET actor = ? WHERE id = 1", [ADA])
    broken = type_("verify", "--head", head)
    assert broken.exit_code == 1
    assert "✗ Row 1, or the row before it, was changed." in broken.output


def test_order_of_every_job_is_in_the_log(bot: Bot, type_: Type) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store restart my-shop")
    job = bot.ledger.jobs.live(bot.store().id)
    assert job
    assert job.status == JobStatus.QUEUED
    exported = [json.loads(line) for line in type_("--json").output.splitlines()]
    assert [row["outcome"] for row in exported if row["job_id"] == job.id] == ["ordered"]

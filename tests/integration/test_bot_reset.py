"""The admin of a store gets a new password: by a command, by a button, and because its owner did not open a link."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from provisioner.domain.job import JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.ledger.outbox import OutboxKind
from tests.integration.bot_harness import ADA, DANA, Bot, use_terminal
from tests.integration.slack_steps import PROBLEM, buttons, choose, link_in_answer, menu_items, ready_store

ORDERED = "Making a new admin password for *my-shop*"


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    """The answer to `/store WORDS`."""
    return str(bot.slack.command(user, "#stores", f"/store {words}").json()["text"])


def opened(bot: Bot, link: str) -> tuple[int, str]:
    """What the page of the link answers to a click: the status, and why not."""
    parts = urlsplit(link)
    with bot.http() as http:
        answer = http.post(parts.path, json={"token": parts.fragment}, headers={"Origin": bot.url})
    return answer.status_code, answer.json().get("what", "")


def receipt(bot: Bot, user: str = "Ada") -> dict[str, Any]:
    """Dana's receipt of a link that `user` opens."""
    before = len(bot.slack.dms("Dana"))
    assert opened(bot, link_in_answer(bot, "credentials my-shop", user))[0] == 200
    return dict(bot.slack.wait_for(lambda: bot.slack.dms("Dana")[before:])[0])


def resets(bot: Bot) -> list[JobStatus]:
    return [job.status for job in bot.ledger.jobs.of_kind(RESET)]


RESET: Any = "reset"


def test_reset_is_ordered_by_command_and_its_message_leads_to_the_new_password(bot: Bot) -> None:
    ready_store(bot)
    assert typed(bot, "reset my-shop").startswith(ORDERED)
    bot.root(f"{ORDERED}, ordered by")
    assert bot.store().status == StoreStatus.READY
    bot.finish()
    done = bot.root("*my-shop* has a new admin password")
    assert f"<@{DANA}>, get it with *Get admin credentials*" in done["text"]
    assert "credentials" in buttons(done)
    [row] = [row for row in bot.audit() if row["detail"] == "/store reset my-shop"]
    assert (row["actor"], row["outcome"]) == (DANA, "ordered")


def test_answer_with_the_link_offers_a_reset_after_a_question(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "credentials my-shop")
    answer = bot.slack.ephemerals("Dana")[-1]
    button = buttons(answer)["reset"]
    assert (button["text"]["text"], button["confirm"]["title"]["text"]) == ("Reset the password", "Reset the password?")
    assert bot.slack.click("Dana", answer, "reset").ok
    bot.root(f"{ORDERED}, ordered by")
    assert resets(bot) == [JobStatus.QUEUED]


def test_reset_is_ordered_in_the_menu(bot: Bot) -> None:
    assert choose(bot, ready_store(bot), "Reset the password").ok
    bot.root(f"{ORDERED}, ordered by")
    assert resets(bot) == [JobStatus.QUEUED]


def test_open_links_end_with_the_order_and_there_are_new_ones_after_its_end(bot: Bot) -> None:
    ready_store(bot)
    link = link_in_answer(bot, "credentials my-shop", "Dana")
    typed(bot, "reset my-shop")
    assert opened(bot, link) == (410, "This link was revoked.")
    assert "my-shop is being given a new password right now. Wait until that is done." in typed(
        bot, "credentials my-shop"
    )
    bot.finish()
    assert opened(bot, link_in_answer(bot, "credentials my-shop", "Dana"))[0] == 200


def test_failed_reset_leaves_the_store_ready_and_can_be_retried(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "reset my-shop")
    bot.fail(PROBLEM)
    failed = bot.root("*my-shop* could not be given a new password. Its shop is unchanged.")
    assert bot.store().status == StoreStatus.READY
    assert bot.slack.click("Dana", failed, "retry").ok
    assert resets(bot) == [JobStatus.FAILED, JobStatus.QUEUED]


def test_type_that_describes_no_reset_refuses_it_and_offers_none(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop plain")
    bot.finish()
    assert "Plain stores have no way to reset the admin's password." in typed(bot, "reset my-shop")
    answer = bot.slack.command("Dana", "#stores", "/store credentials my-shop").json()
    assert buttons(answer) == {}
    assert "Reset the password" not in menu_items(bot, bot.root("*my-shop* is ready"))
    assert "not_me" not in buttons(receipt(bot))
    assert resets(bot) == []


def test_sleeping_store_is_to_be_woken_first(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "pause my-shop")
    bot.finish()
    answer = typed(bot, "reset my-shop")
    assert "my-shop is asleep, so it can't be given a new password now. Wake it first: /store wake my-shop" in answer


def test_other_people_may_not_reset(bot: Bot) -> None:
    ready_store(bot)
    link = link_in_answer(bot, "credentials my-shop", "Dana")
    assert "Only its owner and admins may do that." in typed(bot, "reset my-shop", "Oli")
    assert opened(bot, link)[0] == 200
    assert resets(bot) == []


def test_terminal_resets_and_says_where_the_login_is(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    ready_store(bot)
    use_terminal(bot, monkeypatch)
    result = CliRunner().invoke(main, ["reset", "my-shop", "--no-wait"])
    assert result.exit_code == 0, result.output
    assert resets(bot) == [JobStatus.QUEUED]


# --- not me ------------------------------------------------------------------------------------------------------


def test_owner_who_did_not_open_a_link_resets_at_once_and_the_receipt_says_so(bot: Bot) -> None:
    ready_store(bot)
    shown = receipt(bot)
    link = link_in_answer(bot, "credentials my-shop", "Ada")
    assert buttons(shown)["not_me"]["style"] == "danger"
    assert bot.slack.click("Dana", shown, "not_me").ok
    assert resets(bot) == [JobStatus.QUEUED]
    assert opened(bot, link) == (410, "This link was revoked.")

    def answered() -> dict[str, Any] | None:
        [now] = [message for message in bot.slack.dms("Dana") if message["ts"] == shown["ts"]]
        return now if f"<@{DANA}> did not know who that was" in now["text"] else None

    assert "not_me" not in buttons(dict(bot.slack.wait_for(answered)))
    bot.slack.wait_for(lambda: [message for message in bot.slack.dms("Dana") if ORDERED in message["text"]])
    [row] = [row for row in bot.audit() if row["outcome"] == "ordered" and "not_me" in row["detail"]]
    assert (row["actor"], row["store"]) == (DANA, "my-shop")


def test_second_click_orders_nothing_more_even_after_the_reset(bot: Bot) -> None:
    ready_store(bot)
    shown = receipt(bot)
    bot.settled()
    bot.notifier.stop()  # Slack still shows the button
    for _ in range(2):
        assert bot.slack.click("Dana", shown, "not_me").ok
    assert resets(bot) == [JobStatus.QUEUED]
    bot.finish()
    assert bot.slack.click("Dana", shown, "not_me").ok
    assert resets(bot) == [JobStatus.SUCCEEDED]


def test_former_owner_changes_nothing(bot: Bot) -> None:
    ready_store(bot)
    shown = receipt(bot)
    typed(bot, "transfer my-shop @oli")
    link = link_in_answer(bot, "credentials my-shop", "Oli")
    assert bot.slack.click("Dana", shown, "not_me").ok
    assert "Only its owner and admins may do that." in bot.whispered()
    assert resets(bot) == []
    assert opened(bot, link)[0] == 200


def test_links_end_though_another_job_is_in_the_way(bot: Bot) -> None:
    ready_store(bot)
    shown = receipt(bot)
    link = link_in_answer(bot, "credentials my-shop", "Ada")
    typed(bot, "restart my-shop")
    assert bot.slack.click("Dana", shown, "not_me").ok
    answer = bot.whispered()
    assert "my-shop is being restarted right now." in answer
    assert "All links that were open have ended already. Press the button again when that is done." in answer
    assert opened(bot, link) == (410, "This link was revoked.")
    bot.finish()
    assert bot.slack.click("Dana", shown, "not_me").ok
    assert resets(bot) == [JobStatus.QUEUED]


def test_receipt_of_a_deleted_store_gets_a_clear_answer(bot: Bot) -> None:
    ready_store(bot)
    shown = receipt(bot)
    bot.order_deletion(by=ADA)
    bot.finish()
    assert bot.slack.click("Dana", shown, "not_me").ok
    assert "*my-shop* was already deleted" in bot.whispered()
    assert resets(bot) == []


def test_receipt_can_be_answered_days_later(bot: Bot) -> None:
    ready_store(bot)
    shown = receipt(bot)
    bot.clock.ahead += 10 * 86_400
    bot.ledger.sweep()
    assert bot.slack.click("Dana", shown, "not_me").ok
    assert resets(bot) == [JobStatus.QUEUED]
    link = str(buttons(shown)["not_me"]["value"]).partition("/")[2]
    bot.settled()
    assert bot.entry(OutboxKind.RECEIPT, link).revision == 2

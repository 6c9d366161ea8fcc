"""The root message, its channel or the person is gone: the result and its buttons are shown where a person is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dev.slack import LocalSlack
from provisioner.domain.errors import Problem
from provisioner.ledger.outbox import OutboxKind
from tests.integration.bot_harness import DANA, OLI, STORES, Bot, running_bot
from tests.integration.slack_steps import buttons, home, ready_store
from tests.waiting import until

READY_BUTTONS = {"open_shop", "open_admin", "credentials", "delete", "menu"}


def ordered(bot: Bot, user: str = "Dana") -> dict[str, Any]:
    """The root message of an ordered store."""
    assert bot.slack.command(user, "#stores", "/store create my-shop").ok
    root = bot.root("Creating *my-shop*")
    bot.settled()
    return root


def direct_messages(bot: Bot, user: str = "Dana") -> list[dict[str, Any]]:
    """The root messages in a person's direct messages."""
    return [message for message in bot.slack.dms(user) if message.get("thread_ts", message["ts"]) == message["ts"]]


def in_direct_messages(bot: Bot, text: str, user: str = "Dana") -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        return next((message for message in direct_messages(bot, user) if text in message["text"]), None)

    return bot.slack.wait_for(look, what=f"a direct message with {text!r}")


# --- the root message --------------------------------------------------------------------------------------------


def test_root_message_deleted_during_the_job_is_posted_once_more_with_the_result(bot: Bot) -> None:
    root = ordered(bot)
    bot.slack.delete_message("#stores", root)
    bot.finish()
    again = bot.root("*my-shop* is ready after")
    bot.settled()
    assert again["ts"] != root["ts"]
    assert set(buttons(again)) == READY_BUTTONS
    assert len(bot.slack.messages("#stores")) == 1
    bot.slack.wait_for(lambda: "A cart holds a product" in str(bot.slack.thread(again)), what="the rest of the thread")


def test_root_message_with_replies_deleted_during_the_job_is_posted_once_more(bot: Bot) -> None:
    root = ordered(bot)
    job = bot.work("namespace")
    bot.slack.wait_for(lambda: "Namespace created" in str(bot.slack.thread(root)))
    bot.settled()
    bot.slack.delete_message("#stores", root)  # leaves a tombstone
    bot.complete(job, "secrets")
    again = bot.root("Creating *my-shop*")
    bot.complete(job, "release")
    bot.journal.succeed(job, "1.0.0")
    ready = bot.root("*my-shop* is ready after")
    bot.settled()
    assert ready["ts"] == again["ts"] != root["ts"], "the new one is edited"
    bot.slack.wait_for(lambda: "Chart installed" in str(bot.slack.thread(ready)))
    assert [m["text"] for m in bot.slack.messages("#stores")] == ["This message was deleted.", ready["text"]]


def test_root_message_deleted_twice_is_posted_twice(bot: Bot) -> None:
    bot.slack.delete_message("#stores", ordered(bot))
    job = bot.work()
    bot.ledger.jobs.retry_later(job, Problem("The API is away."), bot.clock())
    again = bot.root("Creating *my-shop*")
    bot.settled()
    bot.slack.delete_message("#stores", again)
    bot.finish()
    assert set(buttons(bot.root("*my-shop* is ready after"))) == READY_BUTTONS


def test_failure_whose_root_message_was_deleted_is_posted_with_its_retry(bot: Bot) -> None:
    bot.slack.delete_message("#stores", ordered(bot))
    bot.fail(Problem("The quota is full."))
    again = bot.root("could not be created. The quota is full.")
    assert bot.slack.click("Dana", again, "retry").ok
    bot.root("Creating *my-shop*")
    bot.finish()
    assert set(buttons(bot.root("*my-shop* is ready after"))) == READY_BUTTONS


def test_crash_right_after_the_second_post_repeats_nothing(tmp_path: Path, slack: LocalSlack) -> None:
    with running_bot(tmp_path, slack, notify=False) as bot:
        job = bot.order()
        bot.notifier.send_due()
        bot.slack.delete_message("#stores", bot.root("Creating"))
        bot.finish()
        bot.notifier.send_due()
        bot.root("is ready")
        # The ledger as it is if the process is killed right after Slack took the second post:
        bot.ledger.outbox.put(OutboxKind.SUMMARY, job.id)
        bot.ledger.outbox.note_attempt(bot.entry(OutboxKind.SUMMARY, job.id), STORES, remote_id=None)
    with running_bot(tmp_path, slack) as bot:
        bot.settled()
        assert len(slack.messages("#stores")) == 1


def test_root_message_deleted_after_the_job_stays_deleted(bot: Bot) -> None:
    bot.slack.delete_message("#stores", ready_store(bot))
    bot.settled()
    bot.slack.command("Dana", "#stores", "/store upgrade my-shop")
    bot.finish()
    bot.root("*my-shop* runs Medusa 1.0.0")
    bot.settled()
    texts = [m["text"] for m in bot.slack.messages("#stores") if m.get("subtype") != "tombstone"]
    assert len(texts) == 1, "the new job's message; the old one would only say what is out of date"
    assert bot.ledger.statistics.counts().outbox_dead == 0


def test_deleted_failure_message_is_not_posted_again_when_it_is_solved(bot: Bot) -> None:
    ordered(bot)
    bot.fail(Problem("The quota is full."))
    bot.slack.delete_message("#store-failures", bot.root("could not be created", "#store-failures"))
    bot.settled()
    bot.slack.command("Dana", "#stores", "/store retry my-shop")
    bot.finish()
    bot.root("*my-shop* is ready after")
    bot.settled()
    assert bot.slack.messages("#store-failures") == []


# --- the channel -------------------------------------------------------------------------------------------------


def archive(bot: Bot) -> None:
    bot.slack.set_archived("#stores")


def delete_channel(bot: Bot) -> None:
    bot.slack.delete_channel("#stores")


def remove_bot(bot: Bot) -> None:
    assert bot.slack.command("Dana", "#stores", "/remove @Storewright").ok


@pytest.mark.parametrize("lose", [archive, delete_channel, remove_bot])
@pytest.mark.parametrize("stages", [(), ("namespace",)], ids=["before its first stage", "after a stage"])
def test_result_moves_to_direct_messages_when_the_channel_is_lost(bot: Bot, lose: Any, stages: tuple[str, ...]) -> None:
    ordered(bot)
    job = bot.work(*stages)
    bot.settled()
    lose(bot)
    bot.complete(job, "release")
    bot.journal.succeed(job, "1.0.0")
    ready = in_direct_messages(bot, "*my-shop* is ready after")
    bot.settled()
    assert set(buttons(ready)) == READY_BUTTONS
    assert "so I post here" in str(ready["blocks"])
    assert len(direct_messages(bot)) == 1
    bot.slack.wait_for(lambda: "Chart installed" in str(bot.slack.dms("Dana")), what="the rest of the thread")
    assert bot.slack.click("Dana", ready, "credentials").ok
    bot.slack.wait_for(lambda: "/s/" in str(bot.slack.ephemerals("Dana")))


@pytest.mark.parametrize("lose", [archive, delete_channel, remove_bot])
def test_old_messages_in_a_lost_channel_move_nowhere(bot: Bot, lose: Any) -> None:
    ready_store(bot)
    bot.settled()
    lose(bot)
    bot.slack.command("Dana", "@storewright", "/store upgrade my-shop")
    bot.finish()
    in_direct_messages(bot, "*my-shop* runs Medusa 1.0.0")
    bot.settled()
    assert len(direct_messages(bot)) == 1
    assert bot.ledger.statistics.counts().outbox_dead == 0


def test_advice_about_a_channel_without_the_bot_works(bot: Bot) -> None:
    bot.slack.command("Dana", "#random", "/store create my-shop")
    told = in_direct_messages(bot, "Creating *my-shop*")
    assert "type `/invite @Storewright` in it" in str(told["blocks"])
    bot.finish()
    in_direct_messages(bot, "*my-shop* is ready after")
    assert bot.slack.command("Dana", "#random", "/invite @Storewright").ok
    bot.slack.command("Dana", "#random", "/store restart my-shop")
    bot.root("Restarting *my-shop*", "#random")


def test_advice_about_an_archived_channel_works(bot: Bot) -> None:
    ordered(bot)
    archive(bot)
    bot.finish()
    ready = in_direct_messages(bot, "*my-shop* is ready after")
    assert "To see my messages there next time, unarchive the channel." in str(ready["blocks"])
    bot.slack.set_archived("#stores", archived=False)
    bot.slack.command("Dana", "#stores", "/store restart my-shop")
    bot.root("Restarting *my-shop*")


# --- the person --------------------------------------------------------------------------------------------------


def test_result_of_a_deactivated_person_stays_in_its_channel(bot: Bot) -> None:
    ordered(bot)
    bot.slack.deactivate("Dana")
    bot.finish()
    assert set(buttons(bot.root("*my-shop* is ready after"))) == READY_BUTTONS


def test_result_of_a_deactivated_person_without_a_channel_goes_to_the_failure_channel(bot: Bot) -> None:
    ordered(bot)
    archive(bot)
    bot.slack.deactivate("Dana")
    bot.finish()
    ready = bot.root("*my-shop* is ready after", "#store-failures")
    assert f"<@{DANA}>" in str(ready["blocks"])
    assert bot.slack.click("Ada", ready, "credentials").ok
    bot.slack.wait_for(lambda: "/s/" in bot.whispered("Ada"), what="an admin's link")


def test_order_in_direct_messages_of_a_person_who_is_deactivated_goes_to_the_failure_channel(bot: Bot) -> None:
    bot.order(origin=DANA)
    in_direct_messages(bot, "Creating *my-shop*")
    bot.settled()
    bot.slack.deactivate("Dana")
    bot.finish()
    ready = bot.root("*my-shop* is ready after", "#store-failures")
    assert f"I'm not allowed to send direct messages to <@{DANA}>" in str(ready["blocks"])
    assert "Please show it to them." in str(ready["blocks"])


def test_receipt_of_a_deactivated_owner_goes_to_the_failure_channel(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Ada", "#stores", "/store credentials my-shop")
    link = bot.ledger.connection.db.execute("SELECT id FROM links").fetchone()[0]
    bot.slack.deactivate("Dana")
    assert bot.ledger.links.claim(link, actor="U0ADA0001", detail="", request_id="r")
    bot.root("The admin credentials of *my-shop* were opened", "#store-failures")


def test_home_of_a_deactivated_person_is_given_up_quietly(bot: Bot) -> None:
    bot.slack.open_home("Oli")
    home(bot, "You have no stores yet", "Oli")
    bot.slack.deactivate("Oli")
    bot.ledger.outbox.forget(OutboxKind.HOME, OLI)
    bot.ledger.outbox.put(OutboxKind.HOME, OLI)
    bot.settled()
    assert bot.slack.messages("#store-failures") == []


# --- the failure channel -----------------------------------------------------------------------------------------


def test_failure_goes_to_an_admin_while_the_failure_channel_is_archived(bot: Bot) -> None:
    bot.slack.set_archived("#store-failures")
    ordered(bot)
    bot.fail(Problem("The quota is full."))
    failure = in_direct_messages(bot, "could not be created", "Ada")
    assert bot.slack.click("Ada", failure, "retry").ok
    until("the retry", lambda: bot.queued_jobs() == [("create", 1)])


def test_failure_waits_for_its_channel_if_there_is_no_admin(tmp_path: Path, slack: LocalSlack) -> None:
    slack.set_archived("#store-failures")
    with running_bot(tmp_path, slack, admins=frozenset()) as bot:
        bot.order()
        job = bot.fail(Problem("The quota is full."))
        bot.root("could not be created")
        until("an attempt", lambda: bot.entry(OutboxKind.FAILURE, job.id).attempts > 0)
        slack.set_archived("#store-failures", archived=False)
        bot.clock.ahead += 301
        bot.notifier.wake()
        bot.root("could not be created", "#store-failures")

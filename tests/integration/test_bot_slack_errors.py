"""Every error word of Slack, always answered: what it refuses ends where a person reads it, and in a metric.

The notifier is called by the test, which moves the clock from one attempt to the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from bot.cli.doctor import slack as doctor
from bot.observability.readiness import Readiness
from bot.slack import refusals
from bot.slack.client import Slack
from bot.slack.refusals import Refusal, refusal_of
from bot.web.socket_mode import NotConnected, SocketMode
from dev.slack import LocalSlack
from provisioner.domain.errors import Problem
from provisioner.domain.job import Job
from provisioner.domain.limits import Limits
from provisioner.ledger.outbox import OutboxKind
from tests.integration.bot_harness import DANA, FAILURES, RANDOM, STORES, Bot, running_bot
from tests.waiting import PATIENT_ACK_SECONDS, until

WORDS = yaml.safe_load((Path(__file__).parents[1] / "slack_errors.yaml").read_text())
DAY_OF_ATTEMPTS, FEW_ATTEMPTS = 1440, 4
SECONDS = 5.0  # “within seconds”
NUMBERS = count()


# One of the common words for each kind: what follows depends on the kind only.
COMMON = ["access_denied", "fatal_error", "invalid_arguments", "invalid_auth", "ratelimited", "word_of_the_future"]


def words_of(method: str) -> list[str]:
    """The words of a method of its own, common ones of each kind, and one that nobody knows."""
    return sorted({*COMMON, *WORDS[method]})


@pytest.fixture(scope="module", autouse=True)
def _short_days() -> Iterator[None]:
    """Attempts of a whole day are a few in these tests."""
    with pytest.MonkeyPatch.context() as patch:
        for table in (refusals.PATIENCE, refusals.LAST_PLACE_ATTEMPTS):
            for kind, attempts in table.items():
                patch.setitem(table, kind, FEW_ATTEMPTS if attempts == DAY_OF_ATTEMPTS else attempts)
        yield


class Bots:
    """A bot for the cases of one test after the other: what some leave makes others slow."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders, self._test, self._open = folders, "", ExitStack()

    def of(self, test: str) -> Bot:
        """A bot whose notifier is not started, and a store of Dana's that is ready."""
        if test != self._test:
            self.close()
            slack = self._open.enter_context(LocalSlack(rate_limits={}, ack_seconds=PATIENT_ACK_SECONDS))
            folder, limits = self._folders.mktemp("bot"), Limits(10**6, 10**6)
            self._test, self._bot = (
                test,
                self._open.enter_context(running_bot(folder, slack, limits=limits, notify=False)),
            )
            assert slack.command("Dana", "#stores", "/store create my-shop").ok
            self._bot.finish()
            drive(self._bot)
        return self._bot

    def close(self) -> None:
        self._open.close()


@pytest.fixture(scope="module")
def bots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bots]:
    made = Bots(tmp_path_factory)
    yield made
    made.close()


@pytest.fixture
def bot(bots: Bots, request: pytest.FixtureRequest) -> Iterator[Bot]:
    yield (running := bots.of(request.node.originalname))
    running.slack.clear_faults()


def drive(bot: Bot, most_seconds: float = 40 * 3600.0) -> float:
    """Send until nothing is due, and return the seconds that passed on the bot's clock."""
    started = bot.clock()
    while bot.ledger.outbox.next_due_at() is not None:
        assert bot.clock() < started + most_seconds, list(bot.ledger.outbox.due())
        pause_seconds = bot.notifier.send_due()
        if bot.ledger.outbox.next_due_at() is not None:
            bot.clock.ahead += pause_seconds
    return bot.clock() - started


def refuse(bot: Bot, method: str, word: str, *channels: str) -> None:
    """Answer `method` with `word` from now on, in these channels or everywhere."""
    for channel in channels or ("",):
        bot.slack.fault("error", method, code=word, times=0, channel=channel)


def order(bot: Bot, origin: str = STORES) -> Job:
    return bot.order(f"shop-{next(NUMBERS)}", origin)


def succeed(bot: Bot) -> None:
    """Let the next job succeed, without stages."""
    bot.journal.succeed(bot.claim(), "1.0.0")


def counted(bot: Bot, method: str, word: str) -> bool:
    """Whether the metric of Slack calls counted the word."""
    value = bot.metrics.registry.get_sample_value("storewright_slack_calls_total", {"method": method, "outcome": word})
    return bool(value)


def directly(bot: Bot) -> str:
    """All of Dana's direct messages."""
    return str(bot.slack.dms("Dana"))


def failures(bot: Bot) -> str:
    """All that operators read in the failure channel."""
    return str(bot.slack.messages("#store-failures"))


def messages_about(bot: Bot, job: Job, channel: str = "#stores") -> list[dict[str, Any]]:
    return [message for message in bot.slack.messages(channel) if f"*{job.store}*" in message["text"]]


# --- words and their kinds ---------------------------------------------------------------------------------------


def test_every_kind_of_refusal_ends() -> None:
    assert set(refusals.PATIENCE) == set(refusals.LAST_PLACE_ATTEMPTS) == set(Refusal)


@pytest.mark.parametrize("kind", refusals.WORDS)
def test_no_word_has_two_kinds_and_all_are_in_the_reference(kind: Refusal) -> None:
    others = {word for other, words in refusals.WORDS.items() if other is not kind for word in words}
    assert not refusals.WORDS[kind] & others
    known = {word for words in WORDS.values() for word in words} | {"http_429"}
    assert set(refusals.WORDS[kind]) <= known


def test_common_words_of_each_kind_are_tried() -> None:
    assert {refusal_of(word) for word in COMMON} | {Refusal.LOST} == set(Refusal)
    assert {*COMMON} - {"word_of_the_future"} <= {*WORDS["common"]}


# --- root messages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", sorted({*WORDS["common"], *words_of("chat.postMessage")}))
def test_root_message_refused_in_its_channel_is_sent_directly(bot: Bot, word: str) -> None:
    refuse(bot, "chat.postMessage", word, STORES)
    job = order(bot)
    seconds = drive(bot)
    assert f"*{job.store}*" in directly(bot)
    succeed(bot)
    drive(bot)
    assert f"*{job.store}* is ready after" in directly(bot), "the result"
    assert messages_about(bot, job) == []
    assert f"Slack says `{word}`" in directly(bot)
    assert counted(bot, "chat.postMessage", word)
    if refusal_of(word) not in (Refusal.THROTTLED, Refusal.SLACK_DOWN):
        assert seconds < SECONDS


@pytest.mark.parametrize("word", [*COMMON, "restricted_action", "message_not_found"])
def test_root_message_refused_in_direct_messages_too_is_sent_to_the_failure_channel(bot: Bot, word: str) -> None:
    refuse(bot, "chat.postMessage", word, STORES, "D0DIRECT1")
    job = order(bot)
    succeed(bot)
    drive(bot)
    [message] = messages_about(bot, job, "#store-failures")
    assert f"*{job.store}* is ready after" in message["text"]
    assert f"<@{DANA}>" in str(message["blocks"])


@pytest.mark.parametrize("word", words_of("conversations.open"))
def test_root_message_of_a_person_without_direct_messages_is_sent_to_the_failure_channel(bot: Bot, word: str) -> None:
    bot.notifier._sender._direct.clear()
    refuse(bot, "conversations.open", word)
    job = order(bot, RANDOM)
    succeed(bot)
    drive(bot)
    bot.slack.clear_faults()  # a token that was wrong is corrected
    drive(bot)
    read = [*messages_about(bot, job, "#store-failures"), *bot.slack.dms("Dana")]
    assert [m for m in read if f"*{job.store}* is ready after" in m["text"]]
    assert counted(bot, "conversations.open", word)


@pytest.mark.parametrize("word", words_of("chat.update"))
def test_result_that_can_not_be_edited_into_the_root_message_is_posted_once(bot: Bot, word: str) -> None:
    job = order(bot)
    drive(bot)
    refuse(bot, "chat.update", word, STORES)
    succeed(bot)
    drive(bot)
    working, *again = messages_about(bot, job)
    assert "is ready after" not in working["text"]
    assert ["is ready after" in message["text"] for message in again] == [True]
    assert "open_shop" in str(again[0]["blocks"]), "with its buttons"
    assert counted(bot, "chat.update", word)


@pytest.mark.parametrize("word", ["edit_window_closed", "block_mismatch", "word_of_the_future"])
def test_progress_where_messages_can_not_be_edited_is_not_posted_again(bot: Bot, word: str) -> None:
    job = order(bot)
    drive(bot)
    refuse(bot, "chat.update", word, STORES)
    running = bot.claim()
    for stage in ("namespace", "secrets", "release"):
        bot.complete(running, stage)
        drive(bot)
    [root] = messages_about(bot, job)
    assert "Chart installed" in str(bot.slack.thread(root)), "its thread has the progress"
    bot.journal.succeed(running, "1.0.0")
    drive(bot)
    assert len(messages_about(bot, job)) == 2


@pytest.mark.parametrize("word", words_of("conversations.history"))
def test_message_that_can_not_be_looked_for_is_posted_again(bot: Bot, word: str) -> None:
    bot.slack.fault("drop_response", "chat.postMessage")
    refuse(bot, "conversations.history", word)
    job = order(bot)
    succeed(bot)
    drive(bot)
    assert f"*{job.store}* is ready after" in str([*messages_about(bot, job), *bot.slack.dms("Dana")])


@pytest.mark.parametrize("word", words_of("chat.getPermalink"))
def test_messages_without_an_address_are_sent_all_the_same(bot: Bot, word: str) -> None:
    refuse(bot, "chat.getPermalink", word)
    bot.slack.command("Dana", "#random", f"/store create shop-{next(NUMBERS)}")
    drive(bot)
    assert "in our direct messages" in bot.whispered()
    job = bot.fail(Problem("The quota is full."))
    drive(bot)
    assert messages_about(bot, job, "#store-failures")


# --- the token ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", sorted(refusals.WORDS[Refusal.NO_RIGHTS]))
def test_refused_token_is_reported_to_the_person_at_once_and_moves_no_message(bot: Bot, word: str) -> None:
    for method in WORDS.keys() - {"common", "response_url"}:
        refuse(bot, method, word)
    name = f"shop-{next(NUMBERS)}"
    assert bot.slack.command("Dana", "#stores", f"/store create {name}").ok
    before = len(bot.slack.ephemerals("Dana"))
    bot.notifier.send_due()
    [answer] = bot.slack.ephemerals("Dana")[before:]
    assert f"*{name}* (it says `{word}`)" in answer["text"]
    bot.clock.ahead += 3 * 86400
    bot.notifier.send_due()
    assert len(bot.slack.ephemerals("Dana")) == before + 1, "once"
    bot.slack.clear_faults()
    drive(bot)
    [root] = [message for message in bot.slack.messages("#stores") if f"*{name}*" in message["text"]]
    assert "Slack says" not in str(root["blocks"])
    assert name not in directly(bot) + failures(bot)
    succeed(bot)


def test_scope_that_is_missing_everywhere_is_reported_to_the_person_at_once(bot: Bot) -> None:
    refuse(bot, "chat.postMessage", "missing_scope")
    assert bot.slack.command("Dana", "#stores", f"/store create shop-{next(NUMBERS)}").ok
    started, pause_seconds = bot.clock.ahead, 0.0
    while "missing_scope" not in bot.whispered():
        bot.clock.ahead += pause_seconds
        assert bot.clock.ahead < started + SECONDS
        pause_seconds = bot.notifier.send_due()
    assert "`storewright doctor`" in bot.whispered()
    bot.slack.clear_faults()
    drive(bot)
    succeed(bot)


@pytest.mark.parametrize("word", sorted({*WORDS["common"], *words_of("auth.test")}))
def test_refused_token_is_named_by_readiness_and_doctor(bot: Bot, word: str) -> None:
    refuse(bot, "auth.test", word)
    ready, report = Readiness({"slack": client_of(bot).auth_test}).report()
    assert not ready
    assert f"Slack answered {word}." in report["slack"]
    [found] = doctor.token(doctor_of(bot))
    assert (found.status, found.message) == ("wrong", f"Slack rejected SLACK_BOT_TOKEN: {word}.")


# After ratelimited, slack_sdk waits as long as Slack says, without a word to us.
@pytest.mark.parametrize("word", sorted({*WORDS["common"], *words_of("apps.connections.open")} - {"ratelimited"}))
def test_refused_app_token_is_named_by_readiness_and_doctor(bot: Bot, word: str) -> None:
    refuse(bot, "apps.connections.open", word)
    connection = SocketMode(bot.slack.app_token)
    with connection.serving(bot.app):
        until("the reason", lambda: f"Slack rejected SLACK_APP_TOKEN: {word}." in trouble_of(connection))
    [found] = doctor.socket(doctor_of(bot))
    assert (found.status, found.message) == ("wrong", f"Slack rejected SLACK_APP_TOKEN: {word}.")


def client_of(bot: Bot) -> Slack:
    return Slack(bot.slack.bot_token, bot.slack.api_url, bot.metrics.slack_calls)


def doctor_of(bot: Bot) -> Any:
    """What the doctor's checks of tokens read."""
    settings = SimpleNamespace(slack_mode="socket", slack_app_token=SecretStr(bot.slack.app_token))
    return SimpleNamespace(slack=client_of(bot), settings=settings)


def trouble_of(connection: SocketMode) -> str:
    with pytest.raises(NotConnected) as raised:
        connection.check()
    return str(raised.value)


# --- other messages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [*COMMON, "restricted_action", "message_not_found"])
def test_failure_refused_in_the_failure_channel_is_sent_to_an_admin(bot: Bot, word: str) -> None:
    refuse(bot, "chat.postMessage", word, FAILURES)
    job = order(bot)
    bot.fail(Problem("The quota is full."))
    drive(bot)
    assert f"*{job.store}* (Medusa) could not be created" in str(bot.slack.dms("Ada"))
    assert messages_about(bot, job, "#store-failures") == []


@pytest.mark.parametrize("word", words_of("conversations.replies"))
def test_thread_that_can_not_be_read_gets_its_stages(bot: Bot, word: str) -> None:
    job = order(bot)
    drive(bot)
    [root] = messages_about(bot, job)
    bot.slack.fault("drop_response", "chat.postMessage")
    refuse(bot, "conversations.replies", word)
    bot.finish()
    drive(bot)
    assert "A cart holds a product" in str(bot.slack.thread(root)) or word in failures(bot)


@pytest.mark.parametrize("word", words_of("views.publish"))
def test_home_that_is_refused_is_reported_in_the_failure_channel(bot: Bot, word: str) -> None:
    refuse(bot, "views.publish", word)
    bot.ledger.outbox.put(OutboxKind.HOME, DANA)
    bot.ledger.outbox.forget(OutboxKind.HOME, DANA)
    drive(bot)
    told = f"to Slack, because of `{word}`" in failures(bot)
    nobody_is_there = refusal_of(word) is Refusal.LOST
    nothing_is_lost = refusal_of(word) is Refusal.NO_ACCESS
    assert told or nobody_is_there or nothing_is_lost
    assert counted(bot, "views.publish", word)


# --- answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", words_of("views.open"))
def test_form_that_is_not_opened_is_reported_to_the_person(bot: Bot, word: str) -> None:
    refuse(bot, "views.open", word)
    before = len(bot.slack.ephemerals("Dana", "#stores"))
    assert bot.slack.command("Dana", "#stores", "/store create").ok
    bot.slack.wait_for(lambda: len(bot.slack.ephemerals("Dana", "#stores")) > before)
    assert "Slack did not open the form" in bot.slack.ephemerals("Dana", "#stores")[-1]["text"]
    assert counted(bot, "views.open", word)


@pytest.mark.parametrize("word", sorted({*words_of("views.update")} - {"hash_conflict", "not_found"}))
def test_form_that_is_not_changed_is_reported_to_the_person(bot: Bot, word: str) -> None:
    assert bot.slack.command("Dana", "#stores", "/store create").ok
    form = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]
    refuse(bot, "views.update", word)
    before = len(bot.slack.ephemerals("Dana", "#stores"))
    assert bot.slack.click("Dana", form, "type", "plain").ok
    bot.slack.wait_for(lambda: len(bot.slack.ephemerals("Dana", "#stores")) > before)
    assert "Slack did not change the form" in bot.slack.ephemerals("Dana", "#stores")[-1]["text"]
    assert counted(bot, "views.update", word)


def credentials_answer(bot: Bot) -> None:
    """Ask for the credentials with a button, whose answer needs the response_url."""
    root = next(message for message in bot.slack.messages("#stores") if "*my-shop* is ready" in message["text"])
    assert bot.slack.click("Dana", root, "credentials").ok


@pytest.mark.parametrize("word", [*WORDS["response_url"], "word_of_the_future"])
def test_answer_refused_at_its_place_is_sent_directly(bot: Bot, word: str) -> None:
    refuse(bot, "response_url", word)
    before = directly(bot).count("/s/")
    credentials_answer(bot)
    bot.slack.wait_for(lambda: directly(bot).count("/s/") > before)
    assert counted(bot, "response_url", word)


@pytest.mark.parametrize("method", ["conversations.open", "chat.postMessage"])
@pytest.mark.parametrize("word", ["user_disabled", "is_archived", "word_of_the_future"])
def test_answer_refused_directly_too_is_reported_in_the_failure_channel(bot: Bot, method: str, word: str) -> None:
    refuse(bot, "response_url", "expired_url")
    refuse(bot, method, word, *((DANA,) if method == "conversations.open" else ("D0DIRECT1",)))
    before = failures(bot).count("I could not answer")
    credentials_answer(bot)
    bot.slack.wait_for(lambda: failures(bot).count("I could not answer") > before)
    assert f"<@{DANA}>" in failures(bot)
    assert "/s/" not in failures(bot), "a link for one person stays with that person"

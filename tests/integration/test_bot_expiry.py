"""Stores expire: their owners get notices, and extend or keep them. Otherwise they sleep, and are deleted later."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bot.__main__ import main
from provisioner.domain.errors import BadExpiry, Problem
from provisioner.domain.expiry import DAY, HOUR, MINUTE, NO_POLICY, Expiry, ExpiryPolicy
from provisioner.domain.store import StoreStatus
from provisioner.operations.delete import DELETE
from provisioner.operations.pause import PAUSE
from provisioner.runner.expiring_stores import RETRY_SECONDS, ExpiringStores
from provisioner.visits import wake_for_visitor
from tests.integration.bot_harness import DANA, Bot, use_terminal
from tests.integration.slack_steps import View, buttons, create_form, home, top_form
from tests.waiting import until

AFTER = -MINUTE  # the last notice is delivered a moment later than it is due
CRASH = Problem("The database of my-shop keeps crashing.", "Its log says “no memory”.", "Raise it.", "a log")


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    """The answer to `/store WORDS`."""
    return str(bot.slack.command(user, "#stores", f"/store {words}").json()["text"])


def store_for(bot: Bot, expiry: str = "for=3d") -> View:
    """A store that is ready, and its message."""
    typed(bot, f"create my-shop {expiry}")
    bot.finish()
    return bot.root("*my-shop* is ready")


def left(bot: Bot, seconds: float) -> None:
    """Let the store have so many seconds to its end, and look at what is to be done."""
    end = bot.store().expires_at
    assert end
    bot.clock.ahead += end - seconds - bot.clock()
    look(bot)


def first_notice(bot: Bot) -> None:
    """Let the store have two days left, by the clock of Slack, too."""
    bot.ledger.set_expiry(bot.store(), Expiry(bot.clock() + 2 * DAY, 3 * DAY))
    look(bot)


def look(bot: Bot) -> None:
    ExpiringStores(bot.orders).go_on()
    bot.notifier.wake()
    bot.settled()


def notices(bot: Bot) -> list[View]:
    """The notices in Dana's direct messages."""
    return [message for message in bot.slack.dms("Dana") if "my-shop" in message["text"]]


def posts(bot: Bot, root: View) -> list[str]:
    """The notices in the store's thread."""
    return [reply["text"] for reply in bot.slack.thread(root)[1:] if "expire" in reply["text"]]


def plain(text: str) -> str:
    """Without times."""
    return re.sub(r"<!date.*?>", "DATE", text)


def ended(bot: Bot) -> None:
    """Take the store through its three notices, to its end."""
    for seconds in (2 * DAY, 2 * HOUR, 30 * MINUTE, AFTER):
        left(bot, seconds)


def test_order_message_list_and_home_show_when_a_store_expires(bot: Bot) -> None:
    root = store_for(bot)
    store = bot.store()
    assert store.expires_at == pytest.approx(store.created_at + 3 * DAY)
    assert "Expires <!date" in str(root["blocks"])
    assert f"'type': 'date', 'timestamp': {int(store.expires_at or 0)}" in str(bot.answered("/store list")["blocks"])
    bot.slack.open_home("Dana")
    home(bot, "Expires <!date")


def test_store_ends_asleep_after_three_notices_and_is_deleted_a_week_later(bot: Bot) -> None:
    root = store_for(bot)
    left(bot, 2 * DAY + 1)
    assert notices(bot) == []
    for number, (seconds, words) in enumerate([(2 * DAY, "2 days"), (2 * HOUR, "2 hours"), (1800, "30 minutes")]):
        left(bot, seconds)
        look(bot)  # another look sends nothing more
        text = (
            f"*my-shop* expires in {words}, DATE. It is put to sleep then: its shop closes, its data and its address"
            " are kept."
        )
        assert [plain(notice["text"]) for notice in notices(bot)][number:] == [text]
        assert [plain(post) for post in posts(bot, root)][number:] == [text]
        assert set(buttons(notices(bot)[-1])) == {"extend", "keep"}
        assert bot.queued_jobs() == []
    left(bot, AFTER)
    assert bot.queued_jobs() == [(PAUSE.kind, 1)]
    bot.finish()
    look(bot)
    assert bot.store().status == StoreStatus.ASLEEP
    assert plain(notices(bot)[-1]["text"]) == (
        "*my-shop* has expired and is closed. Its data and its address are kept until DATE; then it is deleted, and"
        " can be undeleted for some days."
    )
    assert len(posts(bot, root)) == 4
    bot.clock.ahead += 7 * DAY - MINUTE
    look(bot)
    assert bot.queued_jobs() == []
    bot.clock.ahead += 2 * MINUTE
    look(bot)
    assert bot.queued_jobs() == [(DELETE.kind, 1)]
    bot.root("Deleting *my-shop*, ordered by its expiry.")
    assert "*my-shop* is being deleted." in notices(bot)[-1]["text"] or len(notices(bot)) == 4


def test_click_on_extend_gives_the_same_life_again_and_a_second_click_changes_nothing(bot: Bot) -> None:
    root = store_for(bot)
    left(bot, 2 * DAY)
    [notice] = notices(bot)
    [post] = [reply for reply in bot.slack.thread(root) if "expires in" in reply["text"]]
    assert "Extend by 3 days" in str(notice["blocks"])
    before = bot.store().expires_at
    assert before
    bot.slack.fault("server_error", "chat.update", times=0)  # the buttons stay for a while
    for person, message in (("Dana", notice), ("Ada", post)):
        assert bot.slack.click(person, message, "extend").ok
    until("both answers", lambda: bot.whispered("Ada") and "now expires" in str(bot.slack.ephemerals("Dana")))
    assert bot.store().expires_at == before + 3 * DAY
    assert plain(bot.whispered("Ada")) == "*my-shop* now expires DATE."
    bot.slack.clear_faults()
    bot.clock.ahead += MINUTE
    bot.notifier.wake()
    bot.slack.wait_for(lambda: "expires in" not in notices(bot)[0]["text"], what="the edited notice")
    assert buttons(notices(bot)[0]) == {}
    bot.slack.wait_for(lambda: "expires in" not in posts(bot, root)[0], what="the edited post")
    left(bot, 2 * DAY)
    assert len(notices(bot)) == 2, "the new end has notices of its own"


def test_kept_store_never_expires(bot: Bot) -> None:
    store_for(bot)
    left(bot, 2 * HOUR)
    assert bot.slack.click("Dana", notices(bot)[0], "keep").ok
    bot.slack.wait_for(lambda: notices(bot)[0]["text"] == "*my-shop* no longer expires.", what="the edited notice")
    bot.clock.ahead += 365 * DAY
    look(bot)
    assert (bot.store().expires_at, bot.queued_jobs()) == (None, [])
    assert "Expires" not in str(bot.root("*my-shop* is ready")["blocks"])


def test_no_store_ends_while_slack_is_away_and_its_owner_has_time_afterwards(bot: Bot) -> None:
    store_for(bot)
    bot.settled()
    bot.slack.fault("server_error", "chat.postMessage", times=0)
    for days in range(5):
        bot.clock.ahead += DAY * (days > 0)
        ExpiringStores(bot.orders).go_on()
    assert (bot.store().noticed, bot.queued_jobs()) == (0, [])
    bot.slack.clear_faults()
    until("a delivered notice", lambda: _delivered(bot))
    assert [plain(notice["text"]).partition(" It")[0] for notice in notices(bot)][-1] == (
        "*my-shop* expires in 30 minutes, DATE."
    )
    look(bot)
    assert bot.queued_jobs() == []
    bot.clock.ahead += 31 * MINUTE
    look(bot)
    assert bot.queued_jobs() == [(PAUSE.kind, 1)]


def _delivered(bot: Bot) -> bool:
    bot.clock.ahead += MINUTE  # past the pause after a failed attempt
    bot.notifier.wake()
    return bot.store().noticed == 3


def test_notice_whose_answer_was_lost_is_sent_once(bot: Bot) -> None:
    root = store_for(bot)
    bot.settled()
    bot.slack.fault("drop_response", "chat.postMessage", times=2)  # one for the owner, one for the thread
    first_notice(bot)
    assert (len(notices(bot)), len(posts(bot, root)), bot.store().noticed) == (1, 1, 1)


def test_notice_that_a_killed_bot_sent_is_counted_by_the_next(bot: Bot) -> None:
    store_for(bot)
    first_notice(bot)
    store = bot.store()
    with bot.ledger.transaction() as db:  # as if it was killed between Slack's answer and the ledger
        db.execute("UPDATE stores SET noticed = 0, noticed_at = 0")
        db.execute("UPDATE outbox SET sent_revision = 0, remote_id = NULL WHERE kind = 'expiry'")
    bot.notifier.wake()
    until("the count", lambda: bot.store().noticed == 1)
    assert (len(notices(bot)), bot.store().expires_at) == (1, store.expires_at)


def test_owner_without_direct_messages_gets_the_notice_where_the_store_was_ordered(bot: Bot) -> None:
    store_for(bot)
    bot.slack.fault("error", "conversations.open", code="cannot_dm_bot", times=0)
    left(bot, 2 * DAY)
    bot.root("*my-shop* expires in 2 days")
    assert bot.store().noticed == 1


def test_sleep_that_fails_is_tried_again_a_day_later(bot: Bot) -> None:
    store_for(bot)
    ended(bot)
    bot.fail(CRASH, rolled_back=True)
    look(bot)
    assert bot.queued_jobs() == []
    assert bot.store().status == StoreStatus.READY
    bot.root("could not be paused for its expiry", "#store-failures")
    bot.clock.ahead += RETRY_SECONDS + 1
    look(bot)
    assert bot.queued_jobs() == [(PAUSE.kind, 1)]


def test_expired_store_wakes_for_nobody_until_it_is_extended(bot: Bot) -> None:
    store_for(bot)
    ended(bot)
    bot.finish()
    look(bot)
    assert not wake_for_visitor(bot.orders, bot.store())
    assert typed(bot, "wake my-shop") == (
        ":no_entry_sign: my-shop has expired. Let it live longer first: /store extend my-shop"
    )
    assert plain(typed(bot, "extend my-shop 1d")) == (
        "*my-shop* now expires DATE. It is still asleep. Wake it: `/store wake my-shop`"
    )
    assert wake_for_visitor(bot.orders, bot.store())
    bot.finish()
    look(bot)
    assert (bot.store().status, bot.queued_jobs()) == (StoreStatus.READY, [])


def test_undeleted_store_lives_as_long_again(bot: Bot) -> None:
    store_for(bot)
    ended(bot)
    bot.finish()
    look(bot)
    bot.clock.ahead += 7 * DAY + MINUTE
    look(bot)
    store = bot.store()
    bot.ledger.stores.keep_until(store.id, bot.clock() + DAY)
    bot.finish()
    bot.ledger.set_store_status(store.id, StoreStatus.CREATING, by=DANA)
    again = bot.store()
    assert again.expires_at == pytest.approx(bot.clock() + 3 * DAY, abs=60)
    assert again.noticed == 0


def test_store_that_is_busy_at_its_end_sleeps_later(bot: Bot) -> None:
    store_for(bot)
    typed(bot, "restart my-shop")
    ended(bot)
    assert bot.queued_jobs() == [("restart", 1)]
    bot.finish()
    look(bot)
    assert bot.queued_jobs() == [(PAUSE.kind, 1)]


def test_store_that_failed_does_not_sleep_and_is_deleted(bot: Bot) -> None:
    typed(bot, "create my-shop for=3d")
    bot.fail(CRASH)
    ended(bot)
    assert (bot.queued_jobs(), bot.store().noticed) == ([], 4)
    bot.clock.ahead += 7 * DAY + MINUTE
    look(bot)
    assert bot.queued_jobs() == [(DELETE.kind, 1)]


@pytest.mark.parametrize(("person", "zone"), [("Dana", "Etc/UTC"), ("Oli", "Asia/Tokyo")])
def test_day_ends_in_the_time_zone_of_whoever_typed_it(bot: Bot, person: str, zone: str) -> None:
    day = datetime.now(ZoneInfo(zone)).date() + timedelta(days=30)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone)).timestamp()
    typed(bot, f"create my-shop until={day}", person)
    assert bot.store().expires_at == end
    typed(bot, "extend my-shop 3d", person)
    typed(bot, f"extend my-shop until={day}", person)
    assert bot.store().expires_at == end


def test_day_ends_in_the_zone_of_the_installation_where_slack_does_not_answer(bot: Bot) -> None:
    day = datetime.now(UTC).date() + timedelta(days=30)
    bot.slack.fault("hang", "users.info", seconds=5)
    typed(bot, f"create my-shop until={day}", "Oli")
    assert bot.store().expires_at == datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC).timestamp()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("create a-shop for=3sheep", "“3sheep” is no time that I understand. Use 30m, 12h, 3d or 2w"),
        ("create a-shop until=fridai", "Did you mean friday?"),
        ("create a-shop until=2020-01-01", "“2020-01-01” is over. Choose a later time."),
        ("create a-shop for=1m", "A store lives at least 10 minutes."),
        ("create a-shop for=9999w", "That is more than ten years."),
        ("create a-shop for=", "A time is missing after for=."),
        ("create a-shop for=3d until=friday", "Choose for= or until=, not both."),
        ("extend my-shop", "It never expires. Give it an end with a date, such as until=friday."),
        ("extend my-shop tomorow", "Did you mean tomorrow?"),
        ("extend", "The name of a store is missing."),
        ("extend no-shop 3d", "There is no store called “no-shop”."),
        ("keep my-shop please", "I didn't expect “please” here."),
    ],
)
def test_time_that_is_none_is_refused_and_changes_nothing(bot: Bot, words: str, answer: str) -> None:
    store_for(bot, "")
    assert answer in typed(bot, words)
    assert bot.store().expires_at is None
    assert bot.ledger.stores.named("a-shop") is None


@pytest.mark.parametrize("words", ["extend my-shop 1d", "keep my-shop"])
def test_only_the_owner_and_admins_choose_the_end(bot: Bot, words: str) -> None:
    store_for(bot)
    before = bot.store()
    assert "Only its owner and admins may do that." in typed(bot, words, "Oli")
    assert bot.store() == before
    assert "*my-shop*" in typed(bot, words, "Ada")
    assert bot.store().expires_at != before.expires_at


def test_replayed_extension_extends_once(bot: Bot) -> None:
    store_for(bot)
    before = bot.store().expires_at
    assert before
    typed(bot, "extend my-shop 1d")
    bot.slack.replay()
    assert bot.store().expires_at == before + DAY


def test_policy_of_the_installation_is_the_default_and_the_limit(bot: Bot) -> None:
    bot.orders.expiry = ExpiryPolicy(default=2 * DAY, longest=30 * DAY)
    root = store_for(bot, "")
    assert bot.store().life == 2 * DAY
    limit = "A store may live for 30 days at most. That is a rule of this installation."
    assert limit in typed(bot, "keep my-shop")
    assert limit in typed(bot, "extend my-shop 29d")
    left(bot, 2 * HOUR)
    assert set(buttons(notices(bot)[0])) == {"extend"}, "keeping is for admins"
    assert typed(bot, "keep my-shop", "Ada") == "*my-shop* no longer expires."
    assert root


def test_form_asks_how_long_a_store_lives(bot: Bot) -> None:
    bot.orders.expiry = ExpiryPolicy(longest=7 * DAY)
    form = create_form(bot)
    menu = next(block["element"] for block in form["blocks"] if block.get("block_id") == "expiry")
    labels = [option["text"]["text"] for option in menu["options"]]
    assert labels == ["For good", "1 hour", "1 day", "3 days", "1 week"]
    assert bot.slack.submit("Dana", form, {"name": "my-shop", "expiry": "3d"}) is None
    until("the store", lambda: bot.ledger.stores.named("my-shop"))
    assert bot.store().life == 3 * DAY


def test_life_that_was_typed_stays_when_the_form_asks_for_the_name(bot: Bot) -> None:
    assert bot.slack.command("Dana", "#stores", "/store create medusa until=tomorrow").ok
    form = top_form(bot)
    menu = next(block["element"] for block in form["blocks"] if block.get("block_id") == "expiry")
    assert menu["initial_option"]["text"]["text"] == "tomorrow (as typed)"


def test_terminal_extends_and_keeps(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    store_for(bot)
    before = bot.store().expires_at
    assert before
    use_terminal(bot, monkeypatch)

    def run(*words: str) -> str:
        return CliRunner().invoke(main, words).output

    assert "my-shop now expires" in run("extend", "my-shop", "1d")
    assert bot.store().expires_at == before + DAY
    assert "my-shop no longer expires." in run("keep", "my-shop")
    assert "no time that I understand" in run("extend", "my-shop", "soon")
    rows = [(row["detail"], row["outcome"]) for row in bot.audit(3)]
    assert rows == [("extend my-shop soon", "refused"), ("keep my-shop", "answered"), ("extend my-shop 1d", "answered")]


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    now = 1_800_000_000.0
    try:
        found = NO_POLICY.of_new(text, now, is_admin=False)
    except BadExpiry:
        return
    assert found is None or found.at >= now + 10 * MINUTE

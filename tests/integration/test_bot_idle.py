"""A store sleeps once no shopper came for its idle time. Where visits may have been missed, the time starts again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import Problem, Transient
from provisioner.domain.expiry import DAY, HOUR, MINUTE, Expiry
from provisioner.domain.idleness import VISITS, IdlePolicy
from provisioner.domain.policy import SCHEDULE, Actor
from provisioner.domain.store import StoreStatus
from provisioner.operations.backup import BACKUP
from provisioner.operations.pause import PAUSE
from provisioner.operations.restart import RESTART
from provisioner.orders import OrderContext
from provisioner.runner.idle_stores import LOOKS_AT_ONCE, RETRY_SECONDS, UNREAD_SECONDS, IdleStores
from provisioner.runner.nights import AT_ONCE
from provisioner.visits import wake_for_visitor
from tests.integration.bot_harness import DANA, STORES, Bot, use_terminal
from tests.integration.slack_steps import View, buttons
from tests.ledgers import NO_LIMITS

FIREFOX, CRAWLER = "Mozilla/5.0 Firefox/150.0", "Googlebot/2.1"
CRASH = Problem("The database of my-shop keeps crashing.", "Its log says “no memory”.", "Raise it.", "a log")
Log = list[tuple[float, str]]


@dataclass
class Pods:
    """The application's pods of each store: what their logs say, by uid. A `trouble` is raised instead.

    `visits` is the annotation that says which lines are visits."""

    now: float
    logs: dict[str, Log] = field(default_factory=dict)
    ready_at: dict[str, float] = field(default_factory=dict)
    visits: str = "{container: shop, line: 'visit by (?P<agent>.*)'}"
    evicted: tuple[str, ...] = ()
    trouble: Exception | None = None
    reads: int = 0

    def start(self, uid: str, at: float, *lines: str) -> None:
        """A pod that is ready at that time, and whose log begins then."""
        self.logs[uid], self.ready_at[uid] = [(at, line) for line in ("boot", *lines)], at

    def pods(self, namespace: str, labels: Mapping[str, str]) -> list[Any]:
        assert labels == {"app.kubernetes.io/component": "application"}
        return [self._pod(uid) for uid in self.logs]

    def stamped_log(self, namespace: str, pod: str, container: str, lines: int) -> Log:
        assert container == "shop"
        self.reads += 1
        if self.trouble:
            raise self.trouble
        return self.logs[pod][-lines:]

    def _pod(self, uid: str) -> dict[str, Any]:
        since = datetime.fromtimestamp(self.ready_at[uid], UTC).isoformat()
        ready = {"type": "Ready", "status": "True" if self.ready_at[uid] else "False", "lastTransitionTime": since}
        annotations = {VISITS: self.visits} if self.visits else {}
        meta = {"name": uid, "uid": uid, "namespace": "store-my-shop", "annotations": annotations}
        return {
            "metadata": meta,
            "status": {"conditions": [ready], "phase": "Failed" if uid in self.evicted else "Running"},
        }


class Days:
    """Dana's store, ready with one pod, the time, and the chore that looks at its visits."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        bot.orders.idle = IdlePolicy(8 * HOUR)
        bot.order()
        bot.finish()
        self.root = bot.root("*my-shop* is ready")
        self.pods = Pods(bot.clock())
        self.pods.start("first", bot.clock())
        self.restart_bot()

    def restart_bot(self) -> None:
        self.chore = IdleStores(self.bot.orders, cast(Cluster, self.pods))

    def visit(self, agent: str = FIREFOX, pod: str = "first") -> None:
        self.pods.logs[pod].append((self.bot.clock(), f"visit by {agent}"))

    def later(self, seconds: float) -> None:
        """Let time pass, with a look every ten minutes."""
        end = self.bot.clock.ahead + seconds
        while (left := end - self.bot.clock.ahead) > 0 and not self.paused:
            self.bot.clock.ahead += min(left, 600.0)
            self.chore.go_on()

    @property
    def paused(self) -> bool:
        return PAUSE.kind in dict(self.bot.queued_jobs())

    def asleep(self) -> None:
        self.bot.finish()
        self.bot.notifier.wake()
        self.bot.settled()
        assert self.bot.store().status == StoreStatus.ASLEEP

    def posts(self) -> list[View]:
        return [reply for reply in self.bot.slack.thread(self.root)[1:] if "no shopper" in reply["text"]]


@pytest.fixture
def days(bot: Bot) -> Days:
    return Days(bot)


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    return str(bot.slack.command(user, "#stores", f"/store {words}").json()["text"])


def test_store_sleeps_after_its_idle_time_and_its_thread_says_why(days: Days) -> None:
    days.later(8 * HOUR - 20 * MINUTE)
    assert not days.paused
    assert days.posts() == []
    days.later(30 * MINUTE)
    assert days.paused
    assert days.posts() == [], "it is said once it sleeps"
    days.asleep()
    [post] = days.posts()
    assert post["text"] == (
        "*my-shop* is asleep, because no shopper came for 8 hours. Its data and its address are kept. A visit wakes it."
    )
    assert set(buttons(post)) == {"wake"}
    assert "*my-shop* is asleep." in days.bot.root("*my-shop* is asleep.")["text"]
    assert [root["text"] for root in days.bot.slack.messages("#stores") if "Paus" in root["text"]] == []


def test_button_wakes_it_and_the_post_says_what_came_after(days: Days) -> None:
    days.later(9 * HOUR)
    days.asleep()
    assert days.bot.slack.click("Dana", days.posts()[0], "wake").ok
    days.bot.finish()
    days.bot.slack.wait_for(lambda: "was asleep" in days.posts()[0]["text"], what="the edited post")
    [post] = days.posts()
    assert post["text"] == f"*my-shop* was asleep, because no shopper had come for 8 hours. <@{DANA}> woke it later."
    assert buttons(post) == {}
    days.pods.start("first", days.bot.clock())
    days.later(7 * HOUR)
    assert not days.paused, "its time counts from when it was woken"
    days.later(2 * HOUR)
    assert days.paused


def test_visitor_wakes_it_quietly_and_it_sleeps_again(days: Days) -> None:
    days.later(9 * HOUR)
    days.asleep()
    assert wake_for_visitor(days.bot.orders, days.bot.store())
    days.bot.finish()
    days.bot.slack.wait_for(lambda: "A visit woke it later" in days.posts()[0]["text"], what="the edited post")
    days.bot.root("*my-shop* is ready")
    days.pods.start("first", days.bot.clock())
    days.later(9 * HOUR)
    days.asleep()
    assert len(days.posts()) == 2


def test_shoppers_keep_it_awake_and_crawlers_do_not(days: Days) -> None:
    for _ in range(5):
        days.later(7 * HOUR)
        days.visit()
    days.later(20 * MINUTE)
    assert not days.paused
    seen = days.bot.store().visited_at
    assert seen
    assert 0 < days.bot.clock() - seen <= 21 * MINUTE + 7 * HOUR
    days.later(HOUR)
    assert (days.bot.store().visited_at or 0) > seen or days.bot.clock() - seen < 2 * HOUR
    for _ in range(8):
        days.visit(CRAWLER)
        days.later(HOUR)
    assert days.paused


def test_nobody_is_at_rest_while_the_store_is_worked_on(days: Days) -> None:
    days.later(7 * HOUR)
    context = OrderContext(days.bot.orders.actor(DANA), STORES, "restart-1")
    days.bot.orders.place(context, RESTART, days.bot.store().id)
    days.later(2 * HOUR)
    assert not days.paused
    days.bot.finish()
    days.later(7 * HOUR)
    assert not days.paused
    days.later(2 * HOUR)
    assert days.paused


def test_nightly_backup_is_no_shopper(days: Days) -> None:
    days.later(7 * HOUR)
    context = OrderContext(Actor(SCHEDULE, is_admin=True), "", "backup-1", quiet=True)
    days.bot.orders.place(context, BACKUP, days.bot.store().id, {"reason": "daily"})
    days.bot.finish()
    days.later(2 * HOUR)
    assert days.paused


@pytest.mark.parametrize("gap", ["rotated", "new pod", "not ready", "no pod", "former version"])
def test_what_a_log_does_not_know_is_not_idle(days: Days, gap: str) -> None:
    days.later(7 * HOUR)
    days.bot.clock.ahead += 30 * MINUTE  # without a look, in which a shopper may have come
    now = days.bot.clock()
    if gap == "rotated":
        days.pods.logs["first"] = []
        days.chore.go_on()
        days.pods.logs["first"] = [(now, "a line")]
    elif gap == "new pod":
        days.pods.logs.clear()
        days.pods.start("second", now)
    elif gap == "former version":
        days.pods.visits = ""
        days.chore.go_on()
        days.pods.visits = Pods.visits
    elif gap == "not ready":
        days.pods.ready_at["first"] = now
    else:
        before = dict(days.pods.logs)
        days.pods.logs.clear()
        days.later(HOUR)
        days.pods.logs = before
    days.later(7 * HOUR)
    assert not days.paused
    days.later(2 * HOUR)
    assert days.paused


def test_pod_that_is_gone_took_its_last_visits_with_it(days: Days) -> None:
    days.pods.start("second", days.bot.clock())
    days.later(7 * HOUR)
    days.visit(pod="second")
    del days.pods.logs["second"]
    days.later(2 * HOUR)
    assert not days.paused


def test_pod_that_was_evicted_keeps_nothing_awake(days: Days) -> None:
    days.later(7 * HOUR)
    days.pods.evicted = ("first",)
    days.pods.start("second", days.bot.clock())
    days.later(7 * HOUR)
    assert not days.paused
    days.later(2 * HOUR)
    assert days.paused


def test_bot_that_was_away_counts_what_the_log_still_knows(days: Days) -> None:
    days.later(HOUR)
    days.bot.clock.ahead += 6 * HOUR
    days.restart_bot()
    days.later(30 * MINUTE)
    assert not days.paused
    days.later(HOUR)
    assert days.paused, "the log is complete"


def test_bot_that_was_away_for_longer_than_the_log_waits(days: Days) -> None:
    days.later(HOUR)
    days.bot.clock.ahead += 12 * HOUR
    days.pods.logs["first"] = [(days.bot.clock() - MINUTE, "a line")]
    days.restart_bot()
    days.later(7 * HOUR)
    assert not days.paused
    days.later(2 * HOUR)
    assert days.paused


def test_cluster_that_does_not_answer_is_asked_again_and_nothing_sleeps(days: Days) -> None:
    days.later(7 * HOUR)
    days.pods.trouble, before = Transient("The Kubernetes API can't be reached."), days.pods.reads
    days.later(3 * HOUR)
    assert not days.paused
    assert days.pods.reads - before <= 3 * HOUR / UNREAD_SECONDS
    days.pods.trouble = None
    days.later(10 * MINUTE)
    assert days.paused, "the log knows that nobody came"


def test_store_at_rest_costs_one_look_an_hour(days: Days) -> None:
    days.later(2 * HOUR)
    before = days.pods.reads
    for _ in range(180):
        days.bot.clock.ahead += MINUTE
        days.chore.go_on()
    assert days.pods.reads - before == 3


def test_few_stores_are_looked_at_and_paused_at_once(days: Days) -> None:
    days.bot.orders.limits = NO_LIMITS
    for number in range(LOOKS_AT_ONCE + 5):
        days.bot.order(f"shop-{number}")
        days.bot.finish()
    days.pods.start("first", days.bot.clock())
    days.bot.clock.ahead += 9 * HOUR
    days.chore.go_on()
    assert days.pods.reads == LOOKS_AT_ONCE
    assert days.bot.queued_jobs() == [(PAUSE.kind, AT_ONCE)]


def test_pause_that_fails_is_tried_again_a_day_later(days: Days) -> None:
    days.later(9 * HOUR)
    days.bot.fail(CRASH, rolled_back=True)
    days.bot.slack.wait_for(lambda: "could not be paused" in str(days.bot.slack.messages("#store-failures")))
    days.bot.slack.wait_for(lambda: "could not be paused" in str(days.bot.slack.dms("Dana")))
    days.later(RETRY_SECONDS - HOUR)
    assert not days.paused
    assert days.posts() == []
    days.later(2 * HOUR)
    assert days.paused


def test_expired_store_follows_the_rules_of_its_expiry(days: Days) -> None:
    days.bot.ledger.set_expiry(days.bot.store(), Expiry(days.bot.clock() + HOUR, DAY))
    days.later(12 * HOUR)
    assert not days.paused


def test_owner_chooses_another_time_and_the_status_shows_it(days: Days) -> None:
    bot = days.bot
    status = str(bot.slack.command("Dana", "#stores", "/store status my-shop").json()["blocks"])
    assert "Goes to sleep after 8 hours without a shopper" in status
    assert typed(bot, "idle my-shop 3d") == (
        "*my-shop* goes to sleep after 3 days without a shopper. A visit wakes it."
    )
    days.visit()
    days.later(10 * HOUR)
    assert not days.paused
    status = str(bot.slack.command("Dana", "#stores", "/store status my-shop").json()["blocks"])
    assert "Goes to sleep after 3 days without a shopper · last shopper seen <!date" in status
    assert typed(bot, "idle my-shop never") == "*my-shop* never goes to sleep by itself."
    days.later(9 * DAY)
    assert not days.paused
    assert "Never goes to sleep by itself" in str(
        bot.slack.command("Dana", "#stores", "/store status my-shop").json()["blocks"]
    )
    assert typed(bot, "idle my-shop default").startswith("*my-shop* goes to sleep after 8 hours")
    days.later(10 * MINUTE)
    assert days.paused


def test_shorter_time_holds_at_once(days: Days) -> None:
    days.later(2 * HOUR)
    typed(days.bot, "idle my-shop 1h")
    days.later(10 * MINUTE)
    assert days.paused


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("idle my-shop", "The time is missing."),
        ("idle my-shop often", "“often” is no time that I understand. Use 30m, 8h or 3d, never, or default."),
        ("idle no-shop 8h", "There is no store called “no-shop”."),
        ("idle my-shop 8h please", "I didn't expect “please” here."),
    ],
)
def test_wrong_words_change_nothing(days: Days, words: str, answer: str) -> None:
    assert answer in typed(days.bot, words)
    assert days.bot.store().idle_after is None


def test_only_its_owner_and_admins_choose(days: Days) -> None:
    assert "belongs to" in typed(days.bot, "idle my-shop 8h", user="Oli")
    assert "goes to sleep" in typed(days.bot, "idle my-shop 8h", user="Ada")


def test_type_that_counts_no_visits_never_sleeps_by_itself(days: Days) -> None:
    bot = days.bot
    typed(bot, "create plain-shop plain")
    bot.finish()
    answer = typed(bot, "idle plain-shop 8h")
    assert answer == (
        ":no_entry_sign: plain-shop can't go to sleep by itself. Plain stores do not count their visits."
        " Put it to sleep yourself: /store pause plain-shop"
    )
    status = str(bot.slack.command("Dana", "#stores", "/store status plain-shop").json()["blocks"])
    assert "Never goes to sleep by itself: stores of its type do not count visits" in status
    bot.orders.idle = IdlePolicy(None, {"plain": HOUR})
    days.later(2 * HOUR)
    assert not days.paused


def test_terminal_chooses_too(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    use_terminal(days.bot, monkeypatch)
    result = CliRunner().invoke(main, ["idle", "my-shop", "30m"])
    assert (result.exit_code, result.output) == (
        0,
        "my-shop goes to sleep after 30 minutes without a shopper. A visit wakes it.\n",
    )
    assert days.bot.store().idle_after == 30 * MINUTE
    assert CliRunner().invoke(main, ["idle", "my-shop", "often"]).exit_code == 2
    shown = CliRunner().invoke(main, ["status", "my-shop"]).output
    assert "Goes to sleep after 30 minutes without a shopper" in shown


def test_store_without_a_thread_tells_its_owner(days: Days) -> None:
    days.bot.order("quiet-shop", origin="")  # at a terminal
    days.bot.finish()
    days.later(9 * HOUR)
    days.bot.finish()
    days.asleep()
    days.bot.slack.wait_for(lambda: "*quiet-shop* is asleep, because no shopper" in str(days.bot.slack.dms("Dana")))

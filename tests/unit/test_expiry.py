"""Until when a store lives: what people may type, and when they get notices."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from provisioner.domain.errors import BadExpiry
from provisioner.domain.expiry import DAY, FAREWELL, HOUR, MINUTE, Expiry, ExpiryPolicy, in_words

FRIDAY = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)
NOW = FRIDAY.timestamp()
FREE = ExpiryPolicy()


def until(text: str, policy: ExpiryPolicy = FREE) -> str:
    expiry = policy.of_new(text, NOW, is_admin=False)
    assert expiry
    assert expiry.life == expiry.at - NOW
    return datetime.fromtimestamp(expiry.at, policy.zone).isoformat()


@pytest.mark.parametrize(
    ("typed", "end"),
    [
        ("30m", "2026-11-27T16:00:00+00:00"),
        ("12h", "2026-11-28T03:30:00+00:00"),
        ("3d", "2026-11-30T15:30:00+00:00"),
        ("2W", "2026-12-11T15:30:00+00:00"),
        ("today", "2026-11-28T00:00:00+00:00"),
        ("tomorrow", "2026-11-29T00:00:00+00:00"),
        ("saturday", "2026-11-29T00:00:00+00:00"),
        ("Thu", "2026-12-04T00:00:00+00:00"),
        ("friday", "2026-12-05T00:00:00+00:00"),  # the same day is the next week's
        ("2026-12-24", "2026-12-25T00:00:00+00:00"),
        ("2026-12-24 18:00", "2026-12-24T18:00:00+00:00"),
        ("2026-12-24t18:00", "2026-12-24T18:00:00+00:00"),
    ],
)
def test_durations_days_and_dates_are_understood(typed: str, end: str) -> None:
    assert until(typed) == end


@pytest.mark.parametrize(
    ("zone", "end"),
    [("America/Los_Angeles", "2026-11-28T00:00:00-08:00"), ("Asia/Tokyo", "2026-11-29T00:00:00+09:00")],
)
def test_days_end_in_the_operators_time_zone(zone: str, end: str) -> None:
    assert until("today", ExpiryPolicy(zone=ZoneInfo(zone))) == end


def test_day_with_a_change_of_the_clocks_ends_at_its_midnight() -> None:
    berlin = ExpiryPolicy(zone=ZoneInfo("Europe/Berlin"))
    assert until("2027-03-28", berlin) == "2027-03-29T00:00:00+02:00"
    assert until("2027-03-27", berlin) == "2027-03-28T00:00:00+01:00"


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("3 sheep", "“3 sheep” is no time that I understand. Use 30m"),
        ("fridai", "“fridai” is no time that I understand. Did you mean friday?"),
        ("", None),
        ("0d", "“0d” is over."),
        ("-3d", "“-3d” is no time"),
        ("2026-11-26", "“2026-11-26” is over. Choose a later time."),
        ("2026-11-27 15:29", "is over."),
        ("2026-02-30", "There is no “2026-02-30”."),
        ("2026-12-24 25:00", "There is no"),
        ("9999-12-31", "There is no “9999-12-31”."),
        ("9m", "A store lives at least 10 minutes."),
        ("999999w", "That is more than ten years."),
        ("٣d", None),  # digits of another script
    ],
)
def test_what_is_no_end_is_refused(typed: str, answer: str | None) -> None:
    if answer is None:
        found = FREE.of_new(typed, NOW, is_admin=False)
        assert found is None or found.life == 3 * DAY
        return
    with pytest.raises(BadExpiry) as refused:
        FREE.of_new(typed, NOW, is_admin=False)
    assert answer in str(refused.value)


def test_policy_has_a_default_and_a_longest_life_that_admins_may_exceed() -> None:
    policy = ExpiryPolicy(default=DAY, longest=30 * DAY)
    assert policy.of_new("", NOW, is_admin=False) == Expiry(NOW + DAY, DAY)
    for typed in ("31d", "never"):
        with pytest.raises(BadExpiry, match="A store may live for 30 days at most"):
            policy.of_new(typed, NOW, is_admin=False)
    assert policy.of_new("never", NOW, is_admin=True) is None
    first = policy.of_new("29d", NOW, is_admin=False)
    with pytest.raises(BadExpiry, match="30 days at most"):
        policy.extended(first, "2d", NOW, is_admin=False)
    later = policy.extended(first, "2d", NOW + 2 * DAY, is_admin=False)
    assert later
    assert later.at == NOW + 31 * DAY


def test_extension_counts_from_the_present_end_or_from_now() -> None:
    ended = Expiry(NOW - DAY, 3 * DAY, noticed=4, noticed_at=NOW)
    assert FREE.extended(ended, "", NOW, is_admin=False) == Expiry(NOW + 3 * DAY, 3 * DAY)
    running = Expiry(NOW + DAY, 3 * DAY)
    assert FREE.extended(running, "12h", NOW, is_admin=False) == Expiry(NOW + 1.5 * DAY, 12 * HOUR)
    assert FREE.extended(running, "never", NOW, is_admin=False) is None
    with pytest.raises(BadExpiry, match=r"It never expires\. Give it an end with a date"):
        FREE.extended(None, "3d", NOW, is_admin=False)


@pytest.mark.parametrize(
    ("life", "leads"),
    [
        (30 * DAY, [2 * DAY, 2 * HOUR, 30 * MINUTE]),
        (3 * DAY, [2 * DAY, 2 * HOUR, 30 * MINUTE]),
        (HOUR, [40 * MINUTE, 20 * MINUTE, 10 * MINUTE]),
    ],
)
def test_notices_come_before_the_end_and_closer_in_a_short_life(life: float, leads: list[float]) -> None:
    for number, lead in enumerate(leads):
        expiry = Expiry(NOW, life, noticed=number)
        assert expiry.due_notice(NOW - lead - 1) is None
        assert expiry.due_notice(NOW - lead) == number
        assert Expiry(NOW, life, noticed=number + 1).due_notice(NOW - lead) is None


def test_notices_that_were_missed_are_one() -> None:
    assert Expiry(NOW, 3 * DAY).due_notice(NOW - HOUR) == 1
    assert Expiry(NOW, 3 * DAY).due_notice(NOW + 90 * DAY) == FAREWELL - 1


def test_nothing_ends_before_its_last_notice_was_delivered_long_enough_ago() -> None:
    for noticed in range(FAREWELL):
        assert not Expiry(NOW, 3 * DAY, noticed).ends(NOW + 90 * DAY)
    late = Expiry(NOW, 3 * DAY, FAREWELL, noticed_at=NOW + DAY)
    assert not late.ends(NOW + DAY + 29 * MINUTE)
    assert late.ends(NOW + DAY + 30 * MINUTE)
    assert not Expiry(NOW, 3 * DAY, FAREWELL, noticed_at=NOW - HOUR).ends(NOW - 1)


def test_clock_that_jumps_ends_no_store_without_its_notice() -> None:
    before = Expiry(NOW, 3 * DAY)
    ahead = NOW + 365 * DAY  # somebody set the year
    assert before.due_notice(ahead) == FAREWELL - 1
    noticed = Expiry(NOW, 3 * DAY, FAREWELL, noticed_at=ahead)
    assert not noticed.ends(ahead + MINUTE)
    assert not noticed.ends(NOW + DAY), "set back: the notice is still in the future"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20, "1 minute"),
        (600, "10 minutes"),
        (HOUR, "1 hour"),
        (5400, "90 minutes"),
        (7190, "2 hours"),
        (DAY, "1 day"),
        (129_590, "36 hours"),
        (172_790, "2 days"),
        (14 * DAY, "2 weeks"),
        (30 * DAY, "30 days"),
    ],
)
def test_lengths_read_well(seconds: float, words: str) -> None:
    assert in_words(seconds) == words

"""Expiry: until when a store lives, what people may choose, and when notices of it come. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from provisioner.domain.errors import BadExpiry
from provisioner.domain.text import nearest, shorten

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
UNIT_NAMES = {WEEK: "week", DAY: "day", HOUR: "hour", MINUTE: "minute"}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NEVER = "never"
SHORTEST, LONGEST = 10 * MINUTE, 3650 * DAY  # of a life
# Each notice comes so many seconds before the end; of a short life, at most this part of it.
NOTICES = ((2 * DAY, 2 / 3), (2 * HOUR, 1 / 3), (30 * MINUTE, 1 / 6))
FAREWELL = len(NOTICES)  # the number of the notice that comes at the end: the store is asleep, and is deleted later
EXAMPLES = "Use 30m, 12h, 3d or 2w, a weekday, or a date: for=3d, until=friday, until=2030-12-24."


@dataclass(frozen=True)
class Expiry:
    """A store's end `at` (epoch seconds). `life` is how many seconds were asked for.

    `noticed` is the number of notices that were delivered, the last one at `noticed_at` (epoch seconds)."""

    at: float
    life: float
    noticed: int = 0
    noticed_at: float = 0.0

    def is_over(self, now: float) -> bool:
        """Whether the end has come."""
        return now >= self.at

    def due_notice(self, now: float) -> int | None:
        """The number of the newest notice whose time has come, if it was not delivered. Earlier ones are left out."""
        due = [number for number, lead in enumerate(self._leads) if now >= self.at - lead]
        return due[-1] if due and due[-1] >= self.noticed else None

    def earliest_end(self, now: float) -> float:
        """When the store may be put to sleep if the notice that is delivered now is the last one."""
        return max(self.at, (self.noticed_at if self.noticed >= FAREWELL else now) + self._leads[-1])

    def ends(self, now: float) -> bool:
        """Whether the store may be put to sleep: all notices were delivered, the last one long enough ago."""
        return self.noticed >= FAREWELL and now >= self.earliest_end(now)

    @property
    def _leads(self) -> list[float]:
        """How many seconds before the end each notice comes."""
        return [min(lead, self.life * part) for lead, part in NOTICES]


@dataclass(frozen=True)
class ExpiryPolicy:
    """What the operator sets, in seconds: the life of a store whose order names none, the longest that people may
    choose from now on (None: no limit), and for how long an expired store sleeps before it is deleted.

    Days start and end in `zone`, unless somebody has a zone of their own."""

    default: float | None = None
    longest: float | None = None
    sleep: float = 7 * DAY
    zone: tzinfo = UTC

    def of_new(self, text: str, now: float, *, is_admin: bool, zone: tzinfo | None = None) -> Expiry | None:
        """The expiry of a new store, None for never. `text` is what was typed, '' for the default. Raises BadExpiry."""
        if not text:
            return Expiry(now + self.default, self.default) if self.default else None
        return self._checked(self._parse(text, now, zone), now, is_admin=is_admin)

    def extended(
        self, expiry: Expiry | None, text: str, now: float, *, is_admin: bool, zone: tzinfo | None = None
    ) -> Expiry | None:
        """A later end: a duration counts from the present end, and a date is the new one; '' extends by the store's
        former life. Raises BadExpiry."""
        length = _duration(text)
        if text and length is None:
            return self._checked(self._parse(text, now, zone), now, is_admin=is_admin)
        if not expiry:
            raise BadExpiry("It never expires.", "", "Give it an end with a date, such as until=friday.")
        length = length or expiry.life
        return self._checked(Expiry(max(expiry.at, now) + length, length), now, is_admin=is_admin)

    def _parse(self, text: str, now: float, zone: tzinfo | None) -> Expiry | None:
        if text.lower() == NEVER:
            return None
        length = _duration(text)
        at = now + length if length is not None else _moment(text, datetime.fromtimestamp(now, zone or self.zone))
        if at <= now:
            raise BadExpiry(f"“{shorten(text)}” is over.", "", "Choose a later time.")
        return Expiry(at, at - now)

    def _checked(self, expiry: Expiry | None, now: float, *, is_admin: bool) -> Expiry | None:
        """Raises BadExpiry for an end that is too soon, or later than the policy allows."""
        if expiry and expiry.at - now < SHORTEST:
            raise BadExpiry(f"A store lives at least {in_words(SHORTEST)}.", "", "Choose a later time.")
        if expiry and expiry.at - now > LONGEST:
            raise BadExpiry("That is more than ten years.", "", "Choose an earlier time, or keep the store.")
        if self.longest and not is_admin and (not expiry or expiry.at - now > self.longest):
            what = f"A store may live for {in_words(self.longest)} at most."
            raise BadExpiry(what, "That is a rule of this installation.", "Extend it again later, or ask an admin.")
        return expiry


NO_POLICY = ExpiryPolicy()


def duration(text: str) -> float:
    """The seconds in a text such as 30m, 12h, 3d or 2w. Raises ValueError."""
    seconds = _duration(text)
    if not seconds:
        raise ValueError(f"{text} is no duration such as 30m, 12h, 3d or 2w")
    return seconds


def names_day(text: str) -> bool:
    """Whether the text means another time in each time zone, as “friday” does, and “3d” does not."""
    return bool(text) and text.lower() != NEVER and _duration(text) is None


def _duration(text: str) -> float | None:
    found = re.fullmatch(r"(\d{1,6})\s*([mhdw])", text.lower())
    return float(int(found[1]) * UNITS[found[2]]) if found else None


def in_words(seconds: float) -> str:
    """259200 -> “3 days”, 5400 -> “90 minutes”, 432 -> “7 minutes”."""
    exact = (unit for unit in UNIT_NAMES if seconds >= unit and seconds % unit == 0)
    unit = next(exact, None) or next((unit for unit in UNIT_NAMES if round(seconds / unit) >= 2), MINUTE)
    count = max(1, round(seconds / unit))
    return f"{count} {UNIT_NAMES[unit]}{'s' if count > 1 else ''}"


def _moment(text: str, now: datetime) -> float:
    """The time in epoch seconds; a day means its end. Raises BadExpiry."""
    word = text.lower()
    days = {"today": 0, "tomorrow": 1}
    for number, weekday in enumerate(WEEKDAYS):  # the same day is the next week's
        days[weekday] = days[weekday[:3]] = (number - now.weekday() - 1) % 7 + 1
    if word in days:
        return _end_of(now.date() + timedelta(days=days[word]), now.tzinfo)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", word):
            return _end_of(date.fromisoformat(word), now.tzinfo)
        if re.fullmatch(r"\d{4}-\d\d-\d\d[t ]\d\d:\d\d", word):
            return datetime.fromisoformat(word).replace(tzinfo=now.tzinfo).timestamp()
    except (ValueError, OverflowError):
        raise BadExpiry(f"There is no “{shorten(text)}”.", "", EXAMPLES) from None
    near = nearest(word, days)
    hint = f"Did you mean {near}?" if near else EXAMPLES
    raise BadExpiry(f"“{shorten(text)}” is no time that I understand.", "", hint)


def _end_of(day: date, zone: tzinfo | None) -> float:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), zone).timestamp()

"""Idleness: after how long without a shopper a store goes to sleep, and who is no shopper. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from provisioner.domain.documents import read_yaml
from provisioner.domain.errors import BadIdleTime
from provisioner.domain.expiry import DAY, MINUTE, NEVER, duration, in_words
from provisioner.domain.store import PREFIX, Store
from provisioner.domain.text import shorten

VISITS = PREFIX + "visits"  # an annotation of charts and of pods
DEFAULT = "default"
SHORTEST, LONGEST = 10 * MINUTE, 365 * DAY  # of an idle time
# What crawlers, monitors and programs without a person call themselves; link previews of chats are among them.
CRAWLER = re.compile(
    "bot|crawl|spider|slurp|preview|externalhit|whatsapp|monitor|uptime|pingdom|probe|health|blackbox|scan"
    "|curl|wget|python|go-http|libwww|wordpress/|storewright",
    re.IGNORECASE,
)


def is_crawler(agent: str) -> bool:
    """Whether a User-Agent header is no shopper's; '' is none."""
    return not agent.strip() or bool(CRAWLER.search(agent))


@dataclass(frozen=True)
class VisitLog:
    """Where a pod of the application counts its visits: in the log of this container.

    `line` matches a line for each request of a shopper or a merchant; its group `agent`, if it has one, is the
    User-Agent header."""

    container: str
    line: re.Pattern[str]

    @classmethod
    def read(cls, text: str) -> VisitLog:
        """The content of a chart's or pod's annotation. Raises ValueError."""
        try:
            given = read_yaml(text)
            if not isinstance(given, dict) or set(given) != {"container", "line"}:
                raise ValueError("it needs exactly `container` and `line`")
            return cls(str(given["container"]), re.compile(str(given["line"])))
        except yaml.YAMLError as error:
            raise ValueError(f"it is no YAML: {error}") from None
        except re.error as error:
            raise ValueError(f"`line` is no regular expression: {error}") from None

    def has_visit(self, line: str) -> bool:
        """Whether the line of the log is about a visit of a person."""
        found = self.line.search(line)
        return found is not None and not is_crawler(found.groupdict().get("agent", "a person") or "")


@dataclass(frozen=True)
class IdlePolicy:
    """What the operator sets, in seconds: the idle time of stores, and of those of a type (None: never)."""

    after: float | None = None
    types: Mapping[str, float | None] = field(default_factory=dict)

    def of(self, store: Store) -> float | None:
        """After how many seconds without a shopper the store goes to sleep; None for never."""
        if store.idle_after is not None:
            return store.idle_after or None
        return self.types.get(store.type, self.after)


NO_IDLE_POLICY = IdlePolicy()


@dataclass(frozen=True)
class Idleness:
    """What a store's status says: its idle time `after` (seconds, None for never), and whether its type `counts` its
    visits."""

    after: float | None
    counts: bool


def read_idle_time(text: str) -> float | None:
    """What was typed, as `Store.idle_after` has it: seconds, 0.0 for never, None for the policy. Raises BadIdleTime."""
    word = text.lower()
    if word in (NEVER, DEFAULT):
        return 0.0 if word == NEVER else None
    try:
        seconds = duration(word)
    except ValueError:
        what = f"“{shorten(text)}” is no time that I understand." if text else "The time is missing."
        raise BadIdleTime(what, "", f"Use 30m, 8h or 3d, {NEVER}, or {DEFAULT}.") from None
    if not SHORTEST <= seconds <= LONGEST:
        what = f"A store goes to sleep after {in_words(SHORTEST)} to {in_words(LONGEST)}."
        raise BadIdleTime(what, "", "Choose a time between them, or never.")
    return seconds


def read_idle_types(text: str) -> dict[str, float | None]:
    """medusa=2h,woocommerce=never -> {"medusa": 7200.0, "woocommerce": None}. Raises ValueError."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    return {type.strip(): None if time.strip() == NEVER else duration(time.strip()) for type, _, time in pairs}

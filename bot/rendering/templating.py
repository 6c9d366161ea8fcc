"""Phrases from templates/*.j2, with everything put into them escaped for Slack; the one way words reach people."""

from __future__ import annotations

import time
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


class TextTemplate:
    """The phrases (macros) of one template: `TextTemplate("home")("quota", used=2, most=10)`."""

    def __init__(self, template: str) -> None:
        self._phrases = _environment.get_template(f"{template}.j2").module

    def __call__(self, phrase: str, **values: Any) -> Markup:
        """The phrase as Slack mrkdwn. Raises AttributeError where the template has none of that name."""
        said: Markup = getattr(self._phrases, phrase)(**values)
        return said.strip()


def escape(value: Any) -> Markup:
    """Slack's three control characters made harmless; what is mrkdwn already (Markup) stays."""
    if isinstance(value, Markup):
        return value
    return Markup(str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704


def person(user_id: str) -> Markup:
    """Whoever is not known by a Slack id asked at a terminal."""
    if not is_person(user_id):
        return Markup("an operator")
    return Markup(f"<@{escape(user_id)}>")  # noqa: S704


def is_person(place: str) -> bool:
    """Whether an owner, asker or origin is a person in Slack, and not a conversation or a terminal."""
    return place[:1] in ("U", "W")


def link(url: str, label: str) -> Markup:
    return Markup(f"<{escape(url)}|{escape(label)}>")  # noqa: S704


def when(at: float) -> Markup:
    """A time that Slack shows in the reader's own zone."""
    plain = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
    return Markup(f"<!date^{int(at)}^{{date_short_pretty}} at {{time}}|{plain}>")  # noqa: S704


def duration(seconds: float) -> str:
    """0.34 -> “0.3 s”, 14.2 -> “14 s”, 125 -> “2 min 5 s”."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


_environment = Environment(
    loader=PackageLoader("bot.rendering"),
    autoescape=True,
    finalize=escape,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"person": person, "link": link, "when": when, "duration": duration}

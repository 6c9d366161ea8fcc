"""TextTemplate: texts from templates/*.j2. Every value in them is escaped for Slack."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from provisioner.domain.expiry import in_words
from provisioner.domain.policy import EXPIRY, IDLE, SCHEDULE, VISITOR
from provisioner.domain.text import binary_size, size


class TextTemplate:
    """The texts (macros) of one template: `TextTemplate("home")("quota", used=2, most=10)`."""

    def __init__(self, template: str, required: Iterable[str] = ()) -> None:
        """Raises LookupError if the template lacks a `required` text, jinja2.TemplateNotFound if there is none."""
        self._texts = _environment.get_template(f"{template}.j2").module
        if missing := [name for name in required if not hasattr(self._texts, name)]:
            raise LookupError(f"templates/{template}.j2 lacks the texts {', '.join(missing)}")

    def __call__(self, text: str, **values: Any) -> Markup:
        """The text as Slack mrkdwn. Raises AttributeError for an unknown name."""
        rendered: Markup = getattr(self._texts, text)(**values)
        return rendered.strip()


def escape(value: Any) -> Markup:
    """`value` with Slack's three control characters escaped; Markup stays as it is."""
    if isinstance(value, Markup):
        return value
    return Markup(str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704


TIME_FORMAT = "{date_short_pretty} at {time}"  # of a time in the reader's time zone, as Slack writes it


def person(user_id: str) -> Markup:
    """A mention. Somebody without a Slack id ordered at a terminal."""
    if user_id == SCHEDULE:
        return Markup("the schedule")
    if user_id == EXPIRY:
        return Markup("its expiry")
    if user_id == IDLE:
        return Markup("its idle time")
    if user_id == VISITOR:
        return Markup("a visitor")
    if not is_person(user_id):
        return Markup("an operator")
    return Markup(f"<@{escape(user_id)}>")  # noqa: S704


def is_person(address: str) -> bool:
    """Whether an owner or origin is a Slack user, and not a conversation or a terminal."""
    return address[:1] in ("U", "W")


def channel(channel_id: str) -> Markup:
    """A link to a conversation. Only its members see its name."""
    return Markup(f"<#{escape(channel_id)}>")  # noqa: S704


def link(url: str, label: str) -> Markup:
    """A link with a label."""
    return Markup(f"<{escape(url)}|{escape(label)}>")  # noqa: S704


def when(at: float) -> Markup:
    """A time that Slack shows in the reader's time zone."""
    return Markup(f"<!date^{int(at)}^{TIME_FORMAT}|{utc(at)}>")  # noqa: S704


def utc(at: float) -> str:
    """A time where Slack shows plain text only."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))


def duration(seconds: float) -> str:
    """0.34 -> “0.3 s”, 14.2 -> “14 s”, 125 -> “2 min 5 s”."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class _CompiledTemplates(BytecodeCache):
    """The compiled templates, kept as Python keeps its modules: to compile them takes a fifth of a command's start.

    Where nothing can be written, as in the bot's image, those of the image build are used."""

    folder = Path(__file__).parent / "templates/__pycache__"
    settings = crc32(Path(__file__).read_bytes())  # what is compiled depends on the environment below

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            bucket.bytecode_from_string(self._file(bucket).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        if sys.dont_write_bytecode:
            return
        file = self._file(bucket)
        unfinished = file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            unfinished.write_bytes(bucket.bytecode_to_string())
            unfinished.replace(file)

    def _file(self, bucket: Bucket) -> Path:
        return self.folder / f"{bucket.key}-{self.settings:x}.cache"


_environment = Environment(
    loader=PackageLoader("bot.rendering"),
    bytecode_cache=_CompiledTemplates(),
    autoescape=True,
    finalize=escape,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {
    "person": person,
    "channel": channel,
    "link": link,
    "when": when,
    "utc": utc,
    "duration": duration,
    "in_words": in_words,
    "size": size,
    "binary_size": binary_size,
}

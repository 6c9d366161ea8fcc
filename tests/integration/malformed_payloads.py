"""Slack's payloads, and Hypothesis strategies for malformed ones and for hostile words."""

from __future__ import annotations

import copy
import json
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from bot.commands.registry import CLICKS, COMMANDS, SUBMISSIONS
from tests.integration.bot_harness import DANA, STORES

Json = dict[str, Any]
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
NOWHERE = "http://127.0.0.1:9/respond"
MEMORY = json.dumps({"channel": STORES, "response_url": NOWHERE, "store_id": "unknown"})
VALUES = {
    "name": {"name": {"type": "plain_text_input", "value": "My Shop"}},
    "type": {"type": {"type": "static_select", "selected_option": {"value": "medusa", "text": {"text": "Medusa"}}}},
}
VIEW: Json = {
    "id": "V1",
    "hash": "1.a",
    "type": "modal",
    "callback_id": "create",
    "private_metadata": MEMORY,
    "state": {"values": VALUES},
}
COMMON: Json = {"team": {"id": "T1", "domain": "x"}, "user": {"id": DANA, "team_id": "T1"}, "trigger_id": "1.2.3"}
MESSAGE: Json = {"channel": {"id": STORES}, "response_url": NOWHERE, "message": {"ts": "1.2", "text": "x"}}
COMMAND: Json = {
    "command": "/store",
    "text": "status no-shop",
    "user_id": DANA,
    "channel_id": STORES,
    "team_id": "T1",
    "trigger_id": "1.2.3",
    "response_url": NOWHERE,
}
EVENT: Json = {"type": "app_home_opened", "user": DANA, "channel": "D1", "tab": "messages", "view": {"id": "V1"}}


def _clicked(**action: Any) -> Json:
    return {"type": "block_actions", **COMMON, **MESSAGE, "actions": [{"block_id": "actions", **action}]}


MENU = {"type": "overflow", "action_id": "more", "selected_option": {"value": "delete:unknown/unknown"}}
PAYLOADS: dict[str, Json] = {
    "command": COMMAND,
    "click": _clicked(type="button", action_id="delete", value="unknown/unknown"),
    "menu": _clicked(**MENU),
    "menu item": {**_clicked(type="button", action_id="restart", value="unknown/unknown"), "view": VIEW},
    "type chosen": {
        **_clicked(type="static_select", action_id="type", selected_option={"value": "plain"}),
        "view": VIEW,
    },
    "stores of App Home chosen": {
        "type": "block_actions",
        **COMMON,
        "view": {**VIEW, "type": "home", "callback_id": "", "private_metadata": ""},
        "actions": [{"action_id": "home_filter", "selected_option": {"value": "mine/ready/1"}}],
    },
    "create": {"type": "view_submission", **COMMON, "view": VIEW},
    "delete": {"type": "view_submission", **COMMON, "view": {**VIEW, "callback_id": "delete"}},
    "shortcut": {"type": "message_action", "callback_id": "backup", **COMMON, **MESSAGE},
    "mention": {
        "type": "event_callback",
        "event_id": "Ev2",
        "authorizations": [{"user_id": "U0STOREWR"}],
        "event": {
            "type": "app_mention",
            "user": DANA,
            "channel": STORES,
            "text": "<@U0STOREWR> status",
            "ts": "1.3",
            "thread_ts": "1.2",
        },
    },
    "event": {
        "type": "event_callback",
        "event_id": "Ev1",
        "team_id": "T1",
        "authorizations": [{"team_id": "T1", "is_enterprise_install": False}],
        "event": EVENT,
    },
}
WRONG: tuple[Any, ...] = (
    None,
    0,
    -1.5,
    True,
    "",
    "x",
    [],
    {},
    [None],
    [[]],
    {"id": None},
    {"id": {}},
    "\x00",
    "\ud800",
    "x" * 50_000,
    10**400,
)
# Fields that Bolt reads before it looks for a listener.
READ_BY_BOLT = (
    "authorizations",
    "enterprise",
    "enterprise_id",
    "is_enterprise_install",
    "is_ext_shared_channel",
    "team",
    "user",
    "event",
    "channel",
    "message",
    "previous_message",
    "item",
    "response_urls",
    "function_data",
    "assistant_thread",
    "view",
    "bot_access_token",
)


@dataclass(frozen=True)
class Sent:
    """A request's body and content type."""

    body: bytes
    content_type: str


def encoded(payload: Any, kind: str) -> Sent:
    """A payload as Slack sends one of this kind."""
    if kind in ("event", "mention"):
        return Sent(json.dumps(payload).encode(), JSON)
    if kind == "command" and isinstance(payload, dict):
        fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in payload.items()}
        return Sent(urlencode(fields, errors="surrogatepass").encode(), FORM)
    return Sent(urlencode({"payload": json.dumps(payload)}).encode(), FORM)


# --- malformed payloads and bodies -------------------------------------------------------------------------------


ONE_IN_FIVE, ONE_IN_THREE = (st.integers(1, count).map(lambda drawn: drawn == 1) for count in (5, 3))
DAMAGES = st.sampled_from((1, 1, 1, 2, 5))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
USUAL_SUSPECTS = st.sampled_from(WRONG).map(copy.deepcopy)
WRONG_VALUES = USUAL_SUSPECTS | USUAL_SUSPECTS | NESTED  # what Slack would not send
EXTRA_FIELDS = st.sampled_from(READ_BY_BOLT)


@st.composite
def malformed(draw: DrawFn, payloads: SearchStrategy[Json]) -> Json:
    """A payload with some fields removed, changed or added."""
    payload = copy.deepcopy(draw(payloads))
    for _ in range(draw(DAMAGES)):
        _damage(draw, payload)
    return payload


def _damage(draw: DrawFn, payload: Json) -> None:
    places = list(_places(payload))
    if not places or draw(ONE_IN_FIVE):
        payload[draw(EXTRA_FIELDS)] = draw(WRONG_VALUES)
        return
    holder, key = places[draw(st.integers(0, len(places) - 1))]
    if draw(ONE_IN_THREE):
        del holder[key]
    else:
        holder[key] = draw(WRONG_VALUES)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container and key inside of `value`."""
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


@st.composite
def bodies(draw: DrawFn, kind: str, payloads: SearchStrategy[Json]) -> Sent:
    """A request of this kind. Some have a malformed body, too."""
    sent = encoded(draw(payloads), kind)
    return _broken(sent)[draw(WAYS_TO_BREAK)] if draw(ONE_IN_FIVE) else sent


def _broken(sent: Sent) -> list[Sent]:
    """The request with a body that is cut off, empty, deep, of another type, and so on."""
    body, content_type = sent.body, sent.content_type
    return [
        Sent(body[: len(body) // 2], content_type),
        Sent(b"", content_type),
        Sent(b"{", JSON),
        Sent(b"[1, 2]", JSON),
        Sent(b'"x"', JSON),
        Sent(b"payload=null", FORM),
        Sent(b"payload=1", FORM),
        Sent(b"payload=", FORM),
        Sent(body + b"&payload=%7B%7D", FORM),
        Sent(b"payload=" + quote("[" * 5000).encode(), FORM),
        Sent(b'{"a":' * 5000, JSON),
        Sent(b"payload=" + b"9" * 6000, FORM),
        Sent(body + b"\xff\xfe", content_type),
        Sent(b"payload=%ZZ%", FORM),
        Sent(body, "text/plain"),
        Sent(body, ""),
    ]


WAYS_TO_BREAK = st.integers(0, len(_broken(Sent(b"", ""))) - 1)


# --- hostile words -----------------------------------------------------------------------------------------------

NASTY = (
    "", " ", "\t", "\x00", "\u202e", "\u200b", "“my-shop”", "`my-shop`", "*my-shop*", "<@U0DANA001>", "<!channel>",
    "<http://x.y|my-shop>", "&lt;b&gt;", "{{ 7*7 }}", "{0.__class__}", "%s", "$(reboot)", "'; DROP TABLE stores; --",
    "../../etc/passwd", "my—shop", "ﬁ", "İ", "a" * 300, "ß" * 3000, "&" * 3000, "😀" * 2000, "=", "a=", "=b",
    "color==red", "color=" + "x" * 5000, "xn--abc", "-", "--help", "null", "NaN", "0", "1e400",
)  # fmt: skip


UUIDS = st.uuids()


def words(stores: Sequence[str]) -> SearchStrategy[str]:
    """One word of a command: of those that mean something to it, or none."""
    known = [*COMMANDS, *stores, "medusa", "plain", "color=red", "color=Ocean", "currency=usd", "no-shop"]
    anything = st.text(max_size=50) | st.text(string.ascii_letters + string.digits + "-=", max_size=40)
    return st.sampled_from(known) | st.sampled_from(NASTY) | anything


def texts(stores: Sequence[str]) -> SearchStrategy[str]:
    """The text of a command, or of a field."""
    several = st.lists(words(stores), max_size=8).map(" ".join)
    return several | words(stores) | st.text(max_size=200) | words(stores).map(lambda word: (word * 40_001)[:40_001])


def commands(stores: Sequence[str], people: Sequence[str]) -> SearchStrategy[Json]:
    """Commands as Slack sends them, with any text."""
    return st.builds(
        lambda text, user, trigger: {**COMMAND, "text": text, "user_id": user, "trigger_id": trigger},
        texts(stores),
        st.sampled_from(people),
        UUIDS.map(str),
    )


def interactions(subjects: Sequence[str], people: Sequence[str]) -> SearchStrategy[Json]:
    """Clicks and forms as Slack sends them, with any value. `subjects` are values of real buttons."""
    stores = st.sampled_from([subject.partition("/")[0] for subject in subjects])
    text = texts(subjects)
    value = st.sampled_from(subjects) | text
    kinds = st.sampled_from([name for name in PAYLOADS if name not in ("command", "event", "mention")])
    handlers = st.sampled_from([*CLICKS, "more", "unknown", ""])
    callbacks = st.sampled_from([*SUBMISSIONS, "unknown"])
    types = st.sampled_from(("medusa", "plain", "")) | text

    @st.composite
    def interaction(draw: DrawFn) -> Json:
        payload = copy.deepcopy(PAYLOADS[draw(kinds)])
        payload["user"]["id"], payload["trigger_id"] = draw(st.sampled_from(people)), str(draw(UUIDS))
        if payload["type"] == "message_action":
            payload["callback_id"] = draw(handlers)
        for action in payload.get("actions", []):
            option = {"value": f"{draw(handlers)}:{draw(value)}"}
            action |= {"action_id": draw(handlers), "value": draw(value), "selected_option": option}
        if view := payload.get("view"):
            context = {"channel": STORES, "response_url": NOWHERE, "store_id": draw(stores | text)}
            view |= {"id": f"V{draw(UUIDS).hex}", "private_metadata": json.dumps(context)}
            view |= {"callback_id": draw(callbacks), "state": {"values": _fields(draw(types), draw(text), draw(text))}}
        return payload

    return interaction()


def _fields(chosen_type: str, name: str, color: str) -> Json:
    option = f"option/{chosen_type[:200]}/color"
    return {
        "name": {"name": {"type": "plain_text_input", "value": name}},
        "type": {"type": {"type": "static_select", "selected_option": {"value": chosen_type}}},
        option: {option: {"selected_option": {"value": color}}},
    }


def events(people: Sequence[str]) -> SearchStrategy[Json]:
    """Events as Slack sends them: opened App Homes, and mentions with any text."""
    return _opened_homes(people) | _mentions(people)


def _mentions(people: Sequence[str]) -> SearchStrategy[Json]:
    mention = PAYLOADS["mention"]
    return st.builds(
        lambda user, text, event_id: {
            **mention,
            "event_id": event_id,
            "event": {**mention["event"], "user": user, "text": f"<@U0STOREWR> {text}"},
        },
        st.sampled_from(people),
        texts(["my-shop"]),
        UUIDS.map(str),
    )


def _opened_homes(people: Sequence[str]) -> SearchStrategy[Json]:
    return st.builds(
        lambda user, tab, event_id: {
            **PAYLOADS["event"], "event_id": event_id, "event": {**EVENT, "user": user, "tab": tab}
        },
        st.sampled_from(people),
        st.sampled_from(("home", "messages", "", "x" * 300)),
        UUIDS.map(str),
    )  # fmt: skip

"""Slack's payloads, and malformed ones made from them by a seeded generator."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

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
    "type chosen": {
        **_clicked(type="static_select", action_id="type", selected_option={"value": "plain"}),
        "view": VIEW,
    },
    "create": {"type": "view_submission", **COMMON, "view": VIEW},
    "delete": {"type": "view_submission", **COMMON, "view": {**VIEW, "callback_id": "delete"}},
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
    """A request's body and content type; `what` describes it."""

    what: str
    body: bytes
    content_type: str


def encoded(payload: Any, kind: str) -> tuple[bytes, str]:
    """A payload as Slack sends one of this kind."""
    if kind == "event":
        return json.dumps(payload).encode(), JSON
    if kind == "command" and isinstance(payload, dict):
        fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in payload.items()}
        return urlencode(fields, errors="surrogatepass").encode(), FORM
    return urlencode({"payload": json.dumps(payload)}).encode(), FORM


def malformed_payloads(count: int, seed: int) -> Iterator[tuple[str, str, Any]]:
    """`count` times what is wrong, the kind, and the payload."""
    chance = random.Random(seed)  # noqa: S311  (no secret)
    for _ in range(count):
        kind = chance.choice(list(PAYLOADS))
        payload = copy.deepcopy(PAYLOADS[kind])
        what = [_damage(payload, chance) for _ in range(chance.choice((1, 1, 1, 2, 5)))]
        yield f"{kind}: {', '.join(what)}", kind, payload


def malformed_requests(count: int, seed: int) -> Iterator[Sent]:
    """`count` requests: most with a damaged payload, the others with a damaged body."""
    chance = random.Random(seed)  # noqa: S311  (no secret)
    for what, kind, payload in malformed_payloads(count, seed):
        body, content_type = encoded(payload, kind)
        if chance.random() < 0.2:
            how, body, content_type = _damage_body(body, content_type, chance)
            what = f"{what}; {how}"
        yield Sent(what, body, content_type)


def _damage(payload: Json, chance: random.Random) -> str:
    """Remove a field, change it, or add one that Bolt reads; returns which."""
    places = list(_places(payload))
    if not places or chance.random() < 0.2:
        name = chance.choice(READ_BY_BOLT)
        payload[name] = chance.choice(WRONG)
        return f"{name} = {str(payload[name])[:20]!r}"
    holder, key = chance.choice(places)
    if chance.random() < 0.3:
        del holder[key]
        return f"no {key}"
    holder[key] = copy.deepcopy(chance.choice(WRONG))
    return f"{key} = {str(holder[key])[:20]!r}"


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container and key inside of `value`."""
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


def _damage_body(body: bytes, content_type: str, chance: random.Random) -> tuple[str, bytes, str]:
    ways: list[tuple[str, bytes, str]] = [
        ("cut off", body[: len(body) // 2], content_type),
        ("empty", b"", content_type),
        ("not JSON", b"{", JSON),
        ("a list", b"[1, 2]", JSON),
        ("a string", b'"x"', JSON),
        ("null", b"payload=null", FORM),
        ("a number", b"payload=1", FORM),
        ("no value", b"payload=", FORM),
        ("twice", body + b"&payload=%7B%7D", FORM),
        ("nested", b"payload=" + quote("[" * 5000).encode(), FORM),
        ("deep", b'{"a":' * 5000, JSON),
        ("a long number", b"payload=" + b"9" * 6000, FORM),
        ("no UTF-8", body + b"\xff\xfe", content_type),
        ("percent", b"payload=%ZZ%", FORM),
        ("another type", body, "text/plain"),
        ("no type", body, ""),
    ]
    return chance.choice(ways)

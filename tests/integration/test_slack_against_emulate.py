"""The same Web API calls to the local Slack and to an independent emulator (npm `emulate`): the same answers.

Compared are `ok`, `error`, and that every key of the emulator's answer is in ours too (we answer with a few more, as
Slack does). Where the two differ on purpose, DELIBERATE says how and why; a difference that isn't there fails, and so
does one that is there and no longer shows.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.slack import LocalSlack
from dev.slack.npm import node_modules
from tests.integration.sample_bot import SampleBot, modal, over_http, section

Json = dict[str, Any]
PACKAGE = Path(__file__).parent / "emulate"

# Call -> (our answer, the emulator's, why ours is as it is). An answer is "ok" or the error word.
DELIBERATE = {
    "a token nobody has": ("invalid_auth", "ok", "the emulator takes any token as its first user's"),
    "a channel the bot is not in": ("not_in_channel", "ok", "Slack lets no bot post where it isn't a member"),
    "text of 40,001 characters": (
        "msg_too_long",
        "ok",
        "Slack truncates it; a bot that sends it has a bug, so we refuse",
    ),
    "an update of 4,001 characters": (
        "msg_too_long",
        "ok",
        "chat.update's documented limit, which the emulator has not",
    ),
    "a block of no kind": ("invalid_blocks", "ok", "the emulator takes any object as a block"),
    "blocks that are broken JSON": ("invalid_blocks_format", "invalid_blocks", "Slack has a word of its own for it"),
    "a section that is too long": ("invalid_blocks", "ok", "the emulator knows no limits of blocks"),
    "a thread that isn't there": ("thread_not_found", "ok", "the emulator posts into nothing"),
    "replies to nothing": ("thread_not_found", "ok", "the emulator answers with no messages"),
    "metadata without a payload": ("invalid_metadata_format", "ok", "the emulator takes any object as metadata"),
    "a modal without a title": ("invalid_arguments", "invalid_view", "Slack names the field in response_metadata"),
    "a home with a modal's type": ("invalid_arguments", "invalid_view", "Slack names the field in response_metadata"),
    "a modal with a long title": ("invalid_arguments", "ok", "the emulator knows no limits of views"),
    "a trigger and no view": ("invalid_arguments", "invalid_view", "Slack names the missing argument"),
    "no trigger": ("invalid_arguments", "invalid_trigger_id", "Slack names the missing argument"),
    "a method that isn't there": ("unknown_method", "HTTP 404", "Slack answers 200 with an error word"),
}
# Keys only the emulator answers with -> why ours does without.
NOT_OURS = {
    "auth.test": ({"app_id", "app_name"}, "Slack's auth.test has no app_name, and app_id only for app-level tokens"),
    "conversations.history": ({"metadata", "event_type"}, "Slack shows metadata only with include_all_metadata"),
    "conversations.info": ({"is_open", "last_read"}, "nobody reads as the bot"),
    "conversations.open": (
        {"is_channel", "name", "name_normalized", "num_members", "last_read", "creator", "last_set", "value"}
        | {"topic", "purpose"},
        "in Slack a direct message has no name, topic or purpose",
    ),
    "users.info": ({"huddle_state", "huddle_state_expiration_ts"}, "there are no huddles"),
    "users.list": ({"huddle_state", "huddle_state_expiration_ts"}, "there are no huddles"),
}


@dataclass
class World:
    """One of the two servers, and what its things are called."""

    api: str
    token: str
    names: dict[str, str]
    trigger: Callable[[], str]
    saved: dict[str, str] = field(default_factory=dict)

    def answer(self, call: Call) -> Json:
        """Make one call of the conversation, and keep of its answer what later calls need."""
        answer = self.call(call.method, call.arguments, call.token)
        if call.save:
            name, path = call.save
            value: Any = answer
            for part in path.split("."):
                value = value[part]
            self.saved[name] = value
        return answer

    def call(self, method: str, arguments: Json, token: str | None = None) -> Json:
        """POST JSON, with names and saved values filled in."""
        filled = json.loads(json.dumps(arguments) % (self.names | self.saved)) if arguments else {}
        if filled.get("trigger_id") == "fresh":
            filled["trigger_id"] = self.trigger()
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        answer = httpx.post(f"{self.api}{method}", json=filled, headers=headers if token != "" else {})
        if answer.status_code != 200:
            return {"ok": False, "error": f"HTTP {answer.status_code}"}
        return dict(answer.json())


@dataclass(frozen=True)
class Call:
    """One step of the conversation; `save` keeps a dotted path of the answer under a name for later steps."""

    name: str
    method: str
    arguments: Json = field(default_factory=dict)
    save: tuple[str, str] | None = None
    token: str | None = None


STORES: Json = {"channel": "%(stores)s"}
MESSAGE: Json = {**STORES, "ts": "%(message)s"}
REPLY: Json = {**STORES, "ts": "%(reply)s"}
HOME: Json = {"type": "home", "blocks": [section()]}
CONVERSATION = [
    Call("who am I", "auth.test"),
    Call("no token", "auth.test", token=""),
    Call("a token nobody has", "auth.test", token="xoxb-nobody"),
    Call("a method that isn't there", "chat.shout"),
    Call("post", "chat.postMessage", {**STORES, "text": "Hello"}, save=("message", "ts")),
    Call("post with blocks", "chat.postMessage", {**STORES, "text": "Hello", "blocks": [section()]}),
    Call("post nothing", "chat.postMessage", STORES),
    Call("post nowhere", "chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}),
    Call("post without a channel", "chat.postMessage", {"text": "x"}),
    Call("post to a person", "chat.postMessage", {"channel": "%(dana)s", "text": "x"}),
    Call("a channel the bot is not in", "chat.postMessage", {"channel": "%(random)s", "text": "x"}),
    Call("text of 40,001 characters", "chat.postMessage", {**STORES, "text": "x" * 40_001}),
    Call("a block of no kind", "chat.postMessage", {**STORES, "text": "x", "blocks": [{"type": "poster"}]}),
    Call("a section that is too long", "chat.postMessage", {**STORES, "text": "x", "blocks": [section("x" * 3001)]}),
    Call("blocks that are text", "chat.postMessage", {**STORES, "text": "x", "blocks": ["x"]}),
    Call("blocks that are broken JSON", "chat.postMessage", {**STORES, "text": "x", "blocks": "[{"}),
    Call("blocks that are an object", "chat.postMessage", {**STORES, "text": "x", "blocks": {"type": "divider"}}),
    Call("metadata without a payload", "chat.postMessage", {**STORES, "text": "x", "metadata": {"event_type": "a"}}),
    Call("metadata as text", "chat.postMessage", {**STORES, "text": "x", "metadata": "x"}),
    Call("reply", "chat.postMessage", {**STORES, "text": "Re", "thread_ts": "%(message)s"}, save=("reply", "ts")),
    Call("a thread that isn't there", "chat.postMessage", {**STORES, "text": "x", "thread_ts": "1.000001"}),
    Call("update", "chat.update", {**MESSAGE, "text": "Hello again"}),
    Call("update with blocks", "chat.update", {**MESSAGE, "text": "Hello", "blocks": [section("again")]}),
    Call("update with nothing", "chat.update", MESSAGE),
    Call("update nothing", "chat.update", {**STORES, "ts": "1.000001", "text": "x"}),
    Call("an update of 4,001 characters", "chat.update", {**MESSAGE, "text": "x" * 4_001}),
    Call("whisper", "chat.postEphemeral", {**STORES, "user": "%(dana)s", "text": "psst"}),
    Call("whisper nothing", "chat.postEphemeral", {**STORES, "user": "%(dana)s"}),
    Call("whisper to nobody", "chat.postEphemeral", {**STORES, "user": "U0NOBODY1", "text": "psst"}),
    Call("permalink", "chat.getPermalink", {**STORES, "message_ts": "%(message)s"}),
    Call("permalink of a reply", "chat.getPermalink", {**STORES, "message_ts": "%(reply)s"}),
    Call("permalink of nothing", "chat.getPermalink", {**STORES, "message_ts": "1.000001"}),
    Call("react", "reactions.add", {**STORES, "timestamp": "%(message)s", "name": "eyes"}),
    Call("react again", "reactions.add", {**STORES, "timestamp": "%(message)s", "name": "eyes"}),
    Call("react to nothing", "reactions.add", {**STORES, "timestamp": "1.000001", "name": "eyes"}),
    Call("history", "conversations.history", {**STORES, "limit": 1}),
    Call("history of nowhere", "conversations.history", {"channel": "C0NOWHERE"}),
    Call("replies", "conversations.replies", MESSAGE),
    Call("replies to nothing", "conversations.replies", {**STORES, "ts": "1.000001"}),
    Call("channel", "conversations.info", STORES),
    Call("no channel", "conversations.info", {"channel": "C0NOWHERE"}),
    Call("open a direct message", "conversations.open", {"users": "%(ada)s"}),
    Call("open it again", "conversations.open", {"users": "%(ada)s"}),
    Call("open it and see it", "conversations.open", {"users": "%(ada)s", "return_im": True}),
    Call("open with nobody", "conversations.open"),
    Call("open with a stranger", "conversations.open", {"users": "U0NOBODY1"}),
    Call("person", "users.info", {"user": "%(dana)s"}),
    Call("stranger", "users.info", {"user": "U0NOBODY1"}),
    Call("people", "users.list"),
    Call("delete a reply", "chat.delete", REPLY),
    Call("delete it again", "chat.delete", REPLY),
    Call("publish a home", "views.publish", {"user_id": "%(dana)s", "view": HOME}, save=("home", "view.hash")),
    Call("publish with its hash", "views.publish", {"user_id": "%(dana)s", "view": HOME, "hash": "%(home)s"}),
    Call("publish with an old hash", "views.publish", {"user_id": "%(dana)s", "view": HOME, "hash": "1.old"}),
    Call("publish to a stranger", "views.publish", {"user_id": "U0NOBODY1", "view": HOME}),
    Call("a home with a modal's type", "views.publish", {"user_id": "%(dana)s", "view": modal()}),
    Call("open a modal", "views.open", {"trigger_id": "fresh", "view": modal()}, save=("view", "view.id")),
    Call("update a modal", "views.update", {"view_id": "%(view)s", "view": modal(section("new"))}),
    Call("update with an old hash", "views.update", {"view_id": "%(view)s", "view": modal(), "hash": "1.old"}),
    Call("update no modal", "views.update", {"view_id": "V0NOTHERE", "view": modal()}),
    Call("a trigger that never was", "views.open", {"trigger_id": "1.2.3", "view": modal()}),
    Call("a trigger and no view", "views.open", {"trigger_id": "fresh"}),
    Call("no trigger", "views.open", {"view": modal()}),
    Call("a modal without a title", "views.open", {"trigger_id": "fresh", "view": {"type": "modal", "blocks": []}}),
    Call("a modal with a long title", "views.open", {
        "trigger_id": "fresh", "view": modal(title={"type": "plain_text", "text": "x" * 25}),
    }),
]  # fmt: skip


@pytest.fixture(scope="module")
def ours() -> Iterator[World]:
    """The local Slack, with a bot behind it only to receive triggers."""
    with LocalSlack(limits={}) as slack:
        bot = SampleBot(slack)
        with over_http(bot) as url:
            slack.connect_bot(url)

            def trigger() -> str:
                slack.command("Dana", "#stores", "/store list")
                return str(bot.bodies("command")[-1]["trigger_id"])

            names = {"stores": "C0STORES1", "random": "C0RANDOM1", "dana": "U0DANA001", "ada": "U0ADA0001"}
            yield World(slack.api_url, slack.bot_token, names, trigger)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The emulator, installed as its lock file says, with the same people and channels."""
    seed = tmp_path_factory.mktemp("emulate") / "seed.json"
    people = [{"name": "storewright"}, {"name": "dana"}, {"name": "ada"}]
    bot = {"token": "xoxb-test", "type": "bot", "user": "storewright"}
    seed.write_text(json.dumps({"slack": {"users": people, "channels": [{"name": "stores"}], "tokens": [bot]}}))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    program = node_modules(PACKAGE) / "emulate" / "dist" / "index.js"
    command = ["node", str(program), "start", "--service", "slack", "--port", str(port), "--seed", str(seed)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield _emulator(running, f"http://127.0.0.1:{port}/api/")
    finally:
        running.terminate()
        running.communicate(timeout=10)


def _emulator(running: subprocess.Popen[str], api: str) -> World:
    world = World(api, "xoxb-test", {}, lambda: "")
    for _ in range(200):
        try:
            people = world.call("users.list", {})["members"]
            break
        except httpx.TransportError:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(0.1)
    channels = world.call("conversations.list", {})["channels"]
    world.names = {row["name"]: row["id"] for row in [*people, *channels]}
    world.trigger = lambda: str(world.call("views.generateTriggerId", {"user_id": world.names["dana"]})["trigger_id"])
    return world


def verdict(answer: Json) -> str:
    return "ok" if answer["ok"] else str(answer["error"])


def keys(value: Any, path: str = "") -> set[str]:
    """Every path of keys in an answer; of a list, those of its first element."""
    if isinstance(value, list):
        return keys(value[0], f"{path}[]") if value else set()
    if not isinstance(value, dict):
        return set()
    return {f"{path}.{key}" for key in value}.union(*(keys(part, f"{path}.{key}") for key, part in value.items()))


def last(path: str) -> str:
    return path.rsplit(".", 1)[1]


def not_ours(method: str) -> set[str]:
    return NOT_OURS[method][0] if method in NOT_OURS else set()


def test_the_same_calls_have_the_same_answers(ours: World, theirs: World) -> None:
    differences: dict[str, tuple[str, str]] = {}
    missing: dict[str, set[str]] = {}
    for call in CONVERSATION:
        our, their = ours.answer(call), theirs.answer(call)
        if verdict(our) != verdict(their):
            differences[call.name] = (verdict(our), verdict(their))
        elif lacking := {key for key in keys(their) - keys(our) if last(key) not in not_ours(call.method)}:
            missing[call.name] = lacking
    assert differences == {name: (our, their) for name, (our, their, _) in DELIBERATE.items()}
    assert missing == {}

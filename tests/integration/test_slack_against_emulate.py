"""Compares the local Slack with an independent emulator (npm `emulate`).

Both get the same Web API calls and must give the same answers.
The test compares `ok` and `error`, and checks that our answers contain every key of the emulator's answers. Ours have
more keys, as Slack's have. INTENDED_DIFFERENCES lists each difference with its reason. The test fails for a difference
that is not listed, and for a listed difference that no longer exists.
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

# Call -> (our answer, the emulator's answer, the reason for ours). An answer is "ok" or the error code.
INTENDED_DIFFERENCES = {
    "unknown token": ("invalid_auth", "ok", "the emulator accepts any token as its first user's"),
    "channel without the bot": ("not_in_channel", "ok", "Slack refuses messages of a bot that is not a member"),
    "text of 40,001 characters": (
        "msg_too_long",
        "ok",
        "Slack truncates the text; a bot that sends it has a bug, so we refuse it",
    ),
    "update of 4,001 characters": (
        "msg_too_long",
        "ok",
        "the documented limit of chat.update, which the emulator does not have",
    ),
    "unknown block type": ("invalid_blocks", "ok", "the emulator accepts any object as a block"),
    "blocks that are invalid JSON": ("invalid_blocks_format", "invalid_blocks", "Slack has its own error code for it"),
    "section that is too long": ("invalid_blocks", "ok", "the emulator has no limits for blocks"),
    "unknown thread": ("thread_not_found", "ok", "the emulator posts the message anyway"),
    "replies of an unknown message": ("thread_not_found", "ok", "the emulator answers with no messages"),
    "metadata without a payload": ("invalid_metadata_format", "ok", "the emulator accepts any object as metadata"),
    "modal without a title": ("invalid_arguments", "invalid_view", "Slack names the field in response_metadata"),
    "home with a modal's type": ("invalid_arguments", "invalid_view", "Slack names the field in response_metadata"),
    "modal with a long title": ("invalid_arguments", "ok", "the emulator has no limits for views"),
    "trigger id without a view": ("invalid_arguments", "invalid_view", "Slack names the missing argument"),
    "missing trigger id": ("invalid_arguments", "invalid_trigger_id", "Slack names the missing argument"),
    "unknown method": ("unknown_method", "HTTP 404", "Slack answers 200 with an error code"),
}
# Method -> (keys that only the emulator's answer has, the reason why ours does not have them).
EMULATOR_ONLY_KEYS = {
    "auth.test": ({"app_id", "app_name"}, "Slack's auth.test has no app_name, and app_id only for app-level tokens"),
    "conversations.history": ({"metadata", "event_type"}, "Slack shows metadata only with include_all_metadata"),
    "conversations.info": ({"is_open", "last_read"}, "the bot reads no messages as a user"),
    "conversations.open": (
        {"is_channel", "name", "name_normalized", "num_members", "last_read", "creator", "last_set", "value"}
        | {"topic", "purpose"},
        "in Slack a direct message has no name, topic or purpose",
    ),
    "users.info": ({"huddle_state", "huddle_state_expiration_ts"}, "there are no huddles"),
    "users.list": ({"huddle_state", "huddle_state_expiration_ts"}, "there are no huddles"),
}


@dataclass
class SlackServer:
    """One of the two servers; `names` maps names to ids."""

    api: str
    token: str
    names: dict[str, str]
    new_trigger_id: Callable[[], str]
    saved: dict[str, str] = field(default_factory=dict)

    def answer(self, call: Call) -> Json:
        """Make one call, and save its answer's part for later calls."""
        answer = self.call(call.method, call.arguments, call.token)
        if call.save:
            name, path = call.save
            value: Any = answer
            for part in path.split("."):
                value = value[part]
            self.saved[name] = value
        return answer

    def call(self, method: str, arguments: Json, token: str | None = None) -> Json:
        """POST the arguments as JSON, with names and saved values filled in."""
        filled = json.loads(json.dumps(arguments) % (self.names | self.saved)) if arguments else {}
        if filled.get("trigger_id") == "new":
            filled["trigger_id"] = self.new_trigger_id()
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        answer = httpx.post(f"{self.api}{method}", json=filled, headers=headers if token != "" else {})
        if answer.status_code != 200:
            return {"ok": False, "error": f"HTTP {answer.status_code}"}
        return dict(answer.json())


@dataclass(frozen=True)
class Call:
    """One call.

    `save` is (name, dotted path): it saves that part of the answer for later calls."""

    name: str
    method: str
    arguments: Json = field(default_factory=dict)
    save: tuple[str, str] | None = None
    token: str | None = None


STORES: Json = {"channel": "%(stores)s"}
MESSAGE: Json = {**STORES, "ts": "%(message)s"}
REPLY: Json = {**STORES, "ts": "%(reply)s"}
HOME: Json = {"type": "home", "blocks": [section()]}
CALLS = [
    Call("identity", "auth.test"),
    Call("missing token", "auth.test", token=""),
    Call("unknown token", "auth.test", token="xoxb-unknown"),
    Call("unknown method", "chat.shout"),
    Call("post", "chat.postMessage", {**STORES, "text": "Hello"}, save=("message", "ts")),
    Call("post with blocks", "chat.postMessage", {**STORES, "text": "Hello", "blocks": [section()]}),
    Call("post without content", "chat.postMessage", STORES),
    Call("post to an unknown channel", "chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}),
    Call("post without a channel", "chat.postMessage", {"text": "x"}),
    Call("post to a user", "chat.postMessage", {"channel": "%(dana)s", "text": "x"}),
    Call("channel without the bot", "chat.postMessage", {"channel": "%(random)s", "text": "x"}),
    Call("text of 40,001 characters", "chat.postMessage", {**STORES, "text": "x" * 40_001}),
    Call("unknown block type", "chat.postMessage", {**STORES, "text": "x", "blocks": [{"type": "poster"}]}),
    Call("section that is too long", "chat.postMessage", {**STORES, "text": "x", "blocks": [section("x" * 3001)]}),
    Call("blocks that are text", "chat.postMessage", {**STORES, "text": "x", "blocks": ["x"]}),
    Call("blocks that are invalid JSON", "chat.postMessage", {**STORES, "text": "x", "blocks": "[{"}),
    Call("blocks that are an object", "chat.postMessage", {**STORES, "text": "x", "blocks": {"type": "divider"}}),
    Call("metadata without a payload", "chat.postMessage", {**STORES, "text": "x", "metadata": {"event_type": "a"}}),
    Call("metadata as text", "chat.postMessage", {**STORES, "text": "x", "metadata": "x"}),
    Call("reply", "chat.postMessage", {**STORES, "text": "Re", "thread_ts": "%(message)s"}, save=("reply", "ts")),
    Call("unknown thread", "chat.postMessage", {**STORES, "text": "x", "thread_ts": "1.000001"}),
    Call("update", "chat.update", {**MESSAGE, "text": "Hello again"}),
    Call("update with blocks", "chat.update", {**MESSAGE, "text": "Hello", "blocks": [section("again")]}),
    Call("update without content", "chat.update", MESSAGE),
    Call("update an unknown message", "chat.update", {**STORES, "ts": "1.000001", "text": "x"}),
    Call("update of 4,001 characters", "chat.update", {**MESSAGE, "text": "x" * 4_001}),
    Call("ephemeral message", "chat.postEphemeral", {**STORES, "user": "%(dana)s", "text": "x"}),
    Call("ephemeral message without content", "chat.postEphemeral", {**STORES, "user": "%(dana)s"}),
    Call("ephemeral message to an unknown user", "chat.postEphemeral", {**STORES, "user": "U0NOBODY1", "text": "x"}),
    Call("permalink", "chat.getPermalink", {**STORES, "message_ts": "%(message)s"}),
    Call("permalink of a reply", "chat.getPermalink", {**STORES, "message_ts": "%(reply)s"}),
    Call("permalink of an unknown message", "chat.getPermalink", {**STORES, "message_ts": "1.000001"}),
    Call("react", "reactions.add", {**STORES, "timestamp": "%(message)s", "name": "eyes"}),
    Call("react again", "reactions.add", {**STORES, "timestamp": "%(message)s", "name": "eyes"}),
    Call("react to an unknown message", "reactions.add", {**STORES, "timestamp": "1.000001", "name": "eyes"}),
    Call("history", "conversations.history", {**STORES, "limit": 1}),
    Call("history of an unknown channel", "conversations.history", {"channel": "C0NOWHERE"}),
    Call("replies", "conversations.replies", MESSAGE),
    Call("replies of an unknown message", "conversations.replies", {**STORES, "ts": "1.000001"}),
    Call("channel", "conversations.info", STORES),
    Call("unknown channel", "conversations.info", {"channel": "C0NOWHERE"}),
    Call("open a direct message", "conversations.open", {"users": "%(ada)s"}),
    Call("open it again", "conversations.open", {"users": "%(ada)s"}),
    Call("open it with return_im", "conversations.open", {"users": "%(ada)s", "return_im": True}),
    Call("open without users", "conversations.open"),
    Call("open with an unknown user", "conversations.open", {"users": "U0NOBODY1"}),
    Call("user", "users.info", {"user": "%(dana)s"}),
    Call("unknown user", "users.info", {"user": "U0NOBODY1"}),
    Call("users", "users.list"),
    Call("delete a reply", "chat.delete", REPLY),
    Call("delete it again", "chat.delete", REPLY),
    Call("publish a home", "views.publish", {"user_id": "%(dana)s", "view": HOME}, save=("home", "view.hash")),
    Call("publish with its hash", "views.publish", {"user_id": "%(dana)s", "view": HOME, "hash": "%(home)s"}),
    Call("publish with an old hash", "views.publish", {"user_id": "%(dana)s", "view": HOME, "hash": "1.old"}),
    Call("publish to an unknown user", "views.publish", {"user_id": "U0NOBODY1", "view": HOME}),
    Call("home with a modal's type", "views.publish", {"user_id": "%(dana)s", "view": modal()}),
    Call("open a modal", "views.open", {"trigger_id": "new", "view": modal()}, save=("view", "view.id")),
    Call("update a modal", "views.update", {"view_id": "%(view)s", "view": modal(section("new"))}),
    Call("update with an old hash", "views.update", {"view_id": "%(view)s", "view": modal(), "hash": "1.old"}),
    Call("update an unknown modal", "views.update", {"view_id": "V0NOTHERE", "view": modal()}),
    Call("unknown trigger id", "views.open", {"trigger_id": "1.2.3", "view": modal()}),
    Call("trigger id without a view", "views.open", {"trigger_id": "new"}),
    Call("missing trigger id", "views.open", {"view": modal()}),
    Call("modal without a title", "views.open", {"trigger_id": "new", "view": {"type": "modal", "blocks": []}}),
    Call("modal with a long title", "views.open", {
        "trigger_id": "new", "view": modal(title={"type": "plain_text", "text": "x" * 25}),
    }),
]  # fmt: skip


@pytest.fixture(scope="module")
def local_slack() -> Iterator[SlackServer]:
    """The local Slack, with a bot that only receives trigger ids."""
    with LocalSlack(rate_limits={}) as slack:
        bot = SampleBot(slack)
        with over_http(bot) as url:
            slack.connect_bot(url)

            def new_trigger_id() -> str:
                slack.command("Dana", "#stores", "/store list")
                return str(bot.bodies("command")[-1]["trigger_id"])

            names = {"stores": "C0STORES1", "random": "C0RANDOM1", "dana": "U0DANA001", "ada": "U0ADA0001"}
            yield SlackServer(slack.api_url, slack.bot_token, names, new_trigger_id)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackServer]:
    """The emulator, with the same users and channels."""
    seed = tmp_path_factory.mktemp("emulate") / "seed.json"
    users = [{"name": "storewright"}, {"name": "dana"}, {"name": "ada"}]
    bot = {"token": "xoxb-test", "type": "bot", "user": "storewright"}
    seed.write_text(json.dumps({"slack": {"users": users, "channels": [{"name": "stores"}], "tokens": [bot]}}))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    program = node_modules(PACKAGE) / "emulate" / "dist" / "index.js"
    command = ["node", str(program), "start", "--service", "slack", "--port", str(port), "--seed", str(seed)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield _emulator(running, f"http://127.0.0.1:{port}/api/")
    finally:
        running.terminate()
        running.communicate(timeout=60)


def _emulator(running: subprocess.Popen[str], api: str) -> SlackServer:
    server = SlackServer(api, "xoxb-test", {}, lambda: "")
    for _ in range(200):
        try:
            users = server.call("users.list", {})["members"]
            break
        except httpx.TransportError:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(0.1)
    channels = server.call("conversations.list", {})["channels"]
    server.names = {row["name"]: row["id"] for row in [*users, *channels]}
    dana = server.names["dana"]
    server.new_trigger_id = lambda: str(server.call("views.generateTriggerId", {"user_id": dana})["trigger_id"])
    return server


def code(answer: Json) -> str:
    return "ok" if answer["ok"] else str(answer["error"])


def keys(value: Any, path: str = "") -> set[str]:
    """All paths of keys in an answer.

    A list counts with its first element."""
    if isinstance(value, list):
        return keys(value[0], f"{path}[]") if value else set()
    if not isinstance(value, dict):
        return set()
    return {f"{path}.{key}" for key in value}.union(*(keys(part, f"{path}.{key}") for key, part in value.items()))


def missing_keys(method: str, ours: Json, theirs: Json) -> set[str]:
    expected = EMULATOR_ONLY_KEYS[method][0] if method in EMULATOR_ONLY_KEYS else set()
    return {path for path in keys(theirs) - keys(ours) if path.rsplit(".", 1)[1] not in expected}


def test_local_slack_and_emulator_give_the_same_answers(local_slack: SlackServer, emulator: SlackServer) -> None:
    differences: dict[str, tuple[str, str]] = {}
    missing: dict[str, set[str]] = {}
    for call in CALLS:
        ours, theirs = local_slack.answer(call), emulator.answer(call)
        if code(ours) != code(theirs):
            differences[call.name] = (code(ours), code(theirs))
        elif paths := missing_keys(call.method, ours, theirs):
            missing[call.name] = paths
    assert differences == {name: (ours, theirs) for name, (ours, theirs, _) in INTENDED_DIFFERENCES.items()}
    assert missing == {}

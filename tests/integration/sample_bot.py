"""A small Bolt app for the tests of the local Slack. It sends every kind of answer and records all requests."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

from flask import Flask, request
from slack_bolt import App
from slack_bolt.adapter.flask import SlackRequestHandler
from slack_sdk import WebClient
from werkzeug.serving import make_server

from dev.slack import LocalSlack

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str = "hello") -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action_id: str, text: str = "Go", **more: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain(text), **more}


def text_input(block_id: str = "name", label: str = "Name", **element: Any) -> Json:
    field = {"type": "plain_text_input", "action_id": "value", **element}
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": field}


def modal(*blocks: Json, **more: Any) -> Json:
    base = {"type": "modal", "callback_id": "form", "title": plain("Create a store"), "submit": plain("Create")}
    return {**base, "blocks": list(blocks or (text_input(),)), **more}


class SampleBot:
    """A Bolt app with its listeners.

    `received` contains the kind and body of each request."""

    def __init__(self, slack: LocalSlack, signing_secret: str = ""):
        self.client = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        self.app = App(client=self.client, signing_secret=signing_secret or slack.signing_secret)
        self.received: list[tuple[str, Json]] = []
        self.home_failures = 0
        self.app.command("/store")(self._command)
        for action in ("open", "push", "answer", "replace", "remove", "choose"):
            self.app.action(action)(getattr(self, f"_{action}"))
        self.app.view("form")(self._submitted)
        self.app.view_closed("form")(self._closed)
        self.app.event("app_home_opened")(self._home)

    def bodies(self, kind: str) -> list[Json]:
        return [body for name, body in self.received if name == kind]

    def _command(self, ack: Any, command: Json, client: WebClient) -> None:
        self.received.append(("command", command))
        word, _, rest = command["text"].partition(" ")
        if word == "slow":
            time.sleep(3.3)
        if word == "in-channel":
            ack({"response_type": "in_channel", "text": rest})
        elif word == "buttons":
            ack()
            elements = [button(name, name.title()) for name in ("open", "push", "answer", "replace", "remove")]
            actions = {"type": "actions", "block_id": "row", "elements": elements}
            client.chat_postMessage(channel=command["channel_id"], text="Choose", blocks=[section(), actions])
        elif word == "ephemeral":
            row = {"type": "actions", "elements": [button("replace", "Replace"), button("remove", "Remove")]}
            ack(blocks=[section("for your eyes only"), row], text="for your eyes only")
        else:
            ack(f"You said {command['text']}")

    def _open(self, ack: Any, body: Json, client: WebClient) -> None:
        self.received.append(("open", body))
        client.views_open(trigger_id=body["trigger_id"], view=modal(notify_on_close=True))
        ack()

    def _push(self, ack: Any, body: Json) -> None:
        self.received.append(("push", body))
        ack()

    def _answer(self, ack: Any, body: Json, respond: Any) -> None:
        self.received.append(("answer", body))
        ack()
        respond("An answer", replace_original=False)

    def _replace(self, ack: Any, body: Json, respond: Any) -> None:
        ack()
        respond("Replaced", replace_original=True)

    def _remove(self, ack: Any, respond: Any) -> None:
        ack()
        respond(delete_original=True)

    def _choose(self, ack: Any, body: Json) -> None:
        self.received.append(("choose", body))
        ack()

    def _submitted(self, ack: Any, body: Json, view: Json) -> None:
        self.received.append(("submit", body))
        name = view["state"]["values"]["name"]["value"]["value"]
        answers: dict[str, Callable[[], None]] = {
            "bad": lambda: ack(response_action="errors", errors={"name": "Not a good name"}),
            "wrong key": lambda: ack(response_action="errors", errors={"nothing": "?"}),
            "update": lambda: ack(response_action="update", view=modal(section("Updated"))),
            "push": lambda: ack(response_action="push", view=modal(text_input(label="Second"))),
            "clear": lambda: ack(response_action="clear"),
        }
        answers.get(name, ack)()

    def _closed(self, ack: Any, body: Json) -> None:
        self.received.append(("closed", body))
        ack()

    def _home(self, event: Json, body: Json, client: WebClient, request: Any) -> None:
        self.received.append(("home", {**body, "headers": request.headers}))
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section("Your stores")]})


@contextlib.contextmanager
def over_http(bot: SampleBot) -> Iterator[str]:
    """Serve the bot on a free port; yields its address."""
    flask = Flask("sample-bot")
    handler = SlackRequestHandler(bot.app)

    @flask.post("/slack/events")
    def events() -> Any:
        if bot.home_failures and b"app_home_opened" in request.get_data():
            bot.home_failures -= 1
            return "not now", 500
        return handler.handle(request)

    server = make_server("127.0.0.1", 0, flask, threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

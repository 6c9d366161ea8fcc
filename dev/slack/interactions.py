"""Users' actions, and how Slack shows the bot's answers."""

import re
import time
from collections.abc import Callable
from html import escape
from typing import Any

import yaml

from dev.slack.block_validation import check_message, elements_of, with_ids
from dev.slack.delivery import Ack, Delivery
from dev.slack.forms import validation_errors, view_state
from dev.slack.scopes import MANIFEST
from dev.slack.trigger_tokens import ResponseUrl, TriggerTokens
from dev.slack.views import Views
from dev.slack.workspace import (
    APP_ID,
    BOT_USER,
    SLACKBOT,
    TEAM_ID,
    Channel,
    Json,
    SlackError,
    User,
    Workspace,
    random_id,
)

ESCAPES: bool = yaml.safe_load(MANIFEST.read_text())["features"]["slash_commands"][0]["should_escape"]
ADDRESS = re.compile(r"https?://\S+")
UNFURLED = re.compile(r"https?://[^\s/]+\.localhost\S*")  # as with unfurl_domains: [localhost]
VERBS = ("create my-shop medusa", *(f"{verb} my-shop" for verb in ("status", "upgrade", "credentials", "delete")))
COMMAND_HINTS = {"/store": " · ".join((*VERBS, "list", "help"))}
# Slack's own commands, with the bot as their argument.
OWN_COMMANDS: dict[str, Callable[[set[str], str], None]] = {"/invite": set.add, "/remove": set.discard}
SLASH_MEANS_COMMAND = 'In Slack, all messages that start with the "/" character are interpreted as commands.'
CONNECTION_ERROR = "We had some trouble connecting. Try again?"
VERIFICATION_TOKEN = "local-verification-token"  # noqa: S105  (Slack's deprecated field, no secret)


class Interactions:
    """Performs the actions of users. Each method returns when the bot has acknowledged or failed to."""

    def __init__(
        self, workspace: Workspace, views: Views, trigger_tokens: TriggerTokens, delivery: Delivery, base_url: str
    ):
        self._workspace = workspace
        self._views = views
        self._trigger_tokens = trigger_tokens
        self._delivery = delivery
        self._base_url = base_url

    # -- commands and messages ---------------------------------------------------------------------------

    async def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """Post an ordinary message, escaped as Slack does. Where the bot is a member, it gets mentions and links.

        Raises SlackError not_in_channel if the user is not a member."""
        author, target = self._workspace.user(user), self._channel(user, channel)
        message = self._workspace.post(target, author.id, {"text": self._with_mentions(text)}, thread_ts=thread_ts)
        if f"<@{BOT_USER}>" in message["text"] and BOT_USER in target.members and not target.is_im:
            event = {"type": "app_mention", "user": author.id, "text": message["text"], "channel": target.id}
            thread = {"thread_ts": thread_ts} if thread_ts else {}
            self._deliver_event({**event, "ts": message["ts"], "event_ts": message["ts"], **thread})
        if (links := UNFURLED.findall(text)) and BOT_USER in target.members:
            event = {"type": "link_shared", "user": author.id, "channel": target.id, "message_ts": message["ts"]}
            shared = [{"domain": "localhost", "url": url} for url in links]
            self._deliver_event({**event, "links": shared, "event_ts": message["ts"]})
        return message

    async def shortcut(self, user: str, target: str, callback_id: str) -> Ack:
        """Choose a message shortcut in the menu of the message with the ts `target`.

        Raises SlackError message_not_found if the user can't see the message."""
        person = self._workspace.user(user)
        channel, message = self._visible_message(person.id, target)
        payload = {
            **self._interaction("message_action", person.id),
            "callback_id": callback_id,
            "channel": {"id": channel.id, "name": channel.name},
            "message_ts": message["ts"],
            "message": message,
            "response_url": self._response_url(ResponseUrl(channel.id, person.id)),
        }
        return await self._delivery.deliver("interaction", payload)

    def _channel(self, user: str, name: str) -> Channel:
        """A channel by name; "@storewright" is the direct message with the bot."""
        member = self._workspace.user(user)
        channel = self._workspace.dm(member.id) if name.startswith("@") else self._workspace.channel(name)
        if member.id not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    async def command(self, user: str, channel: str, text: str) -> Ack:
        """Send a slash command, or carry out one of Slack's own.

        A failure is shown to the user with Slack's own message."""
        author, source = self._workspace.user(user), self._channel(user, channel)
        name, _, rest = text.strip().partition(" ")
        if name in OWN_COMMANDS and rest.lower() == f"@{self._workspace.user(BOT_USER).name}":
            OWN_COMMANDS[name](source.members, BOT_USER)
            self._workspace.mark_changed()
            return Ack(0, "", 0.0)
        if name not in COMMAND_HINTS:
            self._post_as_slackbot(source, author.id, f"`{name}` is not a valid command. {SLASH_MEANS_COMMAND}")
            return Ack(0, "", 0.0, "unknown_command")
        target = ResponseUrl(source.id, author.id)
        ack = await self._delivery.deliver("command", self._command_form(author, source, target, name, rest.strip()))
        if not ack.ok:
            self._post_as_slackbot(source, author.id, f'{name} failed with the error "{ack.error}"')
        elif ack.body.strip():
            self._show_command_answer(ack.json(), target, text)
        return ack

    def _command_form(self, author: User, source: Channel, target: ResponseUrl, name: str, rest: str) -> Json:
        return {
            "token": VERIFICATION_TOKEN,
            "team_id": TEAM_ID,
            "team_domain": "local",
            "channel_id": source.id,
            "channel_name": source.name,
            "user_id": author.id,
            "user_name": author.name,
            "command": name,
            "text": self._escaped(rest) if ESCAPES else rest,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": self._response_url(target),
            "trigger_id": self._trigger_tokens.issue_trigger_id(author.id),
        }

    def _escaped(self, text: str) -> str:
        """The text of a command as Slack sends it with should_escape: addresses are links, mentions have ids."""
        text = escape(text, quote=False)
        names = {f"@{user.name}".lower(): f"<@{user.id}|{user.name}>" for user in self._workspace.users.values()}
        names |= {f"#{c.name}": f"<#{c.id}|{c.name}>" for c in self._workspace.channels.values() if not c.is_im}
        words = (names.get(word.lower(), f"<{word}>" if ADDRESS.fullmatch(word) else word) for word in text.split(" "))
        return " ".join(words)

    def _with_mentions(self, text: str) -> str:
        """The text of a message, in which mentions have only ids."""
        names = {f"@{user.name}".lower(): f"<@{user.id}>" for user in self._workspace.users.values()}
        return " ".join(names.get(word.lower(), word) for word in escape(text, quote=False).split(" "))

    def _show_command_answer(self, answer: Json, target: ResponseUrl, command: str) -> None:
        channel = self._workspace.channel(target.channel)
        if answer.get("response_type") == "in_channel":
            self._workspace.post(channel, target.user, {"text": command})
        try:
            self.respond(answer, target)
        except SlackError as refusal:
            self._post_as_slackbot(channel, target.user, f'{command.split()[0]} failed with the error "{refusal.code}"')

    def _post_as_slackbot(self, channel: Channel, reader: str, text: str) -> None:
        self._workspace.post_ephemeral(channel, SLACKBOT, reader, {"text": text})

    def _response_url(self, target: ResponseUrl) -> str:
        return f"{self._base_url}/respond/{self._trigger_tokens.issue_response_url(target)}"

    # -- answers through a response_url, or in the body of an ack -----------------------------------------

    def respond(
        self, answer: Json, target: ResponseUrl, check: Callable[[list[Json]], list[str]] = check_message
    ) -> None:
        """Show an answer at the place of the interaction. `check` returns the problems of its blocks.

        Raises SlackError invalid_blocks or no_text."""
        channel = self._workspace.channel(target.channel)
        if answer.get("delete_original") and target.message_ts:
            return self._delete_original(channel, target.message_ts)
        blocks = answer.get("blocks")
        if problems := check(blocks) if blocks else []:
            raise SlackError("invalid_blocks", *problems, status=400)
        content = {key: answer[key] for key in ("text", "blocks", "attachments", "metadata") if answer.get(key)}
        if not content:
            raise SlackError("no_text", status=400)
        if "blocks" in content:
            content["blocks"] = with_ids(content["blocks"])
        thread_ts = answer.get("thread_ts") or target.thread_ts
        if target.message_ts and answer.get("replace_original"):
            self._workspace.edit(self._original(channel, target.message_ts), {"text": "", **content})
        elif answer.get("response_type") == "in_channel":
            self._workspace.post(channel, BOT_USER, {"text": "", **content}, thread_ts=thread_ts)
        else:
            self._workspace.post_ephemeral(channel, BOT_USER, target.user, {"text": "", **content}, thread_ts)
        return None

    def _original(self, channel: Channel, ts: str) -> Json:
        for message in channel.ephemerals:
            if message["ts"] == ts:
                return message
        return self._workspace.message(channel, ts)

    def _delete_original(self, channel: Channel, ts: str) -> None:
        if self._original(channel, ts).get("is_ephemeral"):
            channel.ephemerals = [message for message in channel.ephemerals if message["ts"] != ts]
            self._workspace.mark_changed()
        else:
            self._workspace.remove(channel, ts)

    # -- clicks ------------------------------------------------------------------------------------------

    async def click(self, user: str, target: str, action_id: str, value: Any = None, values: Json | None = None) -> Ack:
        """Use the element `action_id` of a message or view.

        `target` is the ts of the message or the id of the view.
        `value` is the option to choose; buttons take none. `values` are the other values of the form.
        Raises SlackError message_not_found if the user can't see the message.
        Raises SlackError no_such_action if no element has that action_id."""
        clicker = self._workspace.user(user)
        view = next((v for v in self._views if v["id"] == target and self._views.owner(v) == clicker.id), None)
        if view is not None:
            action, state = _action_and_state(view["blocks"], action_id, value, values or {})
            source: Json = {
                "view": {**view, "state": {"values": state}},
                "container": {"type": "view", "view_id": view["id"]},
            }
        else:
            channel, message = self._visible_message(clicker.id, target)
            cards = [block for card in message.get("attachments", []) for block in card["blocks"]]
            blocks = [*message.get("blocks", []), *cards]
            action, state = _action_and_state(blocks, action_id, value, values or {})
            source = self._message_source(channel, message, clicker.id, state)
        payload = {**self._interaction("block_actions", clicker.id), **source, "actions": [action]}
        return await self._delivery.deliver("interaction", payload)

    def _visible_message(self, user: str, ts: str) -> tuple[Channel, Json]:
        for channel in self._workspace.visible_to(user):
            if ts in channel.messages:
                return channel, channel.messages[ts]
            for message in channel.ephemerals:
                if message["ts"] == ts and message["reader"] == user:
                    return channel, message
        raise SlackError("message_not_found")

    def _message_source(self, channel: Channel, message: Json, user: str, state: Json) -> Json:
        ephemeral = bool(message.get("is_ephemeral"))
        # Slack shows the answer to a root message in the channel, even if the message has replies.
        thread_ts = message.get("thread_ts") if message.get("thread_ts") != message["ts"] else None
        target = ResponseUrl(channel.id, user, message["ts"], thread_ts)
        container: Json = {"type": "message", "message_ts": message["ts"], "channel_id": channel.id}
        container |= {"is_ephemeral": ephemeral} | {key: message[key] for key in ["thread_ts"] if key in message}
        return {
            "container": container,
            "channel": {"id": channel.id, "name": channel.name},
            "response_url": self._response_url(target),
            "state": {"values": state},
            **({} if ephemeral else {"message": message}),
        }

    def _interaction(self, kind: str, user_id: str) -> Json:
        user = self._workspace.user(user_id)
        return {
            "type": kind,
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "token": VERIFICATION_TOKEN,
            "trigger_id": self._trigger_tokens.issue_trigger_id(user.id),
            "team": {"id": TEAM_ID, "domain": "local"},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    # -- modals ------------------------------------------------------------------------------------------

    def _open_modal(self, user_id: str, view_id: str) -> Json:
        for view in self._views.stacks[user_id]:
            if view["id"] == view_id:
                return view
        raise SlackError("view_not_found")

    async def submit(self, user: str, view_id: str, values: Json) -> dict[str, str] | None:
        """Fill in a modal and submit it.

        Each key of `values` is a block_id, action_id or label; each value is text or the value of an option.
        Returns None on success, else the errors by block_id ("" for the whole modal).
        Raises SlackError view_not_found if the user does not have that modal open."""
        author = self._workspace.user(user)
        view = self._open_modal(author.id, view_id)
        state = view_state(view["blocks"], values)
        errors = validation_errors(view["blocks"], state)
        if errors:
            return errors
        payload = self._interaction("view_submission", author.id)
        payload |= {"view": {**view, "state": {"values": state}}, "response_urls": []}
        ack = await self._delivery.deliver("interaction", payload)
        if not ack.ok:
            return {"": CONNECTION_ERROR}
        return self._apply_response_action(author.id, view, ack.json())

    def _apply_response_action(self, user_id: str, view: Json, answer: Json) -> dict[str, str] | None:
        action = answer.get("response_action")
        if action == "errors":
            inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
            errors = {str(key): str(message) for key, message in answer.get("errors", {}).items()}
            return errors if errors and inputs.issuperset(errors) else {"": CONNECTION_ERROR}
        try:
            if action == "update":
                self._views.update(view, answer.get("view"))
            elif action == "push":
                self._views.push(user_id, answer.get("view"))
            elif view in self._views.stacks[user_id]:
                self._views.close(user_id, clear=action == "clear")
        except SlackError:
            return {"": CONNECTION_ERROR}
        return None

    async def close(self, user: str) -> None:
        """Close the top modal; with notify_on_close, send view_closed."""
        author = self._workspace.user(user)
        stack = self._views.stacks[author.id]
        clears = bool(stack and stack[-1]["clear_on_close"])
        for view in self._views.close(author.id, clear=clears):
            if view["notify_on_close"]:
                payload = self._interaction("view_closed", author.id)
                del payload["trigger_id"]
                await self._delivery.deliver("interaction", {**payload, "view": view, "is_cleared": clears})

    # -- the App Home ------------------------------------------------------------------------------------

    async def open_home(self, user: str) -> None:
        """Open the App Home: send app_home_opened to the bot."""
        visitor = self._workspace.user(user)
        event: Json = {"type": "app_home_opened", "user": visitor.id, "channel": self._workspace.dm(visitor.id).id}
        event |= {"tab": "home", "event_ts": self._workspace.next_ts()}
        if visitor.id in self._views.homes:
            event["view"] = self._views.homes[visitor.id]
        self._deliver_event(event)

    def _deliver_event(self, event: Json) -> None:
        authorization = {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER, "is_bot": True}
        self._delivery.deliver_event(
            {
                "type": "event_callback",
                "token": VERIFICATION_TOKEN,
                "team_id": TEAM_ID,
                "api_app_id": APP_ID,
                "event": event,
                "event_id": random_id("Ev", 9),
                "event_time": int(time.time()),
                "authorizations": [{**authorization, "is_enterprise_install": False}],
                "is_ext_shared_channel": False,
            }
        )


def _action_and_state(blocks: list[Json], action_id: str, value: Any, values: Json) -> tuple[Json, Json]:
    """The entry of `actions` for one element, and the new state."""
    action = _action(blocks, action_id, value)
    return action, view_state(blocks, values if value is None else {**values, action["block_id"]: value})


def _action(blocks: list[Json], action_id: str, value: Any) -> Json:
    """The entry of `actions` for one element.

    An input sends one only if it has dispatch_action.
    Raises SlackError no_such_action if no element has that action_id."""
    for block in blocks:
        sends_actions = block["type"] != "input" or block.get("dispatch_action")
        for element in elements_of(block) if sends_actions else []:
            if element.get("action_id") == action_id:
                base = {"action_id": action_id, "block_id": block["block_id"], "type": element["type"]}
                return {**base, **_choice(element, value), "action_ts": f"{time.time():.6f}"}
    raise SlackError("no_such_action", f"no element has the action_id {action_id}")


def _choice(element: Json, value: Any) -> Json:
    if element["type"] == "button":
        return {key: element[key] for key in ("text", "value", "style", "url") if key in element}
    chosen = view_state([{"type": "input", "block_id": "b", "element": element}], {"b": value})
    return {key: part for key, part in chosen["b"][element["action_id"]].items() if key != "type"}

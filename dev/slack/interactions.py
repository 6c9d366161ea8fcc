"""What a person does in Slack: types a command, clicks, fills in a modal, opens the App Home; and what comes of it."""

import time
from html import escape
from typing import Any

from dev.slack.block_validation import check_message, elements_of, with_ids
from dev.slack.delivery import Ack, Delivery
from dev.slack.forms import refusals, state_of
from dev.slack.trigger_tokens import Handles, ResponseUrl
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

VERBS = ("create my-shop medusa", *(f"{verb} my-shop" for verb in ("status", "upgrade", "credentials", "delete")))
COMMANDS = {"/store": " · ".join((*VERBS, "list", "help"))}
SLASH_MEANS_COMMAND = 'In Slack, all messages that start with the "/" character are interpreted as commands.'
TROUBLE = "We had some trouble connecting. Try again?"
VERIFICATION_TOKEN = "local-verification-token"  # noqa: S105  (Slack's deprecated field, no secret)


class People:
    """Acts for the workspace's people. Every method returns when the bot has acknowledged or failed to."""

    def __init__(self, workspace: Workspace, views: Views, handles: Handles, delivery: Delivery, base_url: str):
        self._workspace = workspace
        self._views = views
        self._handles = handles
        self._delivery = delivery
        self._base_url = base_url

    # -- typing ------------------------------------------------------------------------------------------

    async def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """An ordinary message, escaped as Slack does. SlackError not_in_channel where this person isn't a member."""
        person, where = self._workspace.user(user), self._place(user, channel)
        return self._workspace.post(where, person.id, {"text": escape(text, quote=False)}, thread_ts=thread_ts)

    def _place(self, user: str, name: str) -> Channel:
        """A channel by name, or "@storewright" for the direct message with the bot."""
        person = self._workspace.user(user)
        channel = self._workspace.dm(person.id) if name.startswith("@") else self._workspace.channel(name)
        if person.id not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    async def command(self, user: str, channel: str, text: str) -> Ack:
        """A slash command; a failure is told to the person as Slack tells it."""
        person, place = self._workspace.user(user), self._place(user, channel)
        name, _, rest = text.strip().partition(" ")
        if name not in COMMANDS:
            self._slackbot(place, person.id, f"`{name}` is not a valid command. {SLASH_MEANS_COMMAND}")
            return Ack(0, "", 0.0, "unknown_command")
        where = ResponseUrl(place.id, person.id)
        ack = await self._delivery.deliver("command", self._command_form(person, place, where, name, rest.strip()))
        if not ack.ok:
            self._slackbot(place, person.id, f'{name} failed with the error "{ack.error}"')
        elif ack.body.strip():
            self._answer_command(ack.json(), where, text)
        return ack

    def _command_form(self, person: User, place: Channel, where: ResponseUrl, name: str, rest: str) -> Json:
        return {
            "token": VERIFICATION_TOKEN,
            "team_id": TEAM_ID,
            "team_domain": "local",
            "channel_id": place.id,
            "channel_name": place.name,
            "user_id": person.id,
            "user_name": person.name,
            "command": name,
            "text": rest,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": self._response_url(where),
            "trigger_id": self._handles.new_trigger(person.id),
        }

    def _answer_command(self, answer: Json, where: ResponseUrl, typed: str) -> None:
        place = self._workspace.channel(where.channel)
        if answer.get("response_type") == "in_channel":
            self._workspace.post(place, where.user, {"text": typed})
        try:
            self.respond(answer, where)
        except SlackError as refusal:
            self._slackbot(place, where.user, f'{typed.split()[0]} failed with the error "{refusal.code}"')

    def _slackbot(self, channel: Channel, reader: str, text: str) -> None:
        self._workspace.whisper(channel, SLACKBOT, reader, {"text": text})

    def _response_url(self, where: ResponseUrl) -> str:
        return f"{self._base_url}/respond/{self._handles.new_response_url(where)}"

    # -- answers by response_url, or in the body of an ack -----------------------------------------------

    def respond(self, answer: Json, where: ResponseUrl) -> None:
        """Show an answer where the interaction was. SlackError invalid_blocks, no_text."""
        channel = self._workspace.channel(where.channel)
        if answer.get("delete_original") and where.message_ts:
            return self._forget(channel, where.message_ts)
        problems = check_message(answer.get("blocks") or [])
        if problems:
            raise SlackError("invalid_blocks", *problems, status=400)
        content = {key: answer[key] for key in ("text", "blocks", "attachments", "metadata") if answer.get(key)}
        if not content:
            raise SlackError("no_text", status=400)
        if "blocks" in content:
            content["blocks"] = with_ids(content["blocks"])
        thread_ts = answer.get("thread_ts") or where.thread_ts
        if where.message_ts and answer.get("replace_original"):
            self._workspace.edit(self._original(channel, where.message_ts), {"text": "", **content})
        elif answer.get("response_type") == "in_channel":
            self._workspace.post(channel, BOT_USER, {"text": "", **content}, thread_ts=thread_ts)
        else:
            self._workspace.whisper(channel, BOT_USER, where.user, {"text": "", **content}, thread_ts)
        return None

    def _original(self, channel: Channel, ts: str) -> Json:
        for message in channel.ephemerals:
            if message["ts"] == ts:
                return message
        return self._workspace.message(channel, ts)

    def _forget(self, channel: Channel, ts: str) -> None:
        if self._original(channel, ts).get("is_ephemeral"):
            channel.ephemerals = [message for message in channel.ephemerals if message["ts"] != ts]
            self._workspace.touch()
        else:
            self._workspace.remove(channel, ts)

    # -- clicking ----------------------------------------------------------------------------------------

    async def click(self, user: str, where: str, action_id: str, value: Any = None, values: Json | None = None) -> Ack:
        """Use the element `action_id` of a message (by its ts) or of a view (by its id).

        `value` chooses an option by its value; buttons take none. `values` is what is filled in around it.
        SlackError where this person can't see the message, or nothing there has that action_id."""
        person = self._workspace.user(user)
        view = next((v for v in self._views if v["id"] == where and self._views.owner(v) == person.id), None)
        if view is not None:
            action, state = _used(view["blocks"], action_id, value, values or {})
            place: Json = {
                "view": {**view, "state": {"values": state}},
                "container": {"type": "view", "view_id": view["id"]},
            }
        else:
            channel, message = self._seen_message(person.id, where)
            action, state = _used(message.get("blocks", []), action_id, value, values or {})
            place = self._message_place(channel, message, person.id, state)
        payload = {**self._interaction("block_actions", person.id), **place, "actions": [action]}
        return await self._delivery.deliver("interaction", payload)

    def _seen_message(self, user: str, ts: str) -> tuple[Channel, Json]:
        for channel in self._workspace.visible_to(user):
            if ts in channel.messages:
                return channel, channel.messages[ts]
            for message in channel.ephemerals:
                if message["ts"] == ts and message["reader"] == user:
                    return channel, message
        raise SlackError("message_not_found")

    def _message_place(self, channel: Channel, message: Json, user: str, state: Json) -> Json:
        hidden = bool(message.get("is_ephemeral"))
        # A root message is answered where it stands, in the channel, also once it has replies.
        thread_ts = message.get("thread_ts") if message.get("thread_ts") != message["ts"] else None
        where = ResponseUrl(channel.id, user, message["ts"], thread_ts)
        container: Json = {"type": "message", "message_ts": message["ts"], "channel_id": channel.id}
        container |= {"is_ephemeral": hidden} | {key: message[key] for key in ["thread_ts"] if key in message}
        return {
            "container": container,
            "channel": {"id": channel.id, "name": channel.name},
            "response_url": self._response_url(where),
            "state": {"values": state},
            **({} if hidden else {"message": message}),
        }

    def _interaction(self, kind: str, user_id: str) -> Json:
        person = self._workspace.user(user_id)
        return {
            "type": kind,
            "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "token": VERIFICATION_TOKEN,
            "trigger_id": self._handles.new_trigger(person.id),
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
        """Fill in a modal and submit it. `values` by block_id, action_id or label: text or an option's value.

        Returns None where the bot took it, else what is shown by block_id ("" for the modal as a whole)."""
        person = self._workspace.user(user)
        view = self._open_modal(person.id, view_id)
        state = state_of(view["blocks"], values)
        refused = refusals(view["blocks"], state)
        if refused:
            return refused
        payload = self._interaction("view_submission", person.id)
        payload |= {"view": {**view, "state": {"values": state}}, "response_urls": []}
        ack = await self._delivery.deliver("interaction", payload)
        if not ack.ok:
            return {"": TROUBLE}
        return self._after_submit(person.id, view, ack.json())

    def _after_submit(self, user_id: str, view: Json, answer: Json) -> dict[str, str] | None:
        action = answer.get("response_action")
        if action == "errors":
            inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
            errors = {str(key): str(words) for key, words in answer.get("errors", {}).items()}
            return errors if errors and inputs.issuperset(errors) else {"": TROUBLE}
        try:
            if action == "update":
                self._views.update(view, answer.get("view"))
            elif action == "push":
                self._views.push(user_id, answer.get("view"))
            elif view in self._views.stacks[user_id]:
                self._views.close(user_id, all_of_them=action == "clear")
        except SlackError:
            return {"": TROUBLE}
        return None

    async def close(self, user: str) -> None:
        """Dismiss the modal on top; the bot hears of it where it asked to (notify_on_close)."""
        person = self._workspace.user(user)
        stack = self._views.stacks[person.id]
        clears = bool(stack and stack[-1]["clear_on_close"])
        for view in self._views.close(person.id, all_of_them=clears):
            if view["notify_on_close"]:
                payload = self._interaction("view_closed", person.id)
                del payload["trigger_id"]
                await self._delivery.deliver("interaction", {**payload, "view": view, "is_cleared": clears})

    # -- the App Home ------------------------------------------------------------------------------------

    async def open_home(self, user: str) -> None:
        """Look at the app's Home tab: the bot is sent app_home_opened (and again until it says 200)."""
        person = self._workspace.user(user)
        event: Json = {"type": "app_home_opened", "user": person.id, "channel": self._workspace.dm(person.id).id}
        event |= {"tab": "home", "event_ts": self._workspace.next_ts()}
        if person.id in self._views.homes:
            event["view"] = self._views.homes[person.id]
        authorization = {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER, "is_bot": True}
        self._delivery.announce(
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


def _used(blocks: list[Json], action_id: str, value: Any, values: Json) -> tuple[Json, Json]:
    """The entry of `actions` for one element, and all that is filled in, with what was just chosen."""
    action = _action(blocks, action_id, value)
    return action, state_of(blocks, values if value is None else {**values, action["block_id"]: value})


def _action(blocks: list[Json], action_id: str, value: Any) -> Json:
    """The entry of `actions` for one element. SlackError no_such_action where nothing here has that id; an input tells
    of its use only where it asks to (dispatch_action)."""
    for block in blocks:
        heard = block["type"] != "input" or block.get("dispatch_action")
        for element in elements_of(block) if heard else []:
            if element.get("action_id") == action_id:
                base = {"action_id": action_id, "block_id": block["block_id"], "type": element["type"]}
                return {**base, **_chosen(element, value), "action_ts": f"{time.time():.6f}"}
    raise SlackError("no_such_action", f"nothing here has the action_id {action_id}")


def _chosen(element: Json, value: Any) -> Json:
    if element["type"] == "button":
        return {key: element[key] for key in ("text", "value", "style", "url") if key in element}
    chosen = state_of([{"type": "input", "block_id": "b", "element": element}], {"b": value})
    return {key: part for key, part in chosen["b"][element["action_id"]].items() if key != "type"}

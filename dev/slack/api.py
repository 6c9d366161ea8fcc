"""Slack's Web API as far as a bot uses it: one short function per method, refusing in Slack's own words."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dev.slack.handles import Handles
from dev.slack.limits import check_message, with_ids
from dev.slack.traffic import Faults
from dev.slack.views import Views
from dev.slack.workspace import BOT_ID, BOT_USER, HUMANS, TEAM_ID, TEAM_NAME, Channel, Json, SlackError, User, Workspace

TEXT_LIMIT, UPDATE_TEXT_LIMIT = 40_000, 4_000
CREATED = 1_700_000_000  # when this workspace says its channels were made


@dataclass
class Web:
    """What every method works on."""

    workspace: Workspace
    views: Views
    handles: Handles
    faults: Faults
    base_url: str = ""
    socket_url: Callable[[], str] = field(default=lambda: "")


class Args:
    """The arguments of one call, the same whether they came as JSON, as a form or in the query."""

    def __init__(self, raw: Json):
        self._raw = raw

    def text(self, name: str) -> str:
        """ "" where it is missing."""
        value = self._raw.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """Slack takes true, "true", 1 and "1"."""
        return str(self._raw.get(name, "")).lower() in ("1", "true")

    def has(self, name: str) -> bool:
        """Whether it was given at all."""
        return self._raw.get(name) is not None

    def data(self, name: str, error: str = "invalid_arguments") -> Any:
        """An object or array, decoded where a form carried it as JSON. SlackError `error` where it can't be."""
        value = self._raw.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error, f"[ERROR] must be valid JSON [json-pointer:/{name}]") from None

    def required(self, *names: str) -> None:
        """SlackError invalid_arguments naming what is missing."""
        missing = [name for name in names if not self.has(name) or self._raw[name] == ""]
        if missing:
            raise SlackError("invalid_arguments", *(f"[ERROR] missing required field: {name}" for name in missing))


Method = Callable[[Web, Args], Json]
METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Register the function under its Web API name."""

    def register(function: Method) -> Method:
        METHODS[name] = function
        return function

    return register


# -- about the app -----------------------------------------------------------------------------------------


@method("api.test")
def api_test(web: Web, args: Args) -> Json:
    if args.has("error"):
        raise SlackError(args.text("error"))
    return {"args": {}}


@method("auth.test")
def auth_test(web: Web, args: Args) -> Json:
    bot = web.workspace.user(BOT_USER)
    who: Json = {"url": f"{web.base_url}/", "team": TEAM_NAME, "user": bot.name, "team_id": TEAM_ID}
    return {**who, "user_id": bot.id, "bot_id": BOT_ID, "is_enterprise_install": False}


@method("apps.connections.open")
def connections_open(web: Web, args: Args) -> Json:
    return {"url": web.socket_url()}


# -- messages ----------------------------------------------------------------------------------------------


def content_of(web: Web, args: Args, *, method: str, limit: int = TEXT_LIMIT) -> Json:
    """The text, blocks, attachments and metadata of a message, as strictly as Slack takes them."""
    content: Json = {}
    if args.has("text"):
        content["text"] = args.text("text")
    for name in ("blocks", "attachments"):
        if args.has(name):
            content[name] = args.data(name, f"invalid_{name}_format")
    if len(content.get("text", "")) > limit:
        raise SlackError("msg_too_long")
    if "blocks" in content:
        content["blocks"] = _blocks(web, content["blocks"], method)
    if args.has("metadata"):
        content["metadata"] = _metadata(args.data("metadata", "invalid_metadata_format"))
    if not any(content.get(name) for name in ("text", "blocks", "attachments")):
        raise SlackError("no_text")
    return {"text": "", **content} if method != "chat.update" else content


def _blocks(web: Web, blocks: Any, method: str) -> list[Json]:
    problems = check_message(blocks)
    if not problems:
        kinds = frozenset(block["type"] for block in blocks)
        if web.faults.take("invalid_blocks", method, kinds):
            problems = [f"[ERROR] unsupported type: {kind} [json-pointer:/blocks]" for kind in sorted(kinds)]
    if problems:
        raise SlackError("invalid_blocks", *problems)
    return with_ids(blocks)


def _metadata(metadata: Any) -> Json:
    shape = isinstance(metadata, dict) and set(metadata) == {"event_type", "event_payload"}
    if not shape or not isinstance(metadata["event_type"], str) or not isinstance(metadata["event_payload"], dict):
        raise SlackError("invalid_metadata_format")
    return dict(metadata)


def _place(web: Web, args: Args) -> Channel:
    """The channel of a call, where the bot may read and write. A person's id stands for the DM with them."""
    name = args.text("channel")
    if re.fullmatch(r"U[A-Z0-9]+", name):
        return web.workspace.dm(name)
    channel = web.workspace.channel(name)
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _own_message(web: Web, args: Args, channel: Channel, refusal: str) -> Json:
    message = web.workspace.message(channel, args.text("ts"))
    if message["user"] != BOT_USER or message.get("subtype") == "tombstone":
        raise SlackError(refusal)
    return message


@method("chat.postMessage")
def post_message(web: Web, args: Args) -> Json:
    content = content_of(web, args, method="chat.postMessage")
    channel = _place(web, args)
    message = web.workspace.post(channel, BOT_USER, content, thread_ts=args.text("thread_ts") or None)
    if args.flag("reply_broadcast") and args.has("thread_ts"):
        message["subtype"] = "thread_broadcast"
    return {"channel": channel.id, "ts": message["ts"], "message": message}


@method("chat.update")
def update_message(web: Web, args: Args) -> Json:
    content = content_of(web, args, method="chat.update", limit=UPDATE_TEXT_LIMIT)
    channel = _place(web, args)
    message = _own_message(web, args, channel, "cant_update_message")
    web.workspace.edit(message, content)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": message}


@method("chat.delete")
def delete_message(web: Web, args: Args) -> Json:
    channel = _place(web, args)
    message = _own_message(web, args, channel, "cant_delete_message")
    web.workspace.remove(channel, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.postEphemeral")
def post_ephemeral(web: Web, args: Args) -> Json:
    content = content_of(web, args, method="chat.postEphemeral")
    channel = _place(web, args)
    reader = web.workspace.user(args.text("user"))
    if reader.id not in channel.members:
        raise SlackError("user_not_in_channel")
    thread_ts = args.text("thread_ts") or None
    message = web.workspace.whisper(channel, BOT_USER, reader.id, content, thread_ts)
    return {"message_ts": message["ts"]}


@method("chat.getPermalink")
def permalink(web: Web, args: Args) -> Json:
    channel = web.workspace.channel(args.text("channel"))
    message = web.workspace.message(channel, args.text("message_ts"))
    thread = f"?thread_ts={message['thread_ts']}&cid={channel.id}" if "thread_ts" in message else ""
    path = f"/archives/{channel.id}/p{message['ts'].replace('.', '')}"
    return {"channel": channel.id, "permalink": f"{web.base_url}{path}{thread}"}


@method("reactions.add")
def add_reaction(web: Web, args: Args) -> Json:
    args.required("name")
    channel = _place(web, args)
    message = web.workspace.message(channel, args.text("timestamp"))
    reactions = message.setdefault("reactions", [])
    if any(r["name"] == args.text("name") for r in reactions):
        raise SlackError("already_reacted")
    reactions.append({"name": args.text("name"), "users": [BOT_USER], "count": 1})
    web.workspace.touch()
    return {}


# -- conversations and people ------------------------------------------------------------------------------


def _channel_json(channel: Channel) -> Json:
    base: Json = {"id": channel.id, "created": CREATED, "is_archived": False, "is_im": channel.is_im, "is_mpim": False}
    base |= {"is_group": False, "is_private": channel.is_im, "is_member": BOT_USER in channel.members}
    if channel.is_im:
        return base | {"user": next(iter(channel.members - {BOT_USER})), "is_open": True}
    nothing: Json = {"value": "", "creator": "", "last_set": 0}
    return base | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "creator": HUMANS[0],
        "num_members": len(channel.members),
        "topic": {"value": channel.topic, "creator": HUMANS[0], "last_set": CREATED},
        "purpose": nothing,
    }


@method("conversations.open")
def conversations_open(web: Web, args: Args) -> Json:
    people = [name for name in args.text("users").split(",") if name]
    if not people:
        raise SlackError("users_list_not_supplied")
    if len(people) > 1:
        raise SlackError("not_enough_users", "[ERROR] the local Slack opens direct messages with one person")
    known = len(web.workspace.channels)
    channel = web.workspace.dm(people[0])
    answer: Json = {"channel": _channel_json(channel) if args.flag("return_im") else {"id": channel.id}}
    return answer if len(web.workspace.channels) > known else {**answer, "no_op": True, "already_open": True}


@method("conversations.info")
def conversations_info(web: Web, args: Args) -> Json:
    return {"channel": _channel_json(web.workspace.channel(args.text("channel")))}


def _page(args: Args, messages: list[Json]) -> Json:
    """The wanted stretch of messages, and where to read on."""
    oldest, latest, inclusive = args.text("oldest") or "0", args.text("latest") or "9999999999", args.flag("inclusive")
    for edge in (oldest, latest):
        if not re.fullmatch(r"\d+(\.\d+)?", edge):
            raise SlackError("invalid_ts_oldest" if edge == oldest else "invalid_ts_latest")
    low, high = float(oldest), float(latest)
    within = [m for m in messages if low < float(m["ts"]) < high or (inclusive and float(m["ts"]) in (low, high))]
    limit, start = int(args.text("limit") or 100), int(args.text("cursor") or 0)
    shown = within[start : start + limit]
    if not args.flag("include_all_metadata"):
        shown = [{key: value for key, value in m.items() if key != "metadata"} for m in shown]
    more = start + limit < len(within)
    return {
        "messages": shown,
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + limit) if more else ""},
    }


@method("conversations.history")
def history(web: Web, args: Args) -> Json:
    channel = _place(web, args)
    roots = [m for m in channel.messages.values() if m.get("thread_ts", m["ts"]) == m["ts"] or m.get("subtype")]
    return {**_page(args, roots[::-1]), "pin_count": 0}


@method("conversations.replies")
def replies(web: Web, args: Args) -> Json:
    channel = _place(web, args)
    parent = web.workspace.parent(channel, args.text("ts"))
    return _page(args, channel.thread(parent["ts"]))


def _user_json(user: User) -> Json:
    names = {"real_name": user.real_name, "display_name": user.name}
    normalized = {f"{key}_normalized": value for key, value in names.items()}
    empty = dict.fromkeys(("title", "phone", "skype", "status_text", "status_emoji", "image_48", "image_192"), "")
    status: Json = {"status_expiration": 0, "status_emoji_display_info": []}
    return {
        "id": user.id,
        "team_id": TEAM_ID,
        "name": user.name,
        "deleted": False,
        "real_name": user.real_name,
        "tz": "Etc/UTC",
        "tz_offset": 0,
        "profile": {**names, **normalized, **empty, **status, "email": f"{user.name}@example.com"},
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
    }


@method("users.info")
def users_info(web: Web, args: Args) -> Json:
    return {"user": _user_json(web.workspace.user(args.text("user")))}


@method("users.list")
def users_list(web: Web, args: Args) -> Json:
    members = [_user_json(user) for user in web.workspace.users.values()]
    return {"members": members, "cache_ts": 0, "response_metadata": {"next_cursor": ""}}


# -- views -------------------------------------------------------------------------------------------------


@method("views.open")
def views_open(web: Web, args: Args) -> Json:
    args.required("trigger_id", "view")
    return {"view": web.views.open(web.handles.exchange(args.text("trigger_id")), args.data("view"))}


@method("views.push")
def views_push(web: Web, args: Args) -> Json:
    args.required("trigger_id", "view")
    return {"view": web.views.push(web.handles.exchange(args.text("trigger_id")), args.data("view"))}


@method("views.update")
def views_update(web: Web, args: Args) -> Json:
    args.required("view")
    view = web.views.find(view_id=args.text("view_id"), external_id=args.text("external_id"))
    return {"view": web.views.update(view, args.data("view"), args.text("hash"))}


@method("views.publish")
def views_publish(web: Web, args: Args) -> Json:
    args.required("user_id", "view")
    user = web.workspace.user(args.text("user_id"))
    return {"view": web.views.publish(user.id, args.data("view"), args.text("hash"))}

"""The Web API's conversations.* and users.*: where the bot can be, what was said there, and who is who."""

import re

from dev.slack.method_registry import Args, Web, method, place
from dev.slack.workspace import BOT_USER, HUMANS, TEAM_ID, Channel, Json, SlackError, User

CREATED = 1_700_000_000  # when this workspace says its channels were made


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
    channel = place(web, args)
    roots = [m for m in channel.messages.values() if m.get("thread_ts", m["ts"]) == m["ts"] or m.get("subtype")]
    return {**_page(args, roots[::-1]), "pin_count": 0}


@method("conversations.replies")
def replies(web: Web, args: Args) -> Json:
    channel = place(web, args)
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

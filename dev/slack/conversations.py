"""Slack's Web API: conversations.* and users.*."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dev.slack.method_registry import Args, MethodContext, method, target_channel
from dev.slack.workspace import BOT_USER, HUMAN_IDS, Channel, Json, SlackError, User, Workspace

CREATED_AT = 1_700_000_000  # Unix time, the same for every channel


def _channel_json(channel: Channel) -> Json:
    base: Json = {
        "id": channel.id,
        "created": CREATED_AT,
        "is_archived": channel.archived,
        "is_im": channel.is_im,
        "is_mpim": False,
    }
    base |= {"is_group": False, "is_private": channel.is_im, "is_member": BOT_USER in channel.members}
    if channel.is_im:
        return base | {"user": next(iter(channel.members - {BOT_USER})), "is_open": True}
    no_purpose: Json = {"value": "", "creator": "", "last_set": 0}
    return base | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "creator": HUMAN_IDS[0],
        "num_members": len(channel.members),
        "topic": {"value": channel.topic, "creator": HUMAN_IDS[0], "last_set": CREATED_AT},
        "purpose": no_purpose,
    }


@method("conversations.open")
def conversations_open(context: MethodContext, args: Args) -> Json:
    users = [name for name in args.text("users").split(",") if name]
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > 1:
        raise SlackError("not_enough_users", "[ERROR] the local Slack opens direct messages with one user only")
    count = len(context.workspace.channels)
    if context.workspace.user(users[0]).id in context.workspace.deactivated:
        raise SlackError("user_disabled")
    channel = context.workspace.dm(users[0])
    answer: Json = {"channel": _channel_json(channel) if args.flag("return_im") else {"id": channel.id}}
    return answer if len(context.workspace.channels) > count else {**answer, "no_op": True, "already_open": True}


@method("conversations.info")
def conversations_info(context: MethodContext, args: Args) -> Json:
    return {"channel": _channel_json(context.workspace.channel(args.text("channel")))}


def _page(args: Args, messages: list[Json]) -> Json:
    """One page of messages, and the cursor of the next page.

    Raises SlackError invalid_ts_oldest or invalid_ts_latest."""
    oldest, latest, inclusive = args.text("oldest") or "0", args.text("latest") or "9999999999", args.flag("inclusive")
    for ts in (oldest, latest):
        if not re.fullmatch(r"\d+(\.\d+)?", ts):
            raise SlackError("invalid_ts_oldest" if ts == oldest else "invalid_ts_latest")
    low, high = float(oldest), float(latest)
    within = [m for m in messages if low < float(m["ts"]) < high or (inclusive and float(m["ts"]) in (low, high))]
    limit, start = int(args.text("limit") or 100), int(args.text("cursor") or 0)
    page = within[start : start + limit]
    if not args.flag("include_all_metadata"):
        page = [{key: value for key, value in m.items() if key != "metadata"} for m in page]
    more = start + limit < len(within)
    return {
        "messages": page,
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + limit) if more else ""},
    }


@method("conversations.history")
def history(context: MethodContext, args: Args) -> Json:
    channel = target_channel(context, args)
    roots = [m for m in channel.messages.values() if m.get("thread_ts", m["ts"]) == m["ts"] or m.get("subtype")]
    return {**_page(args, roots[::-1]), "pin_count": 0}


@method("conversations.replies")
def replies(context: MethodContext, args: Args) -> Json:
    channel = target_channel(context, args)
    parent = context.workspace.parent(channel, args.text("ts"))
    return _page(args, channel.thread(parent["ts"]))


def _user_json(workspace: Workspace, user: User) -> Json:
    names = {"real_name": user.real_name, "display_name": user.name}
    normalized = {f"{key}_normalized": value for key, value in names.items()}
    empty = dict.fromkeys(("title", "phone", "skype", "status_text", "status_emoji", "image_48", "image_192"), "")
    status: Json = {"status_expiration": 0, "status_emoji_display_info": []}
    return {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.id in workspace.deactivated,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_offset": (datetime.now(ZoneInfo(user.tz)).utcoffset() or timedelta()).seconds,
        "profile": {**names, **normalized, **empty, **status, "email": f"{user.name}@example.com"},
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
    }


@method("users.info")
def users_info(context: MethodContext, args: Args) -> Json:
    return {"user": _user_json(context.workspace, context.workspace.user(args.text("user")))}


@method("users.list")
def users_list(context: MethodContext, args: Args) -> Json:
    members = [_user_json(context.workspace, user) for user in context.workspace.users.values()]
    return {"members": members, "cache_ts": 0, "response_metadata": {"next_cursor": ""}}

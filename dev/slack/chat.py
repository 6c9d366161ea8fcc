"""Slack's Web API: chat.* and reactions.*."""

from typing import Any

from dev.slack.block_validation import check_message, with_ids
from dev.slack.method_registry import Args, MethodContext, method, target_channel
from dev.slack.workspace import BOT_USER, Channel, Json, SlackError

MAX_TEXT_LENGTH, MAX_UPDATE_TEXT_LENGTH = 40_000, 4_000


def message_content(context: MethodContext, args: Args, *, method: str, limit: int = MAX_TEXT_LENGTH) -> Json:
    """The validated text, blocks, attachments and metadata of a message.

    `limit` is the longest text in characters.
    Raises SlackError msg_too_long, invalid_blocks, invalid_metadata_format or no_text, as Slack does."""
    content: Json = {}
    if args.has("text"):
        content["text"] = args.text("text")
    for name in ("blocks", "attachments"):
        if args.has(name):
            content[name] = args.data(name, f"invalid_{name}_format")
    if len(content.get("text", "")) > limit:
        raise SlackError("msg_too_long")
    if "blocks" in content:
        content["blocks"] = _blocks(context, content["blocks"], method)
    if args.has("metadata"):
        content["metadata"] = _metadata(args.data("metadata", "invalid_metadata_format"))
    if not any(content.get(name) for name in ("text", "blocks", "attachments")):
        raise SlackError("no_text")
    return {"text": "", **content} if method != "chat.update" else content


def _blocks(context: MethodContext, blocks: Any, method: str) -> list[Json]:
    if problems := context.faults.check_message(blocks, method):
        raise SlackError("invalid_blocks", *problems)
    return with_ids(blocks)


def _metadata(metadata: Any) -> Json:
    complete = isinstance(metadata, dict) and set(metadata) == {"event_type", "event_payload"}
    if not complete or not isinstance(metadata["event_type"], str) or not isinstance(metadata["event_payload"], dict):
        raise SlackError("invalid_metadata_format")
    return dict(metadata)


def _own_message(context: MethodContext, args: Args, channel: Channel, refusal: str) -> Json:
    message = context.workspace.message(channel, args.text("ts"))
    if message["user"] != BOT_USER or message.get("subtype") == "tombstone":
        raise SlackError(refusal)
    return message


@method("chat.postMessage")
def post_message(context: MethodContext, args: Args) -> Json:
    content = message_content(context, args, method="chat.postMessage")
    channel = target_channel(context, args)
    context.workspace.require_active(channel, "is_archived")
    message = context.workspace.post(channel, BOT_USER, content, thread_ts=args.text("thread_ts") or None)
    if args.flag("reply_broadcast") and args.has("thread_ts"):
        message["subtype"] = "thread_broadcast"
    return {"channel": channel.id, "ts": message["ts"], "message": message}


@method("chat.update")
def update_message(context: MethodContext, args: Args) -> Json:
    content = message_content(context, args, method="chat.update", limit=MAX_UPDATE_TEXT_LENGTH)
    channel = target_channel(context, args)
    context.workspace.require_active(channel, "is_inactive")
    message = _own_message(context, args, channel, "cant_update_message")
    context.workspace.edit(message, content)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": message}


@method("chat.delete")
def delete_message(context: MethodContext, args: Args) -> Json:
    channel = target_channel(context, args)
    message = _own_message(context, args, channel, "cant_delete_message")
    context.workspace.remove(channel, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.postEphemeral")
def post_ephemeral(context: MethodContext, args: Args) -> Json:
    content = message_content(context, args, method="chat.postEphemeral")
    channel = target_channel(context, args)
    reader = context.workspace.user(args.text("user"))
    if reader.id not in channel.members:
        raise SlackError("user_not_in_channel")
    thread_ts = args.text("thread_ts") or None
    message = context.workspace.post_ephemeral(channel, BOT_USER, reader.id, content, thread_ts)
    return {"message_ts": message["ts"]}


@method("chat.unfurl")
def unfurl(context: MethodContext, args: Args) -> Json:
    channel = target_channel(context, args)
    message = context.workspace.message(channel, args.text("ts"))
    cards = args.data("unfurls")
    if not isinstance(cards, dict) or not all(url in message["text"] for url in cards):
        raise SlackError("cannot_unfurl_url")
    if problems := [problem for card in cards.values() for problem in check_message(card.get("blocks"))]:
        raise SlackError("invalid_blocks", *problems)
    message["attachments"] = [
        {"id": number, "from_url": url, "is_app_unfurl": True, "blocks": with_ids(card["blocks"])}
        for number, (url, card) in enumerate(cards.items(), start=1)
    ]
    context.workspace.mark_changed()
    return {}


@method("chat.getPermalink")
def permalink(context: MethodContext, args: Args) -> Json:
    channel = context.workspace.channel(args.text("channel"))
    message = context.workspace.message(channel, args.text("message_ts"))
    thread = f"?thread_ts={message['thread_ts']}&cid={channel.id}" if "thread_ts" in message else ""
    path = f"/archives/{channel.id}/p{message['ts'].replace('.', '')}"
    return {"channel": channel.id, "permalink": f"{context.base_url}{path}{thread}"}


@method("reactions.add")
def add_reaction(context: MethodContext, args: Args) -> Json:
    args.required("name")
    channel = target_channel(context, args)
    message = context.workspace.message(channel, args.text("timestamp"))
    reactions = message.setdefault("reactions", [])
    if any(r["name"] == args.text("name") for r in reactions):
        raise SlackError("already_reacted")
    reactions.append({"name": args.text("name"), "users": [BOT_USER], "count": 1})
    context.workspace.mark_changed()
    return {}

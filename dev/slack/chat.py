"""The Web API's chat.* and reactions.*: what the bot says, edits, whispers and takes back."""

from typing import Any

from dev.slack.block_validation import check_message, with_ids
from dev.slack.method_registry import Args, Web, method, place
from dev.slack.workspace import BOT_USER, Channel, Json, SlackError

TEXT_LIMIT, UPDATE_TEXT_LIMIT = 40_000, 4_000


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


def _own_message(web: Web, args: Args, channel: Channel, refusal: str) -> Json:
    message = web.workspace.message(channel, args.text("ts"))
    if message["user"] != BOT_USER or message.get("subtype") == "tombstone":
        raise SlackError(refusal)
    return message


@method("chat.postMessage")
def post_message(web: Web, args: Args) -> Json:
    content = content_of(web, args, method="chat.postMessage")
    channel = place(web, args)
    message = web.workspace.post(channel, BOT_USER, content, thread_ts=args.text("thread_ts") or None)
    if args.flag("reply_broadcast") and args.has("thread_ts"):
        message["subtype"] = "thread_broadcast"
    return {"channel": channel.id, "ts": message["ts"], "message": message}


@method("chat.update")
def update_message(web: Web, args: Args) -> Json:
    content = content_of(web, args, method="chat.update", limit=UPDATE_TEXT_LIMIT)
    channel = place(web, args)
    message = _own_message(web, args, channel, "cant_update_message")
    web.workspace.edit(message, content)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": message}


@method("chat.delete")
def delete_message(web: Web, args: Args) -> Json:
    channel = place(web, args)
    message = _own_message(web, args, channel, "cant_delete_message")
    web.workspace.remove(channel, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.postEphemeral")
def post_ephemeral(web: Web, args: Args) -> Json:
    content = content_of(web, args, method="chat.postEphemeral")
    channel = place(web, args)
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
    channel = place(web, args)
    message = web.workspace.message(channel, args.text("timestamp"))
    reactions = message.setdefault("reactions", [])
    if any(r["name"] == args.text("name") for r in reactions):
        raise SlackError("already_reacted")
    reactions.append({"name": args.text("name"), "users": [BOT_USER], "count": 1})
    web.workspace.touch()
    return {}

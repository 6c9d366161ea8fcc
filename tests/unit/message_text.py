"""A Slack message as plain text, for golden files."""

from __future__ import annotations

from typing import Any

from bot.rendering.blocks import Message


def as_text(message: Message) -> str:
    """Its text, then its blocks, then the blocks of the simple form that differ."""
    lines = [f"text: {message.text}", "", *(line for block in message.blocks for line in _lines(block))]
    if message.simple != message.blocks:
        lines += ["", "where plans are not known:"]
        lines += [line for block in message.simple if block not in message.blocks for line in _lines(block)]
    return "\n".join(lines) + "\n"


def _lines(block: dict[str, Any]) -> list[str]:
    match block["type"]:
        case "section":
            return [f"| {line}" for line in block["text"]["text"].splitlines()]
        case "context":
            return [f"· {element['text']}" for element in block["elements"]]
        case "plan":
            return [f"plan {block['title']}", *map(_task, block["tasks"])]
        case "actions":
            return [" ".join(map(_button, block["elements"]))]
        case "rich_text":
            text = block["elements"][0]["elements"][0]["text"]
            return [f"> {line}" for line in text.splitlines()]
        case other:
            return [f"unknown block {other}"]


def _task(task: dict[str, Any]) -> str:
    output = task.get("output", {"elements": []})["elements"]
    seconds = f" {output[0]['elements'][0]['text']}" if output else ""
    return f"  {task['status']}: {task['title']}{seconds}"


def _button(button: dict[str, Any]) -> str:
    goes_to = f" -> {button['url']}" if "url" in button else ""
    return f"[{button['text']['text']} ({button['action_id']} {button['value']} {button.get('style', '')}){goes_to}]"

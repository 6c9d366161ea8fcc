"""A Slack message or view as plain text, for golden files."""

from __future__ import annotations

from typing import Any

from bot.rendering.blocks import Message


def as_text(message: Message) -> str:
    """Its text, then its blocks, then the blocks of the simple form that differ."""
    lines = [f"text: {message.text}", "", *(line for block in message.blocks for line in _lines(block))]
    if message.simple != message.blocks:
        lines += ["", "where the newer blocks are not known:"]
        lines += [line for block in message.simple if block not in message.blocks for line in _lines(block)]
    return "\n".join(lines) + "\n"


def view_as_text(view: dict[str, Any]) -> str:
    """The blocks of a view."""
    return "\n".join(line for block in view["blocks"] for line in _lines(block)) + "\n"


def _lines(block: dict[str, Any]) -> list[str]:
    match block["type"]:
        case "header":
            return [f"# {block['text']['text']}"]
        case "divider":
            return ["---"]
        case "section":
            accessory = [_element(block["accessory"])] if "accessory" in block else []
            return [*(f"| {line}" for line in block["text"]["text"].splitlines()), *accessory]
        case "context":
            return [f"· {element['text']}" for element in block["elements"]]
        case "plan":
            return [f"plan {block['title']}", *map(_task, block["tasks"])]
        case "data_table":
            return [f"table {block['caption']}", *(" ¦ ".join(map(_cell, row)) for row in block["rows"])]
        case "actions":
            return [" ".join(map(_element, block["elements"]))]
        case "rich_text":
            text = block["elements"][0]["elements"][0]["text"]
            return [f"> {line}" for line in text.splitlines()]
        case other:
            return [f"unknown block {other}"]


def _cell(cell: dict[str, Any]) -> str:
    if "text" in cell:
        return str(cell["text"])
    [element] = cell["elements"][0]["elements"]
    return {"link": "<{url}|{text}>", "user": "<@{user_id}>", "date": "{fallback}"}[element["type"]].format(**element)


def _task(task: dict[str, Any]) -> str:
    output = task.get("output", {"elements": []})["elements"]
    seconds = f" {output[0]['elements'][0]['text']}" if output else ""
    return f"  {task['status']}: {task['title']}{seconds}"


def _element(element: dict[str, Any]) -> str:
    return _select(element) if element["type"] == "static_select" else _button(element)


def _select(menu: dict[str, Any]) -> str:
    """The options of a menu; the chosen one is marked."""
    options = [
        f"{'*' if option == menu['initial_option'] else ''}{option['text']['text']}" for option in menu["options"]
    ]
    return f"[{menu['action_id']}: {', '.join(options)}]"


def _button(button: dict[str, Any]) -> str:
    goes_to = f" -> {button['url']}" if "url" in button else ""
    clicked = f"{button['action_id']} {button.get('value', '')} {button.get('style', '')}"
    return f"[{button['text']['text']} ({clicked}){goes_to}]"

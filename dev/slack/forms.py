"""What a person filled into a modal: plain values become Slack's view state, checked as Slack does before it sends."""

import re
from typing import Any

from dev.slack.workspace import Json

REQUIRED = "Please complete this required field."


def state_of(blocks: list[Json], values: Json) -> Json:
    """`view.state.values`. Each value is found by the input's block_id, action_id or label, else its initial one."""
    state: Json = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        names = (block["block_id"], element["action_id"], block.get("label", {}).get("text"))
        given = next((values[name] for name in names if name in values), None)
        state[block["block_id"]] = {element["action_id"]: _answer(element, given)}
    return state


def _options(element: Json) -> list[Json]:
    return [*element.get("options", []), *(o for group in element.get("option_groups", []) for o in group["options"])]


def _answer(element: Json, given: Any) -> Json:
    kind = element["type"]
    if kind in ("static_select", "radio_buttons", "overflow"):
        chosen = next((o for o in _options(element) if o["value"] == given), None)
        return {"type": kind, "selected_option": element.get("initial_option") if given is None else chosen}
    if kind in ("multi_static_select", "checkboxes"):
        wanted = given if given is not None else [o["value"] for o in element.get("initial_options", [])]
        return {"type": kind, "selected_options": [o for o in _options(element) if o["value"] in wanted]}
    if kind == "datepicker":
        return {"type": kind, "selected_date": given or element.get("initial_date")}
    if kind == "users_select":
        return {"type": kind, "selected_user": given or element.get("initial_user")}
    text = element.get("initial_value") if given is None else str(given)
    return {"type": kind, "value": text or None}


def refusals(blocks: list[Json], state: Json) -> dict[str, str]:
    """What Slack says itself, by block_id, before the bot hears anything; empty where all is filled in well."""
    found = {}
    for block in blocks:
        if block["type"] == "input":
            answer = state[block["block_id"]][block["element"]["action_id"]]
            words = _refusal(block, next(part for key, part in answer.items() if key != "type"))
            if words:
                found[block["block_id"]] = words
    return found


def _refusal(block: Json, answer: Any) -> str:
    element = block["element"]
    if not answer:
        return "" if block.get("optional") else REQUIRED
    if element["type"] == "plain_text_input":
        low, high = element.get("min_length", 0), element.get("max_length", 3000)
        if len(answer) < low:
            return f"This must be at least {low} characters."
        if len(answer) > high:
            return f"This must be less than {high + 1} characters."
    if element["type"] == "email_text_input" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", answer):
        return "Please enter a valid email address."
    if element["type"] == "number_input" and not re.fullmatch(r"-?\d+(\.\d+)?", answer):
        return "Please enter a valid number."
    return ""

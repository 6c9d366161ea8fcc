"""Forms: Slack's view state, and the validation of Slack's client."""

import re
from typing import Any

from dev.slack.workspace import Json

REQUIRED_FIELD_ERROR = "Please complete this required field."


def view_state(blocks: list[Json], values: Json) -> Json:
    """Slack's `view.state.values`.

    Each key of `values` is an input's block_id, action_id or label. An input without a value keeps its initial one."""
    state: Json = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        names = (block["block_id"], element["action_id"], block.get("label", {}).get("text"))
        entered = next((values[name] for name in names if name in values), None)
        state[block["block_id"]] = {element["action_id"]: _element_state(element, entered)}
    return state


def _options(element: Json) -> list[Json]:
    return [*element.get("options", []), *(o for group in element.get("option_groups", []) for o in group["options"])]


def _element_state(element: Json, entered: Any) -> Json:
    kind = element["type"]
    if kind in ("static_select", "radio_buttons", "overflow"):
        chosen = next((o for o in _options(element) if o["value"] == entered), None)
        return {"type": kind, "selected_option": element.get("initial_option") if entered is None else chosen}
    if kind in ("multi_static_select", "checkboxes"):
        selected = entered if entered is not None else [o["value"] for o in element.get("initial_options", [])]
        return {"type": kind, "selected_options": [o for o in _options(element) if o["value"] in selected]}
    if kind == "datepicker":
        return {"type": kind, "selected_date": entered or element.get("initial_date")}
    if kind == "users_select":
        return {"type": kind, "selected_user": entered or element.get("initial_user")}
    text = element.get("initial_value") if entered is None else str(entered)
    return {"type": kind, "value": text or None}


def validation_errors(blocks: list[Json], state: Json) -> dict[str, str]:
    """The errors that Slack's client finds in a form, by block_id."""
    errors = {}
    for block in blocks:
        if block["type"] == "input":
            element_state = state[block["block_id"]][block["element"]["action_id"]]
            error = _validation_error(block, next(part for key, part in element_state.items() if key != "type"))
            if error:
                errors[block["block_id"]] = error
    return errors


def _validation_error(block: Json, value: Any) -> str:
    element = block["element"]
    if not value:
        return "" if block.get("optional") else REQUIRED_FIELD_ERROR
    if element["type"] == "plain_text_input":
        low, high = element.get("min_length", 0), element.get("max_length", 3000)
        if len(value) < low:
            return f"This must be at least {low} characters."
        if len(value) > high:
            return f"This must be less than {high + 1} characters."
    if element["type"] == "email_text_input" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        return "Please enter a valid email address."
    if element["type"] == "number_input" and not re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "Please enter a valid number."
    return ""

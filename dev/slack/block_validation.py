"""Validates blocks and views with Slack's own error messages.

The rules are in blockkit.yaml."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from dev.slack.workspace import Json
from provisioner.domain.documents import read_yaml

SCHEMA = read_yaml((Path(__file__).parent / "blockkit.yaml").read_text())


def _one_of_types(validator: Any, allowed: list[str], instance: Any, _: Any) -> Iterator[ValidationError]:
    """The keyword `x-one-of`: the value's `type` selects the definition.

    So an error points to the exact field."""
    if not isinstance(instance, dict):
        yield ValidationError("must provide an object")
    elif instance.get("type") not in allowed:
        yield ValidationError(f"unsupported type: {instance.get('type')}")
    else:
        is_element = instance["type"] == "image" and "section" not in allowed
        name = "image_element" if is_element else instance["type"]
        yield from validator.descend(instance, SCHEMA["$defs"][name])


_Validator: Any = extend(Draft202012Validator, {"x-one-of": _one_of_types})  # type: ignore[no-untyped-call]
_MESSAGES: dict[str, Callable[[Any], str]] = {
    "maxLength": lambda e: f"must be less than {e.validator_value + 1} characters",
    "minLength": lambda _: "must be more than 0 characters",
    "maxItems": lambda e: f"no more than {e.validator_value} items allowed",
    "minItems": lambda e: f"no fewer than {e.validator_value} items allowed",
    "required": lambda e: f"missing required field: {e.message.split(chr(39))[1]}",
    "enum": lambda _: "must be a valid enum value",
    "const": lambda e: f"must be {e.validator_value}",
    "type": lambda e: f"must provide a {e.validator_value}",
    "pattern": lambda _: "must be a valid value",
    "anyOf": lambda e: "missing required field: " + " or ".join(o["required"][0] for o in e.validator_value),
    "oneOf": lambda e: "must have exactly one of: " + ", ".join(o["required"][0] for o in e.validator_value),
    "additionalProperties": lambda e: f"invalid additional property: {e.message.split(chr(39))[1]}",
}


def _check(definition: str, value: Any, at: str) -> list[str]:
    schema = {"$ref": f"#/$defs/{definition}", "$defs": SCHEMA["$defs"]}
    problems = []
    validator = _Validator(schema)
    for error in validator.iter_errors(value):
        message = _MESSAGES.get(str(error.validator), lambda e: str(e.message))(error)
        pointer = "".join(f"/{part}" for part in error.absolute_path)
        problems.append(f"[ERROR] {message} [json-pointer:{at}{pointer}]")
    return list(dict.fromkeys(problems))


def check_message(blocks: Any) -> list[str]:
    """The problems of a message's blocks; empty if Slack would accept them."""
    return _check("message", blocks, "/blocks") or _check_across_blocks(blocks, "/blocks")


def check_view(view: Any) -> list[str]:
    """The problems of a modal or App Home.

    Empty if Slack would accept it."""
    kind = view.get("type") if isinstance(view, dict) else None
    if kind not in ("modal", "home"):
        return [f"[ERROR] unsupported type: {kind} [json-pointer:/view/type]"]
    problems = _check(kind, view, "/view") or _check_across_blocks(view["blocks"], "/view/blocks")
    has_input = any(block.get("type") == "input" for block in view.get("blocks", []) if isinstance(block, dict))
    if kind == "modal" and has_input and "submit" not in view:
        problems.append("[ERROR] must define `submit` to use an `input` block in modals [json-pointer:/view]")
    return problems


def elements_of(block: Json) -> list[Json]:
    """The interactive elements of one block of any type."""
    found = [*block.get("elements", []), block.get("accessory"), block.get("element")]
    return [e for e in found if block["type"] in ("actions", "section", "input") and isinstance(e, dict)]


def _check_across_blocks(blocks: list[Json], at: str) -> list[str]:
    """The problems that concern several blocks, such as repeated ids."""
    problems = [
        f"[ERROR] `block_id` {value} is not unique [json-pointer:{at}]"
        for value in _repeated(block.get("block_id") for block in blocks)
    ]
    for number, block in enumerate(blocks):
        problems += [
            f"[ERROR] `action_id` {value} already exists for another element [json-pointer:{at}/{number}]"
            for value in _repeated(element.get("action_id") for element in elements_of(block))
        ]
    focused = [e for block in blocks for e in elements_of(block) if e.get("focus_on_load")]
    if len(focused) > 1:
        problems.append(f"[ERROR] only one element may have focus_on_load [json-pointer:{at}]")
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > 12000:
        problems.append(f"[ERROR] markdown blocks must be less than 12001 characters together [json-pointer:{at}]")
    if sum(block["type"] == "table" for block in blocks) > 1:
        problems.append(f"[ERROR] only_one_table_allowed [json-pointer:{at}]")
    return problems + _check_data_tables(blocks, at)


def _check_data_tables(blocks: list[Json], at: str) -> list[str]:
    tables = [(number, block["rows"]) for number, block in enumerate(blocks) if block["type"] == "data_table"]
    problems = [
        f"[ERROR] all rows must have the same number of cells [json-pointer:{at}/{number}/rows]"
        for number, rows in tables
        if len({len(row) for row in rows}) > 1
    ]
    if sum(_characters(cell) for _, rows in tables for row in rows for cell in row) > 10_000:
        problems.append(f"[ERROR] tables must be less than 10001 characters together [json-pointer:{at}]")
    return problems


def _characters(cell: Json) -> int:
    """The text of a table's cell that people can read."""
    if "text" in cell:
        return len(cell["text"])
    parts = [part for section in cell["elements"] for part in section["elements"]]
    return sum(len(str(part.get("text") or part.get("fallback") or part.get("user_id") or "")) for part in parts)


def _repeated(values: Iterator[Any]) -> list[Any]:
    present = sorted(value for value in values if value)
    return [value for value, group in itertools.groupby(present) if len(list(group)) > 1]


def with_ids(blocks: list[Json]) -> list[Json]:
    """The blocks with the missing `block_id`s and `action_id`s generated, as Slack does."""
    filled = []
    for number, block in enumerate(blocks):
        copy = {**block, "block_id": block.get("block_id") or f"b{number:04d}"}
        if block["type"] in ("actions", "section", "input"):
            copy |= _with_action_ids(copy)
        filled.append(copy)
    return filled


def _with_action_ids(block: Json) -> Json:
    def with_id(element: Json, number: int) -> Json:
        if element.get("type") == "image":
            return element
        return {**element, "action_id": element.get("action_id") or f"a{number:04d}"}

    changed: Json = {key: with_id(block[key], 0) for key in ("accessory", "element") if key in block}
    if block["type"] == "actions":
        changed["elements"] = [with_id(element, number) for number, element in enumerate(block["elements"])]
    return changed

"""The registry of commands: contradictory commands do not start; help, terminal and suggestions come from it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.commands import create, delete, restart, status
from bot.commands.help import help_sections
from bot.commands.registry import CLICKS, COMMANDS, OFFERS, SUBMISSIONS, register
from bot.rendering import answers
from bot.rendering.offers import Placement
from provisioner.operations.registry import OPERATIONS, BadRegistry
from tests.unit.sample_stores import CATALOG


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"help": ""}, "“status” has no help"),
        ({"example": "list"}, "“status” has no help, or an example of another verb"),
        ({"clicks": {}}, "Nothing handles the button “Open shop” of the command “status”"),
    ],
    ids=["no help", "wrong example", "unhandled button"],
)
def test_incomplete_command_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRegistry, match=message):
        register([create.COMMAND, replace(status.COMMAND, **changes)])


def test_two_commands_with_one_verb_are_refused() -> None:
    with pytest.raises(BadRegistry, match="Two commands have the verb “status”"):
        register([status.COMMAND, status.COMMAND])


@pytest.mark.parametrize("kind", ["clicks", "submissions"])
def test_two_handlers_of_one_id_are_refused(kind: str) -> None:
    changes: dict[str, Any] = {"offers": (), kind: getattr(delete.COMMAND, kind)}
    other = replace(status.COMMAND, **changes)
    with pytest.raises(BadRegistry, match="Two commands handle “delete”; one is “status”"):
        register([delete.COMMAND, other])


def test_menu_item_without_description_is_refused() -> None:
    [item] = restart.COMMAND.offers
    assert item.placement is Placement.MENU
    with pytest.raises(BadRegistry, match="The menu item “Restart” of the command “restart” has no description"):
        register([replace(restart.COMMAND, offers=(replace(item, description=""),))])


def test_every_operation_has_a_command_of_its_name() -> None:
    assert set(OPERATIONS) <= set(COMMANDS)


def test_every_offer_has_a_handler_and_every_form_too() -> None:
    assert {offer.action_id for offer in OFFERS} <= set(CLICKS)
    assert set(SUBMISSIONS) == {
        "create",
        "clone",
        "delete",
        "delete_now",
        "restore",
        "rollback",
        "settings",
        "transfer",
    }


def test_help_lists_every_verb_once() -> None:
    text = answers.help_text(help_sections(COMMANDS.values(), CATALOG)).text
    listed = re.findall(r"^`/store ([a-z]+)", text, re.MULTILINE)
    assert set(listed) == set(COMMANDS)
    assert [verb for verb in listed if verb != "create"] == [verb for verb in dict.fromkeys(listed) if verb != "create"]
    lines = [line for line in text.splitlines() if line.startswith("`")]
    assert len(set(lines)) == len(lines), "create has a line for each of its uses"


def test_terminal_help_lists_every_command_with_a_terminal() -> None:
    result = CliRunner().invoke(main, ["--help"])
    listed = dict(re.findall(r"^  ([a-z]+)  +(\S.*)$", result.output.partition("Commands:")[2], re.MULTILINE))
    expected = {verb: command.terminal.help for verb, command in COMMANDS.items() if command.terminal}
    assert set(listed) == {*expected, "run", "doctor", "recover", "ledger", "audit"}
    for verb, text in expected.items():
        assert text.startswith(listed[verb].removesuffix("..."))


@pytest.mark.parametrize("verb", [verb for verb, command in COMMANDS.items() if command.terminal])
def test_terminal_command_explains_itself(verb: str) -> None:
    terminal = COMMANDS[verb].terminal
    result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0
    assert terminal
    assert " ".join(terminal.help.split()) in " ".join(result.output.split())

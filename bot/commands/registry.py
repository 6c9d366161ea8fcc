"""The list of commands. A new verb is a module of its own and one line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.commands import (
    audit,
    backup,
    backups,
    cancel,
    clone,
    create,
    credentials,
    delete,
    export,
    extend,
    idle,
    import_,
    keep,
    list,
    logs,
    pause,
    prove,
    reset,
    restart,
    restore,
    retry,
    rollback,
    set,
    status,
    transfer,
    undelete,
    upgrade,
    wake,
)
from bot.commands.help import help_command
from bot.commands.spec import Command, Handler
from bot.rendering.offers import Offer, Placement
from provisioner.operations.registry import BadRegistry

VERBS = (
    create.COMMAND,
    list.COMMAND,
    retry.COMMAND,
    cancel.COMMAND,
    status.COMMAND,
    logs.COMMAND,
    credentials.COMMAND,
    reset.COMMAND,
    upgrade.COMMAND,
    rollback.COMMAND,
    set.COMMAND,
    restart.COMMAND,
    pause.COMMAND,
    wake.COMMAND,
    idle.COMMAND,
    extend.COMMAND,
    keep.COMMAND,
    transfer.COMMAND,
    backup.COMMAND,
    backups.COMMAND,
    prove.COMMAND,
    restore.COMMAND,
    clone.COMMAND,
    export.COMMAND,
    import_.COMMAND,
    delete.COMMAND,
    undelete.COMMAND,
    audit.COMMAND,
)


def register(commands: Iterable[Command[Any]]) -> Mapping[str, Command[Any]]:
    """The commands by verb. Raises BadRegistry."""
    registered: dict[str, Command[Any]] = {}
    for command in commands:
        if command.verb in registered:
            raise BadRegistry(f"Two commands have the verb “{command.verb}”.")
        if not command.help or not command.example.startswith(command.verb):
            raise BadRegistry(f"The command “{command.verb}” has no help, or an example of another verb.")
        for offer in command.offers:
            if offer.action_id not in command.clicks:
                raise BadRegistry(f"Nothing handles the button “{offer.label}” of the command “{command.verb}”.")
            if offer.placement is Placement.MENU and not offer.description:
                raise BadRegistry(f"The menu item “{offer.label}” of the command “{command.verb}” has no description.")
        registered[command.verb] = command
    for kind in ("clicks", "submissions"):
        handlers_of(registered.values(), kind)
    return registered


def offers_of(commands: Iterable[Command[Any]]) -> tuple[Offer, ...]:
    """The buttons and menu items of all commands."""
    return tuple(offer for command in commands for offer in command.offers)


def handlers_of(commands: Iterable[Command[Any]], kind: str) -> Mapping[str, Handler]:
    """All `clicks` or all `submissions`, by id. Raises BadRegistry if two commands handle the same id."""
    handlers: dict[str, Handler] = {}
    for command in commands:
        for handled, handler in getattr(command, kind).items():
            if handled in handlers:
                raise BadRegistry(f"Two commands handle “{handled}”; one is “{command.verb}”.")
            handlers[handled] = handler
    return handlers


COMMANDS = register([*VERBS, help_command(VERBS)])
CLICKS = handlers_of(COMMANDS.values(), "clicks")
SUBMISSIONS = handlers_of(COMMANDS.values(), "submissions")
OFFERS = offers_of(COMMANDS.values())

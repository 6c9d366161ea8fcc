"""TerminalCommand: a verb as `storewright VERB`, and Terminal: what it may use."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import click

from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import Refused
from provisioner.domain.job import Job
from provisioner.domain.store import SECRET_NAME, Store
from provisioner.ledger.ledger import Ledger
from provisioner.operations.toolbox import Toolbox
from provisioner.orders import OrderContext, Orders

Result = TypeVar("Result")
NAME = click.Argument(["name"])
JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, for programs.")
WAIT = click.Option(["--wait/--no-wait"], default=True, help="Follow the job to its end, or only order it.")
YES = click.Option(["--yes"], is_flag=True, help="Do not ask.")


class Terminal(Protocol):
    """The terminal of an operator, with the ledger open."""

    @property
    def orders(self) -> Orders: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def catalog(self) -> Catalog: ...
    @property
    def toolbox(self) -> Toolbox:
        """The tools to read the cluster with. Raises ClusterNotConfigured."""

    def order(self, store: str, detail: str, place: Callable[[OrderContext], Job], *, wait: bool) -> Job:
        """Place an audited order and, with `wait`, follow its job; exits with status 1 if the job fails.

        Raises Refused."""

    def audited(self, store: str, detail: str, act: Callable[[OrderContext], Result]) -> Result:
        """Do what was asked for, in an audited way. Raises Refused."""

    def follow(self, job: Job) -> Job:
        """Follow a job to its end, and return it as it is then."""

    def note(self, store: str, detail: str) -> None:
        """Write what was asked for to the audit log, where it is no order."""

    def show_job(self, job: Job) -> None:
        """Print the job's events and how it stands."""


def require_name(store: Store, question: str, otherwise: str) -> None:
    """Ask for the store's name. Raises Refused for another, with `otherwise` as what follows from it."""
    if click.prompt(question) != store.name:
        raise Refused("That is not the store's name.", "", otherwise)


def require_slack_id(person: str) -> None:
    """Raises Refused for a text that is no person's id in Slack."""
    if not re.fullmatch(r"[UW][A-Z0-9]{5,}", person):
        what = f"“{person}” is not a person's Slack id."
        raise Refused(what, "It looks like U0DANA001.", "Copy it from their profile.")


def login_hint(store: Store) -> str:
    """How an operator reads a store's admin login."""
    return f"Admin: {store.admin_url}  Login: kubectl get secret {SECRET_NAME} -n {store.namespace} -o yaml"


@dataclass(frozen=True, kw_only=True)
class TerminalCommand:
    """`run(terminal, **parameters)` gets the values of `parameters` by name. With `runs_jobs`, it may take the ledger
    for exclusive use and run the jobs that it orders."""

    help: str
    parameters: tuple[click.Parameter, ...]
    run: Callable[..., Any]
    runs_jobs: bool = False

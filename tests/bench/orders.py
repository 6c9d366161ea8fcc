"""Orders through Slack, timed from the command to the message with the status Ready."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from dev.slack import LocalSlackClient
from dev.stack import Stack, job_of, newest_root
from provisioner.domain.job import EventKind
from provisioner.ledger.ledger import Ledger
from provisioner.operations.create import CREATE

READY = "command to Ready"
PREFIX = "bench-shop-"


def seconds(stack: Stack, type_name: str, rounds: int) -> list[float]:
    """The seconds of each of `rounds` orders; one store at a time, deleted before the next."""
    taken = []
    for number in range(rounds):
        begun = time.monotonic()
        with store(stack, type_name, f"{PREFIX}{number}"):
            taken.append(time.monotonic() - begun)
    return taken


@contextmanager
def store(stack: Stack, type_name: str, name: str) -> Iterator[None]:
    """A Ready store of that type, ordered through Slack; deleted at the end."""
    slack = stack.slack()
    slack.command("Dana", "#stores", f"/store create {name} {type_name}")
    until_done(slack, name, "create")
    yield
    root = newest_root(slack.messages("#stores"), store=name)
    assert root, "the store has no message"
    slack.click("Dana", root, "delete")
    view = slack.wait_for(lambda: slack.views("Dana"), what="the delete form")[-1]
    slack.submit("Dana", view, {"name": name})
    until_done(slack, name, "delete")


def newest(slack: LocalSlackClient, store: str, kind: str) -> str:
    """The timestamp of the newest root message of that kind about the store, or ''."""
    root = newest_root(slack.messages("#stores"), store=store, kind=kind)
    return str(root["ts"]) if root else ""


def until_done(slack: LocalSlackClient, store: str, kind: str, after: str = "") -> None:
    """Wait until the newest job of that kind on the store has succeeded; its message is not the one `after`.

    Raises RuntimeError if it fails."""

    def done() -> bool:
        root = newest_root(slack.messages("#stores"), store=store, kind=kind)
        status = job_of(root)["status"] if root and root["ts"] != after else ""
        if status == "failed":
            raise RuntimeError(f"{kind} of {store} failed; see the bot's log")
        return status == "succeeded"

    slack.wait_for(done, 180, f"{kind} of {store}")


def stages(stack: Stack) -> dict[str, list[float]]:
    """The seconds of each stage of those orders, from the ledger. The bot must have stopped."""
    ledger = Ledger.exclusive(stack.folder / "ledger.db")
    taken: dict[str, list[float]] = {stage: [] for stage in CREATE.stage_names}
    timed = [job for job in ledger.jobs.of_kind(CREATE.kind) if job.store.startswith(PREFIX)]
    for event in (event for job in timed for event in ledger.jobs.events(job.id)):
        if event.kind == EventKind.DONE and event.seconds is not None:
            taken[event.stage].append(event.seconds)
    ledger.close()
    return {f"  {stage}": values for stage, values in taken.items() if values}

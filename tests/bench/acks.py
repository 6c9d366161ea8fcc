"""How soon the bot acknowledges many commands at once, while it makes stores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from dev.stack import Stack, job_of, newest_root

COMMANDS, STORES = 200, 5
PREFIX = "busy-shop-"


def seconds(stack: Stack, type_name: str) -> list[float | None]:
    """The seconds from each of COMMANDS commands, sent at once, to its ack, while STORES stores are made.

    None for a command that is not acknowledged within Slack's 3 s. The local Slack measures them. The caller deletes
    the stores, with the stack's namespaces. Raises RuntimeError if no store was being made any more at the end."""
    with ThreadPoolExecutor(COMMANDS) as threads, ExitStack() as closing:
        people = [closing.enter_context(stack.slack()) for _ in range(COMMANDS)]
        for number in range(STORES):
            people[number].command("Dana", "#stores", f"/store create {PREFIX}{number} {type_name}")
        acks = list(threads.map(lambda person: person.command("Dana", "#stores", "/store list"), people))
        if not _working(stack):
            raise RuntimeError("no store was being made any more when the last command was acknowledged")
    return [ack.elapsed if ack.ok else None for ack in acks]


def _working(stack: Stack) -> bool:
    """Whether a store is still being made."""
    messages = stack.slack().messages("#stores")
    roots = [newest_root(messages, store=f"{PREFIX}{number}", kind="create") for number in range(STORES)]
    return any(root is None or job_of(root)["status"] in ("queued", "running") for root in roots)


def p99(values: list[float]) -> float:
    """The 99th percentile: 1 % of the values are larger."""
    return sorted(values)[-1 - len(values) // 100]

"""How soon the bot acknowledges many commands at once, while it makes stores."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

from dev.slack.delivery import ACK_TIMEOUT_SECONDS, HttpTransport, Request
from dev.stack import Stack, job_of, newest_root

COMMANDS, STORES = 200, 5
PREFIX = "busy-shop-"
COMMAND = {
    "command": "/store",
    "text": "list",
    "user_id": "U0DANA001",
    "channel_id": "C0STORES1",
    "team_id": "T1",
    "response_url": "http://127.0.0.1:9/unused",
}


def seconds(stack: Stack, type_name: str) -> tuple[list[float | None], list[float | None]]:
    """The seconds from each of COMMANDS commands, sent at once, to its ack, while STORES stores are made.

    None for a command that is not acknowledged within Slack's 3 s. The second list is the floor: the same commands with
    a wrong signature, which the HTTP server refuses without more work. The caller deletes the stores, with the stack's
    namespaces. Raises RuntimeError if no store was being made any more at the end."""
    slack = stack.slack()
    for number in range(STORES):
        slack.command("Dana", "#stores", f"/store create {PREFIX}{number} {type_name}")
    refusals = asyncio.run(_all_at_once(stack, "wrong", status=401))
    acks = asyncio.run(_all_at_once(stack, stack.config["SLACK_SIGNING_SECRET"], status=200))
    if not _working(stack):
        raise RuntimeError("no store was being made any more when the last command was acknowledged")
    return acks, refusals


async def _all_at_once(stack: Stack, signing_secret: str, status: int) -> list[float | None]:
    transport = HttpTransport(stack.bot_url, signing_secret)
    requests = [transport.request("command", COMMAND | {"trigger_id": str(n)}, {}) for n in range(COMMANDS)]
    return await asyncio.gather(*(_seconds_to_answer(stack.bot_url, request, status) for request in requests))


async def _seconds_to_answer(bot_url: str, request: Request, status: int) -> float | None:
    """Send one request, without the local Slack and its HTTP client: their own work takes longer than an ack."""
    address = urlsplit(bot_url)
    headers = {**request.headers, "Host": address.netloc, "Content-Length": len(request.body), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    start = time.monotonic()
    try:
        async with asyncio.timeout(ACK_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(f"POST /slack/events HTTP/1.1\r\n{head}\r\n".encode() + request.body)
            answer = await reader.read()
    except TimeoutError:
        return None
    elapsed = time.monotonic() - start
    writer.close()
    return elapsed if answer.startswith(f"HTTP/1.1 {status} ".encode()) else None


def _working(stack: Stack) -> bool:
    """Whether a store is still being made."""
    messages = stack.slack().messages("#stores")
    roots = [newest_root(messages, store=f"{PREFIX}{number}", kind="create") for number in range(STORES)]
    return any(root is None or job_of(root)["status"] in ("queued", "running") for root in roots)


def p99(values: list[float]) -> float:
    """The 99th percentile: 1 % of the values are larger."""
    return sorted(values)[-1 - len(values) // 100]

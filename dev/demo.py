"""The demo: cluster, local Slack, bot and a store (`make demo`)."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click
import httpx
from rich.console import Console
from rich.markup import escape

from dev import cluster as clusters
from dev import images
from dev.background import BackgroundProcess
from dev.slack import LocalSlackClient, LocalSlackError
from dev.stack import ROOT, Stack, StackError, job_of, remove_stores
from provisioner.domain.catalog import Catalog

USER, USER_ID, CHANNEL = "Dana", "U0DANA001", "#stores"
STORE, TYPE = "my-shop", "medusa"
READY_TIMEOUT_SECONDS = 300.0
BROWSER = {"Accept": "text/html", "User-Agent": "Mozilla/5.0"}  # of a visit, which wakes a store that sleeps
REFUSAL_SECONDS = 10.0  # without a root message after this time, the bot has refused the order
IDLE_AFTER = "2h"  # a store that nobody visits for so long goes to sleep
RETURN_TIMEOUT_SECONDS = 120.0  # for the store of an earlier run to answer again
console = Console(highlight=False, soft_wrap=True)


class DemoError(Exception):
    """The store is not ready; the message gives the cause."""


@click.group(help=__doc__)
def main() -> None:
    pass


name_option = click.option("--name", default="dev", help="Local cluster (default: dev). Another name is another demo.")


@main.command()
@name_option
def up(name: str) -> None:
    """Start everything, order the store once, and print the URLs."""
    try:
        stack = _set_up(name)
        result = _previous_result(stack) or _order(stack)
    except (DemoError, StackError, clusters.ClusterError, images.ImageError, LocalSlackError) as error:
        console.print(f"[bold red]The demo failed.[/] {escape(str(error))}")
        console.print(f"Logs: {folder_of(name).relative_to(ROOT)}/bot.log and slack.log")
        sys.exit(1)
    _print_result(result)


@main.command()
@name_option
def down(name: str) -> None:
    """Stop the bot and the local Slack, and remove the cluster.

    On your own cluster (KUBE_CONTEXT), only the demo's stores are removed."""
    for process in ("bot", "slack"):
        BackgroundProcess(process, folder_of(name)).stop()
    if os.environ.get("KUBE_CONTEXT") and (cluster := clusters.find(name)):
        remove_stores(cluster, folder_of(name))
        console.print("The namespace storewright stays in your cluster, because other bots may use it.")
    else:
        clusters.down(name)
    shutil.rmtree(folder_of(name), ignore_errors=True)
    console.print("The demo is removed.")


def folder_of(name: str) -> Path:
    """The folder of a demo with its logs, ledger and demo.json."""
    return ROOT / "build" / ("demo" if name == "dev" else f"demo-{name}")


def _set_up(name: str) -> Stack:
    cluster = clusters.up(name)
    images.load_store_images(cluster)
    with console.status("Starting the local Slack and the bot…"):
        stack = Stack(folder_of(name), cluster, {"IDLE_AFTER": IDLE_AFTER})
        stack.start()
        stack.start_backup_server()
    return stack


def _previous_result(stack: Stack) -> dict[str, Any] | None:
    """The result of an earlier run, or None.

    Waits for its store, whose pods may be starting after a reboot.
    Raises DemoError if the store does not answer."""
    try:
        result: dict[str, Any] = json.loads((stack.folder / "demo.json").read_text())
    except (OSError, ValueError):
        return None
    deadline = time.monotonic() + RETURN_TIMEOUT_SECONDS
    with console.status(f"Waiting for {result['store_url']}…"):
        while time.monotonic() < deadline:
            if _answers(stack, result["store_url"]):
                return result
            time.sleep(0.5)
    raise DemoError(f"{result['store_url']} does not answer. To start over, run: make demo-down demo")


def _answers(stack: Stack, url: str) -> bool:
    try:
        with stack.cluster.client(httpx.URL(url).host) as client:
            return client.get("/", headers=BROWSER).status_code == 200
    except httpx.HTTPError:
        return False


def _order(stack: Stack) -> dict[str, Any]:
    """Order the store and print the messages of its thread. Raises DemoError with the cause."""
    slack, command = stack.slack(), f"/store create {STORE} {TYPE}"
    before = {message["ts"] for message in slack.messages(CHANNEL)}
    console.print(f"\n[bold]{USER}[/] in {CHANNEL}: [cyan]{command}[/]")
    start = time.monotonic()
    ack = slack.command(USER, CHANNEL, command)
    if not ack.ok:
        raise DemoError(f"The bot did not acknowledge the command: {ack.error}.")
    root = _follow(slack, before, start, _plain_text(ack.json().get("text", "")))
    seconds = round(time.monotonic() - start, 2)
    if job_of(root)["status"] != "succeeded":
        advice = "Fix the cause and click Retry in Slack, or start over with: make demo-down demo"
        raise DemoError(f"{_plain_text(root['text'])} {advice}")
    store_url = stack.addresses.url(STORE)
    result = {
        "workspace_url": stack.workspace_url,
        "store_url": store_url,
        "admin_url": store_url + Catalog(ROOT / "charts").get(TYPE).admin_path,
        "seconds_to_ready": seconds,
    }
    (stack.folder / "demo.json").write_text(json.dumps(result, indent=2))
    return result


def _follow(slack: LocalSlackClient, before: set[str], start: float, answer: str) -> dict[str, Any]:
    """Print new messages until the job has ended; its root message.

    `before` are the ts of earlier messages; `answer` is the bot's answer to the command. Raises DemoError."""
    printed: set[str] = set()
    _print_new([answer], printed, start)
    while (elapsed := time.monotonic() - start) < READY_TIMEOUT_SECONDS:
        roots = [m for m in slack.messages(CHANNEL) if m["ts"] not in before and job_of(m).get("store") == STORE]
        _print_new([_plain_text(reply["text"]) for root in roots for reply in slack.thread(root)], printed, start)
        if roots and job_of(roots[-1])["status"] not in ("queued", "running"):
            return roots[-1]
        if not roots and elapsed > REFUSAL_SECONDS:
            raise DemoError(answer)
        time.sleep(0.05)
    raise DemoError(
        f"{STORE} was not ready within {READY_TIMEOUT_SECONDS:.0f} s. The thread in {CHANNEL} shows its last stage."
    )


def _print_new(texts: list[str], printed: set[str], start: float) -> None:
    for text in texts:
        if text not in printed:
            printed.add(text)
            console.print(f"  [dim]{time.monotonic() - start:6.2f} s[/]  {escape(text)}")


def _plain_text(text: str) -> str:
    """A message as plain text for the terminal.

    Links become URLs and users names; all lines except the first are indented."""
    text = re.sub(r"<(https?://[^|>]+)[^>]*>", r"\1", text).replace(f"<@{USER_ID}>", USER).replace("*", "")
    return text.strip().replace("\n", "\n            ")


def _print_result(result: dict[str, Any]) -> None:
    console.print(f"\n[bold green]Ready.[/] The store took {result['seconds_to_ready']} s. Everything keeps running.")
    console.print(f"  Slack   {result['workspace_url']}")
    console.print(f"  Store   {result['store_url']}")
    console.print(f"  Admin   {result['admin_url']}   (for the login, click “Get admin credentials” in Slack)")
    console.print("  Remove  make demo-down")


if __name__ == "__main__":
    main()

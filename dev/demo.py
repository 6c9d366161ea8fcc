"""`make demo`: from a bare machine to a shop ordered through Slack, shown as it happens, and left running."""

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
from dev.background import Background
from dev.slack import LocalSlackClient, LocalSlackError
from dev.stack import ROOT, Stack, StackError, job_of, remove_stores
from provisioner.domain.catalog import Catalog

PERSON, PERSON_ID, CHANNEL = "Dana", "U0DANA001", "#stores"
STORE, TYPE = "my-shop", "medusa"
PATIENCE = 300.0  # seconds for the store to become Ready
NO_ROOT_AFTER = 10.0  # seconds after which a command that made no message was a refusal
RETURN_WITHIN = 120.0  # seconds for a former run's shop to answer again
console = Console(highlight=False, soft_wrap=True)


class DemoFailed(Exception):
    """The store did not become Ready; `str()` is the cause as the bot told it."""


@click.group(help=__doc__)
def main() -> None:
    pass


a_name = click.option("--name", default="dev", help="The local cluster to use; any other than dev is a second demo.")


@main.command()
@a_name
def up(name: str) -> None:
    """Set up what is missing, order the store if there is none, print the URLs and leave everything running."""
    try:
        stack = _set_up(name)
        result = _known(stack) or _order(stack)
    except (DemoFailed, StackError, clusters.ClusterError, images.ImageError, LocalSlackError) as error:
        console.print(f"[bold red]The demo did not come up.[/] {escape(str(error))}")
        console.print(f"Logs: {folder_of(name).relative_to(ROOT)}/bot.log and slack.log")
        sys.exit(1)
    _farewell(result)


@main.command()
@a_name
def down(name: str) -> None:
    """Stop the bot and Slack and remove the cluster with all its stores (of your own cluster: our stores only)."""
    for process in ("bot", "slack"):
        Background(process, folder_of(name)).stop()
    if os.environ.get("KUBE_CONTEXT") and (cluster := clusters.find(name)):
        remove_stores(cluster, folder_of(name))
        console.print("Left in your cluster, others may use it: the namespace storewright.")
    else:
        clusters.down(name)
    shutil.rmtree(folder_of(name), ignore_errors=True)
    console.print("The demo is gone.")


def folder_of(name: str) -> Path:
    """Where a demo keeps its logs, ledger and demo.json."""
    return ROOT / "build" / ("demo" if name == "dev" else f"demo-{name}")


def _set_up(name: str) -> Stack:
    cluster = clusters.up(name)
    images.load(cluster)
    with console.status("Starting the local Slack and the bot …"):
        stack = Stack(folder_of(name), cluster)
        stack.start()
    return stack


def _known(stack: Stack) -> dict[str, Any] | None:
    """What a former run wrote, once its shop answers again: after a reboot its pods take a moment."""
    try:
        result: dict[str, Any] = json.loads((stack.folder / "demo.json").read_text())
    except (OSError, ValueError):
        return None
    until = time.monotonic() + RETURN_WITHIN
    with console.status(f"Waiting for {result['store_url']} …"):
        while time.monotonic() < until:
            if _answers(stack, result["store_url"]):
                return result
            time.sleep(0.5)
    raise DemoFailed(f"{result['store_url']} does not answer any more. Start over with: make demo-down demo")


def _answers(stack: Stack, url: str) -> bool:
    try:
        return stack.cluster.get(httpx.URL(url).host).status_code == 200
    except httpx.HTTPError:
        return False


def _order(stack: Stack) -> dict[str, Any]:
    """Type the command as the demo's person and follow the thread. Raises DemoFailed with the cause."""
    slack, command = stack.slack(), f"/store create {STORE} {TYPE}"
    before = {message["ts"] for message in slack.messages(CHANNEL)}
    console.print(f"\n[bold]{PERSON}[/] in {CHANNEL}: [cyan]{command}[/]")
    begun = time.monotonic()
    ack = slack.command(PERSON, CHANNEL, command)
    if not ack.ok:
        raise DemoFailed(f"Slack did not get an answer from the bot: {ack.error}")
    root = _follow(slack, before, begun, _plain(ack.json().get("text", "")))
    seconds = round(time.monotonic() - begun, 2)
    if job_of(root)["status"] != "succeeded":
        raise DemoFailed(f"{_plain(root['text'])} Mend it and press Retry in Slack, or start over: make demo-down demo")
    store_url = stack.addresses.url(STORE)
    result = {
        "workspace_url": stack.workspace_url,
        "store_url": store_url,
        "admin_url": store_url + Catalog(ROOT / "charts").get(TYPE).admin_path,
        "seconds_to_ready": seconds,
    }
    (stack.folder / "demo.json").write_text(json.dumps(result, indent=2))
    return result


def _follow(slack: LocalSlackClient, before: set[str], begun: float, answer: str) -> dict[str, Any]:
    """Print what the person reads, as it comes; the root message once its job is over. `before` are the messages that
    were there, `answer` what the command was answered. Raises DemoFailed."""
    printed: set[str] = set()
    _print_new([answer], printed, begun)
    while (waited := time.monotonic() - begun) < PATIENCE:
        roots = [m for m in slack.messages(CHANNEL) if m["ts"] not in before and job_of(m).get("store") == STORE]
        _print_new([_plain(reply["text"]) for root in roots for reply in slack.thread(root)], printed, begun)
        if roots and job_of(roots[-1])["status"] not in ("queued", "running"):
            return roots[-1]
        if not roots and waited > NO_ROOT_AFTER:
            raise DemoFailed(answer)
        time.sleep(0.05)
    raise DemoFailed(f"{STORE} was not Ready within {PATIENCE:.0f} s; the thread in {CHANNEL} says how far it came.")


def _print_new(texts: list[str], printed: set[str], begun: float) -> None:
    for text in texts:
        if text not in printed:
            printed.add(text)
            console.print(f"  [dim]{time.monotonic() - begun:6.2f} s[/]  {escape(text)}")


def _plain(text: str) -> str:
    """A message as a terminal shows it: links as their address, people by name, no markup, later lines indented."""
    text = re.sub(r"<(https?://[^|>]+)[^>]*>", r"\1", text).replace(f"<@{PERSON_ID}>", PERSON).replace("*", "")
    return text.strip().replace("\n", "\n            ")


def _farewell(result: dict[str, Any]) -> None:
    console.print(f"\n[bold green]Ready.[/] The order took {result['seconds_to_ready']} s; everything goes on running.")
    console.print(f"  Slack   {result['workspace_url']}")
    console.print(f"  Shop    {result['store_url']}")
    console.print(f"  Admin   {result['admin_url']}   (its login: the button “Get admin credentials” in Slack)")
    console.print("  End it  make demo-down")


if __name__ == "__main__":
    main()

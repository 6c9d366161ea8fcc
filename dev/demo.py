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
from dev.stack import ROOT, Stack, StackError, job_of, kubectl
from provisioner.catalog import Catalog

PERSON, PERSON_ID, CHANNEL = "Dana", "U0DANA001", "#stores"
STORE, TYPE = "my-shop", "medusa"
PATIENCE = 300.0  # seconds for the store to become Ready
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
        console.print(f"[bold red]The demo did not come up.[/] {error}", markup=True)
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
        kubectl(cluster, "delete", "namespace", "-l", "storewright.dev/instance=storewright")
        kubectl(cluster, "delete", "-f", str(ROOT / "manifests/rbac.yaml"), "--ignore-not-found")
    else:
        clusters.down(name)
    shutil.rmtree(folder_of(name), ignore_errors=True)
    console.print("The demo is gone, and nothing of it is left.")


def folder_of(name: str) -> Path:
    """Where a demo keeps its logs, ledger and demo.json."""
    return ROOT / "build" / ("demo" if name == "dev" else f"demo-{name}")


def _set_up(name: str) -> Stack:
    cluster = clusters.up(name)
    images.build()
    images.load(cluster)
    with console.status("Starting the local Slack and the bot …"):
        stack = Stack(folder_of(name), cluster)
        stack.start()
    return stack


def _known(stack: Stack) -> dict[str, Any] | None:
    """What a former run wrote, if its shop still answers."""
    try:
        result: dict[str, Any] = json.loads((stack.folder / "demo.json").read_text())
        host = result["store_url"].removeprefix("http://").rstrip("/")
        url = f"http://{stack.cluster.ingress_address}"
        answers = httpx.get(url, headers={"Host": host}, trust_env=False, timeout=10).status_code == 200
    except (OSError, ValueError, KeyError, httpx.HTTPError):
        return None
    return result if answers else None


def _order(stack: Stack) -> dict[str, Any]:
    """Type the command as the demo's person and follow the thread. Raises DemoFailed with the cause."""
    slack = stack.slack()
    console.print(f"\n[bold]{PERSON}[/] in {CHANNEL}: [cyan]/store create {STORE} {TYPE}[/]")
    begun = time.monotonic()
    ack = slack.command(PERSON, CHANNEL, f"/store create {STORE} {TYPE}")
    if not ack.ok:
        raise DemoFailed(f"Slack did not get an answer from the bot: {ack.error}")
    status, root = _follow(slack, begun)
    if status != "succeeded":
        raise DemoFailed(root["text"])
    store_url = f"http://{STORE}.{stack.cluster.store_domain}:{stack.cluster.ingress_port}"
    result = {
        "workspace_url": stack.workspace_url,
        "store_url": store_url,
        "admin_url": store_url + Catalog(ROOT / "charts").get(TYPE).admin_path,
        "seconds_to_ready": round(time.monotonic() - begun, 2),
    }
    (stack.folder / "demo.json").write_text(json.dumps(result, indent=2))
    return result


def _follow(slack: LocalSlackClient, begun: float) -> tuple[str, dict[str, Any]]:
    """Print what the person reads, as it comes; the job's final status and its root message."""
    printed: set[str] = set()
    while time.monotonic() - begun < PATIENCE:
        seen = slack.ephemerals(PERSON, CHANNEL)
        roots = [m for m in slack.messages(CHANNEL) if job_of(m).get("store") == STORE]
        seen += [reply for root in roots[-1:] for reply in slack.thread(root)]
        for message in seen:
            if message["text"] not in printed:
                printed.add(message["text"])
                console.print(f"  [dim]{time.monotonic() - begun:6.2f} s[/]  {escape(_plain(message['text']))}")
        if roots and job_of(roots[-1]).get("status") not in (None, "queued", "running"):
            return job_of(roots[-1])["status"], roots[-1]
        time.sleep(0.05)
    raise DemoFailed(f"{STORE} was not Ready within {PATIENCE:.0f} s; the thread in {CHANNEL} says how far it came.")


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

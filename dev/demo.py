"""`make demo`: from a bare machine to a shop ordered through Slack, shown as it happens, and left running."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
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

FOLDER = ROOT / "build/demo"
PERSON, PERSON_ID, CHANNEL = "Dana", "U0DANA001", "#stores"
STORE, TYPE = "my-shop", "medusa"
PATIENCE = 300.0  # seconds for the store to become Ready
console = Console(highlight=False, soft_wrap=True)


class DemoFailed(Exception):
    """The store did not become Ready; `str()` is the cause as the bot told it."""


@click.group(help=__doc__)
def main() -> None:
    pass


@main.command()
def up() -> None:
    """Set up what is missing, order the store if there is none, print the URLs and leave everything running."""
    try:
        stack = _set_up()
        result = _known(stack) or _order(stack)
    except (DemoFailed, StackError, clusters.ClusterError, images.ImageError, LocalSlackError) as error:
        console.print(f"[bold red]The demo did not come up.[/] {error}", markup=True)
        console.print(f"Logs: {FOLDER.relative_to(ROOT)}/bot.log and slack.log")
        sys.exit(1)
    _farewell(result)


@main.command()
def down() -> None:
    """Stop the bot and Slack and remove the cluster with all its stores (of your own cluster: our stores only)."""
    for name in ("bot", "slack"):
        Background(name, FOLDER).stop()
    if os.environ.get("KUBE_CONTEXT") and (cluster := clusters.find()):
        kubectl(cluster, "delete", "namespace", "-l", "storewright.dev/instance=storewright")
        kubectl(cluster, "delete", "-f", str(ROOT / "manifests/rbac.yaml"), "--ignore-not-found")
    else:
        clusters.down()
    shutil.rmtree(FOLDER, ignore_errors=True)
    console.print("The demo is gone, and nothing of it is left.")


def _set_up() -> Stack:
    cluster = clusters.up()
    images.build()
    images.load(cluster)
    with console.status("Starting the local Slack and the bot …"):
        stack = Stack(FOLDER, cluster)
        stack.start()
    return stack


def _known(stack: Stack) -> dict[str, Any] | None:
    """What a former run wrote, if its shop still answers."""
    try:
        result: dict[str, Any] = json.loads((FOLDER / "demo.json").read_text())
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
    (FOLDER / "demo.json").write_text(json.dumps(result, indent=2))
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

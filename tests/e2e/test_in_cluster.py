"""The bot in the cluster, installed by its chart: over HTTP and in Socket Mode, with only its own permissions."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

import pytest

from dev.cluster import Cluster
from dev.stack import StackError, kubectl, one_time_link
from tests.e2e.bot_release import OPERATING, BotRelease, commands, section


@pytest.mark.parametrize("mode", ["http", "socket"])
def test_bot_in_its_chart_creates_and_deletes_a_store(
    mode: str, prepare_release: Callable[..., BotRelease], cluster: Cluster
) -> None:
    bot = prepare_release(mode)
    notes = bot.upgrade(mode, "--set=stores.showCapacity=true")
    assert "rollout status" in notes
    assert "create secret" not in notes, "the Secret exists"

    name = f"{mode}-shop"
    ack = bot.slack.command("Dana", "#stores", f"/store create {name} leaflet")
    assert ack.ok, ack
    made = bot.ended(name, "create")
    assert cluster.get(f"{name}.{cluster.store_domain}").status_code == 200
    assert "Quota used:" in str(bot.slack.command("Dana", "#stores", f"/store status {name}").json()["blocks"])
    _form_says_whether_there_is_room(bot)
    _credentials_are_revealed_once(bot, made)
    _public_address_shows_no_ops_endpoints(bot)
    _image_has_the_command_and_no_shell(bot)

    bot.slack.command("Dana", "#stores", f"/store delete {name}")
    form = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]
    assert bot.slack.submit("Dana", form, {"name": name}) is None
    bot.ended(name, "delete")
    assert f"namespace/store-{name}" not in kubectl(cluster, "get", "namespaces", "-o", "name").split()


def _form_says_whether_there_is_room(bot: BotRelease) -> None:
    """The bot reads the cluster when the form opens, and shows it as soon as a name is typed."""
    bot.slack.command("Dana", "#stores", "/store create")
    form = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]

    def typed() -> bool:
        bot.slack.click("Dana", form, "name", "another-shop", {"name": "another-shop"})
        return "The cluster" in str(bot.slack.views("Dana"))

    bot.slack.wait_for(typed, 30, "the room in the cluster")
    bot.slack.close("Dana")


def _credentials_are_revealed_once(bot: BotRelease, made: dict[str, Any]) -> None:
    assert bot.slack.click("Dana", made, "credentials").ok
    address, token = one_time_link(bot.slack, "Dana", "#stores")
    path = address.removeprefix(f"http://{bot.host}")
    assert bot.request("GET", path).status_code == 200
    first, second = (bot.request("POST", path, json={"token": token}) for _ in range(2))
    assert first.json()["credentials"]
    assert second.status_code == 410


def _public_address_shows_no_ops_endpoints(bot: BotRelease) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert bot.request("GET", path).status_code == 404, path


def _image_has_the_command_and_no_shell(bot: BotRelease) -> None:
    inside = ("exec", f"deployment/{bot.name}", f"--namespace={bot.name}", "--")
    assert "storewright" in kubectl(bot.cluster, *inside, "storewright", "--version")
    for shell in ("sh", "/bin/sh", "/bin/bash", "busybox"):
        with pytest.raises(StackError, match=r"no such file|not found"):
            kubectl(bot.cluster, *inside, shell, "-c", "true")


def test_upgrade_of_the_bot_loses_no_order(prepare_release: Callable[..., BotRelease], cluster: Cluster) -> None:
    bot = prepare_release("socket", opening_seconds=12)
    bot.upgrade("socket")
    stores = [f"carried-{n}" for n in range(3)]
    for store in stores:
        assert bot.slack.command("Dana", "#stores", f"/store create {store} leaflet").ok
    bot.slack.wait_for(lambda: all(bot.status(store) == "running" for store in stores), 30, "the jobs to start")

    former = _pod(bot)
    bot.write_files({**bot.values("socket"), "logLevel": "DEBUG"})
    script = commands(section(OPERATING, "Upgrade the bot"))
    upgrade = Thread(target=bot.run_script, args=(script,))
    upgrade.start()
    bot.slack.wait_for(lambda: _pod(bot) != former, 60, "the former pod to end")
    handed_over = {"queued", "running"}  # the job is queued, but its message may still show the former status
    assert handed_over & {bot.status(store) for store in stores}, "all jobs ended before the upgrade"
    upgrade.join()
    for store in stores:
        bot.ended(store, "create")  # fails if there is a second root message
    assert bot.slack.messages("#store-failures") == []


def test_next_bot_continues_the_jobs_of_a_killed_bot(
    prepare_release: Callable[[str], BotRelease], cluster: Cluster
) -> None:
    bot = prepare_release("socket")
    bot.upgrade("socket", "--set=executor=kubernetes")
    stores = [f"found-{n}" for n in range(3)]
    for store in stores:
        assert bot.slack.command("Dana", "#stores", f"/store create {store} leaflet").ok
    bot.slack.wait_for(lambda: len(_jobs(bot)) == 3, 30, "a Job for each store")
    kubectl(cluster, "delete", "pod", _pod(bot), f"--namespace={bot.name}", "--force", "--grace-period=0")
    assert "succeeded" not in [bot.status(store) for store in stores], "all jobs ended before the kill"

    for store in stores:
        bot.ended(store, "create")  # fails if there is a second root message
        thread = bot.slack.wait_for(partial(_thread, bot, store, "A cart holds"), 30, "the whole thread")
        stages = ("Namespace created", "Chart installed", "Application is up", "Storefront answers", "A cart holds")
        assert [thread.count(stage) for stage in stages] == [1] * 5, thread
    assert bot.slack.messages("#store-failures") == []
    bot.slack.wait_for(lambda: not _jobs(bot), 30, "the Jobs to be removed")


def _thread(bot: BotRelease, store: str, until: str) -> str:
    """The thread of the store's creation, once it contains `until`; else ''."""
    message = bot.root(store, "create")
    thread = "\n".join(post["text"] for post in bot.slack.thread(message)[1:]) if message else ""
    return thread if until in thread else ""


def _jobs(bot: BotRelease) -> list[str]:
    return kubectl(bot.cluster, "get", "jobs", f"--namespace={bot.name}", "-o", "name").split()


def _pod(bot: BotRelease) -> str:
    """The name of the bot's pod, or ''."""
    its = (f"--namespace={bot.name}", "-l", "app.kubernetes.io/component=bot", "-o", "json")
    found = json.loads(kubectl(bot.cluster, "get", "pods", *its))["items"]
    return str(found[0]["metadata"]["name"]) if found else ""

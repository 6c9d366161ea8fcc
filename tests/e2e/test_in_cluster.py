"""The bot in the cluster, installed by its chart: over HTTP and in Socket Mode, with only its own permissions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from dev import local_http
from dev.cluster import Cluster
from dev.slack import LocalSlack
from dev.stack import ROOT, StackError, job_of, kubectl, one_time_link
from tests.e2e.backed_up_store import booklet_values
from tests.e2e.bot_release import OPERATING, README, BotRelease, bot_release, commands, section
from tests.e2e.sample_type import BOOKLET
from tests.waiting import answers, until


@pytest.fixture
def prepare_release(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., BotRelease]]:
    """Prepares releases, as `bot_release` does."""
    with ExitStack() as opened:
        yield lambda mode, **options: opened.enter_context(bot_release(cluster, tmp_path, mode, **options))


def root(slack: LocalSlack, store: str, kind: str) -> dict[str, Any] | None:
    """The root message of a store's job, if there is one."""
    found = [m for m in slack.messages("#stores") if (job_of(m).get("store"), job_of(m).get("kind")) == (store, kind)]
    assert len(found) <= 1, found
    return found[0] if found else None


def status(slack: LocalSlack, store: str) -> str:
    """The status of the store's creation, as its root message shows it."""
    return job_of(root(slack, store, "create") or {}).get("status", "")


def ended(slack: LocalSlack, store: str, kind: str) -> dict[str, Any]:
    """The root message of a store's job, once the job has succeeded."""

    def look() -> dict[str, Any] | None:
        message = root(slack, store, kind)
        assert message is None or job_of(message)["status"] != "failed", message
        return message if message and job_of(message)["status"] == "succeeded" else None

    found: dict[str, Any] = slack.wait_for(look, 240, f"the {kind} of {store}")
    return found


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
    made = ended(bot.slack, name, "create")
    assert cluster.get(f"{name}.{cluster.store_domain}").status_code == 200
    assert "Quota used:" in str(bot.slack.command("Dana", "#stores", f"/store status {name}").json()["blocks"])
    _form_says_whether_there_is_room(bot)
    _credentials_are_revealed_once(bot, made)
    _public_address_shows_no_ops_endpoints(bot)
    _image_has_the_command_and_no_shell(bot)

    bot.slack.command("Dana", "#stores", f"/store delete {name}")
    form = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]
    assert bot.slack.submit("Dana", form, {"name": name}) is None
    ended(bot.slack, name, "delete")
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
    bot.slack.wait_for(lambda: all(status(bot.slack, store) == "running" for store in stores), 30, "the jobs to start")

    former = _pod(bot)
    bot.write_files({**bot.values("socket"), "logLevel": "DEBUG"})
    script = commands(section(OPERATING, "Upgrade the bot"))
    upgrade = Thread(target=bot.run_script, args=(script,))
    upgrade.start()
    bot.slack.wait_for(lambda: _pod(bot) != former, 60, "the former pod to end")
    handed_over = {"queued", "running"}  # the job is queued, but its message may still show the former status
    assert handed_over & {status(bot.slack, store) for store in stores}, "all jobs ended before the upgrade"
    upgrade.join()
    for store in stores:
        ended(bot.slack, store, "create")  # fails if there is a second root message
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
    assert "succeeded" not in [status(bot.slack, store) for store in stores], "all jobs ended before the kill"

    for store in stores:
        ended(bot.slack, store, "create")  # fails if there is a second root message
        thread = bot.slack.wait_for(partial(_thread, bot, store, "A cart holds"), 30, "the whole thread")
        stages = ("Namespace created", "Chart installed", "Application is up", "Storefront answers", "A cart holds")
        assert [thread.count(stage) for stage in stages] == [1] * 5, thread
    assert bot.slack.messages("#store-failures") == []
    bot.slack.wait_for(lambda: not _jobs(bot), 30, "the Jobs to be removed")


def _thread(bot: BotRelease, store: str, until: str) -> str:
    """The thread of the store's creation, once it contains `until`; else ''."""
    message = root(bot.slack, store, "create")
    thread = "\n".join(post["text"] for post in bot.slack.thread(message)[1:]) if message else ""
    return thread if until in thread else ""


def _jobs(bot: BotRelease) -> list[str]:
    return kubectl(bot.cluster, "get", "jobs", f"--namespace={bot.name}", "-o", "name").split()


def _pod(bot: BotRelease) -> str:
    """The name of the bot's pod, or ''."""
    its = (f"--namespace={bot.name}", "-l", "app.kubernetes.io/component=bot", "-o", "json")
    found = json.loads(kubectl(bot.cluster, "get", "pods", *its))["items"]
    return str(found[0]["metadata"]["name"]) if found else ""


EXEC = "kubectl -n storewright exec -i deployment/storewright -- "
ROLLOUT = "kubectl -n storewright rollout status deployment/storewright"
# Commands that have nothing to do here: no job has failed or runs, a booklet has no settings and counts no visits.
REFUSED = {
    "retry": "There is nothing to retry for their-shop",
    "cancel": "their-shop: nothing to cancel",
    "rollback": "their-shop has nothing to go back to",
    "set": "Booklet stores have no settings",
    "idle": "their-shop can't go to sleep by itself",
}


def test_commands_of_the_readme_install_order_a_store_and_uninstall(
    prepare_release: Callable[..., BotRelease], cluster: Cluster
) -> None:
    bot = prepare_release("socket", bare=True)
    bot.write_files(_without_leaflet(bot))
    install = section(README, "Install, and connect your Slack")
    bot.run_script(commands(install))
    bot.await_slack()
    (order,) = re.findall(r"^ {4}(/store create .*)$", section(README, "First store"), re.MULTILINE)
    assert bot.slack.command("Dana", "#stores", order.replace("my-shop", "first-shop")).ok
    ended(bot.slack, "first-shop", "create")

    bot.run_script(commands(section(OPERATING, "Uninstall"), "helm").splitlines()[0])
    bot.run_script(commands(install, "helm install") + "\n" + ROLLOUT)
    bot.await_slack()
    assert "first-shop" in bot.run_script(EXEC + "storewright list")
    assert "1 stores, 1 jobs" in bot.run_script(EXEC + "storewright ledger check"), "the ledger is the former one"
    ended(bot.slack, "first-shop", "create")  # fails if there is a second root message

    uninstall = commands(section(README, "Uninstall"))
    assert uninstall == "\n".join(commands(section(OPERATING, "Uninstall")).splitlines()[1:])
    bot.run_script(uninstall)
    left = kubectl(cluster, "get", "namespaces,clusterroles,validatingadmissionpolicies", "-o", "name")
    assert not re.search(f"{bot.name}|store-first-shop", left), left


def test_plain_manifests_install_the_bot_and_the_docs_commands_work(prepare_release: Callable[..., BotRelease]) -> None:
    bot = prepare_release("socket", bare=True, source=BOOKLET)
    values = bot.values("socket")
    values["stores"]["values"] = {"booklet": booklet_values()}
    bot.write_files(values)
    script = commands(section(ROOT / "manifests/README.md", "Install the bot without Helm releases"))
    assert "helm template" in script
    bot.run_script(script)
    bot.add_chart()
    bot.run_script(ROLLOUT)
    bot.await_slack()

    page = OPERATING.read_text()
    first, operation = page[: page.index("\n## Install\n")], page[page.index("\n## Check the installation\n") :]
    operation = operation[: operation.index("\n## Uninstall\n")]
    for command in [*commands(first).splitlines(), *commands(operation).splitlines()]:
        if command.startswith("helm"):
            continue  # there is no Helm release; the test of the upgrade runs this command
        if " port-forward " in command:
            _readyz_answers(bot, command)
            continue
        if named := re.search(r"ledger-\w+\.db", command):
            newest = bot.run_script(EXEC + "storewright ledger backups").partition(" ")[0]
            command = command.replace(named[0], newest)
        # The tests of both engines do all of this to their stores; a booklet starts faster, and has no options.
        command = command.replace("my-shop", "their-shop").replace("medusa currency=usd color=forest", "booklet")
        if (verb := command.split()[1]) in REFUSED and command.startswith("storewright "):
            _is_refused(bot, command, REFUSED[verb])
            continue
        output = bot.run_script(command if command.startswith("kubectl") else EXEC + command)
        if " rollout restart " in command:
            bot.run_script(ROLLOUT)
        assert output or " > " in command, command
    bot.run_script(script.splitlines()[-1].replace("kubectl apply", "kubectl delete"))


def _is_refused(bot: BotRelease, command: str, reason: str) -> None:
    with bot.start_script(EXEC + command) as running:
        _, errors = running.communicate()
    assert reason in errors
    assert running.returncode == 2


def _readyz_answers(bot: BotRelease, forward: str) -> None:
    """The curl command of the page works while the port is forwarded."""
    (address,) = re.findall(r"^ {4}curl -s (http://localhost:\S+)$", OPERATING.read_text(), re.MULTILINE)
    with bot.start_script(f"exec {forward}"):
        until(address, lambda: answers(address))
        assert local_http.get(address).json()["socket"] == "ok"


def _without_leaflet(bot: BotRelease) -> dict[str, Any]:
    """The values of a release with only the store types of the image."""
    return {key: value for key, value in bot.values("socket").items() if not key.startswith("extra")}

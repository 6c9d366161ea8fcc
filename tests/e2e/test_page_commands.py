"""The commands of the README and of docs/operating.md, run one after the other on a bot in the cluster."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from dev import local_http
from dev.cluster import Cluster
from dev.stack import ROOT, kubectl
from tests.e2e.backed_up_store import booklet_values
from tests.e2e.bot_release import OPERATING, README, BotRelease, commands, section
from tests.e2e.sample_type import BOOKLET
from tests.waiting import answers, until

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
    bot.ended("first-shop", "create")

    bot.run_script(commands(section(OPERATING, "Uninstall"), "helm").splitlines()[0])
    bot.run_script(commands(install, "helm install") + "\n" + ROLLOUT)
    bot.await_slack()
    assert "first-shop" in bot.run_script(EXEC + "storewright list")
    assert "1 stores, 1 jobs" in bot.run_script(EXEC + "storewright ledger check"), "the ledger is the former one"
    bot.ended("first-shop", "create")  # fails if there is a second root message

    uninstall = commands(section(README, "Uninstall"))
    assert uninstall == "\n".join(commands(section(OPERATING, "Uninstall")).splitlines()[1:])
    bot.run_script(uninstall)
    left = kubectl(cluster, "get", "namespaces,clusterroles,validatingadmissionpolicies", "-o", "name")
    assert not re.search(f"{bot.name}|store-first-shop", left), left


def _checks_and_stores() -> list[str]:
    """The commands of the page's first lines, and of how to check the bot and manage stores."""
    before_install, _ = OPERATING.read_text().split("\n## Install\n")
    return commands(before_install).splitlines() + _between("Check the installation", "Upgrade the bot")


def _backups_and_ledger() -> list[str]:
    """The commands of the rest of the page. They need a store with a backup, so those of the page come first."""
    made = [commands(OPERATING.read_text(), f"storewright {verb} my-shop") for verb in ("create", "backup")]
    return [*made, *_between("Upgrade the bot", "Uninstall")]


def _between(first: str, end: str) -> list[str]:
    page = OPERATING.read_text()
    return commands(page[page.index(f"\n## {first}\n") : page.index(f"\n## {end}\n")]).splitlines()


# Each part of the page has an installation of its own.
PARTS = {"checks and stores": _checks_and_stores, "backups and the ledger": _backups_and_ledger}


@pytest.mark.parametrize("part", PARTS)
def test_commands_of_the_page_about_operating_work_with_plain_manifests(
    part: str, prepare_release: Callable[..., BotRelease]
) -> None:
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

    for command in PARTS[part]():
        if not command.startswith("helm"):  # there is no Helm release; the test of the upgrade runs this command
            _run(bot, command)
    bot.run_script(script.splitlines()[-1].replace("kubectl apply", "kubectl delete"))


def _run(bot: BotRelease, command: str) -> None:
    """Run a command of the page, with a booklet in place of its store: it starts sooner, and has no options.

    The tests of both engines do all of this to their stores."""
    if " port-forward " in command:
        _readyz_answers(bot, command)
        return
    if named := re.search(r"ledger-\w+\.db", command):
        newest = bot.run_script(EXEC + "storewright ledger backups").partition(" ")[0]
        command = command.replace(named[0], newest)
    command = command.replace("my-shop", "their-shop").replace("medusa currency=usd color=forest", "booklet")
    if (verb := command.split()[1]) in REFUSED and command.startswith("storewright "):
        _is_refused(bot, command, REFUSED[verb])
        return
    output = bot.run_script(command if command.startswith("kubectl") else EXEC + command)
    if " rollout restart " in command:
        bot.run_script(ROLLOUT)
    assert output or " > " in command, command


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

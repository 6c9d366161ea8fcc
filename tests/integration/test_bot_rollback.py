"""Stores are rolled back after a form said what becomes of their data: by a command, in the menu, from a terminal."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.commands import request
from bot.commands.rollback import submitted
from bot.dependencies import Dependencies
from bot.rendering.form_context import FormContext
from provisioner.clients import helm_records
from provisioner.domain.backup import Backup, Reason
from provisioner.domain.errors import JobFailed, Refused, Transient
from provisioner.domain.job import Job
from provisioner.domain.revision import Revision
from provisioner.domain.store import StoreStatus
from provisioner.operations.restart import RESTART
from provisioner.operations.rollback import arguments_of
from tests.conftest import write_kubeconfig
from tests.integration.bot_harness import DANA, STORES, Bot, use_terminal
from tests.integration.kubernetes_api import Answer, Request, serving
from tests.integration.slack_steps import choose, menu_items, ready_store
from tests.integration.test_bot_slack_errors import counted
from tests.unit.sample_stores import BACKUPS, NOON

REVISIONS = [
    Revision(1, "superseded", "0.9.0", NOON, {}),
    Revision(2, "superseded", "0.9.0", NOON + 100, {"store": {"color": "red"}}),
    Revision(3, "deployed", "1.0.0", NOON + 300, {}, migrates=True),
]


@pytest.fixture
def backup(bot: Bot) -> Backup:
    """The backup of a ready store that was made before its upgrade."""
    ready_store(bot)
    made = replace(
        BACKUPS[0], store_id=bot.store().id, made_at=NOON + 200, version="0.9.0", reason=Reason.BEFORE_UPGRADE
    )
    bot.ledger.store_backups.add(made)
    bot.revisions = REVISIONS
    return made


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    """The answer to a command that opens no form."""
    return str(bot.slack.command(user, "#stores", f"/store {words}").json())


def shown(bot: Bot, words: str = "") -> dict[str, Any]:
    """What takes the place of the form that waits, after `/store WORDS`."""
    if words:
        assert bot.slack.command("Dana", "#stores", f"/store {words}").body == ""
    return dict(bot.slack.wait_for(lambda: [v for v in bot.slack.views("Dana") if "Reading the" not in str(v)])[-1])


def preset(form: dict[str, Any]) -> dict[str, str]:
    menus = [block for block in form["blocks"] if block["type"] == "input"]
    return {menu["block_id"]: menu["element"]["initial_option"]["value"] for menu in menus}


def live_job(bot: Bot) -> Job:
    job = bot.ledger.jobs.live(bot.store().id)
    assert job
    return job


def test_rollback_says_where_to_and_what_is_lost_and_goes_there_with_the_data(bot: Bot, backup: Backup) -> None:
    form = shown(bot, "rollback my-shop")
    assert "back from version 1.0.0" in str(form["blocks"][0])
    assert "is lost: orders, products, customers" in str(form["blocks"][0])
    assert "Revision 2 · 0.9.0 · 2027-01-15 08:01 UTC" in str(form["blocks"][1])
    assert "Data of 2027-01-15 08:03 UTC · 12 orders · 40 products" in str(form["blocks"][1])
    assert preset(form) == {"revision": f"2 0.9.0 1.0.0 {backup.id}", "data": "back"}
    assert bot.slack.submit("Dana", form, {}) is None
    bot.root("Rolling *my-shop* back to Medusa 0.9.0 (revision 2) with its data as it was")
    assert live_job(bot).arguments == arguments_of(2, "0.9.0", "1.0.0", backup)
    bot.finish("0.9.0")
    done = bot.root("*my-shop* runs Medusa 0.9.0 (revision 2) again")
    assert bot.store().version == "0.9.0"
    assert "upgrade" in str(done["blocks"])


def test_data_can_be_kept_and_another_revision_chosen(bot: Bot, backup: Backup) -> None:
    form = shown(bot, "rollback my-shop 1")
    assert preset(form)["revision"] == f"1 0.9.0 1.0.0 {backup.id}"
    bot.slack.submit("Dana", form, {"data": "kept"})
    assert live_job(bot).arguments == arguments_of(1, "0.9.0", "1.0.0", None)
    bot.finish("0.9.0")
    bot.root("with its present data")


def test_without_a_backup_the_form_says_that_the_data_stays(bot: Bot) -> None:
    ready_store(bot)
    bot.revisions = REVISIONS
    form = shown(bot, "rollback my-shop")
    assert preset(form) == {"revision": "2 0.9.0 1.0.0 "}
    assert "The data stays: no backup from before the upgrade" in str(form)
    bot.slack.submit("Dana", form, {})
    assert live_job(bot).arguments == arguments_of(2, "0.9.0", "1.0.0", None)


def test_menu_has_the_item_once_a_version_was_installed_again(bot: Bot, backup: Backup) -> None:
    assert "Roll back" not in menu_items(bot, bot.root("*my-shop* is ready"))
    bot.slack.command("Dana", "#stores", "/store upgrade my-shop")
    bot.finish("1.0.0")
    assert choose(bot, bot.root("*my-shop* runs Medusa 1.0.0"), "Roll back").ok
    form = bot.slack.wait_for(lambda: [v for v in bot.slack.views("Dana") if v["callback_id"] == "rollback"])[-1]
    bot.slack.submit("Dana", form, {})
    assert live_job(bot).arguments == arguments_of(2, "0.9.0", "1.0.0", backup)


@pytest.mark.parametrize(
    ("revisions", "words", "answer"),
    [
        (REVISIONS, "rollback my-shop 7", "my-shop has no revision 7."),
        (REVISIONS, "rollback my-shop 3", "that is the present one."),
        (REVISIONS[1:], "rollback my-shop 1", "Helm does not keep revision 1 of my-shop any more."),
        (REVISIONS[2:], "rollback my-shop", "my-shop has nothing to go back to."),
    ],
)
def test_impossible_revisions_are_refused_in_the_place_of_the_form(
    bot: Bot, backup: Backup, revisions: Sequence[Revision], words: str, answer: str
) -> None:
    bot.revisions = list(revisions)
    refusal = shown(bot, words)
    assert answer in str(refusal)
    assert ("Choose one of these: 2 (0.9.0)" in str(refusal)) == (len(revisions) > 1)
    assert not [block for block in refusal["blocks"] if block["type"] == "input"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Transient("The Kubernetes API can't be reached."), "The Kubernetes API can't be reached."),
        (JobFailed("Kubernetes refuses it.", "No rights.", "Grant them."), "Kubernetes refuses it. No rights."),
        (RuntimeError("odd"), "Something went wrong"),
    ],
)
def test_trouble_of_the_cluster_takes_the_place_of_the_form(
    bot: Bot, backup: Backup, error: Exception, words: str
) -> None:
    bot.revisions = error
    assert words in str(shown(bot, "rollback my-shop"))


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("rollback my-shop 0", "The revision is a number, 1 or more."),
        ("rollback my-shop -1", "The revision is a number, 1 or more."),
        ("rollback my-shop last", "The revision is a number, 1 or more."),
        ("rollback my-shop 1 more", "I didn't expect “more” here."),
        ("rollback", "The name of a store is missing."),
        ("rollback my-shpo", "There is no store called “my-shpo”."),
    ],
)
def test_wrong_words_get_a_clear_answer(bot: Bot, backup: Backup, words: str, answer: str) -> None:
    assert answer in typed(bot, words)


def test_store_of_another_person_or_one_that_sleeps_or_is_busy_is_refused_at_once(bot: Bot, backup: Backup) -> None:
    assert "Only its owner and admins may do that." in typed(bot, "rollback my-shop", "Oli")
    bot.ledger.set_store_status(bot.store().id, StoreStatus.ASLEEP, by="U0DANA001")
    assert "Wake it first: /store wake my-shop" in typed(bot, "rollback my-shop")
    bot.ledger.set_store_status(bot.store().id, StoreStatus.READY, by="U0DANA001")
    bot.slack.command("Dana", "#stores", "/store restart my-shop")
    assert f"my-shop is being {RESTART.participle} right now." in typed(bot, "rollback my-shop")
    assert bot.slack.views("Dana") == []


def test_form_that_is_sent_once_the_backup_is_gone_rolls_nothing_back(bot: Bot, backup: Backup) -> None:
    form = shown(bot, "rollback my-shop")
    bot.ledger.store_backups.keep(bot.store().id, ["none"], before=NOON + 10**6)
    bot.slack.submit("Dana", form, {})
    assert "has no backups yet" in str(bot.slack.views("Dana")[-1]["blocks"])
    assert bot.queued_jobs() == []


@pytest.mark.parametrize("value", ["2 0.9.1 1.0.0 5f0e", "last 0.9.0 1.0.0 5f0e", "0 0.9.0 1.0.0 5f0e", ""])
def test_form_with_a_value_that_it_did_not_have_is_refused(bot: Bot, backup: Backup, value: str) -> None:
    """No Slack client sends it."""
    dependencies = cast(Dependencies, SimpleNamespace(orders=bot.orders))
    context = FormContext(store_id=bot.store().id)
    sent = request.Request(
        actor=bot.orders.actor(DANA), origin=STORES, delivery_key="k", form=context, fields={"revision": value}
    )
    with pytest.raises(Refused, match="older version of me"):
        submitted(dependencies, sent)


def test_form_that_was_closed_meanwhile_stays_closed(bot: Bot, backup: Backup) -> None:
    said = len(bot.slack.ephemerals("Dana"))
    bot.slack.fault("error", "views.update", code="not_found")
    assert bot.slack.command("Dana", "#stores", "/store rollback my-shop").ok
    bot.slack.wait_for(lambda: counted(bot, "views.update", "not_found"))
    assert len(bot.slack.ephemerals("Dana")) == said


def test_form_that_slack_does_not_show_is_said(bot: Bot, backup: Backup) -> None:
    bot.slack.fault("error", "views.update", code="internal_error")
    assert bot.slack.command("Dana", "#stores", "/store rollback my-shop").ok
    bot.slack.wait_for(lambda: "Slack did not open the form" in bot.whispered())


def record(revision: Revision) -> dict[str, Any]:
    """The Secret in which helm keeps a revision."""
    hook = {"events": ["pre-upgrade"], "manifest": "metadata: {labels: {app.kubernetes.io/component: migration}}"}
    text = helm_records.encode(
        {
            "version": revision.number,
            "info": {"status": revision.status, "last_deployed": "2027-01-15T08:00:00Z", "description": "Upgraded"},
            "chart": {"metadata": {"version": revision.version}},
            "config": revision.values,
            "hooks": [hook],
        }
    )
    return {"metadata": {"labels": {}}, "data": {"release": b64encode(text.encode()).decode()}}


def test_terminal_rolls_back_after_the_name_was_typed(
    bot: Bot, backup: Backup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def answer(request: Request) -> Answer:
        found = map(record, REVISIONS) if request.path == "/api/v1/namespaces/store-my-shop/secrets" else ()
        return 200, {"items": list(found)}

    with serving(answer) as address:
        use_terminal(bot, monkeypatch)
        monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "kubeconfig", address)))
        words = ["rollback", "my-shop", "1", "--no-wait"]
        refused = CliRunner().invoke(main, words, input="another\n").output
        assert "The data goes back to 2027-01-15 08:03 UTC · 12 orders · 40 products" in refused
        assert "Nothing was changed." in refused
        assert "has no revision 8" in CliRunner().invoke(main, ["rollback", "my-shop", "8", "--no-wait"]).output
        assert "Invalid value" in CliRunner().invoke(main, ["rollback", "my-shop", "0", "--no-wait"]).output
        assert bot.queued_jobs() == []
        assert CliRunner().invoke(main, words, input="my-shop\n").exit_code == 0
        assert live_job(bot).arguments == arguments_of(1, "0.9.0", "1.0.0", backup)
        bot.finish("1.0.0")
        done = CliRunner().invoke(main, ["rollback", "my-shop", "--keep-data", "--yes", "--no-wait"])
        assert done.exit_code == 0, done.output
        assert live_job(bot).arguments == arguments_of(2, "0.9.0", "1.0.0", None)

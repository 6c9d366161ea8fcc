"""The bot as people meet it: commands, forms, buttons, threads and App Home, through the whole app."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dev.slack import LocalSlack
from provisioner.domain.errors import Problem
from provisioner.domain.job import EventKind, JobKind
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Limits
from tests.integration.bot_harness import ADA, DANA, OLI, RANDOM, STORES, Bot, running_bot
from tests.waiting import until

TROUBLE = Problem(
    "The image storewright/medusa:0badc0ffee can't be pulled.",
    "No such image.",
    "Correct the tag, then retry.",
    "a log",
)


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    with LocalSlack() as slack, running_bot(tmp_path, slack) as running:
        yield running


@pytest.fixture(scope="module")
def idle_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """For tests that change nothing."""
    with LocalSlack() as slack, running_bot(tmp_path_factory.mktemp("idle"), slack) as running:
        yield running


def ready_store(bot: Bot, name: str = "my-shop", user: str = "Dana") -> dict[str, Any]:
    """Order a store and let it become ready; its root message."""
    assert bot.slack.command(user, "#stores", f"/store create {name}").ok
    bot.finish()
    return bot.root(f"*{name}* is ready")


def buttons(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = [e for b in message["blocks"] if b["type"] == "actions" for e in b["elements"]]
    return {element["action_id"]: element for element in found}


# --- create ------------------------------------------------------------------------------------------------------


def test_a_command_is_answered_at_once_and_followed_in_one_message(bot: Bot) -> None:
    typed_at = time.monotonic()
    ack = bot.slack.command("Dana", "#stores", "/store create my-shop medusa")
    assert ack.ok
    assert "Creating *my-shop* (Medusa)" in ack.json()["text"]
    assert ack.json()["response_type"] == "ephemeral"
    root = bot.root("Creating *my-shop*")
    assert time.monotonic() - typed_at < 1
    job = bot.work("namespace", "secrets")
    bot.slack.wait_for(lambda: "Passwords and keys made" in str(bot.slack.thread(root)), 5, "the first stages")
    for stage in ("release", "database", "application", "storefront", "check"):
        bot.ledger.record(job, EventKind.STARTED, stage)
        bot.ledger.record(job, EventKind.DONE, stage)
    bot.ledger.succeed(job)
    ready = bot.root("*my-shop* is ready after")
    bot.settled()
    assert ready["ts"] == root["ts"]
    assert len(bot.slack.messages("#stores")) == 1
    posts = [m["text"] for m in bot.slack.thread(ready)[1:]]
    assert len(posts) <= 4, "stages that come together are told together"
    assert "".join(posts).count("Namespace made") == 1
    assert "A cart holds a product with a price" in posts[-1]


def test_a_ready_store_offers_its_addresses_and_ways_on(bot: Bot) -> None:
    offered = buttons(ready_store(bot))
    assert offered["open_shop"]["url"] == "http://my-shop.localhost:8081"
    assert offered["open_admin"]["url"] == "http://my-shop.localhost:8081/app"
    assert set(offered) == {"open_shop", "open_admin", "credentials", "delete"}
    assert bot.slack.click("Dana", bot.root("is ready"), "open_shop").ok


def test_the_form_orders_a_store(bot: Bot) -> None:
    assert bot.slack.command("Dana", "#stores", "/store create").ok
    form = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]
    assert bot.slack.submit("Dana", form, {"name": "My Shop", "type": "medusa"}) == {
        "name": "“My Shop” can't be a store's name. A store name has 3 to 30 of a-z, 0-9 and -, starts with a letter "
        "and does not end with -. Try my-shop."
    }
    assert bot.slack.submit("Dana", form, {"name": "my-shop", "type": "medusa"}) is None
    bot.root("Creating *my-shop*")
    bot.slack.wait_for(lambda: "Creating *my-shop* (Medusa)" in bot.whispered())
    assert bot.slack.views("Dana") == []


def create_form(bot: Bot, user: str = "Dana") -> dict[str, Any]:
    assert bot.slack.command(user, "#stores", "/store create").ok
    return dict(bot.slack.wait_for(lambda: bot.slack.views(user))[-1])


def choose_type(bot: Bot, form: dict[str, Any], type_name: str, filled: dict[str, str]) -> dict[str, Any]:
    """The form as it is once another type is chosen in it."""
    assert bot.slack.click("Dana", form, "type", type_name, filled).ok
    changed = bot.slack.wait_for(lambda: [v for v in bot.slack.views("Dana") if v["hash"] != form["hash"]])
    return dict(changed[-1])


def menus(form: dict[str, Any]) -> dict[str, str]:
    """What each menu of the form is preset to, by block."""
    inputs = [block for block in form["blocks"] if block["type"] == "input"]
    return {b["block_id"]: b["element"]["initial_option"]["value"] for b in inputs if "options" in b["element"]}


def test_the_form_asks_the_chosen_types_options_and_keeps_what_is_filled_in(bot: Bot) -> None:
    form = create_form(bot)
    assert menus(form) == {"type": "medusa", "option/medusa/currency": "eur", "option/medusa/color": "#2f6f4f"}
    ocean = {"name": "my-shop", "option/medusa/currency": "usd", "option/medusa/color": "#1f5f8b"}
    plain = choose_type(bot, form, "plain", ocean)
    assert plain["id"] == form["id"]
    assert menus(plain) == {"type": "plain", "option/plain/color": "#1f5f8b"}, "Ocean is a choice of both"
    medusa = choose_type(bot, plain, "medusa", {"option/plain/color": "red"})
    assert menus(medusa) == {"type": "medusa", "option/medusa/currency": "eur", "option/medusa/color": "#2f6f4f"}
    assert bot.slack.submit("Dana", medusa, {"option/medusa/color": "#1f5f8b"}) is None, "the name is still there"
    root = bot.root("Creating *my-shop*")
    assert "Medusa · Euro (€) · Ocean · Asked by" in str(root["blocks"])
    assert bot.store().options == {"currency": "eur", "color": "#1f5f8b"}
    assert bot.store().origin == STORES, "the form still knows where it was opened"


def test_a_form_sent_off_before_it_showed_the_new_types_options_counts_as_it_reads(bot: Bot) -> None:
    form = create_form(bot)
    ocean = {"option/medusa/color": "#1f5f8b", "option/medusa/currency": "usd"}
    assert bot.slack.submit("Dana", form, {"name": "my-shop", "type": "plain", **ocean}) is None
    until("the store", lambda: bot.ledger.store("my-shop"), 8)
    assert bot.store().options == {"color": "#1f5f8b"}


def test_an_option_that_is_no_choice_of_the_new_type_is_told_at_its_field(bot: Bot) -> None:
    form = create_form(bot)
    told = bot.slack.submit("Dana", form, {"name": "my-shop", "type": "plain"})
    assert told == {"option/medusa/color": "“#2f6f4f” is no colour to choose. Choose from: red, Ocean."}


def test_a_form_that_changed_meanwhile_is_left_as_it_is(bot: Bot) -> None:
    form = create_form(bot)
    bot.slack.fault("error", "views.update", code="hash_conflict")
    assert bot.slack.click("Dana", form, "type", "plain").ok
    until("the audit", lambda: [r for r in bot.ledger.audit_rows() if r["detail"] == "type plain"], 8)
    assert bot.slack.views("Dana")[-1]["hash"] == form["hash"]
    assert bot.slack.submit("Dana", form, {"name": "my-shop"}) is None


def test_options_are_chosen_in_a_command_by_value_or_label(bot: Bot) -> None:
    ack = bot.slack.command("Dana", "#stores", "/store create my-shop medusa currency=us dollar color=#1F5F8B")
    assert "Creating *my-shop* (Medusa)" in ack.json()["text"]
    assert "Medusa · US dollar · Ocean · Asked by" in str(bot.root("Creating *my-shop*")["blocks"])
    bot.finish()
    bot.root("*my-shop* is ready")
    assert "US dollar · Ocean" in str(bot.slack.command("Oli", "#stores", "/store status my-shop").json()["blocks"])


def test_the_form_says_inline_what_only_the_ledger_knows(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Oli", "#stores", "/store create")
    form = bot.slack.wait_for(lambda: bot.slack.views("Oli"))[-1]
    told = bot.slack.submit("Oli", form, {"name": "my-shop", "type": "medusa"})
    assert told == {"name": "There is a store called my-shop already. Choose another name."}


def test_twenty_commands_at_once_are_all_acknowledged(bot: Bot) -> None:
    acks = []

    def order(number: int) -> None:
        acks.append(bot.slack.command("Dana", "#stores", f"/store status shop-{number}"))

    threads = [threading.Thread(target=order, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [ack.error for ack in acks] == [None] * 20


# --- failures and retry ------------------------------------------------------------------------------------------


def test_a_failure_is_told_in_the_thread_and_the_failure_channel_and_can_be_retried(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.break_down(TROUBLE)
    root = bot.root("*my-shop* could not be created. The image")
    told = bot.root("could not be created", "#store-failures")
    assert "a log" in str(told["blocks"])
    assert "No such image." in str(told["blocks"])
    assert root["ts"].replace(".", "") in str(told["blocks"]), "a link to the root message"
    bot.slack.wait_for(lambda: ":x: The image" in str(bot.slack.thread(root)))

    assert bot.slack.click("Dana", told, "retry").ok
    bot.slack.wait_for(lambda: "Trying *my-shop* once more" in bot.whispered())
    bot.root("A later attempt took over")
    bot.finish()
    bot.root("*my-shop* is ready")
    solved = bot.root("could not be created", "#store-failures")
    bot.slack.wait_for(lambda: "Solved" in str(bot.root("could not be created", "#store-failures")["blocks"]))
    assert solved["ts"] == told["ts"]


def test_a_second_click_on_retry_changes_nothing(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.break_down(TROUBLE)
    root = bot.root("could not be created")
    bot.settled()
    bot.notifier.stop()
    bot.slack.click("Dana", root, "retry")
    bot.slack.click("Dana", root, "retry")
    bot.slack.wait_for(lambda: "my-shop is being created right now" in bot.whispered())
    assert ("create", "queued", 1) in bot.ledger.counts()["jobs"]


def test_setbacks_are_told_while_they_last(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    job = bot.work("namespace")
    bot.ledger.retry_later(job, Problem("The API is away."), bot.clock() + 3)
    bot.slack.wait_for(lambda: "The API is away. Trying again in 3 s." in str(bot.root("Creating")["blocks"]))


# --- upgrade -----------------------------------------------------------------------------------------------------


def test_an_upgrade_is_ordered_by_command_and_followed_in_one_message(bot: Bot) -> None:
    ready = ready_store(bot)
    said = bot.slack.command("Dana", "#stores", "/store upgrade my-shop").json()["text"]
    assert said == "*my-shop* is on Medusa 1.0.0 already; I'm bringing it up to date with today's settings. " + (
        "I'll post its progress here."
    )
    working = bot.root("Upgrading *my-shop*, as")
    assert {"open_shop", "open_admin", "credentials", "delete"} == set(buttons(working)), "it serves meanwhile"
    bot.root("asked to upgrade it since")
    assert "ready · " in bot.slack.command("Dana", "#stores", "/store list").json()["blocks"][0]["text"]["text"]
    bot.finish()
    done = bot.root("*my-shop* was brought to Medusa 1.0.0 in")
    assert done["ts"] == working["ts"] != ready["ts"]
    bot.slack.wait_for(lambda: "Data migrated and chart installed" in str(bot.slack.thread(done)))


def test_a_store_of_an_older_chart_offers_its_upgrade(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.finish("0.9.0")
    root = bot.root("*my-shop* is ready")
    assert "version 1.0.0 of its chart" in buttons(root)["upgrade"]["confirm"]["text"]["text"]
    bot.slack.open_home("Dana")
    assert "'action_id': 'upgrade'" in str(home(bot, "my-shop")["blocks"])
    assert bot.slack.click("Dana", root, "upgrade").ok
    bot.slack.wait_for(lambda: "Upgrading *my-shop* to Medusa 1.0.0" in bot.whispered())
    bot.root("Upgrading *my-shop* to Medusa 1.0.0, as")
    bot.finish()
    assert "upgrade" not in buttons(bot.root("was brought to Medusa 1.0.0"))


def test_an_upgrade_that_failed_is_told_as_undone_and_can_be_retried(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store upgrade my-shop")
    bot.break_down(TROUBLE, undone=True)
    root = bot.root("*my-shop* could not be upgraded. It is back on Medusa 1.0.0; nothing was lost.")
    assert {"retry", "open_shop", "open_admin", "credentials", "delete"} == set(buttons(root))
    told = bot.root("could not be upgraded", "#store-failures")
    assert "nothing was lost" in told["text"]
    bot.slack.wait_for(lambda: "The former version is back" in str(bot.slack.thread(root)))
    assert bot.slack.click("Dana", told, "retry").ok
    bot.slack.wait_for(lambda: "A later job took over" in str(bot.root("could not be", "#store-failures")["blocks"]))
    bot.finish()
    bot.slack.wait_for(lambda: "Solved" in str(bot.root("could not be", "#store-failures")["blocks"]))
    bot.root("*my-shop* was brought to Medusa 1.0.0")


def test_an_upgrade_is_refused_where_it_makes_no_sense(bot: Bot) -> None:
    def upgrade(user: str = "Dana", name: str = "my-shop") -> str:
        return str(bot.slack.command(user, "#stores", f"/store upgrade {name}").json()["text"])

    bot.slack.command("Dana", "#stores", "/store create my-shop")
    assert "my-shop is being created right now." in upgrade()
    bot.finish()
    assert "belongs to" in upgrade("Oli")
    assert "bringing it up to date" in upgrade("Ada")
    assert "my-shop is being upgraded right now." in upgrade()
    assert "There is no store called “my-shpo”. Did you mean my-shop?" in upgrade(name="my-shpo")


def test_deleting_a_store_that_is_being_upgraded_stops_that(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store upgrade my-shop")
    bot.work("namespace", "secrets")
    form = delete_form(bot, bot.root("Upgrading *my-shop*"))
    bot.slack.submit("Dana", form, {"name": "my-shop"})
    bot.root("Stopped upgrading *my-shop*")
    bot.finish()
    bot.root("*my-shop* is deleted")


# --- delete ------------------------------------------------------------------------------------------------------


def delete_form(bot: Bot, root: dict[str, Any], user: str = "Dana") -> dict[str, Any]:
    bot.slack.click(user, root, "delete")
    views = bot.slack.wait_for(lambda: bot.slack.views(user))
    return dict(views[-1])


def test_delete_asks_for_the_name_says_what_is_lost_and_does_it(bot: Bot) -> None:
    form = delete_form(bot, ready_store(bot))
    assert "orders" in str(form["blocks"][0])
    assert bot.slack.submit("Dana", form, {"name": "my-shpo"}) == {
        "name": "That is not the store's name. Type my-shop exactly, or close this form to keep the store."
    }
    assert bot.ledger.last_job(bot.store().id).kind == JobKind.CREATE  # type: ignore[union-attr]
    assert bot.slack.submit("Dana", form, {"name": "my-shop"}) is None
    bot.root("Deleting *my-shop*")
    bot.finish()
    bot.root("*my-shop* is deleted")
    gone = bot.root("*my-shop* was ready after")
    bot.slack.wait_for(lambda: "deleted it" in bot.root("*my-shop* was ready after")["text"])
    assert not buttons(gone)


def test_delete_by_command_opens_the_same_form(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store delete my-shop")
    form = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]
    assert bot.slack.submit("Dana", form, {"name": "my-shop"}) is None
    bot.root("Deleting *my-shop*, as")


def test_deleting_a_store_that_is_being_created_stops_it(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.work("namespace")
    form = delete_form(bot, bot.root("Creating *my-shop*"))
    bot.slack.submit("Dana", form, {"name": "my-shop"})
    stopped = bot.root("Stopped creating *my-shop*")
    bot.slack.wait_for(lambda: "Stopped:" in str(bot.slack.thread(stopped)))


def delete_unseen(bot: Bot) -> None:
    """The store goes while Slack still shows its old message."""
    bot.settled()
    bot.notifier.stop()
    bot.ledger.order_delete(store_id=bot.store().id, by=ADA, origin=STORES, delivery_key="x", limits=Limits())
    bot.finish()


@pytest.mark.parametrize("action", ["delete", "credentials"])
def test_a_stale_button_tells_who_deleted_the_store_and_its_message_is_told_again(bot: Bot, action: str) -> None:
    root = ready_store(bot)
    delete_unseen(bot)
    assert bot.slack.click("Dana", root, action).ok
    bot.slack.wait_for(lambda: f"was already deleted by <@{ADA}>" in bot.whispered())
    assert bot.slack.views("Dana") == []
    assert "summary" in {entry.kind for entry in bot.ledger.outgoing()}


def test_a_stale_retry_button_is_refused(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.break_down(TROUBLE)
    root = bot.root("could not be created")
    bot.settled()
    bot.notifier.stop()
    assert bot.slack.click("Dana", root, "retry").ok
    bot.finish()
    assert bot.slack.click("Dana", root, "retry").ok
    bot.slack.wait_for(lambda: "nothing to retry for my-shop: it is ready" in bot.whispered())


def test_a_form_left_open_while_the_store_was_deleted_says_so(bot: Bot) -> None:
    form = delete_form(bot, ready_store(bot))
    delete_unseen(bot)
    bot.slack.submit("Dana", form, {"name": "my-shop"})
    assert "no longer exists" in str(bot.slack.views("Dana")[-1]["blocks"])


def test_a_second_submission_of_a_deletion_is_the_same_deletion(bot: Bot) -> None:
    form = delete_form(bot, ready_store(bot))
    bot.slack.submit("Dana", form, {"name": "my-shop"})
    assert bot.slack.replay().ok
    assert ("delete", "queued", 1) in bot.ledger.counts()["jobs"]


# --- rights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["delete", "credentials"])
def test_others_may_click_but_are_refused(bot: Bot, action: str) -> None:
    assert bot.slack.click("Oli", ready_store(bot), action).ok
    bot.slack.wait_for(lambda: f"*my-shop* belongs to <@{DANA}>" in bot.whispered("Oli"))
    assert bot.slack.views("Oli") == []


@pytest.mark.parametrize("command", ["delete my-shop", "credentials my-shop"])
def test_others_commands_are_refused(bot: Bot, command: str) -> None:
    ready_store(bot)
    said = bot.slack.command("Oli", "#stores", f"/store {command}").json()["text"]
    assert f"*my-shop* belongs to <@{DANA}>. Only its owner and administrators may do that." in said
    assert "/s/" not in said


def test_rights_are_checked_again_when_a_form_is_submitted(bot: Bot) -> None:
    ready_store(bot)
    ready_store(bot, "olis-shop", "Oli")
    bot.slack.command("Oli", "#stores", "/store delete olis-shop")
    form = bot.slack.wait_for(lambda: bot.slack.views("Oli"))[-1]
    dana_store = bot.store("my-shop")
    forged = {**form, "private_metadata": form["private_metadata"].replace(bot.store("olis-shop").id, dana_store.id)}
    payload = {
        "type": "view_submission",
        "user": {"id": OLI},
        "team": {"id": "T0LOCAL01"},
        "trigger_id": "1.2.3",
        "view": {**forged, "state": {"values": {"name": {"name": {"type": "plain_text_input", "value": "my-shop"}}}}},
    }
    answer = bot.signed({"payload": json.dumps(payload)})
    assert "belongs to" in answer.text
    assert bot.store("my-shop").status == StoreStatus.READY


def test_administrators_may_manage_every_store(bot: Bot) -> None:
    form = delete_form(bot, ready_store(bot), "Ada")
    assert bot.slack.submit("Ada", form, {"name": "my-shop"}) is None
    bot.root(f"Deleting *my-shop*, as <@{ADA}> asked")


# --- credentials -------------------------------------------------------------------------------------------------


def test_the_link_is_shown_to_its_person_only(bot: Bot) -> None:
    root = ready_store(bot)
    assert bot.slack.click("Dana", root, "credentials").ok
    said = bot.slack.wait_for(lambda: bot.whispered() if "/s/" in bot.whispered() else None)
    assert re.search(rf"<{bot.url}/s/[\w-]{{16}}#[\w-]{{43}}\|Show the admin credentials of my-shop>", said)
    assert bot.whispered("Oli") == ""
    assert "#" not in str(bot.slack.messages("#stores")).replace("#stores", "")


def test_a_replayed_click_mints_no_second_link(bot: Bot) -> None:
    root = ready_store(bot)
    bot.slack.click("Dana", root, "credentials")
    said = bot.slack.wait_for(lambda: bot.whispered() if "/s/" in bot.whispered() else None)
    link_id = said.split("/s/")[1].split("#")[0]
    assert bot.slack.replay().ok
    bot.slack.wait_for(lambda: "You were answered already" in bot.whispered())
    link = bot.ledger.link(link_id)
    assert link is not None
    assert link.revoked_at is None


def test_there_are_no_credentials_before_the_store_was_ready(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    said = bot.slack.command("Dana", "#stores", "/store credentials my-shop").json()["text"]
    assert "*my-shop* has no credentials yet: it is creating" in said


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "/store create my-shop meduza",
            "There is no store type “meduza”. Known types: medusa, plain. Did you mean medusa?",
        ),
        (
            "/store create my-shop currency=uds",
            "“uds” is no currency to choose. Choose from: eur, usd. Did you mean usd?",
        ),
        ("/store create my-shop plain currency=usd", "There is no option “currency”. These can be chosen: color."),
        ("/store create my-shop color=<!here>", "“&lt;!here&gt;” is no colour to choose."),
        ("/store create 🛍️", "can't be a store's name"),
        ("/store create ../etc", "can't be a store's name"),
        ("/store create <!channel>", "“&lt;!channel&gt;” can't be"),
        ("/store create admin", "“admin” is reserved."),
        ("/store destroy my-shop", "I don't know “destroy”."),
        ("/store delet my-shop", "Did you mean /store delete NAME?"),
        ("/store status nope", "There is no store called “nope”."),
        ("/store list twice", "“twice” is too much here. Usage: /store list"),
    ],
)
def test_bad_input_is_answered_at_once_and_changes_nothing(idle_bot: Bot, typed: str, said: str) -> None:
    ack = idle_bot.slack.command("Dana", "#stores", typed)
    assert said in ack.json()["text"]
    assert idle_bot.ledger.stores() == []
    assert idle_bot.slack.messages("#stores") == []


def test_a_near_name_is_suggested(bot: Bot) -> None:
    ready_store(bot)
    assert "Did you mean my-shop?" in bot.slack.command("Dana", "#stores", "/store status my-shpo").json()["text"]


def test_a_name_in_use_is_refused_by_what_its_store_does(bot: Bot) -> None:
    def order() -> str:
        return str(bot.slack.command("Oli", "#stores", "/store create my-shop").json()["text"])

    bot.slack.command("Dana", "#stores", "/store create my-shop")
    assert "A store called my-shop is being created already." in order()
    bot.finish()
    assert "There is a store called my-shop already." in order()
    bot.ledger.order_delete(store_id=bot.store().id, by=DANA, origin=STORES, delivery_key="x", limits=Limits())
    assert "A store called my-shop is being deleted." in order()
    bot.finish()
    assert "Creating *my-shop*" in order()


def test_limits_say_when_the_next_is_free(tmp_path: Path) -> None:
    with LocalSlack() as slack, running_bot(tmp_path, slack, limits=Limits(2, 3)) as bot:
        for name in ("one-shop", "two-shop"):
            slack.command("Dana", "#stores", f"/store create {name}")
        said = slack.command("Dana", "#stores", "/store create three-shop").json()["text"]
        assert "You have 2 stores, and 2 is the most one person may have." in said
        bot.ledger.order_delete(
            store_id=bot.store("one-shop").id, by=DANA, origin=STORES, delivery_key="x", limits=Limits()
        )
        slack.command("Dana", "#stores", "/store create three-shop")
        bot.ledger.order_delete(
            store_id=bot.store("two-shop").id, by=DANA, origin=STORES, delivery_key="y", limits=Limits()
        )
        said = slack.command("Dana", "#stores", "/store create four-shop").json()["text"]
        assert "The next is free in 60 min." in said
        assert "<!date^" in said


def test_a_replayed_command_gives_the_same_answer_and_orders_nothing(bot: Bot) -> None:
    first = bot.slack.command("Dana", "#stores", "/store create my-shop")
    again = bot.slack.replay()
    assert again.body == first.body
    assert ("create", "queued", 1) in bot.ledger.counts()["jobs"]
    bot.settled()
    assert len(bot.slack.messages("#stores")) == 1


def test_a_command_delivered_twice_at_once_orders_one_store(bot: Bot) -> None:
    bot.slack.fault("duplicate")
    assert bot.slack.command("Dana", "#stores", "/store create my-shop").ok
    bot.settled()
    assert ("create", "queued", 1) in bot.ledger.counts()["jobs"]
    assert len(bot.slack.messages("#stores")) == 1


def test_commands_are_answered_while_slacks_web_api_is_away(bot: Bot) -> None:
    bot.slack.fault("server_error", "*", times=0)
    assert "Creating *my-shop*" in bot.slack.command("Dana", "#stores", "/store create my-shop").json()["text"]
    bot.slack.clear_faults()
    bot.root("Creating *my-shop*")


def test_a_form_slack_does_not_open_is_told(bot: Bot) -> None:
    bot.slack.fault("error", "views.open", code="expired_trigger_id")
    assert bot.slack.command("Dana", "#stores", "/store create").ok
    bot.slack.wait_for(lambda: "Slack did not open the form" in bot.whispered())


def test_a_surprise_is_answered_with_an_id_that_the_log_has(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    bot.ledger.addresses = None  # type: ignore[assignment]
    said = bot.slack.command("Dana", "#stores", "/store create my-shop").json()["text"]
    request_id = re.search(r"this id: `(\w+)`", said)
    assert request_id
    assert [row["request_id"] for row in bot.ledger.audit_rows()] == [request_id.group(1)]
    assert "a listener failed" in caplog.text


def test_everything_is_audited(bot: Bot) -> None:
    root = ready_store(bot)
    bot.slack.command("Oli", "#stores", "/store delete my-shop")
    bot.slack.click("Dana", root, "credentials")
    until("three rows", lambda: len(bot.ledger.audit_rows()) == 3, 8)
    rows = [(r["actor"], r["action"], r["store"], r["origin"], r["detail"]) for r in reversed(bot.ledger.audit_rows())]
    value = buttons(root)["credentials"]["value"]
    assert rows == [
        (DANA, "command", "my-shop", STORES, "/store create my-shop"),
        (OLI, "command", "my-shop", STORES, "/store delete my-shop"),
        (DANA, "click", "my-shop", STORES, f"credentials {value}"),
    ]
    outcomes = [str(r["outcome"]).split()[0] for r in reversed(bot.ledger.audit_rows())]
    assert outcomes == ["ordered", "refused:", "link"]
    assert all(r["request_id"] for r in bot.ledger.audit_rows())


# --- where we may not post ---------------------------------------------------------------------------------------


def test_where_the_bot_may_not_post_it_is_told_in_direct_messages(bot: Bot) -> None:
    bot.slack.command("Dana", "#random", "/store create my-shop")
    bot.slack.wait_for(lambda: "so follow *my-shop* in" in bot.whispered(), 5, "the whisper about the move")
    bot.finish()
    bot.slack.wait_for(lambda: "*my-shop* is ready" in str(bot.slack.dms("Dana")))
    bot.settled()
    assert f"I'm not allowed to post in <#{RANDOM}>" in str(bot.slack.dms("Dana"))
    assert "Namespace made" in str(bot.slack.dms("Dana")), "the thread moved along"
    assert bot.slack.messages("#random") == []


# --- App Home ----------------------------------------------------------------------------------------------------


def test_a_store_found_in_the_cluster_has_its_buttons_without_a_job(bot: Bot) -> None:
    ready_store(bot)
    found = replace(bot.store(), id="found", name="found-shop", options={"currency": "usd"})
    assert bot.ledger.adopt(found)
    shown = bot.slack.command("Dana", "#stores", "/store status found-shop").json()
    assert "*found-shop* · Medusa · US dollar · ready" in shown["text"]
    assert {"open_shop", "open_admin", "credentials", "delete"} == set(buttons(shown))
    whisper = bot.slack.ephemerals("Dana", "#stores")[-1]
    bot.slack.click("Dana", whisper, "delete")
    form = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]
    assert bot.slack.submit("Dana", form, {"name": "found-shop"}) is None
    bot.root("Deleting *found-shop*")


def home(bot: Bot, saying: str, user: str = "Dana") -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        shown = bot.slack.home(user)
        return shown if shown and saying in str(shown["blocks"]) else None

    return bot.slack.wait_for(look, 6, f"{saying!r} on {user}'s Home")


def test_home_starts_empty_and_is_kept_current(bot: Bot) -> None:
    bot.slack.open_home("Dana")
    empty = home(bot, "You have no store yet")
    bot.slack.click("Dana", empty, "create")
    form = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]
    assert bot.slack.submit("Dana", form, {"name": "my-shop", "type": "medusa"}) is None
    home(bot, "creating")
    bot.slack.wait_for(lambda: "Creating *my-shop*" in str(bot.slack.dms("Dana")), 5, "the root in the DM")
    bot.break_down(TROUBLE)
    shown = home(bot, "can't be pulled")
    bot.slack.click("Dana", shown, "retry")
    bot.finish()
    home(bot, "http://my-shop.localhost:8081")
    home(bot, "1 of 10 stores used · 9 left")


def test_home_buttons_answer_in_a_form_of_their_own(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.open_home("Dana")
    shown = home(bot, "my-shop")
    bot.slack.click("Dana", shown, "credentials")
    view = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]
    assert "/s/" in str(view["blocks"])
    bot.slack.close("Dana")
    delete_unseen(bot)
    bot.slack.click("Dana", shown, "delete")
    view = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]
    assert "was already deleted" in str(view["blocks"])

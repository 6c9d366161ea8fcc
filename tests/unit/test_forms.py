"""Forms: what they ask, what they preset, and Slack's rules for their blocks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from bot.rendering import forms
from bot.rendering.form_context import FormContext
from bot.rendering.forms import Prefilled, Preflight
from dev.slack.block_validation import check_view
from provisioner.capacity import Capacity, Resources
from provisioner.domain.options import Option
from provisioner.domain.revision import ways_back
from provisioner.domain.store import Addresses
from tests.unit.sample_messages import MESSAGES
from tests.unit.sample_stores import BACKUPS, BEFORE_UPGRADE, CATALOG, MEDUSA, PLAIN, REVISIONS, STORE, catalog_of

ADDRESSES = Addresses("shops.example.com")


def preset_menus(view: dict[str, Any]) -> dict[str, str]:
    """The preset value of each menu of a form, by block id."""
    found = [block for block in view["blocks"] if block.get("element", {}).get("type") == "static_select"]
    return {block["block_id"]: block["element"]["initial_option"]["value"] for block in found}


def test_slack_accepts_every_form() -> None:
    context = FormContext("C0STORES1", "https://hooks.slack.example/" + "x" * 200, "s1")
    create = forms.create_form(CATALOG, ADDRESSES, context).to_dict()
    delete, until = (forms.delete_form(STORE, at, context).to_dict() for at in (None, 1_800_000_000.0))
    for_good = forms.delete_now_form(STORE, context).to_dict()
    many = [replace(BACKUPS[0], id=f"{number:064x}", reason="x" * 80) for number in range(120)]
    restore = forms.restore_form(STORE, many, many[-1], context).to_dict()
    clone = forms.clone_form(STORE, many, ADDRESSES, context, chosen=1).to_dict()
    assert preset_menus(clone) == {"backup": many[0].id}
    assert preset_menus(forms.clone_form(STORE, [], ADDRESSES, context, chosen=1).to_dict()) == {"backup": "now"}
    ways = ways_back("my-shop", REVISIONS, [BEFORE_UPGRADE])
    rollback = forms.rollback_form(STORE, ways, ways[1], context).to_dict()
    waiting = forms.waiting_form("Roll back", "Reading …").to_dict()
    for view in (
        rollback,
        waiting,
        clone,
        create,
        delete,
        until,
        for_good,
        restore,
        forms.notice(MESSAGES["refusal"]).to_dict(),
    ):
        assert check_view(view) == []
    assert FormContext.unpacked(create["private_metadata"]) == context
    assert "my-shop" in str(delete["blocks"][0])
    assert "no way back" in str(delete["blocks"][0])
    assert "/store undelete my-shop" in str(until["blocks"][0])
    assert "all its backups" in str(for_good["blocks"][0])


def test_restore_form_offers_the_backups_and_presets_the_chosen_one_and_a_backup_first() -> None:
    view = forms.restore_form(STORE, BACKUPS, BACKUPS[1], FormContext()).to_dict()
    assert preset_menus(view) == {"backup": BACKUPS[1].id, "first": "yes"}
    assert "is lost: orders" in str(view["blocks"][0])
    assert "31 MB · 12 orders · 40 products" in str(view["blocks"][1])


def test_rollback_form_offers_the_revisions_and_says_what_becomes_of_the_data() -> None:
    ways = ways_back("my-shop", REVISIONS, [BEFORE_UPGRADE])
    view = forms.rollback_form(STORE, ways, ways[1], FormContext()).to_dict()
    assert preset_menus(view) == {"revision": f"1 0.1.0 0.2.0 {BEFORE_UPGRADE.id}", "data": "back"}
    assert "is lost: orders" in str(view["blocks"][0])
    assert "Revision 2 · 0.1.0 · 2027-01-15 05:46 UTC" in str(view["blocks"][1])
    assert "Data of 2027-01-15 07:59 UTC · 12 orders · 40 products" in str(view["blocks"][1])
    alone = forms.rollback_form(STORE, ways_back("my-shop", REVISIONS, []), ways[0], FormContext()).to_dict()
    assert preset_menus(alone) == {"revision": "2 0.1.0 0.2.0 "}
    assert "is lost" not in str(alone)
    assert "The data stays: no backup from before the upgrade" in str(alone["blocks"][1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"store_id": "\u00df" * 400},
        {"channel": "C" * 51},
        {"response_url": 'https://hooks.slack.example/"'},
        {"response_url": "https://hooks.slack.example/" + "x" * 2000},
    ],
)
def test_metadata_that_would_grow_beyond_slacks_limit_is_refused(wrong: dict[str, str]) -> None:
    """Slack takes 3,000 characters; in JSON, one may become six."""
    with pytest.raises(ValidationError):
        FormContext.unpacked(json.dumps(wrong))


def test_longest_metadata_is_within_slacks_limit() -> None:
    longest = {"channel": "C" * 50, "response_url": "https://" + "x" * 1992, "store_id": "s" * 50}
    assert len(FormContext.unpacked(json.dumps(longest)).packed()) < 3000


def test_create_form_asks_for_the_options_of_the_chosen_type() -> None:
    def shown(*given: Any) -> dict[str, Any]:
        view: dict[str, Any] = forms.create_form(CATALOG, ADDRESSES, FormContext(), *given).to_dict()
        assert check_view(view) == []
        return view

    of_all = {"type": "medusa", "option/medusa/color": "#0f0", "expiry": "default"}
    assert preset_menus(shown()) == of_all | {"option/medusa/currency": "eur"}
    assert preset_menus(shown(PLAIN, Prefilled("my-shop", {}))) == {"type": "plain", "expiry": "default"}
    kept = shown(MEDUSA, Prefilled("my-shop", {"currency": "usd", "color": "no colour of this type"}))
    assert preset_menus(kept) == of_all | {"option/medusa/currency": "usd"}
    assert kept["blocks"][0]["element"]["initial_value"] == "my-shop"
    assert [block["block_id"] for block in kept["blocks"] if block.get("dispatch_action")] == ["name", "type"]


def test_create_form_says_what_is_known_before_the_order() -> None:
    def contexts(preflight: Preflight) -> list[str]:
        view = forms.create_form(CATALOG, ADDRESSES, FormContext(), MEDUSA, None, preflight).to_dict()
        return [block["elements"][0]["text"] for block in view["blocks"] if block["type"] == "context"][:-1]

    seconds = [4.0, 5.0, 5.3, 6.0, *[7.0] * 14, 8.0, 60.0]
    free = Preflight("http://my-shop.shops.example.com", owned=2, most=10, seconds=seconds)
    assert contexts(free) == [
        ":white_check_mark: The name is free: http://my-shop.shops.example.com",
        "You have 2 of 10 stores. A Medusa store is usually ready after 7.0 s; 95 of 100 are within 8.0 s.",
    ]
    full = Preflight("", "There is already a store called my-shop.", owned=10, most=10)
    assert contexts(full) == [
        ":x: There is already a store called my-shop.",
        ":no_entry_sign: You have 10 stores, and 10 is the limit for one person.",
    ]


@pytest.mark.parametrize(
    ("free", "text"),
    [
        (Resources(1.0, 2.0 * 1024**3), ":white_check_mark: The cluster has room for one more Medusa store."),
        (
            Resources(0.05, 2.0 * 1024**3),
            ":warning: The cluster is nearly full: a Medusa store requests 480 MiB of memory and 0.15 CPUs, and 2 GiB"
            " of memory and 0.05 CPUs are free. You can create it all the same. It starts if the cluster gets more"
            " nodes soon; otherwise pause a store that nobody needs now: `/store pause NAME`",
        ),
    ],
)
def test_create_form_says_whether_the_cluster_has_room(free: Resources, text: str) -> None:
    preflight = Preflight(capacity=Capacity(Resources(0.15, 480.0 * 1024**2), free))
    view = forms.create_form(CATALOG, ADDRESSES, FormContext(), MEDUSA, None, preflight).to_dict()
    assert check_view(view) == []
    assert text in [block["elements"][0]["text"] for block in view["blocks"] if block["type"] == "context"]
    without = forms.create_form(CATALOG, ADDRESSES, FormContext(), MEDUSA, None, Preflight()).to_dict()
    assert "The cluster" not in str(without)


def test_slack_accepts_the_longest_menus_that_a_type_may_have() -> None:
    option = Option(
        id="o" * 40, label="l" * 75, value="a.b", default="v00", choices={f"v{n:02}": f"{n:075}" for n in range(100)}
    )
    many = replace(MEDUSA, name="m" * 60, options=tuple(option.model_copy(update={"id": f"o{n}"}) for n in range(20)))
    view = forms.create_form(catalog_of(many), ADDRESSES, FormContext()).to_dict()
    assert check_view(view) == []

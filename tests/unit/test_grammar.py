"""What people type after /store, and what we make of it."""

from __future__ import annotations

import pytest

from bot.commands import parser
from bot.commands.parser import (
    Create,
    CreateForm,
    Credentials,
    Delete,
    Help,
    ListStores,
    NotUnderstood,
    Status,
    Upgrade,
)
from provisioner.domain.errors import InvalidName

TYPES = {"medusa", "woocommerce"}


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Help()),
        ("   ", Help()),
        ("help", Help()),
        ("create", CreateForm()),
        ("create my-shop", Create("my-shop")),
        ("create my-shop medusa", Create("my-shop", "medusa")),
        ("CREATE my-shop Medusa", Create("my-shop", "medusa")),
        ("  create   my-shop   woocommerce ", Create("my-shop", "woocommerce")),
        ("create my-shop meduza", Create("my-shop", "meduza")),  # refused, with a hint, where types are looked up
        ("create my-shop currency=usd", Create("my-shop", None, {"currency": "usd"})),
        (
            "create my-shop medusa Currency=USD color=Forest",
            Create("my-shop", "medusa", {"currency": "USD", "color": "Forest"}),
        ),
        (
            "create my-shop country=United States color=#2f6f4f",
            Create("my-shop", None, {"country": "United States", "color": "#2f6f4f"}),
        ),
        (
            "create my-shop color=",
            Create("my-shop", None, {"color": ""}),
        ),  # refused, with the choices, where they are known
        ("list", ListStores()),
        ("List", ListStores()),
        ("status my-shop", Status("my-shop")),
        ("status My-Shop", Status("my-shop")),
        ("upgrade My-Shop", Upgrade("my-shop")),
        ("delete my-shop", Delete("my-shop")),
        ("credentials my-shop", Credentials("my-shop")),
    ],
)
def test_understood(text: str, command: parser.Command) -> None:
    assert parser.parse(text, TYPES) == command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crate my-shop", "I don't know “crate”. Did you mean /store create NAME [TYPE] [OPTION=CHOICE …]?"),
        ("lst", "Did you mean /store list?"),
        ("credential my-shop", "Did you mean /store credentials NAME?"),
        ("xyzzy", "These work: create, list, status, upgrade, delete, credentials, help."),
        ("<script>", "I don't know “<script>”."),
        ("v" * 300, "v" * 39 + "…"),
        ("status", "“status” needs the name of a store. Usage: /store status NAME"),
        ("delete", "Usage: /store delete NAME"),
        ("upgade my-shop", "Did you mean /store upgrade NAME?"),
        ("upgrade my-shop 0.2.0", "“0.2.0” is too much here. Usage: /store upgrade NAME"),
        ("credentials", "Usage: /store credentials NAME"),
        ("list all of them", "“all of them” is too much here. Usage: /store list"),
        ("delete my-shop now", "“now” is too much here. Usage: /store delete NAME"),
        ("create my-shop currency=usd currency=eur", "“currency” is chosen twice. Usage: /store create NAME"),
        (
            "create my-shop medusa please",
            "“please” is too much here. Usage: /store create NAME [TYPE] [OPTION=CHOICE …]",
        ),
    ],
)
def test_not_understood_says_what_would_be(text: str, said: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        parser.parse(text, TYPES)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("create My-Shop", "Try my-shop."),
        ("create My Own Shop medusa currency=usd", "Try my-own-shop."),
        ("create currency=usd", "The store needs a name."),
        ("create My Shop", "Try my-shop."),
        ("create My Own Shop medusa", "Try my-own-shop."),
        ("create café", "Try caf."),
        ("create 🎉party", "Try party."),
        ("create 🎉", "3 to 30"),
        ("create ../../etc/passwd", "Try etc-passwd."),
        ("create a", "3 to 30"),
        ("create " + "a" * 31, "Try " + "a" * 30 + "."),
        ("create " + "a" * 5000, "…” can't be"),
        ("create admin", "Try admin-shop."),
        ("create 9lives", "Try lives."),
        ("create -shop", "Try shop."),
        ("create shop; rm -rf /", "Try shop-rm-rf."),
        ("create $(id)", "can't be a store's name"),
        ("create x.y.z", "Try x-y-z."),
    ],
)
def test_a_bad_name_gets_a_suggestion(text: str, suggestion: str) -> None:
    with pytest.raises(InvalidName) as caught:
        parser.parse(text, TYPES)
    assert suggestion in str(caught.value)

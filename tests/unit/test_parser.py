"""The text after /store as a command with its arguments, and the errors for text that is no command."""

from __future__ import annotations

from typing import Any

import pytest

from bot.commands.create import CreateArguments
from bot.commands.delete import Arguments as DeleteArguments
from bot.commands.list import Filter
from bot.commands.parser import parse
from bot.commands.registry import COMMANDS
from bot.commands.spec import Command, NotUnderstood
from provisioner.domain.errors import InvalidName
from provisioner.domain.store import parse_name

TYPES = {"medusa", "woocommerce"}
CREATE_USAGE = "Usage: /store create NAME [TYPE] [OPTION=CHOICE …]"


def parsed(text: str) -> tuple[Command[Any], Any]:
    return parse(text, COMMANDS, TYPES, lambda word: word in ("my-shop", "https://my-shop.example.com/"))


@pytest.mark.parametrize(
    ("text", "verb", "arguments"),
    [
        ("", "help", None),
        ("   ", "help", None),
        ("help", "help", None),
        ("create", "create", None),
        ("create my-shop", "create", CreateArguments("my-shop")),
        ("create my-shop medusa", "create", CreateArguments("my-shop", "medusa")),
        ("CREATE my-shop Medusa", "create", CreateArguments("my-shop", "medusa")),
        ("  create   my-shop   woocommerce ", "create", CreateArguments("my-shop", "woocommerce")),
        # An unknown type is refused later, with a suggestion.
        ("create my-shop meduza", "create", CreateArguments("my-shop", "meduza")),
        ("create my-shop currency=usd", "create", CreateArguments("my-shop", None, {"currency": "usd"})),
        (
            "create my-shop medusa Currency=USD color=Forest",
            "create",
            CreateArguments("my-shop", "medusa", {"currency": "USD", "color": "Forest"}),
        ),
        (
            "create my-shop country=United States color=#2f6f4f",
            "create",
            CreateArguments("my-shop", None, {"country": "United States", "color": "#2f6f4f"}),
        ),
        # An empty choice is refused later, with the choices.
        ("create my-shop color=", "create", CreateArguments("my-shop", None, {"color": ""})),
        # A type without a name: the form asks for the name.
        ("create medusa", "create", CreateArguments("", "medusa")),
        ("create Medusa currency=usd", "create", CreateArguments("", "medusa", {"currency": "usd"})),
        ("create medusa woocommerce", "create", CreateArguments("", "woocommerce")),
        # The type before the name, or with its name in the form.
        ("create medusa my-shop", "create", CreateArguments("my-shop", "medusa")),
        ("create medusa my-shop color=red", "create", CreateArguments("my-shop", "medusa", {"color": "red"})),
        ("create my-shop type=medusa", "create", CreateArguments("my-shop", "medusa")),
        ("create type=medusa", "create", CreateArguments("", "medusa")),
        # Marks of keyboards and of Slack, and addresses.
        ("create “my-shop” medusa", "create", CreateArguments("my-shop", "medusa")),
        ('create "my-shop" color="Forest"', "create", CreateArguments("my-shop", None, {"color": "Forest"})),
        ("create `my-shop`", "create", CreateArguments("my-shop")),
        ("delete *my-shop*", "delete", DeleteArguments("my-shop")),
        (
            "status <https://my-shop.example.com/app|my-shop.example.com/app>",
            "status",
            "https://my-shop.example.com/app",
        ),
        ("status <https://my-shop.example.com/app>", "status", "https://my-shop.example.com/app"),
        ("status my-shop.example.com", "status", "my-shop.example.com"),
        ("list", "list", Filter()),
        ("List Mine asleep", "list", Filter(status="asleep", mine=True)),
        ("status my-shop", "status", "my-shop"),
        ("status My-Shop", "status", "my-shop"),
        ("upgrade My-Shop", "upgrade", "my-shop"),
        ("retry My-Shop", "retry", "my-shop"),
        ("delete my-shop", "delete", DeleteArguments("my-shop")),
        ("delete my-shop NOW", "delete", DeleteArguments("my-shop", now=True)),
        ("credentials my-shop", "credentials", "my-shop"),
    ],
)
def test_text_becomes_a_command_with_arguments(text: str, verb: str, arguments: object) -> None:
    assert parsed(text) == (COMMANDS[verb], arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crate my-shop", "I don't know “crate”. Did you mean /store create NAME [TYPE] [OPTION=CHOICE …]?"),
        ("lst", "Did you mean /store list [mine | @person] [TYPE] [STATUS]?"),
        ("credential my-shop", "Did you mean /store credentials NAME?"),
        ("upgade my-shop", "Did you mean /store upgrade NAME?"),
        ("retyr my-shop", "Did you mean /store retry NAME?"),
        ("xyzzy", f"The commands are {', '.join(COMMANDS)}. /store help explains them."),
        ("<script>", "I don't know “<script>”."),
        ("v" * 300, "v" * 39 + "…"),
        ("status", "The name of a store is missing. Usage: /store status NAME"),
        ("delete", "Usage: /store delete NAME"),
        ("credentials", "Usage: /store credentials NAME"),
        ("upgrade my-shop 0.2.0", "I didn't expect “0.2.0” here. Usage: /store upgrade NAME"),
        ("list all of them", "“of” is no person, store type or status. I know"),
        ("delete my-shop later", "I didn't expect “later” here. Usage: /store delete NAME [now]"),
        ("create my-shop currency=usd currency=eur", f"“currency” is chosen twice. {CREATE_USAGE}"),
        ("create my-shop medusa please", f"I didn't expect “please” here. {CREATE_USAGE}"),
        ("create currency=usd", f"The name of the store comes first, then its options. {CREATE_USAGE}"),
        ("create currency=usd my-shop", "The name of the store comes first, then its options."),
        ("create delete my-shop", "“delete” is a command. Did you mean /store delete my-shop?"),
        ("create status", f"“status” is a command. {CREATE_USAGE}"),
        ("create <@U0DANA001|dana>", "is a person, and no store."),
        ("create @dana", "“@dana” is a person, and no store."),
        ("delete <#C0STORES1|stores>", "is a channel, and no store. Usage: /store delete NAME"),
        ("delete #stores", "“#stores” is a channel, and no store."),
        ("medusa create x", "I don't know “medusa”. The command comes first. Did you mean /store create x medusa?"),
        ("my-shop delete", "The command comes first. Did you mean /store delete my-shop?"),
        ("my-shop create medusa", "Did you mean /store create my-shop medusa?"),
        ("please delete my-shop", "Did you mean /store delete please my-shop?"),
        ("medusa", "“medusa” is a store type. Did you mean /store create medusa?"),
        ("medusa my-shop", "“medusa” is a store type. Did you mean /store create my-shop medusa?"),
        ("my-shop", "I don't know “my-shop”. It is a store. Did you mean /store status my-shop?"),
        ("<https://my-shop.example.com/>", "It is a store. Did you mean /store status https://my-shop.example.com/?"),
    ],
)
def test_unknown_text_is_refused_with_the_usage(text: str, message: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        parsed(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("verb", COMMANDS)
def test_misspelled_verb_gets_the_registered_one_as_suggestion(verb: str) -> None:
    for typo in (verb[:-1], verb + "e", verb[1] + verb[0] + verb[2:]):
        if typo not in COMMANDS and typo != "est":  # as near to “reset” as to “set”
            with pytest.raises(NotUnderstood, match=f"Did you mean /store {verb}"):
                parsed(typo)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("create My-Shop", "Try my-shop."),
        ("create My Own Shop medusa currency=usd", "Try my-own-shop."),
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
def test_invalid_name_gets_a_suggestion(text: str, suggestion: str) -> None:
    _, arguments = parsed(text)
    with pytest.raises(InvalidName) as caught:
        parse_name(arguments.name)
    assert suggestion in str(caught.value)

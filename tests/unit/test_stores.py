"""Store names and addresses: every refusal names the rule and a valid suggestion."""

import pytest

from provisioner.domain.errors import InvalidName
from provisioner.domain.store import RESERVED, Addresses, parse_name, suggest_name


@pytest.mark.parametrize("name", ["abc", "my-shop", "a1b", "s" + "h" * 29, "shop-2026-11"])
def test_valid_name_is_kept_as_it_is(name: str) -> None:
    assert parse_name(name) == name


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "my-shop"),
        ("ab", ""),
        ("s" * 31, "s" * 30),
        ("My-Shop", "my-shop"),
        ("my shop", "my-shop"),
        ("🛍️ shop", "shop"),
        ("../../etc/passwd", "etc-passwd"),
        ("shop\n", "shop"),
        ("-shop", "shop"),
        ("shop-", "shop"),
        ("1shop", "shop"),
        ("shop_1", "shop-1"),
        ("shop;rm", "shop-rm"),
        ("шоп", ""),
        ("x" * 5000, "x" * 30),
        ("admin", "admin-shop"),
        ("kube-system", "kube-system-shop"),
    ],
)
def test_invalid_name_is_refused_with_a_suggestion(text: str, hint: str) -> None:
    with pytest.raises(InvalidName) as refusal:
        parse_name(text)
    assert hint in str(refusal.value)
    assert len(str(refusal.value)) < 300
    if hint:
        assert parse_name(hint) == hint


def test_every_suggestion_is_a_valid_name() -> None:
    for text in [*RESERVED, "A B C", "--x--y--", "9lives", "_" * 40]:
        if suggestion := suggest_name(text):
            assert parse_name(suggestion) == suggestion


def test_addresses_of_a_new_store_come_from_its_name() -> None:
    local = Addresses("localhost", port=8081)
    assert (local.namespace("my-shop"), local.host("my-shop")) == ("store-my-shop", "my-shop.localhost")
    assert local.release("my-shop") == "my-shop"
    assert local.url("my-shop") == "http://my-shop.localhost:8081"
    assert Addresses("shops.example.com", scheme="https").url("a-b") == "https://a-b.shops.example.com"

"""Store names: what is taken, what is refused, and that every refusal says which rule and what would do."""

import pytest

from provisioner.domain.errors import InvalidName
from provisioner.domain.store import RESERVED, Addresses, parse_name, suggest_name


@pytest.mark.parametrize("name", ["abc", "my-shop", "a1b", "s" + "h" * 29, "shop-2026-11"])
def test_good_names_are_taken_as_they_are(name: str) -> None:
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
def test_bad_names_are_refused_with_a_suggestion(text: str, hint: str) -> None:
    with pytest.raises(InvalidName) as refusal:
        parse_name(text)
    assert hint in str(refusal.value)
    assert len(str(refusal.value)) < 300
    if hint:
        assert parse_name(hint) == hint


def test_no_suggestion_is_itself_refused() -> None:
    for text in [*RESERVED, "A B C", "--x--y--", "9lives", "_" * 40]:
        if suggestion := suggest_name(text):
            assert parse_name(suggestion) == suggestion


def test_addresses_are_derived_from_the_name() -> None:
    local = Addresses("localhost", port=8081)
    assert (local.namespace("my-shop"), local.host("my-shop")) == ("store-my-shop", "my-shop.localhost")
    assert local.url("my-shop") == "http://my-shop.localhost:8081"
    assert Addresses("shops.example.com", scheme="https").url("a-b") == "https://a-b.shops.example.com"

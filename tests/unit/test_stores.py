"""Store names and addresses: every refusal names the rule and a valid suggestion."""

import pytest

from provisioner.domain.errors import InvalidName
from provisioner.domain.store import RESERVED, YAML_VALUES, Addresses, host_in, parse_name, suggest_name


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
        ("wpad", "wpad-shop"),
        ("localhost", "localhost-shop"),
        ("true", "true-shop"),
        ("yes", "yes-shop"),
        ("null", "null-shop"),
        ("xn--abc", "xn-abc"),
        ("ab--shop", "ab-shop"),
        ("xn--", "xn"),
    ],
)
def test_invalid_name_is_refused_with_a_suggestion(text: str, hint: str) -> None:
    with pytest.raises(InvalidName) as refusal:
        parse_name(text)
    assert hint in str(refusal.value)
    assert len(str(refusal.value)) < 300
    if hint and len(hint) > 2:
        assert parse_name(hint) == hint


def test_every_suggestion_is_a_valid_name() -> None:
    for text in [*RESERVED, *YAML_VALUES, "A B C", "--x--y--", "9lives", "_" * 40]:
        if suggestion := suggest_name(text):
            assert parse_name(suggestion) == suggestion


@pytest.mark.parametrize("name", ["a--b", "shop--x", "abc--def", "my-s--hop"])
def test_two_hyphens_are_allowed_where_dns_allows_them(name: str) -> None:
    """RFC 5891, section 4.2.3.1, reserves them in the third and fourth place only."""
    assert parse_name(name) == name


def test_refusal_of_two_hyphens_gives_the_rule_of_dns() -> None:
    with pytest.raises(InvalidName, match="DNS reserves names with -- in the third and fourth place"):
        parse_name("xn--abc")


@pytest.mark.parametrize(
    ("addresses", "longest"),
    [
        (Addresses("shops.example.com"), 30),
        (Addresses("shops.example.com", "https"), 30),
        (Addresses("d" * 40, "https"), 23),  # 64 characters: the common name of a certificate
        (Addresses("d" * 60, "https"), 3),
        (Addresses("d" * 40), 30),
        (Addresses(".".join(["d" * 59] * 4), "http"), 13),  # 253 characters: DNS
    ],
)
def test_longest_name_keeps_dns_and_certificates_happy(addresses: Addresses, longest: int) -> None:
    assert addresses.longest_name == longest
    name = parse_name("n" * longest, addresses.longest_name)
    assert len(addresses.host(name)) <= {"http": 253, "https": 64}[addresses.scheme]
    with pytest.raises(InvalidName, match=f"A store name has 3 to {longest} of a-z"):
        parse_name("n" * (longest + 1), addresses.longest_name)


def test_suggestion_fits_a_long_domain() -> None:
    with pytest.raises(InvalidName, match=r"Try my-very-long\."):
        parse_name("My Very Long Shop", 13)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("my-shop", ""),
        ("my-shop.shops.example.com", "my-shop.shops.example.com"),
        ("https://My-Shop.shops.example.com:8443/app?x#y", "my-shop.shops.example.com"),
        ("http://my-shop.localhost", "my-shop.localhost"),
        ("my-shop.localhost:8081/app", "my-shop.localhost"),
        ("https://[::1", ""),
        ("../etc", ".."),
    ],
)
def test_host_is_found_in_urls_and_addresses(text: str, host: str) -> None:
    assert host_in(text) == host


def test_addresses_of_a_new_store_come_from_its_name() -> None:
    local = Addresses("localhost", port=8081)
    assert (local.namespace("my-shop"), local.host("my-shop")) == ("store-my-shop", "my-shop.localhost")
    assert local.release("my-shop") == "my-shop"
    assert local.url("my-shop") == "http://my-shop.localhost:8081"
    assert Addresses("shops.example.com", scheme="https").url("a-b") == "https://a-b.shops.example.com"

"""A WooCommerce shop for another currency and country, its database elsewhere and reached by TLS; by Helm alone."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster
from provisioner.domain.catalog import Catalog
from tests.e2e import external_database, woocommerce
from tests.e2e.store_release import CHARTS
from tests.e2e.woocommerce import Shop, need_plugin


@pytest.fixture(scope="module")
def elsewhere(cluster: Cluster) -> Iterator[Shop]:
    """A namespace with nothing but a MariaDB, which takes TLS connections with a certificate of its own making."""
    with woocommerce.shop(cluster, "woo-elsewhere") as one:
        external_database.start_database(one, "mariadb", 3306)
        yield one


@pytest.fixture(scope="module")
def shop(cluster: Cluster, elsewhere: Shop) -> Iterator[Shop]:
    """A shop in yen in Japan on that database, once it answers."""
    password = elsewhere.secret["database-password"]
    with woocommerce.shop(cluster, "woo-abroad", **{"database-password": password}) as one:
        external_database.install(one, elsewhere, currency="jpy", country="jp")
        yield one


def test_it_has_no_database_of_its_own_and_speaks_tls_to_the_other(shop: Shop) -> None:
    assert shop.pod("database") == {}
    ask = "connect()->query(\"show status like 'Ssl_version'\")->fetch_row()[1]"
    assert shop.php(f'require "/srv/storewright/database.php"; echo {ask};').startswith("TLS")
    assert "How a bowl begins" in shop.http("/").text


def test_prices_are_in_its_currency(shop: Shop) -> None:
    need_plugin()
    (mug,) = shop.store("/products?slug=stoneware-mug").json()
    assert (mug["prices"]["price"], mug["prices"]["currency_code"], mug["prices"]["currency_minor_unit"]) == (
        "2900",
        "JPY",
        0,
    )
    assert "&yen;</span>2,900" in shop.http("/").text


def test_a_sale_ends_in_its_currency(shop: Shop) -> None:
    need_plugin()
    order = shop.rest(f"/orders/{shop.buy()['order_id']}")
    assert (order["currency"], float(order["total"])) == ("JPY", sum(map(float, _amounts(order))))
    assert "Succeeded" in shop.run("helm", "test", shop.name, "--timeout=120s")


def _amounts(order: dict[str, list[dict[str, str]]]) -> list[str]:
    return [line["total"] for part in ("line_items", "shipping_lines") for line in order[part]]


def test_every_choice_of_the_chart_is_known_to_the_image(shop: Shop) -> None:
    need_plugin()
    code = (
        'require "/srv/storewright/database.php"; require "/srv/storewright/personalise.php";'
        "echo json_encode([array_keys(CURRENCIES), array_keys(json_decode(file_get_contents(FORMATS), true))]);"
    )
    currencies, countries = json.loads(shop.php(code))
    options = {option.id: option.choices for option in Catalog(CHARTS).get("woocommerce").options}
    assert set(options["currency"]) == set(currencies)
    assert {code.upper() for code in options["country"]} <= set(countries)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("STORE_CURRENCY", "xau", "STORE_CURRENCY is xau; it must be one of eur, usd, gbp, "),
        ("STORE_COUNTRY", "xx", "STORE_COUNTRY is XX; it must be one of AD, AE, "),
        ("MARIADB_SSL", "prefer", "MARIADB_SSL is prefer; it must be one of disable, require, verify-full"),
        ("MARIADB_SSL", "verify-full", "certificate verify failed"),
        ("MARIADB_PASSWORD", "guess", "the database refused the connection: Access denied for user 'store'"),
        ("MARIADB_DATABASE", "theirs", "the database refused the connection: Access denied for user 'store'"),
    ],
)
def test_a_start_that_cannot_be_says_why(shop: Shop, variable: str, value: str, reason: str) -> None:
    if variable.startswith("STORE_"):
        need_plugin()
    boot = ["env", f"{variable}={value}", "timeout", "20", "php8.4", "/srv/storewright/boot.php"]
    done = shop.attempt("kubectl", "exec", f"deployment/{shop.name}", "-c", "php", "--", *boot)
    assert done.returncode == 1
    assert reason in done.stderr

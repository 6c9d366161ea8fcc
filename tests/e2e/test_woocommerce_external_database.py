"""A WooCommerce store in another currency and country, with an external database over TLS; installed by Helm alone."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster
from provisioner.domain.catalog import Catalog
from tests.e2e import external_database, woocommerce
from tests.e2e.store_release import CHARTS
from tests.e2e.woocommerce import WooCommerceStore, require_plugin


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[WooCommerceStore]:
    """A namespace with only a MariaDB, which accepts TLS connections with a self-signed certificate."""
    with woocommerce.store(cluster, "woo-elsewhere") as release:
        external_database.start_database(release, "mariadb", 3306)
        yield release


@pytest.fixture(scope="module")
def store(cluster: Cluster, database: WooCommerceStore) -> Iterator[WooCommerceStore]:
    """A store in Japanese yen, in Japan, with that database."""
    password = database.secret["database-password"]
    with woocommerce.store(cluster, "woo-abroad", **{"database-password": password}) as release:
        external_database.install_with_database(release, database, currency="jpy", country="jp")
        yield release


def test_store_uses_only_the_external_database_and_tls(store: WooCommerceStore) -> None:
    assert store.pod("database") == {}
    query = "connect()->query(\"show status like 'Ssl_version'\")->fetch_row()[1]"
    assert store.php(f'require "/srv/storewright/database.php"; echo {query};').startswith("TLS")
    assert "How a bowl begins" in store.request("/").text


def test_prices_are_in_the_stores_currency(store: WooCommerceStore) -> None:
    require_plugin()
    (mug,) = store.store_api("/products?slug=stoneware-mug").json()
    assert (mug["prices"]["price"], mug["prices"]["currency_code"], mug["prices"]["currency_minor_unit"]) == (
        "2900",
        "JPY",
        0,
    )
    assert "&yen;</span>2,900" in store.request("/").text


def test_order_is_in_the_stores_currency(store: WooCommerceStore) -> None:
    require_plugin()
    order = store.rest_api(f"/orders/{store.place_order()['order_id']}")
    assert (order["currency"], float(order["total"])) == ("JPY", sum(map(float, _amounts(order))))
    assert "Succeeded" in store.run("helm", "test", store.name, "--timeout=120s")


def _amounts(order: dict[str, list[dict[str, str]]]) -> list[str]:
    return [line["total"] for part in ("line_items", "shipping_lines") for line in order[part]]


def test_image_knows_every_currency_and_country_of_the_chart(store: WooCommerceStore) -> None:
    require_plugin()
    code = (
        'require "/srv/storewright/database.php"; require "/srv/storewright/personalise.php";'
        "echo json_encode([array_keys(CURRENCIES), array_keys(json_decode(file_get_contents(FORMATS), true))]);"
    )
    currencies, countries = json.loads(store.php(code))
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
def test_start_with_an_unusable_setting_logs_the_reason(
    store: WooCommerceStore, variable: str, value: str, reason: str
) -> None:
    if variable.startswith("STORE_"):
        require_plugin()
    boot = ["env", f"{variable}={value}", "timeout", "20", "php8.4", "/srv/storewright/boot.php"]
    done = store.attempt("kubectl", "exec", f"deployment/{store.name}", "-c", "php", "--", *boot)
    assert done.returncode == 1
    assert reason in done.stderr

"""A Medusa shop ordered for another currency and country, its database elsewhere and reached by TLS; by Helm alone."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cluster import Cluster
from provisioner.domain.catalog import Catalog
from tests.e2e import external_database, medusa
from tests.e2e.external_database import HOST
from tests.e2e.medusa import Shop

PSQL = ["psql", "--username=postgres", "--no-align", "--tuples-only", "--command"]
TLS = ["-c", "ssl=on", "-c", "ssl_cert_file=/tls/tls.crt", "-c", "ssl_key_file=/tls/tls.key"]


@pytest.fixture(scope="module")
def elsewhere(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A namespace with nothing but a PostgreSQL that takes TLS connections, as a hosted one would."""
    with medusa.shop(cluster, "elsewhere") as one:
        certificate = _certificate(tmp_path_factory.mktemp("tls"))
        one.create("Secret", "tls", stringData={file.name: file.read_text() for file in certificate})
        tls = {"secret": {"secretName": "tls", "defaultMode": 0o640}}
        external_database.start_database(one, "postgresql", 5432, *TLS, tls=tls)
        for database in ("theirs", "places owner medusa"):
            one.kubectl("exec", HOST, "--", *PSQL, f"create database {database}", "template1")
        yield one


@pytest.fixture(scope="module")
def shop(cluster: Cluster, elsewhere: Shop) -> Iterator[Shop]:
    """A shop in dollars in the United States on that database, once it answers."""
    password = elsewhere.secret["database-password"]
    with medusa.shop(cluster, "abroad", **{"database-password": password}) as one:
        external_database.install(
            one, elsewhere, currency="usd", country="us", url=f"https://{one.host}"
        )  # TLS ends before it
        yield one


def test_the_window_shows_prices_in_its_currency(shop: Shop) -> None:
    window = shop.http("/").text
    assert "$20.00" in window
    assert "€" not in window


def test_with_tls_its_cart_is_out_of_its_neighbours_reach(shop: Shop) -> None:
    found = re.search(r'name="variant" value="([^"]+)"', shop.http("/products/stoneware-mug").text)
    assert found
    cookie = shop.http("/cart", method="POST", data={"variant": found[1]}).headers["set-cookie"]
    assert cookie.startswith("__Host-cart=cart_")
    assert {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"} <= set(cookie.split("; "))


def test_a_sale_ends_in_its_currency_and_country_alone(shop: Shop) -> None:
    regions = shop.store("/regions")["regions"]
    told = [(r["name"], r["currency_code"], [c["iso_2"] for c in r["countries"]]) for r in regions]
    assert told == [("United States", "usd", ["us"])]
    assert "Succeeded" in shop.run("helm", "test", shop.name, "--timeout=120s")
    assert [order["currency_code"] for order in shop.orders()] == ["usd"]


def test_every_choice_of_the_chart_makes_a_shop_of_that_place(shop: Shop) -> None:
    script = Path(__file__).with_name("currencies_and_countries.cjs").read_text()
    lines = shop.kubectl("exec", "--stdin", f"deployment/{shop.name}", "--", "node", "-", stdin=script).splitlines()
    told = [json.loads(line) for line in lines]
    for place in told:
        assert place["currencies"] == [place["currency"]]
        assert place["countries"] == [place["country"]]
        assert place["exact"]
        assert min(place["prices"]) > 0
    options = {option.id: option.choices for option in Catalog(medusa.CHART.parent).get("medusa").options}
    assert {place["currency"] for place in told} == set(options["currency"])
    assert {place["country"]: place["names"] for place in told} == {
        code: [name] for code, name in options["country"].items()
    }
    mug = {place["currency"]: place["prices"] for place in told}
    assert 18 in mug["eur"]
    assert 2900 in mug["jpy"]


def test_it_has_no_database_of_its_own_and_speaks_tls_to_the_other(shop: Shop, elsewhere: Shop) -> None:
    assert shop.pod("database") == {}
    query = "select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'medusa'"
    assert elsewhere.kubectl("exec", HOST, "--", *PSQL, query, "medusa").split() == ["t"]


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("STORE_CURRENCY", "xau", "STORE_CURRENCY is xau; it must be one of eur, usd, gbp, "),
        ("STORE_COUNTRY", "aq", "STORE_COUNTRY is aq; it must be one of de, at, ch, "),
        ("PGSSLMODE", "prefer", "PGSSLMODE is prefer; it must be one of disable, require, verify-ca, verify-full"),
        ("PGSSLMODE", "verify-full", "refused this store: self-signed certificate"),
        ("PGPASSWORD", "guess", 'refused this store: password authentication failed for user "medusa"'),
        ("PGDATABASE", "theirs", "permission denied for schema public; make medusa the owner of the database theirs"),
    ],
)
def test_a_start_that_cannot_be_says_why(shop: Shop, variable: str, value: str, reason: str) -> None:
    script = f"process.env.{variable} = '{value}'; require('/app/boot.js')"
    done = shop.attempt("kubectl", "exec", f"deployment/{shop.name}", "--", "node", "--eval", script)
    assert done.returncode == 1
    assert reason in json.loads(done.stdout.splitlines()[-1])["message"]


def _certificate(folder: Path) -> list[Path]:
    """Its own authority's, as hosted databases often have: (key, certificate)."""
    key, certificate = folder / "tls.key", folder / "tls.crt"
    name = ["-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={HOST}"]
    openssl = ["openssl", "req", "-x509", *name, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(openssl, check=True, capture_output=True)
    return [key, certificate]

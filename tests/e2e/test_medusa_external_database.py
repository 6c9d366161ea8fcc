"""A Medusa store in another currency and country, with an external database over TLS; installed by Helm alone."""

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
from tests.e2e.medusa import MedusaStore
from tests.e2e.public_address import require_whole_medusa

PSQL = ["psql", "--username=postgres", "--no-align", "--tuples-only", "--command"]
TLS = ["-c", "ssl=on", "-c", "ssl_cert_file=/tls/tls.crt", "-c", "ssl_key_file=/tls/tls.key"]


@pytest.fixture(scope="module")
def database(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MedusaStore]:
    """A namespace with only a PostgreSQL that accepts TLS connections."""
    with medusa.store(cluster, "elsewhere") as release:
        certificate = _certificate(tmp_path_factory.mktemp("tls"))
        release.create_object("Secret", "tls", stringData={file.name: file.read_text() for file in certificate})
        tls = {"secret": {"secretName": "tls", "defaultMode": 0o640}}
        external_database.start_database(release, "postgresql", 5432, *TLS, tls=tls)
        for created in ("theirs", "places owner medusa"):
            release.kubectl("exec", HOST, "--", *PSQL, f"create database {created}", "template1")
        yield release


@pytest.fixture(scope="module")
def store(cluster: Cluster, database: MedusaStore) -> Iterator[MedusaStore]:
    """A store in US dollars, in the United States, with that database."""
    password = database.secret["database-password"]
    with medusa.store(cluster, "abroad", **{"database-password": password}) as release:
        # The store itself speaks HTTP; its URL is that of a proxy with TLS.
        external_database.install_with_database(
            release, database, currency="usd", country="us", url=f"https://{release.host}"
        )
        yield release


def test_home_page_shows_prices_in_the_stores_currency(store: MedusaStore) -> None:
    page = store.request("/").text
    assert "$20.00" in page
    assert "€" not in page


def test_cart_cookie_of_an_https_store_is_bound_to_its_host(store: MedusaStore) -> None:
    found = re.search(r'name="variant" value="([^"]+)"', store.request("/products/stoneware-mug").text)
    assert found
    cookie = store.request("/cart", method="POST", data={"variant": found[1]}).headers["set-cookie"]
    assert cookie.startswith("__Host-cart=cart_")
    assert {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"} <= set(cookie.split("; "))


def test_store_is_whole_at_an_address_where_tls_ends_before_the_ingress(store: MedusaStore) -> None:
    require_whole_medusa(store, f"https://{store.host}")


def test_store_sells_only_in_its_currency_and_country(store: MedusaStore) -> None:
    regions = store.store_api("/regions")["regions"]
    found = [(r["name"], r["currency_code"], [c["iso_2"] for c in r["countries"]]) for r in regions]
    assert found == [("United States", "usd", ["us"])]
    assert "Succeeded" in store.run("helm", "test", store.name, "--timeout=300s")
    assert [order["currency_code"] for order in store.orders()] == ["usd"]


def test_each_currency_and_country_of_the_chart_has_its_own_prices_and_regions(store: MedusaStore) -> None:
    script = Path(__file__).with_name("currencies_and_countries.cjs").read_text()
    lines = store.kubectl("exec", "--stdin", f"deployment/{store.name}", "--", "node", "-", stdin=script).splitlines()
    places = [json.loads(line) for line in lines]
    for place in places:
        assert place["currencies"] == [place["currency"]]
        assert place["countries"] == [place["country"]]
        assert place["exact"]
        assert min(place["prices"]) > 0
    options = {option.id: option.choices for option in Catalog(medusa.CHART.parent).get("medusa").options}
    assert {place["currency"] for place in places} == set(options["currency"])
    assert {place["country"]: place["names"] for place in places} == {
        code: [name] for code, name in options["country"].items()
    }
    mug = {place["currency"]: place["prices"] for place in places}
    assert 18 in mug["eur"]
    assert 2900 in mug["jpy"]


def test_store_uses_only_the_external_database_and_tls(store: MedusaStore, database: MedusaStore) -> None:
    assert store.pod("database") == {}
    query = "select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'medusa'"
    assert database.kubectl("exec", HOST, "--", *PSQL, query, "medusa").split() == ["t"]


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
def test_start_with_an_unusable_setting_logs_the_reason(
    store: MedusaStore, variable: str, value: str, reason: str
) -> None:
    script = f"process.env.{variable} = '{value}'; require('/app/boot.js')"
    done = store.attempt("kubectl", "exec", f"deployment/{store.name}", "--", "node", "--eval", script)
    assert done.returncode == 1
    assert reason in json.loads(done.stdout.splitlines()[-1])["message"]


def _certificate(folder: Path) -> list[Path]:
    """The key and the certificate of a private CA, as hosted databases often have."""
    key, certificate = folder / "tls.key", folder / "tls.crt"
    name = ["-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={HOST}"]
    openssl = ["openssl", "req", "-x509", *name, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(openssl, check=True, capture_output=True)
    return [key, certificate]

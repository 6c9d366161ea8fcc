"""Scheme, host and port of all that WordPress shows come from its own address, wherever TLS ends on the way to it.

The same of Medusa is tested with the stores of test_medusa_storefront.py and test_medusa_external_database.py."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

from dev.cluster import Cluster
from tests.certificate_authority import CertificateAuthority
from tests.e2e import woocommerce
from tests.e2e.public_address import Way, page, require_cookies_for
from tests.e2e.store_release import PNG
from tests.e2e.test_https import traefik
from tests.e2e.woocommerce import WooCommerceStore, has_plugin
from tests.waiting import until

WAYS = {
    "plain": "http://{host}",
    "plain-with-a-port": "http://{host}:8081",
    "tls-at-the-ingress": "https://{host}",
    "tls-before-the-ingress": "https://{host}",
    "tls-before-the-ingress-with-a-port": "https://{host}:8443",
}
Browse = Callable[[WooCommerceStore, str], AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="module")
def browse(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Browse:
    """Opens a browser that reaches a store in one of the WAYS; the store knows its address."""
    folder = tmp_path_factory.mktemp("ways")

    @contextmanager
    def opened(store: WooCommerceStore, way: str) -> Iterator[httpx.Client]:
        url = WAYS[way].format(host=store.host)
        store.kubectl("set", "env", f"deployment/{store.name}", "-c", "php", f"STORE_URL={url}")
        store.kubectl("rollout", "status", f"deployment/{store.name}", "--timeout=90s")
        until("the store answers", store.answers)
        with _way(cluster, folder, store.host, way) as transport:
            yield httpx.Client(base_url=url, transport=transport, timeout=20)

    return opened


@contextmanager
def _way(cluster: Cluster, folder: Path, host: str, way: str) -> Iterator[Way]:
    if way != "tls-at-the-ingress":
        yield Way(cluster.ingress_address)
        return
    authority = CertificateAuthority(folder)
    crt, key = authority.certificate(host)
    with traefik(cluster, folder, certFile=str(crt), keyFile=str(key)) as address:
        way_through = Way(address, ssl.create_default_context(cafile=authority.ca_file))
        until("the second ingress controller serves the store", lambda: _is_served(way_through, host))
        yield way_through


def _is_served(way: Way, host: str) -> bool:
    try:
        return httpx.Client(transport=way).get(f"https://{host}/").status_code != 404
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def wordpress(cluster: Cluster) -> Iterator[WooCommerceStore]:
    with woocommerce.store(cluster, "whole-press") as release:
        release.install(store={"url": WAYS["plain"].format(host=release.host)})
        yield release


@pytest.mark.parametrize("way", WAYS)
def test_wordpress_is_whole_at_its_own_address(wordpress: WooCommerceStore, browse: Browse, way: str) -> None:
    with browse(wordpress, way) as browser:
        url = str(browser.base_url).rstrip("/")
        for path in ("/", "/feed/", "/wp-json/", "/wp-sitemap.xml", "/wp-sitemap-posts-page-1.xml", "/wp-login.php"):
            answer = page(browser, path)
            assert answer.status_code == 200, path
            assert url in answer.text.replace(r"\/", "/"), path
        assert page(browser, "/about").headers["location"] == f"{url}/about/"
        assert page(browser, "/wp-admin/").headers["location"].startswith(f"{url}/wp-login.php?")
        secret = wordpress.secret
        form = {"log": secret["admin-user"], "pwd": secret["admin-password"], "testcookie": "1"}
        login = page(browser, "/wp-login.php", data=form)
        assert (login.status_code, login.headers["location"]) == (302, f"{url}/wp-admin/")
        require_cookies_for(browser, login)
        for path in ("/wp-admin/", "/wp-admin/edit.php", "/wp-admin/options-general.php", "/wp-admin/site-editor.php"):
            assert page(browser, path).status_code == 200, path
        assert _upload(browser).startswith(f"{url}/wp-content/uploads/")
        if has_plugin():
            good = page(browser, "/wp-json/wc/store/v1/products?per_page=1").json()[0]
            assert good["permalink"].startswith(f"{url}/")
            assert wordpress.orders() == wordpress.orders()


def _upload(browser: httpx.Client) -> str:
    """Upload a picture as the owner; returns its address."""
    nonce = re.search(r'createNonceMiddleware\( "(\w+)"', page(browser, "/wp-admin/post-new.php").text)
    assert nonce
    disposition = 'attachment; filename="dot.png"'
    headers = {"X-WP-Nonce": nonce[1], "Content-Disposition": disposition, "Content-Type": "image/png"}
    made = page(browser, "/wp-json/wp/v2/media", headers=headers, content=PNG)
    assert made.status_code == 201, made.text
    return str(made.json()["source_url"])


def test_wordpress_starts_when_its_home_page_is_closed(wordpress: WooCommerceStore) -> None:
    """The owner made a page the home page and deleted it: the shop answers 404 there, and starts all the same."""
    missing = 'update_option("show_on_front", "page"); update_option("page_on_front", 999999);'
    wordpress.php(f'$_SERVER["REQUEST_URI"] = "/"; require "/srv/wordpress/wp-load.php"; {missing}')
    assert wordpress.request("/").status_code == 404
    wordpress.kubectl("rollout", "restart", f"deployment/{wordpress.name}")
    wordpress.kubectl("rollout", "status", f"deployment/{wordpress.name}", "--timeout=90s")

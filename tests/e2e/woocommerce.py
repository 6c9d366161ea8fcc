"""A WooCommerce shop installed by Helm alone, with what its tests do to it: as an operator, its owner and its shoppers.

Where the plugin is not to be had, the image is WordPress alone: what needs the plugin is skipped and says so."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from dev import images
from dev.cluster import Cluster
from tests.e2e.store_release import Release, namespace

WITHOUT = "SKIP: WooCommerce not available (set WOOCOMMERCE_SRC)"
ADDRESS = {
    "first_name": "Ada",
    "last_name": "L",
    "address_1": "1 Test Street",
    "city": "Testville",
    "postcode": "10115",
    "country": "DE",
    "email": "ada@example.com",
    "phone": "030123456",
}


def has_plugin() -> bool:
    """Whether the image that was built here has the WooCommerce plugin."""
    return bool(images.build_store_images()["woocommerce"]["image"].get("woocommerce", True))


def need_plugin() -> None:
    """Skip what can't be tried without the plugin."""
    if not has_plugin():
        pytest.skip(WITHOUT)


@dataclass(frozen=True)
class Shop(Release):
    """A WooCommerce shop, or a WordPress without one."""

    type = "woocommerce"

    def sql(self, query: str) -> list[str]:
        """The lines that the database prints, without a heading, as its superuser."""
        mariadb = ["mariadb", "--socket=/run/mysqld/mysqld.sock", "--batch", "--skip-column-names", "--execute", query]
        return self.kubectl("exec", f"statefulset/{self.name}-database", "--", *mariadb, "store").splitlines()

    @contextmanager
    def admin(self, password: str = "") -> Iterator[httpx.Client]:
        """A browser that is logged in to the admin as its owner. Fails, with what it is told, if it is not let in."""
        with self.cluster.client(self.host, timeout=20) as browser:
            browser.get("/wp-login.php")
            known = {"log": self.secret["admin-user"], "pwd": password or self.secret["admin-password"]}
            answer = browser.post("/wp-login.php", data={**known, "testcookie": "1"})
            told = re.search(r'id="login_error".*?</div>', answer.text, re.DOTALL)
            assert answer.status_code == 302, told and re.sub(r"<[^>]+>", "", told[0])
            yield browser

    def upload(self, name: str, content: bytes) -> str:
        """The path under which the site serves a picture its owner uploaded; its address must be the shop's."""
        with self.admin() as owner:
            found = re.search(r'createNonceMiddleware\( "(\w+)"', owner.get("/wp-admin/post-new.php").text)
            assert found
            headers = {
                "X-WP-Nonce": found[1],
                "Content-Disposition": f'attachment; filename="{name}"',
                "Content-Type": "image/png",
            }
            answer = owner.post("/wp-json/wp/v2/media", headers=headers, content=content)
        assert answer.status_code == 201, answer.text
        address = str(answer.json()["source_url"])
        assert address.startswith(f"{self.url}/wp-content/uploads/")
        return address.removeprefix(self.url)

    def store(self, path: str, token: str = "", **options: Any) -> httpx.Response:
        """What the Store API answers to a shopper who has that cart."""
        answer = self.http(f"/wp-json/wc/store/v1{path}", headers={"Cart-Token": token} if token else {}, **options)
        assert answer.status_code in (200, 201), answer.text
        return answer

    def php(self, code: str) -> str:
        """What a piece of PHP prints in the shop's container."""
        return self.kubectl("exec", f"deployment/{self.name}", "-c", "php", "--", "php8.4", "-r", code)

    def rest(self, path: str) -> Any:
        """What the REST API answers to its owner's programs; from within, because it wants https."""
        visitor = (
            'require "/srv/storewright/visitor.php"; $v = new Visitor("http://127.0.0.1:8080", getenv("STORE_URL"));'
        )
        ask = f'echo json_encode($v->shop_api("{path}", getenv("API_KEY"), getenv("API_SECRET")));'
        return json.loads(self.php(visitor + ask))

    def good(self) -> dict[str, Any]:
        """Something that is in stock."""
        return dict(self.store("/products?per_page=1&stock_status=instock&type=simple").json()[0])

    def buy(self) -> dict[str, Any]:
        """One order of it, paid on delivery, as its shopper is told of it."""
        token = self.store("/cart").headers["Cart-Token"]
        self.store("/cart/add-item", token, json={"id": self.good()["id"], "quantity": 1})
        whose = {"billing_address": ADDRESS, "shipping_address": ADDRESS}
        order = self.store("/checkout", token, json={**whose, "payment_method": "cod"}).json()
        assert order["payment_result"]["payment_status"] == "success", order
        return dict(order)

    def orders(self) -> list[int]:
        """The numbers of all orders, by the REST API."""
        return sorted(order["id"] for order in self.rest("/orders?per_page=100"))


@contextmanager
def shop(cluster: Cluster, name: str, **secret: str) -> Iterator[Shop]:
    """A shop's namespace with its Secret, of which `secret` replaces parts, for a while."""
    content = {key: secrets.token_hex(24) for key in ("admin-password", "database-password", "salt")}
    content |= {"admin-user": "ada", "admin-email": "ada@example.com"}
    content |= {"api-key": f"ck_{secrets.token_hex(32)}", "api-secret": f"cs_{secrets.token_hex(12)}"} | secret
    one = Shop(cluster, name, f"{name}-{secrets.token_hex(3)}", content)
    with namespace(one):
        yield one

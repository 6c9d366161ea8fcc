"""A WooCommerce store that Helm alone installed, with the actions of an operator, its owner and its shoppers.

Without the plugin, the image is WordPress alone, and tests that need the plugin are skipped with SKIP_REASON."""

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
from tests.e2e.store_release import StoreRelease, store_namespace

SKIP_REASON = "SKIP: WooCommerce not available (set WOOCOMMERCE_SRC)"
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
    """Return whether the built image has the WooCommerce plugin."""
    return bool(images.build_store_images()["woocommerce"]["image"].get("woocommerce", True))


def require_plugin() -> None:
    """Skip the test if the image has no plugin."""
    if not has_plugin():
        pytest.skip(SKIP_REASON)


@dataclass(frozen=True)
class WooCommerceStore(StoreRelease):
    """A release of the WooCommerce chart, with or without the plugin."""

    type = "woocommerce"

    def sql(self, query: str) -> list[str]:
        """The lines that the database prints for a query of its superuser, without a heading."""
        mariadb = ["mariadb", "--socket=/run/mysqld/mysqld.sock", "--batch", "--skip-column-names", "--execute", query]
        return self.kubectl("exec", f"statefulset/{self.name}-database", "--", *mariadb, "store").splitlines()

    @contextmanager
    def admin_session(self, password: str = "") -> Iterator[httpx.Client]:
        """An HTTP client that is logged in to the admin as the owner.

        Raises AssertionError with WordPress's message if the login is refused."""
        with self.cluster.client(self.host, timeout=20) as client:
            client.get("/wp-login.php")
            credentials = {"log": self.secret["admin-user"], "pwd": password or self.secret["admin-password"]}
            answer = client.post("/wp-login.php", data={**credentials, "testcookie": "1"})
            error = re.search(r'id="login_error".*?</div>', answer.text, re.DOTALL)
            assert answer.status_code == 302, error and re.sub(r"<[^>]+>", "", error[0])
            yield client

    @contextmanager
    def rest_session(self) -> Iterator[httpx.Client]:
        """An HTTP client that may use the REST API as the owner, as the pages of the admin do."""
        with self.admin_session() as client:
            client.headers["X-WP-Nonce"] = client.get("/wp-admin/admin-ajax.php?action=rest-nonce").text
            yield client

    def upload(self, name: str, content: bytes) -> str:
        """Upload a picture as the owner; returns its path. Fails if its URL is not the store's."""
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": "image/png"}
        with self.rest_session() as owner:
            answer = owner.post("/wp-json/wp/v2/media", headers=headers, content=content)
        assert answer.status_code == 201, answer.text
        address = str(answer.json()["source_url"])
        assert address.startswith(f"{self.url}/wp-content/uploads/")
        return address.removeprefix(self.url)

    def store_api(self, path: str, token: str = "", **options: Any) -> httpx.Response:
        """The Store API's answer to the shopper whose cart has the token `token`."""
        answer = self.request(f"/wp-json/wc/store/v1{path}", headers={"Cart-Token": token} if token else {}, **options)
        assert answer.status_code in (200, 201), answer.text
        return answer

    def php(self, code: str) -> str:
        """The output of PHP code in the store's container."""
        return self.kubectl("exec", f"deployment/{self.name}", "-c", "php", "--", "php8.4", "-r", code)

    def rest_api(self, path: str) -> Any:
        """The REST API's answer to the owner's key. The request comes from the container: outside, it needs HTTPS."""
        visitor = (
            'require "/srv/storewright/visitor.php"; $v = new Visitor("http://127.0.0.1:8080", getenv("STORE_URL"));'
        )
        key, password = self.secret["api-key"], self.secret["api-secret"]
        request = f'echo json_encode($v->shop_api("{path}", "{key}", "{password}"));'
        return json.loads(self.php(visitor + request))

    def product_in_stock(self) -> dict[str, Any]:
        return dict(self.store_api("/products?per_page=1&stock_status=instock&type=simple").json()[0])

    def place_order(self) -> dict[str, Any]:
        """Order one product with payment on delivery; returns the order as its shopper sees it."""
        token = self.store_api("/cart").headers["Cart-Token"]
        self.store_api("/cart/add-item", token, json={"id": self.product_in_stock()["id"], "quantity": 1})
        addresses = {"billing_address": ADDRESS, "shipping_address": ADDRESS}
        order = self.store_api("/checkout", token, json={**addresses, "payment_method": "cod"}).json()
        assert order["payment_result"]["payment_status"] == "success", order
        return dict(order)

    def orders(self, status: str = "any") -> list[int]:
        """The ids of the orders, sorted."""
        return sorted(order["id"] for order in self.rest_api(f"/orders?per_page=100&status={status}"))


@contextmanager
def store(cluster: Cluster, name: str, **secret: str) -> Iterator[WooCommerceStore]:
    """A store that is not installed yet: its namespace, and its Secret with the changes `secret`."""
    content = {key: secrets.token_hex(24) for key in ("admin-password", "database-password", "salt")}
    content |= {"admin-user": "ada", "admin-email": "ada@example.com"}
    content |= {"api-key": f"ck_{secrets.token_hex(32)}", "api-secret": f"cs_{secrets.token_hex(12)}"} | secret
    release = WooCommerceStore(cluster, name, f"{name}-{secrets.token_hex(3)}", content)
    with store_namespace(release):
        yield release

"""A Medusa shop installed by Helm alone, with what its tests do to it: as an operator, its owner and its shoppers."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from dev.cluster import Cluster
from tests.e2e.store_release import CHARTS, Release, namespace

CHART = CHARTS / "medusa"
ADDRESS = {
    "first_name": "Ada",
    "last_name": "L",
    "address_1": "1 Test Street",
    "city": "Testville",
    "postal_code": "10115",
}


@dataclass(frozen=True)
class Shop(Release):
    """A Medusa shop."""

    type = "medusa"

    def sql(self, query: str) -> list[str]:
        """The lines that psql prints, without a heading, as the superuser of the shop's own database."""
        psql = ["psql", "--username=postgres", "--no-align", "--tuples-only", "--quiet", "--command", query, "medusa"]
        return self.kubectl("exec", f"statefulset/{self.name}-database", "--", *psql).splitlines()

    def login(self) -> str:
        """The owner's token. Fails if the credentials of the Secret do not open the admin."""
        known = {"email": self.secret["admin-email"], "password": self.secret["admin-password"]}
        answer = self.http("/auth/user/emailpass", json=known)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def admin(self, path: str, **options: Any) -> dict[str, Any]:
        """What the Admin API answers to its owner."""
        return _content(self.http(f"/admin{path}", headers={"Authorization": f"Bearer {self.login()}"}, **options))

    def orders(self) -> list[dict[str, Any]]:
        return list(self.admin("/orders?limit=1000&fields=id,total,currency_code")["orders"])

    def upload(self, name: str, content: bytes) -> str:
        """The path under which the shop serves a picture its owner uploaded; its address must be the shop's."""
        address = str(self.admin("/uploads", files={"files": (name, content, "image/png")})["files"][0]["url"])
        assert address.startswith(f"{self.url}/static/")
        return address.removeprefix(self.url)

    def store(self, path: str, **options: Any) -> dict[str, Any]:
        """What the Store API answers to a shopper."""
        return _content(
            self.http(f"/store{path}", headers={"x-publishable-api-key": self.secret["publishable-key"]}, **options)
        )

    def buy(self) -> dict[str, Any]:
        """One order of some product that is in stock, as its shopper is told of it."""
        region = self.store("/regions")["regions"][0]
        products = self.store("/products?fields=*variants,%2Bvariants.inventory_quantity")["products"]
        in_stock = [v["id"] for product in products for v in product["variants"] if v["inventory_quantity"] > 0]
        items = [{"variant_id": secrets.choice(in_stock), "quantity": 1}]
        address = ADDRESS | {"country_code": region["countries"][0]["iso_2"]}
        whose = {"email": "ada@example.com", "shipping_address": address, "billing_address": address}
        cart = self.store("/carts", json={"region_id": region["id"], "items": items, **whose})["cart"]["id"]
        option = self.store(f"/shipping-options?cart_id={cart}")["shipping_options"][0]["id"]
        self.store(f"/carts/{cart}/shipping-methods", json={"option_id": option})
        payment = self.store("/payment-collections", json={"cart_id": cart})["payment_collection"]["id"]
        self.store(f"/payment-collections/{payment}/payment-sessions", json={"provider_id": "pp_system_default"})
        done = self.store(f"/carts/{cart}/complete", json={})
        assert done["type"] == "order", done
        return dict(done["order"])


@contextmanager
def shop(cluster: Cluster, name: str, **secret: str) -> Iterator[Shop]:
    """A shop's namespace with its Secret, of which `secret` replaces parts, for a while."""
    keys = ["admin-password", "database-password", "jwt-secret", "cookie-secret"]
    content = {key: secrets.token_hex(24) for key in keys}
    content |= {"admin-email": "ada@example.com", "publishable-key": f"pk_{secrets.token_hex(32)}"} | secret
    one = Shop(cluster, name, f"{name}-{secrets.token_hex(3)}", content)
    with namespace(one):
        yield one


def _content(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json())

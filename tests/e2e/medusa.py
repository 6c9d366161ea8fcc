"""A Medusa store that Helm alone installed, with the actions of an operator, its owner and its shoppers."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from dev.cluster import Cluster
from tests.e2e.store_release import CHARTS, StoreRelease, store_namespace

CHART = CHARTS / "medusa"
ADDRESS = {
    "first_name": "Ada",
    "last_name": "L",
    "address_1": "1 Test Street",
    "city": "Testville",
    "postal_code": "10115",
}


@dataclass(frozen=True)
class Offer:
    """What a store sells: ids of its region, of a country there, and of the variants in stock."""

    region: str
    country: str
    variants: list[str]


@dataclass(frozen=True)
class MedusaStore(StoreRelease):
    """A release of the Medusa chart."""

    type = "medusa"

    def sql(self, query: str) -> list[str]:
        """The lines that psql prints for a query of the store's database, without a heading."""
        psql = ["psql", "--username=postgres", "--no-align", "--tuples-only", "--quiet", "--command", query, "medusa"]
        return self.kubectl("exec", f"statefulset/{self.name}-database", "--", *psql).splitlines()

    def log_in(self) -> str:
        """Log in to the admin with the credentials of the Secret; returns the owner's token."""
        credentials = {"email": self.secret["admin-email"], "password": self.secret["admin-password"]}
        answer = self.request("/auth/user/emailpass", json=credentials)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    @cached_property
    def _token(self) -> str:
        """The owner's token for a day. Each login costs the store a slow hash."""
        return self.log_in()

    def admin_api(self, path: str, **options: Any) -> dict[str, Any]:
        """The Admin API's answer to the owner."""
        return _content(self.request(f"/admin{path}", headers={"Authorization": f"Bearer {self._token}"}, **options))

    def orders(self) -> list[dict[str, Any]]:
        return list(self.admin_api("/orders?limit=1000&fields=id,total,currency_code")["orders"])

    def upload(self, name: str, content: bytes) -> str:
        """Upload a picture as the owner; returns its path. Fails if its URL is not the store's."""
        address = str(self.admin_api("/uploads", files={"files": (name, content, "image/png")})["files"][0]["url"])
        assert address.startswith(f"{self.url}/static/")
        return address.removeprefix(self.url)

    def store_api(self, path: str, **options: Any) -> dict[str, Any]:
        """The Store API's answer to a shopper."""
        return _content(
            self.request(f"/store{path}", headers={"x-publishable-api-key": self.secret["publishable-key"]}, **options)
        )

    def stock_up(self) -> None:
        """Put 10,000 pieces of each product in stock."""
        self.sql("""update inventory_level set stocked_quantity = 10000, raw_stocked_quantity = '{"value": "10000"}'""")

    def offer(self) -> Offer:
        region = self.store_api("/regions")["regions"][0]
        products = self.store_api("/products?fields=*variants,%2Bvariants.inventory_quantity")["products"]
        in_stock = [v["id"] for product in products for v in product["variants"] if v["inventory_quantity"] > 0]
        return Offer(region["id"], region["countries"][0]["iso_2"], in_stock)

    def place_order(self, offer: Offer | None = None) -> dict[str, Any]:
        """Order a random product of `offer`, or of what is on offer now; returns the order as its shopper sees it."""
        offer = offer or self.offer()
        items = [{"variant_id": secrets.choice(offer.variants), "quantity": 1}]
        address = ADDRESS | {"country_code": offer.country}
        customer = {"email": "ada@example.com", "shipping_address": address, "billing_address": address}
        cart = self.store_api("/carts", json={"region_id": offer.region, "items": items, **customer})["cart"]["id"]
        option = self.store_api(f"/shipping-options?cart_id={cart}")["shipping_options"][0]["id"]
        self.store_api(f"/carts/{cart}/shipping-methods", json={"option_id": option})
        payment = self.store_api("/payment-collections", json={"cart_id": cart})["payment_collection"]["id"]
        self.store_api(f"/payment-collections/{payment}/payment-sessions", json={"provider_id": "pp_system_default"})
        done = self.store_api(f"/carts/{cart}/complete", json={})
        assert done["type"] == "order", done
        return dict(done["order"])


@contextmanager
def store(cluster: Cluster, name: str, **secret: str) -> Iterator[MedusaStore]:
    """A store that is not installed yet: its namespace, and its Secret with the changes `secret`."""
    keys = ["admin-password", "database-password", "jwt-secret", "cookie-secret"]
    content = {key: secrets.token_hex(24) for key in keys}
    content |= {"admin-email": "ada@example.com", "publishable-key": f"pk_{secrets.token_hex(32)}"} | secret
    release = MedusaStore(cluster, name, f"{name}-{secrets.token_hex(3)}", content)
    with store_namespace(release):
        yield release


def _content(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json())

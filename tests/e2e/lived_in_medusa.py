"""A Medusa store that people have lived in."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from tests.e2e.lived_in import OWN_PRODUCT, LivedInStore
from tests.e2e.medusa import MedusaStore
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.store_release import PNG
from tests.e2e.storefront import set_sellable

OTHER_OWNER = "eve@example.com"


class LivedInMedusa(LivedInStore[MedusaStore]):
    """A Medusa store with an order and a picture."""

    release = MedusaStore
    container = "medusa"
    settings: ClassVar = {"color": "ocean"}
    breaking_migration = (
        "node",
        "-e",
        """const client = new (require("pg").Client)();
        const rename = () => client.query("alter table product rename to former_product");
        client.connect().then(rename).then(() => client.end())""",
    )
    sold_out = "/line-items answered 400"
    changed = closed = "GET /store/regions"

    def __init__(self, harness: ProvisionerHarness) -> None:
        super().__init__(harness)
        self.shop.stock_up()
        self._offer = self.shop.offer()
        self.picture = self.shop.upload("dot.png", PNG)
        self.orders.add(self.buy())

    def stock_up(self) -> None:
        self.shop.stock_up()

    def buy(self) -> str:
        return str(self.shop.place_order(self._offer)["id"])

    def visit(self) -> None:
        self.shop.store_api("/products?limit=1&fields=id")

    def sell_out(self) -> None:
        for item in self.shop.admin_api("/inventory-items?limit=200&fields=sku")["inventory_items"]:
            set_sellable(self.shop, item["sku"], 0)

    def change_everything(self) -> None:
        self._sell_own_products_only()
        self._rotate_key()
        self._change_owner()

    def _sell_own_products_only(self) -> None:
        """Delete the samples, and offer one product of one's own that is not in stock.

        Medusa deletes no product with a reservation, which an open order has."""
        admin_api = self.shop.admin_api
        for reservation in admin_api("/reservations?limit=1000&fields=id")["reservations"]:
            admin_api(f"/reservations/{reservation['id']}", method="DELETE")
        products = admin_api("/products?limit=100&fields=id,sales_channels.id,shipping_profile.id")["products"]
        channel, profile = products[0]["sales_channels"][0]["id"], (products[0].get("shipping_profile") or {}).get("id")
        for product in products:
            admin_api(f"/products/{product['id']}", method="DELETE")
        variant = {"title": "One", "options": {"Size": "M"}, "prices": [{"amount": 30, "currency_code": "eur"}]}
        bowl: dict[str, Any] = {
            "title": OWN_PRODUCT, "status": "published", "sales_channels": [{"id": channel}],
            "options": [{"title": "Size", "values": ["M"]}], "variants": [variant],
        }  # fmt: skip
        admin_api("/products", json=bowl | ({"shipping_profile_id": profile} if profile else {}))

    def _rotate_key(self) -> None:
        """Revoke the storefront's key, and make another."""
        (key,) = self.shop.admin_api("/api-keys?type=publishable")["api_keys"]
        self.shop.admin_api(f"/api-keys/{key['id']}/revoke", json={})
        self.shop.admin_api("/api-keys", json={"title": "Mobile app", "type": "publishable"})

    def _change_owner(self) -> None:
        """Invite another person, who then deletes the first account."""
        (first,) = self.shop.admin_api("/users")["users"]
        login = {"email": OTHER_OWNER, "password": secrets.token_hex(12)}
        invite = self.shop.admin_api("/invites", json={"email": login["email"]})["invite"]
        token = self.shop.request("/auth/user/emailpass/register", json=login).json()["token"]
        accepted = self.shop.request(
            f"/admin/invites/accept?token={invite['token']}",
            headers={"Authorization": f"Bearer {token}"},
            json={"email": login["email"], "first_name": "Eve", "last_name": "Owner"},
        )
        assert accepted.status_code == 200, accepted.text
        changed = {"admin-email": login["email"], "admin-password": login["password"]}
        self.shop = replace(self.shop, secret=self.shop.secret | changed)
        self.shop.admin_api(f"/users/{first['id']}", method="DELETE")

    def close(self) -> None:
        """Disable the only sales channel."""
        (channel,) = self.shop.admin_api("/sales-channels")["sales_channels"]
        self.shop.admin_api(f"/sales-channels/{channel['id']}", json={"is_disabled": True})

    def scatter_address(self) -> None:
        host, url = self.shop.host, self.shop.url
        note = json.dumps(
            {"link": f"{url}/a?b", "lines": f"first\n{host}", "like": f"my-{host}", "list": [{"to": url}]}
        )
        self.shop.sql(f"update product set metadata = '{note}', description = 'See {url}/, or {host}.'")  # noqa: S608

    def dump(self, shop: MedusaStore) -> str:
        command = ("exec", f"statefulset/{shop.name}-database", "--", "pg_dump", "--username=postgres", "medusa")
        return shop.kubectl(*command)

    def require_own(self, clone: MedusaStore) -> None:
        assert self.orders <= {order["id"] for order in clone.orders()}
        assert clone.store_api("/products")["products"]
        for region in clone.admin_api("/regions?fields=payment_providers.id")["regions"]:
            assert not region["payment_providers"]
        assert clone.request("/robots.txt").text == "User-agent: *\nDisallow: /\n"
        assert "noindex" in clone.request("/").text
        keys = [
            key["token"] for key in clone.admin_api("/api-keys?type=publishable")["api_keys"] if not key["revoked_at"]
        ]
        assert keys == [clone.secret["publishable-key"]]

    def require_settings(self) -> None:
        assert '<meta name="theme-color" content="#1f5f8b">' in self.shop.request("/").text

    def placed(self) -> list[str]:
        return [order["id"] for order in self.shop.orders()]

    def require_owner(self) -> None:
        self.shop.log_in()

    def lose_account(self) -> None:
        """_change_owner() has deleted it."""

    def change_login(self) -> None:
        """Medusa's own admin changes neither."""
        changed = "update \"user\" set email = 'ada@example.com' where email = '{admin-email}'"
        self.shop.sql(changed.format_map(self.shop.secret))

    def signed_in(self) -> Callable[[], bool]:
        headers = {"Authorization": f"Bearer {self.shop.log_in()}"}
        shop = self.shop
        return lambda: shop.request("/admin/users/me", headers=headers).status_code == 200

    def require_changes(self) -> None:
        assert [product["title"] for product in self.shop.admin_api("/products")["products"]] == [OWN_PRODUCT]
        assert [user["email"] for user in self.shop.admin_api("/users")["users"]] == [OTHER_OWNER]

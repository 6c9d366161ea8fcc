"""What people do to a store in its first months: its merchant in the admin, and operators with kubectl."""

from __future__ import annotations

import secrets
from typing import Any

from dev.cluster import Cluster
from dev.stack import read_secret
from provisioner.domain.store import SECRET_NAME
from tests.e2e.medusa import MedusaStore
from tests.e2e.storefront import set_sellable

OWN_PRODUCT = "Hand-made bowl"


def as_release(cluster: Cluster, name: str) -> MedusaStore:
    """A Medusa store that the provisioner made."""
    namespace = f"store-{name}"
    return MedusaStore(cluster, name, namespace, read_secret(cluster, namespace, SECRET_NAME))


# --- the merchant ----------------------------------------------------------------------------------------------------


def sell_out(store: MedusaStore) -> None:
    """Set the stock of every product to 0."""
    items = store.admin_api("/inventory-items?limit=200&fields=sku")["inventory_items"]
    for item in items:
        set_sellable(store, item["sku"], 0)


def sell_own_products_only(store: MedusaStore) -> None:
    """Delete the samples, and offer one product of one's own that is not in stock.

    Medusa deletes no product with a reservation, which an open order has."""
    for reservation in store.admin_api("/reservations?limit=100&fields=id")["reservations"]:
        store.admin_api(f"/reservations/{reservation['id']}", method="DELETE")
    products = store.admin_api("/products?limit=100&fields=id,sales_channels.id,shipping_profile.id")["products"]
    channel, profile = products[0]["sales_channels"][0]["id"], (products[0].get("shipping_profile") or {}).get("id")
    for product in products:
        store.admin_api(f"/products/{product['id']}", method="DELETE")
    variant = {"title": "One", "options": {"Size": "M"}, "prices": [{"amount": 30, "currency_code": "eur"}]}
    bowl: dict[str, Any] = {
        "title": OWN_PRODUCT, "status": "published", "sales_channels": [{"id": channel}],
        "options": [{"title": "Size", "values": ["M"]}], "variants": [variant],
    }  # fmt: skip
    store.admin_api("/products", json=bowl | ({"shipping_profile_id": profile} if profile else {}))


def rotate_key(store: MedusaStore) -> None:
    """Revoke the storefront's key, and make another."""
    (key,) = store.admin_api("/api-keys?type=publishable")["api_keys"]
    store.admin_api(f"/api-keys/{key['id']}/revoke", json={})
    store.admin_api("/api-keys", json={"title": "Mobile app", "type": "publishable"})


def change_owner(store: MedusaStore) -> MedusaStore:
    """Invite another person, who then deletes the first account; the store with that person's login."""
    (first,) = store.admin_api("/users")["users"]
    login = {"email": "eve@example.com", "password": secrets.token_hex(12)}
    invite = store.admin_api("/invites", json={"email": login["email"]})["invite"]
    token = store.request("/auth/user/emailpass/register", json=login).json()["token"]
    accepted = store.request(
        f"/admin/invites/accept?token={invite['token']}",
        headers={"Authorization": f"Bearer {token}"},
        json={"email": login["email"], "first_name": "Eve", "last_name": "Owner"},
    )
    assert accepted.status_code == 200, accepted.text
    secret = store.secret | {"admin-email": login["email"], "admin-password": login["password"]}
    owned = MedusaStore(store.cluster, store.name, store.namespace, secret)
    owned.admin_api(f"/users/{first['id']}", method="DELETE")
    return owned


# --- operators -------------------------------------------------------------------------------------------------------


def edit_by_hand(store: MedusaStore) -> list[str]:
    """Change the release with kubectl; returns what an upgrade has to name."""
    name = store.name
    store.kubectl("set", "resources", f"deployment/{name}", "--containers=medusa", "--limits=memory=900Mi")
    store.kubectl("set", "env", f"deployment/{name}", "--containers=medusa", "TEAM=blue")
    store.kubectl("annotate", "service", name, "team=blue")
    store.kubectl("scale", f"deployment/{name}", "--replicas=2")
    store.kubectl("label", "ingress", name, "helm.sh/chart=theirs", "--overwrite")
    store.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s")
    return [
        f'deployment/{name} spec.template.spec.containers[name="medusa"].resources.limits.memory (kubectl-set)',
        f"deployment/{name} spec.replicas (kubectl)",
        f"ingress/{name} metadata.labels.helm.sh/chart (kubectl-label)",
    ]

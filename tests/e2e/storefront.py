"""Steps of a shopper and of the owner in Medusa's storefront, in a browser and without one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import Page, expect

from tests.e2e import medusa
from tests.e2e.medusa import MedusaStore
from tests.waiting import until

BUYER = {
    "E-mail": "ann@example.com",
    "First name": "Ann",
    "Last name": "Buyer",
    "Street and house number": "1 Main Street",
    "Postal code": "10115",
    "Town or city": "Berlin",
}


def fill_in(page: Page, **changes: str) -> None:
    """Fill in the checkout form with BUYER's details and `changes`, by label."""
    for label, text in (BUYER | changes).items():
        page.get_by_label(label).fill(text)


def place_order(page: Page) -> str:
    """Submit the checkout form; returns the order number."""
    page.get_by_role("button", name="Place order").click()
    return order_number(page)


def order_number(page: Page) -> str:
    """The order number on the confirmation page."""
    expect(page.get_by_role("heading", name="Thank you, Ann")).to_be_visible()
    return page.locator(".thanks strong").inner_text().removeprefix("number ")


def add_to_cart(page: Page, handle: str) -> None:
    """Put one piece of a product into the cart, on its page."""
    page.goto(f"/products/{handle}")
    page.get_by_role("button", name="Add to cart").click()
    page.wait_for_url("**/cart?added=*")


def buy_tea_and_mugs(page: Page, screenshot: Callable[[str], None]) -> str:
    """Order a tea and two mugs, from the home page to the confirmation; returns the order number."""
    screenshot("home")
    page.get_by_role("link", name="Loose-leaf tea").click()
    expect(page.get_by_role("radio", name="Rooibos")).to_be_disabled()
    page.get_by_text("Sencha").click()
    screenshot("product")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("status")).to_contain_text("Loose-leaf tea is in your cart")
    add_to_cart(page, "stoneware-mug")
    page.get_by_role("spinbutton", name="Quantity of Stoneware mug").fill("2")
    page.keyboard.press("Enter")
    expect(page.locator("[data-sum=total]")).to_have_text("€49.00")
    screenshot("cart")
    page.get_by_role("link", name="Check out").click()
    fill_in(page)
    expect(page.locator("[data-sum=total]")).to_have_text("€54.00")
    screenshot("checkout")
    number = place_order(page)
    expect(page.get_by_text("€54.00")).to_be_visible()
    screenshot("confirmation")
    return number


def sellable(store: MedusaStore, sku: str) -> int:
    """The pieces of a product that are in stock and not reserved."""
    (item,) = store.admin_api(f"/inventory-items?sku={sku}")["inventory_items"]
    return int(item["stocked_quantity"]) - int(item["reserved_quantity"])


def set_sellable(store: MedusaStore, sku: str, number: int) -> None:
    """Set the pieces of a product that are in stock and not reserved."""
    query = f"sku={sku}&fields=id,reserved_quantity,*location_levels"
    (item,) = store.admin_api(f"/inventory-items?{query}")["inventory_items"]
    (level,) = item["location_levels"]
    levels = f"/inventory-items/{item['id']}/location-levels/{level['location_id']}"
    store.admin_api(levels, json={"stocked_quantity": number + int(item["reserved_quantity"])})


@contextmanager
def selling_to_the_united_states(store: MedusaStore) -> Iterator[None]:
    """The store also sells to the United States, without a delivery option, until the block ends."""
    (region,) = store.admin_api("/regions")["regions"]
    store.admin_api(f"/regions/{region['id']}", json={"countries": ["de", "us"]})
    until("the storefront lists it", lambda: "United States" in store.request("/").text)
    try:
        yield
    finally:
        store.admin_api(f"/regions/{region['id']}", json={"countries": ["de"]})
    until("the storefront no longer lists it", lambda: "United States" not in store.request("/").text)


@contextmanager
def tax_on_top(store: MedusaStore, rate: int) -> Iterator[None]:
    """Germany's tax is added to the prices until the block ends."""
    (region,) = store.admin_api("/tax-regions?country_code=de")["tax_regions"]
    default = {"tax_region_id": region["id"], "rate": rate, "name": "VAT", "code": "vat", "is_default": True}
    tax = store.admin_api("/tax-rates", json=default)["tax_rate"]
    try:
        yield
    finally:
        store.admin_api(f"/tax-rates/{tax['id']}", method="DELETE")


@contextmanager
def cart_with_a_mug(store: MedusaStore) -> Iterator[httpx.Client]:
    """An HTTP client with one mug in its cart."""
    with store.cluster.client(store.host, timeout=30) as client:
        form = {"variant": form_value(client.get("/products/stoneware-mug").text, "variant")}
        assert client.post("/cart", data=form).status_code == 303
        yield client


def form_value(page: str, name: str) -> str:
    """The value of a form field in a page."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, f"the page has no field {name}"
    return found[1]


def checkout_form(client: httpx.Client) -> dict[str, str]:
    """The values of a filled-in checkout form."""
    page = client.get("/checkout").text
    hidden = {name: form_value(page, name) for name in ("seen", "delivery")}
    total = f"total-{hidden['delivery']}"
    typed = {"email": "ada@example.com", "country_code": "de"}
    return medusa.ADDRESS | typed | hidden | {total: form_value(page, total)}

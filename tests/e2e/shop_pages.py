"""The shops of both engines in a browser, as shoppers and owners see and use them."""

from __future__ import annotations

import json
from typing import Protocol

from playwright.sync_api import Page, expect

from dev.cluster import Cluster
from dev.stack import kubectl
from tests.e2e.storefront import fill_in, place_order
from tests.e2e.woocommerce import has_plugin


class ShopPages(Protocol):
    """What shoppers and the owner do in a shop of one type."""

    type: str  # its name in commands
    label: str  # its name for people
    options: dict[str, str]  # what the owner chooses in the form, by label
    setting: tuple[str, str]  # the label of an option that can be set, and the label of another value of it

    @property
    def offered(self) -> str:
        """The text of a link on the home page, which `buy` follows."""

    def buy(self, shop: Page) -> str:
        """Buy something, from the home page on; returns what the admin shows of it."""

    def log_in(self, admin: Page, user: str, password: str) -> None:
        """Log in to the admin, on its login page."""

    def refuses(self, admin: Page, user: str, password: str) -> None:
        """The admin's login page refuses this login."""

    def finds(self, admin: Page, sale: str) -> None:
        """The admin shows what `buy` returned."""

    def is_set(self, shop: Page, cluster: Cluster, namespace: str, name: str) -> bool:
        """Whether the shop has the other value of `setting`."""


class MedusaPages:
    type, label, setting = "medusa", "Medusa", ("Colour", "Ocean")
    offered = "Stoneware mug"
    options: dict[str, str] = {}

    def buy(self, shop: Page) -> str:
        expect(shop.get_by_role("listitem").filter(has_text="Stoneware mug")).to_contain_text("€18.00")
        shop.get_by_role("link", name=self.offered).click()
        shop.get_by_role("button", name="Add to cart").click()
        shop.get_by_role("link", name="Check out").click()
        fill_in(shop)
        return f"#{place_order(shop)}"

    def log_in(self, admin: Page, user: str, password: str) -> None:
        self._enter(admin, user, password)
        admin.wait_for_url("**/app/orders**")

    def refuses(self, admin: Page, user: str, password: str) -> None:
        self._enter(admin, user, password)
        expect(admin.get_by_text("Invalid email or password")).to_be_visible()

    def _enter(self, admin: Page, user: str, password: str) -> None:
        admin.get_by_placeholder("Email").fill(user)
        admin.get_by_placeholder("Password").fill(password)
        admin.get_by_role("button", name="Continue with Email").click()

    def finds(self, admin: Page, sale: str) -> None:
        expect(admin.get_by_text(sale).first).to_be_visible()
        expect(admin.get_by_text("ann@example.com").first).to_be_visible()

    def is_set(self, shop: Page, cluster: Cluster, namespace: str, name: str) -> bool:
        shop.reload()
        style: str = shop.evaluate("[...document.styleSheets[0].cssRules].map((rule) => rule.cssText).join()")
        return "#1f5f8b" in style or "rgb(31, 95, 139)" in style


class WooCommercePages:
    """Without the plugin, the shopper reads a story instead of buying, and the owner writes a draft."""

    type, label, setting = "woocommerce", "WooCommerce", ("Memory", "1 GiB")
    options = {"Currency": "Pound sterling (£)", "Country": "United Kingdom", "Colour": "Ocean"}

    @property
    def offered(self) -> str:
        return "Stoneware mug" if has_plugin() else "Reading a tree"

    def buy(self, shop: Page) -> str:
        button = shop.locator("main .wp-block-button__link").first
        expect(button).to_have_css("background-color", "rgb(31, 95, 139)")
        return self._buy(shop) if has_plugin() else self._read(shop)

    def _buy(self, shop: Page) -> str:
        home = shop.url
        shop.get_by_role("link", name=self.offered).last.click()
        expect(shop.get_by_role("heading", level=1, name="Stoneware mug")).to_be_visible()
        expect(shop.get_by_text("£15.50").first).to_be_visible()
        expect(shop.get_by_text("40 in stock")).to_be_visible()
        shop.get_by_role("button", name="Add to cart", exact=True).first.click()
        shop.get_by_role("link", name="View cart").click()
        shop.get_by_role("link", name="Proceed to Checkout").click()
        self._fill_in(shop)
        shop.get_by_role("button", name="Place Order").click()
        expect(shop.get_by_role("heading", name="Order received")).to_be_visible()
        number = shop.url.split("/order-received/")[1].split("/")[0]
        shop.goto(f"{home}product/stoneware-mug/")
        expect(shop.get_by_text("39 in stock")).to_be_visible()
        return f"#{number}"

    def _fill_in(self, shop: Page) -> None:
        typed = {
            "Email address": "ann@example.com",
            "First name": "Ann",
            "Last name": "Buyer",
            "Address": "1 Main Street",
            "City": "London",
            "Postcode": "SW1A 1AA",
        }
        for label, text in typed.items():
            shop.get_by_label(label, exact=True).fill(text)
        shop.get_by_label("Postcode", exact=True).blur()
        shop.wait_for_load_state("networkidle")  # the address is saved meanwhile, and the button ignores clicks
        expect(shop.get_by_text("Cash on delivery").first).to_be_visible()
        expect(shop.get_by_text("Standard delivery").first).to_be_visible()

    def _read(self, shop: Page) -> str:
        shop.get_by_role("link", name=self.offered).last.click()
        expect(shop.get_by_role("heading", level=1, name="Reading a tree")).to_be_visible()
        expect(shop.get_by_text("Oil it when it looks thirsty.")).to_be_visible()
        return "Call the mill"

    def log_in(self, admin: Page, user: str, password: str) -> None:
        self._enter(admin, user, password)
        expect(admin.get_by_role("heading", name="Dashboard", exact=True)).to_be_visible()
        if not has_plugin() and not admin.get_by_role("link", name="Edit “Call the mill”").count():
            self._save_draft(admin)

    def refuses(self, admin: Page, user: str, password: str) -> None:
        self._enter(admin, user, password)
        expect(admin.locator("#login_error")).to_contain_text("is incorrect")

    def _enter(self, admin: Page, user: str, password: str) -> None:
        name = admin.get_by_label("Username or Email Address")
        expect(name).to_be_focused()  # WordPress focuses the field some time after the page is loaded
        name.fill(user)
        admin.get_by_label("Password", exact=True).fill(password)
        admin.get_by_role("button", name="Log In").click()

    def _save_draft(self, admin: Page) -> None:
        """Save a draft with the form of the dashboard."""
        admin.locator("#quick-press #title").fill("Call the mill")
        admin.locator("#quick-press #content").fill("They close at four.")
        admin.get_by_role("button", name="Save Draft").click()
        expect(admin.get_by_role("link", name="Edit “Call the mill”")).to_be_visible()

    def finds(self, admin: Page, sale: str) -> None:
        admin.goto(
            admin.url.split("/wp-")[0] + "/wp-admin/" + ("admin.php?page=wc-orders" if has_plugin() else "edit.php")
        )
        expect(admin.get_by_role("link", name=sale).first).to_be_visible()

    def is_set(self, shop: Page, cluster: Cluster, namespace: str, name: str) -> bool:
        deployment = json.loads(kubectl(cluster, "get", "deployment", name, "-n", namespace, "-o", "json"))
        limits = [c["resources"]["limits"]["memory"] for c in deployment["spec"]["template"]["spec"]["containers"]]
        return "1Gi" in limits

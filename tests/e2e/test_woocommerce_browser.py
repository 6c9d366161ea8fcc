"""A WooCommerce store in a browser: order it in Slack, buy in it, and log in to its admin.

Without the plugin, the test reads a story instead of buying, and writes a draft instead of checking the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from dev import local_http
from dev.cluster import Cluster
from dev.slack import LocalSlackClient
from dev.stack import ROOT, Stack, kubectl, newest_root, one_time_link
from tests.bench import orders
from tests.e2e.woocommerce import has_plugin
from tests.waiting import until

STORE = "fernwood"
SHOTS = ROOT / "build/screenshots"
VIEWPORTS: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport=VIEWPORTS["desktop"])
    opened.set_default_timeout(30_000)
    SHOTS.mkdir(parents=True, exist_ok=True)
    yield opened
    opened.close()


def test_store_is_ordered_in_slack_used_restarted_and_deleted(
    stack: Callable[..., Stack], cluster: Cluster, context: BrowserContext, browser: Browser
) -> None:
    bot = stack()
    address = f"http://{bot.addresses.host(STORE)}:{cluster.ingress_port}"
    with orders.store(bot, "woocommerce currency=gbp country=gb color=ocean", STORE):
        _check_home_page(browser, address)
        page = context.new_page()
        title = _buy(page, address) if has_plugin() else _read_story(page, address)
        user, password = _revealed(bot.slack())
        _log_in(page, address, user, password)
        if not has_plugin():
            _save_draft(page, title)
        _require_in_admin(page, address, title)
        _restart(cluster, bot.addresses.namespace(STORE), bot.addresses.host(STORE))
        _require_in_admin(page, address, title)
    namespaces = kubectl(cluster, "get", "namespaces", "-o", "name").split()
    assert f"namespace/{bot.addresses.namespace(STORE)}" not in namespaces


def _check_home_page(browser: Browser, address: str) -> None:
    """The home page has the ordered colour, and fits a desktop and a phone."""
    for name, viewport in VIEWPORTS.items():
        page = browser.new_page(viewport=viewport)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        button = page.locator("main .wp-block-button__link").first
        expect(button).to_have_css("background-color", "rgb(31, 95, 139)")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
        page.screenshot(path=SHOTS / f"woocommerce-{name}.png")
        page.close()


def _read_story(page: Page, address: str) -> str:
    """Open a story from the home page; returns the title of the draft to save."""
    page.goto(address)
    page.get_by_role("link", name="Reading a tree").last.click()
    expect(page.get_by_role("heading", level=1, name="Reading a tree")).to_be_visible()
    expect(page.get_by_text("Oil it when it looks thirsty.")).to_be_visible()
    return "Call the mill"


def _buy(page: Page, address: str) -> str:
    """Buy a mug; returns the order's title in the admin."""
    page.goto(address)
    page.get_by_role("link", name="Stoneware mug").last.click()
    expect(page.get_by_role("heading", level=1, name="Stoneware mug")).to_be_visible()
    expect(page.get_by_text("£15.50").first).to_be_visible()
    expect(page.get_by_text("40 in stock")).to_be_visible()
    page.get_by_role("button", name="Add to cart", exact=True).first.click()
    page.get_by_role("link", name="View cart").click()
    page.get_by_role("link", name="Proceed to Checkout").click()
    _fill_in(page)
    page.screenshot(path=SHOTS / "woocommerce-checkout.png", full_page=True)
    page.get_by_role("button", name="Place Order").click()
    expect(page.get_by_role("heading", name="Order received")).to_be_visible(timeout=30_000)
    page.screenshot(path=SHOTS / "woocommerce-order.png", full_page=True)
    number = page.url.split("/order-received/")[1].split("/")[0]
    page.goto(f"{address}/product/stoneware-mug/")
    expect(page.get_by_text("39 in stock")).to_be_visible()
    return f"#{number} Ann Buyer"


def _fill_in(page: Page) -> None:
    typed = {
        "Email address": "ann@example.com",
        "First name": "Ann",
        "Last name": "Buyer",
        "Address": "1 Main Street",
        "City": "London",
        "Postcode": "SW1A 1AA",
    }
    for label, text in typed.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("Postcode", exact=True).blur()
    page.wait_for_load_state("networkidle")  # the address is saved meanwhile, and the button ignores clicks
    expect(page.get_by_text("Cash on delivery").first).to_be_visible()
    expect(page.get_by_text("Standard delivery").first).to_be_visible()


def _revealed(slack: LocalSlackClient) -> tuple[str, str]:
    """The admin login, revealed with the link from Slack."""
    root = newest_root(slack.messages("#stores"), store=STORE)
    assert root
    assert slack.click("Dana", root, "credentials").ok
    address, token = one_time_link(slack, "Dana", "#stores")
    origin = address.rsplit("/s/", 1)[0]
    answer = local_http.post(address, json={"token": token}, headers={"Origin": origin}).json()
    shown = {credential["label"]: credential["value"] for credential in answer["credentials"]}
    return shown["Admin user"], shown["Admin password"]


def _log_in(page: Page, address: str, user: str, password: str) -> None:
    page.goto(f"{address}/wp-admin/")
    page.get_by_label("Username or Email Address").fill(user)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log In").click()
    expect(page.get_by_role("heading", name="Dashboard", exact=True)).to_be_visible()
    page.screenshot(path=SHOTS / "woocommerce-admin.png")


def _save_draft(page: Page, title: str) -> None:
    """Save a draft with the form of the dashboard."""
    page.locator("#quick-press #title").fill(title)
    page.locator("#quick-press #content").fill("They close at four.")
    page.get_by_role("button", name="Save Draft").click()
    expect(page.get_by_role("link", name=f"Edit “{title}”")).to_be_visible()


def _require_in_admin(page: Page, address: str, title: str) -> None:
    """The admin lists the order or the draft, and the owner is still logged in."""
    page.goto(f"{address}/wp-admin/" + ("admin.php?page=wc-orders" if has_plugin() else "edit.php"))
    expect(page.get_by_role("link", name=title).first).to_be_visible()


def _restart(cluster: Cluster, namespace: str, host: str) -> None:
    """Restart both workloads, and wait until the ingress serves the new pod."""
    for workload in (f"statefulset/{STORE}-database", f"deployment/{STORE}"):
        kubectl(cluster, "rollout", "restart", workload, "-n", namespace)
        kubectl(cluster, "rollout", "status", workload, "-n", namespace, "--timeout=90s")
    until("the store answers again", lambda: cluster.get(host).status_code == 200)

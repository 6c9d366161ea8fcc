"""A WooCommerce store in a real browser: ordered from Slack, bought in, its admin opened by the revealed login.

Without the plugin: the same with a story instead of the purchase, and a note instead of the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

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


def test_from_an_order_in_slack_to_an_order_in_the_shop(
    stack: Callable[..., Stack], cluster: Cluster, context: BrowserContext, browser: Browser
) -> None:
    bot = stack()
    address = f"http://{bot.addresses.host(STORE)}:{cluster.ingress_port}"
    with orders.store(bot, "woocommerce currency=gbp country=gb color=ocean", STORE):
        _look_around(browser, address)
        page = context.new_page()
        kept = _buy(page, address) if has_plugin() else _read(page, address)
        user, password = _revealed(bot.slack())
        _log_in(page, address, user, password)
        if not has_plugin():
            _note(page, kept)
        _is_kept(page, address, kept)
        _restart(cluster, bot.addresses.namespace(STORE), bot.addresses.host(STORE))
        _is_kept(page, address, kept)
    namespaces = kubectl(cluster, "get", "namespaces", "-o", "name").split()
    assert f"namespace/{bot.addresses.namespace(STORE)}" not in namespaces


def _look_around(browser: Browser, address: str) -> None:
    """The home page, on a phone too, in the colour that was ordered."""
    for name, viewport in VIEWPORTS.items():
        page = browser.new_page(viewport=viewport)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        button = page.locator("main .wp-block-button__link").first
        expect(button).to_have_css("background-color", "rgb(31, 95, 139)")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
        page.screenshot(path=SHOTS / f"woocommerce-{name}.png")
        page.close()


def _read(page: Page, address: str) -> str:
    """A story, from the home page; the title of a note that its owner will make."""
    page.goto(address)
    page.get_by_role("link", name="Reading a tree").last.click()
    expect(page.get_by_role("heading", level=1, name="Reading a tree")).to_be_visible()
    expect(page.get_by_text("Oil it when it looks thirsty.")).to_be_visible()
    return "Call the mill"


def _buy(page: Page, address: str) -> str:
    """A mug, from the home page to the confirmation; the order's number as the admin lists it."""
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
    for label, words in typed.items():
        page.get_by_label(label, exact=True).fill(words)
    expect(page.get_by_text("Cash on delivery").first).to_be_visible()
    expect(page.get_by_text("Standard delivery").first).to_be_visible()


def _revealed(slack: LocalSlackClient) -> tuple[str, str]:
    """The admin's login, by the link that only the person who asks for it sees."""
    root = newest_root(slack.messages("#stores"), store=STORE)
    assert root
    assert slack.click("Dana", root, "credentials").ok
    address, token = one_time_link(slack, "Dana", "#stores")
    origin = address.rsplit("/s/", 1)[0]
    answer = httpx.post(address, json={"token": token}, headers={"Origin": origin}, trust_env=False).json()
    shown = {credential["label"]: credential["value"] for credential in answer["credentials"]}
    return shown["Admin user"], shown["Admin password"]


def _log_in(page: Page, address: str, user: str, password: str) -> None:
    page.goto(f"{address}/wp-admin/")
    page.get_by_label("Username or Email Address").fill(user)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log In").click()
    expect(page.get_by_role("heading", name="Dashboard", exact=True)).to_be_visible()
    page.screenshot(path=SHOTS / "woocommerce-admin.png")


def _note(page: Page, title: str) -> None:
    """A draft, by the dashboard's own form."""
    page.locator("#quick-press #title").fill(title)
    page.locator("#quick-press #content").fill("They close at four.")
    page.get_by_role("button", name="Save Draft").click()
    expect(page.get_by_role("link", name=f"Edit “{title}”")).to_be_visible()


def _is_kept(page: Page, address: str, kept: str) -> None:
    """The order, or the note, stands in the admin, in which its owner is logged in still."""
    page.goto(f"{address}/wp-admin/" + ("admin.php?page=wc-orders" if has_plugin() else "edit.php"))
    expect(page.get_by_role("link", name=kept).first).to_be_visible()


def _restart(cluster: Cluster, namespace: str, host: str) -> None:
    """Both workloads anew; until the ingress, which hears of the new pod a moment after the rollout ends, serves it."""
    for workload in (f"statefulset/{STORE}-database", f"deployment/{STORE}"):
        kubectl(cluster, "rollout", "restart", workload, "-n", namespace)
        kubectl(cluster, "rollout", "status", workload, "-n", namespace, "--timeout=90s")
    until("the shop answers again", lambda: cluster.get(host).status_code == 200)

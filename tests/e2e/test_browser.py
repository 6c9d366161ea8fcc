"""The life of a store in a browser: order it in Slack, buy in it, log in to its admin, and delete it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dev.cluster import Cluster
from dev.stack import ROOT, Stack, kubectl
from tests.e2e.storefront import fill_in, place_order

STORE = "browser-shop"
SHOTS = ROOT / "build/screenshots"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()


def test_store_is_ordered_used_and_deleted_in_a_browser(
    stack: Callable[..., Stack], cluster: Cluster, context: BrowserContext
) -> None:
    bot = stack()
    SHOTS.mkdir(parents=True, exist_ok=True)
    slack = context.new_page()
    slack.goto(bot.workspace_url)
    _order_store(slack)
    shop = _open_shop(slack, context)
    number = _buy(shop)
    email, password = _credentials(slack, context)
    _find_order_in_admin(slack, context, email, password, number)
    _delete(slack)
    namespaces = kubectl(cluster, "get", "namespaces", "-o", "name").split()
    assert f"namespace/store-{STORE}" not in namespaces
    volumes = json.loads(kubectl(cluster, "get", "pv", "-o", "json"))["items"]
    assert [v for v in volumes if v["spec"]["claimRef"]["namespace"] == f"store-{STORE}"] == []
    _require_no_password_in_files_or_slack(bot, password)


def _post(slack: Page, text: str) -> None:
    composer = slack.get_by_role("textbox", name="Message #stores")
    composer.fill(text)
    composer.press("Enter")


def _order_store(slack: Page) -> None:
    _post(slack, f"/store create {STORE} medusa")
    log = slack.get_by_role("log", name="Messages", exact=True)
    expect(log).to_contain_text(f"Creating {STORE}")
    slack.get_by_role("button", name=re.compile("repl(y|ies)")).first.click()
    thread = slack.get_by_role("complementary", name="Thread")
    expect(thread).to_contain_text("Chart installed", timeout=30_000)
    slack.screenshot(path=SHOTS / "workspace-creating.png")
    expect(log).to_contain_text(f"{STORE} is ready after", timeout=90_000)
    expect(thread).to_contain_text("A cart holds a product with a price")
    slack.screenshot(path=SHOTS / "workspace-ready.png")
    slack.get_by_role("button", name="Close the thread").click()


def _button(slack: Page, label: str) -> Any:
    return slack.get_by_role("log", name="Messages", exact=True).get_by_role("button", name=f"{label}: {STORE}").first


def _open_shop(slack: Page, context: BrowserContext) -> Page:
    with context.expect_page() as opened:
        _button(slack, "Open shop").click()
    shop = opened.value
    shop.wait_for_load_state()
    expect(shop.get_by_role("listitem").filter(has_text="Stoneware mug")).to_contain_text("€18.00")
    shop.screenshot(path=SHOTS / "shop.png")
    return shop


def _buy(shop: Page) -> str:
    """Place an order in the storefront; returns its number."""
    shop.get_by_role("link", name="Stoneware mug").click()
    shop.get_by_role("button", name="Add to cart").click()
    shop.get_by_role("link", name="Check out").click()
    fill_in(shop)
    return place_order(shop)


def _credentials(slack: Page, context: BrowserContext) -> tuple[str, str]:
    """Reveal the admin login with the ephemeral link; the second use of the link is refused."""
    _button(slack, "Get admin credentials").click()
    link = slack.get_by_role("link", name=f"Show the admin credentials of {STORE}")
    address = link.get_attribute("href") or ""
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/s/[\w-]+#[\w-]{43}", address)
    page = _open_link(context, address)
    email, password = page.locator("#credentials code").nth(0), page.locator("#credentials code").nth(1)
    expect(email).to_contain_text(f"admin@{STORE}")
    page.screenshot(path=SHOTS / "credentials.png")
    revealed = email.inner_text(), password.inner_text()
    again = _open_link(context, address)
    expect(again.locator("body")).to_contain_text("already used")
    assert revealed[1] not in again.content()
    return revealed


def _open_link(context: BrowserContext, address: str) -> Page:
    """Open a credential link in a new tab and press *Show them now*.

    Chromium drops a request when a network interface of this machine comes or goes, as with each pod
    (ERR_NETWORK_CHANGED): the page then offers *Try again*, which is pressed as a person would."""
    page = context.new_page()
    page.add_locator_handler(page.get_by_role("button", name="Try again"), lambda button: button.click())
    page.goto(address)
    page.get_by_role("button", name="Show them now").click()
    return page


def _find_order_in_admin(slack: Page, context: BrowserContext, email: str, password: str, number: str) -> None:
    with context.expect_page() as opened:
        _button(slack, "Open admin").click()
    admin = opened.value
    admin.get_by_placeholder("Email").fill(email)
    admin.get_by_placeholder("Password").fill(password)
    admin.get_by_role("button", name="Continue with Email").click()
    admin.wait_for_url("**/app/orders**")
    expect(admin.get_by_text(f"#{number}").first).to_be_visible()
    expect(admin.get_by_text("ann@example.com").first).to_be_visible()
    admin.screenshot(path=SHOTS / "admin.png")


def _delete(slack: Page) -> None:
    slack.bring_to_front()
    _button(slack, "Delete").click()
    dialog = slack.get_by_role("dialog", name="Delete a store")
    dialog.get_by_label(f"Type {STORE} to confirm").fill("another-shop")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(dialog.get_by_role("alert")).to_contain_text("not the store's name")
    dialog.get_by_label(f"Type {STORE} to confirm").fill(STORE)
    dialog.get_by_role("button", name="Delete for good").click()
    expect(dialog).to_be_hidden()
    log = slack.get_by_role("log", name="Messages", exact=True)
    expect(log).to_contain_text(f"{STORE} is deleted", timeout=90_000)


def _require_no_password_in_files_or_slack(bot: Stack, password: str) -> None:
    """The admin password is in no log, ledger or message."""
    files = [path.read_bytes() for path in Path(bot.folder).rglob("*") if path.is_file()]
    messages = json.dumps([bot.slack().messages(channel) for channel in ("#stores", "#store-failures")])
    assert password.encode() not in b"".join(files)
    assert password not in messages

"""Medusa's storefront in a browser: with and without JavaScript, with the keyboard, on a phone, and in error cases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dev.cluster import Cluster
from dev.stack import ROOT
from tests.e2e import medusa
from tests.e2e.medusa import MedusaStore
from tests.e2e.public_address import require_whole_medusa
from tests.e2e.storefront import (
    add_to_cart,
    buy_tea_and_mugs,
    cart_with_a_mug,
    checkout_form,
    fill_in,
    form_value,
    order_number,
    place_order,
    sellable,
    selling_to_the_united_states,
    set_sellable,
    tax_on_top,
)
from tests.waiting import until

SHOTS = ROOT / "build/screenshots"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
ACCENT = "#1f5f8b"
MAX_FIRST_LOAD_BYTES = 100_000  # as transferred


@pytest.fixture(scope="module")
def store(cluster: Cluster) -> Iterator[MedusaStore]:
    SHOTS.mkdir(parents=True, exist_ok=True)
    with medusa.store(cluster, "front-shop") as release:
        release.install(store={"displayName": "Hazel & Oak", "color": ACCENT})
        yield release


@pytest.fixture
def visit(browser: Browser, store: MedusaStore) -> Iterator[Callable[..., Page]]:
    """Opens a page as a new visitor. Errors and policy violations in its console fail the test."""
    contexts: list[BrowserContext] = []
    console_errors: list[str] = []

    def open_page(path: str = "/", **options: Any) -> Page:
        options = {"viewport": DESKTOP, **options}
        contexts.append(browser.new_context(base_url=store.url, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: console_errors.append(str(error)))
        page.on("console", lambda line: console_errors.append(line.text) if "Content Security" in line.text else None)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert console_errors == []


def shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=SHOTS / f"medusa-{name}.png", full_page=True)


def test_order_reduces_the_stock_and_is_shown_in_the_admin(store: MedusaStore, visit: Callable[..., Page]) -> None:
    before = sellable(store, "STONEWARE-MUG")
    page = visit()
    number = buy_tea_and_mugs(page, lambda name: shoot(page, f"{name}-desktop"))
    assert sellable(store, "STONEWARE-MUG") == before - 2
    page.goto("/app/login")
    page.get_by_placeholder("Email").fill(store.secret["admin-email"])
    page.get_by_placeholder("Password").fill(store.secret["admin-password"])
    page.get_by_role("button", name="Continue with Email").click()
    page.wait_for_url("**/app/orders**")
    expect(page.get_by_text(f"#{number}").first).to_be_visible()
    expect(page.get_by_text("ann@example.com").first).to_be_visible()
    page.goto("/app/products")
    expect(page.get_by_text("Stoneware mug")).to_be_visible()
    loaded_pictures = "[...document.images].filter((it) => it.src.includes('/assets/') && it.naturalWidth).length"
    until("the admin shows all eight pictures", lambda: page.evaluate(loaded_pictures) == 8)


def test_store_is_whole_at_an_address_with_a_port(store: MedusaStore) -> None:
    require_whole_medusa(store, store.url)


def test_order_on_a_phone_needs_no_javascript(store: MedusaStore, visit: Callable[..., Page]) -> None:
    page = visit(viewport=PHONE, is_mobile=True, has_touch=True, java_script_enabled=False)
    before = len(store.orders())
    buy_tea_and_mugs(page, lambda name: shoot(page, f"{name}-phone"))
    assert len(store.orders()) == before + 1


def test_keyboard_alone_fills_the_cart(visit: Callable[..., Page]) -> None:
    page = visit()

    def tab_to(role: str, name: str) -> None:
        target = page.get_by_role(role, name=name)  # type: ignore[arg-type]
        for _ in range(40):
            page.keyboard.press("Tab")
            if target.evaluate("(it) => it === document.activeElement"):
                return
        raise AssertionError(f"the Tab key does not reach the {role} {name}")

    tab_to("link", "Skip to the content")
    page.keyboard.press("Enter")
    tab_to("link", "Loose-leaf tea")
    page.keyboard.press("Enter")
    page.wait_for_url("**/products/loose-leaf-tea")
    tab_to("radio", "Earl Grey")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-price-line]")).to_have_text("€13.00")
    tab_to("spinbutton", "Quantity")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cart?added=*")
    expect(page.get_by_role("spinbutton", name="Quantity of Loose-leaf tea, Sencha")).to_have_value("2")


def test_chosen_variant_changes_stock_quantity_and_picture(store: MedusaStore, visit: Callable[..., Page]) -> None:
    page = visit("/products/organic-t-shirt")
    stock = page.locator("[data-stock-line]")
    expect(stock).to_have_text("In stock")
    page.get_by_role("group", name="Oat").get_by_text("XL").click()
    expect(stock).to_have_text("Only 3 left")
    page.get_by_role("button", name="More").click(click_count=4)
    expect(page.get_by_label("Quantity")).to_have_value("3")
    page.get_by_role("group", name="Clay").get_by_text("L", exact=True).click()
    shown = "(it => Math.round(it.scrollLeft / it.clientWidth))(document.querySelector('.track'))"
    until("the third picture, the one in clay", lambda: page.evaluate(shown) == 2)


def test_sold_out_product_empty_cart_and_unknown_page_are_explained(
    store: MedusaStore, visit: Callable[..., Page]
) -> None:
    set_sellable(store, "POCKET-NOTEBOOK", 0)
    page = visit()
    expect(page.get_by_role("listitem").filter(has_text="Pocket notebook")).to_contain_text("Sold out")
    page.get_by_role("link", name="Pocket notebook").click()
    expect(page.get_by_text("It cannot be ordered at present")).to_be_visible()
    expect(page.get_by_role("button", name="Add to cart")).to_have_count(0)
    set_sellable(store, "POCKET-NOTEBOOK", 100)
    page.goto("/checkout")
    expect(page.get_by_role("heading", name="Your cart is empty")).to_be_visible()
    missing = page.goto("/nowhere/at/all")
    assert missing
    assert missing.status == 404
    page.get_by_role("link", name="See all products").click()
    page.get_by_role("searchbox").fill("bread")
    page.keyboard.press("Enter")
    expect(page.get_by_text("We found nothing for “bread”")).to_be_visible()


def test_checkout_shows_errors_at_their_fields_and_keeps_the_input(visit: Callable[..., Page]) -> None:
    page = visit()
    add_to_cart(page, "oak-board")
    page.goto("/checkout")
    fill_in(page, **{"E-mail": "ann@", "Last name": ""})
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("alert")).to_contain_text("Please look at 2 fields again")
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-describedby", "email-error")
    expect(page.get_by_label("Town or city")).to_have_value("Berlin")
    fill_in(page)
    place_order(page)
    page.goto("/checkout")  # again: it shows the order and makes no second one
    order_number(page)
    page.goto("/cart")
    page.get_by_role("link", name="see your order").click()
    order_number(page)


def test_checkout_stops_when_the_stock_was_sold_meanwhile(store: MedusaStore, visit: Callable[..., Page]) -> None:
    set_sellable(store, "WOOL-BLANKET", 4)
    page = visit("/products/wool-blanket")
    page.get_by_label("Quantity").fill("3")
    page.get_by_role("button", name="Add to cart").click()
    page.wait_for_url("**/cart?added=*")
    page.goto("/checkout")
    fill_in(page)
    set_sellable(store, "WOOL-BLANKET", 1)
    page.get_by_role("button", name="Place order").click()
    page.wait_for_url("**/cart")
    expect(page.get_by_text("Only 1 left. Please take one to continue.")).to_be_visible()
    expect(page.get_by_role("link", name="Check out")).to_have_count(0)
    page.get_by_role("spinbutton").fill("1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Check out")).to_be_visible()
    page.goto("/products/wool-blanket")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("alert")).to_contain_text("There are not that many left")


def test_checkout_shows_a_cart_that_another_tab_changed_before_it_orders(visit: Callable[..., Page]) -> None:
    page = visit()
    add_to_cart(page, "oak-board")
    page.goto("/checkout")
    fill_in(page)
    other = page.context.new_page()
    add_to_cart(other, "linen-tote")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("alert")).to_contain_text("Your cart or its prices changed while this page was open")
    expect(page.get_by_label("Town or city")).to_have_value("Berlin")
    expect(page.get_by_text("Linen tote bag")).to_be_visible()
    place_order(page)


@pytest.mark.parametrize("scripts", [True, False])
def test_checkout_shows_the_deliveries_of_the_chosen_country(
    store: MedusaStore, visit: Callable[..., Page], scripts: bool
) -> None:
    """The store delivers to Germany, but not to the United States."""
    with selling_to_the_united_states(store):
        page = visit(java_script_enabled=scripts)
        add_to_cart(page, "oak-board")
        page.goto("/checkout")
        fill_in(page)
        _choose_country(page, "United States", scripts)
        expect(page.get_by_text("We have no delivery to this country")).to_be_visible()
        expect(page.get_by_role("button", name="Place order")).to_be_disabled()
        expect(page.get_by_label("Town or city")).to_have_value("Berlin")
        _choose_country(page, "Germany", scripts)
        expect(page.get_by_text("€44.00")).to_be_visible()
        place_order(page)


def test_checkout_shows_a_total_with_added_tax_before_it_orders(store: MedusaStore, visit: Callable[..., Page]) -> None:
    with tax_on_top(store, 10):
        page = visit()
        add_to_cart(page, "oak-board")
        page.goto("/checkout")
        fill_in(page)
        expect(page.locator("[data-sum=total]")).to_have_text(
            "€47.90"
        )  # without the tax on the delivery, which needs the address
        before = len(store.orders())
        page.get_by_role("button", name="Place order").click()
        expect(page.get_by_role("alert")).to_contain_text("Your address and delivery change the total.")
        expect(page.locator("[data-sum=total]")).to_have_text("€48.40")
        expect(page.get_by_label("Town or city")).to_have_value("Berlin")
        assert len(store.orders()) == before
        place_order(page)
        expect(page.get_by_text("€48.40")).to_be_visible()


def test_order_to_a_country_that_was_not_shown_is_answered_409(store: MedusaStore) -> None:
    with selling_to_the_united_states(store), cart_with_a_mug(store) as client:
        before = len(store.orders())
        answer = client.post("/checkout", data=checkout_form(client) | {"country_code": "us", "province": "Ohio"})
        assert answer.status_code == 409
        assert "Below are the delivery options for the country you chose" in answer.text
        assert "We have no delivery to this country" in answer.text
        assert len(store.orders()) == before


def _choose_country(page: Page, name: str, scripts: bool) -> None:
    page.get_by_label("Country").select_option(name)
    if not scripts:
        page.get_by_role("button", name="Show delivery to this country").click()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_page_scrolls_sideways(visit: Callable[..., Page], width: int) -> None:
    page = visit(viewport={"width": width, "height": 700}, is_mobile=True)
    add_to_cart(page, "organic-t-shirt")
    for path in ("/", "/?q=zzz", "/products/organic-t-shirt", "/cart", "/checkout", "/orders", "/nowhere"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_first_load_of_the_home_page_is_small(visit: Callable[..., Page]) -> None:
    page = visit("/robots.txt")
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    received: dict[str, int] = {}
    network.on("Network.loadingFinished", lambda it: received.update({it["requestId"]: it["encodedDataLength"]}))
    page.goto("/")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")  # also loads the lazy pictures
    page.wait_for_load_state("networkidle")
    print(f"first load: {sum(received.values())} bytes in {len(received)} answers")
    assert len(received) >= 10
    assert sum(received.values()) < MAX_FIRST_LOAD_BYTES


def test_pages_have_a_strict_content_policy_and_cache_headers(store: MedusaStore) -> None:
    home = store.request("/")
    assert "default-src 'none'" in home.headers["content-security-policy"]
    assert "unsafe" not in home.headers["content-security-policy"]
    assert not re.search(r"<script(?! src)|<style|\bon\w+=|style=", home.text)
    assert store.request("/", headers={"If-None-Match": home.headers["etag"]}).status_code == 304
    assert store.request("/", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"
    style = re.search(r"/assets/shop\.\w+\.css", home.text)
    assert style
    assert f"--accent: {ACCENT}" in store.request(style[0]).text
    assert "immutable" in store.request(style[0]).headers["cache-control"]
    older = store.request("/assets/stoneware-mug.0123456789.svg")
    assert (older.status_code, "immutable" in older.headers["cache-control"]) == (200, False)


def test_five_concurrent_submissions_make_one_order(store: MedusaStore) -> None:
    before = len(store.orders())
    with cart_with_a_mug(store) as client:
        form = checkout_form(client)
        with ThreadPoolExecutor(5) as threads:
            answers = list(threads.map(lambda _: client.post("/checkout", data=form), range(5)))
        assert {answer.status_code for answer in answers} == {303}
        assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(store.orders()) == before + 1


def test_forms_of_other_sites_are_refused(store: MedusaStore) -> None:
    with cart_with_a_mug(store) as client:
        form = checkout_form(client)
        before = len(store.orders())
        for header in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            assert client.post("/checkout", data=form, headers=header).status_code == 403
            assert client.post("/cart", data={"variant": "x"}, headers=header).status_code == 403
        assert len(store.orders()) == before
        assert client.post("/checkout", data=form, headers={"Origin": store.url}).status_code == 303


def test_malformed_requests_get_client_errors_only(store: MedusaStore) -> None:
    assert store.request("/products/%00").status_code == 404
    assert store.request("/cart", headers={"Cookie": 'cart=j:{"id":{"$ne":null}}'}).status_code == 200
    assert store.request("/cart", headers={"Cookie": "cart=cart_01ARZ3NDEKTSV4RRFFQ69G5FAV"}).status_code == 200
    assert store.request("/?q[a]=1&page[b]=x").status_code == 200
    assert store.request("/?page=999").status_code == 404
    with cart_with_a_mug(store) as client:
        variant = form_value(client.get("/products/stoneware-mug").text, "variant")
        for quantity in ("0", "-1", "1e9", "x", "100"):
            assert client.post("/cart", data={"variant": variant, "quantity": quantity}).status_code == 409
        assert client.post("/cart", data={"variant": "variant_none"}).status_code == 404
        assert client.post("/cart/cali_other", data={"quantity": "5"}).headers["location"] == "/cart"


def test_unreadable_form_is_answered_with_a_page_of_the_store(store: MedusaStore) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    oversized = store.request("/cart", method="POST", content=b"variant=" + b"x" * 200_000, headers=form)
    compressed = store.request("/cart", method="POST", content=b"x", headers=form | {"Content-Encoding": "gzip"})
    assert (oversized.status_code, compressed.status_code) == (413, 400)
    for answer in (oversized, compressed):
        assert "That could not be read" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_order_is_shown_only_to_the_person_who_placed_it(store: MedusaStore, visit: Callable[..., Page]) -> None:
    """The last test, because it ends with a blocked visitor."""
    page = visit()
    add_to_cart(page, "stoneware-mug")
    page.goto("/checkout")
    fill_in(page)
    number, path = place_order(page), httpx.URL(page.url).path
    assert store.request(path).status_code == 404
    assert store.request(path, headers={"Cookie": "order=wrong"}).status_code == 404
    assert store.request("/orders/order_01ARZ3NDEKTSV4RRFFQ69G5FAV").status_code == 404
    other = visit("/orders")
    other.get_by_label("Order number").fill(f"#{number}")
    other.get_by_label("E-mail").fill("ANN@example.com")
    other.get_by_role("button", name="Find it").click()
    assert order_number(other) == number
    tries = [("999999", "ann@example.com"), (number, "bob@example.com"), (number, ""), ("one", "ann@example.com")] * 3
    answers = [_look_up(store, *typed) for typed in tries]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429] * 2
    pages = {re.sub(r'value="[^"]*"', "", answer.text) for answer in answers[:10]}
    assert len(pages) == 1, "a wrong number and a wrong address have different answers"
    assert _look_up(store, number, "ann@example.com").status_code == 429


def _look_up(store: MedusaStore, number: str, email: str) -> httpx.Response:
    return store.request("/orders", method="POST", data={"number": number, "email": email})

"""Medusa's storefront in a real browser on a real cluster: with and without scripts, by keys, on a phone, in need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dev.cluster import Cluster
from dev.stack import ROOT
from tests.e2e import medusa
from tests.e2e.medusa import Shop
from tests.e2e.storefront import fill_in, order_number, place_order
from tests.waiting import until

SHOTS = ROOT / "build/screenshots"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
ACCENT = "#1f5f8b"
FIRST_LOAD = 100_000  # bytes on the wire


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[Shop]:
    SHOTS.mkdir(parents=True, exist_ok=True)
    with medusa.shop(cluster, "front-shop") as one:
        one.install(store={"displayName": "Hazel & Oak", "color": ACCENT})
        yield one


@pytest.fixture
def visit(browser: Browser, shop: Shop) -> Iterator[Callable[..., Page]]:
    """Opens a page of the shop as a new visitor; what its console complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str = "/", **options: Any) -> Page:
        options = {"viewport": DESKTOP, **options}
        contexts.append(browser.new_context(base_url=shop.url, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if "Content Security" in told.text else None)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=SHOTS / f"medusa-{name}.png", full_page=True)


def add(page: Page, handle: str) -> None:
    page.goto(f"/products/{handle}")
    page.get_by_role("button", name="Add to cart").click()
    page.wait_for_url("**/cart?added=*")


def buy(page: Page, shot: Callable[[str], None]) -> str:
    """From the window to the confirmation: a tea of a kind and two mugs; the order's number."""
    shot("home")
    page.get_by_role("link", name="Loose-leaf tea").click()
    expect(page.get_by_role("radio", name="Rooibos")).to_be_disabled()
    page.get_by_text("Sencha").click()
    shot("product")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("status")).to_contain_text("Loose-leaf tea is in your cart")
    add(page, "stoneware-mug")
    page.get_by_role("spinbutton", name="Quantity of Stoneware mug").fill("2")
    page.keyboard.press("Enter")
    expect(page.locator("[data-sum=total]")).to_have_text("€49.00")
    shot("cart")
    page.get_by_role("link", name="Check out").click()
    fill_in(page)
    expect(page.locator("[data-sum=total]")).to_have_text("€54.00")
    shot("checkout")
    number = place_order(page)
    expect(page.get_by_text("€54.00")).to_be_visible()
    shot("confirmation")
    return number


def in_stock(shop: Shop, sku: str) -> int:
    (item,) = shop.admin(f"/inventory-items?sku={sku}")["inventory_items"]
    return int(item["stocked_quantity"]) - int(item["reserved_quantity"])


def put_in_stock(shop: Shop, sku: str, number: int) -> None:
    """Leave `number` to be sold."""
    (item,) = shop.admin(f"/inventory-items?sku={sku}&fields=id,reserved_quantity,*location_levels")["inventory_items"]
    (level,) = item["location_levels"]
    levels = f"/inventory-items/{item['id']}/location-levels/{level['location_id']}"
    shop.admin(levels, json={"stocked_quantity": number + int(item["reserved_quantity"])})


def test_bought_from_the_window_and_found_in_the_admin(shop: Shop, visit: Callable[..., Page]) -> None:
    before = in_stock(shop, "STONEWARE-MUG")
    page = visit()
    number = buy(page, lambda name: shoot(page, f"{name}-desktop"))
    assert in_stock(shop, "STONEWARE-MUG") == before - 2
    page.goto("/app/login")
    page.get_by_placeholder("Email").fill(shop.secret["admin-email"])
    page.get_by_placeholder("Password").fill(shop.secret["admin-password"])
    page.get_by_role("button", name="Continue with Email").click()
    page.wait_for_url("**/app/orders**")
    expect(page.get_by_text(f"#{number}").first).to_be_visible()
    expect(page.get_by_text("ann@example.com").first).to_be_visible()
    page.goto("/app/products")
    expect(page.get_by_text("Stoneware mug")).to_be_visible()
    drawn = "[...document.images].filter((it) => it.src.includes('/assets/') && it.naturalWidth).length"
    until("the admin shows all eight pictures", lambda: page.evaluate(drawn) == 8)


def test_bought_without_any_script_on_a_phone(shop: Shop, visit: Callable[..., Page]) -> None:
    page = visit(viewport=PHONE, is_mobile=True, has_touch=True, java_script_enabled=False)
    before = len(shop.orders())
    buy(page, lambda name: shoot(page, f"{name}-phone"))
    assert len(shop.orders()) == before + 1


def test_into_the_cart_by_keys_alone(visit: Callable[..., Page]) -> None:
    page = visit()

    def tab_to(role: str, name: str) -> None:
        focused = page.get_by_role(role, name=name)  # type: ignore[arg-type]
        for _ in range(40):
            page.keyboard.press("Tab")
            if focused.evaluate("(it) => it === document.activeElement"):
                return
        raise AssertionError(f"no way by the Tab key to the {role} {name}")

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


def test_price_stock_and_picture_follow_the_choice(shop: Shop, visit: Callable[..., Page]) -> None:
    page = visit("/products/organic-t-shirt")
    stock = page.locator("[data-stock-line]")
    expect(stock).to_have_text("In stock")
    page.get_by_role("group", name="Oat").get_by_text("XL").click()
    expect(stock).to_have_text("Only 3 left")
    page.get_by_role("button", name="More").click(click_count=4)
    expect(page.get_by_label("Quantity")).to_have_value("3")
    page.get_by_role("group", name="Clay").get_by_text("L", exact=True).click()
    shown = "(it => Math.round(it.scrollLeft / it.clientWidth))(document.querySelector('.track'))"
    until("the third picture is shown, the one in clay", lambda: page.evaluate(shown) == 2)


def test_a_sold_out_product_an_empty_cart_and_a_page_that_is_not_there(shop: Shop, visit: Callable[..., Page]) -> None:
    put_in_stock(shop, "POCKET-NOTEBOOK", 0)
    page = visit()
    expect(page.get_by_role("listitem").filter(has_text="Pocket notebook")).to_contain_text("Sold out")
    page.get_by_role("link", name="Pocket notebook").click()
    expect(page.get_by_text("It cannot be ordered at present")).to_be_visible()
    expect(page.get_by_role("button", name="Add to cart")).to_have_count(0)
    put_in_stock(shop, "POCKET-NOTEBOOK", 100)
    page.goto("/checkout")
    expect(page.get_by_role("heading", name="Your cart is empty")).to_be_visible()
    missing = page.goto("/nowhere/at/all")
    assert missing
    assert missing.status == 404
    page.get_by_role("link", name="See all products").click()
    page.get_by_role("searchbox").fill("bread")
    page.keyboard.press("Enter")
    expect(page.get_by_text("We found nothing for “bread”")).to_be_visible()


def test_mistakes_are_told_at_the_field_and_nothing_typed_is_lost(visit: Callable[..., Page]) -> None:
    page = visit()
    add(page, "oak-board")
    page.goto("/checkout")
    fill_in(page, **{"E-mail": "ann@", "Last name": ""})
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("alert")).to_contain_text("Please look at 2 fields again")
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-describedby", "email-error")
    expect(page.get_by_label("Town or city")).to_have_value("Berlin")
    fill_in(page)
    place_order(page)
    page.goto("/checkout")  # once more: the order is there, and no other is made
    order_number(page)
    page.goto("/cart")
    page.get_by_role("link", name="see your order").click()
    order_number(page)


def test_what_was_sold_meanwhile_is_told_before_it_is_ordered(shop: Shop, visit: Callable[..., Page]) -> None:
    put_in_stock(shop, "WOOL-BLANKET", 4)
    page = visit("/products/wool-blanket")
    page.get_by_label("Quantity").fill("3")
    page.get_by_role("button", name="Add to cart").click()
    page.wait_for_url("**/cart?added=*")
    page.goto("/checkout")
    fill_in(page)
    put_in_stock(shop, "WOOL-BLANKET", 1)
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


def test_a_cart_changed_in_another_tab_is_looked_at_again(visit: Callable[..., Page]) -> None:
    page = visit()
    add(page, "oak-board")
    page.goto("/checkout")
    fill_in(page)
    other = page.context.new_page()
    add(other, "linen-tote")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("alert")).to_contain_text("Your cart or its prices changed while this page was open")
    expect(page.get_by_label("Town or city")).to_have_value("Berlin")
    expect(page.get_by_text("Linen tote bag")).to_be_visible()
    place_order(page)


@contextmanager
def in_the_united_states(shop: Shop) -> Iterator[None]:
    """For a while the shop sells there too, though without a delivery."""
    (region,) = shop.admin("/regions")["regions"]
    shop.admin(f"/regions/{region['id']}", json={"countries": ["de", "us"]})
    until("the shop knows of it", lambda: "United States" in shop.http("/").text)
    try:
        yield
    finally:
        shop.admin(f"/regions/{region['id']}", json={"countries": ["de"]})
    until("the shop knows of that, too", lambda: "United States" not in shop.http("/").text)


@pytest.mark.parametrize("scripts", [True, False])
def test_another_country_is_shown_its_own_deliveries(shop: Shop, visit: Callable[..., Page], scripts: bool) -> None:
    """To Germany it is delivered, to the United States not yet."""
    with in_the_united_states(shop):
        page = visit(java_script_enabled=scripts)
        add(page, "oak-board")
        page.goto("/checkout")
        fill_in(page)
        _choose_country(page, "United States", scripts)
        expect(page.get_by_text("We have no delivery to this country")).to_be_visible()
        expect(page.get_by_role("button", name="Place order")).to_be_disabled()
        expect(page.get_by_label("Town or city")).to_have_value("Berlin")
        _choose_country(page, "Germany", scripts)
        expect(page.get_by_text("€44.00")).to_be_visible()
        place_order(page)


@contextmanager
def taxed(shop: Shop, rate: int) -> Iterator[None]:
    """For a while Germany's tax comes on top of the prices."""
    (region,) = shop.admin("/tax-regions?country_code=de")["tax_regions"]
    default = {"tax_region_id": region["id"], "rate": rate, "name": "VAT", "code": "vat", "is_default": True}
    tax = shop.admin("/tax-rates", json=default)["tax_rate"]
    try:
        yield
    finally:
        shop.admin(f"/tax-rates/{tax['id']}", method="DELETE")


def test_a_tax_on_top_is_told_before_it_is_ordered(shop: Shop, visit: Callable[..., Page]) -> None:
    with taxed(shop, 10):
        page = visit()
        add(page, "oak-board")
        page.goto("/checkout")
        fill_in(page)
        expect(page.locator("[data-sum=total]")).to_have_text("€47.90")  # the delivery's tax is not known yet
        before = len(shop.orders())
        page.get_by_role("button", name="Place order").click()
        expect(page.get_by_role("alert")).to_contain_text("Your address and delivery change the total.")
        expect(page.locator("[data-sum=total]")).to_have_text("€48.40")
        expect(page.get_by_label("Town or city")).to_have_value("Berlin")
        assert len(shop.orders()) == before
        place_order(page)
        expect(page.get_by_text("€48.40")).to_be_visible()


def test_another_country_ordered_to_at_once_is_looked_at_first(shop: Shop) -> None:
    with in_the_united_states(shop), shopper(shop) as client:
        before = len(shop.orders())
        answer = client.post("/checkout", data=checkout_form(client) | {"country_code": "us", "province": "Ohio"})
        assert answer.status_code == 409
        assert "Below are the delivery options for the country you chose" in answer.text
        assert "We have no delivery to this country" in answer.text
        assert len(shop.orders()) == before


def _choose_country(page: Page, name: str, scripts: bool) -> None:
    page.get_by_label("Country").select_option(name)
    if not scripts:
        page.get_by_role("button", name="Show delivery to this country").click()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_scrolls_sideways(visit: Callable[..., Page], width: int) -> None:
    page = visit(viewport={"width": width, "height": 700}, is_mobile=True)
    add(page, "organic-t-shirt")
    for path in ("/", "/?q=zzz", "/products/organic-t-shirt", "/cart", "/checkout", "/orders", "/nowhere"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_first_load_is_small(visit: Callable[..., Page]) -> None:
    page = visit("/robots.txt")
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    received: dict[str, int] = {}
    network.on("Network.loadingFinished", lambda it: received.update({it["requestId"]: it["encodedDataLength"]}))
    page.goto("/")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")  # what is loaded lazily, too
    page.wait_for_load_state("networkidle")
    print(f"first load: {sum(received.values())} bytes in {len(received)} answers")
    assert len(received) >= 10
    assert sum(received.values()) < FIRST_LOAD


def test_pages_carry_what_browsers_need_to_be_careful(shop: Shop) -> None:
    window = shop.http("/")
    assert "default-src 'none'" in window.headers["content-security-policy"]
    assert "unsafe" not in window.headers["content-security-policy"]
    assert not re.search(r"<script(?! src)|<style|\bon\w+=|style=", window.text)
    assert shop.http("/", headers={"If-None-Match": window.headers["etag"]}).status_code == 304
    assert shop.http("/", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"
    style = re.search(r"/assets/shop\.\w+\.css", window.text)
    assert style
    assert f"--accent: {ACCENT}" in shop.http(style[0]).text
    assert "immutable" in shop.http(style[0]).headers["cache-control"]
    older = shop.http("/assets/stoneware-mug.0123456789.svg")
    assert (older.status_code, "immutable" in older.headers["cache-control"]) == (200, False)


@contextmanager
def shopper(shop: Shop) -> Iterator[httpx.Client]:
    """Someone with one mug in the cart and no browser."""
    with shop.cluster.client(shop.host, timeout=30) as client:
        form = {"variant": field(client.get("/products/stoneware-mug").text, "variant")}
        assert client.post("/cart", data=form).status_code == 303
        yield client


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, f"the page has no field {name}"
    return found[1]


def checkout_form(client: httpx.Client) -> dict[str, str]:
    """The checkout's form, filled in."""
    page = client.get("/checkout").text
    hidden = {name: field(page, name) for name in ("seen", "delivery")}
    total = f"total-{hidden['delivery']}"
    typed = {"email": "ada@example.com", "country_code": "de"}
    return medusa.ADDRESS | typed | hidden | {total: field(page, total)}


def test_sent_five_times_at_once_an_order_is_made_once(shop: Shop) -> None:
    before = len(shop.orders())
    with shopper(shop) as client:
        form = checkout_form(client)
        with ThreadPoolExecutor(5) as people:
            answers = list(people.map(lambda _: client.post("/checkout", data=form), range(5)))
        assert {answer.status_code for answer in answers} == {303}
        assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(shop.orders()) == before + 1


def test_forms_of_other_sites_are_refused(shop: Shop) -> None:
    with shopper(shop) as client:
        form = checkout_form(client)
        before = len(shop.orders())
        for header in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            assert client.post("/checkout", data=form, headers=header).status_code == 403
            assert client.post("/cart", data={"variant": "x"}, headers=header).status_code == 403
        assert len(shop.orders()) == before
        assert client.post("/checkout", data=form, headers={"Origin": shop.url}).status_code == 303


def test_nonsense_is_refused_kindly(shop: Shop) -> None:
    assert shop.http("/products/%00").status_code == 404
    assert shop.http("/cart", headers={"Cookie": 'cart=j:{"id":{"$ne":null}}'}).status_code == 200
    assert shop.http("/cart", headers={"Cookie": "cart=cart_01ARZ3NDEKTSV4RRFFQ69G5FAV"}).status_code == 200
    assert shop.http("/?q[a]=1&page[b]=x").status_code == 200
    assert shop.http("/?page=999").status_code == 404
    with shopper(shop) as client:
        variant = field(client.get("/products/stoneware-mug").text, "variant")
        for quantity in ("0", "-1", "1e9", "x", "100"):
            assert client.post("/cart", data={"variant": variant, "quantity": quantity}).status_code == 409
        assert client.post("/cart", data={"variant": "variant_none"}).status_code == 404
        assert client.post("/cart/cali_other", data={"quantity": "5"}).headers["location"] == "/cart"


def test_a_form_that_cannot_be_read_is_told_in_the_shops_look(shop: Shop) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    torn = shop.http("/cart", method="POST", content=b"variant=" + b"x" * 200_000, headers=form)
    packed = shop.http("/cart", method="POST", content=b"x", headers=form | {"Content-Encoding": "gzip"})
    assert (torn.status_code, packed.status_code) == (413, 400)
    for answer in (torn, packed):
        assert "That could not be read" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_an_order_is_shown_to_whoever_placed_it_and_to_nobody_else(shop: Shop, visit: Callable[..., Page]) -> None:
    """Last, because it ends with being told to wait."""
    page = visit()
    add(page, "stoneware-mug")
    page.goto("/checkout")
    fill_in(page)
    number, path = place_order(page), httpx.URL(page.url).path
    assert shop.http(path).status_code == 404
    assert shop.http(path, headers={"Cookie": "order=wrong"}).status_code == 404
    assert shop.http("/orders/order_01ARZ3NDEKTSV4RRFFQ69G5FAV").status_code == 404
    other = visit("/orders")
    other.get_by_label("Order number").fill(f"#{number}")
    other.get_by_label("E-mail").fill("ANN@example.com")
    other.get_by_role("button", name="Find it").click()
    assert order_number(other) == number
    tries = [("999999", "ann@example.com"), (number, "bob@example.com"), (number, ""), ("one", "ann@example.com")] * 3
    answers = [_look_up(shop, *typed) for typed in tries]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429] * 2
    said = {re.sub(r'value="[^"]*"', "", answer.text) for answer in answers[:10]}
    assert len(said) == 1, "a wrong number is answered otherwise than a wrong address"
    assert _look_up(shop, number, "ann@example.com").status_code == 429


def _look_up(shop: Shop, number: str, email: str) -> httpx.Response:
    return shop.http("/orders", method="POST", data={"number": number, "email": email})

"""Medusa's storefront as a shopper with a browser uses it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

BUYER = {
    "E-mail": "ann@example.com",
    "First name": "Ann",
    "Last name": "Buyer",
    "Street and house number": "1 Main Street",
    "Postal code": "10115",
    "Town or city": "Berlin",
}


def fill_in(page: Page, **other: str) -> None:
    """Fill in the checkout's form; `other` by label instead of what BUYER has."""
    for label, words in (BUYER | other).items():
        page.get_by_label(label).fill(words)


def place_order(page: Page) -> str:
    """Send the checkout's form; the order's number."""
    page.get_by_role("button", name="Place order").click()
    return order_number(page)


def order_number(page: Page) -> str:
    """The number that the confirmation tells."""
    expect(page.get_by_role("heading", name="Thank you, Ann")).to_be_visible()
    return page.locator(".thanks strong").inner_text().removeprefix("number ")

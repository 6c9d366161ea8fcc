"""The credential page: it shows credentials once, to one person, and does nothing for crawlers."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page

from dev.slack import LocalSlack
from provisioner.domain.errors import JobFailed, Transient
from tests.integration.bot_harness import ADA, SECRET, Bot, running_bot
from tests.integration.slack_steps import link_in_answer


@pytest.fixture(scope="module")
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(rate_limits={}) as workspace:
        yield workspace


@pytest.fixture
def bot(tmp_path: Path, slack: LocalSlack) -> Iterator[Bot]:
    with running_bot(tmp_path, slack) as running:
        running.order()
        running.finish()
        yield running


def new_link(bot: Bot, user: str = "Dana") -> str:
    """The address in the answer to /store credentials."""
    return link_in_answer(bot, "credentials my-shop", user)


def reveal(bot: Bot, link: str, token: str | None = None, **headers: str) -> httpx.Response:
    """The request that the page makes at a click."""
    parts = urlsplit(link)
    sent = {"Origin": bot.url, "Sec-Fetch-Site": "same-origin", **headers}
    with bot.http() as http:
        return http.post(
            parts.path,
            json={"token": parts.fragment if token is None else token},
            headers={name: value for name, value in sent.items() if value},
        )


# --- over HTTP ---------------------------------------------------------------------------------------------------


def test_get_and_head_use_nothing_up_and_are_the_same_for_every_link(bot: Bot) -> None:
    link = new_link(bot)
    with bot.http() as http:
        pages = [http.get(urlsplit(link).path) for _ in range(3)]
        assert http.head(urlsplit(link).path).status_code == 200
        unknown = http.get("/s/no-such-link")
    bodies = {re.sub(r'nonce="[\w-]+"', "", page.text) for page in [*pages, unknown]}
    assert len(bodies) == 1
    assert reveal(bot, link).status_code == 200, "GET used nothing up"


def test_page_is_kept_out_of_caches_frames_and_search_engines(bot: Bot) -> None:
    with bot.http() as http:
        first, second = http.get("/s/x").headers, http.get("/s/x").headers
    assert first["cache-control"] == "no-store"
    assert first["referrer-policy"] == "no-referrer"
    assert first["x-content-type-options"] == "nosniff"
    assert "noindex" in first["x-robots-tag"]
    policy = first["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert policy != second["content-security-policy"], "each page has a nonce of its own"


def test_reveal_shows_the_credentials_that_the_chart_lists_and_nothing_more(bot: Bot) -> None:
    answer = reveal(bot, new_link(bot))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "store": "my-shop",
        "admin_url": "http://my-shop.localhost:8081/app",
        "credentials": [
            {"label": "Admin email", "value": SECRET["admin-email"]},
            {"label": "Admin password", "value": SECRET["admin-password"]},
        ],
        "otherwise": "/store reset my-shop",
    }


def test_second_reveal_is_refused(bot: Bot) -> None:
    link = new_link(bot)
    assert reveal(bot, link).status_code == 200
    again = reveal(bot, link)
    assert again.status_code == 410
    assert again.json()["what"] == "This link was already used."
    assert SECRET["admin-password"] not in again.text


def test_one_of_twenty_reveals_at_once_succeeds(bot: Bot) -> None:
    link, seen = new_link(bot), []
    threads = [threading.Thread(target=lambda: seen.append(reveal(bot, link).status_code)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [200] + [410] * 19


def test_expired_link_is_refused(bot: Bot) -> None:
    link = new_link(bot)
    bot.clock.ahead += 15 * 60
    assert reveal(bot, link).json()["what"] == "This link has expired."


def test_newer_link_and_deletion_revoke_a_link(bot: Bot) -> None:
    first, second = new_link(bot), new_link(bot)
    assert reveal(bot, first).json()["what"] == "This link was revoked."
    bot.order_deletion()
    assert reveal(bot, second).status_code == 410


@pytest.mark.parametrize("token", ["", "wrong", "x" * 100])
def test_wrong_token_does_not_use_up_the_link(bot: Bot, token: str) -> None:
    link = new_link(bot)
    assert reveal(bot, link, token).status_code in (403, 410)
    assert reveal(bot, link).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": ""},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
    ],
)
def test_only_the_own_page_reveals(bot: Bot, headers: dict[str, str]) -> None:
    link = new_link(bot)
    assert reveal(bot, link, **headers).status_code == 403
    assert reveal(bot, link).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"token": 1}', b'{"token": null}', b'"x"', b"[" * 4000])
def test_malformed_body_is_refused(bot: Bot, body: bytes) -> None:
    with bot.http() as http:
        headers = {"Origin": bot.url, "Content-Type": "application/json"}
        assert http.post("/s/x", content=body, headers=headers).status_code == 403
        assert http.post("/s/x", content=b"x" * 5000, headers=headers).status_code == 413


@pytest.mark.parametrize("error", [Transient("The API is away."), OSError("gone")])
def test_unreachable_cluster_does_not_use_up_the_link(bot: Bot, error: Exception) -> None:
    link = new_link(bot)
    bot.secret = error
    answer = reveal(bot, link)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "Your link still works." in answer.json()["cause"]
    bot.secret = dict(SECRET)
    assert reveal(bot, link).status_code == 200


def test_missing_secret_is_reported_and_does_not_use_up_the_link(bot: Bot) -> None:
    link = new_link(bot)
    bot.secret = JobFailed("The Secret is missing.", "Somebody deleted it.")
    answer = reveal(bot, link)
    assert answer.status_code == 500
    assert answer.json()["what"] == "The Secret is missing."
    bot.secret = dict(SECRET)
    assert reveal(bot, link).status_code == 200


def test_owner_gets_a_receipt_when_an_admin_opened_the_link(bot: Bot, slack: LocalSlack) -> None:
    before = len(slack.dms("Dana"))
    reveal(bot, new_link(bot, "Ada"))
    receipt = slack.wait_for(lambda: slack.dms("Dana")[before:])[0]
    assert "The admin credentials of *my-shop* were opened" in receipt["text"]
    assert f"with the link made for <@{ADA}>" in receipt["text"]
    assert "press *Not me*" in str(receipt["blocks"])
    [row] = [r for r in bot.audit() if r["action"] == "reveal"]
    assert (row["actor"], row["store"]) == (ADA, "my-shop")


# --- in a browser ------------------------------------------------------------------------------------------------


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, permissions=["clipboard-read", "clipboard-write"]
    )
    opened = context.new_page()
    opened.set_default_timeout(8000)
    yield opened
    context.close()


def test_browser_shows_credentials_once(bot: Bot, page: Page) -> None:
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text))
    link = new_link(bot)
    page.goto(link)
    assert "#" not in page.url, "the token is not in the address bar"
    page.get_by_role("button", name="Show them now").click()
    page.get_by_role("heading", name="my-shop: admin credentials").wait_for()
    login = [SECRET["admin-email"], SECRET["admin-password"]]
    assert page.locator("code").all_inner_texts() == [*login, "/store reset my-shop"]
    page.get_by_role("button", name="Copy Admin password").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == SECRET["admin-password"]
    assert page.get_by_role("link", name="Open the admin").get_attribute("href") == bot.store().admin_url
    assert fits(page)
    page.goto(link)
    page.get_by_role("button", name="Show them now").click()
    page.get_by_role("heading", name="This link was already used.").wait_for()
    assert not [line for line in console if "Content Security Policy" in line]


def test_browser_tries_again_after_the_cluster_was_unreachable(bot: Bot, page: Page) -> None:
    bot.secret = Transient("The API is away.")
    page.goto(new_link(bot))
    page.get_by_role("button", name="Show them now").click()
    again = page.get_by_role("button", name="Try again")
    again.wait_for()
    bot.secret = dict(SECRET)
    again.click()
    page.get_by_role("heading", name="my-shop: admin credentials").wait_for()


def test_browser_reports_a_link_without_its_token(bot: Bot, page: Page) -> None:
    page.goto(new_link(bot).partition("#")[0])
    page.get_by_role("heading", name="This link is incomplete.").wait_for()


def fits(page: Page) -> bool:
    """Whether a phone shows the page without scrolling sideways."""
    fits_width: Any = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return bool(fits_width)

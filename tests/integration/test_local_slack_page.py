"""The web page of the local Slack in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dev.slack import LocalSlack
from tests.integration.sample_bot import SampleBot, button, over_http, section
from tests.waiting import until


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(rate_limits={}) as running:
        yield running


@pytest.fixture
def bot(slack: LocalSlack) -> Iterator[SampleBot]:
    sample = SampleBot(slack)
    with over_http(sample) as url:
        slack.connect_bot(url)
        yield sample


@pytest.fixture
def page(browser: Browser, slack: LocalSlack, bot: SampleBot) -> Iterator[Page]:
    """Dana's browser page; a JavaScript error in it fails the test."""
    opened = browser.new_page()
    errors: list[Any] = []
    opened.on("pageerror", lambda error: errors.append(error))
    opened.goto(slack.workspace_url)
    yield opened
    opened.close()
    assert errors == []


def type_in(page: Page, text: str, channel: str = "#stores") -> None:
    box = page.get_by_role("textbox", name=f"Message {channel}")
    box.fill(text)
    box.press("Enter")


def test_command_shows_hint_and_ephemeral_answer(page: Page) -> None:
    page.get_by_role("textbox", name="Message #stores").fill("/s")
    expect(page.get_by_role("list", name="Commands")).to_contain_text("create my-shop medusa")
    page.keyboard.press("Tab")
    page.keyboard.type("list")
    page.keyboard.press("Enter")
    ephemeral = page.get_by_role("listitem").filter(has_text="You said list")
    expect(ephemeral).to_contain_text("Only visible to you")
    page.get_by_role("radio", name="Oli").click()
    expect(page.get_by_text("This is the very beginning of #stores.")).to_be_visible()
    expect(page.get_by_text("You said list")).to_be_hidden()


def test_open_thread_shows_new_replies_and_edits(page: Page, bot: SampleBot) -> None:
    root = bot.client.chat_postMessage(channel="#stores", text="Creating *my-shop*")
    same: dict[str, Any] = {"channel": root["channel"], "thread_ts": root["ts"]}
    bot.client.chat_postMessage(**same, text="Namespace is there")
    page.get_by_role("button", name=re.compile("1 reply")).click()
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread.get_by_text("Namespace is there")).to_be_visible()
    bot.client.chat_postMessage(**same, text="Database is up")
    expect(thread.get_by_text("Database is up")).to_be_visible()
    bot.client.chat_update(channel=root["channel"], ts=root["ts"], text="*my-shop* is ready")
    expect(thread.get_by_text("is ready")).to_be_visible()
    expect(page.get_by_text("(edited)").first).to_be_visible()
    reply = thread.get_by_role("textbox", name="Reply in thread")
    reply.fill("/store list")
    reply.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("/store is not supported in threads")
    reply.fill("Thank you")
    reply.press("Enter")
    expect(thread.get_by_text("Thank you")).to_be_visible()


def test_plan_block_shows_its_tasks(page: Page, bot: SampleBot) -> None:
    states = ("complete", "in_progress", "pending", "error")
    tasks = [{"type": "task_card", "task_id": s, "title": f"Task {s}", "status": s} for s in states]
    bot.client.chat_postMessage(
        channel="#stores", text="x", blocks=[{"type": "plan", "title": "Creating", "tasks": tasks}]
    )
    for state in states:
        expect(page.get_by_text(f"Task {state}")).to_be_visible()


def test_urls_with_ports_and_times_keep_their_colons(page: Page, bot: SampleBot) -> None:
    text = "At 10:30:45 <http://my-shop.localhost:8081> or <http://two.localhost:82/|two:2> :tulip: `a:b:c`"
    bot.client.chat_postMessage(channel="#stores", text=text)
    shown = page.get_by_text("At 10:30:45 http://my-shop.localhost:8081 or two:2 🌷 a:b:c")
    expect(shown).to_be_visible()
    expect(shown.get_by_role("link", name="two:2")).to_have_attribute("href", "http://two.localhost:82/")
    link = shown.get_by_role("link", name="http://my-shop.localhost:8081")
    expect(link).to_have_attribute("href", "http://my-shop.localhost:8081")


def test_form_shows_errors_inline_until_it_is_submitted(page: Page, slack: LocalSlack, bot: SampleBot) -> None:
    type_in(page, "/store buttons")
    page.get_by_role("button", name="Open", exact=True).click()
    form = page.get_by_role("dialog", name="Create a store")
    form.get_by_role("button", name="Create").click()
    expect(form.get_by_role("alert")).to_have_text("Please complete this required field.")
    form.get_by_label("Name").fill("bad")
    form.get_by_role("button", name="Create").click()
    expect(form.get_by_role("alert")).to_have_text("Not a good name")
    form.get_by_label("Name").fill("good")
    form.get_by_label("Name").press("Enter")
    expect(form).to_be_hidden()
    assert bot.bodies("submit")[-1]["view"]["state"]["values"]["name"]["value"]["value"] == "good"


def test_escape_closes_a_form(page: Page, bot: SampleBot) -> None:
    type_in(page, "/store buttons")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("dialog", name="Create a store")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Create a store")).to_be_hidden()
    until("the bot gets the event", lambda: len(bot.bodies("closed")) == 1)


def test_button_with_confirm_sends_click_only_after_confirmation(page: Page, bot: SampleBot) -> None:
    confirm = {key: {"type": "plain_text", "text": f"{key}!"} for key in ("title", "text", "confirm", "deny")}
    row = {"type": "actions", "elements": [button("choose", "Delete", style="danger", confirm=confirm)]}
    bot.client.chat_postMessage(channel="#stores", text="x", blocks=[section("my-shop"), row])
    for answer, clicks in (("deny!", 0), ("confirm!", 1)):
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("alertdialog", name="title!").get_by_role("button", name=answer).click()
        expect(page.get_by_role("alertdialog")).to_be_hidden()
        page.wait_for_function("!document.querySelector('[aria-busy=true]')")
        assert len(bot.bodies("choose")) == clicks


MENU = {
    "type": "overflow",
    "action_id": "choose",
    "options": [{"text": {"type": "plain_text", "text": label}, "value": label} for label in ("Restart", "Pause")],
}


def test_menu_sends_the_chosen_item_once(page: Page, bot: SampleBot) -> None:
    bot.client.chat_postMessage(
        channel="#stores", text="x", blocks=[section("my-shop"), {"type": "actions", "elements": [MENU]}]
    )
    opener = page.get_by_role("button", name="More actions")
    opener.click()
    expect(page.get_by_role("menuitem")).to_have_text(["Restart", "Pause"])
    page.get_by_role("menuitem", name="Restart").click()
    expect(page.get_by_role("menu")).to_be_hidden()
    page.wait_for_function("!document.querySelector('[aria-busy=true]')")
    [chosen] = bot.bodies("choose")
    assert chosen["actions"][0]["selected_option"]["value"] == "Restart"


def test_menu_is_used_with_the_keyboard_and_closes_without_a_choice(page: Page, bot: SampleBot) -> None:
    bot.client.chat_postMessage(channel="#stores", text="x", blocks=[{"type": "actions", "elements": [MENU]}])
    opener = page.get_by_role("button", name="More actions")
    opener.press("Enter")
    expect(page.get_by_role("menuitem", name="Restart")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    page.get_by_role("heading", name="# stores").click()
    expect(page.get_by_role("menu")).to_be_hidden()
    assert bot.bodies("choose") == []
    opener.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Pause")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu")).to_be_hidden()
    page.wait_for_function("!document.querySelector('[aria-busy=true]')")
    assert bot.bodies("choose")[0]["actions"][0]["selected_option"]["value"] == "Pause"


def test_menu_stays_on_a_narrow_screen(browser: Browser, slack: LocalSlack, bot: SampleBot) -> None:
    bot.client.chat_postMessage(channel="#stores", text="x", blocks=[{"type": "actions", "elements": [MENU]}])
    phone = browser.new_page(viewport={"width": 390, "height": 780})
    phone.goto(slack.workspace_url)
    phone.get_by_role("button", name="More actions").click()
    box = phone.get_by_role("menu").bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
    phone.close()


def test_link_button_opens_a_new_tab_and_sends_a_click(page: Page, slack: LocalSlack, bot: SampleBot) -> None:
    row = {"type": "actions", "elements": [button("choose", "Open shop", url=f"{slack.workspace_url}/?user=ada")]}
    bot.client.chat_postMessage(channel="#stores", text="x", blocks=[row])
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Open shop").click()
    expect(popup.value.get_by_role("radio", name="Ada")).to_be_checked()
    assert slack.wait_for(lambda: bot.bodies("choose"))


def test_click_without_ack_shows_an_error_next_to_the_button(page: Page, slack: LocalSlack, bot: SampleBot) -> None:
    type_in(page, "/store buttons")
    page.get_by_role("button", name="Answer").wait_for()
    slack.connect_bot("http://127.0.0.1:9")
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_role("alert")).to_contain_text("This app didn't respond")


def test_unread_channel_is_marked_and_app_home_opens(page: Page, bot: SampleBot) -> None:
    bot.client.chat_postMessage(channel="#store-failures", text="It failed")
    failures = page.get_by_role("button", name="store-failures")
    expect(failures.get_by_label("1 unread")).to_be_visible()
    failures.click()
    expect(page.get_by_text("It failed")).to_be_visible()
    expect(failures.get_by_label("1 unread")).to_be_hidden()
    page.get_by_role("button", name="Storewright").click()
    expect(page.get_by_role("region", name="App Home")).to_contain_text("Your stores")


def test_page_fits_a_phone_in_dark_and_light_theme(browser: Browser, slack: LocalSlack, bot: SampleBot) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 780}, color_scheme="dark")
    phone.goto(f"{slack.workspace_url}/archives/C0FAILURE")
    expect(phone.get_by_role("heading", name="# store-failures")).to_be_visible()
    assert phone.evaluate("document.documentElement.dataset.theme") == "dark"
    phone.get_by_role("button", name="Open the sidebar").click()
    phone.get_by_role("button", name="Use the light theme").click()
    assert phone.evaluate("document.documentElement.dataset.theme") == "light"
    phone.get_by_role("button", name="stores", exact=True).click()
    expect(phone.get_by_role("textbox", name="Message #stores")).to_be_in_viewport()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.close()

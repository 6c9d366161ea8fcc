"""The create form in a real browser: another type changes the options and keeps the entered values."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from dev.slack import LocalSlack
from tests.integration.bot_harness import running_bot


def test_browser_form_shows_options_of_another_type_and_keeps_entered_values(browser: Browser, tmp_path: Path) -> None:
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path, slack) as bot:
        page = browser.new_page()
        page.goto(slack.workspace_url)
        box = page.get_by_role("textbox", name="Message #stores")
        box.fill("/store create")
        box.press("Enter")
        form = page.get_by_role("dialog", name="Create a store")
        form.get_by_label("Name").fill("My Shop")
        expect(form.get_by_text("“My Shop” can't be a store's name.")).to_be_visible()
        form.get_by_label("Colour").select_option("Ocean")
        form.get_by_role("button", name="Create").click()
        expect(form.get_by_role("alert")).to_contain_text("Try my-shop.")
        form.get_by_label("Type").select_option("Plain")
        expect(form.get_by_label("Currency")).to_be_hidden()
        expect(form.get_by_label("Name")).to_have_value("My Shop")
        expect(form.get_by_label("Colour")).to_have_value("#1f5f8b")
        form.get_by_label("Name").fill("my-shop")
        expect(form.get_by_text("The name is free: http://my-shop.localhost:8081")).to_be_visible()
        form.get_by_label("Type").select_option("Medusa")
        form.get_by_label("Currency").select_option("US dollar")
        form.get_by_role("button", name="Create").click()
        expect(form).to_be_hidden()
        expect(page.get_by_text("Medusa · US dollar · Ocean · Ordered by").first).to_be_visible()
        page.close()
        assert bot.store().options == {"currency": "usd", "color": "#1f5f8b"}

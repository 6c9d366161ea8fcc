"""The local Slack in a browser, as one of its users sees and uses it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, ViewportSize, expect

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
JOB_MILLISECONDS = 180_000  # that a job of a store may take on a busy machine
ONE_TIME_LINK = re.compile(r"http://127\.0\.0\.1:\d+/s/[\w-]+#[\w-]{43}")


class WorkspacePage:
    """The workspace at `url`; its buttons are those of one `store`."""

    def __init__(self, page: Page, url: str, store: str) -> None:
        self.page, self.store = page, store
        page.goto(url)

    # -- what the person reads ----------------------------------------------------------------------------

    @property
    def log(self) -> Locator:
        """The messages of the open channel."""
        return self.page.get_by_role("log", name="Messages", exact=True)

    @property
    def thread(self) -> Locator:
        return self.page.get_by_role("complementary", name="Thread")

    def dialog(self, title: str) -> Locator:
        """The form with this title, once it is open."""
        form = self.page.get_by_role("dialog", name=title, exact=True)
        expect(form).to_be_visible()
        return form

    def reads(self, text: str | re.Pattern[str]) -> None:
        """Wait until the channel shows the text. A job may end with it."""
        expect(self.log).to_contain_text(text, timeout=JOB_MILLISECONDS)

    # -- what the person does -----------------------------------------------------------------------------

    def become(self, user: str) -> None:
        self.page.get_by_role("radio", name=user).click()

    def open_channel(self, name: str) -> None:
        self.page.get_by_role("navigation").get_by_role("button", name=name).click()

    def open_tab(self, name: str) -> None:
        """Open a tab of the app: Home or Messages."""
        self.open_channel("Storewright")
        self.page.get_by_role("tab", name=name).click()

    def type(self, text: str) -> None:
        _enter(self.page.get_by_role("textbox", name="Message #stores"), text)

    def reply(self, text: str) -> None:
        """Type in the open thread."""
        _enter(self.page.get_by_role("textbox", name="Reply in thread"), text)

    def open_thread(self) -> None:
        """Open the thread of the newest message that has one."""
        self.log.get_by_role("button", name=re.compile("repl(y|ies)")).last.click()
        expect(self.thread).to_be_visible()

    def close_thread(self) -> None:
        self.page.get_by_role("button", name="Close the thread").click()

    def button(self, label: str) -> Locator:
        """The newest button of the store with this label."""
        return self.log.get_by_role("button", name=f"{label}: {self.store}", exact=True).last

    def choose(self, item: str) -> None:
        """Choose an item of the store's menu."""
        self.button("More …").click()
        self.dialog("More actions").get_by_role("button", name=f"{item}: {self.store}", exact=True).click()

    def open(self, label: str) -> Page:
        """The page that a button of the store opens in a new tab."""
        with self.page.context.expect_page() as opened:
            self.button(label).click()
        opened.value.wait_for_load_state()
        return opened.value

    def login(self) -> tuple[Page, str, str]:
        """Get the admin login by its link, which works once; returns its page, the user and the password."""
        links = self.log.get_by_role("link", name=f"Show the admin credentials of {self.store}")
        before = links.count()
        self.button("Get admin credentials").click()
        expect(links).to_have_count(before + 1)
        address = links.last.get_attribute("href") or ""
        assert ONE_TIME_LINK.fullmatch(address)
        shown = _open_link(self.page, address)
        user, password = (shown.locator("#credentials code").nth(number) for number in (0, 1))
        expect(password).to_be_visible()
        again = _open_link(self.page, address)
        expect(again.locator("body")).to_contain_text("already used")
        again.close()
        return shown, user.inner_text(), password.inner_text()


def shoot(page: Page, path: Path) -> None:
    """Take a picture of the page on a desktop, and one on a phone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for viewport, end in ((PHONE, "-phone.png"), (DESKTOP, ".png")):
        page.set_viewport_size(viewport)
        page.screenshot(path=path.with_name(path.name + end))


def _enter(box: Locator, text: str) -> None:
    box.fill(text)
    box.press("Enter")


def _open_link(page: Page, address: str) -> Page:
    """Open a one-time link in a new tab and press *Show them now*.

    Chromium drops a request when a network interface of this machine comes or goes, as with each pod
    (ERR_NETWORK_CHANGED): the page then offers *Try again*, which is pressed as a person would."""
    opened = page.context.new_page()
    opened.add_locator_handler(opened.get_by_role("button", name="Try again"), lambda button: button.click())
    opened.goto(address)
    opened.get_by_role("button", name="Show them now").click()
    return opened

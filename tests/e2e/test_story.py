"""The whole life of a store, in the browser: what its owners do with it in Slack, and what becomes of the shop.

`make tour` makes the pictures of docs/tour.md with it."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dev.cluster import Cluster
from dev.stack import ROOT, Stack, kubectl
from provisioner.domain.expiry import DAY, HOUR, MINUTE
from tests import clock
from tests.e2e.shop_pages import MedusaPages, ShopPages, WooCommercePages
from tests.e2e.workspace_page import DESKTOP, JOB_MILLISECONDS, PHONE, WorkspacePage, shoot
from tests.waiting import until

STORE = "fernwood"
PICTURES = ROOT / "build/screenshots/tour"
# The store lives for three days. The notices come so long before its end, each with these words.
LIFE, NOTICES = 3 * DAY, ((2 * DAY, "2 days"), (2 * HOUR, "2 hours"), (30 * MINUTE, "30 minutes"))
# The story starts so many seconds ago: the cluster, whose clock does not move, refuses certificates of the future.
AGO = LIFE + 9 * DAY


class Story:
    """Dana's store of one type: her Slack, the shop and its admin, each in a tab, and a clock that the test moves."""

    def __init__(self, stack: Stack, context: BrowserContext, shop: ShopPages, clock_folder: Path) -> None:
        self.stack, self.cluster, self.shop, self._clock_folder = stack, stack.cluster, shop, clock_folder
        self.slack = WorkspacePage(context.new_page(), stack.workspace_url, STORE)
        self.url = stack.addresses.url(STORE)
        self.namespace = stack.addresses.namespace(STORE)

    def shoot(self, name: str, page: Page | None = None) -> None:
        """Take the two pictures with this name of Slack, or of another page."""
        shoot(page or self.slack.page, PICTURES / self.shop.type / name)

    # -- the chapters, in their order ---------------------------------------------------------------------

    def is_ordered_with_a_form(self) -> None:
        slack = self.slack
        slack.type("/store create")
        form = slack.dialog("Create a store")
        form.get_by_label("Name").fill("Fernwood!")
        expect(form).to_contain_text("❌")
        form.get_by_label("Name").fill(STORE)
        expect(form).to_contain_text("The name is free")
        form.get_by_label("Type").select_option(label=self.shop.label)
        expect(form.locator(f"select[id*='/{self.shop.type}/']").first).to_be_visible()  # the options of this type
        for label, choice in self.shop.options.items():
            form.get_by_label(label, exact=True).select_option(label=choice)
        form.get_by_label("How long it lives").select_option(label="3 days")
        expect(form).to_contain_text("The name is free")
        self.shoot("form")
        self._made_at = time.time()
        form.get_by_role("button", name="Create", exact=True).click()
        slack.reads(f"Creating {STORE}")
        slack.open_thread()
        expect(slack.thread).to_contain_text("Chart installed", timeout=JOB_MILLISECONDS)
        self.shoot("creating")
        slack.reads(f"{STORE} is ready after")
        expect(slack.thread).to_contain_text("Storefront answers")
        self.shoot("ready")
        slack.close_thread()

    def sells(self) -> None:
        self._shop = self.slack.open("Open shop")
        self.shoot("shop", self._shop)
        for viewport in (PHONE, DESKTOP):
            self._shop.set_viewport_size(viewport)
            assert self._shop.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                "the page scrolls sideways"
            )
        self._sale = self.shop.buy(self._shop)
        self.shoot("sold", self._shop)

    def gives_its_login_once(self) -> None:
        slack = self.slack
        page, self._user, self._password = slack.login()
        self.shoot("login", page)
        page.close()
        self._admin = slack.open("Open admin")
        self.shop.log_in(self._admin, self._user, self._password)
        self.shop.finds(self._admin, self._sale)
        self.shoot("admin", self._admin)
        slack.open_tab("Messages")
        slack.reads(f"The admin credentials of {STORE} were opened")
        self.shoot("receipt")
        slack.open_channel("stores")

    def is_seen_from_afar(self) -> None:
        slack = self.slack
        slack.type("/store list")
        slack.reads("Stores: 1 of yours")
        slack.type(f"/store status {STORE}")
        slack.reads("Quota used")
        self.shoot("status")
        slack.open_tab("Home")
        expect(slack.page.get_by_role("region", name="App Home")).to_contain_text(STORE)
        self.shoot("home")
        slack.open_channel("stores")

    def gets_another_setting(self) -> None:
        label, value = self.shop.setting
        self.slack.choose("Settings")
        form = self.slack.dialog("Settings")
        form.get_by_label(label).select_option(label=value)
        self.shoot("settings")
        form.get_by_role("button", name="Apply").click()
        self.slack.reads(re.compile(f"{STORE} has .* after"))
        self._until_set(True)

    def _until_set(self, is_set: bool) -> None:
        self._shop.goto(self.url)
        shop, where = self.shop, (self._shop, self.cluster, self.namespace, STORE)
        until(f"the setting is {'new' if is_set else 'as before'}", lambda: shop.is_set(*where) == is_set)

    def sleeps_until_a_visit(self) -> None:
        slack = self.slack
        slack.type(f"/store pause {STORE}")
        slack.reads(f"{STORE} is asleep after")
        running = ("get", "pods", "-n", self.namespace, "--field-selector=status.phase=Running", "-o", "name")
        until("no pod runs", lambda: not kubectl(self.cluster, *running))
        self._shop.goto(self.url)
        expect(self._shop.get_by_role("status")).to_have_text("The shop opens in a few seconds.")
        self.shoot("waking", self._shop)
        offered = self._shop.get_by_role("link", name=self.shop.offered).first
        expect(offered).to_be_visible(timeout=JOB_MILLISECONDS)
        slack.reads("A visit woke it")
        self._admin.reload()
        self.shop.finds(self._admin, self._sale)

    def shows_its_log_in_the_thread(self) -> None:
        slack = self.slack
        slack.open_thread()
        slack.reply("@Storewright logs")
        expect(slack.thread).to_contain_text("Only visible to you")
        expect(slack.thread.locator("pre")).not_to_be_empty()
        self.shoot("log")
        slack.close_thread()

    def goes_back_to_its_former_setting(self) -> None:
        self.slack.type(f"/store rollback {STORE}")
        form = self.slack.dialog("Roll a store back")
        expect(form).to_contain_text("Revision 1")
        self.shoot("rollback")
        form.get_by_role("button", name="Roll back").click()
        self.slack.reads(re.compile(rf"{STORE} runs {self.shop.label} \S+ \(revision 1\) again after"))
        self._until_set(False)

    def expires_after_three_notices(self) -> None:
        slack = self.slack
        slack.open_tab("Messages")
        for seconds, words in NOTICES:
            self._move_clock(LIFE - seconds + MINUTE / 2)
            slack.reads(f"{STORE} expires in {words}")
        self.shoot("notices")
        self._shop.reload()
        expect(self._shop).to_have_url(re.compile(re.escape(self.url)))
        self._move_clock(LIFE + HOUR)
        closed = "The shop can't open right now. Try again in a few minutes."
        until("the shop is closed", lambda: closed in self._shop_page())
        self._move_clock(LIFE + 2 * HOUR)
        slack.reads(f"{STORE} has expired and is closed")
        self.shoot("expired")
        slack.open_channel("stores")

    def is_deleted_a_week_later_and_brought_back(self) -> None:
        slack = self.slack
        self._move_clock(LIFE + 8 * DAY)
        slack.reads(f"{STORE} is deleted")
        assert self.namespace not in self._namespaces()
        slack.type(f"/store undelete {STORE}")
        slack.reads(f"{STORE} is back after")
        self.shoot("undeleted")
        slack.type(f"/store keep {STORE}")
        slack.reads(f"{STORE} no longer expires")
        self._admin.reload()
        self.shop.finds(self._admin, self._sale)

    def moves_to_another_owner(self) -> None:
        slack = self.slack
        slack.type(f"/store transfer {STORE}")
        form = slack.dialog("Transfer a store")
        form.get_by_label("New owner").select_option(label="Oli")
        self.shoot("transfer")
        form.get_by_role("button", name="Transfer").click()
        slack.reads(f"{STORE} belongs to")
        slack.become("Oli")
        slack.open_tab("Messages")
        slack.reads(f"gave you the store {STORE}")
        slack.open_channel("stores")

    def gets_a_new_password(self) -> None:
        slack = self.slack
        slack.type(f"/store reset {STORE}")
        slack.reads(f"{STORE} has a new admin password")
        page, user, password = slack.login()
        page.close()
        assert password != self._password
        admin = slack.page.context.browser.new_page()  # type: ignore[union-attr]  # without the former owner's cookies
        address = slack.button("Open admin").get_attribute("href") or ""
        admin.goto(address)
        self.shop.refuses(admin, self._user, self._password)
        admin.goto(address)
        self.shop.log_in(admin, user, password)
        self.shop.finds(admin, self._sale)
        admin.close()
        self._password = password

    def is_deleted_for_good(self) -> None:
        slack = self.slack
        slack.type(f"/store delete {STORE} now")
        form = slack.dialog("Delete a store")
        name = form.get_by_label(f"Type {STORE} to confirm")
        name.fill("another-shop")
        form.get_by_role("button", name="Delete for good").click()
        expect(form.get_by_role("alert")).to_contain_text("not the store's name")
        self.shoot("delete")
        name.fill(STORE)
        form.get_by_role("button", name="Delete for good").click()
        slack.reads(f"{STORE} is deleted. Its namespace and volumes were gone")
        assert self.namespace not in self._namespaces()
        volumes = json.loads(kubectl(self.cluster, "get", "pv", "-o", "json"))["items"]
        assert [v for v in volumes if v["spec"]["claimRef"]["namespace"] == self.namespace] == []

    def keeps_its_password_out_of_files_and_slack(self) -> None:
        files = [path.read_bytes() for path in Path(self.stack.folder).rglob("*") if path.is_file()]
        assert self._password.encode() not in b"".join(files)
        client = self.stack.slack()
        messages = [*client.messages("#stores"), *client.dms("Dana"), *client.dms("Oli"), *client.ephemerals("Oli")]
        assert self._password not in json.dumps(messages)

    # -- helpers ------------------------------------------------------------------------------------------

    def _move_clock(self, seconds: float) -> None:
        """Stop the bot, and start it again so many seconds after the order of the store."""
        self.stack.bot_process.stop()
        clock.move(self._clock_folder, self._made_at + seconds - time.time() - AGO)
        self.stack.start_bot()

    def _shop_page(self) -> str:
        self._shop.goto(self.url)
        return self._shop.content()

    def _namespaces(self) -> list[str]:
        return kubectl(self.cluster, "get", "namespaces", "-o", "name").replace("namespace/", "").split()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport=DESKTOP)
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("shop", [MedusaPages(), WooCommercePages()], ids=["medusa", "woocommerce"])
def test_life_of_a_store(
    shop: ShopPages, stack: Callable[..., Stack], cluster: Cluster, context: BrowserContext, tmp_path: Path
) -> None:
    clock.move(tmp_path, -AGO)
    bot = stack(python=(sys.executable, "-m", "tests.clock", str(tmp_path)), UNDELETE_DAYS="7")
    bot.start_backup_server()
    store = Story(bot, context, shop, tmp_path)
    store.is_ordered_with_a_form()
    store.sells()
    store.gives_its_login_once()
    store.is_seen_from_afar()
    store.gets_another_setting()
    store.sleeps_until_a_visit()
    store.shows_its_log_in_the_thread()
    store.goes_back_to_its_former_setting()
    store.expires_after_three_notices()
    store.is_deleted_a_week_later_and_brought_back()
    store.moves_to_another_owner()
    store.gets_a_new_password()
    store.is_deleted_for_good()
    store.keeps_its_password_out_of_files_and_slack()

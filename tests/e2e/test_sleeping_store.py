"""Visits of a store that is asleep: a person sees a page at once that turns into the shop; nobody else wakes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from dev.cluster import Cluster
from dev.stack import ROOT, Stack, kubectl
from tests.e2e.sample_type import BOOKLET, SampleType, load_image
from tests.e2e.slack_store import SlackStore
from tests.waiting import until

SHOTS = ROOT / "build/screenshots"
PROBE = {"Accept": "*/*", "User-Agent": "curl/8.5.0"}
BROWSER = {"Accept": "text/html,application/xhtml+xml", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0"}


class SleepingStore(SlackStore):
    """Dana's booklet, and what the ledger of its bot says of it."""

    def pause(self) -> None:
        assert self.slack.command("Dana", "#stores", f"/store pause {self.name}").ok
        self.root("pause", "succeeded")

    def ask(self, headers: Mapping[str, str], method: str = "GET", path: str = "/") -> httpx.Response:
        """The answer at the shop's address."""
        with self.cluster.client(f"{self.name}.{self.cluster.store_domain}") as client:
            return client.request(method, path, headers=headers)

    def status(self) -> str:
        answer = self.slack.command("Dana", "#stores", f"/store status {self.name}").json()
        return "asleep" if f"*{self.name}* is asleep" in answer["text"] else "awake"

    def wakes(self) -> int:
        """How many jobs were ordered to wake it."""
        with httpx.Client(base_url=self.stack.bot_url) as client:
            metrics = client.get("/metrics").text
        found = re.findall(r'storewright_jobs\{kind="wake",status="(\w+)"\} (\d+)', metrics)
        return sum(int(number) for _, number in found)

    @property
    def url(self) -> str:
        return self.stack.addresses.url(self.name)


@pytest.fixture(scope="module")
def store(
    cluster: Cluster, module_stack: Callable[..., Stack], tmp_path_factory: pytest.TempPathFactory
) -> SleepingStore:
    folder = tmp_path_factory.mktemp("sleeping")
    load_image(cluster, folder)
    made = SleepingStore(module_stack(CHARTS_DIR=str(SampleType(folder / "charts", BOOKLET).charts)), "sleepy-shop")
    made.create("booklet")
    return made


@pytest.fixture
def asleep(store: SleepingStore) -> SleepingStore:
    if store.status() == "awake":
        store.pause()
    return store


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    yield opened
    opened.close()


def looked_at(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=SHOTS / f"{name}-{scheme}-{width}.png")


def test_visit_of_a_person_sees_a_page_that_turns_into_the_shop(asleep: SleepingStore, page: Page) -> None:
    before = asleep.wakes()
    answer = page.goto(asleep.url)
    assert answer is not None
    assert (answer.status, answer.headers["retry-after"]) == (503, "10")
    expect(page.get_by_role("heading")).to_have_text("sleepy-shop")
    expect(page.get_by_role("status")).to_have_text("The shop opens in a few seconds.")
    looked_at(page, "asleep")
    assert "Dana" not in page.content()
    expect(page.get_by_text("version 0.1.0")).to_be_visible(timeout=60_000)
    assert (asleep.wakes(), asleep.status()) == (before + 1, "awake")
    roots = [one["text"] for one in asleep.slack.messages("#stores")]
    assert [text for text in roots if "awake" in text] == [], "a visit posts nothing"
    asleep.slack.wait_for(lambda: "was paused. A visit woke it:" in str(asleep.slack.messages("#stores")))


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", PROBE),
        ("GET", {**BROWSER, "User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}),
        ("GET", {**BROWSER, "User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}),
        ("GET", {**BROWSER, "User-Agent": "facebookexternalhit/1.1"}),
        ("GET", {**BROWSER, "User-Agent": "kube-probe/1.36"}),
        ("GET", {**BROWSER, "Sec-Purpose": "prefetch;prerender"}),
        ("GET", {"User-Agent": "Mozilla/5.0", "Accept": "application/json"}),
        ("HEAD", {"User-Agent": "Mozilla/5.0", "Accept": "text/html"}),
        ("POST", {"User-Agent": "Mozilla/5.0", "Accept": "text/html"}),
        ("OPTIONS", {"User-Agent": "Mozilla/5.0", "Accept": "*/*"}),
    ],
    ids=["curl", "crawler", "unfurl", "preview", "probe", "prefetch", "API", "HEAD", "POST", "OPTIONS"],
)
def test_others_are_asked_to_come_back_and_wake_nobody(
    asleep: SleepingStore, method: str, headers: dict[str, str]
) -> None:
    before = asleep.wakes()
    answer = asleep.ask(headers, method, "/some/page")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    if method not in ("HEAD", "OPTIONS"):
        assert answer.text.startswith("sleepy-shop is asleep.")
    assert (asleep.wakes(), asleep.status()) == (before, "asleep")


def test_a_thousand_visits_at_once_order_one_wake(asleep: SleepingStore) -> None:
    before = asleep.wakes()

    def visit(number: int) -> int:
        return asleep.ask(BROWSER, path=f"/?visit={number}").status_code

    with ThreadPoolExecutor(50) as visitors:
        statuses = set(visitors.map(visit, range(1000)))
    assert statuses <= {200, 503}
    assert 503 in statuses
    until("the shop is open", lambda: asleep.ask(PROBE).status_code == 200 and asleep.status() == "awake")
    assert asleep.wakes() == before + 1


def test_restarted_bot_wakes_stores_that_slept_meanwhile(asleep: SleepingStore) -> None:
    slices = ("get", "endpointslice", f"{asleep.name}-asleep", "-o", "json")
    asleep.kubectl(
        "patch",
        "endpointslice",
        f"{asleep.name}-asleep",
        "-p",
        json.dumps({"endpoints": [{"addresses": ["192.0.2.1"]}]}),
    )
    asleep.restart_bot(kill=True)

    def renewed() -> bool:
        return bool(json.loads(asleep.kubectl(*slices))["endpoints"][0]["addresses"] == [asleep.cluster.host_address])

    until("the visits lead to the bot", renewed)
    until("the page answers", lambda: asleep.ask(PROBE).status_code == 503)


def test_store_that_does_not_wake_says_so_to_visitors_and_its_owner(asleep: SleepingStore, page: Page) -> None:
    before = asleep.wakes()
    pods = json.dumps({"spec": {"hard": {"pods": "0"}}})
    quota = asleep.kubectl("get", "resourcequota", "-o", "name").strip()
    former = json.loads(asleep.kubectl("get", quota, "-o", "json"))["spec"]["hard"]["pods"]
    asleep.kubectl("patch", quota, "-p", pods)
    page.goto(asleep.url)
    until("the owner has a message", lambda: "could not be woken" in str(asleep.slack.dms("Dana")), 120)
    failures = asleep.slack.wait_for(lambda: asleep.slack.messages("#store-failures"))
    assert "could not be woken for a visitor" in str(failures)
    page.goto(asleep.url)
    expect(page.get_by_role("status")).to_have_text("The shop can't open right now. Try again in a few minutes.")
    looked_at(page, "asleep-stays")
    assert asleep.wakes() == before + 1, "for ten minutes, no visit tries again"
    asleep.kubectl("patch", quota, "-p", json.dumps({"spec": {"hard": {"pods": former}}}))
    assert asleep.slack.command("Dana", "#stores", f"/store wake {asleep.name}").ok
    asleep.root("wake", "succeeded")
    page.reload()
    expect(page.get_by_text("version 0.1.0")).to_be_visible()


def test_log_is_shown_to_the_owner_unless_nothing_runs(store: SleepingStore) -> None:
    if store.status() == "asleep":
        store.slack.command("Dana", "#stores", f"/store wake {store.name}")
        store.root("wake", "succeeded")
    store.slack.command("Dana", "#stores", f"/store logs {store.name} database")
    store.slack.wait_for(lambda: "database (pod sleepy-shop-database-0)" in str(store.slack.ephemerals("Dana")))
    assert "/store logs sleepy-shop application" in str(store.slack.ephemerals("Dana")[-1])
    store.pause()
    store.slack.command("Dana", "#stores", f"/store logs {store.name}")
    store.slack.wait_for(lambda: "Nothing of sleepy-shop runs: it is asleep." in str(store.slack.ephemerals("Dana")))


def test_address_that_no_store_has_is_not_found(asleep: SleepingStore) -> None:
    host = f"http://{asleep.cluster.host_address}:{asleep.stack.config['waker_port']}"
    assert httpx.get(host, headers={**BROWSER, "Host": "nobody.localhost"}).status_code == 404
    assert httpx.get(f"{host}/slack/events", headers={"Host": "nobody.localhost"}).status_code == 404
    assert httpx.get(f"{host}/metrics", headers={"Host": "nobody.localhost"}).status_code == 404


def test_namespace_of_a_sleeping_store_has_no_pods(asleep: SleepingStore) -> None:
    assert json.loads(kubectl(asleep.cluster, "-n", f"store-{asleep.name}", "get", "pods", "-o", "json"))["items"] == []

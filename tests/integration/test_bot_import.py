"""An archive is uploaded once, in parts, by a link for one person; what is no export becomes no store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page

from dev.slack import LocalSlack
from provisioner.domain.errors import Problem
from provisioner.domain.exported import FILE, Exported
from provisioner.imports import PART_BYTES
from provisioner.operations.import_ import UPLOAD, arguments_of
from tests.archives import tar_of
from tests.integration.bot_harness import DANA, STORES, Bot, running_bot
from tests.integration.slack_steps import link_in_answer
from tests.integration.test_bot_backup import typed
from tests.integration.test_bot_credential_page import fits, page

__all__ = ["page"]  # a fixture
FACTS = {
    "format": 1,
    "name": "old-shop",
    "type": "medusa",
    "version": "1.0.0",
    "url": "https://old-shop.example",
    "made_at": "2026-10-01T12:00:00+00:00",
    "counts": {"orders": 12},
    "options": {"currency": "usd", "gone": "option"},
    "served": True,
    "sizes": {"-uploads": "10Gi"},
}


@pytest.fixture(scope="module")
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(rate_limits={}) as workspace:
        yield workspace


@pytest.fixture
def bot(tmp_path: Path, slack: LocalSlack) -> Iterator[Bot]:
    with running_bot(tmp_path, slack) as running:
        yield running


def archive_of(facts: object = None, file: str = FILE, size: int = 2_500_000) -> bytes:
    """The archive of an export, with these facts in its file."""
    about = facts if isinstance(facts, bytes) else json.dumps(FACTS if facts is None else facts).encode()
    return tar_of({"README.txt": b"A store.", file: about, "dump/database.sql": b"x" * size})


def new_link(bot: Bot, words: str = "import my-shop", user: str = "Dana") -> str:
    return link_in_answer(bot, words, user)


def send(bot: Bot, link: str, archive: bytes, offset: int = 0, **headers: str) -> httpx.Response:
    """The request of the page for the part at this offset."""
    parts = urlsplit(link)
    sent = {
        "Origin": bot.url,
        "Authorization": f"Bearer {parts.fragment}",
        "Upload-Offset": str(offset),
        "Upload-Length": str(len(archive)),
        **headers,
    }
    with bot.http() as http:
        return http.post(parts.path, content=archive[offset : offset + PART_BYTES], headers=sent)


def said(answer: httpx.Response) -> str:
    body = answer.json()
    return " ".join(filter(None, (body["what"], body["cause"], body["next_step"])))


def test_archive_is_uploaded_in_parts_and_becomes_a_store(bot: Bot, slack: LocalSlack) -> None:
    archive, link = archive_of(), new_link(bot)
    first = send(bot, link, archive)
    assert (first.status_code, first.headers["Retry-After"]) == (503, "5")
    assert "my-shop is being prepared." in said(first)
    store = bot.store()
    assert (store.type, store.owner, store.origin) == ("medusa", DANA, STORES)
    assert store.options == {"currency": "usd", "color": "#2f6f4f"}
    bot.root("Creating *my-shop* from an export of *old-shop*, for <@U0DANA001>.")
    job = bot.work("namespace", "secrets")
    assert job.arguments == arguments_of(Exported(**FACTS))  # type: ignore[arg-type]
    offsets = [0]
    while offsets[-1] < len(archive):
        offsets.append(send(bot, link, archive, offsets[-1]).json()["offset"])
    assert offsets == [0, 1_000_000, 2_000_000, len(archive)]
    assert bot.container.content == archive
    assert send(bot, link, archive, 1_000_000).json()["offset"] == len(archive), "a part that comes again"
    [row] = [row for row in bot.audit() if row["action"] == "upload"]
    assert (row["actor"], row["store"]) == (DANA, "my-shop")


def test_store_that_does_not_wait_for_an_archive_yet_loses_nothing(bot: Bot) -> None:
    archive, link = archive_of(), new_link(bot)
    bot.container.starts = False
    assert [send(bot, link, archive).status_code for _ in range(3)] == [503] * 3
    assert bot.queued_jobs() == [("import", 1)]
    bot.container.starts = True
    assert send(bot, link, archive).json() == {"offset": 1_000_000}
    bot.complete(bot.claim(), UPLOAD)
    assert send(bot, link, archive).json() == {"offset": len(archive)}


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (b"hello" * 1000, "This file is no export of a store. It does not begin with storewright.json."),
        (b"\0" * 10_240, "It does not begin with storewright.json."),
        (archive_of()[:700], "It does not begin with storewright.json."),
        (archive_of(file="other.json"), "It does not begin with storewright.json."),
        (archive_of(b"{"), "Its storewright.json is not readable"),
        (archive_of([]), "Its storewright.json is not readable"),
        (archive_of({**FACTS, "sizes": {"-uploads": "all of it"}}), "is not readable: sizes"),
        (archive_of({**FACTS, "url": "e"}), "has no address of a shop"),
        (archive_of({**FACTS, "url": "https://old-shop.example/path?"}), "has no address of a shop"),
        (archive_of({**FACTS, "format": 2}), "from a later version of Storewright"),
        (archive_of({**FACTS, "type": "magento"}), "There is no store type “magento”"),
        (archive_of({**FACTS, "type": "plain"}), "Plain stores have no backups"),
        (archive_of({**FACTS, "version": "2.0.0"}), "The archive is of version 2.0.0, and the store would run 1.0.0."),
        (archive_of({**FACTS, "options": {"currency": "gold"}}), "gold"),
    ],
)
def test_file_that_is_no_export_becomes_no_store(bot: Bot, archive: bytes, words: str) -> None:
    link = new_link(bot)
    refused = send(bot, link, archive)
    assert (refused.status_code, words in said(refused)) == (409, True), refused.text
    assert bot.ledger.stores.all() == []
    assert send(bot, link, archive_of()).status_code == 503, "the link is still good"
    assert bot.store()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Authorization": "Bearer wrong"}, 410),
        ({"Authorization": ""}, 403),
        ({"Upload-Offset": "much"}, 409),
        ({"Upload-Offset": "-1"}, 409),
        ({"Upload-Offset": "9999999"}, 409),
        ({"Upload-Offset": "5"}, 409),
        ({"Upload-Length": "3"}, 409),
        ({"Upload-Length": ""}, 409),
    ],
)
def test_only_a_part_from_the_own_page_is_taken(bot: Bot, headers: dict[str, str], status: int) -> None:
    assert send(bot, new_link(bot), archive_of(), 0, **headers).status_code == status
    assert bot.ledger.stores.all() == []


def test_part_that_is_too_large_is_not_read(bot: Bot) -> None:
    link = urlsplit(new_link(bot))
    headers = {"Origin": bot.url, "Authorization": f"Bearer {link.fragment}", "Upload-Offset": "0"}
    headers["Upload-Length"] = "2000000"
    with bot.http() as http:
        assert http.post(link.path, content=b"x" * (PART_BYTES + 1), headers=headers).status_code == 413


def test_link_is_for_one_store_and_one_upload(bot: Bot) -> None:
    archive, link, other = archive_of(), new_link(bot), new_link(bot, "import my-other")
    send(bot, link, archive)
    bot.clock.ahead = 16 * 60
    assert send(bot, link, archive).status_code == 200, "an upload that has started may take longer"
    assert "expired" in said(send(bot, other, archive))
    bot.order_deletion()
    assert "deleted" in said(send(bot, link, archive))


def test_failed_import_says_what_to_do_and_goes_on_after_its_retry(bot: Bot) -> None:
    archive, link = archive_of(), new_link(bot)
    send(bot, link, archive)
    failed = bot.fail(Problem("The archive did not become my-shop."))
    assert "The import of my-shop failed. The archive did not become my-shop. Press Retry" in said(
        send(bot, link, archive)
    )
    assert "Trying *my-shop* again" in typed(bot, "retry my-shop")
    assert bot.ledger.jobs.live(bot.store().id) != failed
    assert send(bot, link, archive).json() == {"offset": 1_000_000}


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("import", "The name of a store is missing."),
        ("import my-shop more", "I didn't expect “more” here."),
        ("import medusa", "“medusa” is a store type."),
        ("import taken", "There is already a store called taken."),
        ("import <@U0OLI0001>", "is a person, and no store"),
    ],
)
def test_wrong_words_get_a_clear_answer(bot: Bot, words: str, answer: str) -> None:
    bot.order("taken")
    bot.finish()
    assert answer in typed(bot, words)


def test_name_that_is_taken_meanwhile_is_refused_at_the_upload(bot: Bot) -> None:
    link = new_link(bot)
    bot.order()
    assert "A store called my-shop is already being created." in said(send(bot, link, archive_of()))


def upload(page: Page, file: Path) -> None:
    page.get_by_label("The archive").set_input_files(file)
    page.get_by_role("button", name="Import it").click()


def test_browser_uploads_the_archive_and_says_why_not(bot: Bot, page: Page, tmp_path: Path) -> None:
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text))
    archive, wrong = tmp_path / "old-shop.tar", tmp_path / "holiday.tar"
    archive.write_bytes(archive_of())
    wrong.write_bytes(b"no archive" * 100)
    bot.container.starts = False
    page.goto(new_link(bot))
    assert "#" not in page.url, "the token is not in the address bar"
    assert fits(page)
    upload(page, wrong)
    page.get_by_role("heading", name="This file is no export of a store.").wait_for()
    assert fits(page)
    page.get_by_role("button", name="Choose a file").click()
    upload(page, archive)
    page.get_by_text("0 MB of 3 MB. my-shop is being prepared.").wait_for()
    assert fits(page)
    bot.container.starts = True
    page.get_by_role("heading", name="The archive is in the cluster.").wait_for()
    assert bot.container.content == archive.read_bytes()
    assert fits(page)
    page.goto(new_link(bot, "import my-other").partition("#")[0])
    page.get_by_role("heading", name="This link is incomplete.").wait_for()
    assert not [line for line in console if "Content Security Policy" in line]


def test_page_waits_for_a_bot_that_is_away(bot: Bot, page: Page, tmp_path: Path) -> None:
    file, lost = tmp_path / "old-shop.tar", list[Any]()
    file.write_bytes(archive_of())

    def lose_two(route: Any) -> None:
        lost.append(route)
        route.abort() if len(lost) in (2, 3) else route.continue_()

    page.goto(new_link(bot))
    page.route("**/archive", lose_two)
    upload(page, file)
    page.get_by_text("Storewright can't be reached. I try again.").wait_for()
    page.get_by_role("heading", name="The archive is in the cluster.").wait_for()
    assert bot.container.content == file.read_bytes()

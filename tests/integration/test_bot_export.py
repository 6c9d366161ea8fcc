"""A backup is downloaded once, by a link for one person; a download that can't start leaves the link valid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page

from dev.slack import LocalSlack
from provisioner.domain.errors import JobFailed, Transient
from tests.integration.bot_harness import ADA, Bot, running_bot
from tests.integration.slack_steps import link_in_answer
from tests.integration.test_bot_backup import backup_of, typed
from tests.integration.test_bot_credential_page import fits, page

__all__ = ["page"]  # a fixture
OTHER = "0a1b2c3d4e5f"


@pytest.fixture(scope="module")
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(rate_limits={}) as workspace:
        yield workspace


@pytest.fixture
def bot(tmp_path: Path, slack: LocalSlack) -> Iterator[Bot]:
    with running_bot(tmp_path, slack) as running:
        running.order()
        running.finish()
        running.ledger.store_backups.add(backup_of(running))
        yield running


def new_link(bot: Bot, words: str = "export my-shop", user: str = "Dana") -> str:
    """The address in the answer to /store export."""
    return link_in_answer(bot, words, user)


def download(bot: Bot, link: str, token: str | None = None, **headers: str) -> httpx.Response:
    """The request that the page's form makes."""
    parts = urlsplit(link)
    sent = {"Origin": bot.url, "Sec-Fetch-Site": "same-origin", **headers}
    with bot.http() as http:
        return http.post(parts.path, data={"token": parts.fragment if token is None else token}, headers=sent)


def test_answer_says_how_old_and_large_the_backup_is(bot: Bot) -> None:
    words = typed(bot, "export my-shop")
    assert "Download the backup of my-shop" in words
    assert "(31 MB, " in words
    assert "`/store backup my-shop`" in words
    assert "has no backup called “ffff”" in typed(bot, "export my-shop ffff")
    assert "*my-shop* belongs to" in typed(bot, "export my-shop", "Oli")


def test_backup_is_downloaded_once_and_the_owner_gets_a_receipt(bot: Bot, slack: LocalSlack) -> None:
    before, link = len(slack.dms("Dana")), new_link(bot, user="Ada")
    with bot.http() as http:
        assert "Download it now" in http.get(urlsplit(link).path).text
    first, second = download(bot, link), download(bot, link)
    assert (first.status_code, first.content) == (200, b"firstsecond")
    assert first.headers["content-disposition"] == 'attachment; filename="my-shop.tar"'
    assert (second.status_code, "This link was already used." in second.text) == (410, True)
    receipt = slack.wait_for(lambda: slack.dms("Dana")[before:])[0]
    assert "The backup `5f0e1d2c` of *my-shop* was downloaded" in receipt["text"]
    [row] = [r for r in bot.audit() if r["action"] == "download"]
    assert (row["actor"], row["store"]) == (ADA, "my-shop")


def test_older_backup_is_downloaded_by_its_id(bot: Bot) -> None:
    bot.ledger.store_backups.add(backup_of(bot, OTHER))
    link = new_link(bot, f"export my-shop {OTHER[:4]}")
    assert bot.ledger.links.get(urlsplit(link).path.split("/")[2]).backup_id == OTHER  # type: ignore[union-attr]
    bot.ledger.store_backups.keep(bot.store().id, [], bot.clock() + 9)
    assert "This backup was removed." in download(bot, link).text


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_only_the_own_page_downloads(bot: Bot, headers: dict[str, str]) -> None:
    link = new_link(bot)
    assert download(bot, link, **headers).status_code == 403
    assert download(bot, link, "wrong").status_code == 410
    assert download(bot, link).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [(Transient("The API is away."), 503, "Your link still works."), (JobFailed("No CronJob."), 500, "No CronJob.")],
)
def test_download_that_cannot_start_leaves_the_link_valid(bot: Bot, error: Exception, status: int, words: str) -> None:
    def away() -> Iterator[bytes]:
        raise error

    good, bot.archive = bot.archive, away
    link = new_link(bot)
    refused = download(bot, link)
    assert (refused.status_code, words in refused.text) == (status, True)
    bot.archive = good
    assert download(bot, link).status_code == 200


def test_download_that_breaks_is_no_whole_file(bot: Bot) -> None:
    def broken() -> Iterator[bytes]:
        yield b"first"
        raise Transient("The connection to the container broke.")

    bot.archive = broken
    with pytest.raises(httpx.RemoteProtocolError):
        download(bot, new_link(bot))


def test_few_downloads_run_at_once(bot: Bot) -> None:
    bot.archive = lambda: iter([b"x" * 1_000_000] * 100)
    with bot.http() as http:
        for _ in range(4):
            link = urlsplit(new_link(bot))
            headers = {"Origin": bot.url, "Sec-Fetch-Site": "same-origin"}
            request = http.build_request("POST", link.path, data={"token": link.fragment}, headers=headers)
            assert http.send(request, stream=True).status_code == 200
        link_of_fifth = new_link(bot)
        busy = download(bot, link_of_fifth)
        assert (busy.status_code, "4 downloads are running." in busy.text) == (503, True)
    bot.archive = lambda: iter([b"x"])
    bot.slack.wait_for(lambda: download(bot, link_of_fifth).status_code == 200, 20)


def test_browser_saves_the_archive_and_says_why_not(bot: Bot, page: Page, tmp_path: Path) -> None:
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text))
    link = new_link(bot)
    page.goto(link)
    assert "#" not in page.url, "the token is not in the address bar"
    with page.expect_download() as started:
        page.get_by_role("button", name="Download it now").click()
    assert started.value.suggested_filename == "my-shop.tar"
    started.value.save_as(tmp_path / "my-shop.tar")
    assert (tmp_path / "my-shop.tar").read_bytes() == b"firstsecond"
    page.get_by_role("heading", name="Your download starts in a few seconds.").wait_for()
    assert fits(page)
    page.goto(link)
    page.get_by_role("button", name="Download it now").click()
    page.get_by_role("heading", name="This link was already used.").wait_for()
    assert fits(page)
    page.goto(new_link(bot).partition("#")[0])
    page.get_by_role("heading", name="This link is incomplete.").wait_for()
    assert not [line for line in console if "Content Security Policy" in line]


def test_button_under_the_list_of_backups_gives_a_link(bot: Bot) -> None:
    listed = bot.answered("/store backups my-shop")
    assert "Download the newest …" in str(listed)

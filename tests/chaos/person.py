"""People who order in Slack: they type the command, fill in its form, and try again if the bot did not answer."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx

from dev import local_http
from dev.slack import Ack
from dev.slack.workspace import Json
from dev.stack import one_time_link
from provisioner.domain.job import JobStatus
from provisioner.operations.spec import Operation
from tests.chaos.killable_bot import DANA, KillableBot
from tests.chaos.upload import Upload, archive_of
from tests.waiting import until

ANSWER_SECONDS = 30.0  # until an acknowledged command shows as a job or as a form
POLL_SECONDS = 0.02
UPLOAD_PAGE = "/archive#"


class Refused(Exception):
    """The bot answered and made no job."""


@dataclass
class Order:
    """An order of an operation on a store: `text`, typed in `channel`.

    `step` is for the report. Its job has to end in one of `outcomes`. `after` is the last job (its rowid) before it.
    Once it is `answered`, the person knows that the bot accepted it."""

    step: str
    operation: Operation
    store: str
    text: str
    person: str
    channel: str
    outcomes: frozenset[JobStatus]
    after: int
    answered: bool = False


class People:
    """All people in one bot's Slack."""

    def __init__(self, bot: KillableBot) -> None:
        self._bot, self._slack = bot, bot.local_slack

    def order(self, order: Order) -> None:
        """Order it once. The bot may be killed meanwhile, and then the order is not answered. Raises Refused."""
        while self._slack.views(order.person):
            self._slack.close(order.person)
        ack = self._slack.command(order.person, order.channel, order.text)
        if not ack.ok:
            return
        if UPLOAD_PAGE in ack.body:
            self._upload(order, str(ack.json()["text"]))
        elif view := self._form_of(order, ack):
            self._submit(order, view)
        else:
            order.answered = bool(self.jobs(order))

    def type(self, order: Order, text: str) -> None:
        """Type another command where the order was typed. The bot may be killed meanwhile."""
        self._slack.command(order.person, order.channel, text)

    def insist(self, order: Order) -> None:
        """Order it until it is answered or its job is there; the bot must run. Raises Refused."""
        while not order.answered and not self.jobs(order):
            self.order(order)

    def credential_link(self, store: str) -> tuple[str, str]:
        """Order a new credential link; returns its URL and its token."""
        channel, old = "#stores", self._links("#stores")
        assert self._slack.command(DANA, channel, f"/store credentials {store}").ok
        until("a new link", lambda: self._links(channel) > old)
        return one_time_link(self._slack, DANA, channel)

    def _links(self, channel: str) -> int:
        return sum("/s/" in message["text"] for message in self._slack.ephemerals(DANA, channel))

    def open(self, url: str, token: str) -> int:
        """Open a credential link as its page does. Returns the status of the answer, or 0 if there is none."""
        try:
            headers = {"Origin": self._bot.bot_url}
            return local_http.post(url, json={"token": token}, headers=headers, timeout=30).status_code
        except httpx.HTTPError:
            return 0

    def jobs(self, order: Order) -> list[dict[str, Any]]:
        """The jobs that the order made."""
        query = "SELECT * FROM jobs WHERE store = ? AND kind = ? AND rowid > ?"
        return self._bot.rows(query, order.store, order.operation.kind, order.after)

    def _form_of(self, order: Order, ack: Ack) -> Json | None:
        """The form that the bot opened; None if it made a job at once, or was killed. Raises Refused."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.jobs(order) and not self._bot.is_dead():
            views = self._slack.views(order.person)
            if views and views[-1].get("submit"):  # another one waits for its form, or says why there is none
                return views[-1]
            if ack.body or time.monotonic() > deadline:
                raise Refused(f"{order.text}: {ack.body or 'no answer'}")
            time.sleep(POLL_SECONDS)
        return None

    def last_job(self) -> int:
        """The rowid of the last job, or 0."""
        return int(self._bot.rows("SELECT coalesce(max(rowid), 0) AS last FROM jobs")[0]["last"])

    def _upload(self, order: Order, answer: str) -> None:
        """Upload an archive by the link in the answer: its first part makes the job."""
        url, token = answer.split("<", 1)[1].split("|", 1)[0].split("#")
        upload = Upload(url, token, archive_of(self._bot.type_name))
        while not self.jobs(order) and not self._bot.is_dead():
            upload.send()
        if self.jobs(order):
            order.answered = True
            upload.go_on()

    def _submit(self, order: Order, view: Json) -> None:
        """Type the store's name into each field of the form, and something new into one that may be empty."""
        fields = [b for b in view["blocks"] if b["type"] == "input" and "text" in b["element"]["type"]]
        typed = {b["block_id"]: secrets.token_hex(4) if b.get("optional") else order.store for b in fields}
        errors = self._slack.submit(order.person, view, typed)
        if errors and "" not in errors:
            raise Refused(f"{order.operation.kind} of {order.store}: {errors}")
        order.answered = not errors

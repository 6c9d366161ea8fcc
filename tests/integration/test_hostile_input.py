"""Hostile input of every kind: no error 500, no traceback, no answer that Slack or a browser would refuse.

HOSTILE_CASES is the number of cases of each target, such as 100000; HOSTILE_SEED chooses other ones."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bot.web.socket_mode import socket_client
from dev.slack import LocalSlack
from provisioner import one_time_links
from provisioner.domain.errors import Problem
from provisioner.logs import StoreLog
from tests.integration.bot_harness import ADA, DANA, OLI, SECRET, Bot, running_bot
from tests.integration.hostile_edge import Edge, hostile_edge
from tests.integration.malformed_payloads import (
    FORM,
    JSON,
    PAYLOADS,
    Json,
    Sent,
    bodies,
    commands,
    encoded,
    events,
    interactions,
    malformed,
)

T = TypeVar("T")
CASES, SEED = int(os.environ.get("HOSTILE_CASES", "200")), int(os.environ.get("HOSTILE_SEED", "13"))
CASES_OF_A_ROUND = 5_000  # Hypothesis remembers the cases of a round
PEOPLE = (DANA, ADA, OLI, "W012345", "U" + "A" * 50)
STORES = ("my-shop", "failed-shop", "gone-shop", "busy-shop")


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """The edge of a bot with stores in every state."""
    logging.getLogger().setLevel(logging.INFO)
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path_factory.mktemp("bot"), slack, notify=False) as bot:
        bot.order("my-shop")
        bot.finish()
        bot.order("failed-shop")
        bot.fail(Problem("The image is missing.", "It was deleted.", "Push it, then retry."))
        bot.order("gone-shop")
        bot.finish()
        bot.order_deletion("gone-shop")
        bot.finish()
        bot.order("busy-shop")
        bot.logs.append(StoreLog("application", "my-shop-0", "", ()))
        with hostile_edge(bot) as opened:
            yield opened


def explore(cases: SearchStrategy[T], check: Callable[[T], object]) -> None:
    """Check CASES cases."""
    for number in range(math.ceil(CASES / CASES_OF_A_ROUND)):

        @seed(SEED + number)
        @settings(
            max_examples=min(CASES, CASES_OF_A_ROUND),
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(cases)
        def explored(case: T) -> None:
            check(case)

        explored()


def subjects(bot: Bot) -> list[str]:
    """Values of buttons: of stores and jobs that exist, and of others."""
    found = bot.ledger.connection.db.query("SELECT store_id, id FROM jobs")
    return [f"{row['store_id']}/{row['id']}" for row in found] + ["unknown/unknown", "/", ""]


def payloads_of(edge: Edge, kind: str) -> SearchStrategy[Json]:
    return {
        "command": commands(STORES, PEOPLE),
        "interaction": interactions(subjects(edge.bot), PEOPLE),
        "event": events(PEOPLE),
    }[kind]


# --- signed requests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["command", "interaction", "event"])
def test_any_signed_request_is_answered_or_refused(edge: Edge, kind: str) -> None:
    payloads = payloads_of(edge, kind)
    explore(bodies(kind, payloads | malformed(payloads)), edge.post_signed)
    assert edge.request("GET", "/healthz").status == 200


def test_any_socket_mode_payload_is_answered_or_refused(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    client = socket_client(edge.bot.app, "xapp-1")
    monkeypatch.setattr(client, "send_message", sent.append)
    payloads = st.one_of(*(payloads_of(edge, kind) for kind in ("command", "interaction", "event")))

    def check(payload: Any) -> None:
        sent.clear()
        edge.records.kept.clear()
        client.run_message_listeners({"type": "interactive", "envelope_id": "e1", "payload": payload}, "")
        assert len(edge.records.refusals) + len(sent) == 1, (edge.records.refusals, sent)
        edge.records.require_no_errors()

    try:
        explore(malformed(payloads) | st.sampled_from([None, 5, "x", [], {}]), check)
    finally:
        client.close()


# --- unsigned requests ---------------------------------------------------------------------------------------------


def test_any_unsigned_request_is_unauthorized(edge: Edge) -> None:
    sent = st.one_of(*(st.just(encoded(payload, kind)) for kind, payload in PAYLOADS.items()))
    anything = st.builds(Sent, st.binary(max_size=300), st.sampled_from((FORM, JSON, "", "text/plain")))
    header = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=100)
    signatures = header | st.sampled_from(("", "v0=" + "0" * 64, "v0=é", "v1=x"))
    cases = st.tuples(sent | anything, st.sampled_from(("0", "-1", "9" * 400, "nan")) | header | st.none(), signatures)

    def check(case: tuple[Sent, str | None, str]) -> None:
        request, at, signature = case
        changed = {"signature": signature, **({} if at is None else {"at": at})}
        assert edge.post(request, **changed).status in (400, 401)  # 400: a header that is none

    explore(cases, check)


REQUEST_LINES = st.sampled_from(
    (
        b"GET / HTTP/1.1",
        b"POST /slack/events HTTP/1.1",
        b"GET /s/x HTTP/9.9",
        b"PRI * HTTP/2.0",
        b"G\x00T / HTTP/1.1",
        b"",
    )
)
HEADER_LINES = st.sampled_from(
    (
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999",
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: chunked, identity",
        b"Host: \xff\xfe",
        b"X: " + b"y" * 300_000,
        b": no name",
        b"Expect: 100-continue",
    )
)


def test_bytes_that_are_no_http_are_refused(edge: Edge) -> None:
    host, port = edge.bot.url.removeprefix("http://").split(":")
    first_lines, header_lines = REQUEST_LINES | st.binary(max_size=100), HEADER_LINES | st.binary(max_size=60)
    cases = st.tuples(first_lines, st.lists(header_lines, max_size=4), st.binary(max_size=200))

    def check(case: tuple[bytes, list[bytes], bytes]) -> None:
        first, others, body = case
        edge.records.kept.clear()
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            try:
                connection.sendall(b"\r\n".join([first, *others, b"Connection: close", b"", body]))
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(100)
            except OSError:
                answer = b""  # the server closed it before it had read everything
        assert not re.match(b"HTTP/1.1 5(?!01)", answer), answer  # 501: a transfer coding that nobody uses
        edge.records.require_no_errors()

    explore(cases, check)
    assert edge.request("GET", "/healthz").status == 200


# --- the pages of one-time links -----------------------------------------------------------------------------------


def test_any_request_to_a_page_of_one_time_links_is_refused_without_the_token(edge: Edge) -> None:
    bot = edge.bot
    link = one_time_links.mint(bot.ledger, bot.store("my-shop"), DANA)
    ids = st.sampled_from((link.id, link.id[:-1], "", "x" * 5000)) | st.text(max_size=60)
    tokens = (
        st.sampled_from((link.token[:-1], link.token + " ", link.token.upper(), "", None, 5, [link.token])) | st.text()
    )
    wrong_bodies = st.binary(max_size=200) | st.just(b"[" * 4000) | st.just(b"x" * 5000)
    posted = tokens.map(lambda token: json.dumps({"token": token}).encode()) | wrong_bodies
    origins = st.sampled_from((bot.url, "null", "", "https://evil.example", bot.url + "/"))
    methods = st.sampled_from(("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"))
    types = st.sampled_from((JSON, FORM, "application/json; charset=x", ""))
    pages = st.sampled_from(("", "/backup", "/archive"))
    cases = st.tuples(methods, ids, posted, origins, types, pages)

    def check(case: tuple[str, str, bytes, str, str, str]) -> None:
        method, link_id, body, origin, content_type, page = case
        headers = {"Origin": origin, "Content-Type": content_type, "Authorization": f"Bearer {link.token}"}
        answer = edge.request(method, f"/s/{quote(link_id)}{page}", body, headers)
        assert answer.status in (200, 400, 403, 404, 405, 410, 413), answer
        assert answer.status != 200 or method in ("GET", "HEAD", "OPTIONS"), answer
        assert SECRET["admin-password"].encode() not in answer.body

    explore(cases, check)
    headers = {"Origin": bot.url, "Content-Type": JSON}
    assert edge.request("POST", f"/s/{link.id}", json.dumps({"token": link.token}).encode(), headers).status == 200

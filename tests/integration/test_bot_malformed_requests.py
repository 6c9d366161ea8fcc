"""Single malformed requests: each is refused with one log line. test_hostile_input.py has all other ones."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from bot.web.socket_mode import socket_client
from dev.slack import LocalSlack
from tests.integration.bot_harness import DANA, Bot, running_bot
from tests.integration.hostile_edge import REFUSALS
from tests.integration.malformed_payloads import COMMAND, FORM, JSON, PAYLOADS, encoded


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with LocalSlack() as slack, running_bot(tmp_path_factory.mktemp("bot"), slack, notify=False) as running:
        yield running


@pytest.fixture(autouse=True)
def _all_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def refusals(records: list[logging.LogRecord]) -> list[str]:
    return [record.getMessage() for record in records if record.getMessage().startswith(REFUSALS)]


def require_no_errors(records: list[logging.LogRecord], what: str) -> None:
    """`slack_sdk` logs an error for each response_url that it can't reach; these tests have no reachable one."""
    errors = [r for r in records if r.exc_info or (r.levelno >= logging.ERROR and not r.name.startswith("slack_sdk"))]
    assert not errors, f"{what}: {errors[0].getMessage()} {errors[0].exc_info}"


@pytest.mark.parametrize("kind", PAYLOADS)
def test_well_formed_payload_is_answered(bot: Bot, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    sent = encoded(PAYLOADS[kind], kind)
    assert bot.signed_body(sent.body, sent.content_type).status_code == 200
    assert refusals(caplog.records) == []


def test_socket_mode_messages_without_a_payload_are_refused_or_ignored(
    bot: Bot, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = socket_client(bot.app, "xapp-1")
    monkeypatch.setattr(client, "send_message", lambda message: None)
    payloads: tuple[object, ...] = (None, 5, "x", [], {}, {"command": "/store"})
    try:
        for payload in payloads:
            caplog.clear()
            client.run_message_listeners({"type": "interactive", "envelope_id": "e", "payload": payload}, "")
            assert len(refusals(caplog.records)) == 1
        for other in ({"type": "hello"}, {"type": "x", "envelope_id": 5, "payload": {}}, {}):
            client.run_message_listeners(other, "")
        require_no_errors(caplog.records, "other messages")
    finally:
        client.close()


def test_command_whose_text_has_the_word_payload_is_answered(bot: Bot) -> None:
    """slack-bolt takes such a form for an interaction and loses its fields."""
    answer = bot.signed({**COMMAND, "text": "status payload-shop"})
    assert "There is no store called “payload-shop”" in answer.json()["text"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"{", JSON), (b"payload={", FORM), (b"[]", JSON), (b"", FORM), (b"\xff", FORM)],
)
def test_unsigned_malformed_request_is_unauthorized(bot: Bot, body: bytes, content_type: str) -> None:
    assert bot.signed_body(body, content_type, signature="v0=" + "0" * 64).status_code == 401
    assert bot.signed_body(body, content_type, signature="v0=\xe9").status_code == 401


def test_malformed_field_is_named_in_the_log_without_its_value(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    assert bot.signed({**COMMAND, "user_id": "secret-value"}).status_code == 400
    [line] = refusals(caplog.records)
    assert "command 'user_id'" in line
    assert "secret-value" not in line


def test_private_metadata_of_another_app_is_refused(bot: Bot) -> None:
    for metadata in ("x", "[]", '{"channel": 5}', '{"store_id": null}', '{"channel": "\\ud800"}'):
        view = {**PAYLOADS["create"]["view"], "private_metadata": metadata}
        payload = {**PAYLOADS["create"], "view": view}
        assert bot.signed({"payload": json.dumps(payload)}).status_code == 400, metadata


def test_form_context_of_a_later_version_is_understood(bot: Bot) -> None:
    view = {**PAYLOADS["delete"]["view"], "private_metadata": json.dumps({"channel": "C1", "later_field": 1})}
    answer = bot.signed({"payload": json.dumps({**PAYLOADS["delete"], "view": view})})
    assert "no longer exists" in answer.text


def test_person_without_a_slack_id_is_refused(bot: Bot) -> None:
    for user in ("terminal", "u0dana001", "U", f"{DANA}\n", "U0DANA001 U0ADA0001"):
        assert bot.signed({**COMMAND, "user_id": user}).status_code == 400, user

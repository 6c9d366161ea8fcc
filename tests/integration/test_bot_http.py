"""The HTTP port: who is let in, health, readiness, metrics, logs; and the same bot by Socket Mode."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_sdk import signature

from bot.observability.logging import configure_logging
from dev.slack import LocalSlack
from provisioner.domain.errors import Transient
from tests.integration.bot_harness import DANA, RANDOM, STORES, Bot, running_bot

COMMAND = {
    "command": "/store",
    "text": "create my-shop",
    "user_id": DANA,
    "channel_id": STORES,
    "team_id": "T0LOCAL01",
    "trigger_id": "1.2.3",
    "response_url": "http://127.0.0.1:9/respond",
}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with LocalSlack() as slack, running_bot(tmp_path_factory.mktemp("bot"), slack) as running:
        yield running


# --- who is let in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": "v0=" + "0" * 64},
        {"signature": "nonsense"},
        {"signature": ""},
        {"seconds_ago": "301"},
        {"seconds_ago": "-600"},
        {"at": ""},
        {"at": "yesterday"},
        {"at": "1e9"},
        {"at": "²"},
        {"at": "9" * 5000},
    ],
)
def test_what_slack_did_not_just_sign_is_refused(
    bot: Bot, changed: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    if "seconds_ago" in changed:  # from now, not from when the tests were collected
        changed = {"at": str(int(time.time()) - int(changed["seconds_ago"]))}
    assert bot.signed({**COMMAND, "text": "create secret-name"}, **changed).status_code == 401
    assert bot.ledger.stores() == []
    assert "refused a request" in caplog.text
    assert "secret-name" not in caplog.text, "no body in the log"


def test_an_old_delivery_replayed_is_refused(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bot.slack.command("Dana", "#stores", "/store help").ok
    monkeypatch.setattr(signature, "time", lambda: time.time() + 301)
    assert bot.slack.replay().status == 401


def test_slacks_handshake_is_answered(bot: Bot) -> None:
    assert bot.slack.verify_url()


def test_a_body_that_is_too_long_is_refused(bot: Bot) -> None:
    with bot.http() as http:
        assert http.post("/slack/events", content=b"x" * 1_000_001).status_code == 413


@pytest.mark.parametrize("path", ["/", "/slack/events", "/nothing", "/s/", "/s/a/b"])
def test_other_addresses_say_no(bot: Bot, path: str) -> None:
    with bot.http() as http:
        assert http.get(path).status_code in (404, 405)


def test_a_signed_request_we_do_not_know_is_no_surprise(bot: Bot) -> None:
    assert (
        bot.signed(
            {"payload": json.dumps({"type": "message_action", "callback_id": "x", "user": {"id": DANA}})}
        ).status_code
        == 404
    )
    assert bot.signed({"payload": "{}"}).status_code == 404


# --- health, readiness, metrics ----------------------------------------------------------------------------------


def test_health_and_readiness_tell_apart_what_is_wrong(tmp_path: Path) -> None:
    with LocalSlack() as slack, running_bot(tmp_path, slack) as bot, bot.http() as http:
        assert http.get("/healthz").json() == {"scheduler": "ok"}
        bot.secret = Transient("The Kubernetes API can't be reached.")
        slack.fault("error", "auth.test", code="invalid_auth")
        answer = http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {
            "ledger": "ok",
            "slack": "Slack answered invalid_auth.",
            "cluster": "The Kubernetes API can't be reached.",
            "failure_channel": "ok",
        }
        asked = http.get("/metrics").text
        assert http.get("/readyz").status_code == 503
        assert http.get("/metrics").text.count("auth.test") == asked.count("auth.test"), "the answer is kept a while"


def test_ready_where_all_is_well(bot: Bot) -> None:
    with bot.http() as http:
        assert (http.get("/readyz").status_code, set(http.get("/readyz").json().values())) == (200, {"ok"})


def test_a_failure_channel_that_is_closed_to_us_is_told_and_keeps_nobody_from_work(tmp_path: Path) -> None:
    with LocalSlack() as slack, running_bot(tmp_path, slack, failures=RANDOM) as bot, bot.http() as http:
        answer = http.get("/readyz")
        assert answer.status_code == 200
        told = answer.json().pop("failure_channel")
        assert told == "Slack answered not_in_channel. Invite the app to that channel."


# --- logs --------------------------------------------------------------------------------------------------------


def test_logs_are_json_with_ids_and_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = logging.getLogger().handlers[:], logging.getLogger().level
    configure_logging("DEBUG")
    try:
        with LocalSlack() as slack, running_bot(tmp_path, slack) as bot:
            slack.command("Dana", "#stores", "/store create my-shop")
            bot.finish()
            said = slack.command("Dana", "#stores", "/store credentials my-shop").json()["text"]
            slack.click("Dana", bot.root("is ready"), "credentials")
            whispered = slack.wait_for(lambda: bot.whispered() if "/s/" in bot.whispered() else None)
            knock = bot.signed(COMMAND, signature="nonsense")
            secrets = [
                slack.bot_token,
                slack.signing_secret,
                *(t.split("#")[1].split("|")[0] for t in (said, whispered)),
            ]
    finally:
        logging.getLogger().handlers[:], logging.getLogger().level = kept[0], kept[1]
    written = capsys.readouterr().err
    rows = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    ordered = next(row for row in rows if "command: ordered" in row["message"])
    assert {"at", "level", "name", "request", "user", "store"} <= set(ordered)
    refused = next(row for row in rows if "refused a request" in row["message"])
    assert refused["request"] == knock.headers["X-Request-Id"]
    assert len({row["request"] for row in rows if "request" in row}) >= 4, "one id for each request"
    assert not [secret for secret in secrets if secret in written]
    assert b"".join(p.read_bytes() for p in tmp_path.glob("ledger.db*")).find(secrets[2].encode()) == -1


# --- Socket Mode -------------------------------------------------------------------------------------------------


def test_everything_works_by_socket_mode(tmp_path: Path) -> None:
    with LocalSlack(socket_mode=True) as slack, running_bot(tmp_path, slack, socket=True) as bot:
        first = slack.wait_for(
            lambda: next((a for a in [slack.command("Dana", "#stores", "/store help")] if a.ok), None)
        )
        assert "Open a store" in first.json()["text"]
        assert "Creating *my-shop*" in slack.command("Dana", "#stores", "/store create my-shop").json()["text"]
        bot.finish()
        root = bot.root("is ready")
        slack.click("Dana", root, "delete")
        form = slack.wait_for(lambda: slack.views("Dana"))[-1]
        assert "That is not the store's name" in str(slack.submit("Dana", form, {"name": "x"}))
        assert slack.submit("Dana", form, {"name": "my-shop"}) is None
        bot.root("Deleting *my-shop*")
        slack.open_home("Dana")
        slack.wait_for(lambda: slack.home("Dana"))
        with bot.http() as http:
            assert http.post("/slack/events", content=b"").status_code == 404, "no second door"


def test_socket_mode_comes_again_when_slack_closes_it(tmp_path: Path) -> None:
    with LocalSlack(socket_mode=True) as slack, running_bot(tmp_path, slack, socket=True):
        slack.wait_for(lambda: slack.command("Dana", "#stores", "/store help").ok)
        assert slack.disconnect() == 1
        slack.wait_for(lambda: slack.command("Dana", "#stores", "/store help").ok, 15, "a new connection")


def test_a_deaf_bot_is_told_from_one_that_connects_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.web.http_server.RECONNECTED", 3)
    monkeypatch.setattr("bot.observability.readiness.CACHE_SECONDS", 0.0)
    with LocalSlack(socket_mode=True) as slack, running_bot(tmp_path, slack, socket=True) as bot, bot.http() as http:

        def socket() -> str:
            return str(http.get("/readyz").json()["socket"])

        slack.wait_for(lambda: socket() == "ok", 15, "the first connection")
        slack.disconnect()
        until = time.monotonic() + 4
        while time.monotonic() < until:
            assert socket() == "ok"
            time.sleep(0.02)
        slack.fault("error", "apps.connections.open", code="invalid_auth", times=0)
        slack.disconnect()
        slack.wait_for(lambda: "Slack's requests do not reach us. See" in socket(), 20, "it to be deaf")
        assert http.get("/readyz").status_code == 503
        slack.clear_faults()
        slack.wait_for(lambda: socket() == "ok", 20, "to hear again")


def test_a_bot_that_never_heard_says_why(tmp_path: Path) -> None:
    with LocalSlack(socket_mode=True) as slack:
        slack.fault("error", "apps.connections.open", code="invalid_auth", times=0)
        with running_bot(tmp_path, slack, socket=True) as bot, bot.http() as http:
            why = "Slack rejected SLACK_APP_TOKEN: invalid_auth."
            slack.wait_for(lambda: why in http.get("/readyz").json()["socket"], 15, "the reason")

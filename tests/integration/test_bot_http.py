"""The HTTP port: signatures, health, readiness, logs; and the same bot in Socket Mode."""

from __future__ import annotations

import json
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
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path_factory.mktemp("bot"), slack) as running:
        yield running


# --- signatures and addresses ------------------------------------------------------------------------------------


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
def test_request_without_a_fresh_signature_of_slack_is_refused(
    bot: Bot, changed: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    if "seconds_ago" in changed:  # from now, not from when the tests were collected
        changed = {"at": str(int(time.time()) - int(changed["seconds_ago"]))}
    assert bot.signed({**COMMAND, "text": "create secret-name"}, **changed).status_code == 401
    assert bot.ledger.stores.all() == []
    assert "request with a wrong signature or time refused" in caplog.text
    assert "secret-name" not in caplog.text, "no body in the log"


def test_replay_of_an_old_delivery_is_refused(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bot.slack.command("Dana", "#stores", "/store help").ok
    monkeypatch.setattr(signature, "time", lambda: time.time() + 301)
    assert bot.slack.replay().status == 401


def test_url_verification_is_answered(bot: Bot) -> None:
    assert bot.slack.verify_url()


def test_oversized_body_is_refused(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    with bot.http() as http:
        answer = http.post("/slack/events", content=b"x" * 1_000_001)
    assert (answer.status_code, answer.json()) == (413, {"error": "request too large"})
    assert "malformed request refused: more than 1000000 bytes" in caplog.text


@pytest.mark.parametrize("path", ["/", "/slack/events", "/nothing", "/s/", "/s/a/b"])
def test_other_addresses_are_not_served(bot: Bot, path: str) -> None:
    with bot.http() as http:
        assert http.get(path).status_code in (404, 405)


def test_signed_request_of_an_unknown_type_is_not_found(bot: Bot) -> None:
    assert (
        bot.signed({"payload": json.dumps({"type": "shortcut", "callback_id": "x", "user": {"id": DANA}})}).status_code
        == 404
    )
    assert bot.signed({"payload": "{}"}).status_code == 404


# --- health and readiness ----------------------------------------------------------------------------------------


def test_readiness_names_each_part_that_fails(tmp_path: Path) -> None:
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path, slack) as bot, bot.http() as http:
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
        assert http.get("/metrics").text.count("auth.test") == asked.count("auth.test"), (
            "the answer is kept for a moment"
        )


def test_readiness_is_ok_when_all_parts_are(bot: Bot) -> None:
    with bot.http() as http:
        assert (http.get("/readyz").status_code, set(http.get("/readyz").json().values())) == (200, {"ok"})


def test_unreachable_failure_channel_is_reported_and_does_not_make_the_bot_unready(tmp_path: Path) -> None:
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path, slack, failures=RANDOM) as bot, bot.http() as http:
        answer = http.get("/readyz")
        assert answer.status_code == 200
        report = answer.json().pop("failure_channel")
        assert report == "Slack answered not_in_channel. Invite the app to that channel."


# --- logs --------------------------------------------------------------------------------------------------------


def test_log_lines_are_json_with_ids_and_without_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("DEBUG")
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path, slack) as bot:
        slack.command("Dana", "#stores", "/store create my-shop")
        bot.finish()
        said = slack.command("Dana", "#stores", "/store credentials my-shop").json()["text"]
        slack.click("Dana", bot.root("is ready"), "credentials")
        whispered = slack.wait_for(lambda: bot.whispered() if "/s/" in bot.whispered() else None)
        unsigned = bot.signed(COMMAND, signature="nonsense")
        secrets = [
            slack.bot_token,
            slack.signing_secret,
            *(t.split("#")[1].split("|")[0] for t in (said, whispered)),
        ]
    written = capsys.readouterr().err
    rows = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    ordered = next(row for row in rows if "command: ordered" in row["message"])
    assert {"at", "level", "name", "request", "user", "store"} <= set(ordered)
    refused = next(row for row in rows if "request with a wrong signature" in row["message"])
    assert refused["request"] == unsigned.headers["X-Request-Id"]
    assert len({row["request"] for row in rows if "request" in row}) >= 4, "one id for each request"
    assert not [secret for secret in secrets if secret in written]
    assert b"".join(p.read_bytes() for p in tmp_path.glob("ledger.db*")).find(secrets[2].encode()) == -1


# --- Socket Mode -------------------------------------------------------------------------------------------------


def test_commands_clicks_forms_and_events_work_in_socket_mode(tmp_path: Path) -> None:
    with LocalSlack(socket_mode=True, rate_limits={}) as slack, running_bot(tmp_path, slack, socket=True) as bot:
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
            assert http.post("/slack/events", content=b"").status_code == 404, "there is no HTTP endpoint"


def test_socket_mode_reconnects_when_slack_closes_the_connection(tmp_path: Path) -> None:
    with LocalSlack(socket_mode=True, rate_limits={}) as slack, running_bot(tmp_path, slack, socket=True):
        slack.wait_for(lambda: slack.command("Dana", "#stores", "/store help").ok)
        assert slack.disconnect() == 1
        slack.wait_for(lambda: slack.command("Dana", "#stores", "/store help").ok, what="a new connection")


def test_readiness_reports_socket_mode_disconnected_only_while_it_can_not_reconnect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.socket_mode.RECONNECT_TIMEOUT_SECONDS", 3)
    monkeypatch.setattr("bot.observability.readiness.CACHE_SECONDS", 0.0)
    with (
        LocalSlack(socket_mode=True, rate_limits={}) as slack,
        running_bot(tmp_path, slack, socket=True) as bot,
        bot.http() as http,
    ):

        def socket() -> str:
            return str(http.get("/readyz").json()["socket"])

        slack.wait_for(lambda: socket() == "ok", what="the first connection")
        slack.disconnect()
        until = time.monotonic() + 4
        while time.monotonic() < until:
            assert socket() == "ok"
            time.sleep(0.02)
        slack.fault("error", "apps.connections.open", code="invalid_auth", times=0)
        slack.disconnect()
        slack.wait_for(lambda: "Slack's requests do not reach the bot." in socket(), what="the report")
        assert http.get("/readyz").status_code == 503
        slack.clear_faults()
        slack.wait_for(lambda: socket() == "ok", what="the next connection")


def test_readiness_names_the_reason_when_socket_mode_never_connected(tmp_path: Path) -> None:
    with LocalSlack(socket_mode=True, rate_limits={}) as slack:
        slack.fault("error", "apps.connections.open", code="invalid_auth", times=0)
        with running_bot(tmp_path, slack, socket=True) as bot, bot.http() as http:
            reason = "Slack rejected SLACK_APP_TOKEN: invalid_auth."
            slack.wait_for(lambda: reason in http.get("/readyz").json()["socket"], what="the reason")

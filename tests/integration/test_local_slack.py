"""Users' actions in the local Slack, with a real Bolt app."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from dev import local_http
from dev.slack import LocalSlack, LocalSlackClient, LocalSlackError
from dev.slack.trigger_tokens import ResponseUrl, TriggerTokens
from dev.slack.workspace import SlackError
from tests.integration.sample_bot import SampleBot, modal, over_http, plain, section, text_input

Json = dict[str, Any]


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(rate_limits={}, event_retry_delays=(0.05, 0.05, 0.05)) as running:
        yield running


@pytest.fixture
def bot(slack: LocalSlack) -> Iterator[SampleBot]:
    """The sample bot, connected over HTTP."""
    sample = SampleBot(slack)
    with over_http(sample) as url:
        slack.connect_bot(url)
        yield sample


@pytest.fixture
def buttons(slack: LocalSlack, bot: SampleBot) -> Json:
    """A message in #stores with all buttons of the bot."""
    assert slack.command("Dana", "#stores", "/store buttons").ok
    return slack.wait_for(lambda: slack.messages("#stores"))[-1]


def open_form(slack: LocalSlack, message: Json) -> Json:
    assert slack.click("Dana", message, "open").ok
    return slack.views("Dana")[-1]


# -- commands ----------------------------------------------------------------------------------------------


def test_command_is_signed_acknowledged_and_answered_by_ephemeral_message(slack: LocalSlack, bot: SampleBot) -> None:
    ack = slack.command("Dana", "#stores", "/store create x medusa")
    assert (ack.ok, ack.status) == (True, 200)
    assert 0 < ack.elapsed < 3
    command = bot.bodies("command")[0]
    assert (command["text"], command["user_id"], command["channel_id"]) == ("create x medusa", "U0DANA001", "C0STORES1")
    assert [m["text"] for m in slack.ephemerals("Dana")] == ["You said create x medusa"]
    assert slack.messages("#stores") == slack.ephemerals("Oli") == []


def test_command_works_in_channels_without_the_bot(slack: LocalSlack, bot: SampleBot) -> None:
    assert slack.command("Dana", "#random", "/store list").ok
    assert slack.command("Dana", "@storewright", "/store list").ok
    assert [body["channel_name"] for body in bot.bodies("command")] == ["random", "directmessage"]


def test_in_channel_answer_also_shows_the_command(slack: LocalSlack, bot: SampleBot) -> None:
    slack.command("Dana", "#stores", "/store in-channel Hello all")
    messages = [(m["user"], m["text"]) for m in slack.messages("#stores")]
    assert messages == [("U0DANA001", "/store in-channel Hello all"), ("U0STOREWR", "Hello all")]


def test_command_without_ack_in_three_seconds_shows_operation_timeout(slack: LocalSlack, bot: SampleBot) -> None:
    ack = slack.command("Dana", "#stores", "/store slow")
    assert (ack.ok, ack.error) == (False, "operation_timeout")
    assert ack.elapsed > 2.9
    assert [m["text"] for m in slack.ephemerals("Dana")] == ['/store failed with the error "operation_timeout"']


def test_unreachable_or_refusing_bot_shows_dispatch_failed(slack: LocalSlack) -> None:
    slack.connect_bot("http://127.0.0.1:9")
    assert slack.command("Dana", "#stores", "/store list").error == "dispatch_failed"
    with over_http(SampleBot(slack, signing_secret="another secret")) as url:
        slack.connect_bot(url)
        refused = slack.command("Dana", "#stores", "/store list")
    assert (refused.status, refused.error) == (401, "dispatch_failed")
    assert slack.ephemerals("Dana")[-1]["text"] == '/store failed with the error "dispatch_failed"'


def test_unknown_commands_channels_and_users_are_refused(slack: LocalSlack, bot: SampleBot) -> None:
    assert slack.command("Dana", "#stores", "/shop list").error == "unknown_command"
    assert "`/shop` is not a valid command" in slack.ephemerals("Dana")[0]["text"]
    with pytest.raises(LocalSlackError, match="channel_not_found"):
        slack.command("Dana", "#nowhere", "/store list")
    with pytest.raises(LocalSlackError, match="user_not_found"):
        slack.command("Mallory", "#stores", "/store list")
    assert bot.received == []


def test_messages_of_users_are_escaped_like_in_slack(slack: LocalSlack) -> None:
    assert slack.say("Dana", "#stores", "a < b & c > d")["text"] == "a &lt; b &amp; c &gt; d"


def test_url_verification_handshake_succeeds(slack: LocalSlack, bot: SampleBot) -> None:
    assert slack.verify_url()


# -- response_url ------------------------------------------------------------------------------------------


def test_response_url_accepts_five_answers(slack: LocalSlack, bot: SampleBot) -> None:
    slack.command("Dana", "#random", "/store list")
    url = WebhookClient(bot.bodies("command")[0]["response_url"])
    answers = [url.send(text=f"answer {n}") for n in range(6)]
    assert [(a.status_code, a.body) for a in answers[:5]] == [(200, "ok")] * 5
    assert (answers[5].status_code, "used_url" in answers[5].body) == (404, True)
    assert [m["text"] for m in slack.ephemerals("Dana")][1:] == [f"answer {n}" for n in range(5)]


def test_response_url_refuses_invalid_content_and_unknown_keys(slack: LocalSlack, bot: SampleBot) -> None:
    slack.command("Dana", "#stores", "/store list")
    url = bot.bodies("command")[0]["response_url"]
    bad = WebhookClient(url).send(text="x", blocks=[section("")])
    assert (bad.status_code, "invalid_blocks" in bad.body) == (400, True)
    assert "no_text" in WebhookClient(url).send(response_type="ephemeral").body
    assert local_http.post(url, content=b"{").status_code == 400
    assert WebhookClient(url + "x").send(text="x").status_code == 404


def test_trigger_ids_and_response_urls_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    tokens = TriggerTokens()
    trigger, url = (
        tokens.issue_trigger_id("U0DANA001"),
        tokens.issue_response_url(ResponseUrl("C0STORES1", "U0DANA001")),
    )
    monkeypatch.setattr(time, "monotonic", lambda: now + 3.1)
    with pytest.raises(SlackError, match="expired_trigger_id"):
        tokens.redeem_trigger_id(trigger)
    assert tokens.redeem_response_url(url).uses == 1
    monkeypatch.setattr(time, "monotonic", lambda: now + 1801)
    with pytest.raises(SlackError, match="expired_url"):
        tokens.redeem_response_url(url)


# -- clicks ------------------------------------------------------------------------------------------------


def test_click_payload_contains_user_channel_container_and_action(
    slack: LocalSlack, bot: SampleBot, buttons: Json
) -> None:
    assert slack.click("Oli", buttons, "answer").ok
    body = bot.bodies("answer")[0]
    assert (body["user"]["id"], body["channel"]["id"]) == ("U0OLI0001", "C0STORES1")
    assert body["container"] == {
        "type": "message",
        "message_ts": buttons["ts"],
        "channel_id": "C0STORES1",
        "is_ephemeral": False,
    }
    assert body["actions"][0]["block_id"] == "row"
    assert slack.wait_for(lambda: slack.ephemerals("Oli"))[0]["text"] == "An answer"


def test_bot_replaces_the_original_message(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    slack.click("Dana", buttons, "replace")
    replaced = slack.thread(buttons)[0]
    assert (replaced["text"], "blocks" in replaced) == ("Replaced", False)
    with pytest.raises(LocalSlackError, match="no_such_action"):
        slack.click("Dana", buttons, "remove")


def test_bot_replaces_and_deletes_an_ephemeral_original(slack: LocalSlack, bot: SampleBot) -> None:
    for action, left in (("replace", ["Replaced"]), ("remove", ["Replaced"])):
        slack.command("Dana", "#stores", "/store ephemeral")
        ephemeral = slack.ephemerals("Dana")[-1]
        with pytest.raises(LocalSlackError, match="message_not_found"):
            slack.click("Oli", ephemeral, action)
        assert slack.click("Dana", ephemeral, action).ok
        assert [m["text"] for m in slack.ephemerals("Dana")] == left


def test_menu_sends_the_chosen_option(slack: LocalSlack, bot: SampleBot) -> None:
    options = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("medusa", "woocommerce")]
    menu = {"type": "static_select", "action_id": "choose", "options": options}
    bot.client.chat_postMessage(channel="#stores", text="x", blocks=[{"type": "actions", "elements": [menu]}])
    slack.click("Dana", slack.messages("#stores")[-1], "choose", value="medusa")
    assert bot.bodies("choose")[0]["actions"][0]["selected_option"]["value"] == "medusa"


# -- modals ------------------------------------------------------------------------------------------------


def test_trigger_id_opens_one_view_only(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    slack.click("Dana", buttons, "push")
    trigger = bot.bodies("push")[0]["trigger_id"]
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        bot.client.views_open(trigger_id=trigger, view=modal(private_metadata="x" * 3001))
    assert bot.client.views_open(trigger_id=trigger, view=modal())["ok"]
    with pytest.raises(SlackApiError) as caught:
        bot.client.views_open(trigger_id=trigger, view=modal())
    assert caught.value.response["error"] == "exchanged_trigger_id"


def test_form_submission_returns_errors_until_the_bot_accepts_it(
    slack: LocalSlack, bot: SampleBot, buttons: Json
) -> None:
    view = open_form(slack, buttons)
    assert slack.submit("Dana", view) == {"name": "Please complete this required field."}
    assert bot.bodies("submit") == []
    assert slack.submit("Dana", view, {"Name": "bad"}) == {"name": "Not a good name"}
    assert slack.submit("Dana", view, {"name": "wrong key"}) == {"": "We had some trouble connecting. Try again?"}
    assert slack.submit("Dana", view, {"value": "good"}) is None
    assert slack.views("Dana") == []
    assert bot.bodies("submit")[-1]["view"]["state"]["values"]["name"]["value"]["value"] == "good"


def test_submission_response_actions_update_push_and_clear_views(
    slack: LocalSlack, bot: SampleBot, buttons: Json
) -> None:
    view = open_form(slack, buttons)
    assert slack.submit("Dana", view, {"name": "push"}) is None
    assert [len(slack.views("Dana")), slack.views("Dana")[-1]["root_view_id"]] == [2, view["id"]]
    assert slack.submit("Dana", slack.views("Dana")[-1], {"name": "ok"}) is None
    assert [v["id"] for v in slack.views("Dana")] == [view["id"]]
    assert slack.submit("Dana", view, {"name": "update"}) is None
    assert slack.views("Dana")[0]["blocks"][0]["text"]["text"] == "Updated"
    second = open_form(slack, buttons)
    slack.submit("Dana", second, {"name": "push"})
    slack.submit("Dana", slack.views("Dana")[-1], {"name": "clear"})
    assert slack.views("Dana") == []


def test_fourth_stacked_modal_is_refused(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    slack.click("Dana", buttons, "push")
    with pytest.raises(SlackApiError, match="not_found"):
        bot.client.views_push(trigger_id=bot.bodies("push")[-1]["trigger_id"], view=modal())
    open_form(slack, buttons)
    for count in (2, 3):
        slack.click("Dana", buttons, "push")
        bot.client.views_push(trigger_id=bot.bodies("push")[-1]["trigger_id"], view=modal())
        assert len(slack.views("Dana")) == count
    slack.click("Dana", buttons, "push")
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        bot.client.views_push(trigger_id=bot.bodies("push")[-1]["trigger_id"], view=modal())


def test_view_update_by_id_is_refused_with_an_outdated_hash(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    view = open_form(slack, buttons)
    new_view = modal(text_input(label="Another"), external_id="mine")
    updated = bot.client.views_update(view_id=view["id"], hash=view["hash"], view=new_view)["view"]
    assert slack.views("Dana")[0]["blocks"][0]["label"]["text"] == "Another"
    with pytest.raises(SlackApiError, match="hash_conflict"):
        bot.client.views_update(view_id=view["id"], hash=view["hash"], view=new_view)
    assert bot.client.views_update(external_id="mine", view=new_view)["view"]["id"] == updated["id"]


def test_input_sends_block_actions_only_with_dispatch_action(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    slack.click("Dana", buttons, "open")
    options = [{"text": plain(word), "value": word} for word in ("red", "blue")]
    menu = {"type": "static_select", "options": options, "initial_option": options[0]}
    dispatching = {"type": "input", "block_id": "dispatching", "label": plain("Dispatching"), "dispatch_action": True}
    silent = {"type": "input", "block_id": "silent", "label": plain("Silent")}
    form = modal(
        text_input(),
        {**dispatching, "element": {**menu, "action_id": "choose"}},
        {**silent, "element": {**menu, "action_id": "ignored"}},
        private_metadata="kept",
    )
    [view] = slack.views("Dana")
    updated = bot.client.views_update(view_id=view["id"], view=form)["view"]
    assert slack.click("Dana", updated, "choose", "blue", {"name": "Ann", "silent": "red"}).ok
    [body] = bot.bodies("choose")
    assert body["actions"][0]["selected_option"]["value"] == "blue"
    values = body["view"]["state"]["values"]
    assert values["dispatching"]["choose"]["selected_option"]["value"] == "blue", "the state contains the new choice"
    assert values["name"]["value"]["value"] == "Ann"
    assert (body["view"]["hash"], body["view"]["private_metadata"]) == (updated["hash"], "kept")
    assert "response_url" not in body
    assert "channel" not in body
    with pytest.raises(LocalSlackError, match="no_such_action"):
        slack.click("Dana", updated, "ignored", "blue")


def test_closing_a_modal_with_notify_on_close_sends_view_closed(
    slack: LocalSlack, bot: SampleBot, buttons: Json
) -> None:
    open_form(slack, buttons)
    slack.close("Dana")
    assert slack.views("Dana") == []
    assert bot.bodies("closed")[0]["is_cleared"] is False
    with pytest.raises(LocalSlackError, match="view_not_found"):
        slack.submit("Dana", "V0NOTHERE", {})


# -- events, duplicates, replays ---------------------------------------------------------------------------


def test_app_home_opened_event_is_retried_until_it_succeeds(slack: LocalSlack, bot: SampleBot) -> None:
    bot.home_failures = 2
    slack.open_home("Ada")
    home = slack.wait_for(lambda: slack.home("Ada"))
    assert home["blocks"][0]["text"]["text"] == "Your stores"
    events = [d for d in slack.deliveries() if d["kind"] == "event"]
    assert [d["status"] for d in events] == [500, 500, 200]
    headers = bot.bodies("home")[0]["headers"]
    assert (headers["x-slack-retry-num"], headers["x-slack-retry-reason"]) == (["2"], ["http_error"])


def test_duplicate_and_replay_send_identical_requests(slack: LocalSlack, bot: SampleBot) -> None:
    slack.fault("duplicate")
    slack.command("Dana", "#stores", "/store create x")
    first, second = bot.bodies("command")
    assert first == second
    assert slack.replay().status == 200
    assert bot.bodies("command")[2]["trigger_id"] == first["trigger_id"]
    assert [d["kind"] for d in slack.deliveries()] == ["command", "command", "replay"]


# -- the client --------------------------------------------------------------------------------------------


def test_wait_for_timeout_names_the_awaited_change(slack: LocalSlack) -> None:
    with (
        LocalSlackClient(slack.workspace_url) as remote,
        pytest.raises(TimeoutError, match=r"No change within 0.2 s: a message"),
    ):
        remote.wait_for(lambda: remote.messages("#stores"), timeout=0.2, what="a message")


def test_command_line_starts_the_local_slack_with_the_bots_secrets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dev.slack", "--port", str(port), "--bot-url", "http://127.0.0.1:9"]
    secrets = {"SLACK_SIGNING_SECRET": "s", "SLACK_BOT_TOKEN": "xoxb-known"}
    no_secrets = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
    refused = subprocess.run(command, env=no_secrets, capture_output=True, text=True, check=False)
    assert (refused.returncode, "set SLACK_SIGNING_SECRET, SLACK_BOT_TOKEN" in refused.stderr) == (1, True)
    running = subprocess.Popen(command, env={**no_secrets, **secrets}, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == f"Local Slack: http://127.0.0.1:{port}\n"
        with LocalSlackClient(f"http://127.0.0.1:{port}") as slack:
            assert WebClient(token="xoxb-known", base_url=slack.api_url).auth_test()["ok"]
            assert slack.command("Dana", "#stores", "/store list").error == "dispatch_failed"
    finally:
        running.terminate()
        running.communicate(timeout=60)

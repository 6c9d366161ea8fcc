"""The local Slack and a real Bolt app: what people do reaches the bot, signed and in time, and its answers are seen."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import IncompleteRead
from typing import Any

import httpx
import pytest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as websocket

from dev.slack import LocalSlack, LocalSlackClient, LocalSlackError
from dev.slack.trigger_tokens import Handles, ResponseUrl
from dev.slack.workspace import SlackError
from tests.integration.sample_bot import SampleBot, modal, over_http, plain, section, text_input

Json = dict[str, Any]


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(limits={}, retry_delays=(0.05, 0.05, 0.05)) as running:
        yield running


@pytest.fixture
def bot(slack: LocalSlack) -> Iterator[SampleBot]:
    """The sample bot behind HTTP, connected."""
    sample = SampleBot(slack)
    with over_http(sample) as url:
        slack.connect_bot(url)
        yield sample


@pytest.fixture
def buttons(slack: LocalSlack, bot: SampleBot) -> Json:
    """A message in #stores with a button for each thing the bot does."""
    assert slack.command("Dana", "#stores", "/store buttons").ok
    return slack.wait_for(lambda: slack.messages("#stores"))[-1]


def open_form(slack: LocalSlack, message: Json) -> Json:
    assert slack.click("Dana", message, "open").ok
    return slack.views("Dana")[-1]


# -- commands ----------------------------------------------------------------------------------------------


def test_a_command_is_signed_acknowledged_and_answered_in_private(slack: LocalSlack, bot: SampleBot) -> None:
    ack = slack.command("Dana", "#stores", "/store create x medusa")
    assert (ack.ok, ack.status) == (True, 200)
    assert 0 < ack.elapsed < 3
    command = bot.bodies("command")[0]
    assert (command["text"], command["user_id"], command["channel_id"]) == ("create x medusa", "U0DANA001", "C0STORES1")
    assert [m["text"] for m in slack.ephemerals("Dana")] == ["You said create x medusa"]
    assert slack.messages("#stores") == slack.ephemerals("Oli") == []


def test_a_command_works_where_the_bot_is_no_member(slack: LocalSlack, bot: SampleBot) -> None:
    assert slack.command("Dana", "#random", "/store list").ok
    assert slack.command("Dana", "@storewright", "/store list").ok
    assert [body["channel_name"] for body in bot.bodies("command")] == ["random", "directmessage"]


def test_an_answer_in_the_channel_shows_the_command_too(slack: LocalSlack, bot: SampleBot) -> None:
    slack.command("Dana", "#stores", "/store aloud Hello all")
    said = [(m["user"], m["text"]) for m in slack.messages("#stores")]
    assert said == [("U0DANA001", "/store aloud Hello all"), ("U0STOREWR", "Hello all")]


def test_no_ack_within_three_seconds_is_a_timeout_the_person_sees(slack: LocalSlack, bot: SampleBot) -> None:
    ack = slack.command("Dana", "#stores", "/store slow")
    assert (ack.ok, ack.error) == (False, "operation_timeout")
    assert 2.9 < ack.elapsed < 3.3
    assert [m["text"] for m in slack.ephemerals("Dana")] == ['/store failed with the error "operation_timeout"']


def test_a_bot_that_is_away_or_refuses_is_a_failed_dispatch(slack: LocalSlack) -> None:
    slack.connect_bot("http://127.0.0.1:9")
    assert slack.command("Dana", "#stores", "/store list").error == "dispatch_failed"
    with over_http(SampleBot(slack, signing_secret="another secret")) as url:
        slack.connect_bot(url)
        refused = slack.command("Dana", "#stores", "/store list")
    assert (refused.status, refused.error) == (401, "dispatch_failed")
    assert slack.ephemerals("Dana")[-1]["text"] == '/store failed with the error "dispatch_failed"'


def test_other_commands_and_other_peoples_channels_are_refused(slack: LocalSlack, bot: SampleBot) -> None:
    assert slack.command("Dana", "#stores", "/shop list").error == "unknown_command"
    assert "`/shop` is not a valid command" in slack.ephemerals("Dana")[0]["text"]
    with pytest.raises(LocalSlackError, match="channel_not_found"):
        slack.command("Dana", "#nowhere", "/store list")
    with pytest.raises(LocalSlackError, match="user_not_found"):
        slack.command("Eve", "#stores", "/store list")
    assert bot.heard == []


def test_what_people_write_is_escaped_as_slack_does(slack: LocalSlack) -> None:
    assert slack.say("Dana", "#stores", "a < b & c > d")["text"] == "a &lt; b &amp; c &gt; d"


def test_the_request_url_is_verified(slack: LocalSlack, bot: SampleBot) -> None:
    assert slack.verify_url()


# -- response_url ------------------------------------------------------------------------------------------


def test_a_response_url_works_five_times(slack: LocalSlack, bot: SampleBot) -> None:
    slack.command("Dana", "#random", "/store list")
    url = WebhookClient(bot.bodies("command")[0]["response_url"])
    answers = [url.send(text=f"answer {n}") for n in range(6)]
    assert [(a.status_code, a.body) for a in answers[:5]] == [(200, "ok")] * 5
    assert (answers[5].status_code, "used_url" in answers[5].body) == (404, True)
    assert [m["text"] for m in slack.ephemerals("Dana")][1:] == [f"answer {n}" for n in range(5)]


def test_a_response_url_refuses_bad_content_and_other_keys(slack: LocalSlack, bot: SampleBot) -> None:
    slack.command("Dana", "#stores", "/store list")
    url = bot.bodies("command")[0]["response_url"]
    bad = WebhookClient(url).send(text="x", blocks=[section("")])
    assert (bad.status_code, "invalid_blocks" in bad.body) == (400, True)
    assert "no_text" in WebhookClient(url).send(response_type="ephemeral").body
    assert httpx.post(url, content=b"{").status_code == 400
    assert WebhookClient(url + "x").send(text="x").status_code == 404


def test_handles_grow_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    handles = Handles()
    trigger, url = handles.new_trigger("U0DANA001"), handles.new_response_url(ResponseUrl("C0STORES1", "U0DANA001"))
    monkeypatch.setattr(time, "monotonic", lambda: now + 3.1)
    with pytest.raises(SlackError, match="expired_trigger_id"):
        handles.exchange(trigger)
    assert handles.respond(url).uses == 1
    monkeypatch.setattr(time, "monotonic", lambda: now + 1801)
    with pytest.raises(SlackError, match="expired_url"):
        handles.respond(url)


# -- clicks ------------------------------------------------------------------------------------------------


def test_a_click_tells_who_where_and_what(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
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


def test_an_original_message_is_replaced_or_deleted(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    slack.click("Dana", buttons, "replace")
    replaced = slack.thread(buttons)[0]
    assert (replaced["text"], "blocks" in replaced) == ("Replaced", False)
    with pytest.raises(LocalSlackError, match="no_such_action"):
        slack.click("Dana", buttons, "forget")


def test_an_ephemeral_original_is_replaced_or_deleted(slack: LocalSlack, bot: SampleBot) -> None:
    for action, left in (("replace", ["Replaced"]), ("forget", ["Replaced"])):
        slack.command("Dana", "#stores", "/store hidden")
        whisper = slack.ephemerals("Dana")[-1]
        with pytest.raises(LocalSlackError, match="message_not_found"):
            slack.click("Oli", whisper, action)
        assert slack.click("Dana", whisper, action).ok
        assert [m["text"] for m in slack.ephemerals("Dana")] == left


def test_a_menu_sends_the_chosen_option(slack: LocalSlack, bot: SampleBot) -> None:
    options = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("medusa", "woocommerce")]
    menu = {"type": "static_select", "action_id": "choose", "options": options}
    bot.client.chat_postMessage(channel="#stores", text="x", blocks=[{"type": "actions", "elements": [menu]}])
    slack.click("Dana", slack.messages("#stores")[-1], "choose", value="medusa")
    assert bot.bodies("choose")[0]["actions"][0]["selected_option"]["value"] == "medusa"


# -- modals ------------------------------------------------------------------------------------------------


def test_a_trigger_opens_one_view(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    slack.click("Dana", buttons, "push")
    trigger = bot.bodies("push")[0]["trigger_id"]
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        bot.client.views_open(trigger_id=trigger, view=modal(private_metadata="x" * 3001))
    assert bot.client.views_open(trigger_id=trigger, view=modal())["ok"]
    with pytest.raises(SlackApiError) as caught:
        bot.client.views_open(trigger_id=trigger, view=modal())
    assert caught.value.response["error"] == "exchanged_trigger_id"


def test_a_form_shows_its_errors_until_it_is_right(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    view = open_form(slack, buttons)
    assert slack.submit("Dana", view) == {"name": "Please complete this required field."}
    assert bot.bodies("submit") == []
    assert slack.submit("Dana", view, {"Name": "bad"}) == {"name": "Not a good name"}
    assert slack.submit("Dana", view, {"name": "wrong key"}) == {"": "We had some trouble connecting. Try again?"}
    assert slack.submit("Dana", view, {"value": "good"}) is None
    assert slack.views("Dana") == []
    assert bot.bodies("submit")[-1]["view"]["state"]["values"]["name"]["value"]["value"] == "good"


def test_a_submission_updates_pushes_or_clears(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
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


def test_at_most_three_modals_are_stacked(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    slack.click("Dana", buttons, "push")
    with pytest.raises(SlackApiError, match="not_found"):
        bot.client.views_push(trigger_id=bot.bodies("push")[-1]["trigger_id"], view=modal())
    open_form(slack, buttons)
    for wanted in (2, 3):
        slack.click("Dana", buttons, "push")
        bot.client.views_push(trigger_id=bot.bodies("push")[-1]["trigger_id"], view=modal())
        assert len(slack.views("Dana")) == wanted
    slack.click("Dana", buttons, "push")
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        bot.client.views_push(trigger_id=bot.bodies("push")[-1]["trigger_id"], view=modal())


def test_an_open_view_is_updated_by_id_and_guarded_by_its_hash(
    slack: LocalSlack, bot: SampleBot, buttons: Json
) -> None:
    view = open_form(slack, buttons)
    fresh = modal(text_input(label="Another"), external_id="mine")
    updated = bot.client.views_update(view_id=view["id"], hash=view["hash"], view=fresh)["view"]
    assert slack.views("Dana")[0]["blocks"][0]["label"]["text"] == "Another"
    with pytest.raises(SlackApiError, match="hash_conflict"):
        bot.client.views_update(view_id=view["id"], hash=view["hash"], view=fresh)
    assert bot.client.views_update(external_id="mine", view=fresh)["view"]["id"] == updated["id"]


def test_an_input_tells_of_its_use_only_where_it_asks_to(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    slack.click("Dana", buttons, "open")
    options = [{"text": plain(word), "value": word} for word in ("red", "blue")]
    menu = {"type": "static_select", "options": options, "initial_option": options[0]}
    told = {"type": "input", "block_id": "told", "label": plain("Told"), "dispatch_action": True}
    silent = {"type": "input", "block_id": "silent", "label": plain("Silent")}
    asking = modal(
        text_input(),
        {**told, "element": {**menu, "action_id": "choose"}},
        {**silent, "element": {**menu, "action_id": "hush"}},
        private_metadata="kept",
    )
    [view] = slack.views("Dana")
    fresh = bot.client.views_update(view_id=view["id"], view=asking)["view"]
    assert slack.click("Dana", fresh, "choose", "blue", {"name": "Ann", "silent": "red"}).ok
    [body] = bot.bodies("choose")
    assert body["actions"][0]["selected_option"]["value"] == "blue"
    values = body["view"]["state"]["values"]
    assert values["told"]["choose"]["selected_option"]["value"] == "blue", "the state has the new choice"
    assert values["name"]["value"]["value"] == "Ann"
    assert (body["view"]["hash"], body["view"]["private_metadata"]) == (fresh["hash"], "kept")
    assert "response_url" not in body
    assert "channel" not in body
    with pytest.raises(LocalSlackError, match="no_such_action"):
        slack.click("Dana", fresh, "hush", "blue")


def test_closing_a_modal_is_told_where_it_was_asked_for(slack: LocalSlack, bot: SampleBot, buttons: Json) -> None:
    open_form(slack, buttons)
    slack.close("Dana")
    assert slack.views("Dana") == []
    assert bot.bodies("closed")[0]["is_cleared"] is False
    with pytest.raises(LocalSlackError, match="view_not_found"):
        slack.submit("Dana", "V0NOTHERE", {})


# -- events, duplicates, replays ---------------------------------------------------------------------------


def test_opening_the_home_is_an_event_which_is_retried(slack: LocalSlack, bot: SampleBot) -> None:
    bot.home_failures = 2
    slack.open_home("Ada")
    home = slack.wait_for(lambda: slack.home("Ada"))
    assert home["blocks"][0]["text"]["text"] == "Your stores"
    events = [d for d in slack.deliveries() if d["kind"] == "event"]
    assert [d["status"] for d in events] == [500, 500, 200]
    headers = bot.bodies("home")[0]["headers"]
    assert (headers["x-slack-retry-num"], headers["x-slack-retry-reason"]) == (["2"], ["http_error"])


def test_a_duplicate_and_a_replay_are_the_same_bytes(slack: LocalSlack, bot: SampleBot) -> None:
    slack.fault("duplicate")
    slack.command("Dana", "#stores", "/store create x")
    first, second = bot.bodies("command")
    assert first == second
    assert slack.replay().status == 200
    assert bot.bodies("command")[2]["trigger_id"] == first["trigger_id"]
    assert [d["kind"] for d in slack.deliveries()] == ["command", "command", "replay"]


# -- faults ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ({"kind": "ratelimited", "seconds": 7}, 429, "ratelimited"),
        ({"kind": "error", "code": "channel_not_found"}, 200, "channel_not_found"),
        ({"kind": "server_error"}, 500, "fatal_error"),
        ({"kind": "invalid_blocks", "block_types": ["section"]}, 200, "invalid_blocks"),
    ],
)
def test_an_ordered_refusal_comes_as_often_as_ordered(slack: LocalSlack, fault: Json, status: int, error: str) -> None:
    web = SampleBot(slack).client
    slack.fault(method="chat.postMessage", times=2, **fault)
    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            web.chat_postMessage(channel="#stores", text="x", blocks=[section()])
        assert (caught.value.response.status_code, caught.value.response["error"]) == (status, error)
        assert caught.value.response.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert slack.messages("#stores") == []
    assert web.chat_postMessage(channel="#stores", text="x", blocks=[section()])["ok"]


def test_other_blocks_pass_where_some_are_refused(slack: LocalSlack) -> None:
    web = SampleBot(slack).client
    slack.fault("invalid_blocks", times=0, block_types=["plan", "task_card"])
    task = {"type": "task_card", "task_id": "1", "title": "x", "status": "pending"}
    plan = {"type": "plan", "title": "x", "tasks": [task]}
    for _ in range(2):
        with pytest.raises(SlackApiError, match="invalid_blocks"):
            web.chat_postMessage(channel="#stores", text="x", blocks=[plan])
        assert web.chat_postMessage(channel="#stores", text="x", blocks=[section()])["ok"]
    slack.clear_faults()
    assert web.chat_postMessage(channel="#stores", text="x", blocks=[plan])["ok"]


def test_a_lost_answer_leaves_the_message_posted(slack: LocalSlack) -> None:
    web = SampleBot(slack).client
    slack.fault("drop_response", method="chat.postMessage")
    with pytest.raises(IncompleteRead):
        web.chat_postMessage(channel="#stores", text="once")
    assert [m["text"] for m in slack.messages("#stores")] == ["once"]


def test_a_late_answer_has_already_taken_effect(slack: LocalSlack) -> None:
    web = SampleBot(slack).client
    slack.fault("hang", method="chat.postMessage", seconds=0.3)
    start = time.monotonic()
    web.chat_postMessage(channel="#stores", text="x")
    assert time.monotonic() - start >= 0.3
    slack.fault("latency", method="auth.test", seconds=0.3)
    start = time.monotonic()
    web.auth_test()
    assert time.monotonic() - start >= 0.3


def test_unknown_faults_actions_and_other_sites_are_refused(slack: LocalSlack) -> None:
    with pytest.raises(LocalSlackError, match="There is no fault 'earthquake'"):
        slack.fault("earthquake")
    assert httpx.post(f"{slack.workspace_url}/dev/dance", json={}).status_code == 404
    foreign = httpx.post(f"{slack.workspace_url}/dev/clear_faults", json={}, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403


# -- Socket Mode -------------------------------------------------------------------------------------------


@pytest.fixture
def connect() -> Iterator[Callable[[LocalSlack], SampleBot]]:
    """Connects a new sample bot through Socket Mode."""
    open_handlers: list[SocketModeHandler] = []

    def start(slack: LocalSlack) -> SampleBot:
        bot = SampleBot(slack)
        handler = SocketModeHandler(bot.app, slack.app_token)
        handler.connect()  # type: ignore[no-untyped-call]
        open_handlers.append(handler)
        return bot

    yield start
    for handler in open_handlers:
        handler.close()  # type: ignore[no-untyped-call]


def test_everything_works_through_socket_mode(connect: Callable[[LocalSlack], SampleBot]) -> None:
    with LocalSlack(socket_mode=True) as slack:
        assert slack.command("Dana", "#stores", "/store list").error == "dispatch_failed"  # nobody is connected
        bot = connect(slack)
        assert slack.command("Dana", "#stores", "/store list").ok
        assert slack.ephemerals("Dana")[-1]["text"] == "You said list"
        slack.command("Dana", "#stores", "/store buttons")
        view = open_form(slack, slack.wait_for(lambda: slack.messages("#stores"))[-1])
        assert slack.submit("Dana", view, {"name": "bad"}) == {"name": "Not a good name"}
        assert slack.submit("Dana", view, {"name": "good"}) is None
        slack.open_home("Dana")
        assert slack.wait_for(lambda: slack.home("Dana"))
        assert len(bot.bodies("command")) == 2


def test_each_event_goes_to_one_of_several_connections(connect: Callable[[LocalSlack], SampleBot]) -> None:
    with LocalSlack(socket_mode=True) as slack:
        bots = [connect(slack), connect(slack)]
        for number in range(4):
            assert slack.command("Dana", "#stores", f"/store {number}").ok
        assert [len(bot.bodies("command")) for bot in bots] == [2, 2]


def test_a_disconnected_bot_comes_again(connect: Callable[[LocalSlack], SampleBot]) -> None:
    with LocalSlack(socket_mode=True) as slack:
        bot = connect(slack)
        assert slack.disconnect() == 1
        slack.wait_for(lambda: slack.command("Dana", "#stores", "/store list").ok, timeout=15)
        assert bot.bodies("command")


def test_an_eleventh_connection_and_a_used_ticket_are_turned_away() -> None:
    with LocalSlack(socket_mode=True, limits={}) as slack, ExitStack() as stack:
        web = WebClient(token=slack.app_token, base_url=slack.api_url)
        urls = [str(web.api_call("apps.connections.open")["url"]) for _ in range(11)]
        greetings = [json.loads(stack.enter_context(websocket(url)).recv(timeout=3)) for url in urls]
        assert [g["type"] for g in greetings] == ["hello"] * 10 + ["disconnect"]
        assert (greetings[9]["num_connections"], greetings[10]["reason"]) == (10, "too_many_websockets")
        with pytest.raises(InvalidStatus), websocket(urls[0]):
            pass


# -- the client --------------------------------------------------------------------------------------------


def test_waiting_ends_with_a_word_on_what_was_awaited(slack: LocalSlack) -> None:
    with (
        LocalSlackClient(slack.workspace_url) as remote,
        pytest.raises(TimeoutError, match=r"Nothing came in 0.2 s: a message"),
    ):
        remote.wait_for(lambda: remote.messages("#stores"), timeout=0.2, what="a message")


def test_it_runs_by_itself_with_the_bots_secrets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dev.slack", "--port", str(port), "--bot-url", "http://127.0.0.1:9"]
    secrets = {"SLACK_SIGNING_SECRET": "s", "SLACK_BOT_TOKEN": "xoxb-known"}
    without = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
    refused = subprocess.run(command, env=without, capture_output=True, text=True, check=False)
    assert (refused.returncode, "set SLACK_SIGNING_SECRET, SLACK_BOT_TOKEN" in refused.stderr) == (1, True)
    running = subprocess.Popen(command, env={**without, **secrets}, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == f"Local Slack: http://127.0.0.1:{port}\n"
        with LocalSlackClient(f"http://127.0.0.1:{port}") as person:
            assert WebClient(token="xoxb-known", base_url=person.api_url).auth_test()["ok"]
            assert person.command("Dana", "#stores", "/store list").error == "dispatch_failed"
    finally:
        running.terminate()
        running.communicate(timeout=5)

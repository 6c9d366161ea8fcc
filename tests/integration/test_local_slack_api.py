"""The local Slack's Web API accepts and refuses calls like Slack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from dev.slack import LocalSlack
from dev.slack.block_validation import SCHEMA
from dev.slack.rate_limits import RateLimit
from tests.integration.sample_bot import button, modal, plain, section, text_input

Json = dict[str, Any]


@pytest.fixture(scope="module")
def slack() -> Iterator[LocalSlack]:
    """One workspace for the module, without rate limits.

    Each test checks only its own messages."""
    with LocalSlack(rate_limits={}) as running:
        yield running


@pytest.fixture(scope="module")
def web(slack: LocalSlack) -> WebClient:
    return client_of(slack)


def client_of(slack: LocalSlack) -> WebClient:
    return WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])


def refusal(call: Any, *args: Any, **kwargs: Any) -> Any:
    """The answer to a call that the local Slack must refuse."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return caught.value.response


# -- tokens ------------------------------------------------------------------------------------------------


def test_auth_test_identifies_the_bot(slack: LocalSlack, web: WebClient) -> None:
    assert web.api_test()["ok"]
    identity = web.auth_test()
    assert (identity["user_id"], identity["team_id"], identity["url"]) == (
        "U0STOREWR",
        "T0LOCAL01",
        f"{slack.workspace_url}/",
    )


def test_missing_unknown_and_wrong_tokens_are_refused(slack: LocalSlack, web: WebClient) -> None:
    def error(token: str | None, method: str) -> str:
        return str(refusal(WebClient(token=token, base_url=slack.api_url).api_call, method)["error"])

    assert error(None, "auth.test") == "not_authed"
    assert error("xoxb-wrong", "auth.test") == "invalid_auth"
    assert error(slack.app_token, "auth.test") == "not_allowed_token_type"
    assert error(slack.bot_token, "apps.connections.open") == "not_allowed_token_type"
    assert refusal(web.api_call, "chat.shout")["error"] == "unknown_method"


# -- messages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "#nowhere", "text": "x"}, "channel_not_found"),
        ({"channel": "#random", "text": "x"}, "not_in_channel"),
        ({"channel": "U0NOBODY1", "text": "x"}, "user_not_found"),
        ({"channel": "#stores"}, "no_text"),
        ({"channel": "#stores", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "#stores", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": "#stores", "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
    ],
)
@pytest.mark.filterwarnings("ignore:The top-level `text`")
def test_invalid_message_is_refused(web: WebClient, arguments: Json, error: str) -> None:
    assert refusal(web.chat_postMessage, **arguments)["error"] == error


def test_bot_posts_updates_and_deletes_a_message(slack: LocalSlack, web: WebClient) -> None:
    posted = web.chat_postMessage(channel="#stores", text="One", blocks=[section("one")])
    same = {"channel": posted["channel"], "ts": posted["ts"]}
    assert web.chat_update(**same, text="Two", blocks=[section("two")])["message"]["text"] == "Two"
    message = slack.thread(posted["ts"])[0]
    assert message["blocks"][0]["text"]["text"] == "two"
    assert "edited" not in message  # Slack marks only messages without blocks
    assert "blocks" not in web.chat_update(**same, text="Three")["message"]
    assert slack.thread(posted["ts"])[0]["edited"]["user"] == "U0STOREWR"
    web.chat_delete(**same)
    assert refusal(web.chat_update, **same, text="x")["error"] == "message_not_found"


def test_messages_of_users_cannot_be_changed_by_the_bot(slack: LocalSlack, web: WebClient) -> None:
    message = slack.say("Dana", "#stores", "mine")
    same: Json = {"channel": "C0STORES1", "ts": message["ts"]}
    assert refusal(web.chat_update, **same, text="x")["error"] == "cant_update_message"
    assert refusal(web.chat_delete, **same)["error"] == "cant_delete_message"
    own = web.chat_postMessage(channel="#stores", text="x")
    too_long = refusal(web.chat_update, channel=own["channel"], ts=own["ts"], text="x" * 4_001)
    assert too_long["error"] == "msg_too_long"


def test_ephemeral_message_is_visible_to_one_user_and_cannot_be_updated(slack: LocalSlack, web: WebClient) -> None:
    ephemeral = web.chat_postEphemeral(channel="#stores", user="U0OLI0001", text="for your eyes only")
    assert [m["text"] for m in slack.ephemerals("Oli", "#stores")] == ["for your eyes only"]
    assert slack.ephemerals("Dana", "#stores") == []
    update = refusal(web.chat_update, channel="C0STORES1", ts=ephemeral["message_ts"], text="x")
    assert update["error"] == "message_not_found"
    somewhere_else = web.conversations_open(users="U0DANA001")["channel"]["id"]
    not_a_member = refusal(web.chat_postEphemeral, channel=somewhere_else, user="U0OLI0001", text="for your eyes only")
    assert not_a_member["error"] == "user_not_in_channel"


def test_thread_replies_are_counted_listed_and_kept_when_the_root_is_deleted(slack: LocalSlack, web: WebClient) -> None:
    root = web.chat_postMessage(
        channel="#stores", text="root", metadata={"event_type": "job", "event_payload": {"id": 7}}
    )
    channel: Json = {"channel": root["channel"]}
    first = web.chat_postMessage(**channel, thread_ts=root["ts"], text="first")
    nested = web.chat_postMessage(**channel, thread_ts=first["ts"], text="second")
    assert nested["message"]["thread_ts"] == root["ts"]
    replies = web.conversations_replies(**channel, ts=root["ts"], include_all_metadata=True)["messages"]
    assert [m["text"] for m in replies] == ["root", "first", "second"]
    assert (replies[0]["reply_count"], replies[0]["latest_reply"]) == (2, nested["ts"])
    assert replies[0]["metadata"]["event_payload"] == {"id": 7}
    assert "metadata" not in web.conversations_replies(**channel, ts=root["ts"])["messages"][0]
    assert "first" not in [m["text"] for m in web.conversations_history(**channel)["messages"]]
    web.chat_delete(**channel, ts=root["ts"])
    assert slack.thread(root["ts"])[0]["subtype"] == "tombstone"
    assert refusal(web.conversations_replies, **channel, ts="1.000001")["error"] == "thread_not_found"


def test_history_returns_pages_newest_first(web: WebClient) -> None:
    sent = [web.chat_postMessage(channel="#store-failures", text=str(n))["ts"] for n in range(5)]
    first = web.conversations_history(channel="C0FAILURE", limit=2)
    assert [m["ts"] for m in first["messages"]] == sent[:2:-1]
    cursor = first["response_metadata"]["next_cursor"]
    assert first["has_more"]
    assert cursor
    second = web.conversations_history(channel="C0FAILURE", limit=2, cursor=cursor)
    assert [m["ts"] for m in second["messages"]] == [sent[2], sent[1]]
    after = web.conversations_history(channel="C0FAILURE", oldest=sent[3])
    assert [m["ts"] for m in after["messages"]] == [sent[4]]
    assert refusal(web.conversations_history, channel="C0RANDOM1")["error"] == "not_in_channel"


def test_direct_message_is_opened_once_per_user(slack: LocalSlack, web: WebClient) -> None:
    opened = web.conversations_open(users="U0ADA0001")["channel"]["id"]
    assert web.conversations_open(users="U0ADA0001", return_im=True)["channel"]["user"] == "U0ADA0001"
    web.chat_postMessage(channel="U0ADA0001", text="by person")
    web.chat_postMessage(channel=opened, text="by channel")
    assert [m["text"] for m in slack.dms("Ada")] == ["by person", "by channel"]
    assert refusal(web.conversations_open, users="")["error"] == "users_list_not_supplied"


def test_users_channels_permalinks_and_reactions(slack: LocalSlack, web: WebClient) -> None:
    assert web.users_info(user="U0ADA0001")["user"]["is_admin"]
    assert refusal(web.users_info, user="U0NOBODY1")["error"] == "user_not_found"
    assert {"U0DANA001", "U0STOREWR"} <= {user["id"] for user in web.users_list()["members"]}
    assert not web.conversations_info(channel="C0RANDOM1")["channel"]["is_member"]
    sent = web.chat_postMessage(channel="#stores", text="x")
    link = web.chat_getPermalink(channel=sent["channel"], message_ts=sent["ts"])["permalink"]
    assert link == f"{slack.workspace_url}/archives/C0STORES1/p{sent['ts'].replace('.', '')}"
    reaction: Json = {"channel": sent["channel"], "timestamp": sent["ts"], "name": "eyes"}
    web.reactions_add(**reaction)
    assert refusal(web.reactions_add, **reaction)["error"] == "already_reacted"


# -- block limits ------------------------------------------------------------------------------------------


def option(text: str = "One", value: str = "1") -> Json:
    return {"text": plain(text), "value": value}


def rich(text: str = "x") -> Json:
    part = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [part]}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def table(*rows: list[Any]) -> dict[str, Any]:
    """A data table; its cells are text or whole cells."""
    cells = [[c if isinstance(c, dict) else {"type": "raw_text", "text": c} for c in row] for row in rows]
    return {"type": "data_table", "caption": "Stores", "rows": cells}


def rich_cell(text: str) -> dict[str, Any]:
    """A cell with rich text."""
    part = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [part]}


def task(**more: Any) -> Json:
    return {"type": "task_card", "task_id": "t", "title": "Database", "status": "pending", **more}


CELL = {"type": "raw_text", "text": "x"}
NUMBER = {"type": "raw_number", "value": 1, "text": "1"}
ACCEPTED = {
    "data table": [{**table(["Store", "Orders"], [rich_cell("my-shop"), NUMBER]), "page_size": 100}],
    "longest section": [section("x" * 3000)],
    "fields": [{"type": "section", "fields": [plain("x" * 2000)] * 10}],
    "accessory": [{**section(), "accessory": button("a", "x" * 75, value="v" * 2000, url="https://x.y/")}],
    "header": [{"type": "header", "text": plain("x" * 150)}],
    "divider": [{"type": "divider"}],
    "image": [{"type": "image", "image_url": "https://x.y/z.png", "alt_text": "z", "title": plain("Z")}],
    "context": [{"type": "context", "elements": [plain("x"), {"type": "mrkdwn", "text": "y"}] * 5}],
    "context image": [
        {"type": "context", "elements": [{"type": "image", "image_url": "https://x.y", "alt_text": "z"}]}
    ],
    "25 buttons": [actions(*(button(f"a{n}") for n in range(25)))],
    "confirm": [actions(button("a", confirm={k: plain("x" * 30) for k in ("title", "text", "confirm", "deny")}))],
    "menus": [
        actions({"type": "static_select", "options": [option()] * 100}, {"type": "overflow", "options": [option()] * 5})
    ],
    "markdown": [{"type": "markdown", "text": "# x" * 4000}],
    "table": [{"type": "table", "rows": [[CELL] * 20] * 100, "column_settings": [{"align": "right"}, None]}],
    "rich text": [rich()],
    "task card": [task(status="error", details=rich(), sources=[{"type": "url", "url": "https://x.y", "text": "log"}])],
    "plan": [
        {"type": "plan", "title": "Creating", "tasks": [task(), task(task_id="u", status="complete", output=rich())]}
    ],
    "alert": [{"type": "alert", "text": plain("x"), "level": "error"}],
    "input in a message": [text_input()],
    "50 blocks": [{"type": "divider"}] * 50,
}


@pytest.mark.parametrize("blocks", ACCEPTED.values(), ids=ACCEPTED)
def test_blocks_just_within_the_limits_are_accepted(web: WebClient, blocks: list[Json]) -> None:
    assert web.chat_postMessage(channel="#stores", text="x", blocks=blocks)["ok"]


REFUSED: dict[str, tuple[list[Any], str]] = {
    "51 blocks": ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    "unknown block": ([{"type": "carousels"}], "unsupported type: carousels [json-pointer:/blocks/0]"),
    "not an object": (["text"], "must provide an object"),
    "long section": ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    "empty text": ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    "section without text": ([{"type": "section"}], "missing required field: text or fields"),
    "unknown text type": ([{"type": "section", "text": {"type": "html", "text": "x"}}], "must be a valid enum value"),
    "emoji in mrkdwn": (
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}],
        "invalid additional property: emoji",
    ),
    "11 fields": ([{"type": "section", "fields": [plain("x")] * 11}], "no more than 10 items"),
    "mrkdwn header": ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "must be plain_text"),
    "long header": ([{"type": "header", "text": plain("x" * 151)}], "less than 151"),
    "image without alt": ([{"type": "image", "image_url": "https://x.y"}], "missing required field: alt_text"),
    "button in context": ([{"type": "context", "elements": [button("a")]}], "unsupported type: button"),
    "11 context elements": ([{"type": "context", "elements": [plain("x")] * 11}], "no more than 10 items"),
    "no actions": ([actions()], "no fewer than 1 items"),
    "26 buttons": ([actions(*(button(f"a{n}") for n in range(26)))], "no more than 25 items"),
    "text field in actions": ([actions({"type": "plain_text_input"})], "unsupported type: plain_text_input"),
    "long button": ([actions(button("a", "x" * 76))], "less than 76"),
    "mrkdwn button": ([actions({"type": "button", "text": {"type": "mrkdwn", "text": "x"}})], "must be plain_text"),
    "long button value": ([actions(button("a", value="x" * 2001))], "less than 2001"),
    "long button url": ([actions(button("a", url="https://" + "x" * 3000))], "less than 3001"),
    "button url without scheme": ([actions(button("a", url="x.y"))], "must be a valid value"),
    "button style": ([actions(button("a", style="loud"))], "must be a valid enum value"),
    "long action_id": ([actions(button("a" * 256))], "less than 256"),
    "same action_id": ([actions(button("a"), button("a"))], "`action_id` a already exists"),
    "long block_id": ([{"type": "divider", "block_id": "b" * 256}], "less than 256"),
    "same block_id": ([{"type": "divider", "block_id": "b"}] * 2, "`block_id` b is not unique"),
    "no options": ([actions({"type": "static_select"})], "must have exactly one of: options, option_groups"),
    "101 options": ([actions({"type": "static_select", "options": [option()] * 101})], "no more than 100 items"),
    "long option": ([actions({"type": "static_select", "options": [option("x" * 76)]})], "less than 76"),
    "long option value": ([actions({"type": "static_select", "options": [option(value="x" * 151)]})], "less than 151"),
    "11 radio buttons": ([actions({"type": "radio_buttons", "options": [option()] * 11})], "no more than 10 items"),
    "6 overflow options": ([actions({"type": "overflow", "options": [option()] * 6})], "no more than 5 items"),
    "input without label": (
        [{"type": "input", "element": {"type": "plain_text_input"}}],
        "missing required field: label",
    ),
    "button as input": ([{"type": "input", "label": plain("x"), "element": button("a")}], "unsupported type: button"),
    "long markdown": ([{"type": "markdown", "text": "x" * 6001}] * 2, "less than 12001 characters together"),
    "two tables": ([{"type": "table", "rows": [[CELL]]}] * 2, "only_one_table_allowed"),
    "101 table rows": ([{"type": "table", "rows": [[CELL]] * 101}], "no more than 100 items"),
    "21 table cells": ([{"type": "table", "rows": [[CELL] * 21]}], "no more than 20 items"),
    "task without title": (
        [{"type": "task_card", "task_id": "t", "status": "pending"}],
        "missing required field: title",
    ),
    "task status": ([task(status="done")], "must be a valid enum value"),
    "task details as text": ([task(details="x")], "must provide an object"),
    "section in plan": ([{"type": "plan", "title": "x", "tasks": [section()]}], "unsupported type: section"),
    "plan title as object": ([{"type": "plan", "title": plain("x")}], "must provide a string"),
    "table with a header alone": ([table(["Store"])], "no fewer than 2 items allowed"),
    "table with rich text in its header": ([table([rich_cell("Store")], ["my-shop"])], "unsupported type: rich_text"),
    "table with rows of two lengths": ([table(["Store"], ["my-shop", "ready"])], "same number of cells"),
    "table with 101 rows": ([table(["Store"], *[["my-shop"]] * 101)], "no more than 101 items allowed"),
    "table with too many characters": ([table(["Store"], *[["x" * 101]] * 100)], "less than 10001 characters"),
    "table without a caption": ([{**table(["Store"], ["my-shop"]), "caption": ""}], "more than 0 characters"),
    "unknown rich text element": ([{"type": "rich_text", "elements": [section()]}], "unsupported type: section"),
    "unknown property": ([{"type": "divider", "colour": "red"}], "invalid additional property: colour"),
}


@pytest.mark.parametrize(("blocks", "problem"), REFUSED.values(), ids=REFUSED)
def test_invalid_blocks_are_refused_with_the_json_pointer(
    slack: LocalSlack, web: WebClient, blocks: list[Any], problem: str
) -> None:
    before = len(slack.messages("#stores"))
    answer = refusal(web.chat_postMessage, channel="#stores", text="x", blocks=blocks)
    assert answer["error"] == "invalid_blocks"
    assert any(problem in line for line in answer["response_metadata"]["messages"]), answer["response_metadata"]
    assert len(slack.messages("#stores")) == before


def test_accepted_cases_cover_every_block_type_of_the_schema(web: WebClient) -> None:
    covered = {block["type"] for blocks in ACCEPTED.values() for block in blocks}
    assert covered == set(SCHEMA["$defs"]["message"]["items"]["x-one-of"])


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (modal(title=plain("x" * 25)), "less than 25 characters [json-pointer:/view/title/text]"),
        (modal(submit=plain("x" * 25)), "less than 25"),
        (modal(close=plain("x" * 25)), "less than 25"),
        (modal(private_metadata="x" * 3001), "less than 3001"),
        (modal(callback_id="x" * 256), "less than 256"),
        (modal(*[{"type": "divider"}] * 101), "no more than 100 items"),
        ({"type": "modal", "title": plain("x"), "blocks": [text_input()]}, "must define `submit`"),
        ({"type": "modal", "blocks": []}, "missing required field: title"),
        ({"type": "modal", "title": plain("x")}, "missing required field: blocks"),
        (modal({"type": "table", "rows": [[CELL]]}), "unsupported type: table"),
        (modal(text_input("a", focus_on_load=True), text_input("b", focus_on_load=True)), "only one element"),
        (modal(text_input(max_length=3001)), "3001"),
        ({"type": "home", "title": plain("x"), "blocks": []}, "invalid additional property: title"),
        ({"type": "sheet", "blocks": []}, "unsupported type: sheet"),
    ],
)
def test_invalid_view_is_refused(web: WebClient, view: Json, problem: str) -> None:
    answer = refusal(web.views_publish, user_id="U0DANA001", view=view)
    assert answer["error"] == "invalid_arguments"
    assert any(problem in line for line in answer["response_metadata"]["messages"]), answer["response_metadata"]


def test_app_home_with_an_outdated_hash_is_refused(slack: LocalSlack, web: WebClient) -> None:
    def publish(text: str, **more: str) -> Any:
        return web.views_publish(user_id="U0OLI0001", view={"type": "home", "blocks": [section(text)]}, **more)

    first = publish("one")["view"]
    second = publish("two", hash=first["hash"])["view"]
    assert second["id"] == first["id"]
    assert refusal(publish, "three", hash=first["hash"])["error"] == "hash_conflict"
    home = slack.home("Oli")
    assert home is not None
    assert home["blocks"][0]["text"]["text"] == "two"
    wrong_kind = refusal(web.views_publish, user_id="U0OLI0001", view=modal())
    assert wrong_kind["error"] == "invalid_arguments"


def test_view_calls_without_valid_trigger_or_open_view_are_refused(web: WebClient) -> None:
    assert refusal(web.views_open, trigger_id="1.2.x", view=modal())["error"] == "invalid_trigger_id"
    assert refusal(web.api_call, "views.open", json={"view": modal()})["error"] == "invalid_arguments"
    assert refusal(web.views_update, view_id="V0NOTHERE", view=modal())["error"] == "not_found"


def test_form_encoded_arguments_work_like_json(slack: LocalSlack, web: WebClient) -> None:
    form = web.api_call("chat.postMessage", data={"channel": "#stores", "blocks": '[{"type":"divider"}]'})
    assert form["message"]["blocks"][0]["type"] == "divider"
    broken = refusal(web.api_call, "chat.postMessage", data={"channel": "#stores", "blocks": "[{"})
    assert broken["error"] == "invalid_blocks_format"


# -- rate limits -------------------------------------------------------------------------------------------


def test_sixth_message_in_five_seconds_is_rate_limited_per_channel() -> None:
    with LocalSlack() as slack:
        web = client_of(slack)
        for number in range(5):
            web.chat_postMessage(channel="#stores", text=str(number))
        answer = refusal(web.chat_postMessage, channel="C0STORES1", text="6")
        assert (answer.status_code, answer["error"]) == (429, "ratelimited")
        assert 1 <= int(answer.headers["Retry-After"]) <= 5
        assert web.chat_postMessage(channel="#store-failures", text="elsewhere")["ok"]
        assert len(slack.messages("#stores")) == 5


def test_call_succeeds_again_after_retry_after() -> None:
    with LocalSlack(rate_limits={"auth.test": RateLimit(1, 0.2)}) as slack:
        web = client_of(slack)
        web.auth_test()
        assert refusal(web.auth_test).status_code == 429
        slack.wait_for(lambda: _succeeds(web), timeout=3, what="auth.test succeeds again")


def _succeeds(web: WebClient) -> bool:
    try:
        return bool(web.auth_test()["ok"])
    except SlackApiError:
        return False


def test_fifty_first_update_in_a_minute_is_rate_limited() -> None:
    with LocalSlack() as slack:
        web = client_of(slack)
        sent = web.chat_postMessage(channel="#stores", text="0")
        for number in range(50):
            web.chat_update(channel=sent["channel"], ts=sent["ts"], text=str(number))
        assert refusal(web.chat_update, channel=sent["channel"], ts=sent["ts"], text="51")["error"] == "ratelimited"


# -- messages of an earlier workspace ------------------------------------------------------------------------


def test_restored_messages_keep_their_ids_and_threads_and_can_be_edited() -> None:
    with LocalSlack() as earlier:
        web = client_of(earlier)
        root = web.chat_postMessage(channel="C0STORES1", text="root")
        web.chat_postMessage(channel="C0STORES1", text="reply", thread_ts=root["ts"])
        web.chat_postEphemeral(channel="C0STORES1", user="U0DANA001", text="for Dana")
        saved = [*earlier.thread(root["ts"]), *earlier.ephemerals("Dana", "#stores")]
    with LocalSlack() as slack:
        web = client_of(slack)
        slack.restore_messages("#stores", saved)
        assert slack.thread(root["ts"]) == saved[:2]
        assert slack.ephemerals("Dana", "#stores") == saved[2:]
        web.chat_update(channel="C0STORES1", ts=root["ts"], text="edited")
        web.chat_postMessage(channel="C0STORES1", text="another reply", thread_ts=root["ts"])
        assert [message["text"] for message in slack.thread(root["ts"])] == ["edited", "reply", "another reply"]
        assert slack.messages("#stores")[0]["reply_count"] == 2

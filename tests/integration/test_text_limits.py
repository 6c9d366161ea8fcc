"""Slack's limits hold for every message, form and App Home with the longest and the most values at once.

A text that is too long is split between lines, and no link, mention or escaped character is cut in two."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.help import help_sections
from bot.commands.registry import COMMANDS, OFFERS
from bot.rendering import answers, forms, messages
from bot.rendering.answers import LISTED
from bot.rendering.blocks import SECTION_LIMIT, TEXT_LIMIT, Message, cut, fitting, sections, text_message
from bot.rendering.form_context import FormContext
from bot.rendering.forms import Prefilled
from bot.rendering.home import HomeView, home
from bot.rendering.job_view import JobView, StoreView
from bot.rendering.opened_link import OpenedLink
from bot.rendering.refused import Moved, RefusedMessages
from bot.rendering.tables import MOST_ROWS
from bot.rendering.templating import escape, link
from dev.slack.block_validation import check_message, check_view
from provisioner.domain.catalog import MAX_TYPES, StoreType
from provisioner.domain.errors import BadOption, Problem, Refused, StoreNotFound
from provisioner.domain.job import EventKind, JobEvent, JobStatus
from provisioner.domain.options import MAX_OPTIONS, Option, choose
from provisioner.domain.store import MAX_NAME, Addresses, Store, StoreStatus
from provisioner.domain.text import enumerate_some
from provisioner.ledger.dashboards import JOBS, STORES
from provisioner.ledger.homes import HomeChoice, Shown
from provisioner.ledger.stores import StorePage
from provisioner.operations.create import CREATE
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.upgrade import UPGRADE
from tests.unit.sample_stores import (
    BACKUPS,
    CLONE_JOB,
    FAILED,
    FAILED_JOB,
    JOB,
    LINK,
    NOON,
    PLAIN,
    RESTORE_JOB,
    STORE,
    UPGRADE_JOB,
    WITH_DATA,
    WORKING_JOB,
    catalog_of,
    job_view,
)

VIEW_BYTES = 250_000  # docs.slack.dev, views.publish: view_too_large
LONGEST_DOMAIN = "a23456789.b23456789.c23456789.d23456789.e23456789." * 4 + "example.com"  # 211 characters
TYPED = st.text(alphabet="ab<>&*`_~|;!@# \n…🛍שA", min_size=1, max_size=12)
TEXTS = st.builds(lambda text, times: text * times, TYPED, st.sampled_from([1, 2, 40, 250, 1500]))
PROBLEMS = st.builds(Problem, TEXTS, TEXTS, TEXTS, TEXTS)
quickly = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seldom = settings(quickly, max_examples=6)  # each example has many messages


def texts_in(value: Any) -> Iterator[str]:
    """Every mrkdwn text in JSON."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)


def is_whole(text: str) -> bool:
    """Whether every link, mention, time and escaped character is complete."""
    left = re.sub(r"<(?:[@#!]|https?://)[^<>]*>", "", text)
    return not re.search(r"[<>]", left) and "&" not in re.sub(r"&(amp|lt|gt);", "", text)


def accepted(message: Message) -> bool:
    """Whether Slack takes both forms of a message, and every text in them is whole."""
    assert check_message(message.blocks) == check_message(message.simple) == []
    assert 0 < len(message.text) <= TEXT_LIMIT
    everything = [message.text, *texts_in(message.blocks), *texts_in(message.simple)]
    assert [text for text in everything if not is_whole(text)] == []
    return True


def accepted_view(view: dict[str, Any]) -> bool:
    """Whether Slack takes a form or an App Home."""
    assert check_view(view) == []
    assert len(json.dumps(view, ensure_ascii=False).encode()) < VIEW_BYTES
    assert [text for text in texts_in(view) if not is_whole(text)] == []
    return True


def longest_store(number: int = 0, status: StoreStatus = StoreStatus.READY, domain: str = LONGEST_DOMAIN) -> Store:
    """A store with a name of the full length."""
    name = f"shop-{number:03}-".ljust(MAX_NAME, "x")
    url = Addresses(domain, port=65535).url(name)
    return replace(STORE, id=f"{number:032}", name=name, url=url, admin_url=f"{url}/app", status=status)


# --- cutting and splitting ---------------------------------------------------------------------------------------


@quickly
@given(st.lists(st.one_of(TYPED.map(escape), TYPED.map(lambda text: link("https://x.example/a&b", text)))))
def test_cut_text_fits_and_is_whole(parts: list[str]) -> None:
    text = "".join(parts)
    for limit in range(1, min(len(text) + 2, 120)):
        shown = cut(text, limit)
        assert len(shown) <= limit
        assert is_whole(shown)
        assert text.startswith(shown.removesuffix("…"))


@quickly
@given(st.lists(st.text(alphabet="ab ", min_size=1, max_size=400).map(lambda line: f"|{line}|"), max_size=30))
def test_text_is_split_between_lines_and_nothing_is_lost(lines: list[str]) -> None:
    made = [made.to_dict()["text"]["text"] for made in sections("\n".join(lines))] if lines else []
    assert all(len(text) <= SECTION_LIMIT for text in made)
    assert "\n".join(made).split("\n") == (lines or [""])


@given(st.lists(st.text(max_size=9)), st.integers(0, 60))
def test_fitting_lines_are_as_many_as_the_limit_allows(lines: list[str], limit: int) -> None:
    shown = fitting(lines, limit)
    assert not shown or len("\n".join(lines[:shown])) <= limit
    assert shown == len(lines) or len("\n".join(lines[: shown + 1])) > limit


@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=9), min_size=1), st.integers(0, 60))
def test_listed_words_are_whole_and_the_others_are_counted(words: list[str], limit: int) -> None:
    shown, _, rest = enumerate_some(words, limit).partition(" and ")
    listed = [word for word in shown.split(", ") if word]
    assert listed == words[: len(listed)]
    assert rest == (f"{len(words) - len(listed)} more" if len(listed) < len(words) else "")


# --- messages of jobs --------------------------------------------------------------------------------------------


def views(problem: Problem, detail: str, choices: tuple[str, ...]) -> Iterator[JobView]:
    """Jobs of every kind and status with these texts."""
    store = longest_store()
    retrying = JobEvent(90, "j1", NOON, EventKind.RETRYING, detail=detail)
    for kind in OPERATIONS:
        for status in JobStatus:
            job = replace(JOB, kind=kind, status=status, problem=problem, arguments=ARGUMENTS)
            yield job_view(job, store, None, 2, retrying, choices=choices, newer_version="9" * 200)
            newest = replace(job, id="j9", requested_by="U" + "A" * 20)
            yield job_view(job, replace(store, status=StoreStatus.FAILED), newest, 2, choices=choices)


@seldom
@given(PROBLEMS, TEXTS, st.lists(TEXTS, max_size=20).map(tuple))
def test_slack_takes_root_messages_with_any_problem(problem: Problem, detail: str, choices: tuple[str, ...]) -> None:
    for view in views(problem, detail, choices):
        assert accepted(messages.summary(view, OFFERS, Moved("C0RANDOM1", "w" * 60)))


@seldom
@given(PROBLEMS, TEXTS)
def test_slack_takes_failures_with_any_problem(problem: Problem, choice: str) -> None:
    for view in views(problem, "", (choice,)):
        assert accepted(messages.failure(view, OFFERS, "https://slack.example/archives/C1/p1"))


@quickly
@given(st.lists(TEXTS, min_size=1, max_size=300))
def test_thread_post_has_whole_lines_and_says_how_many_are_left_out(details: list[str]) -> None:
    events = [JobEvent(n, "j1", NOON, EventKind.RETRYING, detail=f"{n}: {text}") for n, text in enumerate(details)]
    post = messages.stages(job_view(WORKING_JOB), events)
    assert post
    assert accepted(post)
    shown = "\n".join(texts_in(post.blocks))
    numbers = [int(number) for number in re.findall(r"^:hourglass_flowing_sand: (\d+):", shown, re.MULTILINE)]
    assert numbers[-1] == len(details) - 1, "the newest line"
    left_out = re.search(r"^… (\d+) earlier line", shown)
    assert (int(left_out[1]) if left_out else 0) == len(details) - len(numbers)


@quickly
@given(
    st.lists(st.text(alphabet="abc-", min_size=3, max_size=MAX_NAME), max_size=200).map(tuple), st.integers(1, 10**6)
)
def test_slack_takes_reports_of_refused_messages(stores: tuple[str, ...], count: int) -> None:
    for kind in ("no_access", "no_rights", "throttled", "unknown"):
        assert accepted(messages.refused_messages(RefusedMessages("w" * 60, kind, count, stores)))


# --- lists and App Home ------------------------------------------------------------------------------------------


def rows_of(message: Message) -> list[str]:
    return [line for text in texts_in(message.simple) for line in text.split("\n") if "https://" in line]


def table_rows(message: Message) -> int:
    """How many rows the message's table has, without the header."""
    return sum(len(block["rows"]) - 1 for block in message.blocks if block["type"] == "data_table")


def test_list_of_twenty_stores_with_long_names_shows_every_row_whole() -> None:
    names = [f"shop-{number:02}".ljust(24, "x") for number in range(LISTED)]
    addresses = Addresses("shops.example.com", "https")
    stores = tuple(replace(STORE, name=name, url=addresses.url(name)) for name in names)
    message = answers.store_list(StorePage(stores, 24), StorePage(stores, LISTED))
    assert accepted(message)
    assert [re.search(r"\*([\w-]+)\*", row)[1] for row in rows_of(message)] == names * 2  # type: ignore[index]
    assert "… and 4 more" in str(message.simple)
    assert table_rows(message) == 40


@quickly
@given(
    st.integers(0, LISTED),
    st.integers(0, LISTED),
    st.integers(0, 10**6),
    st.sampled_from(["localhost", "shops.example.com", LONGEST_DOMAIN]),
    st.sampled_from(list(StoreStatus)),
)
def test_list_shows_whole_rows_and_how_many_more(
    mine: int, others: int, more: int, domain: str, status: StoreStatus
) -> None:
    def page(count: int) -> StorePage:
        stores = tuple(longest_store(n, status, domain) for n in range(count))
        return StorePage(stores, count + (more if count == LISTED else 0))

    message = answers.store_list(page(mine), page(others))
    assert accepted(message)
    total = page(mine).total + page(others).total
    lines = sum(text.count("*shop-") for text in texts_in(message.simple))
    for shown, blocks in ((lines, message.simple), (table_rows(message), message.blocks)):
        assert shown + sum(int(count) for count in re.findall(r"… and (\d+) more", str(blocks))) == total


def test_table_of_many_stores_with_long_names_shows_as_many_rows_as_slack_takes() -> None:
    stores = tuple(longest_store(n, StoreStatus.READY, LONGEST_DOMAIN) for n in range(MOST_ROWS))
    message = answers.store_list(StorePage(stores, MOST_ROWS), StorePage((), 0))
    assert accepted(message)
    assert 0 < table_rows(message) < MOST_ROWS
    assert f"… and {MOST_ROWS - table_rows(message)} more" in str(message.blocks)


@seldom
@given(PROBLEMS, st.lists(st.text(alphabet="a🛍&<", min_size=1, max_size=75), max_size=20).map(tuple))
def test_slack_takes_a_full_home_with_any_problem(problem: Problem, choices: tuple[str, ...]) -> None:
    failed = replace(FAILED_JOB, id="j" * 32, problem=problem)
    for status, job in ((StoreStatus.FAILED, failed), (StoreStatus.READY, replace(JOB, id="j" * 32))):
        stores = [StoreView(longest_store(n, status), job, "L" * 75, choices, "9" * 200) for n in range(STORES)]
        setback = JobEvent(90, "j1", NOON, EventKind.RETRYING, detail=problem.what)
        working = [job_view(replace(UPGRADE_JOB, id=f"w{n}"), longest_store(n), None, 4, setback) for n in range(JOBS)]
        broken = [job_view(replace(failed, id=f"{n:032}"), longest_store(n + 99)) for n in range(JOBS)]
        view = home(
            HomeView(
                choice=HomeChoice(everyone=True, shown=Shown.EXPIRING, page=999_998),
                stores=stores,
                total=10**7,
                pages=999_999,
                used=10**6,
                limit=10**6,
                working=working,
                working_total=10**6,
                failed=broken,
                failed_total=10**6,
                offers_everyone=True,
            ),
            OFFERS,
        )
        assert accepted_view(view)
        if status is StoreStatus.READY and not choices:
            assert str(view).count(f"|{stores[0].store.url}>") == 1, "the link is whole"
        assert accepted(messages.store_alone(stores[0], OFFERS))


# --- forms and answers -------------------------------------------------------------------------------------------


def longest_type(number: int) -> StoreType:
    choices = {f"{n:075}": f"{n:075}" for n in range(100)}
    option = Option(id="o", label="l" * 75, value="a.b", default=f"{0:075}", choices=choices)
    options = tuple(option.model_copy(update={"id": f"o{n:039}"}) for n in range(MAX_OPTIONS))
    name = f"type-{number:03}".ljust(60, "x")
    return StoreType(name, "L" * 500, "D" * 500, Path(), "1", "/", (), {}, (), options if number == 0 else ())


ARGUMENTS = {**RESTORE_JOB.arguments, **CLONE_JOB.arguments, **WITH_DATA, "source_name": "n" * MAX_NAME}
CATALOG = catalog_of(*(longest_type(number) for number in range(MAX_TYPES)))


def test_slack_takes_forms_with_the_most_types_and_options() -> None:
    context = FormContext("C" + "0" * 20, "https://hooks.slack.example/" + "x" * 1900, "s" * 32)
    addresses = Addresses(LONGEST_DOMAIN, port=65535)
    prefilled = Prefilled("n" * 3000, question="q" * 5000)
    assert check_view(forms.create_form(CATALOG, addresses, context, None, prefilled).to_dict()) == []
    assert accepted_view(forms.delete_form(longest_store(), 1e12, context).to_dict())


@quickly
@given(PROBLEMS)
def test_slack_takes_answers_of_any_length_as_message_and_as_form(problem: Problem) -> None:
    answer = answers.refusal(Refused.of(replace(problem, log_tail="")))
    assert accepted(answer)
    assert accepted_view(forms.notice(answer).to_dict())


def longest_answers() -> Sequence[Message]:
    store = longest_store()
    return (
        answers.help_text(help_sections(COMMANDS.values(), CATALOG)),
        answers.credential_link(store, "https://bot.example/" + "x" * 1000 + "/s/l1#token", NOON, may_reset=True),
        messages.receipt(OpenedLink(store, LINK, may_reset=True)),
        messages.receipt(OpenedLink(store, replace(LINK, backup_id="f" * 64))),
        answers.download_link(
            store,
            replace(BACKUPS[0], counts={f"things-{number}": 10**9 for number in range(99)}),
            "https://bot.example/" + "x" * 1000 + "/s/l1/backup#token",
            NOON,
        ),
        messages.moved_aside(store.name, "https://slack.example/" + "x" * 500, Moved("C0RANDOM1", "w" * 60)),
        messages.held_back(store.name, "w" * 60),
        answers.answer(CREATE.kind, name=store.name, label="L" * 75, url=store.url),
        answers.answer(UPGRADE.kind, store=store, label="L" * 75, version="9" * 200),
        text_message("word " * 10_000),
    )


@pytest.mark.parametrize("number", range(len(longest_answers())))
def test_slack_takes_the_longest_answers(number: int) -> None:
    assert accepted(longest_answers()[number])


def test_refused_choice_names_whole_choices_and_how_many_more() -> None:
    with pytest.raises(BadOption) as refusal:
        choose(CATALOG.default.options, {CATALOG.default.options[0].id: "x" * 5000})
    assert re.search(r"Choose from: (0+\d+, )*0+\d+ and \d+ more\.", str(refusal.value))
    assert accepted(answers.refusal(refusal.value))


def test_unknown_type_is_refused_with_whole_names() -> None:
    with pytest.raises(Refused) as refusal:
        CATALOG.get("x" * 5000)
    assert re.search(r"Known types: type-000x+, .*x and \d+ more\.", str(refusal.value))
    assert accepted(answers.refusal(refusal.value))


def test_failed_store_keeps_its_link_to_the_thread() -> None:
    view = job_view(replace(FAILED_JOB, problem=Problem("w" * 9000)), FAILED)
    url = "https://slack.example/archives/C1/p1"
    assert f"<{url}|Go to its thread>" in str(messages.failure(view, OFFERS, url).blocks)
    assert accepted(answers.refusal(StoreNotFound("w" * 9000)))
    assert PLAIN.options == ()

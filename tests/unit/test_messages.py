"""Every message as a person reads it, against tests/unit/golden/; and what Slack would say of each one's blocks.

`UPDATE_GOLDEN=1 pytest tests/unit/test_messages.py` writes the golden files anew: read the difference first."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.rendering import forms, messages
from bot.rendering.blocks import Message
from bot.rendering.forms import Filled, FormMemory
from bot.rendering.job_view import JobView
from bot.rendering.templating import duration
from dev.slack.block_validation import check_message, check_view
from provisioner.domain.catalog import Catalog, StoreType
from provisioner.domain.errors import LimitReached, Problem, Refused
from provisioner.domain.job import ROLLBACK, STAGES, EventKind, Job, JobEvent, JobKind, JobStatus
from provisioner.domain.options import Option
from provisioner.domain.store import Addresses, Store, StoreStatus
from provisioner.ledger.ledger import CredentialLink

GOLDEN = Path(__file__).parent / "golden"
NOON = 1_800_000_000.0

CURRENCY = Option(
    id="currency", label="Currency", value="store.currency", default="eur", choices={"eur": "Euro (€)", "usd": "US $"}
)
COLOR = Option(
    id="color", label="Colour", value="store.color", default="#0f0", choices={"#0f0": "Fern & Moss", "#00f": "Sea"}
)
MEDUSA = StoreType("medusa", "Medusa", "A headless shop. " * 10, Path(), "1", "/app", (), {}, (), (CURRENCY, COLOR))
PLAIN = StoreType("plain", "Plain", "", Path(), "1", "/", (), {}, ())
CATALOG = Catalog.__new__(Catalog)
CATALOG.types, CATALOG.default = {"medusa": MEDUSA, "plain": PLAIN}, MEDUSA

STORE = Store(
    id="s1",
    name="my-shop",
    type="medusa",
    status=StoreStatus.READY,
    owner="U0DANA001",
    origin="C0STORES1",
    namespace="store-my-shop",
    url="http://my-shop.localhost:8081",
    admin_url="http://my-shop.localhost:8081/app",
    created_at=NOON,
    ready_at=NOON + 14,
)
JOB = Job(
    id="j1",
    kind=JobKind.CREATE,
    store_id="s1",
    store="my-shop",
    status=JobStatus.SUCCEEDED,
    requested_by="U0DANA001",
    origin="C0STORES1",
    delivery_key="k",
    attempts=1,
    created_at=NOON,
    due_at=NOON,
    allowed=900,
    deadline_at=NOON + 900,
    finished_at=NOON + 14.2,
)
IMAGE_TROUBLE = Problem(
    "The image storewright/medusa:0badc0ffee can't be pulled.",
    "There is no such image: <not found> & no mirror has it.",
    "Correct the tag in STORE_VALUES, then retry.",
    "line 1\nline 2 with ``` and <!channel>\nError: no such image",
)


def events(kind: JobKind, done: int, *more: JobEvent) -> tuple[JobEvent, ...]:
    """The first `done` stages finished and the next one begun."""
    made: list[JobEvent] = []
    for number, stage in enumerate(STAGES[kind]):
        if number <= done:
            made.append(JobEvent(len(made) + 1, "j1", NOON, EventKind.STARTED, stage))
        if number < done:
            made.append(JobEvent(len(made) + 1, "j1", NOON, EventKind.DONE, stage, seconds=0.34 * (number + 1)))
    return (*made, *more)


def story(job: Job = JOB, store: Store = STORE, newest: Job | None = None, done: int = 7, *more: JobEvent) -> JobView:
    return JobView(job, store, newest or job, events(job.kind, done, *more), "Medusa")


CREATING = replace(STORE, status=StoreStatus.CREATING, ready_at=None)
FAILED = replace(STORE, status=StoreStatus.FAILED, ready_at=None)
GONE = replace(STORE, status=StoreStatus.DELETED, deleted_by="U0ADA0001", deleted_at=NOON + 5000)
WORKING_JOB = replace(JOB, status=JobStatus.RUNNING, finished_at=None)
FAILED_JOB = replace(JOB, status=JobStatus.FAILED, problem=IMAGE_TROUBLE)
DELETING_JOB = replace(WORKING_JOB, id="j2", kind=JobKind.DELETE, requested_by="U0ADA0001")
DELETED_JOB = replace(DELETING_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 9.96)
HELD = Problem("The namespace store-my-shop is still there.", "A finalizer of a volume holds it.", "Ask for it to go.")
RETRYING = JobEvent(90, "j1", NOON, EventKind.RETRYING, detail="The API is away. Trying again in 4 s.")
UPGRADED = replace(STORE, version="0.2.0")
UPGRADE_JOB = replace(WORKING_JOB, id="j3", kind=JobKind.UPGRADE, requested_by="U0ADA0001")
UPGRADED_JOB = replace(UPGRADE_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 21)
UPGRADE_FAILED_JOB = replace(
    UPGRADE_JOB,
    status=JobStatus.FAILED,
    finished_at=NOON + 21,
    problem=Problem(
        "The migration of my-shop failed: it ended with exit code 3.",
        "Its log says “column price is odd”.",
        "Mend the cause, then retry.",
        "begin\ncolumn price is odd",
    ),
)
ARRIVED = JobEvent(91, "j2", NOON, EventKind.SUCCEEDED, detail="0.2.0")
BACK = (
    JobEvent(92, "j2", NOON, EventKind.STARTED, ROLLBACK, detail="{}"),
    JobEvent(93, "j2", NOON, EventKind.DONE, ROLLBACK, seconds=2.1),
)
LINK = CredentialLink("l1", "hash", "s1", "U0ADA0001", NOON, NOON + 900, claimed_at=NOON + 60)

MESSAGES: dict[str, Message] = {
    "queued": messages.summary(story(replace(WORKING_JOB, status=JobStatus.QUEUED), CREATING, None, -1)),
    "working": messages.summary(story(WORKING_JOB, CREATING, None, 3)),
    "waiting": messages.summary(story(WORKING_JOB, CREATING, None, 3, RETRYING)),
    "ready": messages.summary(story()),
    "ready-in-direct-messages": messages.summary(story(), moved_from="C0RANDOM1"),
    "failed": messages.summary(story(FAILED_JOB, FAILED, None, 4)),
    "failed-then-retried": messages.summary(story(FAILED_JOB, CREATING, replace(WORKING_JOB, id="j3"), 4)),
    "superseded": messages.summary(
        story(
            replace(JOB, status=JobStatus.SUPERSEDED), replace(CREATING, status=StoreStatus.DELETING), DELETING_JOB, 2
        )
    ),
    "leaving": messages.summary(story(JOB, replace(STORE, status=StoreStatus.DELETING), DELETING_JOB)),
    "gone": messages.summary(story(JOB, GONE, DELETED_JOB)),
    "ready-once": messages.summary(story(JOB, FAILED, replace(DELETING_JOB, status=JobStatus.FAILED))),
    "deleting": messages.summary(story(DELETING_JOB, replace(STORE, status=StoreStatus.DELETING), None, 0)),
    "deleted": messages.summary(story(DELETED_JOB, GONE, None, 2)),
    "not-deleted": messages.summary(
        story(replace(DELETED_JOB, status=JobStatus.FAILED, problem=HELD), FAILED, None, 0)
    ),
    "outdated": messages.summary(replace(story(store=replace(STORE, version="0.1.0")), newer="0.2.0")),
    "upgrading": messages.summary(
        replace(story(UPGRADE_JOB, replace(STORE, version="0.1.0"), None, 2), newer="0.2.0", chosen=("US $",))
    ),
    "upgraded": messages.summary(story(UPGRADED_JOB, UPGRADED, None, 7, ARRIVED)),
    "upgraded-since": messages.summary(story(JOB, STORE, UPGRADE_JOB)),
    "upgraded-then-gone": messages.summary(story(UPGRADED_JOB, GONE, DELETED_JOB, 7, ARRIVED)),
    "not-upgraded": messages.summary(story(UPGRADE_FAILED_JOB, replace(STORE, version="0.1.0"), None, 2, *BACK)),
    "not-upgraded-untouched": messages.summary(story(UPGRADE_FAILED_JOB, STORE, None, 1)),
    "not-upgraded-broken": messages.summary(story(UPGRADE_FAILED_JOB, FAILED, None, 2, BACK[0])),
    "upgrade-superseded": messages.summary(
        story(
            replace(UPGRADE_JOB, status=JobStatus.SUPERSEDED),
            replace(STORE, status=StoreStatus.DELETING),
            DELETING_JOB,
            2,
        )
    ),
    "failure-upgrade": messages.failure(
        story(UPGRADE_FAILED_JOB, replace(STORE, version="0.1.0"), None, 2, *BACK),
        "https://slack.example/archives/C1/p1",
    ),
    "upgrading-answer": messages.upgrading(replace(STORE, version="0.9"), MEDUSA),
    "upgrading-same-answer": messages.upgrading(replace(STORE, version="1"), MEDUSA),
    "failure": messages.failure(story(FAILED_JOB, FAILED, None, 4), "https://slack.example/archives/C1/p1"),
    "failure-solved": messages.failure(story(FAILED_JOB, STORE, replace(JOB, id="j3"), 4), ""),
    "notice": messages.notice(STORE, LINK),
    "moved-aside": messages.moved_aside("my-shop", "https://slack.example/archives/D1/p1"),
    "creating-answer": messages.creating(JOB, "Medusa", STORE.url),
    "deleting-answer": messages.ordered(JOB, again=False),
    "retrying-answer": messages.ordered(JOB, again=True),
    "credentials": messages.credentials(STORE, "https://bot.example/s/l1#token", NOON),
    "help": messages.help_text(CATALOG),
    "chosen": messages.summary(replace(story(WORKING_JOB, CREATING, None, 3), chosen=("US $", "Fern & Moss"))),
    "alone": messages.store_alone(replace(STORE, options={"currency": "usd", "color": "#0f0", "gone": "x"}), CATALOG),
    "list-empty": messages.store_list([], []),
    "list": messages.store_list([STORE, FAILED], [replace(CREATING, owner="U0OLI0001", name="olis-shop")]),
    "list-none-of-mine": messages.store_list([], [STORE]),
    "refusal": messages.refusal(
        Refused("“<!channel>” can't be a store's name.", "It has to be plain.", "Try channel.")
    ),
    "limit": messages.refusal(LimitReached("You ordered 3 stores.", "", "The next is free in 9 min.", free_at=NOON)),
    "unexpected": messages.unexpected("abc123"),
}
STAGE_POSTS = {
    "thread": messages.stages(story(), story().events),
    "thread-failed": messages.stages(
        story(FAILED_JOB), [RETRYING, JobEvent(91, "j1", NOON, EventKind.FAILED, detail="The image can't be pulled.")]
    ),
    "thread-upgrade": messages.stages(
        story(UPGRADE_FAILED_JOB),
        [
            *events(JobKind.UPGRADE, 2),
            *BACK,
            JobEvent(94, "j2", NOON, EventKind.FAILED, detail="The migration failed."),
        ],
    ),
    "thread-superseded": messages.stages(
        story(JOB, STORE, DELETING_JOB), [JobEvent(92, "j1", NOON, EventKind.SUPERSEDED)]
    ),
}
MESSAGES |= {name: said for name, said in STAGE_POSTS.items() if said}


@pytest.mark.parametrize("name", MESSAGES)
def test_reads_as_agreed(name: str) -> None:
    read = as_read(MESSAGES[name])
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(read)
    assert read == path.read_text()


@pytest.mark.parametrize("name", MESSAGES)
def test_slack_would_take_it_in_both_forms(name: str) -> None:
    said = MESSAGES[name]
    assert check_message(said.blocks) == []
    assert check_message(said.simple) == []
    assert not {block["type"] for block in said.simple} & {"plan", "task_card"}


@pytest.mark.parametrize("name", [name for name in MESSAGES if not name.startswith(("thread", "help", "unexpected"))])
def test_its_text_alone_says_what_happened(name: str) -> None:
    """Screen readers and notifications get the text, not the blocks."""
    text = MESSAGES[name].text
    assert "shop" in text or "store" in text
    assert "None" not in text


def test_nothing_a_person_typed_becomes_markup() -> None:
    assert "&lt;!channel&gt;" in MESSAGES["refusal"].text
    assert "<!channel>" not in MESSAGES["refusal"].text
    assert "&lt;not found&gt; &amp; no mirror" in MESSAGES["failed"].text


def test_a_log_that_is_too_long_keeps_its_end() -> None:
    problem = replace(IMAGE_TROUBLE, what="w" * 5000, log_tail="x" * 10_000 + "the end")
    said = messages.failure(story(replace(FAILED_JOB, problem=problem), FAILED), "")
    assert check_message(said.blocks) == []
    assert "the end" in str(said.blocks)


def test_nothing_to_tell_in_the_thread_is_no_post() -> None:
    assert messages.stages(story(), [JobEvent(1, "j1", NOON, EventKind.STARTED, "namespace")]) is None


def test_messages_that_look_equal_have_one_digest() -> None:
    assert messages.summary(story()).digest == MESSAGES["ready"].digest
    assert MESSAGES["ready"].digest != MESSAGES["gone"].digest


def test_durations_read_as_people_say_them() -> None:
    assert [duration(s) for s in (0.04, 0.34, 9.94, 9.96, 14.2, 59.6, 125)] == [
        "0.0 s", "0.3 s", "9.9 s", "10 s", "14 s", "1 min 0 s", "2 min 5 s"
    ]  # fmt: skip


# --- forms and Home ----------------------------------------------------------------------------------------------


def selects(view: dict[str, Any]) -> dict[str, str]:
    """What each menu of a form is preset to, by block."""
    found = [block for block in view["blocks"] if block.get("element", {}).get("type") == "static_select"]
    return {block["block_id"]: block["element"]["initial_option"]["value"] for block in found}


def test_forms_are_taken_by_slack() -> None:
    memory = FormMemory("C0STORES1", "https://hooks.slack.example/" + "x" * 200, "s1")
    create = forms.create_form(CATALOG, Addresses("shops.example.com"), memory).to_dict()
    delete = forms.delete_form(STORE, memory).to_dict()
    for view in (create, delete, forms.notice(MESSAGES["refusal"].text).to_dict()):
        assert check_view(view) == []
    assert FormMemory.unpacked(create["private_metadata"]) == memory
    assert "my-shop" in str(delete["blocks"][0])
    assert "no way back" in str(delete["blocks"][0])


def test_the_create_form_asks_what_the_chosen_type_lets_one_choose() -> None:
    def shown(*given: Any) -> dict[str, Any]:
        addresses = Addresses("shops.example.com")
        view: dict[str, Any] = forms.create_form(CATALOG, addresses, FormMemory(), *given).to_dict()
        assert check_view(view) == []
        return view

    assert selects(shown()) == {"type": "medusa", "option/medusa/currency": "eur", "option/medusa/color": "#0f0"}
    assert selects(shown(PLAIN, Filled("my-shop", {}))) == {"type": "plain"}
    kept = shown(MEDUSA, Filled("my-shop", {"currency": "usd", "color": "no colour of this type"}))
    assert selects(kept) == {"type": "medusa", "option/medusa/currency": "usd", "option/medusa/color": "#0f0"}
    assert kept["blocks"][0]["element"]["initial_value"] == "my-shop"
    assert kept["blocks"][1]["dispatch_action"]


def test_the_longest_menu_a_type_may_have_is_taken_by_slack() -> None:
    option = Option(
        id="o" * 40, label="l" * 75, value="a.b", default="v00", choices={f"v{n:02}": f"{n:075}" for n in range(100)}
    )
    many = replace(MEDUSA, name="m" * 60, options=tuple(option.model_copy(update={"id": f"o{n}"}) for n in range(20)))
    catalog = Catalog.__new__(Catalog)
    catalog.types, catalog.default = {many.name: many}, many
    view = forms.create_form(catalog, Addresses("shops.example.com"), FormMemory()).to_dict()
    assert check_view(view) == []


def test_an_empty_home_teaches_one_command() -> None:
    home = forms.home([], 0, 10, CATALOG)
    assert check_view(home) == []
    assert "/store create my-shop" in str(home)
    assert "0 of 10 stores used · 10 left" in str(home)


def test_a_full_home_puts_trouble_first_and_stays_within_slacks_limits() -> None:
    many = [(replace(STORE, id=f"s{n}", name=f"shop-{n}", created_at=NOON + n), JOB) for n in range(60)]
    home = forms.home([*many, (replace(FAILED, id="bad", name="bad-shop"), FAILED_JOB)], 61, 60, CATALOG)
    assert check_view(home) == []
    titles = [b["text"]["text"] for b in home["blocks"] if b["type"] == "section"]
    assert "bad-shop" in titles[0]
    assert "shop-59" in titles[1]
    assert "and 41 more" in str(home)
    assert "0 left" in str(home)


# --- reading -----------------------------------------------------------------------------------------------------


def as_read(said: Message) -> str:
    """A message in lines: its text, then its blocks, then the plainer blocks where they differ."""
    lines = [f"text: {said.text}", "", *(line for block in said.blocks for line in _lines(block))]
    if said.simple != said.blocks:
        lines += ["", "where plans are not known:"]
        lines += [line for block in said.simple if block not in said.blocks for line in _lines(block)]
    return "\n".join(lines) + "\n"


def _lines(block: dict[str, Any]) -> list[str]:
    match block["type"]:
        case "section":
            return [f"| {line}" for line in block["text"]["text"].splitlines()]
        case "context":
            return [f"· {element['text']}" for element in block["elements"]]
        case "plan":
            return [f"plan {block['title']}", *map(_task, block["tasks"])]
        case "actions":
            return [" ".join(map(_button, block["elements"]))]
        case "rich_text":
            text = block["elements"][0]["elements"][0]["text"]
            return [f"> {line}" for line in text.splitlines()]
        case other:
            return [f"unknown block {other}"]


def _task(task: dict[str, Any]) -> str:
    output = task.get("output", {"elements": []})["elements"]
    seconds = f" {output[0]['elements'][0]['text']}" if output else ""
    return f"  {task['status']}: {task['title']}{seconds}"


def _button(button: dict[str, Any]) -> str:
    goes_to = f" -> {button['url']}" if "url" in button else ""
    return f"[{button['text']['text']} ({button['action_id']} {button['value']} {button.get('style', '')}){goes_to}]"

"""Forms and App Home as Slack views; pure. The words are in templates/modals.j2 and home.j2."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import (
    Block,
    DividerBlock,
    InputBlock,
    Option,
    PlainTextInputElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot import blocks, messages
from bot.blocks import Json, button, context, header, section
from bot.story import label_of
from bot.words import Words
from provisioner.catalog import Catalog
from provisioner.jobs import Job
from provisioner.stores import MAX_NAME, MIN_NAME, Addresses, Store, StoreStatus

form, home_words = Words("modals"), Words("home")

HOME_STORES = 20  # with at most 4 blocks each, far from Slack's 100


@dataclass(frozen=True)
class FormMemory:
    """What a form remembers of where it was opened (in private_metadata): the conversation to tell how it goes, the
    `response_url` for an answer only the person sees ('' where there is none), and the store it is about."""

    channel: str = ""
    response_url: str = ""
    store_id: str = ""

    def packed(self) -> str:
        return json.dumps(self.__dict__)

    @staticmethod
    def unpacked(text: str) -> FormMemory:
        return FormMemory(**json.loads(text or "{}"))


def create_form(catalog: Catalog, addresses: Addresses, memory: FormMemory) -> View:
    """Name and type; the type is preset to the default one."""
    options = [
        Option(text=kind.label, value=kind.name, description=blocks.shortened(kind.description, 75))
        for kind in catalog.types.values()
    ]
    preset = next(option for option in options if option.value == catalog.default.name)
    hint = form("name_hint", shortest=MIN_NAME, longest=MAX_NAME, example=addresses.url("my-shop"))
    typed = PlainTextInputElement(action_id="name", placeholder="my-shop", focus_on_load=True)
    where = form("where_channel", channel=memory.channel) if memory.channel else form("where_person")
    return View(
        type="modal",
        callback_id="create",
        title=form("create_title"),
        submit=form("create_submit"),
        close=form("cancel"),
        private_metadata=memory.packed(),
        blocks=[
            InputBlock(block_id="name", label=form("name_label"), hint=hint, element=typed),
            InputBlock(
                block_id="type",
                label=form("type_label"),
                element=StaticSelectElement(action_id="type", options=options, initial_option=preset),
            ),
            context(where),
        ],
    )


def delete_form(store: Store, memory: FormMemory) -> View:
    """Asks for the store's name and says what is lost."""
    typed = PlainTextInputElement(action_id="name", focus_on_load=True)
    return View(
        type="modal",
        callback_id="delete",
        title=form("delete_title"),
        submit=form("delete_submit"),
        close=form("cancel"),
        private_metadata=memory.packed(),
        blocks=[
            section(form("delete_warning", store=store)),
            InputBlock(block_id="name", label=form("delete_label", name=store.name), element=typed),
        ],
    )


def delete_mismatch(store: Store) -> str:
    """The inline error for a wrong name."""
    return form("delete_mismatch", name=store.name)


def notice(text: str) -> View:
    """An answer where there is no conversation to answer in."""
    return View(type="modal", title=form("notice_title"), close=form("close"), blocks=[section(text)])


def home(stores: Sequence[tuple[Store, Job | None]], used: int, most: int, catalog: Catalog) -> Json:
    """A person's stores, each with its newest job: those that failed first, then the others, newest first."""
    newest_first = sorted(stores, key=lambda pair: -pair[0].created_at)
    shown = sorted(newest_first, key=lambda pair: pair[0].status != StoreStatus.FAILED)[:HOME_STORES]
    body: list[Block | None] = [header(home_words("title")), context(home_words("quota", used=used, most=most))]
    body.append(blocks.actions([button("create", "", "", style="primary")], "create"))
    if not stores:
        body.append(section(home_words("empty")))
    for store, job in shown:
        body += _home_store(store, job, label_of(catalog, store.type))
    if len(stores) > len(shown):
        body.append(context(home_words("more", count=len(stores) - len(shown))))
    return {"type": "home", "blocks": blocks.as_json(body)}


def _home_store(store: Store, job: Job | None, label: str) -> list[Block | None]:
    value = messages.button_value(store, job) if job else f"{store.id}/"
    remove = button("delete", store.name, value, style="danger")
    offered = {
        StoreStatus.READY: [*messages.store_buttons(store, value), remove],
        StoreStatus.FAILED: [button("retry", store.name, value, style="primary"), remove] if job else [remove],
        StoreStatus.CREATING: [remove],
    }.get(store.status, [])
    failed = store.status == StoreStatus.FAILED and job and job.problem
    return [
        DividerBlock(),
        section(home_words("store", s=store, label=label)),
        context(home_words("problem", p=failed)) if failed else None,
        blocks.actions(offered, f"store-{store.id}"),
    ]

"""Forms and App Home as Slack views; pure. The words are in templates/modals.j2 and home.j2."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    Option,
    PlainTextInputElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.rendering import blocks, messages
from bot.rendering.blocks import Json, button, context, header, section
from bot.rendering.templating import TextTemplate
from provisioner.domain.catalog import Catalog, StoreType
from provisioner.domain.job import Job
from provisioner.domain.options import Option as Choosable
from provisioner.domain.store import MAX_NAME, MIN_NAME, Addresses, Store, StoreStatus
from provisioner.domain.text import shorten

form, home_words = TextTemplate("modals"), TextTemplate("home")

OPTION = "option/"  # how the names of those blocks of the create form begin in which an option is chosen
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


@dataclass(frozen=True)
class Filled:
    """What is in the create form already: the name, and values by option id."""

    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def create_form(
    catalog: Catalog,
    addresses: Addresses,
    memory: FormMemory,
    kind: StoreType | None = None,
    filled: Filled | None = None,
) -> View:
    """Name, type (preset to `kind`, else the default one) and what that type lets one choose; `filled` where this
    replaces a former form."""
    kind = kind or catalog.default
    hint = form("name_hint", shortest=MIN_NAME, longest=MAX_NAME, example=addresses.url("my-shop"))
    typed = PlainTextInputElement(
        action_id="name",
        placeholder="my-shop",
        focus_on_load=filled is None,
        initial_value=filled.name or None if filled else None,
    )
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
            _type_block(catalog, kind),
            *(_option_block(kind, option, filled or Filled()) for option in kind.options),
            context(where),
        ],
    )


def _type_block(catalog: Catalog, kind: StoreType) -> InputBlock:
    """Slack tells us at once when another type is chosen, so that the form can ask for its options."""
    entries = [
        Option(text=t.label, value=t.name, description=shorten(t.description, 75) or None)
        for t in catalog.types.values()
    ]
    preset = next(entry for entry in entries if entry.value == kind.name)
    element = StaticSelectElement(action_id="type", options=entries, initial_option=preset)
    return InputBlock(block_id="type", label=form("type_label"), element=element, dispatch_action=True)


def _option_block(kind: StoreType, option: Choosable, filled: Filled) -> InputBlock:
    """Named by its type too: Slack keeps what was chosen in a block of the same name, and another type's choices may
    be others."""
    name = f"{OPTION}{kind.name}/{option.id}"
    entries = {value: Option(text=label, value=value) for value, label in option.choices.items()}
    preset = entries.get(filled.options.get(option.id, ""), entries[option.default])
    element = StaticSelectElement(action_id=name, options=list(entries.values()), initial_option=preset)
    return InputBlock(block_id=name, label=option.label, element=element)


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
        body += messages.store_card(store, job, catalog)
    if len(stores) > len(shown):
        body.append(context(home_words("more", count=len(stores) - len(shown))))
    return {"type": "home", "blocks": blocks.as_json(body)}

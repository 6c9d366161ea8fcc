"""Forms as Slack views (modals). Pure; a verb's texts are in templates/verbs/."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    Option,
    PlainTextInputElement,
    SectionBlock,
    StaticSelectElement,
    UserSelectElement,
)
from slack_sdk.models.blocks.basic_components import DispatchActionConfig
from slack_sdk.models.views import View

from bot.rendering.blocks import Message, context, sections
from bot.rendering.form_context import FormContext
from bot.rendering.job_view import StoreView
from bot.rendering.offers import Offer, in_menu, offer_button
from bot.rendering.templating import TextTemplate
from bot.rendering.texts import transfer
from provisioner.capacity import Capacity
from provisioner.chart_settings import Setting
from provisioner.domain.backup import Backup
from provisioner.domain.catalog import Catalog, StoreType
from provisioner.domain.expiry import NO_POLICY, ExpiryPolicy, duration
from provisioner.domain.options import Option as StoreOption
from provisioner.domain.revision import Way
from provisioner.domain.store import MIN_NAME, Addresses, Store
from provisioner.domain.text import shorten

common, create, delete = TextTemplate("forms"), TextTemplate("verbs/create"), TextTemplate("verbs/delete")
restore, clone = TextTemplate("verbs/restore"), TextTemplate("verbs/clone")
rollback = TextTemplate("verbs/rollback")
set_texts = TextTemplate("verbs/set")

OPTION_PREFIX = "option/"  # of the block ids with a store type's options
# Callback ids.
CREATE_FORM, CLONE_FORM, DELETE_FORM, DELETE_NOW_FORM = "create", "clone", "delete", "delete_now"
RESTORE_FORM, ROLLBACK_FORM, TRANSFER_FORM = "restore", "rollback", "transfer"
SETTINGS_FORM = "settings"
AS_IT_IS = "now"  # the entry of the clone form's menu that is no backup
EXPIRY_BLOCK = "expiry"  # the block id of the life's menu
DEFAULT_LIFE = "default"  # its entry for what the policy says
DURATIONS = ("1h", "1d", "3d", "1w", "2w", "30d")
NAME_ACTION = "name"  # the action id of the name, and its block id
EACH_CHARACTER = DispatchActionConfig(trigger_actions_on=["on_character_entered"])
TYPE_ACTION = "type"  # the action id of the type's menu
MENU_ENTRIES = 100  # that Slack takes in one menu
LABEL_LIMIT = 75  # characters that Slack takes in a menu entry's text and in its description


@dataclass(frozen=True)
class Prefilled:
    """What the create form shows: the name, choices by option id, a question above its fields, and the expiry.

    A `fresh` form is opened now; another one replaces a form with its values."""

    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    question: str = ""
    expires: str = ""
    fresh: bool = False


@dataclass(frozen=True)
class Preflight:
    """What is known of an order before it is placed.

    `address` is the new store's if its name is free, '' if it is not, or not typed yet; then `problem` says why not.
    The person has `owned` stores of `most`. `seconds` is how long former creations of the type took, the shortest
    first. `capacity` is what is known of the cluster's room for the store."""

    address: str = ""
    problem: str = ""
    owned: int = 0
    most: int = 0
    seconds: Sequence[float] = ()
    expiry: ExpiryPolicy = NO_POLICY
    capacity: Capacity | None = None

    @property
    def usual_seconds(self) -> float:
        """The median. Raises IndexError without former creations."""
        return self.seconds[len(self.seconds) // 2]

    @property
    def slow_seconds(self) -> float:
        """95 % of the creations were done within it. Raises IndexError without former creations."""
        return self.seconds[math.ceil(0.95 * len(self.seconds)) - 1]


def create_form(
    catalog: Catalog,
    addresses: Addresses,
    form_context: FormContext,
    store_type: StoreType | None = None,
    prefilled: Prefilled | None = None,
    preflight: Preflight | None = None,
) -> View:
    """Asks for a name, a type (preset to `store_type`, else the default), that type's options, and the store's expiry.

    `prefilled` has the values of the form that this one replaces, or what was typed; `preflight` says what would become
    of the order."""
    store_type = store_type or catalog.default
    prefilled, preflight = prefilled or Prefilled(fresh=True), preflight or Preflight()
    return _form(
        CREATE_FORM,
        create,
        form_context,
        [
            *(sections(prefilled.question) if prefilled.question else []),
            _name_block(addresses, "my-shop", prefilled.name, focus=prefilled.fresh, looked_at=True),
            *_looked_at(preflight),
            _type_block(catalog, store_type),
            *(_option_block(store_type, option, prefilled) for option in store_type.asked),
            _expiry_block(preflight.expiry, prefilled.expires),
            context(create("preflight", p=preflight, type=store_type)),
            *([context(create("capacity", c=preflight.capacity, type=store_type))] if preflight.capacity else []),
            context(_where(form_context)),
        ],
    )


def clone_form(
    store: Store, backups: Sequence[Backup], addresses: Addresses, form_context: FormContext, *, chosen: int
) -> View:
    """Asks for the name of the clone, and which state of the store it has.

    The states are how it is now, and its `backups`, newest first; the one with the number `chosen` is preset."""
    as_it_is = Option(text=_label(clone("as_it_is")), value=AS_IT_IS)
    options = [as_it_is, *map(_backup_entry, backups[: MENU_ENTRIES - 1])]
    preset = options[min(chosen, len(options) - 1)]
    state = StaticSelectElement(action_id="backup", options=options, initial_option=preset)
    return _form(
        CLONE_FORM,
        clone,
        form_context,
        [
            *sections(clone("explanation", store=store)),
            _name_block(addresses, "my-copy"),
            InputBlock(block_id="backup", label=clone("state_label"), element=state),
            context(_where(form_context)),
        ],
    )


def _looked_at(preflight: Preflight) -> list[Block]:
    """What became of the name that was typed so far."""
    if preflight.problem:
        return [context(create("name_problem", problem=preflight.problem))]
    return [context(create("name_free", address=preflight.address))] if preflight.address else []


def _name_block(
    addresses: Addresses, example: str, value: str = "", *, focus: bool = True, looked_at: bool = False
) -> InputBlock:
    """Asks for a new store's name. With `looked_at`, Slack reports each character."""
    hint = create("name_hint", shortest=MIN_NAME, longest=addresses.longest_name, example=addresses.url(example))
    name = PlainTextInputElement(
        action_id=NAME_ACTION,
        placeholder=example,
        focus_on_load=focus,
        initial_value=value or None,
        dispatch_action_config=EACH_CHARACTER if looked_at else None,
    )
    return InputBlock(
        block_id=NAME_ACTION, label=create("name_label"), hint=hint, element=name, dispatch_action=looked_at or None
    )


def _where(form_context: FormContext) -> str:
    """Where the job's messages go."""
    channel = form_context.channel
    return create("in_channel", channel=channel) if channel else create("in_direct_messages")


def _type_block(catalog: Catalog, store_type: StoreType) -> InputBlock:
    """Slack reports at once when another type is chosen, so that the form can ask for its options."""
    entries = [
        Option(
            text=shorten(t.label, LABEL_LIMIT), value=t.name, description=shorten(t.description, LABEL_LIMIT) or None
        )
        for t in catalog.types.values()
    ]
    preset = next(entry for entry in entries if entry.value == store_type.name)
    element = StaticSelectElement(action_id=TYPE_ACTION, options=entries, initial_option=preset)
    return InputBlock(block_id=TYPE_ACTION, label=create("type_label"), element=element, dispatch_action=True)


def _label(text: str) -> str:
    return shorten(text, LABEL_LIMIT)


def _option_block(store_type: StoreType, option: StoreOption, prefilled: Prefilled) -> InputBlock:
    """Its id names the type too: Slack keeps the choice in a block with the same id, and another type has others."""
    chosen = prefilled.options.get(option.id, "")
    preset = chosen if chosen in option.choices else option.default or ""
    return _choice_block(f"{OPTION_PREFIX}{store_type.name}/{option.id}", option, preset)


def _choice_block(block_id: str, option: StoreOption, preset: str) -> InputBlock:
    """A menu with the option's choices and, if it is none of them, the `preset`."""
    entries = {value: Option(text=label, value=value) for value, label in option.choices.items()}
    if preset and preset not in entries:
        entries = {preset: Option(text=_label(preset), value=preset)} | entries
    element = StaticSelectElement(
        action_id=block_id, options=list(entries.values()), initial_option=entries.get(preset)
    )
    return InputBlock(block_id=block_id, label=option.label, hint=option.hint or None, element=element)


def _expiry_block(policy: ExpiryPolicy, chosen: str) -> InputBlock:
    """Asks for how long the store lives: one of some durations that the policy allows, or what was typed."""
    durations = [text for text in DURATIONS if policy.longest is None or duration(text) <= policy.longest]
    default = Option(text=create("life_default", policy=policy), value=DEFAULT_LIFE)
    entries = {text: Option(text=create("life", seconds=duration(text)), value=text) for text in durations}
    if chosen and chosen not in entries:
        entries = {chosen: Option(text=_label(create("life_typed", typed=chosen)), value=chosen)} | entries
    element = StaticSelectElement(
        action_id=EXPIRY_BLOCK,
        options=[default, *entries.values()],
        initial_option=entries.get(chosen, default),
    )
    return InputBlock(block_id=EXPIRY_BLOCK, label=create("life_label"), hint=create("life_hint"), element=element)


def delete_form(store: Store, keeps_until: float | None, form_context: FormContext) -> View:
    """Says what is lost, and until when (epoch seconds) it can be undeleted; asks for the store's name."""
    submit = delete("submit" if keeps_until else "submit_now")
    warning = delete("warning", store=store, until=keeps_until)
    return _form(DELETE_FORM, delete, form_context, _confirmation(store, warning), submit)


def delete_now_form(store: Store, form_context: FormContext) -> View:
    """Says that everything is lost; asks for the store's name."""
    warning = delete("warning_now", store=store)
    return _form(DELETE_NOW_FORM, delete, form_context, _confirmation(store, warning), delete("submit_now"))


def _confirmation(store: Store, warning: str) -> list[Block]:
    name = PlainTextInputElement(action_id="name", focus_on_load=True)
    label = delete("name_label", name=store.name)
    return [*sections(warning), InputBlock(block_id="name", label=label, element=name)]


def delete_mismatch(store: Store) -> str:
    """The error at the field for a wrong name."""
    return delete("mismatch", name=store.name)


def restore_form(store: Store, backups: Sequence[Backup], chosen: Backup, form_context: FormContext) -> View:
    """Asks which of the store's backups (newest first) to restore, and whether to make one first; says what is lost."""
    entries = {backup.id: _backup_entry(backup) for backup in [chosen, *backups][:MENU_ENTRIES]}
    options = [entries[backup.id] for backup in backups if backup.id in entries]
    backup = StaticSelectElement(action_id="backup", options=options, initial_option=entries[chosen.id])
    answers = [Option(text=restore(f"first_{value}"), value=value) for value in ("yes", "no")]
    first = StaticSelectElement(action_id="first", options=answers, initial_option=answers[0])
    return _form(
        RESTORE_FORM,
        restore,
        form_context,
        [
            *sections(restore("warning", store=store)),
            InputBlock(block_id="backup", label=restore("backup_label"), element=backup),
            InputBlock(block_id="first", label=restore("first_label"), hint=restore("first_hint"), element=first),
        ],
    )


def rollback_form(store: Store, ways: Sequence[Way], chosen: Way, form_context: FormContext) -> View:
    """Asks which of the ways back to take (the newest revision first), and what becomes of the data; says what is lost.

    The value of an entry has the revision, its version, the present one, and the id of the backup, if there is one."""
    entries = {
        way.revision.number: Option(
            text=_label(rollback("entry", way=way)),
            value=f"{way.revision.number} {way.revision.version} {way.present} {way.backup.id if way.backup else ''}",
            description=_label(rollback("data_of", way=way)),
        )
        for way in ways[:MENU_ENTRIES]
    }
    revision = StaticSelectElement(
        action_id="revision",
        options=list(entries.values()),
        initial_option=entries[chosen.revision.number],
    )
    blocks = [
        *sections(rollback("warning", store=store, way=chosen, with_data=any(way.backup for way in ways))),
        InputBlock(block_id="revision", label=rollback("revision_label"), element=revision),
    ]
    if any(way.backup for way in ways):
        answers = [Option(text=rollback(f"data_{value}"), value=value) for value in ("back", "kept")]
        data = StaticSelectElement(action_id="data", options=answers, initial_option=answers[0])
        label, hint = rollback("data_label"), rollback("data_hint")
        blocks.append(InputBlock(block_id="data", label=label, hint=hint, element=data))
    return _form(ROLLBACK_FORM, rollback, form_context, blocks)


def waiting_form(title: str, text: str) -> View:
    """Shown until a form is made that takes time."""
    return View(type="modal", title=title, close=common("cancel"), blocks=sections(text))


def settings_form(store: Store, settings: Sequence[Setting], form_context: FormContext) -> View:
    """Shows what can be set of the store, each as it is now."""
    blocks = [_setting_block(setting) for setting in settings]
    return _form(SETTINGS_FORM, set_texts, form_context, [*sections(set_texts("explanation", store=store)), *blocks])


def _setting_block(setting: Setting) -> InputBlock:
    option, block_id = setting.option, f"{OPTION_PREFIX}{setting.option.id}"
    if option.choices:
        return _choice_block(block_id, option, setting.present)
    text = PlainTextInputElement(action_id=block_id, initial_value=setting.present or None)
    return InputBlock(block_id=block_id, label=option.label, hint=option.hint, element=text, optional=True)


def chosen_options(fields: Mapping[str, str]) -> dict[str, str]:
    """A form's choices by option id."""
    return {option_of(block): value for block, value in fields.items() if block.startswith(OPTION_PREFIX)}


def option_of(block_id: str) -> str:
    """The id of the option that a form's block asks for."""
    return block_id.rpartition("/")[2]


def transfer_form(store: Store, form_context: FormContext) -> View:
    """Asks for the store's new owner."""
    owner = InputBlock(block_id="owner", label=transfer("owner_label"), element=UserSelectElement(action_id="owner"))
    return _form(TRANSFER_FORM, transfer, form_context, [*sections(transfer("explanation", store=store)), owner])


def _backup_entry(backup: Backup) -> Option:
    text, held = _label(restore("entry", b=backup)), _label(restore("held", b=backup))
    return Option(text=text, value=backup.id, description=held)


def _form(
    callback_id: str, texts: TextTemplate, form_context: FormContext, blocks: Sequence[Block], submit: str = ""
) -> View:
    """A modal with the title of a verb's texts, and its submit button unless there is another text for it."""
    return View(
        type="modal",
        callback_id=callback_id,
        title=texts("title"),
        submit=submit or texts("submit"),
        close=common("cancel"),
        private_metadata=form_context.packed(),
        blocks=blocks,
    )


def menu(view: StoreView, offers: Sequence[Offer], form_context: FormContext) -> View:
    """The menu of a store: what each of its items does, and a button for it."""
    items = in_menu(view, offers)
    return View(
        type="modal",
        title=common("menu_title"),
        close=common("close"),
        private_metadata=form_context.packed(),
        blocks=[
            *sections(common("menu_of" if items else "empty_menu", store=view.store)),
            *(SectionBlock(text=offer.description, accessory=offer_button(view, offer)) for offer in items),
        ],
    )


def notice(message: Message, *, final: bool = False) -> View:
    """An answer to a click in a form or on App Home. Closing a `final` one closes the forms below it, too."""
    title, close = common("notice_title"), common("close")
    return View(type="modal", title=title, close=close, blocks=message.simple, clear_on_close=final or None)

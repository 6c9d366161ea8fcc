"""Every interaction is answered and audited in the same way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from threading import Timer

from slack_bolt import Ack, BoltContext
from slack_sdk.models.views import View

from bot.commands.request import Request, Response
from bot.commands.spec import Handler
from bot.dependencies import Dependencies
from bot.rendering import answers, forms, texts
from bot.rendering.blocks import Message
from bot.slack.audit_writer import AuditWriter
from bot.slack.client import Slack
from bot.slack.interaction import Interaction
from bot.slack.reply import Reply
from provisioner.domain.errors import Refused, StorewrightError
from provisioner.ledger.audit import NAME_LIMIT, AuditRecord, Outcome
from provisioner.log_context import bound, bound_ids, new_id

log = logging.getLogger(__name__)

INTERACTION = "interaction"  # its key in Bolt's context of a request
BoltListener = Callable[[BoltContext, Ack], None]
SLOW_SECONDS = 2.0  # after which a person wants to see that something happens
RAW_LIMIT = 10_000  # characters of a request in the audit log


@dataclass(frozen=True)
class SlackDependencies:
    """`remember_response_url(delivery_key, response_url)` keeps the URL for an order whose messages have to go
    elsewhere. The failure channel gets a report of answers that Slack refuses everywhere. `slow_answers` runs what
    takes longer than an answer may."""

    commands: Dependencies
    slack: Slack
    remember_response_url: Callable[[str, str], None]
    failure_channel: str
    audit: AuditWriter
    slow_answers: Executor


Listener = Callable[[SlackDependencies, Interaction], Response]
StoreFinder = Callable[[SlackDependencies, Interaction], str]


@dataclass(frozen=True)
class _Result:
    """How an interaction ended, for the audit log."""

    outcome: Outcome
    store: str = ""
    job_id: str = ""
    reason: str = ""
    audited: bool = True


def attended(dependencies: SlackDependencies, listener: Listener, store_of: StoreFinder) -> BoltListener:
    """A Bolt listener around ours. `store_of` finds the store's name of a request that failed, for the audit log."""

    def attend(context: BoltContext, ack: Ack) -> None:
        interaction: Interaction = context[INTERACTION]
        request_id = request_id_of()
        with bound(request=request_id, user=interaction.user):
            reply = Reply(interaction, ack, dependencies.slack, dependencies.failure_channel)
            result = _carry_out(dependencies, listener, interaction, reply, request_id)
            if not result.store and result.outcome in (Outcome.REFUSED, Outcome.ERROR):
                result = replace(result, store=_found(dependencies, store_of, interaction))
            if not result.audited:
                return
            ending = f"{result.outcome} {result.job_id or result.reason}".strip()
            log.info("%s: %s", interaction.kind, ending, extra={"store": result.store})
            _audit(dependencies, interaction, result, request_id)

    return attend


def handled_by(handlers: Mapping[str, Handler]) -> Listener:
    """A listener that calls the command's handler. It refuses a button or form that only a former version had."""

    def listener(dependencies: SlackDependencies, interaction: Interaction) -> Response:
        handler = handlers.get(interaction.handler)
        if not handler:
            raise Refused(texts.answers("outdated"))
        return handler(dependencies.commands, request_of(dependencies, interaction))

    return listener


def request_of(dependencies: SlackDependencies, interaction: Interaction) -> Request:
    """The interaction as a command sees it."""
    return Request(
        actor=dependencies.commands.actor(interaction.user),
        origin=interaction.origin,
        delivery_key=interaction.delivery_key,
        form=interaction.form,
        value=interaction.value,
        fields=interaction.fields,
    )


def request_id_of() -> str:
    """The HTTP request's id; Socket Mode has none."""
    return bound_ids().get("request") or new_id()


def _carry_out(
    dependencies: SlackDependencies, listener: Listener, interaction: Interaction, reply: Reply, request_id: str
) -> _Result:
    response_url = interaction.response_url or interaction.form.response_url
    dependencies.remember_response_url(interaction.delivery_key, response_url)
    try:
        response = listener(dependencies, interaction)
        reply.send(response)
        if response.later:
            dependencies.slow_answers.submit(_answer_later, reply, response, response.later, request_id)
        if response.form_later:
            dependencies.slow_answers.submit(_complete_form, reply, response.form_later, request_id)
    except Refused as refusal:
        reply.answer(answers.refusal(refusal))
        return _Result(Outcome.REFUSED, reason=str(refusal))
    except Exception as error:
        log.exception("listener failed")
        reply.answer(answers.unexpected(request_id))
        return _Result(Outcome.ERROR, reason=type(error).__name__)
    if response.job:
        return _Result(Outcome.ORDERED, response.store, response.job.id)
    outcome = Outcome.REFUSED if response.field_errors else Outcome.ANSWERED
    return _Result(outcome, response.store, reason=response.reason, audited=response.audited)


def _answer_later(reply: Reply, response: Response, later: Callable[[], Message], request_id: str) -> None:
    """Show what `later` makes and, if that takes long, the response's message first."""
    progress = Timer(SLOW_SECONDS, reply.answer, [response.message])
    progress.start()
    try:
        message = later()
    except StorewrightError as error:
        message = answers.refusal(Refused.of(error.problem))
    except Exception:
        log.exception("slow answer failed")
        message = answers.unexpected(request_id)
    progress.cancel()
    reply.answer(message)


def _complete_form(reply: Reply, complete: Callable[[], View], request_id: str) -> None:
    """Show the form that `complete` makes, or why there is none."""
    try:
        view = complete()
    except StorewrightError as error:
        view = forms.notice(answers.refusal(Refused.of(error.problem)))
    except Exception:
        log.exception("form not made")
        view = forms.notice(answers.unexpected(request_id))
    reply.replace_form(view)


def _found(dependencies: SlackDependencies, store_of: StoreFinder, interaction: Interaction) -> str:
    try:
        return store_of(dependencies, interaction)[:NAME_LIMIT]
    except Exception:
        log.exception("store of a failed request not found")
        return ""


def _audit(dependencies: SlackDependencies, interaction: Interaction, result: _Result, request_id: str) -> None:
    record = AuditRecord(
        actor=interaction.user,
        action=interaction.kind,
        store=result.store,
        origin=interaction.channel,
        detail=interaction.raw[:RAW_LIMIT],
        request_id=request_id,
    )
    dependencies.audit.add(record, result.outcome, job_id=result.job_id, reason=result.reason)

"""What is the same for every interaction: it is parsed, answered and audited."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, BoltResponse

from bot.commands.request import Request, Response
from bot.dependencies import Dependencies
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.slack.client import UNREACHABLE, Slack
from bot.slack.interaction import BadInteraction, Interaction, read_interaction
from bot.slack.reply import FormNotOpened, Reply
from provisioner.domain.errors import Refused
from provisioner.ledger.audit import AuditRecord, Outcome
from provisioner.log_context import bound, bound_ids, new_id

log = logging.getLogger(__name__)

BoltListener = Callable[[dict[str, Any], Ack], BoltResponse | None]
RAW_LIMIT = 10_000  # characters of a request in the audit log


@dataclass(frozen=True)
class SlackDependencies:
    """`remember_response_url(delivery_key, response_url)` keeps the URL for an order whose messages have to go
    elsewhere."""

    commands: Dependencies
    slack: Slack
    remember_response_url: Callable[[str, str], None]


Listener = Callable[[SlackDependencies, Interaction], Response]


@dataclass(frozen=True)
class _Result:
    """How an interaction ended, for the audit log."""

    outcome: Outcome
    store: str = ""
    job_id: str = ""
    reason: str = ""


def attended(dependencies: SlackDependencies, listener: Listener) -> BoltListener:
    """A Bolt listener around ours. A malformed payload is answered 400."""

    def attend(body: dict[str, Any], ack: Ack) -> BoltResponse | None:
        try:
            interaction = read_interaction(body)
        except BadInteraction as error:
            log.warning("malformed interaction refused: %s", error)
            return BoltResponse(status=400, body="")
        request_id = request_id_of()
        with bound(request=request_id, user=interaction.user):
            reply = Reply(interaction, ack, dependencies.slack)
            result = _carry_out(dependencies, listener, interaction, reply, request_id)
            log.info("%s: %s %s", interaction.kind, result.outcome, result.reason, extra={"store": result.store})
            _audit(dependencies, interaction, result, request_id)
        return None

    return attend


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
    except Refused as refusal:
        _answer_safely(reply, messages.refusal(refusal))
        return _Result(Outcome.REFUSED, reason=str(refusal))
    except Exception as error:
        log.exception("listener failed")
        _answer_safely(reply, messages.unexpected(request_id))
        return _Result(Outcome.ERROR, reason=type(error).__name__)
    if response.job:
        return _Result(Outcome.ORDERED, response.store, response.job.id)
    outcome = Outcome.REFUSED if response.field_errors else Outcome.ANSWERED
    return _Result(outcome, response.store, reason=response.reason)


def _answer_safely(reply: Reply, message: Message) -> None:
    try:
        reply.answer(message)
    except (FormNotOpened, *UNREACHABLE):
        log.warning("the person got no answer")


def _audit(dependencies: SlackDependencies, interaction: Interaction, result: _Result, request_id: str) -> None:
    record = AuditRecord(
        actor=interaction.user,
        action=interaction.kind,
        store=result.store,
        origin=interaction.channel,
        detail=interaction.raw[:RAW_LIMIT],
        request_id=request_id,
    )
    try:
        audit = dependencies.commands.ledger.audit
        audit.add(record, result.outcome, job_id=result.job_id, reason=result.reason)
    except Exception:
        log.exception("audit row not written: %s", result)  # the person has the answer; Bolt must not send another

"""The Bolt app: who may knock (signature), every listener in one list, and what is the same for all of them."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from slack_bolt import Ack, App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware import RequestVerification
from slack_bolt.request import BoltRequest

from bot.dependencies import Dependencies
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.slack.client import UNREACHABLE
from bot.slack.interaction import FormNotOpened, Interaction, read_interaction
from bot.slack.listeners import actions, commands, events, views
from provisioner.domain.errors import Refused
from provisioner.log_context import bound, bound_ids, carried, new_id

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Listener = Callable[[Dependencies, Interaction], str]
LISTENER_THREADS = 32  # Bolt's own 5 let the sixth command time out while five wait for Slack


class ListenerThreads(ThreadPoolExecutor):
    """Where listeners run, each with the ids of the request that brought it.

    Leave its `with` before the ledger is closed: they write their audit after the answer."""

    def __init__(self) -> None:
        super().__init__(LISTENER_THREADS, thread_name_prefix="listener")

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return super().submit(carried(fn), *args, **kwargs)


def build_app(context: Dependencies, threads: ThreadPoolExecutor, signing_secret: str | None) -> App:
    """The app with all its listeners. No signing secret is needed in Socket Mode."""
    bolt_log = logging.getLogger("bot.bolt")
    bolt_log.setLevel(logging.ERROR)  # its warnings print whole requests
    app = App(
        logger=bolt_log,
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None, bot_token=context.slack.token),
        signing_secret=signing_secret or "",
        token_verification_enabled=False,  # readiness checks it: start and answer while Slack's API is away
        request_verification_enabled=False,  # ours, below, takes its place
        before_authorize=SignatureCheck(signing_secret) if signing_secret else None,
        ssl_check_enabled=False,
        listener_executor=threads,
    )
    app.client.base_url = context.slack.base_url
    app.client.retry_handlers.clear()

    app.command("/store")(attended(context, commands.store))
    app.view("create")(attended(context, views.create_submitted))
    app.view("delete")(attended(context, views.delete_submitted))
    app.action("type")(attended(context, views.type_chosen))
    app.action("create")(attended(context, actions.create))
    app.action("upgrade")(attended(context, actions.upgrade))
    app.action("delete")(attended(context, actions.delete))
    app.action("retry")(attended(context, actions.retry))
    app.action("credentials")(attended(context, actions.credentials))
    app.action("open_shop")(attended(context, actions.opened))
    app.action("open_admin")(attended(context, actions.opened))
    app.action(re.compile(".*"))(attended(context, actions.outdated))
    app.view(re.compile(".*"))(attended(context, actions.outdated))
    app.event("app_home_opened")(attended(context, events.opened))
    app.error(_answer_surprise)
    return app


def attended(context: Dependencies, listener: Listener) -> Callable[[dict[str, Any], Ack], None]:
    """A Bolt listener around ours: refusals and surprises are answered, and everything is audited."""

    def attend(body: dict[str, Any], ack: Ack) -> None:
        request = read_interaction(body, ack, context.slack, request_id=_request_id())
        with bound(request=request.request_id, user=request.user):
            outcome = _carry_out(context, listener, request)
            log.info("%s: %s", request.kind, outcome, extra={"store": request.store})
            _audit(context, request, outcome)

    return attend


def _audit(context: Dependencies, request: Interaction, outcome: str) -> None:
    try:
        context.ledger.audit(
            actor=request.user,
            action=request.kind,
            store=request.store,
            origin=request.channel,
            detail=request.raw,
            outcome=outcome,
            request_id=request.request_id,
        )
    except Exception:
        log.exception("the audit could not be written: %s", outcome)  # the person was answered; Bolt must not know


def _carry_out(context: Dependencies, listener: Listener, request: Interaction) -> str:
    try:
        return listener(context, request)
    except Refused as refusal:
        _answer_safely(request, messages.refusal(refusal))
        return f"refused: {refusal}"
    except Exception as error:
        log.exception("a listener failed")
        _answer_safely(request, messages.unexpected(request.request_id))
        return f"error: {type(error).__name__}"


def _answer_safely(request: Interaction, said: Message) -> None:
    try:
        request.answer(said)
    except (FormNotOpened, *UNREACHABLE):
        log.warning("the person could not be answered")


def _answer_surprise(error: Exception, body: dict[str, Any]) -> BoltResponse:
    """What failed outside of our listeners, before we knew whom to answer how: a command shows this text."""
    request_id = _request_id()
    log.error("a request failed", exc_info=error, extra={"request": request_id})
    return BoltResponse(status=200, body=messages.unexpected(request_id).text if "command" in body else "")


def _request_id() -> str:
    """The HTTP request's; in Socket Mode there is none before us."""
    return bound_ids().get("request") or new_id()


class SignatureCheck(RequestVerification):
    """Bolt's check, which also refuses a timestamp that is no number and logs no body."""

    def process(self, *, req: BoltRequest, resp: BoltResponse, next: Callable[[], BoltResponse]) -> BoltResponse:
        """401 for what Slack did not sign within the last five minutes."""
        timestamp = req.headers.get("x-slack-request-timestamp", [""])[0]
        if req.mode != "socket_mode" and not re.fullmatch(r"[0-9]{1,15}", timestamp):
            self._debug_log_error("", timestamp, "")
            return self._build_error_response()
        return super().process(req=req, resp=resp, next=next)

    def _debug_log_error(self, signature: str, timestamp: str, body: str) -> None:
        log.warning("refused a request with a bad signature or time", extra={"timestamp": timestamp[:20]})

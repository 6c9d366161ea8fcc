"""The Bolt app with every listener, and the one way to give it a payload."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request import BoltRequest

from bot.rendering import answers
from bot.slack.attend import INTERACTION, SlackDependencies, request_id_of
from bot.slack.interaction import (
    EVENT_CALLBACK,
    SHORTCUT,
    BadInteraction,
    Interaction,
    InteractionKind,
    UnknownInteraction,
    read_interaction,
)
from bot.slack.listeners import actions, commands, events, links, mentions, shortcuts, views
from provisioner.domain.text import shorten
from provisioner.log_context import carried

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
LISTENER_THREADS = 32  # with Bolt's default of 5, the sixth command waits until it times out


class ListenerThreads(ThreadPoolExecutor):
    """The threads of listeners. Each keeps the log context of its request.

    Leave its `with` block before the AuditWriter's: listeners add to the audit log after the answer."""

    def __init__(self) -> None:
        super().__init__(LISTENER_THREADS, thread_name_prefix="listener")

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return super().submit(carried(fn), *args, **kwargs)


class SlowAnswers(ListenerThreads):
    """The threads of answers that need the cluster. What is not answered at the end is typed again."""

    def __exit__(self, *_: object) -> None:
        self.shutdown(wait=False, cancel_futures=True)


def build_app(dependencies: SlackDependencies, threads: ThreadPoolExecutor) -> App:
    """The app with all its listeners. It takes payloads from `dispatch` only, which needs no signing secret."""
    bolt_log = logging.getLogger("bot.bolt")
    bolt_log.setLevel(logging.ERROR)  # its warnings print whole requests
    token = dependencies.slack.token
    app = App(
        name="storewright",  # Bolt would look for one in the call stack, which takes 0.3 s
        logger=bolt_log,
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token),
        signing_secret="",
        token_verification_enabled=False,  # readiness checks it: the bot starts and answers while Slack is away
        request_verification_enabled=False,  # SlackEndpoint checks the signature before the payload is parsed
        ssl_check_enabled=False,
        listener_executor=threads,
    )
    app.client.base_url = dependencies.slack.base_url
    app.client.retry_handlers.clear()
    for listeners in (commands, mentions, links, actions, shortcuts, views, events):
        listeners.register(app, dependencies)
    app.error(_answer_error)
    return app


def dispatch(app: App, body: object) -> BoltResponse:
    """Answer a payload of Slack's. A malformed one is answered 400, one without a listener 404.

    Bolt gets only the fields that it needs to find the listener: it fails on other malformed fields."""
    try:
        interaction = read_interaction(body)
    except BadInteraction as error:
        log.warning("malformed request refused: %s", error)
        return BoltResponse(status=400, body="")
    except UnknownInteraction as error:
        log.warning("request without a listener ignored: %s", error)
        return BoltResponse(status=404, body="")
    context = {INTERACTION: interaction}
    response = app.dispatch(BoltRequest(body=_bolt_body(interaction), context=context, mode="socket_mode"))
    if response.status == 404:
        log.warning("request without a listener ignored: %s %r", interaction.kind, shorten(interaction.handler))
    return response


def _bolt_body(interaction: Interaction) -> dict[str, Any]:
    """The fields by which Bolt finds the listener."""
    match interaction.kind:
        case InteractionKind.COMMAND:
            return {"command": interaction.handler}
        case InteractionKind.CLICK:
            return {"type": "block_actions", "actions": [{"action_id": interaction.handler}]}
        case InteractionKind.SUBMISSION:
            return {"type": "view_submission", "view": {"type": "modal", "callback_id": interaction.handler}}
        case InteractionKind.SHORTCUT:
            return {"type": SHORTCUT, "callback_id": interaction.handler}
        case InteractionKind.MENTION | InteractionKind.EVENT:
            return {"type": EVENT_CALLBACK, "event": {"type": interaction.handler}}


def _answer_error(error: Exception, body: dict[str, Any]) -> BoltResponse:
    """An error outside of our listeners: only a command shows this text."""
    request_id = request_id_of()
    log.error("request failed", exc_info=error, extra={"request": request_id})
    return BoltResponse(status=200, body=answers.unexpected(request_id).text if "command" in body else "")

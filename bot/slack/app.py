"""The Bolt app: the signature check, and every listener."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware import RequestVerification
from slack_bolt.request import BoltRequest

from bot.rendering import messages
from bot.slack.attend import SlackDependencies, request_id_of
from bot.slack.listeners import actions, commands, events, views
from provisioner.log_context import carried

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
LISTENER_THREADS = 32  # with Bolt's default of 5, the sixth command waits until it times out


class ListenerThreads(ThreadPoolExecutor):
    """The threads of listeners. Each keeps the log context of its request.

    Leave its `with` block before the ledger is closed: listeners write the audit log after the answer."""

    def __init__(self) -> None:
        super().__init__(LISTENER_THREADS, thread_name_prefix="listener")

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return super().submit(carried(fn), *args, **kwargs)


def build_app(dependencies: SlackDependencies, threads: ThreadPoolExecutor, signing_secret: str | None) -> App:
    """The app with all its listeners. Socket Mode needs no signing secret."""
    bolt_log = logging.getLogger("bot.bolt")
    bolt_log.setLevel(logging.ERROR)  # its warnings print whole requests
    token = dependencies.slack.token
    app = App(
        logger=bolt_log,
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token),
        signing_secret=signing_secret or "",
        token_verification_enabled=False,  # readiness checks it: the bot starts and answers while Slack is away
        request_verification_enabled=False,  # SignatureCheck replaces it
        before_authorize=SignatureCheck(signing_secret) if signing_secret else None,
        ssl_check_enabled=False,
        listener_executor=threads,
    )
    app.client.base_url = dependencies.slack.base_url
    app.client.retry_handlers.clear()
    for listeners in (commands, actions, views, events):
        listeners.register(app, dependencies)
    app.error(_answer_error)
    return app


def _answer_error(error: Exception, body: dict[str, Any]) -> BoltResponse:
    """An error outside of our listeners: only a command shows this text."""
    request_id = request_id_of()
    log.error("request failed", exc_info=error, extra={"request": request_id})
    return BoltResponse(status=200, body=messages.unexpected(request_id).text if "command" in body else "")


class SignatureCheck(RequestVerification):
    """Bolt's check, which also refuses a timestamp that is no number, and logs no body."""

    def process(self, *, req: BoltRequest, resp: BoltResponse, next: Callable[[], BoltResponse]) -> BoltResponse:
        """Answer 401 unless Slack signed the request within the last five minutes."""
        timestamp = req.headers.get("x-slack-request-timestamp", [""])[0]
        if req.mode != "socket_mode" and not re.fullmatch(r"[0-9]{1,15}", timestamp):
            self._debug_log_error("", timestamp, "")
            return self._build_error_response()
        return super().process(req=req, resp=resp, next=next)

    def _debug_log_error(self, signature: str, timestamp: str, body: str) -> None:
        log.warning("request with a wrong signature or time refused", extra={"timestamp": timestamp[:20]})

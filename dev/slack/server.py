"""The HTTP server, which combines all parts of the local Slack."""

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from dev.slack import scopes, web_bundle
from dev.slack.api import METHODS
from dev.slack.control_api import ControlApi
from dev.slack.delivery import ACK_TIMEOUT_SECONDS, Delivery
from dev.slack.faults import Faults
from dev.slack.interactions import Interactions
from dev.slack.method_registry import Args, MethodContext
from dev.slack.rate_limits import RATE_LIMITS, RateLimit, RateLimiter, rate_limited
from dev.slack.trigger_tokens import TriggerTokens
from dev.slack.views import Views
from dev.slack.workspace import Json, SlackError, Workspace

EVENT_RETRY_DELAYS_SECONDS = (0.0, 60.0, 300.0)


@dataclass(frozen=True)
class Settings:
    """The configuration of the app in this Slack.

    `scopes` are the bot token's. Empty `rate_limits` mean no limits. `ack_seconds`, the bot's time for an ack, and
    `event_retry_delays` are in seconds."""

    bot_url: str | None = None
    socket_mode: bool = False
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    bot_token: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(16)}", repr=False)
    app_token: str = field(default_factory=lambda: f"xapp-1-{secrets.token_hex(16)}", repr=False)
    scopes: frozenset[str] = field(default_factory=scopes.from_manifest)
    rate_limits: dict[str, RateLimit] = field(default_factory=lambda: dict(RATE_LIMITS))
    ack_seconds: float = ACK_TIMEOUT_SECONDS
    event_retry_delays: tuple[float, ...] = EVENT_RETRY_DELAYS_SECONDS


class BrokenResponse(Response):
    """An answer whose connection breaks in the middle.

    The caller can't know that the call took effect."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class Server:
    """Connects the parts of the local Slack.

    All of it runs on one event loop, so nothing needs a lock."""

    def __init__(self, settings: Settings, base_url: str):
        self.settings = settings
        self.workspace = Workspace()
        self.faults = Faults()
        self.rate_limiter = RateLimiter(settings.rate_limits)
        self.views = Views(self.workspace)
        self.trigger_tokens = TriggerTokens()
        bot_url = None if settings.socket_mode else settings.bot_url or ""
        self.delivery = Delivery(
            bot_url,
            settings.signing_secret,
            self.faults,
            ack_seconds=settings.ack_seconds,
            event_retry_delays=settings.event_retry_delays,
        )
        self.interactions = Interactions(self.workspace, self.views, self.trigger_tokens, self.delivery, base_url)
        self.context = MethodContext(
            self.workspace, self.views, self.trigger_tokens, self.faults, base_url, self._socket_url
        )

    def _socket_url(self) -> str:
        return f"ws{self.context.base_url.removeprefix('http')}/link?ticket={self.delivery.socket.issue_ticket()}"

    def app(self) -> Starlette:
        """The ASGI application."""
        control_api = ControlApi(self.workspace, self.views, self.interactions, self.delivery, self.faults)
        return Starlette(
            routes=[
                Route("/api/{method}", self.api, methods=["GET", "POST"]),
                Route("/respond/{key}", self.respond, methods=["POST"]),
                WebSocketRoute("/link", self.link),
                *control_api.routes(),
                *web_bundle.routes(),
            ]
        )

    # -- requests of the bot -----------------------------------------------------------------------------

    async def api(self, request: Request) -> Response:
        """Handle one Web API call."""
        name = request.path_params["method"]
        try:
            args = await _arguments(request)
            self._authorize(name, args)
            await self._faults_before(name, args)
            answer = METHODS[name](self.context, Args(args))
            granted = {"x-oauth-scopes": ",".join(sorted(self.settings.scopes))}
            return await self._faults_after(name, JSONResponse({"ok": True, **answer}, headers=granted))
        except SlackError as refusal:
            body = {"ok": False, "error": refusal.code, **refusal.extra}
            return JSONResponse(body, refusal.status, headers=refusal.headers)

    def _authorize(self, name: str, args: Json) -> None:
        """Check the method, token and scope of a call.

        Raises SlackError unknown_method, not_authed, invalid_auth, not_allowed_token_type or missing_scope."""
        if name not in METHODS:
            raise SlackError("unknown_method")
        if name == "api.test":
            return
        token = args.pop("token", "")
        if not token:
            raise SlackError("not_authed")
        if token not in (self.settings.bot_token, self.settings.app_token):
            raise SlackError("invalid_auth")
        needs_app_token = name == "apps.connections.open"
        if needs_app_token != (token == self.settings.app_token):
            raise SlackError("not_allowed_token_type")
        scopes.check(name, str(args.get("channel", "")), self.settings.scopes)

    async def _faults_before(self, name: str, args: Json) -> None:
        if fault := self.faults.take("ratelimited", name):
            raise rate_limited(fault.seconds)
        if self.faults.take("server_error", name):
            raise SlackError("fatal_error", status=500)
        channel = self.workspace.channel_id(str(args.get("channel", "")))
        about = channel or str(args.get("users") or args.get("user_id") or "")
        if fault := self.faults.take("error", name, channel=about):
            raise SlackError(fault.code, status=404 if name == "response_url" else 200)
        self.rate_limiter.count_call(name, channel)
        if fault := self.faults.take("latency", name):
            await asyncio.sleep(fault.seconds)

    async def _faults_after(self, name: str, response: Response) -> Response:
        if self.faults.take("drop_response", name):
            return BrokenResponse()
        if fault := self.faults.take("hang", name):
            await asyncio.sleep(fault.seconds)
        return response

    async def respond(self, request: Request) -> Response:
        """Handle a message sent to a response_url.

        An error has its code in a JSON body."""
        try:
            await self._faults_before("response_url", {})
            target = self.trigger_tokens.redeem_response_url(request.path_params["key"])
            check = partial(self.faults.check_message, method="response_url")
            self.interactions.respond(await request.json(), target, check)
            return await self._faults_after("response_url", PlainTextResponse("ok"))
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, 400)
        except SlackError as refusal:
            body = {"ok": False, "error": refusal.code, **refusal.extra}
            return JSONResponse(body, refusal.status, headers=refusal.headers)

    async def link(self, socket: WebSocket) -> None:
        """Handle a Socket Mode connection."""
        await self.delivery.socket.serve(socket)


def _json_object(content: bytes) -> Json:
    try:
        parsed = json.loads(content)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(parsed, dict):
        raise SlackError("json_not_object")
    return parsed


async def _arguments(request: Request) -> Json:
    """The arguments from the query string, a form or JSON.

    The token may also come in a header."""
    arguments: Json = dict(request.query_params)
    content = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        arguments |= _json_object(content or b"{}")
    else:
        arguments |= dict(parse_qsl(content.decode(), keep_blank_values=True))
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    return arguments | ({"token": bearer} if bearer else {})

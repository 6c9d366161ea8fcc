"""The HTTP server: Slack's Web API under /api, response URLs, Socket Mode, and the person's side under /dev."""

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from dev.slack import scopes, web_bundle
from dev.slack.api import METHODS
from dev.slack.control_api import Desk
from dev.slack.delivery import Delivery
from dev.slack.faults import LIMITS, Faults, RateLimits, too_many
from dev.slack.interactions import People
from dev.slack.method_registry import Args, Web
from dev.slack.trigger_tokens import Handles
from dev.slack.views import Views
from dev.slack.workspace import Json, SlackError, Workspace

EVENT_RETRY_DELAYS = (0.0, 60.0, 300.0)


@dataclass(frozen=True)
class Settings:
    """How the app is registered with this Slack. Rate limits: see traffic.LIMITS; {} for none. `scopes` are the bot
    token's."""

    bot_url: str | None = None
    socket_mode: bool = False
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    bot_token: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(16)}", repr=False)
    app_token: str = field(default_factory=lambda: f"xapp-1-{secrets.token_hex(16)}", repr=False)
    scopes: frozenset[str] = field(default_factory=scopes.of_manifest)
    limits: dict[str, tuple[int, float, bool]] = field(default_factory=lambda: dict(LIMITS))
    retry_delays: tuple[float, ...] = EVENT_RETRY_DELAYS


class BrokenResponse(Response):
    """The connection ends in the middle of the answer: what was asked for has happened, the caller can't know."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class Server:
    """Wires state and routes; one event loop, so nothing needs a lock."""

    def __init__(self, settings: Settings, base_url: str):
        self.settings = settings
        self.workspace = Workspace()
        self.faults = Faults()
        self.limits = RateLimits(settings.limits)
        self.views = Views(self.workspace)
        self.handles = Handles()
        bot_url = None if settings.socket_mode else settings.bot_url or ""
        self.delivery = Delivery(bot_url, settings.signing_secret, self.faults, settings.retry_delays)
        self.people = People(self.workspace, self.views, self.handles, self.delivery, base_url)
        self.web = Web(self.workspace, self.views, self.handles, self.faults, base_url, self._socket_url)

    def _socket_url(self) -> str:
        return f"ws{self.web.base_url.removeprefix('http')}/link?ticket={self.delivery.socket.ticket()}"

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/api/{method}", self.api, methods=["GET", "POST"]),
                Route("/respond/{key}", self.respond, methods=["POST"]),
                WebSocketRoute("/link", self.link),
                *Desk(self.workspace, self.views, self.people, self.delivery, self.faults).routes(),
                *web_bundle.routes(),
            ]
        )

    # -- the bot's side ----------------------------------------------------------------------------------

    async def api(self, request: Request) -> Response:
        """One Web API call."""
        name = request.path_params["method"]
        try:
            args = await _arguments(request)
            self._authorize(name, args)
            await self._trouble_before(name, args)
            answer = METHODS[name](self.web, Args(args))
            granted = {"x-oauth-scopes": ",".join(sorted(self.settings.scopes))}
            return await self._trouble_after(name, JSONResponse({"ok": True, **answer}, headers=granted))
        except SlackError as refusal:
            body = {"ok": False, "error": refusal.code, **refusal.extra}
            return JSONResponse(body, refusal.status, headers=refusal.headers)

    def _authorize(self, name: str, args: Json) -> None:
        """SlackError unknown_method, not_authed, invalid_auth, not_allowed_token_type or missing_scope."""
        if name not in METHODS:
            raise SlackError("unknown_method")
        if name == "api.test":
            return
        token = args.pop("token", "")
        if not token:
            raise SlackError("not_authed")
        if token not in (self.settings.bot_token, self.settings.app_token):
            raise SlackError("invalid_auth")
        wants_app_token = name == "apps.connections.open"
        if wants_app_token != (token == self.settings.app_token):
            raise SlackError("not_allowed_token_type")
        scopes.check(name, str(args.get("channel", "")), self.settings.scopes)

    async def _trouble_before(self, name: str, args: Json) -> None:
        if fault := self.faults.take("ratelimited", name):
            raise too_many(fault.seconds)
        if self.faults.take("server_error", name):
            raise SlackError("fatal_error", status=500)
        if fault := self.faults.take("error", name):
            raise SlackError(fault.code)
        self.limits.spend(name, self.workspace.channel_id(str(args.get("channel", ""))))
        if fault := self.faults.take("latency", name):
            await asyncio.sleep(fault.seconds)

    async def _trouble_after(self, name: str, response: Response) -> Response:
        if self.faults.take("drop_response", name):
            return BrokenResponse()
        if fault := self.faults.take("hang", name):
            await asyncio.sleep(fault.seconds)
        return response

    async def respond(self, request: Request) -> Response:
        """An answer to a response_url; refusals have the error word in a JSON body."""
        try:
            await self._trouble_before("response_url", {})
            where = self.handles.respond(request.path_params["key"])
            self.people.respond(await request.json(), where)
            return await self._trouble_after("response_url", PlainTextResponse("ok"))
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, 400)
        except SlackError as refusal:
            body = {"ok": False, "error": refusal.code, **refusal.extra}
            return JSONResponse(body, refusal.status, headers=refusal.headers)

    async def link(self, socket: WebSocket) -> None:
        """A Socket Mode connection."""
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
    """Query, form or JSON, with the token from wherever Slack takes it."""
    arguments: Json = dict(request.query_params)
    content = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        arguments |= _json_object(content or b"{}")
    else:
        arguments |= dict(parse_qsl(content.decode(), keep_blank_values=True))
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    return arguments | ({"token": bearer} if bearer else {})

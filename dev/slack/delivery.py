"""Delivers commands, interactions and events to the bot.

It uses signed HTTP or Socket Mode.
The bot must acknowledge each delivery within 3 seconds."""

import asyncio
import hashlib
import hmac
import itertools
import json
import secrets
import ssl
import time
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from starlette.websockets import WebSocket, WebSocketDisconnect

from dev.slack.faults import Faults
from dev.slack.workspace import APP_ID, Json

ACK_TIMEOUT_SECONDS = 3.0
MAX_CONNECTIONS = 10
ENVELOPE_TYPES = {"command": "slash_commands", "interaction": "interactive", "event": "events_api"}


@dataclass(frozen=True)
class Ack:
    """The bot's answer to a delivery.

    `status` is the HTTP status: 200 for Socket Mode, 0 if there was no answer. `elapsed` is in seconds.
    `error` is None for an ack in time, else the code that the user sees: operation_timeout or dispatch_failed."""

    status: int
    body: str
    elapsed: float
    error: str | None = None

    @property
    def ok(self) -> bool:
        """True if the bot acknowledged in time."""
        return self.error is None

    def json(self) -> Json:
        """The body as an object.

        Plain text becomes {"text": body}, an empty body {}."""
        try:
            parsed = json.loads(self.body) if self.body else {}
        except ValueError:
            parsed = self.body
        return parsed if isinstance(parsed, dict) else {"text": str(parsed)}


@dataclass(frozen=True)
class Request:
    """A signed HTTP request, which can be replayed byte for byte."""

    body: bytes
    headers: dict[str, str]


def request_url(bot_url: str) -> str:
    """The bot's request URL.

    An address without a path gets the usual path /slack/events."""
    return bot_url if urlsplit(bot_url).path.strip("/") else f"{bot_url.rstrip('/')}/slack/events"


def dial_address(url: str) -> tuple[str, str]:
    """The URL to connect to and its Host header.

    *.localhost is this machine (RFC 6761), as in browsers."""
    parts = urlsplit(url)
    if not (parts.hostname or "").endswith(".localhost"):
        return url, parts.netloc
    return parts._replace(netloc=f"127.0.0.1:{parts.port or 80}").geturl(), parts.netloc


def sign(secret: str, body: bytes, timestamp: str) -> str:
    """The v0 signature of a request body (docs.slack.dev/authentication/verifying-requests-from-slack)."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return f"v0={digest}"


@cache
def _authorities() -> ssl.SSLContext:
    """The authorities that this machine trusts. To load them is slow."""
    return ssl.create_default_context()


def _retry_reason(ack: Ack) -> str:
    """The value of the header X-Slack-Retry-Reason."""
    if ack.error == "operation_timeout":
        return "http_timeout"
    return "http_error" if ack.status else "connection_failed"


class HttpTransport:
    """Delivers by POST to the bot's request URL."""

    def __init__(self, url: str, signing_secret: str, ack_seconds: float = ACK_TIMEOUT_SECONDS):
        self.url = request_url(url)
        self._ack_seconds = ack_seconds
        self._secret = signing_secret
        self._client = httpx.AsyncClient(timeout=ack_seconds, trust_env=False, verify=_authorities())

    def request(self, kind: str, payload: Json, extra: dict[str, str]) -> Request:
        """Encode and sign a delivery of this kind as Slack does.

        `extra` are more headers."""
        if kind == "event":
            body, content_type = json.dumps(payload).encode(), "application/json"
        else:
            form = payload if kind == "command" else {"payload": json.dumps(payload)}
            body, content_type = urlencode(form).encode(), "application/x-www-form-urlencoded"
        timestamp = str(int(time.time()))
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (local)", **extra}
        headers |= {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": sign(self._secret, body, timestamp)}
        return Request(body, headers)

    async def send(self, request: Request) -> Ack:
        """Send the request once.

        A failure of the bot becomes an Ack with an error."""
        start = time.monotonic()
        url, host = dial_address(self.url)
        try:
            async with asyncio.timeout(self._ack_seconds):
                headers = {**request.headers, "Host": host}
                response = await self._client.post(url, content=request.body, headers=headers)
        except (TimeoutError, httpx.TimeoutException):
            return Ack(0, "", time.monotonic() - start, "operation_timeout")
        except httpx.HTTPError as error:
            return Ack(0, str(error), time.monotonic() - start, "dispatch_failed")
        code = None if response.status_code == 200 else "dispatch_failed"
        return Ack(response.status_code, response.text, time.monotonic() - start, code)


class SocketTransport:
    """Delivers through up to ten WebSocket connections of the app.

    Each delivery uses the next connection."""

    def __init__(self, ack_seconds: float) -> None:
        self._ack_seconds = ack_seconds
        self._tickets: set[str] = set()
        self._connections: list[WebSocket] = []
        self._counter = itertools.count()
        self._pending_acks: dict[str, asyncio.Future[Any]] = {}

    def issue_ticket(self) -> str:
        """A new single-use ticket for the WebSocket URL."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, socket: WebSocket) -> None:
        """Handle one connection until it closes."""
        if socket.query_params.get("ticket") not in self._tickets:
            await socket.close(4401, "unknown or used ticket")
            return
        self._tickets.discard(socket.query_params["ticket"])
        await socket.accept()
        if len(self._connections) >= MAX_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return
        self._connections.append(socket)
        hello = {"type": "hello", "connection_info": {"app_id": APP_ID}, "debug_info": {"host": "local"}}
        try:
            await socket.send_json({**hello, "num_connections": len(self._connections)})
            while True:
                self._acknowledge(await socket.receive_json())
        except WebSocketDisconnect:
            pass
        finally:
            if socket in self._connections:
                self._connections.remove(socket)

    def _acknowledge(self, message: Json) -> None:
        pending = self._pending_acks.get(message.get("envelope_id", ""))
        if pending is not None and not pending.done():
            pending.set_result(message.get("payload"))

    async def send(self, kind: str, payload: Json, extra: Json) -> Ack:
        """Send an envelope and wait for its ack.

        `extra` are more keys of the envelope."""
        start = time.monotonic()
        if not self._connections:
            return Ack(0, "the app has no Socket Mode connection", 0.0, "dispatch_failed")
        envelope_id = secrets.token_hex(16)
        envelope = {"envelope_id": envelope_id, "type": ENVELOPE_TYPES[kind], "payload": payload, **extra}
        envelope["accepts_response_payload"] = kind != "event"
        pending = self._pending_acks[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            await self._connections[next(self._counter) % len(self._connections)].send_json(envelope)
            answer = await asyncio.wait_for(pending, self._ack_seconds)
        except TimeoutError:
            return Ack(0, "", time.monotonic() - start, "operation_timeout")
        finally:
            del self._pending_acks[envelope_id]
        return Ack(200, json.dumps(answer) if answer else "", time.monotonic() - start)

    async def disconnect(self, reason: str) -> int:
        """Ask every connection to reconnect, as Slack does every few hours.

        Returns the number of connections."""
        closing, self._connections = self._connections, []
        for socket in closing:
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "local"}})
            await socket.close()
        return len(closing)


class Delivery:
    """Deliveries to the bot, with retries for events and a log.

    Without a `bot_url` it delivers through Socket Mode. `event_retry_delays` are in seconds, and so is `ack_seconds`,
    how long the bot has for an ack."""

    def __init__(
        self,
        bot_url: str | None,
        signing_secret: str,
        faults: Faults,
        *,
        ack_seconds: float,
        event_retry_delays: tuple[float, ...],
    ):
        self.http = HttpTransport(bot_url or "", signing_secret, ack_seconds)
        self.socket = SocketTransport(ack_seconds)
        self.socket_mode = bot_url is None
        self.log: list[Json] = []
        self._faults = faults
        self._retry_delays = event_retry_delays
        self._requests: list[Request] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    async def deliver(self, kind: str, payload: Json, retry: tuple[int, str] | None = None) -> Ack:
        """Make one delivery of a "command", an "interaction" or an "event".

        `retry` is the number of the retry and its reason. A scheduled `duplicate` fault sends the delivery twice."""
        duplicated = self._faults.take("duplicate") is not None
        if self.socket_mode:
            extra = {"retry_attempt": retry[0], "retry_reason": retry[1]} if retry else {}
            attempts = [self.socket.send(kind, payload, extra) for _ in range(1 + duplicated)]
        else:
            headers = {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]} if retry else {}
            request = self.http.request(kind, payload, headers)
            self._requests.append(request)
            attempts = [self.http.send(request) for _ in range(1 + duplicated)]
        acks = await asyncio.gather(*attempts)
        self._record(kind, payload, acks)
        return acks[0]

    def _record(self, kind: str, payload: Json, acks: list[Ack]) -> None:
        name = payload.get("command") or payload.get("event", payload).get("type")
        for ack in acks:
            entry = {"kind": kind, "name": name, "status": ack.status, "error": ack.error, "body": ack.body}
            self.log.append({**entry, "elapsed": round(ack.elapsed, 4)})

    async def replay(self, number: int = -1) -> Ack:
        """Send an earlier HTTP request again, with its old signature."""
        ack = await self.http.send(self._requests[number])
        self._record("replay", {"type": "replay"}, [ack])
        return ack

    def deliver_event(self, payload: Json) -> None:
        """Deliver an event in the background; retry until the bot answers 200."""
        task = asyncio.create_task(self._deliver_until_acknowledged(payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_until_acknowledged(self, payload: Json) -> None:
        ack = await self.deliver("event", payload)
        for attempt, delay in enumerate(self._retry_delays, start=1):
            if ack.ok:
                return
            await asyncio.sleep(delay)
            ack = await self.deliver("event", payload, retry=(attempt, _retry_reason(ack)))

    async def verify_url(self) -> bool:
        """Perform Slack's url_verification handshake; True if the bot returned the challenge."""
        challenge = secrets.token_hex(16)
        ack = await self.deliver("event", {"type": "url_verification", "token": "local", "challenge": challenge})
        return ack.ok and challenge in ack.body

"""/dev over HTTP: acting as a person, and seeing what a person sees; for the web page, scripts and tests."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dev.slack.delivery import Ack, Delivery, endpoint
from dev.slack.faults import Fault, Faults
from dev.slack.interactions import COMMANDS, People
from dev.slack.views import Views
from dev.slack.workspace import BOT_USER, TEAM_NAME, Channel, Json, SlackError, Workspace

KEEP_ALIVE_SECONDS = 15.0


def _roots(channel: Channel) -> list[Json]:
    return [m for m in channel.messages.values() if m.get("thread_ts", m["ts"]) == m["ts"]]


class Desk:
    """What a person does is POST /dev/<action> with a JSON object of arguments; what is seen is GET /dev/<what>.

    Answers are {"result": …}, or {"error": word, "detail": …} with status 400."""

    def __init__(self, workspace: Workspace, views: Views, people: People, delivery: Delivery, faults: Faults):
        self._workspace = workspace
        self._views = views
        self._delivery = delivery
        self._faults = faults
        self._actions: dict[str, Callable[..., Awaitable[Any]]] = {
            "command": people.command,
            "say": people.say,
            "click": people.click,
            "submit": people.submit,
            "close": people.close,
            "open_home": people.open_home,
            "replay": delivery.replay,
            "verify_url": delivery.verify_url,
            "disconnect": delivery.socket.disconnect,
            "connect_bot": self._connect_bot,
            "fault": self._order_fault,
            "clear_faults": self._clear_faults,
        }
        self._sights: dict[str, Callable[..., Awaitable[Any]]] = {
            "state": self._state,
            "messages": self._messages,
            "thread": self._thread,
            "ephemerals": self._ephemerals,
            "dms": self._dms,
            "views": self._open_views,
            "home": self._home,
            "deliveries": self._deliveries,
            "version": self._version,
            "wait": self._wait,
        }

    def routes(self) -> list[Route]:
        """To be mounted before the page's own."""
        return [
            Route("/dev/changes", self._changes),
            Route("/dev/{name}", self._see, methods=["GET"]),
            Route("/dev/{name}", self._act, methods=["POST"]),
        ]

    async def _act(self, request: Request) -> Response:
        if urlsplit(request.headers.get("origin", "")).netloc not in ("", request.headers.get("host")):
            return JSONResponse({"error": "cross_origin", "detail": "another site's page may not act here"}, 403)
        return await _call(self._actions, request.path_params["name"], await request.json())

    async def _see(self, request: Request) -> Response:
        return await _call(self._sights, request.path_params["name"], dict(request.query_params))

    async def _changes(self, request: Request) -> Response:
        """Server-sent events: the version of the workspace, each time it grows."""

        async def stream() -> AsyncIterator[str]:
            version = -1
            while not (self._workspace.closing or await request.is_disconnected()):
                version = await self._workspace.changed_since(version, KEEP_ALIVE_SECONDS)
                yield f"data: {version}\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    # -- ordering troubles -------------------------------------------------------------------------------

    async def _order_fault(self, **details: Any) -> None:
        self._faults.add(Fault(**details))

    async def _clear_faults(self) -> None:
        self._faults.clear()

    async def _connect_bot(self, url: str) -> None:
        self._delivery.http.url = endpoint(url)
        self._delivery.socket_mode = False

    # -- seeing ------------------------------------------------------------------------------------------

    async def _messages(self, channel: str) -> list[Json]:
        return _roots(self._workspace.channel(channel))

    async def _thread(self, ts: str) -> list[Json]:
        for channel in self._workspace.channels.values():
            if ts in channel.messages:
                return channel.thread(self._workspace.parent(channel, ts)["ts"])
        raise SlackError("thread_not_found")

    async def _ephemerals(self, user: str, channel: str = "") -> list[Json]:
        reader = self._workspace.user(user).id
        places = [self._workspace.channel(channel)] if channel else self._workspace.channels.values()
        return [message for place in places for message in place.ephemerals if message["reader"] == reader]

    async def _dms(self, user: str) -> list[Json]:
        return list(self._workspace.dm(user).messages.values())

    async def _open_views(self, user: str) -> list[Json]:
        return self._views.stacks[self._workspace.user(user).id]

    async def _home(self, user: str) -> Json | None:
        return self._views.homes.get(self._workspace.user(user).id)

    async def _deliveries(self) -> list[Json]:
        return self._delivery.log

    async def _version(self) -> int:
        return self._workspace.version

    async def _wait(self, after: str, timeout: str) -> int:
        return await self._workspace.changed_since(int(after), float(timeout))

    async def _state(self, user: str) -> Json:
        """All the page shows to one person."""
        me = self._workspace.user(user)
        self._workspace.dm(me.id)
        return {
            "version": self._workspace.version,
            "team": TEAM_NAME,
            "me": me.id,
            "bot": BOT_USER,
            "commands": COMMANDS,
            "users": [dataclasses.asdict(person) for person in self._workspace.users.values()],
            "channels": [self._channel(channel, me.id) for channel in self._workspace.visible_to(me.id)],
            "modals": self._views.stacks[me.id],
            "home": self._views.homes.get(me.id),
        }

    def _channel(self, channel: Channel, reader: str) -> Json:
        seen = [m for m in channel.ephemerals if m["reader"] == reader]
        return {
            "id": channel.id,
            "name": channel.name,
            "topic": channel.topic,
            "is_im": channel.is_im,
            "messages": sorted([*channel.messages.values(), *seen], key=lambda m: float(m["ts"])),
        }


async def _call(table: dict[str, Callable[..., Awaitable[Any]]], name: str, arguments: Json) -> Response:
    if name not in table:
        return JSONResponse({"error": "unknown", "detail": f"there is no /dev/{name}"}, 404)
    try:
        result = await table[name](**arguments)
    except SlackError as refusal:
        return JSONResponse({"error": refusal.code, "detail": "; ".join(map(str, refusal.args[1:]))}, 400)
    except (TypeError, ValueError, IndexError) as problem:
        return JSONResponse({"error": "invalid_arguments", "detail": str(problem)}, 400)
    return JSONResponse({"result": dataclasses.asdict(result) if isinstance(result, Ack) else result})

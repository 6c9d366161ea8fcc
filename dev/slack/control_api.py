"""The control API under /dev, for the web page and tests."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dev.slack.delivery import Ack, Delivery, request_url
from dev.slack.faults import Fault, Faults
from dev.slack.interactions import COMMAND_HINTS, Interactions
from dev.slack.views import Views
from dev.slack.workspace import BOT_USER, TEAM_NAME, Channel, Json, SlackError, Workspace

KEEP_ALIVE_SECONDS = 15.0


def _roots(channel: Channel) -> list[Json]:
    return [m for m in channel.messages.values() if m.get("thread_ts", m["ts"]) == m["ts"]]


class ControlApi:
    """The routes of the control API.

    Actions are POST /dev/<action> with a JSON object of arguments. Queries are GET /dev/<resource>.
    Answers are {"result": …}, or {"error": code, "detail": …} with status 400."""

    def __init__(
        self, workspace: Workspace, views: Views, interactions: Interactions, delivery: Delivery, faults: Faults
    ):
        self._workspace = workspace
        self._views = views
        self._delivery = delivery
        self._faults = faults
        self._actions: dict[str, Callable[..., Awaitable[Any]]] = {
            "command": interactions.command,
            "say": interactions.say,
            "click": interactions.click,
            "shortcut": interactions.shortcut,
            "submit": interactions.submit,
            "close": interactions.close,
            "open_home": interactions.open_home,
            "replay": delivery.replay,
            "verify_url": delivery.verify_url,
            "disconnect": delivery.socket.disconnect,
            "connect_bot": self._connect_bot,
            "restore_messages": self._restore_messages,
            "delete_message": self._delete_message,
            "set_archived": self._set_archived,
            "delete_channel": self._delete_channel,
            "deactivate": self._deactivate,
            "fault": self._add_fault,
            "clear_faults": self._clear_faults,
        }
        self._queries: dict[str, Callable[..., Awaitable[Any]]] = {
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
        """The routes, which must come before those of the web page."""
        return [
            Route("/dev/changes", self._changes),
            Route("/dev/{name}", self._get, methods=["GET"]),
            Route("/dev/{name}", self._post, methods=["POST"]),
        ]

    async def _post(self, request: Request) -> Response:
        if urlsplit(request.headers.get("origin", "")).netloc not in ("", request.headers.get("host")):
            return JSONResponse({"error": "cross_origin", "detail": "pages of other sites can't use this API"}, 403)
        return await _call(self._actions, request.path_params["name"], await request.json())

    async def _get(self, request: Request) -> Response:
        return await _call(self._queries, request.path_params["name"], dict(request.query_params))

    async def _changes(self, request: Request) -> Response:
        """Server-sent events: the new version of the workspace after each change."""

        async def stream() -> AsyncIterator[str]:
            version = -1
            while not (self._workspace.closing or await request.is_disconnected()):
                version = await self._workspace.changed_since(version, KEEP_ALIVE_SECONDS)
                yield f"data: {version}\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    # -- faults, the bot's address and messages ----------------------------------------------------------

    async def _add_fault(self, **details: Any) -> None:
        self._faults.add(Fault(**details))

    async def _clear_faults(self) -> None:
        self._faults.clear()

    async def _connect_bot(self, url: str) -> None:
        self._delivery.http.url = request_url(url)
        self._delivery.socket_mode = False

    async def _restore_messages(self, channel: str, messages: list[Json]) -> None:
        self._workspace.restore(self._workspace.channel(channel), messages)

    # -- what administrators of a workspace do -----------------------------------------------------------

    async def _delete_message(self, channel: str, ts: str) -> None:
        self._workspace.remove(self._workspace.channel(channel), ts)

    async def _set_archived(self, channel: str, archived: bool) -> None:
        self._workspace.set_archived(self._workspace.channel(channel), archived)

    async def _delete_channel(self, channel: str) -> None:
        self._workspace.delete_channel(self._workspace.channel(channel))

    async def _deactivate(self, user: str) -> None:
        self._workspace.deactivate(self._workspace.user(user))

    # -- queries -----------------------------------------------------------------------------------------

    async def _messages(self, channel: str) -> list[Json]:
        return _roots(self._workspace.channel(channel))

    async def _thread(self, ts: str) -> list[Json]:
        for channel in self._workspace.channels.values():
            if ts in channel.messages:
                return channel.thread(self._workspace.parent(channel, ts)["ts"])
        raise SlackError("thread_not_found")

    async def _ephemerals(self, user: str, channel: str = "") -> list[Json]:
        reader = self._workspace.user(user).id
        channels = [self._workspace.channel(channel)] if channel else self._workspace.channels.values()
        return [message for found in channels for message in found.ephemerals if message["reader"] == reader]

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
        """Everything that the web page shows to one user."""
        me = self._workspace.user(user)
        self._workspace.dm(me.id)
        return {
            "version": self._workspace.version,
            "team": TEAM_NAME,
            "me": me.id,
            "bot": BOT_USER,
            "commands": COMMAND_HINTS,
            "users": [dataclasses.asdict(user) for user in self._workspace.users.values()],
            "channels": [self._channel(channel, me.id) for channel in self._workspace.visible_to(me.id)],
            "modals": self._views.stacks[me.id],
            "home": self._views.homes.get(me.id),
        }

    def _channel(self, channel: Channel, reader: str) -> Json:
        ephemerals = [m for m in channel.ephemerals if m["reader"] == reader]
        return {
            "id": channel.id,
            "name": channel.name,
            "topic": channel.topic,
            "is_im": channel.is_im,
            "messages": sorted([*channel.messages.values(), *ephemerals], key=lambda m: float(m["ts"])),
        }


async def _call(table: dict[str, Callable[..., Awaitable[Any]]], name: str, arguments: Json) -> Response:
    if name not in table:
        return JSONResponse({"error": "not_found", "detail": f"no such action or resource: /dev/{name}"}, 404)
    try:
        result = await table[name](**arguments)
    except SlackError as refusal:
        return JSONResponse({"error": refusal.code, "detail": "; ".join(map(str, refusal.args[1:]))}, 400)
    except (TypeError, ValueError, IndexError) as error:
        return JSONResponse({"error": "invalid_arguments", "detail": str(error)}, 400)
    return JSONResponse({"result": dataclasses.asdict(result) if isinstance(result, Ack) else result})

"""Runs the server of the local Slack."""

import socket
import threading
import time
from typing import Any, Self

import uvicorn

from dev.slack.client import LocalSlackClient
from dev.slack.server import Server, Settings

START_TIMEOUT_SECONDS = 60


class LocalSlack(LocalSlackClient):
    """A Slack workspace in this process, for a `with` block.

    Other keyword arguments are fields of `dev.slack.server.Settings`, such as bot_url and signing_secret."""

    def __init__(self, bot_url: str | None = None, *, host: str = "127.0.0.1", port: int = 0, **settings: Any):
        self._socket = socket.create_server((host, port))
        super().__init__(f"http://{host}:{self._socket.getsockname()[1]}")
        self.settings = Settings(bot_url=bot_url, **settings)
        self._server = create_server(self.settings, self.workspace_url)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="local-slack", daemon=True
        )

    @property
    def bot_token(self) -> str:
        """The bot's SLACK_BOT_TOKEN."""
        return self.settings.bot_token

    @property
    def app_token(self) -> str:
        """The bot's SLACK_APP_TOKEN."""
        return self.settings.app_token

    @property
    def signing_secret(self) -> str:
        """The bot's SLACK_SIGNING_SECRET."""
        return self.settings.signing_secret

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError(
                    f"The local Slack did not start within {START_TIMEOUT_SECONDS} s on {self.workspace_url}."
                )
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._server.should_exit = True
        self._thread.join(START_TIMEOUT_SECONDS)


class _UvicornServer(uvicorn.Server):
    """A server that closes its event streams before it stops."""

    def __init__(self, server: Server):
        options: dict[str, Any] = {"log_level": "warning", "access_log": False, "lifespan": "off"}
        super().__init__(uvicorn.Config(server.app(), timeout_graceful_shutdown=1, **options))
        self._workspace = server.workspace

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._workspace.close()
        await super().shutdown(sockets)


def create_server(settings: Settings, base_url: str) -> uvicorn.Server:
    """The server for `base_url`; the caller binds the socket."""
    return _UvicornServer(Server(settings, base_url))

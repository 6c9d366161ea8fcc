"""Socket Mode: Slack's requests over a WebSocket instead of HTTP."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient

from bot.slack.client import UNREACHABLE, error_word
from provisioner.domain.errors import StorewrightError

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0  # for the first connection; the SDK retries later ones
RECONNECT_TIMEOUT_SECONDS = 20.0  # Slack closes each connection after some hours


class NotConnected(StorewrightError):
    """Socket Mode is not connected."""


class SocketMode:
    """One Socket Mode connection, which reconnects."""

    def __init__(self, app_token: str) -> None:
        self._app_token = app_token
        self._client: SocketModeClient | None = None
        self._last_trouble = ""
        self._connected_at = float("-inf")  # monotonic time of the last check that found it connected

    @contextmanager
    def serving(self, app: App) -> Iterator[None]:
        """Connect in the background, and reconnect when Slack closes the connection."""
        logger = logging.getLogger("slack_sdk.socket_mode")
        self._client = SocketModeHandler(app, self._app_token, logger=logger).client
        stopping = threading.Event()
        threading.Thread(target=self._connect, args=(self._client, stopping), name="socket-mode", daemon=True).start()
        try:
            yield
        finally:
            stopping.set()
            self._client.close()

    def check(self) -> None:
        """Raises NotConnected after RECONNECT_TIMEOUT_SECONDS without a connection."""
        if self._client and self._client.is_connected():
            self._connected_at = time.monotonic()
        elif time.monotonic() - self._connected_at > RECONNECT_TIMEOUT_SECONDS:
            what = "Socket Mode is not connected, so the bot receives nothing from Slack."
            raise NotConnected(what, self._last_trouble, "Run: storewright doctor")

    def _connect(self, client: SocketModeClient, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                client.connect_to_new_endpoint()
                self._last_trouble = ""
                return
            except SlackApiError as error:
                self._last_trouble = f"Slack rejected SLACK_APP_TOKEN: {error_word(error)}."
            except UNREACHABLE as error:
                self._last_trouble = f"Slack can't be reached: {error}."
            log.warning("Socket Mode connection failed: %s", self._last_trouble)
            stopping.wait(RETRY_SECONDS)

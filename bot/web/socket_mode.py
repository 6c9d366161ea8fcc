"""Socket Mode: Slack's requests over a WebSocket instead of HTTP."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt import App, BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.slack.app import dispatch
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
        self._client = socket_client(app, self._app_token)
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
            what = "Socket Mode is not connected: Slack's requests do not reach the bot."
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


def socket_client(app: App, app_token: str) -> SocketModeClient:
    """A client, not connected, that lets `app` answer Slack's requests."""
    logger = logging.getLogger("slack_sdk.socket_mode")
    client = SocketModeClient(app_token, logger=logger, web_client=app.client, proxy=app.client.proxy)

    def answer(client: BaseSocketModeClient, message: dict[str, Any], raw_message: str | None = None) -> None:
        envelope_id = message.get("envelope_id")
        if not isinstance(envelope_id, str):
            return  # a message about the connection
        response = dispatch(app, message.get("payload"))
        if response.status == 200:  # without an answer, Slack shows the person an error, as it does for another status
            client.send_socket_mode_response(SocketModeResponse(envelope_id, _payload_of(response)))

    client.message_listeners.append(answer)
    return client


def _payload_of(response: BoltResponse) -> dict[str, Any] | None:
    if not response.body:
        return None
    is_json = response.first_headers().get("content-type", "").startswith("application/json")
    return dict(json.loads(response.body)) if is_json else {"text": response.body}

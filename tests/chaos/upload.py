"""A person's browser with the page of an upload: it sends the archive in parts, whatever happens to the bot."""

from __future__ import annotations

import threading
import time

import httpx

from dev import local_http
from provisioner.domain.exported import FILE, FORMAT, Exported
from provisioner.imports import PART_BYTES
from tests.archives import tar_of

AGAIN_SECONDS = 0.1
OVER = (409, 410)  # the archive is refused, or its store is deleted


def archive_of(type: str) -> bytes:
    """The archive of an export of a store of this type."""
    exported = Exported(FORMAT, "elsewhere", type, "0.1.0", "https://elsewhere.example", "2026-10-01T12:00:00Z", {})
    return tar_of({FILE: exported.to_json().encode()})


class Upload:
    """The upload of an archive by the link with this URL and token."""

    def __init__(self, url: str, token: str, archive: bytes) -> None:
        self._url, self._token, self._archive = url, token, archive
        self._offset, self._over = 0, False

    def send(self) -> None:
        """Send the next part. A bot that is away gets it later."""
        headers = {
            "Origin": str(httpx.URL(self._url).copy_with(path="")).rstrip("/"),
            "Authorization": f"Bearer {self._token}",
            "Upload-Offset": str(self._offset),
            "Upload-Length": str(len(self._archive)),
        }
        part = self._archive[self._offset : self._offset + PART_BYTES]
        try:
            answer = local_http.post(self._url, content=part, headers=headers, timeout=30)
        except httpx.HTTPError:
            return
        if answer.status_code == httpx.codes.OK:
            self._offset = answer.json()["offset"]
        self._over = answer.status_code in OVER or self._offset >= len(self._archive)

    def go_on(self) -> None:
        """Send the rest on a thread of its own."""
        threading.Thread(target=self._send_all, name="upload", daemon=True).start()

    def _send_all(self) -> None:
        while not self._over:
            self.send()
            time.sleep(AGAIN_SECONDS)

"""HTTP to servers of this machine: without TLS and without a proxy."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

# It trusts no authority. To load those of the machine takes 30 ms of processor time for each client.
_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(**options: Any) -> httpx.Client:
    """A client with the options of httpx.Client; use it in a `with` block."""
    return httpx.Client(trust_env=False, verify=_NO_AUTHORITIES, **options)


def get(url: str, **options: Any) -> httpx.Response:
    """The answer to a GET, with the options of httpx.get. Raises httpx.HTTPError."""
    return httpx.get(url, trust_env=False, verify=_NO_AUTHORITIES, **options)


def post(url: str, **options: Any) -> httpx.Response:
    """The answer to a POST, with the options of httpx.post. Raises httpx.HTTPError."""
    return httpx.post(url, trust_env=False, verify=_NO_AUTHORITIES, **options)

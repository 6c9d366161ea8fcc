"""A shopper's first click, through the ingress: runs the steps of a chart's check.yaml as real HTTP requests."""

from __future__ import annotations

import json
import logging
import math
import ssl
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from provisioner.domain.errors import Transient

TIMEOUT = 10.0  # seconds for one request
logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every request otherwise
TEMPLATES = SandboxedEnvironment(undefined=StrictUndefined)


class CheckFailed(Transient):
    """The store did not answer as a shopper needs it to (yet)."""


class CertificateNotTrusted(CheckFailed):
    """The store's address shows a certificate that is not its own (yet), or that nobody vouches for whom we trust."""


def http_client(base_url: str = "") -> httpx.Client:
    """How we visit stores: past every proxy, trusting whom the machine trusts or SSL_CERT_FILE names."""
    trusted = ssl.create_default_context()
    return httpx.Client(base_url=base_url, timeout=TIMEOUT, follow_redirects=False, trust_env=False, verify=trusted)


def distrust(error: httpx.HTTPError) -> str:
    """Why a certificate is not trusted, in OpenSSL's words; empty where something else went wrong."""
    return str(error).partition("certificate verify failed: ")[2].partition(" (_ssl.c")[0]


class StorefrontClient:
    """An HTTP client that reaches a store's host by `ingress_address` ("host:port"), or by DNS where that is None."""

    def __init__(self, url: str, ingress_address: str | None, variables: dict[str, Any] | None = None) -> None:
        self._parts = urlsplit(url)
        base = f"{self._parts.scheme}://{ingress_address}" if ingress_address else url
        self._client = http_client(base)
        self.variables = dict(variables or {})

    def __enter__(self) -> StorefrontClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._client.close()

    def run(self, steps: tuple[dict[str, Any], ...]) -> None:
        """Every step in order. Raises CheckFailed naming the first that does not hold."""
        for step in steps:
            self.step(step)

    def step(self, step: dict[str, Any]) -> None:
        """One request: `get`/`post` a path, with `headers` and `json`; its `status` (200), what to `save` of the answer
        (variable -> dotted path, or `header:Name`) and what to `assert` (dotted path -> `nonempty` or `>0`). One whose
        `when` is not True is passed over.

        Strings are Jinja2 templates over the saved variables. Raises CheckFailed."""
        if self._fill(step.get("when", "True")) != "True":
            return
        method = "post" if "post" in step else "get"
        path = self._fill(step[method])
        answer = self._send(method, path, step)
        wanted = step.get("status", 200)
        if answer.status_code != wanted:
            raise CheckFailed(f"{method.upper()} {path} answered {answer.status_code}, not {wanted}.")
        for variable, where in step.get("save", {}).items():
            self.variables[variable] = _pick(answer, where, path)
        for where, condition in step.get("assert", {}).items():
            if not _holds(_pick(answer, where, path), condition):
                raise CheckFailed(f"{method.upper()} {path}: {where} is not {condition}.")

    def _send(self, method: str, path: str, step: dict[str, Any]) -> httpx.Response:
        headers = {"Host": self._parts.netloc, **self._fill(step.get("headers", {}))}
        body = json.dumps(self._fill(step["json"])) if "json" in step else None
        if body is not None:
            headers["Content-Type"] = "application/json"
        extensions = {"sni_hostname": self._parts.hostname or ""}
        try:
            return self._client.request(method, path, headers=headers, content=body, extensions=extensions)
        except httpx.HTTPError as error:
            if why := distrust(error):
                raise CertificateNotTrusted(
                    f"{self._parts.hostname} shows a certificate that is not good: {why}."
                ) from error
            raise CheckFailed(f"{method.upper()} {path} got no answer ({type(error).__name__}).") from error

    def _fill(self, value: Any) -> Any:
        """`value` with every string in it rendered."""
        if isinstance(value, str):
            return TEMPLATES.from_string(value).render(self.variables)
        if isinstance(value, dict):
            return {key: self._fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._fill(inner) for inner in value]
        return value


def _pick(answer: httpx.Response, where: str, path: str) -> Any:
    """What stands at `where` in the answer: `header:Name`, or dotted keys and indexes into its JSON."""
    try:
        if where.startswith("header:"):
            return answer.headers[where.removeprefix("header:")]
        value = answer.json()
        for key in where.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (KeyError, IndexError, ValueError, TypeError):
        raise CheckFailed(f"{path} answered without {where}.") from None
    return value


def _holds(value: Any, condition: str) -> bool:
    if condition == "nonempty":
        return bool(value)
    if condition.startswith(">"):
        return _number(value) > float(condition[1:])
    raise ValueError(f"check.yaml: unknown condition {condition!r}; use 'nonempty' or '>NUMBER'")


def _number(value: Any) -> float:
    """A number, also one in a string, as money often is in JSON; not a number where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan

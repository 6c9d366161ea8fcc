"""The storefront check: a shopper's first requests to a store.

It sends the steps of the chart's check.yaml as HTTP requests through the ingress.
"""

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

TIMEOUT_SECONDS = 10.0  # for one request
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request otherwise
TEMPLATES = SandboxedEnvironment(undefined=StrictUndefined)


class CheckFailed(Transient):
    """The store does not answer as a shopper needs it.

    It may not answer so yet. `passed` is the number of steps that succeeded before.
    """

    passed = 0


class NoAnswer(CheckFailed):
    """The store took the request and did not answer in time: it is slow, or it hangs."""


class ServerError(CheckFailed):
    """The store answered with an error of its own (5xx): not even a merchant can cause it in the admin."""


class CertificateNotTrusted(CheckFailed):
    """The store's address has no trusted certificate.

    The certificate is another host's or of an unknown authority; the store's own may still be on its way.
    """


def http_client(base_url: str = "") -> httpx.Client:
    """An HTTP client without proxies.

    It trusts the machine's certificate authorities, or those of SSL_CERT_FILE.
    """
    trusted = ssl.create_default_context()
    return httpx.Client(
        base_url=base_url,
        headers={"User-Agent": "storewright"},  # so that nobody takes it for a shopper
        timeout=TIMEOUT_SECONDS,
        follow_redirects=False,
        trust_env=False,
        verify=trusted,
    )


def distrust(error: httpx.HTTPError) -> str:
    """OpenSSL's reason for not trusting a certificate; '' for any other error."""
    return str(error).partition("certificate verify failed: ")[2].partition(" (_ssl.c")[0]


class StorefrontClient:
    """An HTTP client for one store; use it in a `with` block."""

    def __init__(self, url: str, ingress_address: str | None, variables: dict[str, Any] | None = None) -> None:
        """`ingress_address` is "host:port" of the ingress; None to find it by DNS. `variables` are for templates."""
        self._parts = urlsplit(url)
        base = f"{self._parts.scheme}://{ingress_address}" if ingress_address else url
        self._client = http_client(base)
        self.variables = dict(variables or {})

    def __enter__(self) -> StorefrontClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._client.close()

    def run(self, steps: tuple[dict[str, Any], ...]) -> None:
        """Run every step in order.

        Raises CheckFailed for the first step that fails; its `passed` is the number of steps before it.
        """
        for number, step in enumerate(steps):
            try:
                self.step(step)
            except CheckFailed as failure:
                failure.passed = number
                raise

    def step(self, step: dict[str, Any]) -> None:
        """Send one request and check its answer.

        `get` or `post` is the path; `headers` and `json` go with it. `status` is the expected status (200). `save` maps
        variables to places in the answer (a dotted path, or `header:Name`), and `assert` maps places to conditions
        (`nonempty` or `>0`). A step whose `when` is not True is skipped.
        Strings are Jinja2 templates over the variables.
        Raises CheckFailed.
        """
        if self._fill(step.get("when", "True")) != "True":
            return
        method = "post" if "post" in step else "get"
        path = self._fill(step[method])
        answer = self._send(method, path, step)
        expected = step.get("status", 200)
        if answer.status_code != expected:
            kind = ServerError if answer.status_code >= 500 else CheckFailed
            raise kind(f"{method.upper()} {path} answered {answer.status_code}, not {expected}.")
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
                what = f"{self._parts.hostname} shows a certificate that is not good: {why}."
                raise CertificateNotTrusted(what) from error
            kind = NoAnswer if isinstance(error, httpx.ReadTimeout) else CheckFailed
            raise kind(f"{method.upper()} {path} got no answer ({type(error).__name__}).") from error

    def _fill(self, value: Any) -> Any:
        """The value with every string in it rendered as a template."""
        if isinstance(value, str):
            return TEMPLATES.from_string(value).render(self.variables)
        if isinstance(value, dict):
            return {key: self._fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._fill(inner) for inner in value]
        return value


def _pick(answer: httpx.Response, where: str, path: str) -> Any:
    """The value at a place in the answer: `header:Name`, or dotted keys and indexes into its JSON."""
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
    """The value as a number; JSON often has money as a string. NaN for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan

"""A store at its own address: scheme, host and port of all that it shows come from there."""

from __future__ import annotations

import re
import ssl
from typing import Any
from urllib.parse import unquote

import httpx

from tests.e2e.medusa import MedusaStore
from tests.e2e.store_release import PNG
from tests.e2e.storefront import form_value


class Way(httpx.BaseTransport):
    """Sends a browser's requests to the ingress at `address`, over TLS or after a proxy that ended it."""

    def __init__(self, address: str, trusted: ssl.SSLContext | None = None) -> None:
        self._url = httpx.URL(f"{'https' if trusted else 'http'}://{address}")
        self._inner = httpx.HTTPTransport(verify=trusted or True)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme=self._url.scheme, host=self._url.host, port=self._url.port)
        extensions = {**request.extensions, "sni_hostname": request.url.host}
        sent = httpx.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=extensions)
        return self._inner.handle_request(sent)


def page(browser: httpx.Client, path: str, **options: Any) -> httpx.Response:
    """The answer, which mentions no other address of the store than its own."""
    method = "POST" if {"data", "json", "content", "files"} & options.keys() else "GET"
    answer = browser.request(method, path, **options)
    shown = unquote(answer.text.replace(r"\/", "/") + answer.headers.get("location", ""))
    host = re.escape(browser.base_url.host)
    assert set(re.findall(rf"https?://{host}(?::\d+)?", shown)) <= {str(browser.base_url).rstrip("/")}, path
    return answer


def require_cookies_for(browser: httpx.Client, answer: httpx.Response) -> None:
    """The answer sets cookies that the browser keeps: over TLS, and only then, with the attribute Secure."""
    cookies = [cookie.lower() for cookie in answer.headers.get_list("set-cookie")]
    assert cookies
    assert {"secure" in cookie for cookie in cookies} == {browser.base_url.scheme == "https"}


def require_whole_medusa(store: MedusaStore, url: str) -> None:
    """The store, whose own address is `url`, works there; its ingress gets the requests as from a proxy at `url`."""
    with httpx.Client(base_url=url, transport=Way(store.cluster.ingress_address), timeout=60) as browser:
        _require_shop(browser, url)
        _require_admin(browser, url, store.secret)


def _require_shop(browser: httpx.Client, url: str) -> None:
    for path in ("/", "/products/stoneware-mug", "/cart", "/app", "/sitemap.xml", "/robots.txt"):
        assert page(browser, path).status_code == 200, path
    assert f"<loc>{url}/products/stoneware-mug</loc>" in page(browser, "/sitemap.xml").text
    variant = form_value(page(browser, "/products/stoneware-mug").text, "variant")
    added = page(browser, "/cart", data={"variant": variant}, headers={"Origin": url})
    assert added.status_code == 303
    require_cookies_for(browser, added)
    assert "Stoneware mug" in page(browser, "/cart").text


def _require_admin(browser: httpx.Client, url: str, secret: dict[str, str]) -> None:
    credentials = {"email": secret["admin-email"], "password": secret["admin-password"]}
    token = page(browser, "/auth/user/emailpass", json=credentials).json()["token"]
    login = {"Authorization": f"Bearer {token}"}
    cors = page(browser, "/admin/users/me", headers={**login, "Origin": url})
    assert (cors.status_code, cors.headers["access-control-allow-origin"]) == (200, url)
    picture = {"files": ("dot.png", PNG, "image/png")}
    address = page(browser, "/admin/uploads", headers=login, files=picture).json()["files"][0]["url"]
    assert address.startswith(f"{url}/static/")
    assert page(browser, address.removeprefix(url)).content == PNG

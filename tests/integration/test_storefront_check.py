"""The storefront check against a real HTTP server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from provisioner.clients.storefront_check import CheckFailed, StorefrontClient


class Shop(BaseHTTPRequestHandler):
    """A store that answers requests to its own host only, with a cart."""

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("Cart-Token", "t-1")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def do_GET(self) -> None:
        if self.headers["Host"] != "my-shop.localhost:8081":
            return self._answer(404, {})
        if self.path == "/products":
            return self._answer(200, {"products": [{"id": "p1"}], "key": self.headers["X-Key"]})
        return self._answer(200, {"empty": [], "none": None, "cents": "1250", "free": "0", "word": "much"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return self._answer(201, {"items": [{"id": body["id"], "price": 12.5, "qty": body["qty"]}]})

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


def visitor(address: str, url: str = "http://my-shop.localhost:8081", **variables: Any) -> StorefrontClient:
    return StorefrontClient(url, address, variables)


def test_check_passes_for_a_cart_with_a_price(address: str) -> None:
    steps: tuple[dict[str, Any], ...] = (
        {
            "get": "/products",
            "headers": {"X-Key": "{{ secret['public-key'] }}"},
            "save": {"product": "products.0.id", "key": "key", "cart": "header:Cart-Token"},
        },
        {
            "post": "/carts/{{ cart }}",
            "json": {"id": "{{ product }}", "qty": 1},
            "status": 201,
            "assert": {"items.0.price": ">0", "items": "nonempty"},
        },
    )
    with visitor(address, secret={"public-key": "pk_1"}) as shopper:
        shopper.run(steps)
        assert (shopper.variables["product"], shopper.variables["key"]) == ("p1", "pk_1")
        assert shopper.variables["cart"] == "t-1"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"get": "/products", "status": 204}, "GET /products answered 200, not 204"),
        ({"get": "/", "assert": {"empty": "nonempty"}}, "empty is not nonempty"),
        ({"get": "/", "assert": {"none": ">0"}}, "none is not >0"),
        ({"get": "/", "assert": {"free": ">0"}}, "free is not >0"),
        ({"get": "/", "assert": {"word": ">0"}}, "word is not >0"),
        ({"get": "/", "save": {"x": "empty.0.id"}}, r"answered without empty\.0\.id"),
        ({"get": "/", "save": {"x": "header:Nope"}}, "without header:Nope"),
    ],
)
def test_failed_step_names_its_request_and_condition(address: str, step: dict[str, Any], message: str) -> None:
    with visitor(address) as shopper, pytest.raises(CheckFailed, match=message):
        shopper.step(step)


def test_step_is_skipped_unless_its_when_is_true(address: str) -> None:
    with visitor(address, apis=["store"]) as shopper:
        shopper.step({"when": "{{ 'other' in apis }}", "get": "/products", "status": 500})
        assert shopper.variables == {"apis": ["store"]}
        shopper.step(
            {"when": "{{ 'store' in apis }}", "get": "/", "save": {"price": "cents"}, "assert": {"cents": ">0"}}
        )
        assert shopper.variables["price"] == "1250"


def test_request_carries_the_stores_host(address: str) -> None:
    with visitor(address, "http://other.localhost:8081") as shopper, pytest.raises(CheckFailed, match="answered 404"):
        shopper.step({"get": "/"})


def test_unreachable_store_is_a_failed_check() -> None:
    with visitor("127.0.0.1:9") as shopper, pytest.raises(CheckFailed, match="got no answer"):
        shopper.step({"get": "/"})

"""A Medusa shop installed by Helm alone, with what its tests do to it: as an operator, its owner and its shoppers."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from dev import images
from dev.cluster import Cluster

CHART = Path(__file__).parents[2] / "charts" / "medusa"
SECRET = "its-secret"
DOT = bytes.fromhex(  # a picture
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
ADDRESS = {
    "first_name": "Ada",
    "last_name": "L",
    "address_1": "1 Test Street",
    "city": "Testville",
    "postal_code": "10115",
}


def until(what: str, holds: Callable[[], Any], seconds: float = 60) -> Any:
    """What `holds` gives once it is true; fails naming `what` if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)
    return found


def ready(pod: dict[str, Any]) -> bool:
    """Tell whether a pod is, by its conditions."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


@dataclass(frozen=True)
class Shop:
    """A release `name` of a chart in a namespace of its own, with the content of its Secret."""

    cluster: Cluster
    name: str
    namespace: str
    secret: dict[str, str]

    @property
    def host(self) -> str:
        return f"{self.name}.{self.cluster.store_domain}"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.cluster.ingress_port}"

    def attempt(self, program: str, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run helm or kubectl in the shop's namespace, whatever comes of it."""
        where = ["--kubeconfig", str(self.cluster.kubeconfig), "--namespace", self.namespace]
        return subprocess.run([program, *where, *arguments], input=stdin, capture_output=True, text=True, check=False)

    def run(self, program: str, *arguments: str, stdin: str | None = None) -> str:
        done = self.attempt(program, *arguments, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.run("kubectl", *arguments, stdin=stdin)

    def found(self, kind: str, name: str) -> dict[str, Any]:
        return dict(json.loads(self.kubectl("get", kind, name, "--output=json")))

    def create(self, kind: str, name: str, api_version: str = "v1", **content: Any) -> None:
        """Make an object; `content` is what it has beside its kind and name."""
        metadata = {"name": name, **content.pop("metadata", {})}
        manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}
        self.kubectl("create", "--filename=-", stdin=json.dumps(manifest))

    def helm(self, verb: str, chart: Path = CHART, **values: Any) -> subprocess.CompletedProcess[str]:
        """`helm install` or `upgrade` with the images built here; `values` go on top, "store" on what is always set."""
        store = {"name": self.name, "displayName": self.name, "host": self.host, "url": self.url}
        store |= values.pop("store", {})
        everything = {"store": store, "secretName": SECRET, **images.build()["medusa"], **values}
        profile = str(CHART / "values-local.yaml")
        arguments = [verb, self.name, str(chart), "--values", profile, "--values=-", "--timeout=120s"]
        return self.attempt("helm", *arguments, stdin=yaml.safe_dump(everything))

    def http(self, path: str, **options: Any) -> httpx.Response:
        headers = {"Host": f"{self.host}:{self.cluster.ingress_port}", **options.pop("headers", {})}
        method = options.pop("method", "POST" if {"json", "files"} & options.keys() else "GET")
        url = f"http://{self.cluster.ingress_address}{path}"
        return httpx.request(method, url, headers=headers, timeout=10, trust_env=False, **options)

    def answers(self) -> bool:
        try:
            return self.http("/").status_code == 200
        except httpx.HTTPError:
            return False

    def pod(self, component: str) -> dict[str, Any]:
        selector = f"--selector=app.kubernetes.io/component={component}"
        found = json.loads(self.kubectl("get", "pods", selector, "--output=json"))["items"]
        return dict(found[0]) if found else {}

    def sql(self, query: str) -> list[str]:
        """The lines that psql prints, without a heading, as the superuser of the shop's own database."""
        psql = ["psql", "--username=postgres", "--no-align", "--tuples-only", "--quiet", "--command", query, "medusa"]
        return self.kubectl("exec", f"statefulset/{self.name}-database", "--", *psql).splitlines()

    def login(self) -> str:
        """The owner's token. Fails if the credentials of the Secret do not open the admin."""
        known = {"email": self.secret["admin-email"], "password": self.secret["admin-password"]}
        answer = self.http("/auth/user/emailpass", json=known)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def admin(self, path: str, **options: Any) -> dict[str, Any]:
        """What the Admin API answers to its owner."""
        return _content(self.http(f"/admin{path}", headers={"Authorization": f"Bearer {self.login()}"}, **options))

    def orders(self) -> list[dict[str, Any]]:
        return list(self.admin("/orders?limit=1000&fields=id,total,currency_code")["orders"])

    def upload(self, name: str, content: bytes) -> str:
        """The path under which the shop serves a picture its owner uploaded; its address must be the shop's."""
        address = str(self.admin("/uploads", files={"files": (name, content, "image/png")})["files"][0]["url"])
        assert address.startswith(f"{self.url}/static/")
        return address.removeprefix(self.url)

    def store(self, path: str, **options: Any) -> dict[str, Any]:
        """What the Store API answers to a shopper."""
        return _content(
            self.http(f"/store{path}", headers={"x-publishable-api-key": self.secret["publishable-key"]}, **options)
        )

    def buy(self) -> dict[str, Any]:
        """One order of some product that is in stock, as its shopper is told of it."""
        region = self.store("/regions")["regions"][0]
        products = self.store("/products?fields=*variants,%2Bvariants.inventory_quantity")["products"]
        in_stock = [v["id"] for product in products for v in product["variants"] if v["inventory_quantity"] > 0]
        items = [{"variant_id": secrets.choice(in_stock), "quantity": 1}]
        address = ADDRESS | {"country_code": region["countries"][0]["iso_2"]}
        whose = {"email": "ada@example.com", "shipping_address": address, "billing_address": address}
        cart = self.store("/carts", json={"region_id": region["id"], "items": items, **whose})["cart"]["id"]
        option = self.store(f"/shipping-options?cart_id={cart}")["shipping_options"][0]["id"]
        self.store(f"/carts/{cart}/shipping-methods", json={"option_id": option})
        payment = self.store("/payment-collections", json={"cart_id": cart})["payment_collection"]["id"]
        self.store(f"/payment-collections/{payment}/payment-sessions", json={"provider_id": "pp_system_default"})
        done = self.store(f"/carts/{cart}/complete", json={})
        assert done["type"] == "order", done
        return dict(done["order"])


@contextmanager
def shop(cluster: Cluster, name: str, **secret: str) -> Iterator[Shop]:
    """A namespace as the provisioner makes it, with a store's Secret (`secret` replaces parts of it), for a while."""
    keys = ["admin-password", "database-password", "jwt-secret", "cookie-secret"]
    content = {key: secrets.token_hex(24) for key in keys}
    content |= {"admin-email": "ada@example.com", "publishable-key": f"pk_{secrets.token_hex(32)}"} | secret
    one = Shop(cluster, name, f"{name}-{secrets.token_hex(3)}", content)
    one.create("Namespace", one.namespace, metadata={"labels": RESTRICTED})
    try:
        one.create("Secret", SECRET, stringData=one.secret)
        yield one
    finally:
        one.kubectl("delete", "namespace", one.namespace, "--ignore-not-found", "--wait=false")


def process(pod: dict[str, Any], words: bytes) -> int:
    """The oldest process of a pod that has `words` in its command, as this machine numbers it."""
    uid = pod["metadata"]["uid"]  # its control group is named by it
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda folder: int(folder.name)):
        try:
            group, command = (folder / "cgroup").read_text(), (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it ended meanwhile
        if uid in group and words in command:
            return int(folder.name)
    raise AssertionError(f"no process of the pod {uid} on this machine")


def _content(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json())

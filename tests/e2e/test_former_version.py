"""This version takes over the ledger, the Slack messages and the stores of the former one, from files in tests/former.

The tests share one bot and run in order: the last one deletes the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dev import local_http
from dev.cluster import Cluster
from dev.slack import LocalSlackClient
from dev.stack import Stack, job_of, kubectl, newest_root, one_time_link, read_secret, remove_stores
from provisioner.domain.store import SECRET_NAME
from provisioner.ledger.backup import summarize
from provisioner.ledger.schema import schemas
from tests.e2e.sample_type import SampleType, load_image
from tests.former import restore
from tests.waiting import until
from tests.workers import PORT_OFFSET

Json = dict[str, Any]
NAMESPACE = "store-former-shop"
UNKNOWN_BUTTON: Json = {
    "type": "actions",
    "block_id": "old",
    "elements": [{"type": "button", "action_id": "archive", "value": "x", "text": {"type": "plain_text", "text": "A"}}],
}


class FormerStores:
    """What the former version left, as people and the cluster see it. `before` has the messages it had posted."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.cluster, self.slack = stack, stack.cluster, stack.slack()
        self.before = {root["ts"]: self.slack.thread(root) for root in self.slack.messages("#stores")}

    def root(self, store: str, kind: str, status: str, seconds: float = 90) -> Json:
        """The newest root message of such a job, once it has that status."""
        job = {"store": store, "kind": kind, "status": status}
        messages = self.slack.messages
        return self.slack.wait_for(lambda: newest_root(messages("#stores"), **job), seconds, str(job))

    def page(self, path: str = "/") -> str:
        return self.cluster.get(f"former-shop.{self.cluster.store_domain}", path).text

    def kubectl(self, *args: str) -> str:
        return kubectl(self.cluster, "-n", NAMESPACE, *args)

    def sign_guest_book(self, name: str) -> None:
        """Write a name into a file on the store's volume."""
        script = f"echo {name} >/www/guests/book.txt"
        self.kubectl("exec", "deployment/former-shop", "--", "/busybox", "sh", "-c", script)

    def kept(self) -> dict[str, str]:
        """What no operation on the store may change."""
        uids = [self.kubectl("get", kind, "-o", "jsonpath={.items[*].metadata.uid}") for kind in ("pvc", "service")]
        return {
            **read_secret(self.cluster, NAMESPACE, SECRET_NAME),
            "claim": uids[0],
            "service": uids[1],
            "guests": self.page("/guests/book.txt"),
        }

    def reveal(self, address: str, token: str) -> str:
        """The credentials behind a link."""
        origin = address.rsplit("/s/", 1)[0]
        return local_http.post(address, json={"token": token}, headers={"Origin": origin}).text

    def require_former_posts(self) -> None:
        """Every former root message is there once, edited in place; the thread of an ended job has the same posts."""
        now = self.slack.messages("#stores")
        jobs = [job_of(root)["job"] for root in now if job_of(root)]
        assert len(jobs) == len(set(jobs)), "one root message a job"
        for ts, [former_root, *former_posts] in self.before.items():
            [root, *posts] = self.slack.thread(ts)
            assert root["ts"] == ts
            kept = posts if job_of(former_root)["status"] != "running" else posts[: len(former_posts)]
            assert [post["text"] for post in kept] == [post["text"] for post in former_posts]


@pytest.fixture(scope="module")
def former(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FormerStores]:
    """The former version's stores, with this version's bot just started, and a newer chart."""
    folder = tmp_path_factory.mktemp("former")
    load_image(cluster, folder)
    leaflet = SampleType(folder / "charts", restore.CHART)
    leaflet.release("0.2.0", migration="echo migrated")
    stack = Stack(folder / "stack", cluster, {"CHARTS_DIR": str(leaflet.charts)}, PORT_OFFSET)
    try:
        stack.start_slack()
        restore.restore(stack)
        stores = FormerStores(stack)
        until("the store serves again", lambda: "version 0.1.0<" in stores.page())
        stack.start_bot()
        yield stores
    finally:
        stack.stop()
        remove_stores(cluster, stack.folder)


def test_ledger_is_backed_up_and_stores_are_listed(former: FormerStores) -> None:
    [backup] = (former.stack.folder / "backups").glob("*-before-*.db")
    assert backup.stem.endswith("-before-m0004-phases-and-facts")
    assert summarize(backup).schema == "m0003_chart_versions"
    assert summarize(former.stack.folder / "ledger.db").schema == schemas()[-1]
    answer = str(former.slack.ask("Dana", "#stores", "/store list"))
    assert f"http://former-shop.localhost:{former.cluster.ingress_port}" in answer
    for shown in ("former-shop (ready)", "former-broken (failed)", "former-undone (ready)"):
        assert shown in answer
    assert "former-gone" not in answer
    former.slack.open_home("Dana")
    home = json.dumps(former.slack.wait_for(lambda: former.slack.home("Dana")))
    assert "former-shop" in home
    assert "former-broken" in home
    assert "former-gone" not in home


def test_buttons_and_links_of_the_former_version_work(former: FormerStores) -> None:
    slack = former.slack
    root = former.root("former-shop", "create", "succeeded")
    password = read_secret(former.cluster, NAMESPACE, SECRET_NAME)["password"]
    former_link = one_time_link(slack, "Dana", "#stores")
    assert password in former.reveal(*former_link), "the link that the former version minted"
    assert slack.click("Dana", root, "credentials").ok
    own_link = slack.wait_for(lambda: _other_than(former_link, slack))
    assert password in former.reveal(*own_link)
    assert password not in former.reveal(*own_link), "it works once"
    assert slack.click("Dana", root, "delete").ok
    form = slack.wait_for(lambda: slack.views("Dana"))[-1]
    assert "former-shop" in json.dumps(form["blocks"])
    assert slack.submit("Dana", form, {"name": "another"}), "refused, and nothing is deleted"
    slack.close("Dana")


def _other_than(former_link: tuple[str, str], slack: LocalSlackClient) -> tuple[str, str] | None:
    link = one_time_link(slack, "Dana", "#stores")
    return link if link != former_link else None


def test_button_that_this_version_does_not_know_is_refused_politely(former: FormerStores) -> None:
    slack = former.slack
    older: Json = {"type": "message", "ts": "1600000000.000001", "user": "U0STOREWR", "text": ""}
    slack.restore_messages("#stores", [{**older, "blocks": [UNKNOWN_BUTTON]}])
    assert slack.click("Dana", older["ts"], "archive").ok
    refusal = slack.wait_for(lambda: [m for m in slack.ephemerals("Dana") if "older version" in m["text"]])[-1]
    assert "Type `/store list` to go on." in refusal["text"]


def test_rollback_that_the_former_version_began_ends(former: FormerStores) -> None:
    root = former.root("former-undone", "upgrade", "failed")
    assert root["ts"] in former.before, "edited in place"
    assert "could not be upgraded. It runs Leaflet 0.1.0 again; nothing was lost." in root["text"]
    assert "Its log says “error: it is odd”." in root["text"]
    lines = former.slack.wait_for(lambda: _lines_after(former, root))
    assert ["The former version is back" in lines[0], "The migration of former-undone failed" in lines[1]] == [True] * 2
    assert len(lines) == 2, "no line about a stage that the former version reported"
    former.require_former_posts()
    assert "former-undone (ready)" in former.slack.ask("Oli", "#stores", "/store list")["text"]
    assert len(_notices_of(former.slack, "former-undone")) == 1


def _notices_of(slack: LocalSlackClient, store: str) -> dict[str, Json]:
    return {message["ts"]: message for message in slack.messages("#store-failures") if store in message["text"]}


def _lines_after(former: FormerStores, root: Json) -> list[str]:
    """The lines in the thread after those of the former version, once the job's end is among them."""
    posts = former.slack.thread(root)[len(former.before[root["ts"]]) :]
    lines = "\n".join(post["text"] for post in posts).splitlines()
    return lines if lines and lines[-1].startswith(":x:") else []


def test_failed_store_is_created_by_its_retry_button(former: FormerStores) -> None:
    slack = former.slack
    root = former.root("former-broken", "create", "failed")
    notices = _notices_of(slack, "former-broken")
    assert slack.click("Dana", root, "retry").ok
    assert "is ready" in former.root("former-broken", "create", "succeeded")["text"]
    assert "version 0.2.0<" in former.cluster.get(f"former-broken.{former.cluster.store_domain}").text
    slack.wait_for(lambda: "Solved" in str(_notices_of(slack, "former-broken")))
    assert list(_notices_of(slack, "former-broken")) == list(notices), "edited in place"
    former.require_former_posts()


def test_store_is_restarted_without_an_upgrade(former: FormerStores) -> None:
    pods = ("get", "pods", "-l", "app.kubernetes.io/component=application", "-o", "name")
    former.sign_guest_book("Ada")
    before, old_pods = former.kept(), set(former.kubectl(*pods).split())
    assert former.slack.command("Dana", "#stores", "/store restart former-shop").ok
    former.root("former-shop", "restart", "succeeded")
    until("the former pod is gone", lambda: not old_pods & set(former.kubectl(*pods).split()))
    assert former.kept() == before
    assert "version 0.1.0<" in former.page(), "not upgraded"
    former.require_former_posts()


def test_store_is_upgraded_and_deleted(former: FormerStores) -> None:
    slack = former.slack
    former.sign_guest_book("Grace")
    before = former.kept()
    assert before["guests"] == "Grace\n"

    assert slack.command("Dana", "#stores", "/store upgrade former-shop").ok
    upgraded = former.root("former-shop", "upgrade", "succeeded")
    assert "runs Leaflet 0.2.0" in upgraded["text"]
    slack.wait_for(lambda: "version 0.2.0<" in former.page())
    assert "#1f5f8b" in former.page(), "the colour that was chosen in the order"
    assert former.kept() == before
    statuses = former.kubectl("get", "secrets", "-l", "owner=helm", "-o", "jsonpath={.items[*].metadata.labels.status}")
    assert statuses.split() == ["superseded", "deployed"]

    assert slack.click("Dana", upgraded, "delete").ok
    form = slack.wait_for(lambda: slack.views("Dana"))[-1]
    assert slack.submit("Dana", form, {"name": "former-shop"}) is None
    assert "is deleted" in former.root("former-shop", "delete", "succeeded")["text"]
    assert f"namespace/{NAMESPACE}" not in kubectl(former.cluster, "get", "namespaces", "-o", "name").split()
    assert NAMESPACE not in kubectl(former.cluster, "get", "pv", "-o", "jsonpath={.items[*].spec.claimRef.namespace}")
    slack.wait_for(lambda: "deleted it" in former.root("former-shop", "upgrade", "succeeded")["text"])
    assert "ordered a restart later" in former.root("former-shop", "create", "succeeded")["text"]
    former.require_former_posts()

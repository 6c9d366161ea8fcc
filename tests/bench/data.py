"""What happens to a store's data, ordered through Slack: backup, clone, restore, deletion and undelete; each timed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from dev.cluster import Cluster
from dev.stack import Stack, backup_image, instance_of, kubectl
from tests.bench.orders import newest, store, until_done
from tests.e2e.shoppers import Visits

NAME = "data-shop"
MORE = 1_000_000_000  # bytes
MORE_FILES = 100
Figures = dict[str, list[float]]


class DataShop:
    """A Ready store, and the orders on it."""

    def __init__(self, stack: Stack, cluster: Cluster) -> None:
        self._slack, self._cluster = stack.slack(), cluster
        self._host, self._namespace = stack.addresses.host(NAME), stack.addresses.namespace(NAME)
        self.taken: Figures = {}

    def timed(self, what: str, order: Callable[[], None], kind: str, store: str = NAME) -> None:
        """Order it, wait for its good end, and note the seconds from the order."""
        before, begun = newest(self._slack, store, kind), time.monotonic()
        order()
        until_done(self._slack, store, kind, before)
        self.taken.setdefault(what, []).append(time.monotonic() - begun)

    def typed(self, words: str) -> Callable[[], None]:
        return lambda: _require(self._slack.command("Dana", "#stores", f"/store {words}").ok)

    def in_form(self, words: str, name: str = NAME) -> Callable[[], None]:
        """The command, and its form with the store's name in the field that asks for one."""

        def order() -> None:
            self.typed(words)()
            view = self._slack.wait_for(lambda: self._slack.views("Dana"), what="the form")[-1]
            asks = any(block.get("block_id") == "name" for block in view["blocks"])
            _require(self._slack.submit("Dana", view, {"name": name} if asks else {}) is None)

        return order

    def visit(self) -> None:
        """Raises AssertionError or httpx.HTTPError if the home page does not answer."""
        assert self._cluster.get(self._host).status_code == 200

    def upload_more(self) -> None:
        """Put MORE bytes that can't be compressed among the uploads, from a pod with the application's ids."""
        where = ("-n", self._namespace)
        found = json.loads(kubectl(self._cluster, *where, "get", f"deployment/{NAME}", "-o", "json"))
        pod = json.dumps(_writer(found["spec"]["template"]["spec"]))
        kubectl(self._cluster, *where, "create", "-f", "-", stdin=pod)
        done = "--for=jsonpath={.status.phase}=Succeeded"
        kubectl(self._cluster, *where, "wait", "pod/writer", done, "--timeout=120s")
        kubectl(self._cluster, *where, "delete", "pod", "writer", "--wait=true")


def _writer(application: dict[str, Any]) -> dict[str, Any]:
    """A pod that writes to the uploads."""
    image = backup_image()
    script = f"for i in $(seq {MORE_FILES}); do head -c {MORE // MORE_FILES} /dev/urandom >more$i; done"
    container = {
        "name": "writer",
        "image": f"{image['repository']}:{image['tag']}",
        "command": ["sh", "-euc", script],
        "workingDir": "/uploads",
        "volumeMounts": [{"name": "uploads", "mountPath": "/uploads"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    claim = {"name": "uploads", "persistentVolumeClaim": {"claimName": f"{NAME}-uploads"}}
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": application["securityContext"],
        "containers": [container],
        "volumes": [claim],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "writer"}, "spec": spec}


def seconds(stack: Stack, cluster: Cluster, type_name: str, rounds: int) -> tuple[Figures, dict[str, int]]:
    """The seconds of `rounds` operations of each kind, and how many requests were answered and failed meanwhile."""
    stack.start_backup_server()
    server = f"deployment/{instance_of(stack.folder)}-backup"
    kubectl(cluster, "rollout", "status", server, "-n", "storewright", "--timeout=120s")
    shop = DataShop(stack, cluster)
    with store(stack, type_name, NAME):
        shop.timed("first backup", shop.typed(f"backup {NAME}"), "backup")
        with Visits(shop.visit, pause_seconds=0.02) as visits:
            for number in range(rounds):
                shop.timed("backup, nothing changed", shop.typed(f"backup {NAME}"), "backup")
                copy = f"data-copy-{number}"
                shop.timed("clone", shop.typed(f"clone {NAME} {copy}"), "clone", copy)
                shop.timed("delete a clone for good", shop.in_form(f"delete {copy} now", copy), "delete", copy)
        for _ in range(rounds):
            shop.timed("restore, with a backup first", shop.in_form(f"restore {NAME}"), "restore")
        for _ in range(rounds):
            shop.timed("delete, with a last backup", shop.in_form(f"delete {NAME}"), "delete")
            shop.timed("undelete", shop.typed(f"undelete {NAME}"), "undelete")
        shop.upload_more()
        shop.timed("backup of 1 GB more", shop.typed(f"backup {NAME}"), "backup")
        for _ in range(rounds):
            shop.timed("backup, 1 GB unchanged", shop.typed(f"backup {NAME}"), "backup")
            shop.timed("restore of 1 GB, with a backup first", shop.in_form(f"restore {NAME}"), "restore")
    return shop.taken, {"answered": visits.answered, "failed": visits.failed}


def _require(success: bool) -> None:
    if not success:
        raise RuntimeError("the bot refused an order; see its log")

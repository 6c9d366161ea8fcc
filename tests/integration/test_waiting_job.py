"""A job that waits for a Kubernetes Job: its pod comes by a watch, and everything else is asked for rarely."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from provisioner.ledger.ledger import Ledger
from provisioner.operations.steps.backup_job import SHOPPER, visit_shop
from tests.integration.kubernetes_api import Answer, Request, serving
from tests.ledgers import SampleOrders
from tests.schedulers import toolbox

SECONDS = 3.2


class Api:
    """It has the Job already. The pod changes all the time, and ends well after SECONDS."""

    def __init__(self, job: str) -> None:
        labels = {"batch.kubernetes.io/job-name": job, "app.kubernetes.io/component": SHOPPER}
        self.metadata = {"name": f"{job}-x", "uid": "1", "labels": labels}
        self.requests: Counter[str] = Counter()

    def pod(self, phase: str, state: dict[str, Any]) -> dict[str, Any]:
        status = {"phase": phase, "containerStatuses": [{"name": SHOPPER, "state": state}]}
        return {"metadata": self.metadata, "status": status}

    def answer(self, request: Request) -> Answer | None:
        kind = request.path.partition("/namespaces/")[2].partition("/")[2]
        self.requests[kind] += 1
        if request.is_watch:
            self.watch(request)
            return None
        items = [self.pod("Running", {"running": {}})] if kind == "pods" else []
        return 200, {"metadata": {"resourceVersion": "1"}, "items": items}

    def watch(self, request: Request) -> None:
        request.begin_chunks()
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            time.sleep(0.1)
            self.send(request, self.pod("Running", {"running": {}}))
        self.send(request, self.pod("Succeeded", {"terminated": {"exitCode": 0, "message": "A cart holds a product."}}))
        request.wait_for_close(30)

    def send(self, request: Request, pod: dict[str, Any]) -> None:
        request.write_chunk(json.dumps({"type": "MODIFIED", "object": pod}) + "\n")


def test_wait_asks_once_a_second_for_what_the_watch_does_not_show(
    tmp_path: Path, ledger: Ledger, orders: SampleOrders
) -> None:
    job = orders.claimed(orders.create())
    store = orders.store()
    name = f"{store.release}-{SHOPPER}-{job.id}"
    api = Api(name)
    with serving(api.answer) as url:
        tools = toolbox(tmp_path, ledger, url)
        began = time.monotonic()
        assert visit_shop(tools, job, store, {}) == "A cart holds a product."
        took = time.monotonic() - began
    assert api.requests[f"jobs/{name}"] == 1, "a Job whose pod runs has not ended"
    assert 2 <= api.requests["events"] <= took + 1
    assert api.requests["jobs"] <= api.requests["events"] + 1, "and once before the wait"

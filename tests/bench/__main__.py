"""`make bench`: from a typed command to Ready, beside the bare boot of the same containers on the same node."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import yaml
from rich.console import Console
from rich.table import Table

from dev import cluster as clusters
from dev import images
from dev.cluster import Cluster
from dev.slack import LocalSlackClient
from dev.stack import ROOT, Stack, job_of, kubectl
from provisioner.jobs import STAGES, EventKind, JobKind
from provisioner.ledger import Ledger
from provisioner.stores import Addresses

ROUNDS = 5
# The chart's two containers as they are, sharing one pod; their values are no secrets, the pod lives for seconds.
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: floor, namespace: default}}
spec:
  enableServiceLinks: false
  containers:
    - name: application
      image: {image}
      env:
        - {{name: PGHOST, value: 127.0.0.1}}
        - {{name: PGUSER, value: medusa}}
        - {{name: PGDATABASE, value: medusa}}
        - {{name: PGPASSWORD, value: floor}}
        - {{name: STORE_NAME, value: Floor}}
        - {{name: STORE_URL, value: "http://floor.localhost"}}
        - {{name: PUBLISHABLE_KEY, value: pk_floor}}
        - {{name: ADMIN_EMAIL, value: admin@floor.localhost}}
        - {{name: ADMIN_PASSWORD, value: floor}}
        - {{name: JWT_SECRET, value: floor}}
        - {{name: COOKIE_SECRET, value: floor}}
    - name: database
      image: {database}
      env: [{{name: POSTGRES_PASSWORD, value: floor}}]
      securityContext: {{runAsUser: 999}}
      volumeMounts: [{{name: data, mountPath: /data}}, {{name: run, mountPath: /var/run/postgresql}}]
  volumes: [{{name: data, emptyDir: {{}}}}, {{name: run, emptyDir: {{}}}}]
"""
RESULTS = ROOT / "build/bench"
console = Console()


def main() -> None:
    cluster = clusters.up("test")
    images.load(cluster)
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), cluster, {"CREATIONS_PER_HOUR": "100"})
        try:
            stack.start()
            orders = _orders(stack)
        finally:
            stack.stop()
        stages = _stages(Path(folder) / "ledger.db")
    floor = [_bare_boot(cluster) for _ in range(ROUNDS)]
    cluster.down()
    _report(orders, stages, floor)


def _orders(stack: Stack) -> list[float]:
    """Seconds from typing the command to the root message saying Ready, one store at a time."""
    slack = stack.slack()
    seconds: list[float] = []
    for number in range(ROUNDS):
        name = f"bench-shop-{number}"
        begun = time.monotonic()
        slack.command("Dana", "#stores", f"/store create {name} medusa")
        _until(slack, name, "create")
        seconds.append(time.monotonic() - begun)
        root = [m for m in slack.messages("#stores") if job_of(m).get("store") == name][-1]
        slack.click("Dana", root, "delete")
        view = slack.wait_for(lambda: slack.views("Dana"), what="the delete form")[-1]
        slack.submit("Dana", view, {"name": name})
        _until(slack, name, "delete")
    return seconds


def _until(slack: LocalSlackClient, store: str, kind: str) -> None:
    def done() -> bool:
        jobs = [job_of(m) for m in slack.messages("#stores")]
        status = next((j["status"] for j in jobs if (j.get("store"), j.get("kind")) == (store, kind)), "")
        if status == "failed":
            raise RuntimeError(f"{kind} of {store} failed; see the bot's log")
        return status == "succeeded"

    slack.wait_for(done, 180, f"{kind} of {store}")


def _stages(ledger_file: Path) -> dict[str, list[float]]:
    """What each stage of the creations took, in seconds, as the ledger has it."""
    ledger = Ledger(ledger_file, Addresses("localhost"))
    taken: dict[str, list[float]] = {stage: [] for stage in STAGES[JobKind.CREATE]}
    for job in ledger.jobs_of(JobKind.CREATE):
        for event in ledger.events(job.id):
            if event.kind == EventKind.DONE and event.seconds is not None:
                taken[event.stage].append(event.seconds)
    ledger.close()
    return taken


def _bare_boot(cluster: Cluster) -> float:
    """The floor: the same two containers in one pod, without Helm, volumes or ingress, until /health answers."""
    names = yaml.safe_load((ROOT / "build/images.yaml").read_text())["medusa"]
    image, database = (f"{i['repository']}:{i['tag']}" for i in (names["image"], names["postgresql"]["image"]))
    pod = yaml.safe_load(POD.format(image=image, database=database))
    begun = time.monotonic()
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(pod))
    try:
        while not (address := _pod_address(cluster)) or not _healthy(address):
            time.sleep(0.02)
        return time.monotonic() - begun
    finally:
        kubectl(cluster, "delete", "pod", "floor", "--grace-period=0", "--force")


def _pod_address(cluster: Cluster) -> str:
    status = json.loads(kubectl(cluster, "get", "pod", "floor", "-o", "json"))["status"]
    return str(status.get("podIP", ""))


def _healthy(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}:9000/health", trust_env=False, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def _report(orders: list[float], stages: dict[str, list[float]], floor: list[float]) -> None:
    rows: dict[str, list[float]] = {"command to Ready": orders, **{f"  {k}": v for k, v in stages.items()}}
    rows["bare boot of the same containers (floor)"] = floor
    table = Table("", "median", "min", "max", title=f"Seconds, {ROUNDS} rounds, images on the node")
    for name, values in rows.items():
        table.add_row(name, *(f"{figure(values):.2f}" for figure in (statistics.median, min, max)))
    console.print(table)
    ratio = statistics.median(orders) / statistics.median(floor)
    console.print(f"An order takes {ratio:.2f} times the bare boot.")
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "ready.json").write_text(json.dumps({"seconds": rows, "ratio": ratio}, indent=2))


if __name__ == "__main__":
    main()

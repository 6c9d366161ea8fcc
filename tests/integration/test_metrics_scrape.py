"""/metrics, /healthz and /readyz as an operator's machines meet them, with every number real."""

from __future__ import annotations

import platform
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import product
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.observability.metrics import HELM_VERBS, READY_BUCKETS, STAGE_BUCKETS, Metrics
from bot.observability.readiness import Readiness
from bot.web.http_server import CannotListen, serve_beside
from bot.web.ops_endpoints import Ops, build_ops
from bot.web.public_app import WebContext, build_web
from dev.slack import LocalSlack
from provisioner import operations
from provisioner.clients.helm import Helm, ReleaseSpec
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import JobFailed, Problem, Transient
from provisioner.domain.job import Job
from provisioner.domain.store import Addresses
from provisioner.ledger.backup import Backups
from provisioner.ledger.ledger import Ledger, Limits
from provisioner.operations import Toolbox
from provisioner.runner.executors import LocalExecutor
from provisioner.runner.scheduler import Scheduler
from tests.conftest import ROOT, Clock, write_kubeconfig
from tests.integration.bot_harness import make_charts, running_bot, web_server_address
from tests.waiting import until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples["storewright_" + name, frozenset(labels.items())]


def order(ledger: Ledger, name: str, deadline: float = 900) -> Job:
    limits = Limits(stores_per_person=99, creations_per_hour=99, create_deadline=deadline)
    return ledger.order_create(
        name=name, type="medusa", admin_path="/", owner="U1", origin="", delivery_key=name, limits=limits
    )


def test_every_number_is_the_ledgers_or_slacks_own(tmp_path: Path) -> None:
    with LocalSlack() as slack, running_bot(tmp_path, slack) as bot, bot.http() as http:
        slack.command("Dana", "#stores", "/store create my-shop")
        bot.finish()
        slack.fault("ratelimited", "chat.postMessage", seconds=1)
        slack.command("Dana", "#stores", "/store create other-shop")
        bot.break_down(Problem("No."))
        slack.command("Dana", "#stores", "/store create third-shop")
        bot.settled()
        http.get("/readyz")
        Backups(bot.ledger.path).make()
        told = scraped(http.get("/metrics").text)
        assert value(told, "stores", type="medusa", status="ready") == 1
        assert value(told, "jobs", kind="create", status="succeeded") == 1
        assert value(told, "jobs", kind="create", status="failed") == 1
        assert value(told, "ready_seconds_bucket", type="medusa", outcome="ready", le="5.0") == 1
        assert value(told, "ready_seconds_count", type="medusa", outcome="failed") == 1
        assert value(told, "stage_seconds_count", type="medusa", kind="create", stage="check") == 1
        assert (value(told, "queue_jobs"), value(told, "outbox_due")) == (1, 0)
        assert 0 < value(told, "queue_oldest_seconds") < 30
        assert value(told, "slack_calls_total", method="chat.postMessage", outcome="ok") >= 2
        assert value(told, "slack_calls_total", method="chat.postMessage", outcome="ratelimited") == 1
        assert value(told, "ledger_bytes") == sum(
            p.stat().st_size for p in tmp_path.glob("ledger.db*") if p.suffix != ".db-shm"
        )
        assert value(told, "ledger_backups") == 1
        assert time.time() - value(told, "ledger_backup_timestamp_seconds") < 60
        assert value(told, "part_ready", part="slack") == 1
        build = {"version": version("storewright"), "python": platform.python_version()}
        assert value(told, "build_info", **build) == 1


def test_what_alerts_count_is_there_before_it_happens(tmp_path: Path) -> None:
    with LocalSlack() as slack, running_bot(tmp_path, slack) as bot, bot.http() as http:
        told = scraped(http.get("/metrics").text)
        for type, outcome in product(("medusa", "plain"), ("ready", "failed")):
            assert value(told, "ready_seconds_count", type=type, outcome=outcome) == 0
    verbs = set(re.findall(r'(?:_run\(|args = )\["(\w+)"', (ROOT / "provisioner/clients/helm.py").read_text()))
    assert verbs == set(HELM_VERBS)
    for verb in verbs:
        assert value(told, "helm_seconds_count", verb=verb, outcome="refused") == 0


def test_buckets_reach_the_longest_a_job_may_take() -> None:
    assert READY_BUCKETS[-1] == STAGE_BUCKETS[-1] == Limits().create_deadline == 900


def test_durations_are_counted_as_prometheus_counts(ledger: Ledger, clock: Clock) -> None:
    for number, seconds in enumerate((4, 5, 6, 800, 5000)):
        order(ledger, f"shop-{number}")
        job = ledger.claim_due()
        assert job is not None
        clock.now += seconds
        ledger.succeed(job)
    [spread] = ledger.ready_seconds((5, 900))
    assert spread.labels == ("medusa", "ready")
    assert (spread.within, spread.count, spread.seconds) == ((2, 4), 5, 5815)


def test_years_of_history_are_scraped_in_a_moment(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db", Addresses("localhost"))
    job = order(ledger, "my-shop")
    with sqlite3.connect(ledger.path) as db:
        template = "INSERT INTO job_events (job_id, at, kind, stage, detail, seconds) VALUES (?, 0, ?, ?, '', ?)"
        db.execute("DROP INDEX a_stage_starts_and_ends_once")
        db.executemany(template, ((job.id, "done", f"stage-{n % 9}", n % 700) for n in range(100_000)))
    metrics = Metrics()
    metrics.add_ledger(ledger, Backups(ledger.path), [])
    web = build_ops(Ops(lambda: "", Readiness({}), metrics.registry)).test_client()
    web.get("/metrics")
    begun = time.monotonic()
    assert b'stage="stage-8"' in web.get("/metrics").data
    assert time.monotonic() - begun < 1.5, "100,000 events are some 10,000 orders"
    ledger.close()


# --- a port of their own ---------------------------------------------------------------------------------------------


def test_on_their_own_port_they_are_not_on_the_public_one(tmp_path: Path) -> None:
    ops = Ops(lambda: "", Readiness({"slack": lambda: None}), Metrics().registry)
    public = build_web(WebContext(None, None, lambda _: {}, "http://x"), None, None).test_client()  # type: ignore[arg-type]
    assert [public.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [404] * 3
    address = web_server_address()
    serve_beside(build_ops(ops), address.removeprefix("http://"))
    assert httpx.get(f"{address}/healthz", trust_env=False).status_code == 200
    assert httpx.get(f"{address}/readyz", trust_env=False).json() == {"slack": "ok"}
    assert httpx.get(f"{address}/s/anything", trust_env=False).status_code == 404
    with pytest.raises(CannotListen, match="Address already in use"):
        serve_beside(build_ops(ops), address.removeprefix("http://"))


# --- readiness -------------------------------------------------------------------------------------------------------


def test_readiness_asks_all_at_once_and_remembers() -> None:
    asked: list[str] = []

    def slow(name: str, error: Exception | None = None) -> None:
        asked.append(name)
        time.sleep(0.3)
        if error:
            raise error

    readiness = Readiness(
        {"ledger": lambda: slow("ledger"), "cluster": lambda: slow("cluster", Transient("Away.")), "odd": lambda: 1 / 0}
    )
    assert readiness.last() == {}
    begun = time.monotonic()
    told = {"ledger": "ok", "cluster": "Away.", "odd": "ZeroDivisionError: division by zero"}
    assert readiness.report() == (False, told)
    assert time.monotonic() - begun < 0.5
    assert readiness.report() == (False, told)
    assert readiness.last() == told
    assert sorted(asked) == ["cluster", "ledger"]


def test_who_asks_for_readiness_does_not_wait_for_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.observability.readiness.CHECK_TIMEOUT_SECONDS", 0.5)
    hanging = threading.Event()
    readiness = Readiness({"cluster": lambda: hanging.wait(20), "ledger": lambda: None})
    ops, address = Ops(lambda: "", readiness, Metrics().registry), web_server_address()
    close = serve_beside(build_ops(ops), address.removeprefix("http://"))
    begun = time.monotonic()
    threads = [threading.Thread(target=lambda: httpx.get(f"{address}/readyz", trust_env=False)) for _ in range(12)]
    for thread in threads:
        thread.start()
    assert httpx.get(f"{address}/healthz", trust_env=False, timeout=2).status_code == 200
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun < 2
    assert readiness.report() == (False, {"cluster": "No answer within 0 s.", "ledger": "ok"})
    hanging.set()
    until("the late answer", lambda: readiness.last()["cluster"] == "ok", 10)
    close()


# --- liveness --------------------------------------------------------------------------------------------------------


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    addresses = Addresses("localhost")
    ledger = Ledger(tmp_path / "ledger.db", addresses)
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:9")
    tools = Toolbox(
        ledger=ledger,
        cluster=Cluster(kubeconfig),
        helm=Helm(kubeconfig=kubeconfig),
        catalog=Catalog(make_charts(tmp_path)),
        addresses=addresses,
    )
    made = Scheduler(ledger, tools, LocalExecutor(tools, 2))
    ledger.on_change = made.wake
    yield made
    made.stop(0.1)
    ledger.close()


def test_a_scheduler_that_waits_to_begin_is_healthy_and_one_that_stopped_ticking_is_not(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.runner.scheduler.SILENT", 0.7)
    time.sleep(0.8)
    assert scheduler.trouble() == ""
    scheduler.start()
    until("the first tick", lambda: scheduler.trouble() == "", 10)
    hanging = threading.Event()
    monkeypatch.setattr(scheduler._ledger, "claim_due", lambda *_: hanging.wait(20) and None)
    until("a clock that hangs in a claim", lambda: "has not ticked for" in scheduler.trouble(), 10)
    hanging.set()
    until("to recover", lambda: scheduler.trouble() == "", 10)


def test_workers_that_are_all_held_past_their_deadline_are_unhealthy(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(operations, "run", lambda *_: hanging.wait(30))
    monkeypatch.setattr("provisioner.runner.scheduler.WEDGED", 0.3)
    scheduler.start()
    ledger = scheduler._ledger
    order(ledger, "first-shop", deadline=0.1)
    until("the first job, past its deadline", lambda: scheduler.held() == (1, 1), 10)
    time.sleep(0.4)
    assert scheduler.trouble() == "", "the other worker is free"
    order(ledger, "second-shop", deadline=0.1)
    until("the second", lambda: scheduler.trouble() == "all 2 workers are held by jobs past their deadline", 10)
    web = build_ops(Ops(scheduler.trouble, Readiness({}), Metrics().registry)).test_client()
    assert web.get("/healthz").status_code == 503
    hanging.set()
    until("to recover", lambda: scheduler.trouble() == "", 10)
    assert web.get("/healthz").status_code == 200


def test_helm_is_timed_by_verb_and_outcome(tmp_path: Path) -> None:
    metrics = Metrics()
    for body in ("exit 0", "echo Error: template: boom >&2; exit 1", "echo Error: connection refused >&2; exit 1"):
        (tmp_path / "helm").write_text(f"#!/bin/sh\n{body}")
        (tmp_path / "helm").chmod(0o755)
        helm = Helm(str(tmp_path / "helm"), on_run=metrics.record_helm_run)
        try:
            helm.apply(ReleaseSpec("shop", "ns", tmp_path, None, {}), 9)
        except (JobFailed, Transient):
            continue
    told = [sample for family in metrics.registry.collect() for sample in family.samples]
    runs = [sample for sample in told if sample.name == "storewright_helm_seconds_count" and sample.value]
    counted = sorted(sample.labels["outcome"] for sample in runs)
    assert counted == ["ok", "refused", "transient"]

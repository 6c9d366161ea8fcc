"""/metrics, /healthz and /readyz over HTTP, with real numbers."""

from __future__ import annotations

import platform
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from itertools import product
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.observability.metrics import HELM_VERBS, READY_BUCKETS, STAGE_BUCKETS, Metrics
from bot.observability.readiness import Readiness
from bot.web.http_server import CannotListen, serve_in_background
from bot.web.one_time_pages import PageDependencies
from bot.web.ops_endpoints import Ops, build_ops
from bot.web.public_app import build_public_app
from dev import local_http
from dev.slack import LocalSlack
from provisioner.clients.helm import Helm, ReleaseSpec
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import JobFailed, Problem, Transient
from provisioner.domain.job import Job
from provisioner.ledger.backup import Backups
from provisioner.ledger.ledger import Ledger
from provisioner.operations.create import CREATE
from provisioner.operations.journal import JobJournal
from provisioner.operations.registry import DEFAULT_DEADLINES
from provisioner.operations.toolbox import StoreDefaults, Toolbox
from provisioner.runner.executors.local import LocalExecutor
from provisioner.runner.scheduler import Scheduler
from tests.conftest import ROOT, Clock, write_kubeconfig
from tests.integration.bot_harness import make_charts, running_bot
from tests.ledgers import SampleOrders, exclusive_ledger
from tests.unit.sample_stores import BACKUPS
from tests.waiting import until
from tests.workers import free_address

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples["storewright_" + name, frozenset(labels.items())]


def test_metrics_show_the_numbers_of_ledger_and_slack(tmp_path: Path) -> None:
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path, slack) as bot, bot.http() as http:
        slack.command("Dana", "#stores", "/store create my-shop")
        bot.finish()
        slack.fault("ratelimited", "chat.postMessage", seconds=1)
        slack.command("Dana", "#stores", "/store create other-shop")
        bot.fail(Problem("No."))
        slack.command("Dana", "#stores", "/store create third-shop")
        bot.settled()
        http.get("/readyz")
        Backups(bot.ledger.path).make()
        for made_at in (bot.clock() - 5, bot.clock() - 9):
            id = f"b{made_at}"
            bot.ledger.store_backups.add(replace(BACKUPS[0], id=id, store_id=bot.store().id, made_at=made_at))
        bot.ledger.store_backups.note_proven(id, bot.clock() - 3)
        samples = scraped(http.get("/metrics").text)
        assert value(samples, "stores", type="medusa", status="ready") == 1
        assert value(samples, "jobs", kind="create", status="succeeded") == 1
        assert value(samples, "jobs", kind="create", status="failed") == 1
        assert value(samples, "ready_seconds_bucket", type="medusa", outcome="ready", le="5.0") == 1
        assert value(samples, "ready_seconds_count", type="medusa", outcome="failed") == 1
        assert value(samples, "stage_seconds_count", type="medusa", kind="create", stage="check") == 1
        assert (value(samples, "queue_jobs"), value(samples, "outbox_due")) == (1, 0)
        assert 0 < value(samples, "queue_oldest_seconds") < 30
        assert value(samples, "slack_calls_total", method="chat.postMessage", outcome="ok") >= 2
        assert value(samples, "slack_calls_total", method="chat.postMessage", outcome="ratelimited") == 1
        assert value(samples, "ledger_bytes") == sum(
            p.stat().st_size for p in tmp_path.glob("ledger.db*") if p.suffix != ".db-shm"
        )
        assert value(samples, "ledger_backups") == 1
        assert time.time() - value(samples, "ledger_backup_timestamp_seconds") < 60
        assert 4 < time.time() - value(samples, "backup_timestamp_seconds", store="my-shop") < 9
        assert 0 < time.time() - value(samples, "backup_proven_timestamp_seconds", store="my-shop") < 60
        assert value(samples, "backup_bytes", store="my-shop") == BACKUPS[0].bytes
        assert value(samples, "part_ready", part="slack") == 1
        build = {"version": version("storewright"), "python": platform.python_version()}
        assert value(samples, "build_info", **build) == 1


def test_series_that_alerts_count_start_at_zero(tmp_path: Path) -> None:
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path, slack) as bot, bot.http() as http:
        samples = scraped(http.get("/metrics").text)
        for type, outcome in product(("medusa", "plain"), ("ready", "failed")):
            assert value(samples, "ready_seconds_count", type=type, outcome=outcome) == 0
    verbs = set(re.findall(r'(?:_run\(|args = )\["(\w+)"', (ROOT / "provisioner/clients/helm.py").read_text()))
    assert verbs == set(HELM_VERBS)
    for verb in verbs:
        assert value(samples, "helm_seconds_count", verb=verb, outcome="refused") == 0


def test_longest_bucket_is_the_deadline_of_a_creation() -> None:
    assert READY_BUCKETS[-1] == STAGE_BUCKETS[-1] == DEFAULT_DEADLINES[CREATE.kind] == 900


def test_durations_are_counted_into_cumulative_buckets(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    for number, seconds in enumerate((4, 5, 6, 800, 5000)):
        job = orders.claimed(orders.create(f"shop-{number}"))
        clock.now += seconds
        orders.journal.succeed(job)
    [row] = ledger.statistics.ready_seconds((5, 900))
    assert row.labels == ("medusa", "ready")
    assert (row.within, row.count, row.seconds) == ((2, 4), 5, 5815)


@pytest.mark.alone  # it measures time
def test_scrape_is_fast_after_years_of_history(tmp_path: Path) -> None:
    ledger = Ledger.exclusive(tmp_path / "ledger.db")
    job = SampleOrders(ledger).create("my-shop")
    with sqlite3.connect(ledger.path) as db:
        template = "INSERT INTO job_events (job_id, at, kind, stage, detail, seconds) VALUES (?, 0, ?, ?, '', ?)"
        db.execute("DROP INDEX a_stage_starts_and_ends_once")
        db.executemany(template, ((job.id, "done", f"stage-{n % 9}", n % 700) for n in range(100_000)))
    metrics = Metrics()
    metrics.add_ledger(ledger, Backups(ledger.path), [])
    web = build_ops(Ops(lambda: "", Readiness({}), metrics.registry)).test_client()
    web.get("/metrics")
    started = time.monotonic()
    assert b'stage="stage-8"' in web.get("/metrics").data
    assert time.monotonic() - started < 1.5, "100,000 events are some 10,000 orders"
    ledger.close()


# --- a port of their own -----------------------------------------------------------------------------------------


def test_ops_endpoints_on_their_own_port_are_not_on_the_public_one(tmp_path: Path) -> None:
    ops = Ops(lambda: "", Readiness({"slack": lambda: None}), Metrics().registry)
    pages = PageDependencies(None, None, lambda _: {}, lambda *_: iter([b""]), lambda *_: 0, "http://x")  # type: ignore[arg-type]
    public = build_public_app(pages, None, None).test_client()
    assert [public.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [404] * 3
    address = free_address()
    serve_in_background(build_ops(ops), address.removeprefix("http://"))
    assert local_http.get(f"{address}/healthz").status_code == 200
    assert local_http.get(f"{address}/readyz").json() == {"slack": "ok"}
    assert local_http.get(f"{address}/s/anything").status_code == 404
    with pytest.raises(CannotListen, match="Address already in use"):
        serve_in_background(build_ops(ops), address.removeprefix("http://"))


# --- readiness ---------------------------------------------------------------------------------------------------


@pytest.mark.alone  # it measures time
def test_readiness_runs_all_checks_at_once_and_keeps_their_results() -> None:
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
    started = time.monotonic()
    report = {"ledger": "ok", "cluster": "Away.", "odd": "ZeroDivisionError: division by zero"}
    assert readiness.report() == (False, report)
    assert time.monotonic() - started < 0.5
    assert readiness.report() == (False, report)
    assert readiness.last() == report
    assert sorted(asked) == ["cluster", "ledger"]


@pytest.mark.alone  # it measures time
def test_readiness_does_not_wait_for_a_check_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.observability.readiness.CHECK_TIMEOUT_SECONDS", 0.5)
    hanging = threading.Event()
    readiness = Readiness({"cluster": lambda: hanging.wait(20), "ledger": lambda: None})
    ops, address = Ops(lambda: "", readiness, Metrics().registry), free_address()
    close = serve_in_background(build_ops(ops), address.removeprefix("http://"))
    started = time.monotonic()
    threads = [threading.Thread(target=lambda: local_http.get(f"{address}/readyz")) for _ in range(12)]
    for thread in threads:
        thread.start()
    assert local_http.get(f"{address}/healthz", timeout=2).status_code == 200
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 2
    assert readiness.report() == (False, {"cluster": "No answer within 0 s.", "ledger": "ok"})
    hanging.set()
    until("the late answer", lambda: readiness.last()["cluster"] == "ok")
    close()


# --- liveness ----------------------------------------------------------------------------------------------------


@pytest.fixture
def real_time_ledger(tmp_path: Path) -> Iterator[Ledger]:
    with exclusive_ledger(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture
def scheduler(tmp_path: Path, real_time_ledger: Ledger) -> Iterator[Scheduler]:
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:9")
    tools = Toolbox(
        defaults=StoreDefaults(),
        ledger=JobJournal(real_time_ledger),
        cluster=Cluster(kubeconfig),
        helm=Helm(kubeconfig=kubeconfig),
        catalog=Catalog(make_charts(tmp_path)),
    )
    made = Scheduler(real_time_ledger, tools, LocalExecutor(tools, 2))
    yield made
    made.stop(0.1)


def test_scheduler_is_healthy_before_its_start_and_unhealthy_without_ticks(
    scheduler: Scheduler, real_time_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.runner.scheduler.STUCK_AFTER_SECONDS", 0.7)
    time.sleep(0.8)
    assert scheduler.trouble() == ""
    scheduler.start()
    until("the first tick", lambda: scheduler.trouble() == "")
    hanging = threading.Event()
    monkeypatch.setattr(real_time_ledger.jobs, "claim", lambda *_: hanging.wait(20) and None)
    until("a clock that hangs in a claim", lambda: "has not ticked for" in scheduler.trouble())
    hanging.set()
    until("to recover", lambda: scheduler.trouble() == "")


def test_scheduler_is_unhealthy_when_all_workers_are_past_their_deadline(
    scheduler: Scheduler, real_time_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = threading.Event()

    def hang(tools: Toolbox, job: Job) -> None:
        hanging.wait(30)

    monkeypatch.setattr("provisioner.runner.executors.local.OPERATIONS", {CREATE.kind: replace(CREATE, run=hang)})
    monkeypatch.setattr("provisioner.runner.scheduler.WEDGED_AFTER_SECONDS", 0.3 - StoreDefaults().grace_seconds)
    scheduler.start()
    orders = SampleOrders(real_time_ledger, deadlines={CREATE.kind: 0.1})
    orders.create("first-shop")
    until("the first job, past its deadline", lambda: scheduler.workers() == (1, 1))
    time.sleep(0.4)
    assert scheduler.trouble() == "", "the other worker is free"
    orders.create("second-shop")
    until("the second", lambda: scheduler.trouble() == "all 2 workers are held by jobs past their deadline")
    web = build_ops(Ops(scheduler.trouble, Readiness({}), Metrics().registry)).test_client()
    assert web.get("/healthz").status_code == 503
    hanging.set()
    until("to recover", lambda: scheduler.trouble() == "")
    assert web.get("/healthz").status_code == 200


def test_helm_runs_are_timed_by_verb_and_outcome(tmp_path: Path) -> None:
    metrics = Metrics()
    for body in ("exit 0", "echo Error: template: boom >&2; exit 1", "echo Error: connection refused >&2; exit 1"):
        (tmp_path / "helm").write_text(f"#!/bin/sh\n{body}")
        (tmp_path / "helm").chmod(0o755)
        helm = Helm(str(tmp_path / "helm"), on_run=metrics.record_helm_run)
        try:
            helm.apply(ReleaseSpec("shop", "ns", tmp_path, None, {}), 9)
        except (JobFailed, Transient):
            continue
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    runs = [sample for sample in samples if sample.name == "storewright_helm_seconds_count" and sample.value]
    counted = sorted(sample.labels["outcome"] for sample in runs)
    assert counted == ["ok", "refused", "transient"]

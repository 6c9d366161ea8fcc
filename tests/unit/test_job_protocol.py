"""The protocol between the bot and a worker: payload, Kubernetes Job, messages, and what a lost worker means."""

from __future__ import annotations

import io
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import pytest

from provisioner.clients.helm import HelmOutcome, HookFailed
from provisioner.diagnosis import Patience
from provisioner.domain.errors import JobFailed, Problem, StoreUnchanged, StorewrightError, Transient
from provisioner.domain.job import EventKind, Job, JobEvent, JobStatus
from provisioner.domain.store import MAX_NAME, Store, StoreStatus
from provisioner.operations.create import CREATE
from provisioner.operations.toolbox import StoreDefaults
from provisioner.operations.upgrade import UPGRADE
from provisioner.runner.executors.job_manifest import Worker, labels_of, manifest_of, name_of
from provisioner.runner.executors.job_monitor import JobEnd, loss
from provisioner.runner.executors.job_protocol import (
    BackupProven,
    Cancelled,
    Ended,
    Ending,
    HelmRan,
    JobPayload,
    Logged,
    Message,
    OptionsNoted,
    Recorded,
    RollbackStarted,
    StoreKept,
    Succeeded,
    VersionNoted,
    emit,
    payload_of,
    read_line,
    read_payload,
)
from provisioner.runner.executors.worker_main import StdoutLedger

STORE = Store(
    id="0123456789ab",
    name="my-shop",
    type="medusa",
    status=StoreStatus.CREATING,
    owner="U1",
    origin='{"channel": "C1"}',
    namespace="store-my-shop",
    url="https://my-shop.example.com",
    admin_url="https://my-shop.example.com/app",
    created_at=1.5,
    options={"currency": "usd"},
)
JOB = Job(
    id="ba9876543210",
    kind=CREATE.kind,
    store_id=STORE.id,
    store=STORE.name,
    status=JobStatus.RUNNING,
    requested_by="U1",
    origin="",
    delivery_key="key",
    attempts=1,
    created_at=1.5,
    due_at=1.5,
    allowed=900,
    deadline_at=902,
    problem=Problem("Before.", "Why."),
)
EVENTS = [JobEvent(7, JOB.id, 2.5, EventKind.STARTED, "rollback", '{"what": "x"}')]
DEFAULTS = StoreDefaults(
    instance="storewright-one",
    profile="prod",
    overlay={"medusa": {"replicas": 2, "nested": {"list": [1, "two"]}}, "other": {"not": "ours"}},
    service_account="home/bot",
    store_role="one-store",
    pull_secret="home/registry",
    ingress_address="10.0.0.1:80",
    patience=Patience(image=1.5, unschedulable=3.0),
    quota={"pods": "3"},
    limit_range={"default": {"memory": "1Gi"}},
    backup_server="https://one-backup.home.svc:8000",
    waker_address="10.0.0.2:8090",
    undelete_days=3.5,
    rollback_seconds=77.0,
)


def payload(**changes: Any) -> JobPayload:
    return payload_of(JOB, STORE, EVENTS, replace(DEFAULTS, **changes))


def test_payload_arrives_as_it_was_sent() -> None:
    back = read_payload(payload().as_text())
    assert (back.job, back.store, back.events) == (JOB, STORE, tuple(EVENTS))
    assert back.defaults == replace(DEFAULTS, overlay={"medusa": DEFAULTS.overlay["medusa"]})


def test_worker_knows_the_store_that_its_job_copies_and_no_other() -> None:
    source = replace(STORE, id="s2", name="another")
    ledger = StdoutLedger(read_payload(payload_of(JOB, STORE, [], DEFAULTS, source).as_text()))
    assert [ledger.store(store_id) for store_id in (STORE.id, "s2", "s3")] == [STORE, source, None]


def test_sample_defaults_differ_from_the_built_in_ones_in_every_field() -> None:
    plain = StoreDefaults()
    assert [f.name for f in fields(StoreDefaults) if getattr(plain, f.name) == getattr(DEFAULTS, f.name)] == []


def test_payload_refuses_values_that_are_too_long() -> None:
    with pytest.raises(JobFailed, match=r"values for medusa are too long for a Kubernetes Job\. .* EXECUTOR=local"):
        payload(overlay={"medusa": {"long": "x" * 100_000}}).as_text()


def test_payload_has_no_dollar_sign_for_kubernetes_to_expand() -> None:
    sent = payload(overlay={"medusa": {"args": ["$(HOME)", "$$(HOME)"]}})
    assert "$" not in sent.as_text()
    assert read_payload(sent.as_text()) == sent


@pytest.mark.parametrize("text", ["s3cret", '"s3cret"', '{"job": "s3cret"}', '{"job": {"kind": "s3cret"}}'])
def test_unreadable_payload_is_not_repeated_in_the_error(text: str) -> None:
    with pytest.raises(ValueError, match="JOB_PAYLOAD is no payload") as refused:
        read_payload(text)
    assert "s3cret" not in str(refused.value)


def test_job_names_and_labels_fit_into_kubernetes() -> None:
    longest = replace(payload(), store=replace(STORE, name="x" * MAX_NAME), job=replace(JOB, kind=UPGRADE.kind))
    cancelled = replace(longest.job, store=longest.store.name, cancelled_by="U1")
    assert len(name_of(cancelled)) <= 63 - len("-abcde"), "its pod gets five letters more"
    assert all(len(value) <= 63 for value in labels_of(longest).values())


def test_worker_settings_replace_values_and_append_to_lists() -> None:
    worker = Worker(
        "here/storewright:1",
        pod={"nodeSelector": {"pool": "work"}, "volumes": [{"name": "ca"}], "terminationGracePeriodSeconds": 3},
        container={"env": [{"name": "HTTPS_PROXY", "value": "p"}], "resources": {"limits": {"memory": "1Gi"}}},
    )
    spec = manifest_of(payload(), worker, 100)["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert [v["name"] for v in pod["volumes"]] == ["tmp", "ca"]
    assert [e["name"] for e in container["env"]] == ["JOB_PAYLOAD", "HOME", "HTTPS_PROXY"]
    assert (container["image"], container["resources"]) == ("here/storewright:1", {"limits": {"memory": "1Gi"}})
    assert (pod["nodeSelector"], pod["terminationGracePeriodSeconds"]) == ({"pool": "work"}, 3)
    assert (pod["serviceAccountName"], spec["activeDeadlineSeconds"]) == ("bot", 100 + 77 + 300)
    assert Worker("a").pod == Worker("b").container == {}, "and changes nothing for the next"


ERRORS = [
    (Transient("a", "b", "c"), "transient"),
    (JobFailed("a", log_tail="log"), "failed"),
    (StoreUnchanged("a", "b"), "kept"),
]


@pytest.mark.parametrize(("error", "type_on_the_wire"), ERRORS)
def test_error_comes_back_with_its_type_and_problem(
    capsys: pytest.CaptureFixture[str], error: StorewrightError, type_on_the_wire: str
) -> None:
    emit(Ended.by(error))
    text = capsys.readouterr().out
    assert json.loads(text)["type"] == type_on_the_wire
    line = read_line(text)
    assert line is not None
    assert isinstance(line.message, Ended)
    back = line.message.error
    assert (type(back), back.problem) == (type(error), error.problem)


def test_subclass_of_a_failure_comes_back_as_a_failure() -> None:
    assert Ended.by(HookFailed("a")) == Ended(Ending.FAILED, Problem("a"))


# Each message with its line. All but `rollback` are as the bot's version 0.1.0 wrote them: its workers may run on after
# an upgrade.
WIRE: list[tuple[Message, dict[str, Any]]] = [
    (
        Recorded(EventKind.STARTED, "check", "x"),
        {"type": "record", "kind": "started", "stage": "check", "detail": "x"},
    ),
    (
        RollbackStarted(Problem("a", "b", "c", "d")),
        {"type": "rollback", "problem": {"what": "a", "cause": "b", "next_step": "c", "log_tail": "d"}},
    ),
    (BackupProven("5f0e"), {"type": "proven", "backup_id": "5f0e"}),
    (StoreKept(2.5), {"type": "keeps", "until": 2.5}),
    (VersionNoted("0.2.0"), {"type": "version", "version": "0.2.0"}),
    (Cancelled(), {"type": "cancelled"}),
    (OptionsNoted({"color": "red"}), {"type": "options", "options": {"color": "red"}}),
    (Succeeded(""), {"type": "succeeded", "version": "", "options": None}),
    (Succeeded("", {"a": "b"}), {"type": "succeeded", "version": "", "options": {"a": "b"}}),
    (
        HelmRan("upgrade", HelmOutcome.REFUSED, 1.5),
        {"type": "helm", "verb": "upgrade", "outcome": "refused", "seconds": 1.5},
    ),
    (Logged(30, "a.b", "c"), {"type": "log", "level": 30, "logger": "a.b", "message": "c"}),
    (
        Ended(Ending.UNCHANGED, Problem("a", "b", "c", "d")),
        {"type": "kept", "problem": {"what": "a", "cause": "b", "next_step": "c", "log_tail": "d"}},
    ),
]


@pytest.mark.parametrize(("message", "content"), WIRE, ids=[content["type"] for _, content in WIRE])
def test_message_is_written_and_read_as_the_previous_version_does(
    capsys: pytest.CaptureFixture[str], message: Message, content: dict[str, Any]
) -> None:
    before = time.time()
    emit(message)
    written = json.loads(capsys.readouterr().out)
    assert before <= written.pop("at") <= time.time()
    assert written == content
    line = read_line(json.dumps({"at": 2.5, **content, "more": "of a later version"}))
    assert line is not None
    assert (line.at, line.message) == (2.5, message)


def test_payload_has_the_keys_of_the_previous_version() -> None:
    assert list(json.loads(payload().as_text())) == ["job", "store", "events", "terms", "source"]


@pytest.mark.parametrize(
    "text",
    [
        "Traceback (most recent call last):",
        '{"level": "INFO"}',
        '"type"',
        "",
        "[1]",
        '{"type": "record", "kind": "started"}',
        '{"type": "record", "at": 1.0, "kind": "unheard-of"}',
        '{"type": "unheard-of", "at": 1.0}',
        '{"type": "failed", "at": 1.0}',
    ],
)
def test_line_that_is_no_message_is_none(text: str) -> None:
    assert read_line(text) is None


def ended_pod(**end: Any) -> dict[str, Any]:
    return {"status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated": end}}]}}


@pytest.mark.parametrize(
    ("pods", "reason", "error", "words"),
    [
        ([], "Deleted", Transient, "was lost. Kubernetes says: Deleted."),
        ([{"status": {"message": "The node was low on memory."}}], "BackoffLimitExceeded", Transient, "low on memory"),
        ([ended_pod(exitCode=137, reason="OOMKilled")], "BackoffLimitExceeded", Transient, "OOMKilled"),
        ([ended_pod(exitCode=143, reason="Error")], "BackoffLimitExceeded", Transient, "was lost"),
        ([ended_pod(exitCode=1, reason="Error")], "BackoffLimitExceeded", JobFailed, "could not begin. The bot's log"),
        (
            [ended_pod(exitCode=128, reason="StartError", message="no python3")],
            "x",
            JobFailed,
            "no python3 Check EXEC",
        ),
        ([ended_pod(exitCode=137)], "DeadlineExceeded", JobFailed, "took too long"),
    ],
)
def test_lost_worker_is_transient_unless_a_retry_does_not_help(
    pods: list[dict[str, Any]], reason: str, error: type[StorewrightError], words: str
) -> None:
    found = loss(JOB, JobEnd(reason, pods))
    assert type(found) is error
    assert words in str(found)


def test_emit_keeps_lines_of_many_threads_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where each write goes out by itself, as on a container's unbuffered log."""
    written: list[str] = []

    class Unbuffered(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            time.sleep(0.0005)  # another thread has its turn
            return len(text)

    monkeypatch.setattr(sys, "stdout", Unbuffered())
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: emit(Logged(number, "l", "m")), range(40)))
    lines = [read_line(line) for line in "".join(written).splitlines()]
    levels = [line.message.level for line in lines if line and isinstance(line.message, Logged)]
    assert sorted(levels) == list(range(40))

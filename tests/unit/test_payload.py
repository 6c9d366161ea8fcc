"""What goes to a job's own process: everything it needs, no more, and nothing that is secret or too long."""

from __future__ import annotations

import io
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import pytest

from provisioner.diagnosis import Patience
from provisioner.domain.errors import JobFailed, Problem, StoreUnchanged, StorewrightError, Transient
from provisioner.domain.job import GRACE, EventKind, Job, JobEvent, JobKind, JobStatus
from provisioner.domain.store import MAX_NAME, Addresses, Store, StoreStatus
from provisioner.operations.toolbox import StoreDefaults
from provisioner.runner.executors.job_manifest import Worker, labels_of, manifest_of, name_of
from provisioner.runner.executors.job_protocol import (
    JobPayload,
    emit,
    emit_end,
    payload_of,
    read_end,
    read_line,
    read_payload,
)
from provisioner.runner.executors.kubernetes import loss

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
    kind=JobKind.CREATE,
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
TERMS = StoreDefaults(
    addresses=Addresses("example.com", "https", 8443),
    instance="storewright-one",
    profile="prod",
    overlay={"medusa": {"replicas": 2, "nested": {"list": [1, "two"]}}, "other": {"not": "ours"}},
    service_account="home/bot",
    store_role="one-store",
    pull_secret="home/registry",
    ingress_address="10.0.0.1:80",
    patience=Patience(image=1.5, unschedulable=3.0),
)


def payload(**changes: Any) -> JobPayload:
    return payload_of(JOB, STORE, EVENTS, replace(TERMS, **changes))


def test_it_arrives_as_it_was_sent() -> None:
    back = read_payload(payload().as_text())
    assert (back.job, back.store, back.events) == (JOB, STORE, tuple(EVENTS))
    assert back.terms == replace(TERMS, overlay={"medusa": TERMS.overlay["medusa"]})


def test_every_term_is_another_than_its_default_here() -> None:
    plain = StoreDefaults(addresses=Addresses("localhost"))
    assert [f.name for f in fields(StoreDefaults) if getattr(plain, f.name) == getattr(TERMS, f.name)] == []


def test_values_that_do_not_fit_are_refused_in_words() -> None:
    with pytest.raises(JobFailed, match=r"values for medusa are too long .* EXECUTOR=local"):
        payload(overlay={"medusa": {"long": "x" * 100_000}}).as_text()


def test_kubernetes_puts_nothing_in_place_of_its_values() -> None:
    told = payload(overlay={"medusa": {"args": ["$(HOME)", "$$(HOME)"]}})
    assert "$" not in told.as_text()
    assert read_payload(told.as_text()) == told


@pytest.mark.parametrize("text", ["s3cret", '"s3cret"', '{"job": "s3cret"}', '{"job": {"kind": "s3cret"}}'])
def test_what_is_no_payload_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="JOB_PAYLOAD is no payload") as refused:
        read_payload(text)
    assert "s3cret" not in str(refused.value)


def test_names_fit_into_kubernetes() -> None:
    longest = replace(payload(), store=replace(STORE, name="x" * MAX_NAME), job=replace(JOB, kind=JobKind.UPGRADE))
    assert len(name_of(longest)) <= 63 - len("-abcde"), "its pod gets five letters more"
    assert all(len(value) <= 63 for value in labels_of(longest).values())


def test_an_operator_lays_over_and_adds() -> None:
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
    assert (pod["serviceAccountName"], spec["activeDeadlineSeconds"]) == ("bot", 100 + GRACE)
    assert Worker("a").pod == Worker("b").container == {}, "and changes nothing for the next"


@pytest.mark.parametrize("error", [Transient("a", "b", "c"), JobFailed("a", log_tail="log"), StoreUnchanged("a", "b")])
def test_an_end_comes_back_as_it_was(capsys: pytest.CaptureFixture[str], error: StorewrightError) -> None:
    emit_end(error)
    line = read_line(capsys.readouterr().out)
    assert line is not None
    back = read_end(line)
    assert (type(back), back.problem if back else None) == (type(error), error.problem)


def test_other_lines_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    emit("record", stage="check")
    line = read_line(capsys.readouterr().out)
    assert line is not None
    assert read_end(line) is None
    for text in ("Traceback (most recent call last):", '{"level": "INFO"}', '"type"', "", "[1]"):
        assert read_line(text) is None


def pod(**end: Any) -> dict[str, Any]:
    return {"status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated": end}}]}}


@pytest.mark.parametrize(
    ("pods", "reason", "error", "words"),
    [
        ([], "Deleted", Transient, "was lost. Kubernetes says: Deleted."),
        ([{"status": {"message": "The node was low on memory."}}], "BackoffLimitExceeded", Transient, "low on memory"),
        ([pod(exitCode=137, reason="OOMKilled")], "BackoffLimitExceeded", Transient, "OOMKilled"),
        ([pod(exitCode=143, reason="Error")], "BackoffLimitExceeded", Transient, "was lost"),
        ([pod(exitCode=1, reason="Error")], "BackoffLimitExceeded", JobFailed, "could not begin. The bot's log"),
        ([pod(exitCode=128, reason="StartError", message="no python3")], "x", JobFailed, "no python3 Check EXECUTOR"),
        ([pod(exitCode=137)], "DeadlineExceeded", JobFailed, "took too long"),
    ],
)
def test_a_loss_is_tried_again_unless_that_can_not_help(
    pods: list[dict[str, Any]], reason: str, error: type[StorewrightError], words: str
) -> None:
    found = loss(JOB, pods, reason)
    assert type(found) is error
    assert words in str(found)


def test_lines_of_many_threads_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where each write goes out by itself, as on a container's unbuffered log."""
    written: list[str] = []

    class Unbuffered(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            time.sleep(0.0005)  # another thread has its turn
            return len(text)

    monkeypatch.setattr(sys, "stdout", Unbuffered())
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: emit("log", number=number), range(40)))
    lines = [read_line(line) for line in "".join(written).splitlines()]
    assert sorted(line["number"] for line in lines if line) == list(range(40))

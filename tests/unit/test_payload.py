"""The payload of a job that runs as a Kubernetes Job, the lines of its log, and the Job's manifest."""

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
from provisioner.domain.job import ROLLBACK_GRACE_SECONDS, EventKind, Job, JobEvent, JobStatus
from provisioner.domain.store import MAX_NAME, Store, StoreStatus
from provisioner.operations.create import CREATE
from provisioner.operations.toolbox import StoreDefaults
from provisioner.operations.upgrade import UPGRADE
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
)


def payload(**changes: Any) -> JobPayload:
    return payload_of(JOB, STORE, EVENTS, replace(DEFAULTS, **changes))


def test_payload_survives_its_text_form() -> None:
    back = read_payload(payload().as_text())
    assert (back.job, back.store, back.events) == (JOB, STORE, tuple(EVENTS))
    assert back.terms == replace(DEFAULTS, overlay={"medusa": DEFAULTS.overlay["medusa"]})


def test_sample_defaults_differ_from_the_real_defaults_in_every_field() -> None:
    plain = StoreDefaults()
    assert [f.name for f in fields(StoreDefaults) if getattr(plain, f.name) == getattr(DEFAULTS, f.name)] == []


def test_values_that_are_too_long_fail_the_job() -> None:
    with pytest.raises(JobFailed, match=r"values for medusa are too long .* EXECUTOR=local"):
        payload(overlay={"medusa": {"long": "x" * 100_000}}).as_text()


def test_kubernetes_expands_no_variable_in_the_payload() -> None:
    sent = payload(overlay={"medusa": {"args": ["$(HOME)", "$$(HOME)"]}})
    assert "$" not in sent.as_text()
    assert read_payload(sent.as_text()) == sent


@pytest.mark.parametrize("text", ["s3cret", '"s3cret"', '{"job": "s3cret"}', '{"job": {"kind": "s3cret"}}'])
def test_error_for_an_invalid_payload_does_not_repeat_it(text: str) -> None:
    with pytest.raises(ValueError, match="JOB_PAYLOAD is no payload") as refused:
        read_payload(text)
    assert "s3cret" not in str(refused.value)


def test_longest_job_name_fits_into_kubernetes_limits() -> None:
    longest = replace(payload(), store=replace(STORE, name="x" * MAX_NAME), job=replace(JOB, kind=UPGRADE.kind))
    assert len(name_of(longest)) <= 63 - len("-abcde"), "its pod's name has six characters more"
    assert all(len(value) <= 63 for value in labels_of(longest).values())


def test_operators_pod_settings_override_ours_and_extend_lists() -> None:
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
    assert (pod["serviceAccountName"], spec["activeDeadlineSeconds"]) == ("bot", 100 + ROLLBACK_GRACE_SECONDS)
    assert Worker("a").pod == Worker("b").container == {}, "the next worker has the defaults"


@pytest.mark.parametrize("error", [Transient("a", "b", "c"), JobFailed("a", log_tail="log"), StoreUnchanged("a", "b")])
def test_error_survives_the_workers_log(capsys: pytest.CaptureFixture[str], error: StorewrightError) -> None:
    emit_end(error)
    line = read_line(capsys.readouterr().out)
    assert line is not None
    back = read_end(line)
    assert (type(back), back.problem if back else None) == (type(error), error.problem)


def test_lines_of_other_programs_are_no_protocol_lines(capsys: pytest.CaptureFixture[str]) -> None:
    emit("record", stage="check")
    line = read_line(capsys.readouterr().out)
    assert line is not None
    assert read_end(line) is None
    for text in ("Traceback (most recent call last):", '{"level": "INFO"}', '"type"', "", "[1]"):
        assert read_line(text) is None


def pod(**end: Any) -> dict[str, Any]:
    return {"status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated": end}}]}}


@pytest.mark.parametrize(
    ("pods", "reason", "error", "message"),
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
def test_lost_pod_is_retried_unless_a_retry_would_fail_too(
    pods: list[dict[str, Any]], reason: str, error: type[StorewrightError], message: str
) -> None:
    found = loss(JOB, pods, reason)
    assert type(found) is error
    assert message in str(found)


def test_lines_of_many_threads_are_never_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a container's unbuffered log, where each write goes out by itself."""
    written: list[str] = []

    class Unbuffered(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            time.sleep(0.0005)  # another thread runs
            return len(text)

    monkeypatch.setattr(sys, "stdout", Unbuffered())
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: emit("log", number=number), range(40)))
    lines = [read_line(line) for line in "".join(written).splitlines()]
    assert sorted(line["number"] for line in lines if line) == list(range(40))

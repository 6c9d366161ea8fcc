"""Toolbox: the operator's defaults as a plain field, and copies that a fence stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from provisioner.domain.errors import HandedOver, JobFailed, Superseded, Transient
from provisioner.domain.job import EventKind, Job
from provisioner.ledger.ledger import Ledger
from provisioner.operations.toolbox import StoreDefaults, Toolbox
from tests.conftest import Clock
from tests.ledgers import SampleOrders
from tests.schedulers import toolbox


@pytest.fixture
def tools(tmp_path: Path, ledger: Ledger) -> Toolbox:
    return toolbox(tmp_path, ledger, defaults=StoreDefaults(instance="other", overlay={"medusa": {"replicas": 2}}))


@pytest.fixture
def job(orders: SampleOrders) -> Job:
    return orders.claimed(orders.create())


def refuse() -> None:
    raise HandedOver("the lease")


def test_toolbox_has_the_defaults_and_does_not_inherit_them(tools: Toolbox) -> None:
    assert not isinstance(tools, StoreDefaults)
    assert Toolbox.__mro__ == (Toolbox, object)
    assert not {field.name for field in fields(StoreDefaults)} & {field.name for field in fields(Toolbox)}
    assert (tools.defaults.instance, tools.defaults.overlay) == ("other", {"medusa": {"replicas": 2}})


def test_fenced_copy_has_the_same_tools(tools: Toolbox) -> None:
    fenced = tools.fenced(lambda: None)
    for name in ("defaults", "ledger", "catalog", "stopping"):
        assert getattr(fenced, name) is getattr(tools, name)
    tools.stopping.set()
    assert fenced.stopping.is_set()


def test_fence_stops_every_tool_of_the_copy_only(tools: Toolbox, job: Job) -> None:
    tools.helm.binary = "/nowhere/helm"
    fenced = tools.fenced(refuse)
    uses: list[Callable[[], object]] = [fenced.cluster.version, fenced.helm.version, lambda: fenced.require_wanted(job)]
    for use in uses:
        with pytest.raises(HandedOver):
            use()
    with pytest.raises(HandedOver), fenced.stage(job, "namespace"):
        pytest.fail("the stage was entered")
    tools.require_wanted(job)
    uses = [tools.cluster.version, tools.helm.version]
    for use in uses:
        with pytest.raises((JobFailed, Transient)):
            use()


def test_stopping_hands_the_job_over_at_its_next_step(tools: Toolbox, job: Job) -> None:
    tools.stopping.set()
    with pytest.raises(HandedOver):
        tools.check_in(job, "It was not ready")


def test_job_that_was_superseded_stops_at_its_next_step(tools: Toolbox, job: Job, orders: SampleOrders) -> None:
    orders.delete(job)
    with pytest.raises(Superseded), tools.stage(job, "namespace"):
        pytest.fail("the stage was entered")


def test_stage_that_fails_is_not_recorded_as_done(tools: Toolbox, job: Job, ledger: Ledger) -> None:
    with pytest.raises(Transient), tools.stage(job, "namespace"):
        raise Transient("The API is away.")
    assert [event.kind for event in ledger.jobs.events(job.id) if event.stage] == [EventKind.STARTED]


def test_deadline_ends_a_wait_with_its_hint(tools: Toolbox, job: Job, clock: Clock) -> None:
    clock.now = job.deadline_at
    tools.check_in(job, "It was not ready")
    assert tools.remaining(job) == 1.0
    clock.now += 1
    with pytest.raises(JobFailed) as end:
        tools.check_in(job, "It was not ready", "No node has room.")
    assert str(end.value) == "It was not ready within 15 min. No node has room. Look at the namespace, then retry."

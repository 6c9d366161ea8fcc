"""The tour of the chaos suite: every registered operation is on it, and every one can be ordered."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from provisioner.domain.job import JobKind
from provisioner.domain.store import StoreStatus
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.restart import RESTART
from tests.chaos.tour import CannotOrder, order_of, short_tours, tours


def test_every_operation_is_on_a_tour_and_can_be_ordered() -> None:
    for tours_of_all in (tours(), short_tours()):
        assert {step.operation.kind for tour in tours_of_all for step in tour} == OPERATIONS.keys()
    for kind, operation in OPERATIONS.items():
        assert re.match(f"/store {kind} (another )?my-shop", order_of(operation, "my-shop", "another"))


def test_operation_that_can_roll_back_is_visited_twice() -> None:
    steps = {(step.operation.kind, step.fails) for step in tours()[0] if step.operation.rolls_back}
    assert steps == {(kind, fails) for kind, o in OPERATIONS.items() if o.rolls_back for fails in (False, True)}


def test_creation_and_what_restores_a_new_store_are_cancelled() -> None:
    cancelled = {step.operation.kind for tour in tours() for step in tour if step.cancelled}
    assert cancelled == {"create", "upgrade", "set", "pause"}


def test_every_step_of_a_tour_finds_the_store_in_a_state_for_it() -> None:
    for tour in [*tours(), *short_tours()]:
        status: StoreStatus | None = None
        for step in tour:
            assert step.replaces or not step.operation.orderable_when or status in step.operation.orderable_when
            status = status if step.fails or step.cancelled else step.operation.status_when_succeeded or status


def test_new_operation_is_on_the_tour_after_what_leads_to_it() -> None:
    kind = JobKind
    stop = replace(RESTART, kind=kind("stop"), status_when_succeeded=StoreStatus.FAILED)
    start = replace(
        RESTART,
        kind=kind("start"),
        orderable_when=frozenset({StoreStatus.FAILED}),
        status_when_succeeded=StoreStatus.READY,
    )
    tour = [step.operation.kind for step in tours({**OPERATIONS, start.kind: start, stop.kind: stop})[0]]
    assert tour.index(kind("start")) == tour.index(kind("stop")) + 1
    assert tour[-1] == "delete"


def test_operation_that_no_state_leads_to_is_reported() -> None:
    lonely = replace(RESTART, kind=JobKind("lonely"), orderable_when=frozenset({StoreStatus.CREATING}))
    with pytest.raises(CannotOrder, match="lonely"):
        tours({**OPERATIONS, lonely.kind: lonely})
    with pytest.raises(CannotOrder, match="lonely"):
        order_of(lonely, "my-shop", "another")

"""The short form of `make chaos`: every operation is interrupted, and nothing is lost, doubled, stuck or orphaned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cluster import Cluster
from provisioner.domain.job import ROLLBACK_STAGE
from tests.chaos import red_runs, sabotage
from tests.chaos.arena import Arena, Owner, Target
from tests.chaos.tour import Step, tours
from tests.e2e.sample_type import load_image


@pytest.fixture
def arena(cluster: Cluster, tmp_path: Path) -> Iterator[Arena]:
    load_image(cluster, tmp_path)
    with Arena(cluster, tmp_path / "arena") as opened:
        yield opened


def middle_of(step: Step) -> Target:
    """The start of its stage in the middle; where it fails or is cancelled, that of its rollback."""
    stages = [stage for stage in step.operation.stages if not stage.exceptional]
    stage = ROLLBACK_STAGE if step.fails or step.cancelled else stages[len(stages) // 2].name
    return Target(step.name, Owner.STORE, f"{stage}: commit jobs.record started {stage}")


def test_killed_bot_loses_doubles_and_forgets_nothing(arena: Arena) -> None:
    arena.add(*tours())
    targets = [Target(red_runs.BIRTH.name, Owner.STORE, "after slack chat.postMessage [summary]")]
    while arena.stores:
        # A job that is cancelled early may have nothing to roll back.
        targets += [middle_of(step) for step in arena.steps if not (step.cancelled and step.operation.rolls_back)]
        cycle = arena.cycle(targets)
        assert len(cycle.kills) == len(targets)
        assert cycle.violations == []
        targets = []


def test_judge_notices_that_messages_have_no_receipts(cluster: Cluster, tmp_path: Path) -> None:
    load_image(cluster, tmp_path)
    name = sabotage.no_receipts.__name__
    assert red_runs.is_noticed(name, red_runs.run(cluster, tmp_path / "arena", name, without=True))

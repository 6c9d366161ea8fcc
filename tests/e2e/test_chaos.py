"""The short form of `make chaos`: every operation is interrupted, and nothing is lost, doubled, stuck or orphaned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cluster import Cluster
from tests.chaos import red_runs, sabotage
from tests.chaos.arena import Arena, Owner, Target
from tests.chaos.tour import Step, short_tours
from tests.e2e.sample_type import load_image


@pytest.fixture
def arena(cluster: Cluster, tmp_path: Path) -> Iterator[Arena]:
    load_image(cluster, tmp_path)
    with Arena(cluster, tmp_path / "arena") as opened:
        yield opened


def targets_of(steps: list[Step]) -> list[Target]:
    """A kill in the middle of each step, and one of the first in the moment after its message is sent."""
    middles = [(step, step.operation.stages[len(step.operation.stages) // 2].name) for step in steps if not step.fails]
    starts = [Target(step.name, Owner.STORE, f"{stage}: commit jobs.record started {stage}") for step, stage in middles]
    return [*starts, Target(steps[0].name, Owner.STORE, "after slack chat.postMessage [summary]")]


def test_killed_bot_loses_doubles_and_forgets_nothing(arena: Arena) -> None:
    arena.add(*short_tours())
    while arena.stores:
        targets = targets_of(arena.steps)
        cycle = arena.cycle(targets)
        assert len(cycle.kills) == len(targets)
        assert cycle.violations == []


def test_judge_notices_that_messages_have_no_receipts(cluster: Cluster, tmp_path: Path) -> None:
    load_image(cluster, tmp_path)
    name = sabotage.no_receipts.__name__
    assert red_runs.is_noticed(name, red_runs.run(cluster, tmp_path / "arena", name, without=True))

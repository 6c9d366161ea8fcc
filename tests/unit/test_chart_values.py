"""The values of the bot's own chart that repeat what the code has."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from provisioner.diagnosis import Patience
from provisioner.operations.registry import DEFAULT_DEADLINES
from provisioner.operations.toolbox import LIMIT_RANGE, QUOTA, ROLLBACK_SECONDS

CHART = Path(__file__).parents[2] / "charts/storewright"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())


def test_chart_has_a_deadline_for_each_operation_with_its_default() -> None:
    defaults = {str(kind): seconds for kind, seconds in DEFAULT_DEADLINES.items()}
    assert VALUES["deadlineSeconds"] == defaults | {"undo": ROLLBACK_SECONDS}


def test_chart_has_a_patience_for_each_kind_of_trouble_with_its_default() -> None:
    given = {re.sub(r"([A-Z])", r"_\1", name).lower(): seconds for name, seconds in VALUES["patienceSeconds"].items()}
    assert given == dict(asdict(Patience()))


def test_chart_has_the_default_limits_of_a_stores_namespace() -> None:
    assert VALUES["stores"]["quota"] == QUOTA
    assert {"type": "Container", **VALUES["stores"]["limitRange"]} == LIMIT_RANGE

"""The values of the bot's own chart that repeat a registry."""

from __future__ import annotations

from pathlib import Path

import yaml

from provisioner.operations.registry import DEFAULT_DEADLINES

CHART = Path(__file__).parents[2] / "charts/storewright"


def test_chart_has_a_deadline_for_each_operation_with_its_default() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["deadlineSeconds"] == DEFAULT_DEADLINES

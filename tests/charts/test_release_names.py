"""Releases and namespaces whose names YAML would read as something else than text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.charts import bot_chart
from tests.charts.releases import CHARTS, COMBINATIONS, helm, settings
from tests.integration.bot_chart_rendering import FEATURES as BOT_FEATURES


class AsKubernetesReads(yaml.CSafeLoader):
    """YAML 1.1 as PyYAML reads it, and numbers such as 1e3."""


NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
AsKubernetesReads.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))

BOT_SETTINGS = [s for name, given in BOT_FEATURES.items() if not name.startswith("no-") for s in given]
CHARTS_WITH_EVERYTHING = [
    *((chart, [f"--set-json={one}" for one in settings(*COMBINATIONS[-1], "no-ingress")]) for chart in CHARTS),
    *((chart, [f"--set-json={one}" for one in settings("replicas", "metrics")]) for chart in CHARTS),
    (bot_chart.CHART, [f"--values={bot_chart.VALUES}", *(f"--set-json={one}" for one in BOT_SETTINGS)]),
]


def shape(node: Any) -> Any:
    """The manifests with types in place of values."""
    if isinstance(node, dict):
        return [(type(key), shape(value)) for key, value in node.items()]
    return [shape(item) for item in node] if isinstance(node, list) else type(node)


def rendered(chart: Path, options: list[str], name: str) -> list[Any]:
    done = helm("template", name, chart, f"--namespace={name}", *options)
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, AsKubernetesReads))


@pytest.mark.parametrize(("chart", "options"), CHARTS_WITH_EVERYTHING, ids=lambda part: getattr(part, "name", ""))
def test_names_that_look_like_numbers_are_text(chart: Path, options: list[str]) -> None:
    usual = shape(rendered(chart, options, "shop"))
    for name in ("123", "1e3", "0x1f", "true", "null", "2026-01-31"):
        assert shape(rendered(chart, options, name)) == usual, name

"""Each chart's README.md is up to date with its values and describes every value."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from dev.charts.__main__ import write_docs
from tests.charts.releases import CHARTS, ROOT

every_chart = pytest.mark.parametrize("chart", [*CHARTS, ROOT / "charts/storewright"], ids=lambda chart: chart.name)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The output of `make docs`, by chart name."""
    charts = tmp_path_factory.mktemp("docs") / "charts"
    shutil.copytree(ROOT / "charts", charts, ignore=shutil.ignore_patterns("README.md"))
    return {readme.parent.name: readme.read_text() for readme in write_docs(charts)}


@every_chart
def test_readme_matches_make_docs(chart: Path, written: dict[str, str]) -> None:
    readme = chart / "README.md"
    assert readme.exists(), "run `make docs`"
    assert readme.read_text() == written[chart.name], "run `make docs`"


def test_changed_default_changes_the_readme(tmp_path: Path, written: dict[str, str]) -> None:
    chart = Path(shutil.copytree(CHARTS[0], tmp_path / "charts" / CHARTS[0].name))
    values = chart / "values.yaml"
    values.write_text(values.read_text().replace("store-credentials", "another"))
    (readme,) = write_docs(tmp_path / "charts")
    assert readme.read_text() == written[chart.name].replace("store-credentials", "another") != written[chart.name]


@every_chart
def test_readme_describes_every_value(chart: Path, written: dict[str, str]) -> None:
    rows = re.findall(r"^\| (\S+) \| .* \| (.*) \|$", written[chart.name], re.MULTILINE)
    assert len(rows) > 10
    assert [key for key, description in rows if not description.strip()] == []

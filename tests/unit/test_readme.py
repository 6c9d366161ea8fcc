"""README, CONTRIBUTING and the docs name only targets, files, settings and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from bot.__main__ import main
from bot.cli.doctor.cluster import OLDEST
from bot.commands.registry import COMMANDS
from bot.former_settings import FORMER_NAMES
from dev import docs
from tests.charts.test_manifests import VERSIONS

ROOT = Path(__file__).parents[2]
FORMER_NAMES_TITLE = "\n## Former names\n"
PAGES = sorted(page for at in ("", "docs/", "manifests/", "charts/*/") for page in ROOT.glob(f"{at}*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ {4,}|=\S* )make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_command_table_of_the_readme_is_up_to_date() -> None:
    readme = (ROOT / "README.md").read_text()
    assert docs.with_command_table(readme) == readme, "run `make docs`"
    assert set(re.findall(r"^\| `/store ([a-z]+)", readme, re.MULTILINE)) == set(COMMANDS)


def test_table_is_not_written_into_a_readme_without_markers() -> None:
    with pytest.raises(docs.NoPlaceForText, match="lacks the line"):
        docs.with_command_table("# Storewright\n")


def test_settings_in_the_docs_are_in_the_help() -> None:
    help_text = CliRunner().invoke(main, ["run", "--help"]).output
    of_images = "".join(file.read_text() for file in ROOT.glob("images/*/sources.yaml"))
    for page in PAGES:
        for name in re.findall(r"`([A-Z]+_[A-Z_]+)[=`]", page.read_text().partition(FORMER_NAMES_TITLE)[0]):
            known = name in help_text or name in of_images or name in ("KEEP_TEST_CLUSTER", "STOREWRIGHT_CACHE")
            assert known, f"{page.name}: {name}"


def test_operating_docs_list_every_former_name() -> None:
    _, _, section = (ROOT / "docs/operating.md").read_text().partition(FORMER_NAMES_TITLE)
    rows = dict(re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \|$", section, re.MULTILINE))
    assert {old: new for old, new in rows.items() if old.isupper()} == FORMER_NAMES
    values = (ROOT / "charts/storewright/values.schema.json").read_text()
    deprecated = re.findall(r'"(\w+)": \{ "description": "Deprecated: use ([\w.]+)\."', values)
    assert len(deprecated) > 5
    assert {(old.rpartition(".")[2], new) for old, new in rows.items() if not old.isupper()} == set(deprecated)


def test_tests_named_in_the_security_docs_exist() -> None:
    named = re.findall(r"\b(tests/\w+/\w+\.py)((?:(?:, )?::\w+)*)", (ROOT / "docs/security.md").read_text())
    assert len({path for path, _ in named}) > 10
    for path, functions in named:
        for function in re.findall(r"\w+", functions):
            assert f"\ndef {function}(" in (ROOT / path).read_text(), f"{path}::{function}"
        assert (ROOT / path).exists(), path


def test_oldest_kubernetes_is_the_same_in_code_charts_and_docs() -> None:
    oldest = ".".join(map(str, OLDEST))
    assert VERSIONS[0] == oldest
    required = {c.name: yaml.safe_load(c.read_text())["kubeVersion"] for c in ROOT.glob("charts/*/Chart.yaml")}
    assert set(required.values()) == {f">={oldest}.0-0"}, required
    assert f"needs Kubernetes {oldest} or later" in (ROOT / "docs/operating.md").read_text()

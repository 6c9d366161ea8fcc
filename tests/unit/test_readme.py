"""What README, CONTRIBUTING and the docs claim is there: targets, files, commands and settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from bot.__main__ import main
from bot.cli.doctor.cluster import OLDEST
from bot.commands.parser import USAGE
from tests.charts.test_manifests import VERSIONS

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for at in ("", "docs/", "manifests/", "charts/*/") for page in ROOT.glob(f"{at}*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ {4,}|=\S* )make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_command_of_the_table_is_one_and_none_is_missing() -> None:
    told = set(re.findall(r"^\| `/store ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert told == set(USAGE)


def test_help_lists_every_setting_the_docs_name() -> None:
    told = CliRunner().invoke(main, ["run", "--help"]).output
    of_images = "".join(file.read_text() for file in ROOT.glob("images/*/sources.yaml"))
    for page in PAGES:
        for name in re.findall(r"`([A-Z]+_[A-Z_]+)[=`]", page.read_text()):
            known = name in told or name in of_images or name in ("KEEP_TEST_CLUSTER", "STOREWRIGHT_CACHE")
            assert known, f"{page.name}: {name}"


def test_every_proof_that_is_named_exists() -> None:
    named = re.findall(r"\b(tests/\w+/\w+\.py)((?:(?:, )?::\w+)*)", (ROOT / "docs/security.md").read_text())
    assert len({path for path, _ in named}) > 10
    for path, functions in named:
        for function in re.findall(r"\w+", functions):
            assert f"\ndef {function}(" in (ROOT / path).read_text(), f"{path}::{function}"
        assert (ROOT / path).exists(), path


def test_one_oldest_kubernetes_is_told_everywhere() -> None:
    oldest = ".".join(map(str, OLDEST))
    assert VERSIONS[0] == oldest
    told = {c.name: yaml.safe_load(c.read_text())["kubeVersion"] for c in ROOT.glob("charts/*/Chart.yaml")}
    assert set(told.values()) == {f">={oldest}.0-0"}, told
    assert f"needs Kubernetes {oldest} or later" in (ROOT / "docs/operating.md").read_text()

"""What README, CONTRIBUTING and the docs claim is there: targets, files, commands and settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.grammar import USAGE

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", page.read_text())) - {"sure"} <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
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

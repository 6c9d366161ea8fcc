"""The storefront's pages, rendered by node without a store, and its pictures."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

TESTS = Path(__file__).with_name("storefront")
SOURCE = Path(__file__).parents[2] / "images/medusa/src/storefront"
NODE = ["node", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"]


def node(*arguments: str | Path) -> str:
    """The output of node; fails with its output and errors."""
    done = subprocess.run([*NODE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("file", sorted(TESTS.glob("*.test.ts")), ids=lambda file: file.name)
def test_node_tests_pass(file: Path) -> None:
    assert "\n# fail 0\n" in node("--test", "--test-reporter=tap", file)


def test_pictures_are_small_and_refer_to_no_other_file() -> None:
    script = (
        f"import {{ pictures }} from {json.dumps(str(SOURCE / 'pictures.ts'))}; console.log(JSON.stringify(pictures))"
    )
    pictures = json.loads(node("--input-type=module", "--eval", script))
    assert len(pictures) >= 8
    for name, svg in pictures.items():
        assert 2000 < len(svg) < 6000, f"{name} has {len(svg)} bytes"
        assert ElementTree.fromstring(svg).get("viewBox") == "0 0 600 600"  # noqa: S314 (a file of the repository)
        assert "href" not in svg, f"{name} has a link"
        assert svg.count("http") == 1, f"{name} has a URL other than the SVG namespace"

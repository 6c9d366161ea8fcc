"""The storefront's pages without a store: pure functions from data to HTML, run by node; and its drawn pictures."""

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
    """What node prints. Fails with all it said if it fails."""
    done = subprocess.run([*NODE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("file", sorted(TESTS.glob("*.test.ts")), ids=lambda file: file.name)
def test_pages(file: Path) -> None:
    assert "\n# fail 0\n" in node("--test", "--test-reporter=tap", file)


def test_every_picture_is_small_whole_and_its_own() -> None:
    script = (
        f"import {{ pictures }} from {json.dumps(str(SOURCE / 'pictures.ts'))}; console.log(JSON.stringify(pictures))"
    )
    pictures = json.loads(node("--input-type=module", "--eval", script))
    assert len(pictures) >= 8
    for name, svg in pictures.items():
        assert 2000 < len(svg) < 6000, f"{name} has {len(svg)} bytes"
        assert ElementTree.fromstring(svg).get("viewBox") == "0 0 600 600"  # noqa: S314 (our own)
        assert "href" not in svg, f"{name} refers to something outside of it"
        assert svg.count("http") == 1, f"{name} refers to something beside SVG's namespace"

"""docs/tour.md shows the pictures that the story takes, and no others."""

from __future__ import annotations

import re

from dev.cache import CHECKOUT

DOCS = CHECKOUT / "docs"
TAKEN = re.findall(r'self\.shoot\("([\w-]+)"', (CHECKOUT / "tests/e2e/test_story.py").read_text())


def test_tour_shows_each_picture_of_the_story_once() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(images/tour/([\w-]+)\.png\)", (DOCS / "tour.md").read_text())
    assert sorted(shown) == sorted(TAKEN)
    assert len(set(shown)) == len(shown)


def test_pictures_of_the_tour_are_those_of_the_story_on_a_desktop_and_a_phone() -> None:
    names = {f"{name}{end}.png" for name in TAKEN for end in ("", "-phone")}
    assert {picture.name for picture in (DOCS / "images/tour").iterdir()} == names

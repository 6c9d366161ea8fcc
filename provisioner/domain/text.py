"""How a person's words are given back to them: not too long, and as the nearest that is known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def shorten(text: str, most: int = 40) -> str:
    """At most that many characters of it, the last one an ellipsis where something is left out."""
    return text if len(text) <= most else text[: most - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str:
    """The one of those `known` that was probably meant, '' where none is near."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)), "")

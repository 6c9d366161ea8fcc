"""Helpers for text that people read: shorten it, find the nearest known word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def shorten(text: str, limit: int = 40) -> str:
    """At most `limit` characters of `text`, with an ellipsis if something was cut off."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def enumerate_words(words: Iterable[str]) -> str:
    """“a, b and c”."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word closest to `word`, or '' if none is close."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)), "")

"""Helpers for text that people read: shorten it, find the nearest known word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import accumulate


def shorten(text: str, limit: int = 40) -> str:
    """At most `limit` characters of `text`, with an ellipsis if something was cut off."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str, limit: int = 300) -> str:
    """What a person typed, as part of a line: without line breaks and other control characters, shortened."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return shorten(" ".join(printable.split()), limit)


def enumerate_words(words: Iterable[str]) -> str:
    """“a, b and c”."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def enumerate_some(words: Iterable[str], limit: int = 1000) -> str:
    """“a, b, c”, or “a, b and 3 more” if all of them have more than `limit` characters."""
    listed = list(words)
    lengths = accumulate(len(word) + 2 for word in listed)
    shown = sum(length <= limit for length in lengths)
    more = f" and {len(listed) - shown} more" if shown < len(listed) else ""
    return ", ".join(listed[:shown]) + more


def size(count: float) -> str:
    """0 -> “0 B”, 1500 -> “2 kB”, 31_000_000 -> “31 MB”."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def binary_size(count: float) -> str:
    """As Kubernetes counts memory: 0 -> “0 B”, 402653184 -> “384 MiB”, 1610612736 -> “1.5 GiB”."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f}".removesuffix(".0") + " GiB"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word closest to `word`, or '' if none is close."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)), "")

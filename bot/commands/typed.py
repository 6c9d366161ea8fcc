"""The words that a person typed, without the marks that Slack and keyboards add. Pure."""

from __future__ import annotations

import re

MARKS = "\"'`“”‘’„‚«»‹›*_~"  # quotes, and Slack's marks for code, bold, italic and struck text
LINK = re.compile(r"<(https?://[^|>\s]+)(\|[^>]*)?>")  # what Slack makes of a typed address
MENTION = re.compile(r"<([@#])[^|>]*\|?([^>]*)>|([@#]).+")


def split(text: str) -> list[str]:
    """The words: links as their address, `currency="usd"` as `currency=usd`."""
    words = (word.strip(MARKS) for word in LINK.sub(r"\1", text).split())
    return [re.sub(rf"=[{re.escape(MARKS)}]+", "=", word) for word in words if word]


def person_in(word: str) -> str:
    """The id of the person that the word mentions; '' for another word, or a name that Slack did not know."""
    found = re.fullmatch(r"<@([UW][A-Z0-9]+)(\|[^>]*)?>", word)
    return found[1] if found else ""


def as_typed(word: str) -> str:
    """The word as people see it: a mention without its id."""
    return re.sub(r"<([@#])[A-Z0-9]+\|([^>]+)>", r"\1\2", word)


def mentioned(word: str) -> str:
    """What a mention of Slack's refers to, such as “person”; '' for another word."""
    found = MENTION.fullmatch(word)
    return {"@": "person", "#": "channel"}[found[1] or found[3]] if found else ""

"""Tables that Slack sorts, filters and pages: its data table block, for which slack-sdk has no model.

Source of the limits and fields: docs.slack.dev, “Data table block”."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, takewhile

from slack_sdk.models.blocks import Block

from bot.rendering.blocks import TABLE, Json
from bot.rendering.templating import TIME_FORMAT, is_person, person, utc

Cell = Json
PAGE_SIZE = 10  # rows
MOST_ROWS, MOST_CHARACTERS = 100, 10_000  # that Slack takes, without the header
EMPTY = "–"


class DataTable(Block):
    """A table with a caption, which screen readers say; the first row is the header, and the first cell names its row.

    Of many `rows`, only as many are shown as Slack takes: `shown` is their number."""

    type = TABLE

    def __init__(self, caption: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        super().__init__(type=self.type)
        room = MOST_CHARACTERS - sum(map(len, header))
        lengths = accumulate(sum(map(_length, row)) for row in rows[:MOST_ROWS])
        self.shown = len(list(takewhile(lambda length: length <= room, lengths)))
        self.caption, self.page_size = caption, PAGE_SIZE
        self.rows = [[text_cell(title) for title in header], *(list(row) for row in rows[: self.shown])]

    @property
    def attributes(self) -> set[str]:  # type: ignore[override]  # slack-sdk's own blocks do the same
        """What `to_dict` contains."""
        return super().attributes | {"caption", "rows", "page_size"}


def text_cell(value: str) -> Cell:
    """A cell with plain text."""
    return {"type": "raw_text", "text": value or EMPTY}


def number(value: float, shown: str) -> Cell:
    """A cell that is sorted by its value."""
    return {"type": "raw_number", "value": value, "text": shown}


def link(url: str, label: str) -> Cell:
    """A cell with a link."""
    return _rich({"type": "link", "url": url, "text": label})


def time_of(at: float | None) -> Cell:
    """A cell with a time (epoch seconds) in the reader's time zone; empty for None."""
    if at is None:
        return text_cell("")
    return _rich({"type": "date", "timestamp": int(at), "format": TIME_FORMAT, "fallback": utc(at)})


def person_cell(user_id: str) -> Cell:
    """A cell with a mention, or with the words for somebody without a Slack id."""
    return _rich({"type": "user", "user_id": user_id}) if is_person(user_id) else text_cell(str(person(user_id)))


def _rich(element: Json) -> Cell:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [element]}]}


def _length(cell: Cell) -> int:
    """How many characters it has. Slack does not say whether it counts a link's address: here it counts."""
    parts = [cell] if "text" in cell else cell["elements"][0]["elements"]
    return sum(len(part.get(key, "")) for part in parts for key in ("text", "url", "user_id", "fallback"))

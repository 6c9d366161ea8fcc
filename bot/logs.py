"""JSON logs on standard error, each line with the request, job and store it belongs to, and never a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.json import JsonFormatter

_bound: ContextVar[dict[str, str]] = ContextVar("bound", default={})  # noqa: B039  (never mutated)

# At DEBUG these print message bodies, and one of those is the credential link.
TALKATIVE = ("slack_sdk", "slack_bolt", "urllib3", "kubernetes", "apscheduler")


def configure(level: str) -> None:
    """Send all logs to standard error as JSON, one object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonFormatter(
            "{asctime}{levelname}{name}{message}", style="{", rename_fields={"asctime": "at", "levelname": "level"}
        )
    )
    handler.addFilter(_is_discreet)
    handler.addFilter(_add_bound)
    logging.basicConfig(level=level, handlers=[handler], force=True)


@contextmanager
def bound(**ids: str) -> Iterator[None]:
    """Every log line of this thread within the block carries `ids`, such as request, job or store."""
    token = _bound.set({**_bound.get(), **ids})
    try:
        yield
    finally:
        _bound.reset(token)


def _is_discreet(record: logging.LogRecord) -> bool:
    """Here and not by the loggers' levels, since Bolt sets those of its own loggers itself."""
    return record.levelno >= logging.INFO or not record.name.startswith(TALKATIVE)


def _add_bound(record: logging.LogRecord) -> bool:
    fields: dict[str, Any] = _bound.get()
    for name, value in fields.items():
        if not hasattr(record, name):
            setattr(record, name, value)
    return True

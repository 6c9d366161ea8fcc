"""JSON logs on standard error, each line with the request, job and store it belongs to, and never a secret."""

from __future__ import annotations

import logging

from pythonjsonlogger.json import JsonFormatter

from provisioner.log_context import bound_ids

# At DEBUG these print message bodies, and one of those is the credential link.
TALKATIVE = ("slack_sdk", "slack_bolt", "urllib3", "kubernetes", "apscheduler")


def configure_logging(level: str) -> None:
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


def _is_discreet(record: logging.LogRecord) -> bool:
    """Here and not by the loggers' levels, since Bolt sets those of its own loggers itself."""
    return record.levelno >= logging.INFO or not record.name.startswith(TALKATIVE)


def _add_bound(record: logging.LogRecord) -> bool:
    for name, value in bound_ids().items():
        if not hasattr(record, name):
            setattr(record, name, value)
    return True

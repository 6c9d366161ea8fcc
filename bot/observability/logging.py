"""JSON logs on standard error, with request and job ids, without secrets."""

from __future__ import annotations

import logging

from pythonjsonlogger.json import JsonFormatter

from provisioner.log_context import bound_ids

# At DEBUG these log message bodies, which can contain a credential link.
LOGGERS_WITH_SECRETS = ("slack_sdk", "slack_bolt", "urllib3", "kubernetes", "apscheduler")


def configure_logging(level: str) -> None:
    """Log to standard error as JSON, one object per line."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonFormatter(
            "{asctime}{levelname}{name}{message}", style="{", rename_fields={"asctime": "at", "levelname": "level"}
        )
    )
    handler.addFilter(_without_secrets)
    handler.addFilter(_add_ids)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _without_secrets(record: logging.LogRecord) -> bool:
    """A filter, because Bolt overwrites the levels of its own loggers."""
    return record.levelno >= logging.INFO or not record.name.startswith(LOGGERS_WITH_SECRETS)


def _add_ids(record: logging.LogRecord) -> bool:
    """Keeps an id that the log call gives itself."""
    for name, value in bound_ids().items():
        if not hasattr(record, name):
            setattr(record, name, value)
    return True

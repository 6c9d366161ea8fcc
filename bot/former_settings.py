"""Settings that are set under former names of their variables."""

from __future__ import annotations

import os

# Former names of variables, accepted for one version.
FORMER_NAMES = {
    "LEDGER_BACKUPS": "LEDGER_BACKUP_DIR",
    "LEDGER_BACKUP_HOURS": "LEDGER_BACKUP_INTERVAL_HOURS",
    "LEDGER_BACKUPS_KEPT": "LEDGER_BACKUP_KEEP",
    "PULL_SECRET": "IMAGE_PULL_SECRET",
    "JOBS_AT_ONCE": "MAX_CONCURRENT_JOBS",
    "CREATE_DEADLINE": "CREATE_DEADLINE_SECONDS",
    "UPGRADE_DEADLINE": "UPGRADE_DEADLINE_SECONDS",
    "DELETE_DEADLINE": "DELETE_DEADLINE_SECONDS",
}


def former_names_in_use() -> dict[str, str]:
    """Former names of set variables, with their present names.

    A variable that is set under both names is left out."""
    return {old: new for old, new in FORMER_NAMES.items() if os.environ.get(old) and not os.environ.get(new)}


def deprecation_warnings() -> list[str]:
    """A sentence for each variable set under its former name."""
    return [
        f"{old} is now called {new}. Rename it: the next version ignores the former name."
        for old, new in former_names_in_use().items()
    ]

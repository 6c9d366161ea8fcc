"""Is everything there that the bot stands on? Each of ledger, cluster, slack and helm is told apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from slack_sdk.errors import SlackApiError

from bot.slack import UNREACHABLE, error_word
from provisioner.errors import StorewrightError

KEPT = 5.0  # seconds for which an answer is not asked for again


class Readiness:
    """Checks by name; each raises where its thing is not usable. Answers are kept for a few seconds."""

    def __init__(self, checks: Mapping[str, Callable[[], object]]) -> None:
        self._checks = checks
        self._lock = threading.Lock()
        self._kept: tuple[float, dict[str, str]] = (-KEPT, {})

    def report(self) -> dict[str, str]:
        """Name -> 'ok', or what is wrong."""
        with self._lock:
            asked_at, report = self._kept
            if time.monotonic() - asked_at >= KEPT:
                report = {name: _outcome(check) for name, check in self._checks.items()}
                self._kept = (time.monotonic(), report)
            return report


def _outcome(check: Callable[[], object]) -> str:
    try:
        check()
    except SlackApiError as error:
        return f"Slack answered {error_word(error)}."
    except StorewrightError as error:
        return str(error)
    except UNREACHABLE as error:
        return f"It can't be reached: {error}"
    except Exception as error:  # noqa: BLE001  (whatever is wrong with it, the others are still to be told)
        return f"{type(error).__name__}: {error}"
    return "ok"

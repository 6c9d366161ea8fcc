"""Is everything there that the bot stands on? Each of ledger, cluster, slack and helm is told apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from slack_sdk.errors import SlackApiError

from bot.slack import NO_ENTRY, UNREACHABLE, error_word
from provisioner.errors import StorewrightError

KEPT = 5.0  # seconds for which an answer is not asked for again
REMARKS_KEPT = 60.0  # the same for remarks
Checks = Mapping[str, Callable[[], object]]


class Readiness:
    """Checks by name; each raises where its thing is not usable. `remarks` are told too, but keep nobody from work."""

    def __init__(self, checks: Checks, remarks: Checks | None = None) -> None:
        self._checks, self._remarks = _Kept(checks, KEPT), _Kept(remarks or {}, REMARKS_KEPT)

    def report(self) -> tuple[bool, dict[str, str]]:
        """Whether all is there that is needed; and name -> 'ok', or what is wrong."""
        needed = self._checks.outcomes()
        return all(outcome == "ok" for outcome in needed.values()), {**needed, **self._remarks.outcomes()}


class _Kept:
    """The outcomes of checks, kept for some seconds."""

    def __init__(self, checks: Checks, seconds: float) -> None:
        self._checks, self._seconds = checks, seconds
        self._lock = threading.Lock()
        self._kept: tuple[float, dict[str, str]] = (-seconds, {})

    def outcomes(self) -> dict[str, str]:
        with self._lock:
            asked_at, outcomes = self._kept
            if time.monotonic() - asked_at >= self._seconds:
                outcomes = {name: _outcome(check) for name, check in self._checks.items()}
                self._kept = (time.monotonic(), outcomes)
            return outcomes


def _outcome(check: Callable[[], object]) -> str:
    try:
        check()
    except SlackApiError as error:
        invite = " Invite the app to that channel." if error_word(error) in NO_ENTRY else ""
        return f"Slack answered {error_word(error)}.{invite}"
    except StorewrightError as error:
        return str(error)
    except UNREACHABLE as error:
        return f"It can't be reached: {error}"
    except Exception as error:  # noqa: BLE001  (whatever is wrong with it, the others are still to be told)
        return f"{type(error).__name__}: {error}"
    return "ok"

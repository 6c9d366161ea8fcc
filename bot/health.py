"""Is everything there that the bot stands on? Ledger, cluster, Slack, helm and the failure channel are told apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from slack_sdk.errors import SlackApiError

from bot.slack import NO_ENTRY, UNREACHABLE, error_word
from provisioner.errors import StorewrightError

OK = "ok"
KEPT = 5.0  # seconds for which an answer is not asked for again
REMARKS_KEPT = 60.0  # the same for remarks
Checks = Mapping[str, Callable[[], object]]


class Readiness:
    """Checks by name; each raises where its thing is not usable. `remarks` are told too, but keep nobody from work."""

    def __init__(self, checks: Checks, remarks: Checks | None = None) -> None:
        self._needed, self._checks = set(checks), {**checks, **(remarks or {})}
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, str]] = {}

    def report(self) -> tuple[bool, dict[str, str]]:
        """Whether all is there that is needed; and name -> 'ok', or what is wrong.

        All are asked at once, so this takes as long as the slowest of them."""
        with self._lock:
            due = [name for name in self._checks if self._is_due(name)]
            with ThreadPoolExecutor(max(1, len(due)), thread_name_prefix="readiness") as threads:
                outcomes = threads.map(lambda name: _outcome(self._checks[name]), due)
            self._kept |= {name: (time.monotonic(), outcome) for name, outcome in zip(due, outcomes, strict=True)}
            told = self.last()
            return all(told[name] == OK for name in self._needed), told

    def last(self) -> dict[str, str]:
        """What was told when it was last asked for; nothing is asked now."""
        return {name: self._kept[name][1] for name in self._checks if name in self._kept}

    def _is_due(self, name: str) -> bool:
        asked_at, _ = self._kept.get(name, (float("-inf"), ""))
        return time.monotonic() - asked_at >= (KEPT if name in self._needed else REMARKS_KEPT)


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
    return OK

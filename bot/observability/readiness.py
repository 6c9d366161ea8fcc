"""Readiness: checks of everything that the bot depends on, for /readyz."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from threading import Thread

from slack_sdk.errors import SlackApiError

from bot.slack.client import UNREACHABLE, error_word
from bot.slack.refusals import Refusal, refusal_of
from provisioner.domain.errors import StorewrightError

OK = "ok"
CACHE_SECONDS = 5.0  # for which the success of a check is valid
FAILURE_CACHE_SECONDS = 1.0  # …and a failure: while a bot starts, its parts come up one after the other
OPTIONAL_CACHE_SECONDS = 60.0
CHECK_TIMEOUT_SECONDS = 8.0  # less than a kubelet's timeout (10 s in the chart), so that it gets the reasons
FIRST_RESULT = "The first check has not ended yet."
Checks = Mapping[str, Callable[[], object]]


class Readiness:
    """Checks by name; a check raises if its part is not usable.

    `optional` checks are reported and do not affect readiness."""

    def __init__(self, checks: Checks, optional: Checks | None = None) -> None:
        self._required, self._checks = set(checks), {**checks, **(optional or {})}
        self._lock = threading.Lock()
        self._results: dict[str, tuple[float, str]] = {}  # monotonic time and result, by name
        self._running: set[str] = set()

    def report(self) -> tuple[bool, dict[str, str]]:
        """Whether all required parts are usable, and each part's result.

        A result is 'ok' or the error. Checks with outdated results run at once, for CHECK_TIMEOUT_SECONDS at most.
        A check that another call runs already is not awaited: a hanging part must not block all server threads."""
        threads = {name: Thread(target=self._run, args=(name,), daemon=True) for name in self._take_due()}
        for thread in threads.values():
            thread.start()
        deadline = time.monotonic() + CHECK_TIMEOUT_SECONDS
        for name, thread in threads.items():
            thread.join(max(0, deadline - time.monotonic()))
            if thread.is_alive():
                self._record(name, f"No answer within {CHECK_TIMEOUT_SECONDS:.0f} s.")
        results = dict.fromkeys(self._checks, FIRST_RESULT) | self.last()
        return all(results[name] == OK for name in self._required), results

    def last(self) -> dict[str, str]:
        """The last results by name; runs no check."""
        with self._lock:
            return {name: self._results[name][1] for name in self._checks if name in self._results}

    def _take_due(self) -> list[str]:
        with self._lock:
            due = [name for name in self._checks if name not in self._running and self._is_due(name)]
            self._running.update(due)
            return due

    def _is_due(self, name: str) -> bool:
        if name not in self._results:
            return True
        checked_at, result = self._results[name]
        of_required = CACHE_SECONDS if result == OK else FAILURE_CACHE_SECONDS
        return time.monotonic() - checked_at >= (of_required if name in self._required else OPTIONAL_CACHE_SECONDS)

    def _run(self, name: str) -> None:
        self._record(name, _result(self._checks[name]))
        with self._lock:
            self._running.discard(name)

    def _record(self, name: str, result: str) -> None:
        with self._lock:
            self._results[name] = time.monotonic(), result


def _result(check: Callable[[], object]) -> str:
    try:
        check()
    except SlackApiError as error:
        word = error_word(error)
        fix = " Invite the app to that channel." if refusal_of(word) is Refusal.NO_ACCESS else ""
        return f"Slack answered {word}.{fix}"
    except StorewrightError as error:
        return str(error)
    except UNREACHABLE as error:
        return f"It can't be reached: {error}"
    except Exception as error:  # noqa: BLE001  (a bug in one check must not hide the other results)
        return f"{type(error).__name__}: {error}"
    return OK

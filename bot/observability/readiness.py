"""Is everything there that the bot stands on? Ledger, cluster, Slack, helm and the failure channel are told apart."""

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
KEPT = 5.0  # seconds for which an answer is not asked for again
REMARKS_KEPT = 60.0  # the same for remarks
PATIENCE = 8.0  # seconds; less than a kubelet has, which is to hear what is wrong
NOT_ASKED = "It is being asked for the first time."
Checks = Mapping[str, Callable[[], object]]


class Readiness:
    """Checks by name; each raises where its thing is not usable. `remarks` are told too, but keep nobody from work."""

    def __init__(self, checks: Checks, remarks: Checks | None = None) -> None:
        self._needed, self._checks = set(checks), {**checks, **(remarks or {})}
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, str]] = {}
        self._being_asked: set[str] = set()

    def report(self) -> tuple[bool, dict[str, str]]:
        """Whether all is there that is needed; and name -> 'ok', or what is wrong.

        What is due is asked at once, and waited for PATIENCE seconds at most. What somebody else asks at this moment is
        not waited for: whoever asks after our health must not be kept from it by those who ask after another's."""
        asked = {name: Thread(target=self._ask, args=(name,), daemon=True) for name in self._take_due()}
        for thread in asked.values():
            thread.start()
        until = time.monotonic() + PATIENCE
        for name, thread in asked.items():
            thread.join(max(0, until - time.monotonic()))
            if thread.is_alive():
                self._keep(name, f"There is no answer after {PATIENCE:.0f} s.")
        told = dict.fromkeys(self._checks, NOT_ASKED) | self.last()
        return all(told[name] == OK for name in self._needed), told

    def last(self) -> dict[str, str]:
        """What was told when it was last asked for; nothing is asked now."""
        with self._lock:
            return {name: self._kept[name][1] for name in self._checks if name in self._kept}

    def _take_due(self) -> list[str]:
        with self._lock:
            due = [name for name in self._checks if name not in self._being_asked and self._is_due(name)]
            self._being_asked.update(due)
            return due

    def _is_due(self, name: str) -> bool:
        asked_at, _ = self._kept.get(name, (float("-inf"), ""))
        return time.monotonic() - asked_at >= (KEPT if name in self._needed else REMARKS_KEPT)

    def _ask(self, name: str) -> None:
        self._keep(name, _outcome(self._checks[name]))
        with self._lock:
            self._being_asked.discard(name)

    def _keep(self, name: str, outcome: str) -> None:
        with self._lock:
            self._kept[name] = time.monotonic(), outcome


def _outcome(check: Callable[[], object]) -> str:
    try:
        check()
    except SlackApiError as error:
        word = error_word(error)
        invite = " Invite the app to that channel." if refusal_of(word) is Refusal.NO_ACCESS else ""
        return f"Slack answered {word}.{invite}"
    except StorewrightError as error:
        return str(error)
    except UNREACHABLE as error:
        return f"It can't be reached: {error}"
    except Exception as error:  # noqa: BLE001  (whatever is wrong with it, the others are still to be told)
        return f"{type(error).__name__}: {error}"
    return OK

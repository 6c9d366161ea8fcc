"""What a check found, and how all checks are asked: at once, each on its own, none stopped by another's trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

from slack_sdk.errors import SlackApiError

from bot.slack.client import UNREACHABLE, error_word
from provisioner.domain.errors import StorewrightError

Status = Literal["ok", "wrong", "unsure"]
S = TypeVar("S")


@dataclass(frozen=True)
class Finding:
    """`status`: ok, wrong (Storewright will not work as it should) or unsure (worth a look, or not to be told from
    here). `fix` says what to do; `check` is whose finding it is."""

    status: Status
    message: str
    fix: str = ""
    check: str = ""


def ok(message: str) -> Finding:
    return Finding("ok", message)


def wrong(message: str, fix: str) -> Finding:
    return Finding("wrong", message, fix)


def unsure(message: str, fix: str = "") -> Finding:
    return Finding("unsure", message, fix)


@dataclass(frozen=True)
class Check(Generic[S]):
    """`look` gives what it finds at a site; what it raises is a finding too."""

    name: str
    look: Callable[[S], Iterable[Finding]]

    def findings(self, site: S) -> list[Finding]:
        found: list[Finding] = []
        try:
            found.extend(self.look(site))
        except SlackApiError as error:
            found.append(wrong(f"Slack answered {error_word(error)}.", "Check SLACK_BOT_TOKEN."))
        except StorewrightError as error:
            told = " ".join(filter(None, (error.problem.what, error.problem.cause)))
            found.append(wrong(told, error.problem.next_step))
        except UNREACHABLE as error:
            found.append(wrong(f"No answer: {error}.", "Check the network from here, and try again."))
        except Exception as error:  # noqa: BLE001  (the other checks are still to be told)
            found.append(unsure(f"This check itself failed: {type(error).__name__}: {error}.", "Report it."))
        return [replace(one, check=self.name) for one in found]


def examine(site: S, checks: Sequence[Check[S]]) -> Iterator[Finding]:
    """What all checks find, in their order, as soon as it is known."""
    with ThreadPoolExecutor(len(checks), thread_name_prefix="doctor") as threads:
        for found in threads.map(lambda check: check.findings(site), checks):
            yield from found

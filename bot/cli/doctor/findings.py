"""Finding and Check, and the function that runs all checks at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

from slack_sdk.errors import SlackApiError

from bot.slack.client import UNREACHABLE, error_word
from provisioner.domain.errors import StorewrightError

Status = Literal["ok", "wrong", "unsure"]
T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """One result of a check.

    `status` is ok, wrong (Storewright will not work correctly) or unsure (worth a look, or impossible to check from
    here). `fix` is the next step for the operator. `check` is the name of the check."""

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
class Check(Generic[T]):
    """A named check; an exception of `run` becomes a finding too."""

    name: str
    run: Callable[[T], Iterable[Finding]]

    def findings(self, subject: T) -> list[Finding]:
        """Findings of this check. Raises nothing."""
        findings: list[Finding] = []
        try:
            findings.extend(self.run(subject))
        except SlackApiError as error:
            findings.append(wrong(f"Slack answered {error_word(error)}.", "Check SLACK_BOT_TOKEN."))
        except StorewrightError as error:
            message = " ".join(filter(None, (error.problem.what, error.problem.cause)))
            findings.append(wrong(message, error.problem.next_step))
        except UNREACHABLE as error:
            findings.append(wrong(f"No answer: {error}.", "Check the network of this machine, then try again."))
        except Exception as error:  # noqa: BLE001  (a bug in one check must not hide the other findings)
            message = f"This check itself failed: {type(error).__name__}: {error}."
            findings.append(unsure(message, "Report this bug of Storewright."))
        return [replace(finding, check=self.name) for finding in findings]


def run_checks(subject: T, checks: Sequence[Check[T]]) -> Iterator[Finding]:
    """Run all checks at once; yield findings in the order of `checks`."""
    with ThreadPoolExecutor(len(checks), thread_name_prefix="doctor") as threads:
        for findings in threads.map(lambda check: check.findings(subject), checks):
            yield from findings

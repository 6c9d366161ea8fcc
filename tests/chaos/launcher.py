"""`python -m tests.chaos.launcher`: the real bot, with boundaries around its effects, in the process that they end.

Environment: CHAOS_FOLDER, the folder of the plan and the log; CHAOS_SABOTAGE, one of `sabotage.SWITCHES`, or ''."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.chaos import clock
from tests.chaos.boundaries import Boundaries, install

FOLDER, SABOTAGE = "CHAOS_FOLDER", "CHAOS_SABOTAGE"


def main() -> None:
    folder = Path(os.environ[FOLDER])
    clock.install(folder)  # first: modules keep what they import
    install(Boundaries(folder, Path(os.environ["LEDGER_PATH"])))
    from bot.__main__ import main as bot
    from bot.slack.rate_limiter import RATES
    from tests.chaos.sabotage import SWITCHES

    if switch := os.environ.get(SABOTAGE):
        SWITCHES[switch]()
    RATES.update(dict.fromkeys(RATES, (1000, 1.0)))  # type: ignore[attr-defined]  # Slack's pace is not the subject
    sys.argv = ["storewright", "run"]
    bot()


if __name__ == "__main__":
    main()

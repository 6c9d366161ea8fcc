"""`python -m tests.chaos.launcher`: the real bot, with boundaries around its effects, in processes that they end.

It imports everything once. Then it starts a bot, in a process of its own, for each line on stdin, and answers with the
process's id. A line is a JSON object, the environment of the bot. It contains CHAOS_FOLDER, the folder of the plan and
the logs, and CHAOS_SABOTAGE, one of `sabotage.SWITCHES`, or ''. With the argument `--clock` the bots follow
`clock.move`."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from tests import clock

FOLDER, SABOTAGE, BOT_LOG, CLOCK = "CHAOS_FOLDER", "CHAOS_SABOTAGE", "bot.log", "--clock"


def main() -> None:
    if CLOCK in sys.argv:
        clock.install()  # first: modules keep what they import
    _import_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended processes leave no zombies
    for line in sys.stdin:
        if process := os.fork():
            print(process, flush=True)
        else:
            _be_bot(json.loads(line))


def _import_all() -> None:
    import bot.bootstrap  # noqa: F401  (what `bot run` imports)
    from tests.chaos import boundaries, releases, sabotage  # noqa: F401


def _be_bot(environment: dict[str, str]) -> None:
    from bot.__main__ import main as run_bot
    from bot.slack.rate_limiter import RATES
    from tests.chaos.boundaries import Boundaries, install
    from tests.chaos.sabotage import SWITCHES

    os.environ.update(environment)
    folder = Path(environment[FOLDER])
    _detach(folder / BOT_LOG)
    clock.follow(folder)
    install(Boundaries(folder, Path(environment["LEDGER_PATH"])))
    if switch := environment[SABOTAGE]:
        SWITCHES[switch]()
    RATES.update(dict.fromkeys(RATES, (1000, 1.0)))  # type: ignore[attr-defined]  # Slack's pace is not the subject
    sys.argv = ["storewright", "run"]
    run_bot()


def _detach(log: Path) -> None:
    """Give this process a session, a log and no input, as dev.background does."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output, nothing = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)


if __name__ == "__main__":
    main()

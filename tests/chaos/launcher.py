"""`python -m tests.chaos.launcher`: the real bot, with boundaries around its effects, in processes that they end.

It imports everything once. Then it starts a bot, in a process of its own, for each line on stdin, and answers with the
process's id. The bot's output goes to `bot.log`.

Environment: CHAOS_FOLDER, the folder of the plan and the log; CHAOS_SABOTAGE, one of `sabotage.SWITCHES`, or ''."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.chaos import clock
from tests.chaos.boundaries import Boundaries, install

FOLDER, SABOTAGE, BOT_LOG = "CHAOS_FOLDER", "CHAOS_SABOTAGE", "bot.log"


def main() -> None:
    folder = Path(os.environ[FOLDER])
    clock.install(folder)  # first: modules keep what they import
    install(Boundaries(folder, Path(os.environ["LEDGER_PATH"])))
    import bot.bootstrap  # noqa: F401  (what `bot run` needs)
    from bot.__main__ import main as bot_main
    from bot.slack.rate_limiter import RATES
    from provisioner.clients.kubernetes.cluster import Cluster
    from tests.chaos.sabotage import SWITCHES

    if switch := os.environ.get(SABOTAGE):
        SWITCHES[switch]()
    RATES.update(dict.fromkeys(RATES, (1000, 1.0)))  # type: ignore[attr-defined]  # Slack's pace is not the subject
    sys.argv = ["storewright", "run"]
    Cluster(Path(os.environ["KUBECONFIG"]), os.environ["KUBE_CONTEXT"])  # the package imports its parts at first use
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended processes leave no zombies
    for _ in sys.stdin:
        if process := os.fork():
            print(process, flush=True)
            continue
        _detach(folder / BOT_LOG)
        bot_main()


def _detach(log: Path) -> None:
    """Give this process a session, a log and no input, as dev.background does."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output, nothing = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)


if __name__ == "__main__":
    main()

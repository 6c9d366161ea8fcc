"""Logs of stores, as far as a person may see them: the end, without secrets and without what no reader can show."""

from __future__ import annotations

import re
from dataclasses import dataclass

from provisioner.clients.kubernetes.cluster import Object
from provisioner.clients.kubernetes.objects import component_of
from provisioner.domain.errors import Refused
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.domain.text import enumerate_words, nearest, shorten
from provisioner.operations.steps.readiness import redact
from provisioner.operations.toolbox import Toolbox

APPLICATION = "application"
LINES = 50
LINE_LIMIT = 400  # characters
# Escape sequences of terminals (ECMA-48: CSI, OSC), and control characters other than tabs.
UNSHOWN = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class StoreLog:
    """The last lines of the newest pod of a component; '' if it has logged nothing. `others` have logs, too."""

    component: str
    pod: str
    text: str
    others: tuple[str, ...]


def read_log(tools: Toolbox, store: Store, component: str = "", lines: int = LINES) -> StoreLog:
    """The end of a log, of the application by default. A container that has just started gives the former one's end.

    Raises Refused if there is no such pod, Transient and JobFailed."""
    pods = sorted(tools.cluster.pods(store.namespace), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    newest = {component_of(pod): pod for pod in pods}
    chosen = component or (APPLICATION if APPLICATION in newest else next(iter(newest), APPLICATION))
    if chosen not in newest:
        raise _no_log(store, chosen, list(newest))
    pod = newest[chosen]
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    of = (store.namespace, str(pod["metadata"]["name"]), _main_container(pod))
    text = _readable(redact(tools.cluster.log_tail(*of, lines, restarted=False), secret))
    others = tuple(sorted(name for name in newest if name != chosen))
    return StoreLog(chosen, str(pod["metadata"]["name"]), text, others)


def _main_container(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["name"])


def _no_log(store: Store, component: str, present: list[str]) -> Refused:
    if store.status == StoreStatus.ASLEEP:
        return Refused(f"Nothing of {store.name} runs: it is asleep.", "", f"Wake it: /store wake {store.name}")
    if not present:
        return Refused(f"Nothing of {store.name} runs now.", "", f"See what happens to it: /store status {store.name}")
    near = nearest(component, present)
    hint = f"Did you mean {near}? " if near else ""
    what = f"No pod of {store.name} is called “{shorten(component)}”."
    return Refused(what, "", f"{hint}It has: {enumerate_words(sorted(present))}.")


def _readable(log: str) -> str:
    lines = (UNSHOWN.sub("", line.rstrip()) for line in log.splitlines())
    return "\n".join(line if len(line) <= LINE_LIMIT else f"{line[:LINE_LIMIT]} …" for line in lines)

"""Kills while a credential link is opened: whatever happens, it shows the credentials at most once, and where it does
not show them, the same link or a new one does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dev.cluster import Cluster
from tests.chaos.arena import Arena, Cycle, Kill, Owner, Target
from tests.chaos.boundaries import VISITOR, Point, read_plan, write_plan
from tests.chaos.judge import Kind, Violation
from tests.chaos.person import People
from tests.chaos.tour import tours

REVEAL = "open a credential link"
SHOWN, USED = 200, 410


def cycles(cluster: Cluster, folder: Path) -> Iterator[Cycle]:
    """A cycle for each boundary of the request."""
    with Arena(cluster, folder, "reveal") as arena:
        arena.add([tours()[0][0]])
        [store] = arena.stores
        yield arena.cycle()
        for name in _boundaries(arena, store):
            target = Target(REVEAL, Owner.PERSON, name)
            yield Cycle({store: REVEAL}, "", 0, {}, {}, [Kill(target, ())], list(_killed_at(arena, store, name)))


def _boundaries(arena: Arena, store: str) -> list[str]:
    people, before = People(arena.bot), sum(1 for _ in arena.bot.reached())
    assert people.open(*people.credential_link(store)) == SHOWN
    reached = [boundary["name"] for boundary in arena.bot.reached(before) if boundary["owner"] == VISITOR]
    return list(dict.fromkeys(reached))


def _killed_at(arena: Arena, store: str, name: str) -> Iterator[Violation]:
    bot, people = arena.bot, People(arena.bot)
    link = people.credential_link(store)
    write_plan(bot.folder, [Point(VISITOR, name)])
    statuses = [people.open(*link)]
    assert not read_plan(bot.folder), f"{name} was not reached"
    bot.start_bot()
    statuses += [people.open(*link), people.open(*link)]
    if statuses.count(SHOWN) > 1:
        yield Violation(Kind.DOUBLED, f"The link answered {statuses}, killed {name}.", REVEAL)
    if statuses[-1] != USED:
        yield Violation(Kind.LOST, f"The used link answered {statuses}, killed {name}.", REVEAL)
    if SHOWN not in statuses and people.open(*people.credential_link(store)) != SHOWN:
        yield Violation(Kind.LOST, f"A new link does not show the credentials, killed {name}.", REVEAL)
    yield from arena.judge.judge([])

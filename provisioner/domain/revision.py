"""Revision: one installation of a store's release, as helm keeps it. Which of them a store can go back to, and with
which data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from provisioner.domain.backup import Backup, Reason
from provisioner.domain.errors import Refused
from provisioner.domain.text import enumerate_some

DEPLOYED, SUPERSEDED = "deployed", "superseded"  # helm's words: the present revision, and a former one that worked


@dataclass(frozen=True)
class Revision:
    """`number` counts from 1, `status` is helm's word, `deployed_at` is in epoch seconds.

    `version` is the chart's, `values` are those that override the chart's own. With `migrates`, the chart changes the
    data before an upgrade. `restores` is the number of the revision that helm brought back in this one, or None."""

    number: int
    status: str
    version: str
    deployed_at: float
    values: dict[str, Any]
    migrates: bool = False
    restores: int | None = None


@dataclass(frozen=True)
class Way:
    """A way back: to `revision`, from the version `present`, and with the data of `backup`, or with the present data
    for None. `differs`: the present data may have other tables than the revision knows."""

    revision: Revision
    present: str
    backup: Backup | None
    differs: bool


def ways_back(store: str, revisions: Sequence[Revision], backups: Sequence[Backup], present: int = 0) -> list[Way]:
    """The ways back of the store called `store`, the newest revision first, among those that helm keeps, oldest first.

    `backups` are the store's, newest first. `present` is the number of the revision that runs; 0 for the deployed one.
    Raises Refused without a way."""
    now = present_of(store, revisions, present)
    reasons = ((revision, why_not(revision, now, revisions)) for revision in reversed(revisions))
    ways = [_way(revision, now, backups) for revision, reason in reasons if not reason]
    if not ways:
        cause = "Helm keeps no former revision of it that worked and differs from the present one."
        raise Refused(f"{store} has nothing to go back to.", cause, f"Its data can: /store backups {store}")
    return ways


def way_to(store: str, revisions: Sequence[Revision], backups: Sequence[Backup], number: int, present: int = 0) -> Way:
    """The way back to the revision with this number; to the newest possible one for 0. The rest as in `ways_back`.

    Raises Refused, with the possible revisions, if there is no such way."""
    ways = ways_back(store, revisions, backups, present)
    for way in ways:
        if number in (0, way.revision.number):
            return way
    listed = enumerate_some((f"{way.revision.number} ({way.revision.version})" for way in ways), 200)
    found = next((revision for revision in revisions if revision.number == number), None)
    if found:
        why = why_not(found, present_of(store, revisions, present), revisions)
        what = f"{store} can't go back to revision {number}: {why}."
    elif number < revisions[0].number:
        what = f"Helm does not keep revision {number} of {store} any more."
    else:
        what = f"{store} has no revision {number}."
    raise Refused(what, "", f"Choose one of these: {listed}.")


def why_not(revision: Revision, present: Revision, revisions: Sequence[Revision]) -> str:
    """Why a store can't go back to the revision, as text after a colon; '' if it can."""
    if revision.number == present.number:
        return "that is the present one"
    if revision.status != SUPERSEDED or revision.number > present.number or revision.number in _undone(revisions):
        return "it did not work, or was rolled back"
    if is_newer(revision.version, present.version):
        return f"its version {revision.version} is newer; an upgrade leads there"
    if (revision.version, revision.values) == (present.version, present.values):
        return "it is the same as the present one"
    return ""


def is_newer(version: str, other: str) -> bool:
    """Whether a chart's version is later than another one."""
    one, two = ([int(part) for part in re.findall(r"\d+", text)] for text in (version, other))
    return one > two


def present_of(store: str, revisions: Sequence[Revision], number: int = 0) -> Revision:
    """The revision with this number; the deployed one for 0. Raises Refused without it."""
    for revision in reversed(revisions):
        if number in (0, revision.number) and (number or revision.status == DEPLOYED):
            return revision
    next_step = "An operator restores helm's Secrets (label owner=helm) from a backup of the cluster."
    raise Refused(f"{store} has no release that runs.", "None of its revisions is deployed.", next_step)


def _undone(revisions: Sequence[Revision]) -> set[int]:
    """The numbers of revisions that were rolled back: a person did, or a job that failed."""
    return {one.number for one, after in pairwise(revisions) if after.restores and after.restores < one.number}


def _way(revision: Revision, present: Revision, backups: Sequence[Backup]) -> Way:
    differs = present.migrates and revision.version != present.version
    found = (backup for backup in backups if differs and _has_data_of(revision, backup))
    return Way(revision, present.version, next(found, None), differs)


def _has_data_of(revision: Revision, backup: Backup) -> bool:
    """Whether the backup was made when the store left that revision's version."""
    made_before_upgrade = backup.reason == Reason.BEFORE_UPGRADE and backup.version == revision.version
    return made_before_upgrade and backup.made_at >= revision.deployed_at

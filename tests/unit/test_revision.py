"""Which revisions a store can go back to, and with which data; and how they are read from helm's records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioner.domain.backup import Backup, Reason
from provisioner.domain.errors import Refused
from provisioner.domain.revision import Revision, Way, way_to, ways_back
from provisioner.operations.steps.revisions import read_revisions
from provisioner.operations.toolbox import Toolbox
from tests.unit.sample_stores import BACKUPS, NOON, STORE


def revision(number: int, version: str, status: str = "superseded", **more: Any) -> Revision:
    return Revision(number, status, version, NOON + 100 * number, {"number": more.pop("value", 0)}, **more)


def backup(version: str, made_at: float, reason: str = Reason.BEFORE_UPGRADE) -> Backup:
    return replace(BACKUPS[0], version=version, made_at=made_at, reason=reason)


FIRST, SECOND = revision(1, "0.1.0"), revision(2, "0.2.0")
PRESENT = revision(3, "0.3.0", "deployed", migrates=True)
UPGRADED = (FIRST, SECOND, PRESENT)


def possible(*revisions: Revision, present: int = 0) -> list[int]:
    try:
        return [way.revision.number for way in ways_back("my-shop", revisions, (), present)]
    except Refused:
        return []


@pytest.mark.parametrize(
    ("revisions", "numbers"),
    [
        (UPGRADED, [2, 1]),
        ((revision(1, "0.1.0", "deployed"),), []),
        ((FIRST, revision(2, "0.2.0", "failed"), revision(3, "0.1.0", "deployed", restores=1)), []),
        ((FIRST, revision(2, "0.2.0"), revision(3, "0.1.0", "deployed", restores=1)), []),
        ((FIRST, revision(2, "0.1.0", "deployed")), []),
        ((FIRST, revision(2, "0.1.0", "deployed", value=1)), [1]),
        ((FIRST, revision(2, "0.1.0", value=1), revision(3, "0.1.0", "deployed", restores=1)), []),
        ((FIRST, SECOND, revision(3, "0.2.0", "deployed", restores=2)), [1]),
        ((FIRST, SECOND, revision(3, "0.1.0"), revision(4, "0.2.0", "deployed", restores=2)), [1]),
        ((FIRST, revision(2, "0.10.0"), revision(3, "0.9.0", "deployed")), [1]),
        ((), []),
    ],
    ids=[
        "upgraded twice",
        "new",
        "failed upgrade",
        "upgrade whose shop did not answer",
        "upgraded to the same",
        "another option",
        "rolled back",
        "repaired",
        "rollback that failed",
        "newer version",
        "no release",
    ],
)
def test_store_goes_back_to_former_revisions_that_worked_and_differ(
    revisions: Sequence[Revision], numbers: list[int]
) -> None:
    assert possible(*revisions) == numbers


def test_way_is_the_same_while_helm_is_under_way() -> None:
    begun = (*UPGRADED, revision(4, "0.1.0", "pending-rollback", restores=1))
    assert possible(*begun, present=3) == [2, 1]
    done = (FIRST, SECOND, replace(PRESENT, status="superseded"), revision(4, "0.1.0", "deployed", restores=1))
    assert possible(*done, present=3) == [2, 1]


def test_newest_possible_revision_is_the_way_back_without_a_number() -> None:
    assert way_to("my-shop", UPGRADED, (), 0) == Way(SECOND, "0.3.0", None, differs=True)
    assert way_to("my-shop", UPGRADED, (), 1).revision == FIRST


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (9, "my-shop has no revision 9."),
        (3, "Helm does not keep revision 3 of my-shop any more."),
        (8, "my-shop can't go back to revision 8: that is the present one."),
        (6, "revision 6: it did not work, or was rolled back."),
        (5, "revision 5: its version 0.4.0 is newer; an upgrade leads there."),
        (7, "revision 7: it is the same as the present one."),
    ],
)
def test_other_revisions_are_refused_with_the_possible_ones(number: int, words: str) -> None:
    kept = (
        revision(4, "0.1.0"),
        revision(5, "0.4.0"),
        revision(6, "0.3.0", "failed"),
        revision(7, "0.3.0"),
        revision(8, "0.3.0", "deployed"),
    )
    with pytest.raises(Refused) as refused:
        way_to("my-shop", kept, (), number)
    assert words in str(refused.value)
    assert refused.value.problem.next_step == "Choose one of these: 4 (0.1.0)."


def test_store_without_a_deployed_revision_is_refused() -> None:
    with pytest.raises(Refused, match="has no release that runs"):
        way_to("my-shop", (FIRST, revision(2, "0.2.0", "failed")), (), 0)


def test_data_goes_back_from_the_newest_backup_before_an_upgrade_of_that_version() -> None:
    backups = [
        backup("0.2.0", NOON + 900),
        backup("0.1.0", NOON + 800, Reason.ORDERED),
        backup("0.1.0", NOON + 180),
        backup("0.1.0", NOON + 150),
        backup("0.2.0", NOON + 199),
    ]
    second, first = ways_back("my-shop", UPGRADED, backups)
    assert (first.backup, second.backup) == (backups[2], backups[0])


@pytest.mark.parametrize(
    ("present", "backups", "differs"),
    [
        (PRESENT, [], True),
        (PRESENT, [backup("0.2.0", NOON)], True),
        (replace(PRESENT, migrates=False), [backup("0.2.0", NOON + 900)], False),
        (replace(PRESENT, version="0.2.0", values={}), [backup("0.2.0", NOON + 900)], False),
    ],
    ids=["no backup", "backup of an earlier time", "no migrations", "same version"],
)
def test_data_stays_otherwise(present: Revision, backups: list[Backup], differs: bool) -> None:
    assert way_to("my-shop", (FIRST, SECOND, present), backups, 2) == Way(SECOND, present.version, None, differs)


MIGRATION = "kind: Job\nmetadata: {name: m, labels: {app.kubernetes.io/component: migration}}"
VISIT = "kind: Pod\nmetadata: {name: v, labels: {app.kubernetes.io/component: visit}}"


@pytest.mark.parametrize(
    ("hooks", "migrates"),
    [
        ([{"events": ["pre-upgrade"], "manifest": MIGRATION}], True),
        ([{"events": ["test"], "manifest": VISIT}, {"events": ["pre-upgrade"], "manifest": VISIT}], False),
        ([{"events": ["pre-rollback"], "manifest": MIGRATION}], False),
        (None, False),
    ],
)
def test_revisions_are_read_from_helms_records(hooks: Any, migrates: bool) -> None:
    info = {
        "status": "deployed",
        "last_deployed": "2027-01-15T09:00:00.123456789+01:00",
        "description": "Rollback to 4",
    }
    chart = {"metadata": {"version": "0.2.0"}}
    record = {"version": 6, "info": info, "chart": chart, "config": {"store": {"color": "red"}}, "hooks": hooks}
    tools = cast(Toolbox, SimpleNamespace(cluster=SimpleNamespace(records=lambda namespace, name: [record])))
    [found] = read_revisions(tools, STORE)
    values = {"store": {"color": "red"}}
    assert found == Revision(6, "deployed", "0.2.0", NOON + 0.123456, values, migrates, restores=4)

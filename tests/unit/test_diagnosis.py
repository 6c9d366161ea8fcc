"""Diagnosis: from the API's pods, claims and events to one sentence for people."""

from datetime import UTC, datetime
from typing import Any

import pytest

from provisioner.clients.kubernetes.objects import ready_pods, rolled_out, terminating_pods, unready_pods
from provisioner.diagnosis import (
    Patience,
    PodWatcher,
    Trouble,
    crash_between,
    deletion_obstacles,
    failed_run_of,
    quote_error_in,
    symptoms_of,
)

NOW = 1_800_000_000.0
STAMP = datetime.fromtimestamp(NOW, UTC).isoformat()


def pod(component: str = "application", owner: str = "rs", **status: Any) -> dict[str, Any]:
    meta = {
        "name": f"{component}-0",
        "labels": {"app.kubernetes.io/component": component},
        "ownerReferences": [{"name": owner}],
        "uid": f"{component}-uid",
    }
    return {"metadata": meta, "status": {"phase": "Pending", **status}}


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "web", "image": "shop:none", "state": state, "ready": False} | more]}


def event(kind: str, name: str, reason: str, message: str) -> dict[str, Any]:
    meta = {"creationTimestamp": STAMP}
    about = {"kind": kind, "name": name}
    return {"metadata": meta, "involvedObject": about, "reason": reason, "message": message, "lastTimestamp": STAMP}


CASES = [
    (
        [pod(**waiting("ImagePullBackOff", "Back-off pulling: rpc error: failed to resolve: shop:none: not found"))],
        [],
        [],
        ["shop:none", "ImagePullBackOff", "no such image or tag"],
    ),
    ([pod(**waiting("ErrImagePull", "pull access denied"))], [], [], ["refuses access", "IMAGE_PULL_SECRET"]),
    ([pod(**waiting("ErrImagePull", "dial tcp 10.0.0.1:443: i/o timeout"))], [], [], ["can't reach the registry"]),
    ([pod(**waiting("ErrImagePull", "dial tcp: lookup reg.example: no such host"))], [], [], ["does not resolve"]),
    (
        [pod(**waiting("CreateContainerConfigError", 'secret "x" not found'))],
        [],
        [],
        ["can't be created", 'secret "x" not found'],
    ),
    (
        [pod(**waiting("CrashLoopBackOff", restartCount=3, lastState={"terminated": {"exitCode": 7}}))],
        [],
        [],
        ["keeps crashing", "exit code 7"],
    ),
    (
        [pod(**waiting("", restartCount=2, state={"terminated": {"exitCode": 7}}, lastState={}))],
        [],
        [],
        ["ended 2 times, last with exit code 7"],
    ),
    ([pod(**waiting("CrashLoopBackOff", restartCount=2))], [], [], ["it ended 2 times."]),
    (
        [pod(**waiting("CrashLoopBackOff", restartCount=2, lastState={"terminated": {"reason": "OOMKilled"}}))],
        [],
        [],
        ["needs more memory"],
    ),
    (
        [pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}])],
        [],
        [],
        ["finds no node", "0/1"],
    ),
    (
        [],
        [],
        [event("ReplicaSet", "web-1", "FailedCreate", "pods forbidden: exceeded quota: store")],
        ["quota of its namespace is full"],
    ),
    (
        [],
        [],
        [event("ReplicaSet", "web-1", "FailedCreate", 'violates PodSecurity "restricted"')],
        ["refuses its pods", "PodSecurity"],
    ),
    (
        [],
        [{"metadata": {"name": "data"}, "spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"}}],
        [event("PersistentVolumeClaim", "data", "ProvisioningFailed", "disk quota reached")],
        ["volume of shop (data)", "disk quota reached"],
    ),
    (
        [],
        [{"metadata": {"name": "data"}, "spec": {}, "status": {"phase": "Pending"}}],
        [],
        ["no default StorageClass"],
    ),
    ([pod()], [], [event("Pod", "application-0", "FailedMount", "secret gone")], ["can't start on its node"]),
]


@pytest.mark.parametrize(("pods", "claims", "warnings", "parts"), CASES)
def test_symptom_becomes_a_problem_with_a_next_step(pods: Any, claims: Any, warnings: Any, parts: list[str]) -> None:
    found = next(symptoms_of("shop", pods, claims, warnings))
    for part in parts:
        assert part in str(found.problem)
    assert found.problem.next_step


def test_starting_pod_has_no_symptom() -> None:
    assert not list(symptoms_of("shop", [pod(**waiting("ContainerCreating"))], [], []))
    once = waiting("CrashLoopBackOff", restartCount=1)
    assert not list(symptoms_of("shop", [pod(**once)], [], [])), "one restart: the database may have started later"


def test_volume_that_could_be_mounted_at_last_hides_no_other_symptom() -> None:
    former = [event("Pod", "application-0", "FailedMount", "timed out")]
    assert list(symptoms_of("shop", [pod(**waiting("ContainerCreating"))], [], former))
    found = list(symptoms_of("shop", [pod(**waiting("CreateContainerConfigError"))], [], former))
    assert [symptom.kind for symptom in found] == [Trouble.CONFIG]


def test_symptom_is_fatal_once_it_lasts_longer_than_its_patience() -> None:
    watcher = PodWatcher("shop", Patience(unschedulable=60), since=NOW)
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    stuck = [pod(conditions=[condition])]
    assert watcher.look(stuck, [], [], NOW)[0] is None
    late, likeliest = watcher.look(stuck, [], [], NOW + 59)
    assert late is None
    assert likeliest is not None, "the likeliest cause is known before it is fatal"
    assert watcher.look([pod()], [], [], NOW + 59.5) == (None, None), "an autoscaler helped"
    assert watcher.look(stuck, [], [], NOW + 61)[0] is None, "its patience starts again"
    symptom = watcher.look(stuck, [], [], NOW + 122)[0]
    assert symptom is not None
    assert symptom.kind == "unschedulable"


def test_events_of_an_earlier_attempt_are_ignored() -> None:
    old = event("ReplicaSet", "web-1", "FailedCreate", "exceeded quota")
    watcher = PodWatcher("shop", Patience(quota=0), since=NOW + 30)
    assert watcher.look([], [], [old], NOW + 31) == (None, None)
    assert PodWatcher("shop", Patience(quota=0), since=NOW).look([], [], [old], NOW + 1)[0] is not None


def test_quota_event_is_ignored_once_the_pod_exists() -> None:
    refused = event("ReplicaSet", "rs", "FailedCreate", "exceeded quota")
    assert not list(symptoms_of("shop", [pod(owner="rs")], [], [refused]))


def test_terminating_pods_do_not_count_as_ready() -> None:
    ready = pod("database", conditions=[{"type": "Ready", "status": "True"}])
    leaving = pod("database", conditions=[{"type": "Ready", "status": "True"}])
    leaving["metadata"]["deletionTimestamp"] = STAMP
    assert ready_pods([ready, leaving, pod("database")], "database") == 1
    assert ready_pods([ready], "application") == 0


def test_namespace_that_does_not_end_reports_its_remaining_content() -> None:
    conditions = [
        {"type": "NamespaceContentRemaining", "status": "True", "message": "pods. has 1 resource instances"},
        {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "All content deleted"},
    ]
    assert deletion_obstacles({"status": {"conditions": conditions}}) == "pods. has 1 resource instances"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("failed to pull: not found", "image"),
        ("pull access denied", "access"),
        ("lookup reg.example: no such host", "image"),
        ("failed to pull: 502 Bad Gateway", "registry"),
        ("dial tcp 10.0.0.1:443: connect: connection refused", "registry"),
    ],
)
def test_failing_registry_has_more_patience_than_missing_image(message: str, kind: str) -> None:
    found = next(symptoms_of("shop", [pod(**waiting("ErrImagePull", message))], [], []))
    assert found.kind == kind
    assert Patience().registry > Patience().access > Patience().image


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("failed to sync secret cache: timed out waiting for the condition", "sandbox"),
        ('secret "x" not found', "config"),
    ],
)
def test_kubelet_that_has_not_read_a_secret_yet_has_more_patience(message: str, kind: str) -> None:
    found = next(symptoms_of("shop", [pod(**waiting("CreateContainerConfigError", message))], [], []))
    assert found.kind == kind
    assert Patience().sandbox > Patience().config


def test_crash_after_a_long_run_is_no_crash_loop() -> None:
    """For example, the database was restarted after months, or the node was drained."""

    def crashed(finished: str) -> dict[str, Any]:
        last = {"terminated": {"exitCode": 1, "startedAt": "2026-09-01T08:00:00Z", "finishedAt": finished}}
        return pod(**waiting("CrashLoopBackOff", restartCount=9, lastState=last))

    assert not list(symptoms_of("shop", [crashed("2026-11-21T08:00:00Z")], [], []))
    assert [symptom.kind for symptom in symptoms_of("shop", [crashed("2026-09-01T08:00:05Z")], [], [])] == ["crash"]


# --- upgrades ----------------------------------------------------------------------------------------------------


def workload(wanted: int = 2, seen: int = 3, updated: int = 2, there: int = 2) -> dict[str, Any]:
    status = {"observedGeneration": seen, "updatedReplicas": updated, "replicas": there}
    return {"metadata": {"generation": 3}, "spec": {"replicas": wanted}, "status": status}


def test_rollout_is_complete_when_all_pods_are_of_the_present_revision() -> None:
    assert rolled_out(workload())
    assert not rolled_out(workload(seen=2)), "its controller has not looked yet"
    assert not rolled_out(workload(updated=1))
    assert not rolled_out(workload(there=3)), "a former pod still serves"
    assert not rolled_out({"metadata": {"generation": 1}, "spec": {}})


def test_terminating_pod_counts_until_its_grace_period_is_over() -> None:
    leaves = pod()
    leaves["metadata"]["deletionTimestamp"] = datetime.fromtimestamp(NOW, UTC).isoformat()
    assert terminating_pods([leaves], "application", NOW - 5)
    assert not terminating_pods([leaves], "application", NOW + 5)
    assert not terminating_pods([leaves], "database", NOW - 5)
    assert not terminating_pods([pod()], "application", NOW)


def test_unready_pods_are_those_of_components_that_should_serve() -> None:
    ready = pod("application", conditions=[{"type": "Ready", "status": "True"}])
    assert unready_pods([ready, pod("database"), pod("migration", phase="Failed")]) == {"database-0"}


def ran(number: int, code: int, **more: Any) -> dict[str, Any]:
    found = pod("migration", phase="Failed" if code else "Succeeded")
    found["metadata"] |= {"name": f"migration-{number}", "creationTimestamp": f"2027-01-15T08:00:0{number}Z"}
    found["status"]["containerStatuses"] = [{"name": "m", "state": {"terminated": {"exitCode": code, **more}}}]
    return found


def test_newest_failed_run_is_reported() -> None:
    symptom = failed_run_of("my-shop", [ran(1, 1), ran(2, 3), pod("database")], "migration")
    assert symptom is not None
    assert (symptom.pod, symptom.container) == ("migration-2", "m")
    assert symptom.problem.what == "The migration of my-shop failed: it ended with exit code 3."
    killed = failed_run_of("my-shop", [ran(1, 137, reason="OOMKilled")], "migration")
    assert killed is not None
    assert "needs more memory" in killed.problem.what
    missing = failed_run_of("my-shop", [ran(1, 128, reason="StartError", message='exec: "sh": not found')], "migration")
    assert missing is not None
    assert str(missing.problem).startswith('The migration of my-shop failed: it could not start. exec: "sh": not found')
    assert failed_run_of("my-shop", [ran(1, 0), pod("application")], "migration") is None


def crashed(restarts: int, uid: str = "a", code: int = 134) -> dict[str, Any]:
    """A database that runs, with `restarts` behind it."""
    ended = {"terminated": {"exitCode": code}} if restarts else {}
    status = {"name": "mariadb", "state": {"running": {}}, "lastState": ended, "restartCount": restarts}
    found = pod("database", phase="Running", containerStatuses=[status])
    found["metadata"]["uid"] = uid
    return found


def test_crash_between_two_looks_is_reported_although_the_database_runs_again() -> None:
    symptom = crash_between("my-shop", [crashed(1)], [crashed(2), pod("application")], "database")
    assert symptom is not None
    assert (symptom.pod, symptom.container, symptom.restarted) == ("database-0", "mariadb", True)
    assert symptom.problem.what == "The database of my-shop failed: it ended with exit code 134."
    assert crash_between("my-shop", [crashed(0)], [crashed(1, "b")], "database")


@pytest.mark.parametrize("after", [crashed(1), crashed(2, code=0), crashed(0, "b")])
def test_database_without_a_new_crash_has_no_symptom(after: dict[str, Any]) -> None:
    assert crash_between("my-shop", [crashed(1)], [after], "database") is None


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ("", ""),
        (
            "begin\nerror: relation “x” exists\n    at run (a.js:1)\n\nNode.js v22\n",
            "Its log says “error: relation “x” exists”.",
        ),
        (
            "PANIC: could not write to file: No space left on device\nLOG: shutting down due to startup failure\n",
            "A disk is full. Its log says “PANIC: could not write to file: No space left on device”.",
        ),
        (
            "[ERROR] InnoDB: pwrite returned -1, operating system error 28\n[ERROR] got signal 6 ;\nLimits\n",
            "A disk is full. Its log says “[ERROR] InnoDB: pwrite returned -1, operating system error 28”.",
        ),
        ("begin\nit is odd\n", "Its log says “it is odd”."),
        ("FATAL " + "x" * 900, "Its log says “FATAL " + "x" * 233 + "…”."),
    ],
)
def test_last_words_quote_the_most_informative_line(log: str, sentence: str) -> None:
    assert quote_error_in(log) == sentence

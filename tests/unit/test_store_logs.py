"""What people see of a store's log: the newest pod's end, without secrets, escape sequences and endless lines."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioner.domain.errors import Refused
from provisioner.logs import LINE_LIMIT, read_log
from provisioner.operations.toolbox import Toolbox
from tests.unit.sample_stores import ASLEEP, STORE

SECRET = {"admin-password": "correct-horse", "database-password": "battery"}


def pod(name: str, component: str, created: str = "2027-01-01T00:00:00Z") -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": created, "labels": {"app.kubernetes.io/component": component}}
    return {"metadata": metadata, "spec": {"containers": [{"name": "main"}, {"name": "sidecar"}]}}


def tools(*pods: dict[str, Any], log: str = "a line") -> Toolbox:
    """A toolbox whose cluster has these pods; each logs its name, then `log`."""
    cluster = SimpleNamespace(
        pods=lambda namespace: list(pods),
        read_secret=lambda namespace, name: SECRET,
        log_tail=lambda namespace, name, container, lines, restarted: f"{name} {container} {lines}\n{log}",
    )
    return cast(Toolbox, SimpleNamespace(cluster=cluster))


def test_log_is_that_of_the_newest_pod_of_the_application() -> None:
    found = read_log(
        tools(pod("new", "application", "2027-01-02T00:00:00Z"), pod("old", "application"), pod("db", "database")),
        STORE,
        lines=7,
    )
    assert (found.component, found.pod, found.others) == ("application", "new", ("database",))
    assert found.text == "new main 7\na line"


def test_other_components_are_asked_for_by_name() -> None:
    assert read_log(tools(pod("web", "application"), pod("db", "database")), STORE, "database").pod == "db"
    with pytest.raises(Refused, match="Did you mean database") as refused:
        read_log(tools(pod("web", "application"), pod("db", "database")), STORE, "databse")
    assert "It has: application and database." in refused.value.problem.next_step


def test_store_without_pods_says_why() -> None:
    with pytest.raises(Refused, match="it is asleep"):
        read_log(tools(), ASLEEP)
    with pytest.raises(Refused, match="Nothing of my-shop runs now"):
        read_log(tools(), STORE)


def test_secrets_are_not_shown() -> None:
    text = read_log(tools(pod("web", "application"), log="login with correct-horse at battery"), STORE).text
    assert text.endswith("login with ••• at •••")


def test_what_no_reader_can_show_is_left_out() -> None:
    log = "\x1b[31mred\x1b[0m\x00\x07 \x1b]0;title\x07tab\there\r\n" + "x" * 5000 + "\n\ufffd\ufffd"
    _, first, long, binary = read_log(tools(pod("web", "application"), log=log), STORE).text.split("\n")
    assert first == "red tab\there"
    assert long == "x" * LINE_LIMIT + " …"
    assert binary == "\ufffd\ufffd"

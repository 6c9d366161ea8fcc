"""Test runs in several processes (`pytest -n 4`): tests that need the machine alone, and what the workers share."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import pickle
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from dev import cluster as clusters

P = ParamSpec("P")
T = TypeVar("T")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
_ports = itertools.count(20_000 + 1_000 * int(WORKER.removeprefix("gw")))  # below those that Linux gives to clients
PORT_OFFSET = 10 * (1 + int(WORKER.removeprefix("gw")))  # keeps the ports of the workers and of `make demo` apart
CLUSTER = "test"  # the name of the tests' cluster
_FOLDER = "STOREWRIGHT_TEST_RUN"  # the environment variable with this run's folder, for its workers


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if not _is_worker(config):
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="storewright-tests-")


def run_folder() -> Path:
    """A folder that all workers of this run share."""
    return Path(os.environ[_FOLDER])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with tests that run alone first, and then the unit tests: no long test makes the first ones wait.

    After them, e2e tests take turns with others: the ones keep the processor busy, the others mostly wait."""
    first = {item.path for item in items if _runs_alone(item)}
    e2e, others = (
        dict.fromkeys(i.path for i in items if ("e2e" in i.path.parts) == is_e2e) for is_e2e in (True, False)
    )
    long = {item.path for item in items if item.get_closest_marker("long")}
    e2e_in_turn = sorted(e2e, key=lambda path: path not in long)
    turns = {path: turn for files in (e2e_in_turn, others) for turn, path in enumerate(files)}

    def position(item: pytest.Item) -> tuple[int, int, Path, bool]:
        if item.path in first:
            return 0, 0, item.path, not _runs_alone(item)
        if "unit" in item.path.parts:
            return 1, 0, item.path, False
        return 2, turns[item.path], item.path, False

    items.sort(key=position)


def _runs_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outside of the test's timeout
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with _admitted(alone=_runs_alone(item)):
        return (yield)


@contextmanager
def _admitted(*, alone: bool) -> Iterator[None]:
    """Wait until a test may run: together with others, or `alone`, without any other test on this machine."""
    folder = run_folder()
    with (folder / "turnstile").open("w") as turnstile, (folder / "machine").open("w") as machine:
        # A test that waits to be alone keeps the turnstile, so that no other test starts before it.
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(turnstile, fcntl.LOCK_UN)
        yield


def once_a_run(compute: Callable[P, T]) -> Callable[P, T]:
    """Keep the results of a function for all workers of this run. The results must be picklable."""

    def result(*args: P.args, **kwargs: P.kwargs) -> T:
        key = hashlib.sha256(repr((compute.__module__, compute.__name__, args, kwargs)).encode()).hexdigest()
        path = run_folder() / key
        if not path.exists():
            unfinished = path.with_suffix(f".{WORKER}")
            unfinished.write_bytes(pickle.dumps(compute(*args, **kwargs)))
            unfinished.rename(path)
        kept: T = pickle.loads(path.read_bytes())  # noqa: S301  this run wrote it
        return kept

    return result


def free_address() -> str:
    """http://127.0.0.1:PORT with a free port that no other test of this run is given."""
    for port in _ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return f"http://127.0.0.1:{port}"
    raise AssertionError  # the counter has no end


def start_cluster() -> clusters.Cluster:
    """The tests' cluster. It is removed when the last worker has ended, unless KEEP_TEST_CLUSTER is set."""
    (run_folder() / "cluster-used").touch()
    return clusters.up(CLUSTER)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _is_worker(session.config):
        return
    if (run_folder() / "cluster-used").exists() and not os.environ.get("KEEP_TEST_CLUSTER"):
        clusters.down(CLUSTER)
    shutil.rmtree(run_folder())

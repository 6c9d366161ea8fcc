"""Watches and logs against a real HTTP server that ends, refuses and holds them as API servers do."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import HandedOver, Transient
from tests.certificate_authority import CertificateAuthority
from tests.conftest import write_kubeconfig
from tests.integration.kubernetes_api import Answer, Request, serving
from tests.waiting import until

ENDINGS = [
    '{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}\n',
    '{"type": "MODIF',
    "",
]


def pod(number: int) -> dict[str, Any]:
    return {"metadata": {"uid": str(number), "name": f"pod-{number}", "labels": {"app": "web"}}}


def listed(pods: list[dict[str, Any]]) -> Answer:
    return 200, {"metadata": {"resourceVersion": str(len(pods))}, "items": pods}


def names(pods: list[dict[str, Any]]) -> list[str]:
    return [found["metadata"]["name"] for found in pods]


def cluster_at(url: str, folder: Path, max_jobs: int = 1, authority: Path | None = None) -> Cluster:
    path = write_kubeconfig(folder / "kubeconfig", url)
    if authority:
        config = json.loads(path.read_text())
        config["clusters"][0]["cluster"] |= {"certificate-authority": str(authority), "tls-server-name": "localhost"}
        path.write_text(json.dumps(config))
    return Cluster(path, max_jobs=max_jobs)


class Api:
    """Each list has one pod more than the one before. A watch is held open until the client closes it.

    `closed` has the seconds from each watch's end at the client to the server's noticing, by `left_at`.
    """

    def __init__(self, watch: Callable[[Request], Answer | None] | None = None) -> None:
        self.pods = [pod(0)]
        self.lists, self.watches = 0, 0
        self.opened, self.closed = threading.Event(), threading.Event()
        self._watch = watch or self.hold

    def __call__(self, request: Request) -> Answer | None:
        if request.is_watch:
            self.watches += 1
            return self._watch(request)
        self.lists += 1
        return listed(self.pods)

    def hold(self, request: Request) -> None:
        request.begin_chunks()
        self.opened.set()
        if request.wait_for_close(30):
            self.closed.set()


def test_watch_survives_every_way_it_can_end(tmp_path: Path) -> None:
    def end(request: Request) -> None:
        request.begin_chunks()
        if text := ENDINGS[(api.lists - 1) % len(ENDINGS)]:
            request.write_chunk(text)
        request.write_chunk("")
        api.pods.append(pod(len(api.pods)))

    api = Api(end)
    with serving(api) as url, cluster_at(url, tmp_path).watch_pods("any") as snapshots:
        for pods in snapshots.every(0.1):
            if len(pods) >= 2 * len(ENDINGS):
                break
    assert api.lists >= 2 * len(ENDINGS)


def test_watch_delivers_each_change(tmp_path: Path) -> None:
    def change(request: Request) -> None:
        request.begin_chunks()
        for type, number in (("ADDED", 1), ("MODIFIED", 1), ("DELETED", 0)):
            request.write_chunk(json.dumps({"type": type, "object": pod(number)}) + "\n")
        request.wait_for_close(30)

    api = Api(change)
    with serving(api) as url, cluster_at(url, tmp_path).watch_pods("any") as snapshots:
        until("the changes", lambda: names(next(snapshots.every(0.1))) == ["pod-1"], 30)
    assert api.lists == 1, "no list but the first was needed"


def test_refused_watch_backs_off_and_still_delivers_changes(tmp_path: Path) -> None:
    api = Api(lambda _: (403, {"message": "pods is forbidden"}))
    with serving(api) as url, cluster_at(url, tmp_path).watch_pods("any") as snapshots:
        looks = snapshots.every(0.1)
        assert names(next(looks)) == ["pod-0"]
        began = time.monotonic()
        until("six lists", lambda: api.lists >= 6, 30)
        assert time.monotonic() - began > 1.5, "not 5 times a second"
        api.pods.append(pod(1))
        assert until("the change", lambda: len(next(looks)) == 2, 30)


def test_useful_watch_that_ends_is_opened_again_at_once(tmp_path: Path) -> None:
    def one_event(request: Request) -> None:
        request.begin_chunks()
        request.write_chunk(json.dumps({"type": "MODIFIED", "object": pod(0)}) + "\n")
        request.write_chunk("")

    api = Api(one_event)
    with serving(api) as url, cluster_at(url, tmp_path).watch_pods("any"):
        until("ten watches", lambda: api.watches >= 10, 30)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_stopped_watch_closes_its_connection_at_once(tmp_path: Path, scheme: str) -> None:
    api = Api()
    authority = CertificateAuthority(tmp_path) if scheme == "https" else None
    with serving(api, authority.certificate("localhost") if authority else None) as url:
        cluster = cluster_at(url, tmp_path, authority=authority.ca_file if authority else None)
        with cluster.watch_pods("any") as snapshots:
            next(snapshots.every(1))
            assert api.opened.wait(30)
        assert api.closed.wait(20), "sooner than the server ends it"


def test_watch_stopped_at_any_moment_leaves_no_thread(tmp_path: Path) -> None:
    api = Api()
    with serving(api) as url:
        cluster = cluster_at(url, tmp_path)
        for moment in range(40):
            with cluster.watch_pods("any"):
                time.sleep(moment * 0.001)
        until("no watch thread is left", lambda: not [t for t in threading.enumerate() if t.name == "watch"], 20)


def test_stopped_log_closes_its_connection_at_once(tmp_path: Path) -> None:
    closed = threading.Event()

    def log(request: Request) -> None:
        request.begin_chunks()
        request.write_chunk("first\nsecond\npart of a li")
        if request.wait_for_close(30):
            closed.set()

    with serving(log) as url:
        lines = cluster_at(url, tmp_path).pod_log("any", "pod", "app", follow=True)
        read: list[str] = []
        reader = threading.Thread(target=lambda: read.extend(lines))
        reader.start()
        until("two lines", lambda: len(read) == 2, 30)
        lines.stop()
        assert closed.wait(20)
        reader.join(1)
        assert read == ["first", "second"], "a cut-off line is dropped"
        assert list(lines) == [], "it stays stopped"


def test_broken_log_is_transient(tmp_path: Path) -> None:
    def log(request: Request) -> None:
        request.begin_chunks()
        request.write_chunk("first\n")
        request.break_off()

    with serving(log) as url:
        lines = iter(cluster_at(url, tmp_path).pod_log("any", "pod", "app", follow=True))
        assert next(lines) == "first"
        with pytest.raises(Transient, match="connection to the Kubernetes API broke"):
            next(lines)


def test_list_that_fails_is_raised_where_the_objects_are_read(tmp_path: Path) -> None:
    with serving(lambda _: (503, {"message": "away"})) as url, cluster_at(url, tmp_path).watch_pods("any") as snapshots:
        with pytest.raises(Transient, match="away"):
            next(snapshots.every(0.1))
        with pytest.raises(Transient, match="away"):
            next(snapshots.every(0.1))


def test_fence_of_a_watch_is_raised_where_the_objects_are_read(tmp_path: Path) -> None:
    def fence() -> None:
        raise HandedOver

    cluster = cluster_at("http://127.0.0.1:9", tmp_path).fenced(fence)
    with cluster.watch_pods("any") as snapshots, pytest.raises(HandedOver):
        next(snapshots.every(0.1))


def test_connections_of_all_jobs_fit_into_the_pool(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A job has one watch and one call at a time; the pool keeps a connection for each."""
    caplog.set_level(logging.WARNING, "urllib3")
    api, jobs = Api(), 6
    with serving(api) as url:
        cluster = cluster_at(url, tmp_path, max_jobs=jobs)

        def work(_: int) -> None:
            with cluster.watch_pods("any") as snapshots:
                next(snapshots.every(1))
                for _ in range(10):
                    cluster.pods("any")

        with ThreadPoolExecutor(jobs) as threads:
            list(threads.map(work, range(jobs)))
    assert "pool is full" not in caplog.text

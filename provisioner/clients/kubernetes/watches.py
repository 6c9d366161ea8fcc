"""Watches: the current objects of a list, again at each change."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.errors import brief
from provisioner.clients.kubernetes.feed import Feed
from provisioner.clients.kubernetes.objects import Object, selector
from provisioner.clients.kubernetes.resources import NAMESPACES, PODS, VOLUMES
from provisioner.clients.kubernetes.streams import LineStream
from provisioner.domain.errors import Transient
from provisioner.log_context import carried

WATCH_SECONDS = 60  # the API server ends a watch after this time, and the objects are listed again
FIRST_PAUSE_SECONDS = 0.1  # before the next list, where a watch ends; it doubles while watches fail at once
LONGEST_PAUSE_SECONDS = 5.0
log = logging.getLogger(__name__)


class Watches(Api):
    """Watches on pods, a namespace and volumes."""

    @contextmanager
    def watch_pods(self, namespace: str, labels: Mapping[str, str] | None = None) -> Iterator[Snapshots]:
        """The namespace's pods with all these labels."""
        with self._watch(PODS.path(namespace), {"labelSelector": selector(labels or {})}) as snapshots:
            yield snapshots

    @contextmanager
    def watch_namespace(self, name: str) -> Iterator[Snapshots]:
        """The namespace of that name; no object once it is gone."""
        with self._watch(NAMESPACES.path(), {"fieldSelector": f"metadata.name={name}"}) as snapshots:
            yield snapshots

    @contextmanager
    def watch_volumes(self, namespace: str) -> Iterator[Snapshots]:
        """Persistent volumes that were claimed from the namespace.

        They are shown after the namespace is gone, too.
        """

        def is_claimed_here(volume: Object) -> bool:
            return bool((volume["spec"].get("claimRef") or {}).get("namespace") == namespace)

        with self._watch(VOLUMES.path(), {}, is_claimed_here) as snapshots:
            yield snapshots

    @contextmanager
    def _watch(
        self, path: str, where: Mapping[str, str], only: Callable[[Object], bool] = lambda _: True
    ) -> Iterator[Snapshots]:
        def watch(version: str) -> LineStream:
            until = {"watch": True, "resourceVersion": version, "timeoutSeconds": WATCH_SECONDS}
            return self._stream(path, {**where, **until})

        snapshots = Snapshots(lambda: self._call("GET", path, query=where), watch, only)
        snapshots.start()
        try:
            yield snapshots
        finally:
            snapshots.stop()


class Snapshots:
    """The current objects of one list, for one consumer.

    A thread lists and watches them.
    """

    def __init__(
        self, read: Callable[[], Object], watch: Callable[[str], LineStream], only: Callable[[Object], bool]
    ) -> None:
        """`read` lists the objects; `watch` opens a watch from a resourceVersion; `only` filters what is given."""
        self._read, self._watch, self._only = read, watch, only
        self._feed = Feed[list[Object]]()
        self._stopped = threading.Event()
        self._stream: LineStream | None = None

    def start(self) -> None:
        threading.Thread(target=carried(self._follow), name="watch", daemon=True).start()

    def stop(self) -> None:
        """Close the watch's connection and end the thread. Returns at once."""
        self._stopped.set()
        if stream := self._stream:
            stream.stop()

    def every(self, tick_seconds: float) -> Iterator[list[Object]]:
        """The objects, at each change and at least every `tick_seconds`.

        Changes that come while the consumer works are given as one. Raises what listing raised.
        """
        for objects in self._feed.every(tick_seconds):
            yield list(filter(self._only, objects))

    def _follow(self) -> None:
        """List, then watch from there; again whenever the watch ends, however it ends."""
        pause = FIRST_PAUSE_SECONDS
        while not self._stopped.is_set():
            try:
                listed = self._read()
                objects = {o["metadata"]["uid"]: o for o in listed["items"]}
                version = listed["metadata"]["resourceVersion"]
            except Exception as error:  # noqa: BLE001  (it is raised where the objects are asked for)
                self._feed.fail(error)
                return
            self._feed.put(list(objects.values()))
            if self._watch_once(objects, version):
                pause = FIRST_PAUSE_SECONDS
            self._stopped.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311  (no secret)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _watch_once(self, objects: dict[str, Object], version: str) -> bool:
        """Publish each change until the watch ends; whether the watch was of any use."""
        began, useful = time.monotonic(), False
        self._stream = self._watch(version)
        if self._stopped.is_set():  # `stop` may have looked before there was a stream
            return False
        try:
            for line in self._stream:
                self._apply(objects, json.loads(line))
                useful = True
        except Exception as error:  # noqa: BLE001  (the next list shows whether it was more than a hiccup)
            log.info("watch ended early: %s", brief(error))
        return useful or time.monotonic() - began > LONGEST_PAUSE_SECONDS

    def _apply(self, objects: dict[str, Object], event: Object) -> None:
        found = event["object"]
        if event["type"] == "ERROR":
            raise Transient(f"{found.get('message', found)} ({found.get('code')})")
        if event["type"] == "DELETED":
            objects.pop(found["metadata"]["uid"], None)
        else:
            objects[found["metadata"]["uid"]] = found
        self._feed.put(list(objects.values()))

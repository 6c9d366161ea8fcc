"""The judge: what became of the orders, by what the ledger, Slack, the cluster and the shops show afterwards."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx
from kubernetes import client, config

from dev.cluster import Cluster
from dev.slack.workspace import HUMAN_IDS, Json
from dev.stack import instance_of
from provisioner.domain.job import LIVE, EventKind
from provisioner.domain.store import INSTANCE, SECRET_NAME, StoreStatus
from provisioner.operations.spec import Operation
from tests.chaos.killable_bot import KillableBot
from tests.chaos.person import Order, People

SETTLE_SECONDS = 600.0  # until nothing is left to do; after that, what is left is stuck
ANSWER_SECONDS = 20.0  # until a ready shop answers
POLL_SECONDS = 0.1


class Kind(StrEnum):
    """The kinds of violations."""

    LOST = "lost"  # an order, a message, a store or its data
    DOUBLED = "doubled"  # a job, a message, a line of a thread, a secret shown
    STUCK = "stuck"  # a job, a message or a release that nobody goes on with
    ORPHANED = "orphaned"  # a namespace, a volume or a release without a store


@dataclass(frozen=True)
class Violation:
    """A broken promise; `step` is the one whose order it concerns, or ''."""

    kind: Kind
    what: str
    step: str = ""


class Judge:
    """Judges one bot."""

    def __init__(self, bot: KillableBot, cluster: Cluster, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._bot, self._cluster, self._settle_seconds = bot, cluster, settle_seconds
        self._core = client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))
        self._people = People(bot)

    def judge(self, orders: Sequence[Order]) -> list[Violation]:
        """Wait until nothing is left to do, then look at everything."""
        self._wait_until_settled()
        parts = (self.leftovers(), self._orders(orders), self._stores(), self._cluster_state(), self._index())
        return [violation for part in parts for violation in part]

    # --- what is left to do -----------------------------------------------------------------------------------------

    def _wait_until_settled(self) -> None:
        deadline = time.monotonic() + self._settle_seconds
        while time.monotonic() < deadline and not self._bot.is_dead() and self.leftovers():
            time.sleep(POLL_SECONDS)

    def leftovers(self) -> list[Violation]:
        """What is left to do, as violations: that is what it is where nobody does it."""
        return list(self._leftovers())

    def _leftovers(self) -> Iterator[Violation]:
        if self._bot.is_dead():
            yield Violation(Kind.STUCK, f"The bot ended by itself; see {self._bot.bot_process.log}.")
        for job in self._bot.live_jobs():
            yield Violation(Kind.STUCK, f"The job {job['kind']} of {job['store']} is {job['status']}.")
        for entry in self._bot.rows("SELECT * FROM outbox WHERE sent_revision < revision"):
            state = f"dead: {entry['error']}" if entry["dead_at"] else f"not sent after {entry['attempts']} attempts"
            yield Violation(Kind.LOST if entry["dead_at"] else Kind.STUCK, f"The message {entry['key']} is {state}.")

    # --- orders -----------------------------------------------------------------------------------------------------

    def _orders(self, orders: Sequence[Order]) -> Iterator[Violation]:
        messages = self._bot_messages()
        for order in orders:
            jobs = self._people.jobs(order)
            if not jobs:
                yield Violation(Kind.LOST, f"“{order.operation.kind}” of {order.store} made no job.", order.step)
            if len(jobs) > 1:
                yield Violation(Kind.DOUBLED, f"One order made {len(jobs)} jobs of {order.store}.", order.step)
            for job in jobs:
                for kind, what in (*self._outcome(order, job), *self._shown(order.operation, job, messages)):
                    yield Violation(kind, f"{job['kind']} of {job['store']} ({job['id']}): {what}", order.step)

    def _outcome(self, order: Order, job: dict[str, Any]) -> Iterator[tuple[Kind, str]]:
        if job["status"] not in LIVE and job["status"] not in order.outcomes:
            yield Kind.LOST, f"it {job['status']}: {job['problem']}"
        ends = [e["kind"] for e in self._events(job) if e["kind"] in ("succeeded", "failed", "superseded", "cancelled")]
        if len(ends) != 1:
            yield Kind.DOUBLED if ends else Kind.LOST, f"its ends are {ends}"

    def _events(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        return self._bot.rows("SELECT * FROM job_events WHERE job_id = ? ORDER BY id", job["id"])

    def _shown(self, operation: Operation, job: dict[str, Any], messages: Sequence[Json]) -> Iterator[tuple[Kind, str]]:
        """What Slack shows of a job: one root message with its end, and one line for each stage."""
        roots = [message for message in messages if payload_of(message).get("key") == f"summary:{job['id']}"]
        if len(roots) != 1:
            yield Kind.DOUBLED if roots else Kind.LOST, f"it has {len(roots)} root messages"
        for root in roots:
            if (status := payload_of(root).get("status")) != job["status"]:
                yield Kind.LOST, f"its root message says {status}, not {job['status']}"
        lines = [line for root in roots for reply in self._replies(root) for line in reply["text"].splitlines()]
        for event in self._events(job):
            if event["kind"] == EventKind.DONE:
                text = event["detail"] or operation.stage(event["stage"]).done
                if (shown := sum(text in line for line in lines)) != 1:
                    yield Kind.DOUBLED if shown else Kind.LOST, f"its thread says {shown} times “{text}”"

    def _bot_messages(self) -> list[Json]:
        slack = self._bot.local_slack
        channels = [message for channel in ("#stores", "#store-failures") for message in slack.messages(channel)]
        return channels + [message for person in HUMAN_IDS for message in slack.dms(person)]

    def _replies(self, root: Json) -> list[Json]:
        return self._bot.local_slack.thread(root)[1:]

    # --- stores and cluster -----------------------------------------------------------------------------------------

    def _stores(self) -> Iterator[Violation]:
        for store in self._bot.rows("SELECT * FROM stores WHERE status != 'deleted'"):
            [job] = self._bot.rows("SELECT * FROM jobs WHERE store_id = ? ORDER BY rowid DESC LIMIT 1", store["id"])
            if job["status"] in LIVE:
                continue
            if store["status"] in (StoreStatus.CREATING, StoreStatus.DELETING):
                yield Violation(Kind.STUCK, f"{store['name']} is {store['status']}, and no job works on it.")
            if store["status"] == StoreStatus.READY and not self._answers(store["name"]):
                yield Violation(Kind.LOST, f"The shop of {store['name']}, which is ready, does not answer.")
            elif store["status"] == StoreStatus.READY and not self._login_works(store):
                yield Violation(Kind.LOST, f"The shop of {store['name']} knows another password than its Secret.")

    def _answers(self, store: str) -> bool:
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            try:
                if self._cluster.get(f"{store}.{self._cluster.store_domain}").status_code == 200:
                    return True
            except httpx.HTTPError:
                pass
            time.sleep(POLL_SECONDS)
        return False

    def _login_works(self, store: dict[str, Any]) -> bool:
        """Whether the shop shows the hash of the Secret's password, or none: it had no reset since it started."""
        shown = self._cluster.get(f"{store['name']}.{self._cluster.store_domain}", "/login")
        secret = self._core.read_namespaced_secret(SECRET_NAME, store["namespace"]).data
        password = base64.b64decode(secret["password"])
        return shown.status_code == 404 or shown.text.split()[:1] == [hashlib.sha256(password).hexdigest()]

    def _cluster_state(self) -> Iterator[Violation]:
        stores = self._bot.rows("SELECT * FROM stores")
        wanted = {store["namespace"] for store in stores if store["status"] != StoreStatus.DELETED}
        ours = f"{INSTANCE}={instance_of(self._bot.folder)}"
        found = {namespace.metadata.name for namespace in self._core.list_namespace(label_selector=ours).items}
        for namespace in found - wanted:
            yield Violation(Kind.ORPHANED, f"The namespace {namespace} has no store.")
        for namespace in wanted - found:
            yield Violation(Kind.LOST, f"The namespace {namespace} of a store is gone.")
        gone = {store["namespace"] for store in stores} - wanted
        for volume in self._core.list_persistent_volume().items:
            if volume.spec.claim_ref and volume.spec.claim_ref.namespace in gone:
                yield Violation(Kind.ORPHANED, f"The volume {volume.metadata.name} is left of a deleted store.")
        for namespace in found & wanted:
            yield from self._releases(namespace)

    def _releases(self, namespace: str) -> Iterator[Violation]:
        records = self._core.list_namespaced_secret(namespace, label_selector="owner=helm").items
        statuses = [record.metadata.labels["status"] for record in records]
        names = {record.metadata.labels["name"] for record in records}
        if pending := [status for status in statuses if status.startswith("pending") or status == "uninstalling"]:
            yield Violation(Kind.STUCK, f"A release in {namespace} is {pending[0]}.")
        if len(names) > 1:
            yield Violation(Kind.ORPHANED, f"{namespace} has the releases {', '.join(sorted(names))}.")
        if statuses.count("deployed") > 1:
            yield Violation(Kind.DOUBLED, f"{statuses.count('deployed')} revisions in {namespace} are deployed.")

    # --- what the ledger refuses ------------------------------------------------------------------------------------

    def _index(self) -> Iterator[Violation]:
        """Try to give a copy of the ledger two live jobs of one store, as a writer would that does not look first."""
        with closing(sqlite3.connect(self._bot.ledger_file)) as ledger, closing(sqlite3.connect(":memory:")) as copy:
            ledger.backup(copy)
            columns = [row[1] for row in copy.execute("PRAGMA table_info(jobs)") if row[1] not in OWN_COLUMNS]
            fields = ", ".join(columns)
            insert = f"""INSERT INTO jobs (id, delivery_key, status, {fields})
                         SELECT ?, ?, 'queued', {fields} FROM jobs LIMIT 1"""  # noqa: S608
            try:
                for number in range(2):
                    copy.execute(insert, (f"copy-{number}", f"copy-{number}"))
            except sqlite3.IntegrityError:
                return
        yield Violation(Kind.DOUBLED, "The ledger takes two live jobs of one store.")


OWN_COLUMNS = ("id", "delivery_key", "status")


def payload_of(message: Json) -> Json:
    """The payload in the metadata of a bot's message, or {}."""
    return dict((message.get("metadata") or {}).get("event_payload") or {})

"""From an order to a store that answers: namespace, secrets, release, then watched until a cart holds a product."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

from provisioner.catalog import StoreType
from provisioner.check import CheckFailed, Visitor
from provisioner.cluster import Forbidden, Snapshots
from provisioner.diagnosis import Doctor, Finding, ready_pods
from provisioner.errors import JobFailed, Transient
from provisioner.jobs import Job
from provisioner.options import place
from provisioner.stores import SECRET_NAME, Store, release_name
from provisioner.workflows.toolbox import PREFIX, Toolbox

COMPONENT = "app.kubernetes.io/component"
ROLE = "storewright-store"  # the ClusterRole (manifests/rbac.yaml) we work through inside a store's namespace
# Room for two replicas and all that may run beside them: a rolling upgrade, a migration, a test and a cron job.
QUOTA = {
    "pods": "12",
    "requests.memory": "4Gi",
    "limits.memory": "10Gi",
    "persistentvolumeclaims": "6",
    "requests.storage": "50Gi",
    "services.loadbalancers": "0",
    "services.nodeports": "0",
}
LIMIT_RANGE = {"type": "Container", "default": {"memory": "256Mi"}, "defaultRequest": {"memory": "64Mi"}}
LOOK_AGAIN = 0.5  # seconds between looks where no watch brings news
BOUND_WITHIN = 5.0  # seconds for a RoleBinding of ours to be seen
ANSWER_WITHIN = 60.0  # seconds for a store whose pods are ready to answer through the ingress


def run(tools: Toolbox, job: Job) -> None:
    """Raises JobFailed, Transient or Superseded; entered again, it finds what is there and goes on from it."""
    store = tools.store_of(job)
    kind = tools.catalog.get(store.type)
    since = tools.ledger.clock()
    with tools.stage(job, "namespace"):
        _ensure_namespace(tools, store)
    with tools.stage(job, "secrets"):
        secret = _ensure_secret(tools, store, kind)
    with tools.stage(job, "release"):
        _ensure_release(tools, job, store, kind)
    _await_pods(tools, job, store, secret, since)
    with Visitor(store.url, tools.ingress_address, {"secret": secret}) as visitor:
        with tools.stage(job, "storefront"):
            _await_answer(tools, job, store, 0.1, lambda: visitor.step(kind.check[0]))
        with tools.stage(job, "check"):
            _await_answer(tools, job, store, 1.0, lambda: visitor.run(kind.check))  # each run may leave a cart
    if not store.ready_at:
        tools.cluster.annotate_namespace(store.namespace, {PREFIX + "ready-at": str(tools.ledger.clock())})
    tools.ledger.succeed(job)


def _ensure_namespace(tools: Toolbox, store: Store) -> None:
    namespace = tools.cluster.namespace(store.namespace)
    if namespace and not tools.is_ours(namespace, store):
        what = f"The namespace {store.namespace} exists already and is not this store's."
        raise JobFailed(what, "Somebody else made it.", "Choose another name, or remove that namespace and retry.")
    if not namespace and not tools.cluster.create_namespace(
        store.namespace, tools.labels(store), tools.annotations(store)
    ):
        raise Transient(f"The namespace {store.namespace} was made by somebody else just now.")
    if tools.service_account:
        tools.cluster.bind_ourselves(store.namespace, ROLE, tools.service_account)
    _once_allowed(lambda: tools.cluster.ensure_limits(store.namespace, QUOTA, LIMIT_RANGE))


def _once_allowed(act: Callable[[], None]) -> None:
    """The first call in a namespace that was bound to us a moment ago: a few times, until that is seen."""
    until = time.monotonic() + BOUND_WITHIN
    while True:
        try:
            return act()
        except Forbidden:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _ensure_secret(tools: Toolbox, store: Store, kind: StoreType) -> dict[str, str]:
    """The store's Secret, made once: whoever enters again finds the first one's values."""
    values = {key: _generate(template, store, tools) for key, template in kind.secret.items()}
    if tools.cluster.create_secret(store.namespace, SECRET_NAME, values):
        return values
    return tools.cluster.read_secret(store.namespace, SECRET_NAME)


def _generate(template: str, store: Store, tools: Toolbox) -> str:
    alphabet = string.ascii_letters + string.digits
    return template.format(
        password="".join(secrets.choice(alphabet) for _ in range(24)),
        hex=secrets.token_hex(32),
        host=tools.addresses.host(store.name),
        name=store.name,
    )


def _ensure_release(tools: Toolbox, job: Job, store: Store, kind: StoreType) -> None:
    """The release as the chart and the operator want it now. Of one that a killed helm left pending, the record is
    forgotten first: helm then finds what there is, takes it over and goes on; nothing is uninstalled."""
    name = release_name(store.name)
    release = tools.helm.release(name, store.namespace)
    if release and release.stuck:
        tools.cluster.delete_secret(store.namespace, release.record)
    values = _values(tools, store, kind)
    timeout = min(120.0, tools.remaining(job))
    # Only a first install runs the chart's hooks: what is entered again has no older version to migrate from.
    tools.helm.apply(name, store.namespace, kind.chart, tools.profile, values, timeout, hooks=release is None)
    if job.retry_of or job.attempts > 1:
        # After helm, because a StatefulSet replaces no broken pod by itself: its next one must be of the new kind.
        tools.cluster.restart_backing_off(store.namespace)


def _values(tools: Toolbox, store: Store, kind: StoreType) -> dict[str, Any]:
    """What every store chart is given; no secret is among it, only the Secret's name."""
    told = {
        "name": store.name,
        "displayName": store.name,
        "host": tools.addresses.host(store.name),
        "url": store.url,
    }
    values: dict[str, Any] = deepcopy(tools.overlay.get(store.type, {}))
    values["store"] = {**values.get("store", {}), **told}
    values["secretName"] = SECRET_NAME
    place(kind.options, store.options, values)
    return values


def _await_pods(tools: Toolbox, job: Job, store: Store, secret: dict[str, str], since: float) -> None:
    """Stage by stage until each component has its pods Ready; a chart without one of them has no such stage."""
    wanted: dict[str, int] = {}
    for workload in tools.cluster.workloads(store.namespace):
        component = workload["metadata"].get("labels", {}).get(COMPONENT, "application")
        wanted[component] = wanted.get(component, 0) + workload["spec"].get("replicas", 1)
    doctor = Doctor(store.name, tools.patience, since)
    with tools.cluster.watch_pods(store.namespace) as snapshots:
        for component in sorted(wanted, key=lambda name: name != "database"):
            with tools.stage(job, component):
                _await_component(tools, job, store, (component, wanted[component]), snapshots, doctor, secret)


def _await_component(
    tools: Toolbox,
    job: Job,
    store: Store,
    wanted: tuple[str, int],
    snapshots: Snapshots,
    doctor: Doctor,
    secret: dict[str, str],
) -> None:
    component, replicas = wanted
    looked_at = 0.0
    likeliest: Finding | None = None
    for pods in snapshots.every(LOOK_AGAIN):
        if ready_pods(pods, component) >= replicas:
            return
        tools.check_in(
            job, f"The {component} of {store.name} was not ready", str(likeliest.problem) if likeliest else ""
        )
        if time.monotonic() - looked_at < LOOK_AGAIN:
            continue  # a burst of pod changes needs no look at claims and events for each
        looked_at = time.monotonic()
        claims, warnings = tools.cluster.claims(store.namespace), tools.cluster.warnings(store.namespace)
        finding, likeliest = doctor.look(pods, claims, warnings, tools.ledger.clock())
        if finding:
            raise _failure(tools, store, finding, secret)


def _failure(tools: Toolbox, store: Store, finding: Finding, secret: dict[str, str]) -> JobFailed:
    log = tools.cluster.log_tail(store.namespace, finding.pod, finding.container) if finding.pod else ""
    problem = replace(finding.problem, log_tail=redact(log, secret))
    return JobFailed(problem.what, problem.cause, problem.next_step, problem.log_tail)


def redact(text: str, secret: dict[str, str]) -> str:
    """`text` without the store's secret values, longest first so that no part of one stays."""
    for value in sorted(filter(None, secret.values()), key=len, reverse=True):
        text = text.replace(value, "•••")
    return text


def _await_answer(tools: Toolbox, job: Job, store: Store, pause: float, ask: Callable[[], None]) -> None:
    """Ask every `pause` seconds until the store answers as it should: an ingress takes a moment to hear of it."""
    until = tools.ledger.clock() + ANSWER_WITHIN
    while True:
        try:
            ask()
            return
        except CheckFailed as failure:
            tools.check_in(job, f"{store.name} did not answer", str(failure))
            if tools.ledger.clock() > until:
                what = f"{store.name} runs, but its shop does not answer as it should."
                next_step = f"Open {store.url} and check the ingress controller and DNS, then retry."
                raise JobFailed(what, str(failure), next_step) from None
            time.sleep(pause)

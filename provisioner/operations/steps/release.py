"""The Helm release of a store: its chart, its values and its first installation."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from provisioner.clients.helm import ReleaseSpec
from provisioner.clients.kubernetes.objects import unready_pods
from provisioner.clients.kubernetes.releases import Release
from provisioner.domain.catalog import StoreType
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import EventKind, Job, find_event
from provisioner.domain.options import place
from provisioner.domain.store import SECRET_NAME, Store
from provisioner.operations.steps.claims import discard_unbound
from provisioner.operations.toolbox import StoreDefaults, Toolbox

RELEASE = "release"  # the stage in which a job changes the release
INSTALL_TIMEOUT_SECONDS = 120.0


def install_release(tools: Toolbox, job: Job, store: Store, store_type: StoreType) -> None:
    """Install the store's chart, or go on with a former attempt's installation.

    Nothing is uninstalled."""
    release = tools.cluster.release(store.namespace, store.release)
    discard_stuck(tools, store, release)
    spec = release_spec(tools.defaults, store, store_type)
    if release:
        discard_unbound(tools, job, store, spec)
    # Pods that the failed job left may wait minutes for the kubelet's next try. Other pods may just be starting.
    suspects = unready_pods(tools.cluster.pods(store.namespace)) if job.retry_of else set()
    tools.helm.apply(
        spec,
        min(INSTALL_TIMEOUT_SECONDS, tools.remaining(job)),
        # Only a first install runs the chart's hooks: a later attempt has no older version to migrate from.
        hooks=release is None,
        meanwhile=lambda: tools.check_in(job, f"The chart of {store.name} was not installed"),
    )
    if job.retry_of or job.attempts > 1:
        # After helm: a StatefulSet does not replace a broken pod by itself, and the next pod must be a new one.
        tools.cluster.end_back_off(store.namespace, suspects)


def discard_stuck(tools: Toolbox, store: Store, release: Release | None) -> None:
    """If a killed helm left the release pending, delete that revision's record.

    Helm then adopts the objects that exist and goes on."""
    if release and release.stuck:
        tools.cluster.delete_secret(store.namespace, release.record)


def has_begun(tools: Toolbox, job: Job) -> bool:
    """Whether an attempt of the job has begun to change the release."""
    return find_event(tools.ledger.events(job.id), EventKind.STARTED, RELEASE) is not None


def is_changed(tools: Toolbox, job: Job) -> bool:
    """Whether an attempt of the job has changed the release."""
    return find_event(tools.ledger.events(job.id), EventKind.DONE, RELEASE) is not None


def is_applied(tools: Toolbox, job: Job, release: Release | None) -> bool:
    """Whether an attempt of the job has changed the release, and helm came to its end."""
    return release is not None and release.status == "deployed" and is_changed(tools, job)


def deployed_release(tools: Toolbox, store: Store) -> Release:
    """The revision that the store runs. Raises JobFailed."""
    revisions = tools.cluster.revisions(store.namespace, store.release)
    deployed = [release for release in revisions if release.status == "deployed"]
    if not deployed:
        what = f"{store.name} has no release to change."
        next_step = "Restore helm's Secrets (label owner=helm) from a backup of the cluster, then retry."
        raise JobFailed(what, "None of its revisions is deployed.", next_step)
    return deployed[-1]


def release_spec(defaults: StoreDefaults, store: Store, store_type: StoreType) -> ReleaseSpec:
    """The release as the chart and the operator define it now."""
    values = values_of(defaults.overlay, store, store_type)
    return ReleaseSpec(store.release, store.namespace, store_type.chart, defaults.profile, values)


def values_of(overlay: dict[str, Any], store: Store, store_type: StoreType) -> dict[str, Any]:
    """The values of a store's chart: the operator's `overlay`, the store's facts and the name of its Secret."""
    facts = {"name": store.name, "displayName": store.name, "host": store.host, "url": store.url}
    values: dict[str, Any] = deepcopy(overlay.get(store.type, {}))
    values["store"] = {**(values.get("store") or {}), **facts}
    values["secretName"] = SECRET_NAME
    place(store_type.options, store.options, values)
    return values

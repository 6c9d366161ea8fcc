"""Volume claims: Kubernetes lets a claim grow, and changes nothing else of it.

So a store keeps the claims that it was born with, whatever the operator's values say now. In an upgrade the charts do
that themselves; here is what they can't do: say so, let claims grow, and keep them in a rollback."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from provisioner.clients import helm_records
from provisioner.clients.helm import ReleaseSpec
from provisioner.clients.kubernetes.cluster import NotAllowedYet, Object
from provisioner.clients.kubernetes.objects import quantity
from provisioner.clients.kubernetes.releases import record_name
from provisioner.domain.documents import read_yaml
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import Job
from provisioner.domain.store import PREFIX, Store
from provisioner.operations.toolbox import Toolbox

Sizes = dict[str, str]  # of a store's volumes, such as 10Gi, by the claim's role
POLL_SECONDS = 0.5
FOR_BACKUP = PREFIX + "for-backup"  # a label of claims that are larger than the values want
BORN = ("accessModes", "storageClassName", "volumeMode", "resources")  # what a claim keeps of its spec


@dataclass(frozen=True)
class ClaimChange:
    """One thing that the values want of a claim, and that it does not have."""

    claim: str
    what: str
    has: str
    wants: str

    @property
    def growth(self) -> bool:
        return self.what == "size" and quantity(self.wants) > quantity(self.has)


# --- an upgrade --------------------------------------------------------------------------------------------------


def claim_changes(tools: Toolbox, store: Store, spec: ReleaseSpec) -> list[ClaimChange]:
    """What the values want of the store's claims, and what these do not have."""
    live = {claim["metadata"]["name"]: claim["spec"] for claim in tools.cluster.volume_claims(store.namespace)}
    wanted = [claim for manifest in tools.helm.render(spec) for claim in _claims(manifest)]
    return [change for name, claim in wanted if name in live for change in _differences(name, live[name], claim)]


def describe(tools: Toolbox, store: Store, changes: Iterable[ClaimChange]) -> Iterator[str]:
    """A sentence for each change: what the upgrade does about it. Nothing is changed here."""
    for change in changes:
        if not change.growth:
            yield f"The volume {change.claim} keeps its {change.what} {change.has}; {change.wants} is for new stores."
        elif refusal := _grow(tools, store, change, dry_run=True):
            yield f"The volume {change.claim} keeps its size {change.has}. {refusal}"
        else:
            yield f"The volume {change.claim} grows from {change.has} to {change.wants}."


def grow(tools: Toolbox, store: Store, changes: Iterable[ClaimChange]) -> None:
    """Enlarge the claims that may grow."""
    for change in changes:
        if change.growth:
            _grow(tools, store, change, dry_run=False)


def _grow(tools: Toolbox, store: Store, change: ClaimChange, *, dry_run: bool) -> str:
    """Why the claim can't grow, or ''."""
    try:
        tools.cluster.grow_claim(store.namespace, change.claim, change.wants, dry_run=dry_run)
    except (JobFailed, NotAllowedYet) as refusal:  # its StorageClass or a quota forbids it
        return refusal.problem.what
    return ""


# --- a rollback --------------------------------------------------------------------------------------------------


def keep_claims(tools: Toolbox, store: Store, revision: int) -> None:
    """Write the present claims into the record of a revision.

    helm would otherwise try to shrink them, and to take away the class that the first revision left to the cluster."""
    name = record_name(store.release, revision)
    with suppress(JobFailed):  # helm says that there is no such revision
        release = helm_records.decode(tools.cluster.read_secret(store.namespace, name)[helm_records.KEY])
        documents = re.split(r"^---\s*$", release["manifest"], flags=re.MULTILINE)
        kept = [_with_present_claims(tools, store, document) for document in documents]
        if kept != documents:
            release["manifest"] = "\n---\n".join(kept)
            record = {helm_records.KEY: helm_records.encode(release)}
            tools.cluster.add_to_secret(store.namespace, name, record)


def _with_present_claims(tools: Toolbox, store: Store, document: str) -> str:
    manifest = read_yaml(document)
    live = tools.cluster.live(store.namespace, manifest) if manifest and _specs(manifest) else None
    if not live:
        return document
    before = json.dumps(manifest)
    for has, kept in zip(_specs(live), _specs(manifest), strict=False):
        kept.update({key: has[key] for key in BORN if key in has})
    after = json.dumps(manifest)
    return document if after == before else after


# --- a store made from a backup ----------------------------------------------------------------------------------


def sizes_of(tools: Toolbox, store: Store) -> Sizes:
    """The sizes of the store's volumes: an operator may have enlarged them. Raises Transient and JobFailed."""
    claims = {claim["metadata"]["name"]: claim["spec"] for claim in tools.cluster.volume_claims(store.namespace)}
    return {_role(name, store): spec["resources"]["requests"]["storage"] for name, spec in claims.items()}


def make_room(tools: Toolbox, store: Store, spec: ReleaseSpec, sizes: Sizes) -> None:
    """Create the claims that must be larger than the values want, before helm does: the backup is of larger ones.

    Raises Transient, and JobFailed where a quota forbids it."""
    for name, wants in [claim for manifest in tools.helm.render(spec) for claim in _claims(manifest)]:
        size = sizes.get(_role(name, store))
        if size and quantity(size) > quantity(wants["resources"]["requests"]["storage"]):
            larger = {**wants, "resources": {"requests": {"storage": size}}}
            tools.cluster.create_claim(store.namespace, name, larger, {FOR_BACKUP: "true"})


def _role(claim: str, store: Store) -> str:
    """The claim's name without the release's, which differs from store to store."""
    return claim.replace(store.release, "", 1)


# --- a creation that is tried again ------------------------------------------------------------------------------


def discard_unbound(tools: Toolbox, job: Job, store: Store, spec: ReleaseSpec) -> None:
    """Delete claims that have no volume and differ from the values, so that helm can create what the values want now.

    The StatefulSets that made them go too. Raises JobFailed, Superseded, HandedOver."""
    claims = tools.cluster.volume_claims(store.namespace)
    bound = {claim["metadata"]["name"] for claim in claims if not _may_go(claim)}
    doomed = [
        manifest
        for manifest in tools.helm.render(spec)
        if _specs(manifest) and not bound & {name for name, _ in _claims(manifest)} and _differs(tools, store, manifest)
    ]
    for manifest in doomed:
        tools.cluster.delete_object(store.namespace, manifest)
        for name, _ in _claims(manifest):
            tools.cluster.delete_claim(store.namespace, name)
    while any(tools.cluster.live(store.namespace, manifest) for manifest in doomed):
        tools.check_in(job, f"The unused volumes of {store.name} were not gone")
        time.sleep(POLL_SECONDS)


def _may_go(claim: Object) -> bool:
    """Whether nothing is lost with the claim: it has no volume, and no backup needs its size."""
    meta = claim["metadata"]
    return claim.get("status", {}).get("phase") == "Pending" and FOR_BACKUP not in meta.get("labels", {})


def _differs(tools: Toolbox, store: Store, manifest: Object) -> bool:
    live = tools.cluster.live(store.namespace, manifest)
    pairs = zip(_specs(live), _specs(manifest), strict=False) if live else ()
    return any(list(_differences("", has, wants)) for has, wants in pairs)


# --- claims in manifests -----------------------------------------------------------------------------------------


def _claims(manifest: Object) -> Iterator[tuple[str, Object]]:
    """Name and spec of each claim that an object is or makes."""
    name, spec = manifest["metadata"]["name"], manifest.get("spec") or {}
    if manifest["kind"] == "PersistentVolumeClaim":
        yield name, spec
    for template in spec.get("volumeClaimTemplates", []):
        for number in range(spec.get("replicas", 1)):
            yield f"{template['metadata']['name']}-{name}-{number}", template["spec"]


def _specs(manifest: Object) -> list[Object]:
    """The spec of each claim, or template of claims, in an object."""
    spec = manifest.get("spec") or {}
    own = [spec] if manifest["kind"] == "PersistentVolumeClaim" else []
    return own + [template["spec"] for template in spec.get("volumeClaimTemplates", [])]


def _differences(name: str, has: Object, wants: Object) -> Iterator[ClaimChange]:
    size, wanted_size = (str(spec["resources"]["requests"]["storage"]) for spec in (has, wants))
    if quantity(size) != quantity(wanted_size):
        yield ClaimChange(name, "size", size, wanted_size)
    if (wanted_class := wants.get("storageClassName")) and wanted_class != has.get("storageClassName"):
        yield ClaimChange(name, "StorageClass", str(has.get("storageClassName")), wanted_class)
    if wants["accessModes"] != has["accessModes"]:
        yield ClaimChange(name, "access mode", ", ".join(has["accessModes"]), ", ".join(wants["accessModes"]))

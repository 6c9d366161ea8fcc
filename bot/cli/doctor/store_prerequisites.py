"""What keeps stores from coming up, known before anybody orders one; and the stores that there are."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from bot.cli.doctor.environment import PROBE, Site, is_local, with_cluster
from bot.cli.doctor.findings import Finding, ok, unsure, wrong
from bot.cli.doctor.images import Image, Unknown, pullable
from provisioner.clients.kubernetes.cluster import Cluster, Forbidden, Object
from provisioner.clients.storefront_check import distrust, http_client
from provisioner.domain.store import INSTANCE, StoreStatus
from provisioner.ledger.ledger import Ledger, LedgerNotUsable

DEFAULT_STORAGE = "storageclass.kubernetes.io/is-default-class"
DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"


@with_cluster
def kinds(site: Site, cluster: Cluster) -> Iterator[Finding]:
    """Every kind that a chart makes is one that the cluster has."""
    wanted = {(manifest["apiVersion"], manifest["kind"]) for _, manifest in site.manifests()}
    served = {version: cluster.served_kinds(version) for version in {version for version, _ in wanted}}
    missing = sorted(f"{kind} ({version})" for version, kind in wanted if kind not in served[version])
    for one in missing:
        yield wrong(f"The cluster has no {one}.", "Install its CRDs, or turn it off in STORE_VALUES.")
    if wanted and not missing:
        yield ok(f"The cluster has all {len(wanted)} that the charts make.")


@with_cluster
def storage(site: Site, cluster: Cluster) -> Iterator[Finding]:
    """Every volume's class exists; a default one where a chart names none."""
    try:
        found = {one["metadata"]["name"]: one for one in cluster.storage_classes()}
    except Forbidden:
        fix = "kubectl get storageclass must show one “(default)”, and those that STORE_VALUES name."
        yield unsure("The bot may not list StorageClasses.", fix)
        return
    default = next((name for name, one in found.items() if _is(one, DEFAULT_STORAGE)), None)
    used = {claim.get("storageClassName") or default for _, claim in site.claims()}
    if None in used:
        fix = "Make one: kubectl annotate storageclass NAME " + DEFAULT_STORAGE + "=true (or name one in STORE_VALUES)."
        yield wrong("There is no default StorageClass, and stores' volumes name none.", fix)
    for name in sorted(filter(None, used)):
        if name not in found:
            yield wrong(f"There is no StorageClass {name}.", f"Known: {', '.join(found)}. Correct STORE_VALUES.")
        elif found[name].get("reclaimPolicy") == "Retain":
            message = f"{name} keeps the volumes of deleted stores (Retain); their deletion will end as failed."
            yield unsure(message, "Use a class with reclaimPolicy: Delete.")
        else:
            yield ok(f"Stores' volumes are of class {name}{' (the default)' * (name == default)}.")


@with_cluster
def ingress_class(site: Site, cluster: Cluster) -> Iterator[Finding]:
    """The class of every Ingress exists; a default one where a chart names none."""
    wanted = {m["spec"].get("ingressClassName") for _, m in site.manifests() if m["kind"] == "Ingress"}
    if not wanted:
        return
    try:
        found = {one["metadata"]["name"]: one for one in cluster.ingress_classes()}
    except Forbidden:
        fix = "kubectl get ingressclass must show the one that STORE_VALUES names, or a default one."
        yield unsure("The bot may not list IngressClasses.", fix)
        return
    default = next((name for name, one in found.items() if _is(one, DEFAULT_INGRESS)), None)
    for name in {name or default for name in wanted}:
        if name is None:
            fix = "Name one in STORE_VALUES (ingress.className), or make one the default. Known: " + (
                ", ".join(found) or "none"
            )
            yield wrong("There is no default IngressClass, and stores' Ingresses name none.", fix + ".")
        elif name not in found:
            fix = f"Known: {', '.join(found) or 'none: install an ingress controller'}. Correct STORE_VALUES."
            yield wrong(f"There is no IngressClass {name}.", fix)
        else:
            yield ok(f"{name}{' (the default)' * (name == default)}.")


def dns(site: Site) -> Iterator[Finding]:
    """A name that no store has resolves all the same, to where the ingress is: there is a wildcard."""
    given = site.settings
    found = _resolved(given.addresses.host(PROBE))
    if not found:
        yield _unresolved(site)
    elif elsewhere := _elsewhere(site, found):
        message = f"*.{given.store_domain} leads to {', '.join(found)}, and {elsewhere}."
        yield unsure(message, "That is well where both are the same ingress, or stores have one of their own.")
    else:
        yield ok(f"*.{given.store_domain} leads to {', '.join(found)}.")


def _elsewhere(site: Site, found: list[str]) -> str:
    """What is usually the same ingress, and is found at none of these addresses; empty where there is no such thing."""
    meant = (site.settings.ingress_address or "").rpartition(":")[0].strip("[]")
    if _is_address(meant):
        return "" if meant in found else f"INGRESS_ADDRESS is {meant}"
    public = urlsplit(site.settings.public_url).hostname or ""
    ours = [] if is_local(public) else _resolved(public)
    return f"{public} (PUBLIC_URL) to {', '.join(ours)}" if ours and not set(ours) & set(found) else ""


def _resolved(host: str) -> list[str]:
    try:
        return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, None)})
    except OSError:
        return []


def _unresolved(site: Site) -> Finding:
    domain = site.settings.store_domain
    if is_local(domain):
        return ok(f"Browsers on this machine find *.{domain} by themselves.")
    fix = f"Add a record for *.{domain} with the address of your ingress (kubectl get services -A shows it)."
    if site.settings.ingress_address:
        return unsure(f"*.{domain} does not resolve from here; for shoppers it must.", fix)
    return wrong(f"*.{domain} does not resolve.", fix)


def ingress(site: Site) -> Iterator[Finding]:
    """Whether an ingress answers where stores will be, and not just anybody: it knows no store of that name."""
    given = site.settings
    url, host = given.addresses.url(PROBE), given.addresses.host(PROBE)
    if not given.ingress_address and not _resolved(host):
        return  # as DNS tells
    asked = f"{given.store_scheme}://{given.ingress_address}" if given.ingress_address else url
    try:
        with http_client() as http:
            answer = http.get(asked, headers={"Host": host}, extensions={"sni_hostname": host})
    except httpx.HTTPError as error:
        yield _not_answered(asked, error)
        return
    leads_to = urlsplit(answer.headers.get("location", "")).hostname or host
    message = f"{asked} answers {answer.status_code} for a store that is not there"
    if answer.status_code == 404 or (answer.is_redirect and leads_to == host):
        yield ok(f"{message}.")
    else:
        fix = "An ingress says 404, unless it has a page for that; a parking page or another server answers so too."
        yield unsure(f"{message}{f', and leads to {leads_to}' if leads_to != host else ''}.", fix)


def _not_answered(asked: str, error: httpx.HTTPError) -> Finding:
    if why := distrust(error):
        message = f"{asked} answers, but has no certificate for a store that has none of its own: {why}."
        return unsure(message, "That is well where each store gets its own (cert-manager); else install a wildcard's.")
    message = f"{asked} does not answer: {error or type(error).__name__}."
    fix = "Is an ingress controller running, at the address in DNS or INGRESS_ADDRESS? See: kubectl get services -A"
    return wrong(message, fix)


def _is(found: Object, annotation: str) -> bool:
    return str((found["metadata"].get("annotations") or {}).get(annotation, "")).lower() == "true"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


# --- images ------------------------------------------------------------------------------------------------------


def images(site: Site) -> Iterator[Finding]:
    """Each image that a chart runs lies on a node or in its registry, as far as that can be told."""
    wanted: dict[str, set[str]] = {}
    for name, pod in site.pods():
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            wanted.setdefault(container["image"], set()).add(name)
    here = _at_hand(site.reached, site)
    if site.reached and (source := site.settings.image_pull_secret):
        site.reached.read_pull_secret(source)
        yield ok(f"Stores pull theirs by the Secret {source}.")
    for image, types in sorted(wanted.items()):
        kind = ", ".join(sorted(types))
        if Image.of(image).full in here:
            yield ok(f"{kind}: {image} is in the cluster.")
            continue
        try:
            found = pullable(image)
        except Unknown as error:
            fix = "Order one store to see, or look in the registry."
            yield unsure(f"{kind}: whether {image} can be pulled can't be told: {error}", fix)
            continue
        if found:
            yield ok(f"{kind}: {image} is in its registry.")
        else:
            fix = "Push it there, or correct its place in STORE_VALUES (image.repository, image.tag)."
            yield wrong(f"{kind}: {image} is not in its registry.", fix)


def _at_hand(cluster: Cluster | None, site: Site) -> set[str]:
    """Images, by full name, that run in stores of ours, and those on nodes where we may ask."""
    if not cluster:
        return set()
    found: set[str] = set()
    for namespace in cluster.namespaces({INSTANCE: site.settings.instance}):
        for pod in cluster.pods(namespace["metadata"]["name"]):
            running = pod.get("status", {}).get("containerStatuses", [])
            found |= {status["image"] for status in running if status.get("imageID")}
    with suppress(Forbidden):
        found |= cluster.node_images()
    return {Image.of(name).full for name in found if "/" in name or ":" in name}


# --- the stores there are ----------------------------------------------------------------------------------------


@with_cluster
def known(site: Site, cluster: Cluster) -> Iterator[Finding]:
    """Ledger and cluster tell of the same stores."""
    if not site.settings.ledger_path.exists():
        return
    try:
        ledger = Ledger.shared(site.settings.ledger_path)
    except LedgerNotUsable:
        return  # as the ledger's own check tells
    try:
        stores = {store.namespace: store for store in ledger.stores.all()}
    finally:
        ledger.close()
    there = {found["metadata"]["name"] for found in cluster.namespaces({INSTANCE: site.settings.instance})}
    for namespace, store in stores.items():
        if namespace not in there and store.status == StoreStatus.READY:
            fix = f"Delete it (storewright delete {store.name}), or restore its namespace."
            yield wrong(f"{store.name} is ready by the ledger, but its namespace {namespace} is gone.", fix)
    if strange := sorted(there - set(stores)):
        message = f"The ledger does not know {', '.join(strange)}."
        yield unsure(message, "A running bot takes them in within 10 minutes.")
    if there >= set(stores) >= there:
        yield ok(f"Ledger and cluster agree on {len(stores)}.")

"""Checks of what stores need in the cluster, and of existing stores."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from bot.builders import home_of
from bot.cli.doctor.environment import PROBE, Environment, is_local, with_cluster
from bot.cli.doctor.findings import Finding, ok, unsure, wrong
from bot.cli.doctor.images import Image, LookupFailed, is_in_registry
from bot.settings import StoreSettings
from provisioner.clients.kubernetes.cluster import Cluster, Forbidden, Object
from provisioner.clients.storefront_check import distrust, http_client
from provisioner.domain.store import INSTANCE, StoreStatus

DEFAULT_STORAGE_CLASS = "storageclass.kubernetes.io/is-default-class"  # annotation
DEFAULT_INGRESS_CLASS = "ingressclass.kubernetes.io/is-default-class"  # annotation


@with_cluster
def resource_types(environment: Environment, cluster: Cluster) -> Iterator[Finding]:
    """The cluster serves every kind in the charts."""
    kinds = {(manifest["apiVersion"], manifest["kind"]) for _, manifest in environment.manifests()}
    served = {version: cluster.served_kinds(version) for version in {version for version, _ in kinds}}
    missing = sorted(f"{kind} ({version})" for version, kind in kinds if kind not in served[version])
    for kind in missing:
        yield wrong(f"The cluster has no {kind}.", "Install its CRDs, or disable it in STORE_VALUES.")
    if kinds and not missing:
        yield ok(f"The cluster has all {len(kinds)} resource types that the charts use.")


@with_cluster
def storage_classes(environment: Environment, cluster: Cluster) -> Iterator[Finding]:
    """The StorageClass of every volume exists; volumes without one get the default."""
    try:
        classes = {found["metadata"]["name"]: found for found in cluster.storage_classes()}
    except Forbidden:
        fix = "Check the output of: kubectl get storageclass. It needs one “(default)”, and each class in STORE_VALUES."
        yield unsure("The bot has no permission to list StorageClasses.", fix)
        return
    default = next((name for name, found in classes.items() if _is_true(found, DEFAULT_STORAGE_CLASS)), None)
    used = {claim.get("storageClassName") or default for _, claim in environment.claims()}
    if None in used:
        fix = f"Set one: kubectl annotate storageclass NAME {DEFAULT_STORAGE_CLASS}=true (or name one in STORE_VALUES)."
        yield wrong("There is no default StorageClass, and the stores' volumes name none.", fix)
    for name in sorted(filter(None, used)):
        if name not in classes:
            yield wrong(f"There is no StorageClass {name}.", f"Known classes: {', '.join(classes)}. Fix STORE_VALUES.")
        elif classes[name].get("reclaimPolicy") == "Retain":
            message = f"{name} keeps the volumes of deleted stores (Retain), so every deletion of a store will fail."
            yield unsure(message, "Use a class with reclaimPolicy: Delete.")
        else:
            yield ok(f"The stores' volumes use the class {name}{' (default)' * (name == default)}.")


@with_cluster
def ingress_classes(environment: Environment, cluster: Cluster) -> Iterator[Finding]:
    """The IngressClass of every Ingress exists; Ingresses without one get the default."""
    used = {m["spec"].get("ingressClassName") for _, m in environment.manifests() if m["kind"] == "Ingress"}
    if not used:
        return
    try:
        classes = {found["metadata"]["name"]: found for found in cluster.ingress_classes()}
    except Forbidden:
        fix = "Check the output of: kubectl get ingressclass. It needs the class in STORE_VALUES, or a default one."
        yield unsure("The bot has no permission to list IngressClasses.", fix)
        return
    default = next((name for name, found in classes.items() if _is_true(found, DEFAULT_INGRESS_CLASS)), None)
    for name in {name or default for name in used}:
        if name is None:
            fix = "Name one in STORE_VALUES (ingress.className), or annotate one as the default."
            fix = f"{fix} Known classes: {', '.join(classes) or 'none'}."
            yield wrong("There is no default IngressClass, and the stores' Ingresses name none.", fix)
        elif name not in classes:
            fix = f"Known classes: {', '.join(classes) or 'none (install an ingress controller)'}. Fix STORE_VALUES."
            yield wrong(f"There is no IngressClass {name}.", fix)
        else:
            yield ok(f"The stores' Ingresses use the class {name}{' (default)' * (name == default)}.")


# --- DNS and ingress ---------------------------------------------------------------------------------------------


def dns(environment: Environment) -> Iterator[Finding]:
    """A wildcard record leads the name of every store to the ingress."""
    domain = environment.settings.store_domain
    addresses = _resolve(environment.settings.addresses.host(PROBE))
    if not addresses:
        yield _unresolved(environment)
    elif difference := _other_ingress_address(environment, addresses):
        message = f"*.{domain} resolves to {', '.join(addresses)}, but {difference}."
        yield unsure(message, "Ignore this if both are the same ingress, or if the stores have their own ingress.")
    else:
        yield ok(f"*.{domain} resolves to {', '.join(addresses)}.")


def _other_ingress_address(environment: Environment, addresses: list[str]) -> str:
    """The other address, if INGRESS_ADDRESS or PUBLIC_URL has none of `addresses`; else ''.

    Both usually lead to the same ingress as the stores' names."""
    configured = (environment.settings.ingress_address or "").rpartition(":")[0].strip("[]")
    if _is_address(configured):
        return "" if configured in addresses else f"INGRESS_ADDRESS is {configured}"
    host = urlsplit(environment.settings.public_url).hostname or ""
    public = [] if is_local(host) else _resolve(host)
    if not public or set(public) & set(addresses):
        return ""
    return f"{host} (PUBLIC_URL) resolves to {', '.join(public)}"


def _resolve(host: str) -> list[str]:
    try:
        return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, None)})
    except OSError:
        return []


def _unresolved(environment: Environment) -> Finding:
    domain = environment.settings.store_domain
    if is_local(domain):
        return ok(f"Browsers on this machine resolve *.{domain} without DNS.")
    fix = f"Add a record for *.{domain} with the address of your ingress, which kubectl get services -A shows."
    if environment.settings.ingress_address:
        return unsure(f"*.{domain} does not resolve from here. Shoppers need it.", fix)
    return wrong(f"*.{domain} does not resolve.", fix)


def ingress(environment: Environment) -> Iterator[Finding]:
    """An ingress controller answers at the stores' address.

    Its answer shows that it has no route for the name PROBE."""
    settings = environment.settings
    url, host = settings.addresses.url(PROBE), settings.addresses.host(PROBE)
    if settings.ingress_address:
        url = f"{settings.store_scheme}://{settings.ingress_address}"
    elif not _resolve(host):
        return  # the check “DNS” reports it
    try:
        with http_client() as http:
            answer = http.get(url, headers={"Host": host}, extensions={"sni_hostname": host})
    except httpx.HTTPError as error:
        yield _no_answer(url, error)
        return
    target = urlsplit(answer.headers.get("location", "")).hostname or host
    message = f"{url} answers {answer.status_code} for a store that does not exist"
    if answer.status_code == 404 or (answer.is_redirect and target == host):
        yield ok(f"{message}.")
    else:
        fix = "Check that it is your ingress: an ingress without a default page answers 404, a parking page does not."
        yield unsure(f"{message}{f', and redirects to {target}' if target != host else ''}.", fix)


def _no_answer(url: str, error: httpx.HTTPError) -> Finding:
    if reason := distrust(error):
        message = f"{url} answers, but its default certificate is not trusted: {reason}."
        fix = "Ignore this if each store gets its own certificate (cert-manager). Otherwise install a wildcard one."
        return unsure(message, fix)
    message = f"{url} does not answer: {error or type(error).__name__}."
    fix = "Check that an ingress controller runs at the address in DNS or INGRESS_ADDRESS: kubectl get services -A"
    return wrong(message, fix)


def _is_true(found: Object, annotation: str) -> bool:
    return str((found["metadata"].get("annotations") or {}).get(annotation, "")).lower() == "true"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


# --- images ------------------------------------------------------------------------------------------------------


def images(environment: Environment) -> Iterator[Finding]:
    """Each image in the charts is in the cluster or in its registry."""
    types_by_image: dict[str, set[str]] = {}
    for store_type, pod in environment.pods():
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            types_by_image.setdefault(container["image"], set()).add(store_type)
    cluster, secret = environment.reachable_cluster, environment.settings.image_pull_secret
    in_cluster = _images_in_cluster(cluster, environment.settings) if cluster else set()
    if cluster and secret:
        cluster.read_pull_secret(secret)
        yield ok(f"Stores pull their images with the Secret {secret}.")
    for image, types in sorted(types_by_image.items()):
        subject = f"{', '.join(sorted(types))}: {image}"
        if Image.parse(image).full_name in in_cluster:
            yield ok(f"{subject} is in the cluster.")
        else:
            yield _lookup(image, subject)


def _lookup(image: str, subject: str) -> Finding:
    try:
        found = is_in_registry(image)
    except LookupFailed as error:
        fix = "Look in the registry yourself, or order a store to test it."
        return unsure(f"{subject} may or may not be in its registry: {error}", fix)
    if found:
        return ok(f"{subject} is in its registry.")
    fix = "Push it, or fix image.repository and image.tag in STORE_VALUES."
    return wrong(f"{subject} is not in its registry.", fix)


def _images_in_cluster(cluster: Cluster, settings: StoreSettings) -> set[str]:
    """Full names of images in running stores, in the bot's namespace and, if permitted, on nodes."""
    stores = [found["metadata"]["name"] for found in cluster.namespaces({INSTANCE: settings.instance})]
    pods = [pod for namespace in stores for pod in cluster.pods(namespace)]
    with suppress(Forbidden):
        pods += cluster.pods(home_of(settings, cluster))  # the backup server has the image of the stores' backup Jobs
    statuses = [status for pod in pods for status in pod.get("status", {}).get("containerStatuses", [])]
    names = {status["image"] for status in statuses if status.get("imageID")}
    with suppress(Forbidden):
        names |= cluster.node_images()
    return {Image.parse(name).full_name for name in names if "/" in name or ":" in name}


# --- existing stores ---------------------------------------------------------------------------------------------


@with_cluster
def stores(environment: Environment, cluster: Cluster) -> Iterator[Finding]:
    """The ledger and the cluster have the same stores."""
    if (found := environment.recorded_stores()) is None:
        return
    recorded = {store.namespace: store for store in found}
    existing = {one["metadata"]["name"] for one in cluster.namespaces({INSTANCE: environment.settings.instance})}
    for namespace, store in recorded.items():
        if namespace not in existing and store.status in (StoreStatus.READY, StoreStatus.ASLEEP):
            fix = f"Bring it back from its newest backup (storewright recover {store.name}), or delete the store."
            yield wrong(
                f"{store.name} {store.status.phrase} in the ledger, but its namespace {namespace} does not exist.", fix
            )
    if unknown := sorted(existing - set(recorded)):
        message = f"The ledger does not have the stores of these namespaces: {', '.join(unknown)}."
        yield unsure(message, "A running bot adopts them within 10 minutes.")
    if existing == set(recorded):
        yield ok(f"The ledger and the cluster have the same {len(recorded)} stores.")

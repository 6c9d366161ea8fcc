"""Checks of the cluster: its version, the bot's permissions, the admission policies."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.resources import files
from typing import Any

import yaml

from bot.builders import home_of
from bot.cli.doctor.environment import PROBE, Environment, with_cluster
from bot.cli.doctor.findings import Finding, ok, unsure, wrong
from bot.settings import StoreSettings
from provisioner.clients.kubernetes.cluster import Cluster, Forbidden, Object
from provisioner.clients.kubernetes.permissions import Permission
from provisioner.domain.errors import StorewrightError
from provisioner.domain.store import INSTANCE
from provisioner.operations.steps.backup_job import secret_of

OLDEST = (1, 31)
RBAC = "rbac.authorization.k8s.io"
INSTALL = "Install the bot with the chart charts/storewright: with helm, or as in manifests/README.md."
MAX_NAMED_PERMISSIONS = 5
Rule = dict[str, Any]


# Permissions that the bot never needs.
EXCESSIVE = (
    Permission("get", "secrets", namespace="kube-system"),
    Permission("list", "nodes"),
    Permission("create", "clusterrolebindings", RBAC),
    Permission("create", "pods", namespace="default"),
)


def version(environment: Environment) -> Iterator[Finding]:
    """The cluster answers and has a tested version of Kubernetes."""
    found = environment.kubernetes_version
    if isinstance(found, StorewrightError):
        raise found
    numbers = tuple(int(part) for part in found.lstrip("v").split("+")[0].split("-")[0].split(".")[:2])
    if numbers < OLDEST:
        message = f"Kubernetes {found} is older than the versions that Storewright is tested with."
        yield unsure(message, f"Use {OLDEST[0]}.{OLDEST[1]} or later.")
    else:
        yield ok(f"Kubernetes {found} answers.")


@with_cluster
def permissions(environment: Environment, cluster: Cluster) -> Iterator[Finding]:
    """The bot's permissions in the whole cluster and in its own namespace."""
    settings, home = environment.settings, home_of(environment.settings, cluster)
    own = _rules("own", settings) + (_rules("pull", settings) if settings.image_pull_secret else [])
    own += _rules("backup", settings) if settings.backup_server else []
    everywhere = _rules("cluster", settings) + (_rules("capacity", settings) if settings.show_capacity else [])
    missing = _missing(cluster, everywhere, "")
    missing += [f"{permission} in {home}" for permission in _missing(cluster, own, home)]
    if missing:
        yield wrong(f"The bot lacks permissions: {'; '.join(missing)}.", INSTALL)
    else:
        yield ok(f"The bot has every permission it needs, in the whole cluster and in {home}.")
    needed = _permissions(everywhere)
    if excessive := [one for one in EXCESSIVE if one not in needed and cluster.is_allowed(one)]:
        examples = ", ".join(f"{permission.verb} {permission.resource}" for permission in excessive)
        fix = f"Run the bot with its own ServiceAccount. {INSTALL}"
        yield unsure(f"The bot has far more permissions than it needs, such as: {examples}.", fix)


@with_cluster
def store_permissions(environment: Environment, cluster: Cluster) -> Iterator[Finding]:
    """The bot's permissions in a store's namespace.

    Without a store, the rules of the ClusterRole that the bot will bind there."""
    name, rules = environment.settings.store_role, _rules("store", environment.settings)
    namespaces = [found["metadata"]["name"] for found in cluster.namespaces({INSTANCE: environment.settings.instance})]
    if namespaces:
        if missing := _missing(cluster, rules, namespaces[0]):
            yield wrong(f"In {namespaces[0]} the bot lacks permissions: {'; '.join(missing)}.", INSTALL)
        else:
            yield ok(f"The bot has every permission it needs in {namespaces[0]}.")
        return
    try:
        role = cluster.cluster_role(name)
    except Forbidden:
        fix = f"Check the role yourself: kubectl get clusterrole {name} -o yaml"
        yield unsure("They can't be checked before there is a store: the bot has no permission to read its role.", fix)
        return
    if role is None:
        yield wrong(f"There is no ClusterRole {name}.", INSTALL)
    elif missing := [str(permission) for permission in _permissions(rules) if not _grants(role["rules"], permission)]:
        yield wrong(f"The ClusterRole {name} lacks rules: {'; '.join(missing[:MAX_NAMED_PERMISSIONS])}.", INSTALL)
    else:
        yield ok(f"The ClusterRole {name} has every permission that the bot needs in a store's namespace.")


@with_cluster
def admission(environment: Environment, cluster: Cluster) -> Iterator[Finding]:
    """Each admission policy rejects, in a dry run, a request that RBAC allows."""
    user, service_account = cluster.username(), environment.settings.service_account or ""
    is_bot = user == f"system:serviceaccount:{service_account.replace('/', ':')}"
    complete = True
    for action, manifest in _forbidden_requests(environment, cluster):
        try:
            cluster.dry_run(manifest)
            message = f"No admission policy stops {user} from {action}: a leaked token could do it too."
            yield wrong(message, INSTALL) if is_bot else unsure(message, INSTALL)
        except StorewrightError as error:
            if f"Storewright instance {environment.settings.instance} " in str(error):  # as the chart's policies say
                continue
            message = f"Could not check that a policy stops {user} from {action}: {error.problem.what}"
            yield unsure(message, INSTALL)
        complete = False
    if complete:
        yield ok("Admission policies limit the bot to its stores' namespaces, and at home to its own Jobs.")


def _forbidden_requests(environment: Environment, cluster: Cluster) -> Iterator[tuple[str, Object]]:
    """One request for each policy, and its description after “stops the bot from”."""
    settings, home = environment.settings, home_of(environment.settings, cluster)
    namespace, _, name = (settings.service_account or f"{home}/default").partition("/")
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": settings.store_role}
    yield "making a namespace without its label", _manifest("Namespace")
    binding = {"roleRef": role, "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}]}
    yield "giving itself permissions in default", _manifest("RoleBinding", "default", **binding)
    pod = {"restartPolicy": "Never", "containers": [{"name": PROBE, "image": PROBE}]}
    yield f"running any image in {home}", _manifest("Job", home, spec={"template": {"spec": pod}})
    for store in cluster.namespaces({INSTANCE: settings.instance})[:1]:
        service = {"ports": [{"port": 80}], "externalIPs": ["192.0.2.1"]}
        yield "using an external IP address", _manifest("Service", store["metadata"]["name"], spec=service)


def _manifest(kind: str, namespace: str = "", **rest: Any) -> Object:
    return {"kind": kind, "metadata": {"name": PROBE, **({"namespace": namespace} if namespace else {})}, **rest}


# --- permissions -------------------------------------------------------------------------------------------------


def _rules(part: str, settings: StoreSettings) -> list[Rule]:
    """One part of rights.yaml, with the names of these settings."""
    text = files("bot.cli.doctor").joinpath("rights.yaml").read_text()
    text = text.replace("storewright-store", settings.store_role).replace("INSTANCE", settings.instance)
    text = text.replace("BACKUP-SECRET", secret_of(settings.backup_server or "https://.")[1])
    text = text.replace("PULL-SECRET", (settings.image_pull_secret or "/").split("/")[1])
    rules: list[Rule] = yaml.safe_load(text)[part]
    return rules


def _permissions(rules: list[Rule]) -> list[Permission]:
    return [
        Permission(verb, resource, group, name=name)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    ]


def _missing(cluster: Cluster, rules: list[Rule], namespace: str) -> list[str]:
    """The permissions in `rules` that the bot lacks; '' is the whole cluster."""
    wanted = _permissions(rules)
    with ThreadPoolExecutor(8) as threads:
        results = threads.map(lambda permission: cluster.is_allowed(replace(permission, namespace=namespace)), wanted)
        return [str(permission) for permission, allowed in zip(wanted, results, strict=True) if not allowed]


def _grants(rules: list[Rule], permission: Permission) -> bool:
    return any(
        permission.verb in rule["verbs"]
        and permission.group in rule.get("apiGroups", [])
        and permission.resource in rule.get("resources", [])
        for rule in rules
    )

"""What is wrong with the cluster as the bot meets it: whether it answers, and what it lets the bot do."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any

import yaml

from bot.cli.doctor.environment import PROBE, Site, with_cluster
from bot.cli.doctor.findings import Finding, ok, unsure, wrong
from bot.leader_election import home_of
from bot.settings import StoreSettings
from provisioner.clients.kubernetes.cluster import Cluster, Forbidden, Object
from provisioner.domain.errors import StorewrightError
from provisioner.domain.store import INSTANCE

OLDEST = (1, 31)
RBAC = "rbac.authorization.k8s.io"
# What nobody who works as the bot should be allowed.
TOO_MUCH = (
    ("get", "", "secrets", "kube-system"),
    ("list", "", "nodes", ""),
    ("create", RBAC, "clusterrolebindings", ""),
    ("create", "", "pods", "default"),
)
INSTALL = "Install with the chart charts/storewright, by helm or as manifests/README.md says."
Rule = dict[str, Any]


def version(site: Site) -> Iterator[Finding]:
    if isinstance(site.answers, StorewrightError):
        raise site.answers
    known = tuple(int(part) for part in site.answers.lstrip("v").split("+")[0].split("-")[0].split(".")[:2])
    if known < OLDEST:
        message = f"Kubernetes {site.answers} is older than any this was tested on."
        yield unsure(message, f"Use {OLDEST[0]}.{OLDEST[1]} or later.")
    else:
        yield ok(f"Kubernetes {site.answers} answers.")


@with_cluster
def rights(site: Site, cluster: Cluster) -> Iterator[Finding]:
    missing = _missing(cluster, _rules("cluster", site.settings), "")
    home = home_of(site.settings, cluster)
    own = _rules("own", site.settings) + (_rules("pull", site.settings) if site.settings.image_pull_secret else [])
    if missing := missing + [f"{one} in {home}" for one in _missing(cluster, own, home)]:
        yield wrong(f"The bot may not {'; '.join(missing)}.", INSTALL)
    else:
        yield ok(f"The bot may all that it needs everywhere, and in {home}.")
    if more := [what for what in TOO_MUCH if cluster.is_allowed(what[0], what[1], what[2], namespace=what[3])]:
        message = (
            f"These rights go far beyond what is needed ({', '.join(f'{verb} {kind}' for verb, _, kind, _ in more)})."
        )
        yield unsure(message, "Run the bot by its own ServiceAccount. " + INSTALL)


@with_cluster
def store_rights(site: Site, cluster: Cluster) -> Iterator[Finding]:
    """Asked where a store is; where none is, the role is read that the bot will bind there."""
    name, wanted = site.settings.store_role, _rules("store", site.settings)
    stores = [found["metadata"]["name"] for found in cluster.namespaces({INSTANCE: site.settings.instance})]
    if stores:
        if missing := _missing(cluster, wanted, stores[0]):
            yield wrong(f"In {stores[0]} the bot may not {'; '.join(missing)}.", INSTALL)
        else:
            yield ok(f"The bot may all that it needs in {stores[0]}.")
        return
    try:
        role = cluster.cluster_role(name)
    except Forbidden:
        yield unsure("They show when there is a store.", f"kubectl get clusterrole {name} shows the role.")
        return
    if role is None:
        yield wrong(f"There is no ClusterRole {name}.", INSTALL)
    elif lacking := [_told(*one) for one in _wishes(wanted) if not _grants(role["rules"], *one[:3])]:
        yield wrong(f"The ClusterRole {name} does not allow to {'; '.join(lacking[:5])}.", INSTALL)
    else:
        yield ok(f"The ClusterRole {name} allows all that is needed in a store's namespace.")


@with_cluster
def admission(site: Site, cluster: Cluster) -> Iterator[Finding]:
    """What our own policies, and not RBAC, refuse is asked for in dry runs."""
    asking, bot = cluster.username(), (site.settings.service_account or "").replace("/", ":")
    told = wrong if asking == f"system:serviceaccount:{bot}" else unsure
    well = True
    for what, manifest in _refused(site, cluster):
        try:
            cluster.dry_run(manifest)
            yield told(f"No admission policy keeps {asking} from {what}: a leaked token could do it too.", INSTALL)
        except StorewrightError as error:
            if f"torewright ({site.settings.instance})" in str(error):
                continue
            yield unsure(f"It can't be told what keeps {asking} from {what}: {error.problem.what}", INSTALL)
        well = False
    if well:
        yield ok("Policies keep the bot to namespaces of its own, and beside itself to its own work.")


def _refused(site: Site, cluster: Cluster) -> Iterator[tuple[str, Object]]:
    """One request for each policy, in words too."""
    home = home_of(site.settings, cluster)
    place, _, name = (site.settings.service_account or f"{home}/default").partition("/")
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": site.settings.store_role}
    yield "making a namespace without its label", _asked("Namespace")
    binding = {"roleRef": role, "subjects": [{"kind": "ServiceAccount", "namespace": place, "name": name}]}
    yield "giving itself rights in default", _asked("RoleBinding", "default", **binding)
    pod = {"restartPolicy": "Never", "containers": [{"name": PROBE, "image": PROBE}]}
    yield f"running any image in {home}", _asked("Job", home, spec={"template": {"spec": pod}})
    for store in cluster.namespaces({INSTANCE: site.settings.instance})[:1]:
        service = {"ports": [{"port": 80}], "externalIPs": ["192.0.2.1"]}
        yield "taking another's address", _asked("Service", store["metadata"]["name"], spec=service)


def _asked(kind: str, namespace: str = "", **rest: Any) -> Object:
    return {"kind": kind, "metadata": {"name": PROBE, **({"namespace": namespace} if namespace else {})}, **rest}


# --- rights ------------------------------------------------------------------------------------------------------


def _rules(part: str, given: StoreSettings) -> list[Rule]:
    text = files("bot.cli.doctor").joinpath("rights.yaml").read_text()
    text = text.replace("storewright-store", given.store_role).replace("INSTANCE", given.instance)
    text = text.replace("PULL-SECRET", (given.image_pull_secret or "/").split("/")[1])
    rules: list[Rule] = yaml.safe_load(text)[part]
    return rules


def _wishes(rules: list[Rule]) -> list[tuple[str, str, str, str]]:
    """Verb, API group, resource and name, one by one."""
    return [
        (verb, group, resource, name)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    ]


def _missing(cluster: Cluster, rules: list[Rule], namespace: str) -> list[str]:
    """What is not allowed there, in words."""
    wishes = _wishes(rules)
    with ThreadPoolExecutor(8) as threads:
        allowed = threads.map(lambda w: cluster.is_allowed(w[0], w[1], w[2], namespace=namespace, name=w[3]), wishes)
        return [_told(*wish) for wish, may in zip(wishes, allowed, strict=True) if not may]


def _told(verb: str, group: str, resource: str, name: str) -> str:
    return " ".join(filter(None, (verb, f"{resource}.{group}" if group else resource, name)))


def _grants(rules: list[Rule], verb: str, group: str, resource: str) -> bool:
    return any(
        verb in rule["verbs"] and group in rule.get("apiGroups", []) and resource in rule.get("resources", [])
        for rule in rules
    )

"""The kinds of objects that the bot reads and writes, and their paths at the API server."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Resource:
    """One kind of object; `api_version` is that of its manifests, `plural` its name in paths."""

    api_version: str
    plural: str

    def path(self, namespace: str = "", name: str = "", part: str = "") -> str:
        """The path of an object or, without its name, of the list (kubernetes.io: API concepts, resource URIs).

        Without a namespace: of a kind that has none, or of the list of all namespaces. `part` is a subresource.
        """
        segments = [*(("namespaces", namespace) if namespace else ()), self.plural, name, part]
        return "/".join([api_root(self.api_version), *(quote(segment, safe="") for segment in segments if segment)])


def api_root(api_version: str) -> str:
    """The path of everything of an apiVersion, such as v1 or apps/v1."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


CLAIMS = Resource("v1", "persistentvolumeclaims")
EVENTS = Resource("v1", "events")
LIMIT_RANGES = Resource("v1", "limitranges")
NAMESPACES = Resource("v1", "namespaces")
NODES = Resource("v1", "nodes")
PODS = Resource("v1", "pods")
QUOTAS = Resource("v1", "resourcequotas")
SECRETS = Resource("v1", "secrets")
SERVICES = Resource("v1", "services")
SERVICE_ACCOUNTS = Resource("v1", "serviceaccounts")
VOLUMES = Resource("v1", "persistentvolumes")

DEPLOYMENTS = Resource("apps/v1", "deployments")
REPLICA_SETS = Resource("apps/v1", "replicasets")
STATEFUL_SETS = Resource("apps/v1", "statefulsets")

CLUSTER_ROLES = Resource("rbac.authorization.k8s.io/v1", "clusterroles")
CRON_JOBS = Resource("batch/v1", "cronjobs")
ENDPOINT_SLICES = Resource("discovery.k8s.io/v1", "endpointslices")
HTTP_ROUTES = Resource("gateway.networking.k8s.io/v1", "httproutes")
INGRESSES = Resource("networking.k8s.io/v1", "ingresses")
INGRESS_CLASSES = Resource("networking.k8s.io/v1", "ingressclasses")
JOBS = Resource("batch/v1", "jobs")
LEASES = Resource("coordination.k8s.io/v1", "leases")
ROLE_BINDINGS = Resource("rbac.authorization.k8s.io/v1", "rolebindings")
STORAGE_CLASSES = Resource("storage.k8s.io/v1", "storageclasses")

ACCESS_REVIEWS = Resource("authorization.k8s.io/v1", "selfsubjectaccessreviews")
SELF_REVIEWS = Resource("authentication.k8s.io/v1", "selfsubjectreviews")

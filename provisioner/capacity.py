"""Whether the cluster has room for one more store: what its nodes have free, and what a store of the type requests.

It is a hint. An autoscaler may add nodes, and the free sum may be spread over nodes that are too small for one pod."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock, Thread

from provisioner.clients.kubernetes.objects import Object, quantity
from provisioner.domain.catalog import StoreType
from provisioner.domain.errors import StorewrightError
from provisioner.domain.options import choose
from provisioner.domain.store import Store, StoreStatus
from provisioner.operations.steps.release import release_spec
from provisioner.operations.toolbox import Toolbox

log = logging.getLogger(__name__)

KNOWN_SECONDS = 30.0  # for which a reading is shown
SAMPLE = "capacity"  # the name of a store that is only rendered
WORKLOADS = ("Deployment", "StatefulSet")
KEEPING_OUT = ("NoSchedule", "NoExecute")  # effects of taints


@dataclass(frozen=True)
class Resources:
    """CPU in cores, memory in bytes."""

    cpu: float = 0.0
    memory: float = 0.0

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.cpu + other.cpu, self.memory + other.memory)

    def without(self, used: Resources) -> Resources:
        """What is left, at least nothing."""
        return Resources(max(0.0, self.cpu - used.cpu), max(0.0, self.memory - used.memory))

    def at_least(self, other: Resources) -> Resources:
        """The larger of each."""
        return Resources(max(self.cpu, other.cpu), max(self.memory, other.memory))


@dataclass(frozen=True)
class Capacity:
    """What one more store requests, and what the nodes that take its pods have free."""

    requested: Resources
    free: Resources

    @property
    def suffices(self) -> bool:
        return self.requested.cpu <= self.free.cpu and self.requested.memory <= self.free.memory


class CapacityReader:
    """Reads in the background, so that nobody waits for it."""

    def __init__(self, tools: Toolbox, clock: Callable[[], float] = time.monotonic) -> None:
        self._tools, self._clock, self._lock = tools, clock, Lock()
        self._known: dict[str, tuple[float, Capacity | None]] = {}
        self._requested: dict[str, list[Object]] = {}  # by type; the charts do not change while the bot runs
        self._reading: set[str] = set()

    def latest(self, store_type: StoreType) -> Capacity | None:
        """What was read within the last KNOWN_SECONDS; otherwise None, and it is read now."""
        with self._lock:
            at, capacity = self._known.get(store_type.name, (float("-inf"), None))
            if self._clock() - at < KNOWN_SECONDS:
                return capacity
            if store_type.name not in self._reading:
                self._reading.add(store_type.name)
                Thread(target=self._read, args=(store_type,), name="capacity", daemon=True).start()
            return None

    def _read(self, store_type: StoreType) -> None:
        capacity = None
        try:
            if store_type.name not in self._requested:
                self._requested[store_type.name] = pods_of_one_store(self._tools, store_type)
            capacity = self._capacity_for(self._requested[store_type.name])
        except StorewrightError as error:
            log.warning("capacity of the cluster not read: %s", error)
        except Exception:
            log.exception("capacity of the cluster not read")
        with self._lock:
            self._known[store_type.name] = self._clock(), capacity
            self._reading.discard(store_type.name)

    def _capacity_for(self, pods: list[Object]) -> Capacity:
        defaults = self._tools.defaults.limit_range.get("defaultRequest", {})
        requested = sum((requests_of(pod["spec"], defaults) for pod in pods), Resources())
        nodes, running = self._tools.cluster.nodes(), self._tools.cluster.pods_everywhere()
        return Capacity(requested, free_on(nodes, running, pods[0]["spec"] if pods else {}))


def pods_of_one_store(tools: Toolbox, store_type: StoreType) -> list[Object]:
    """The pods of a new store of this type, as its chart and the operator's values define them. Raises JobFailed."""
    store = Store(
        id=SAMPLE,
        name=SAMPLE,
        type=store_type.name,
        status=StoreStatus.CREATING,
        owner="",
        origin="",
        namespace=SAMPLE,
        release=SAMPLE,
        url=f"https://{SAMPLE}.invalid",
        admin_url="",
        created_at=0,
        options=choose(store_type.options, {}),
    )
    manifests = tools.helm.render(release_spec(tools.defaults, store, store_type))
    workloads = [manifest for manifest in manifests if manifest["kind"] in WORKLOADS]
    return [found["spec"]["template"] for found in workloads for _ in range(found["spec"].get("replicas", 1))]


def free_on(nodes: Iterable[Object], pods: Iterable[Object], pod_spec: Object) -> Resources:
    """What the nodes that take a pod of this spec have free, summed up. Pods that wait for a node do not count."""
    used: dict[str, Resources] = defaultdict(Resources)
    for pod in pods:
        node = pod["spec"].get("nodeName", "")
        used[node] += requests_of(pod["spec"])
    free = Resources()
    for node in nodes:
        if _takes(node, pod_spec):
            free += _resources(node["status"].get("allocatable", {})).without(used[node["metadata"]["name"]])
    return free


def requests_of(pod_spec: Object, defaults: Mapping[str, str] | None = None) -> Resources:
    """What the scheduler counts for a pod: all containers together, or the largest of those that run before them."""
    together, before = Resources(), Resources()
    for container in pod_spec.get("initContainers", []):
        needs = _requests(container, defaults or {})
        if container.get("restartPolicy") == "Always":  # a sidecar: it stays
            together += needs
            before = before.at_least(together)
        else:
            before = before.at_least(together + needs)
    for container in pod_spec["containers"]:
        together += _requests(container, defaults or {})
    return together.at_least(before) + _resources(pod_spec.get("overhead", {}))


def _requests(container: Object, defaults: Mapping[str, str]) -> Resources:
    """Kubernetes takes a limit for a missing request, and then the namespace's default."""
    resources = container.get("resources") or {}
    return _resources({**defaults, **(resources.get("limits") or {}), **(resources.get("requests") or {})})


def _resources(amounts: Mapping[str, str]) -> Resources:
    return Resources(float(quantity(str(amounts.get("cpu", 0)))), float(quantity(str(amounts.get("memory", 0)))))


def _takes(node: Object, pod_spec: Object) -> bool:
    """Whether such a pod may run there: the node is ready and has its labels, and the pod tolerates its taints."""
    spec, labels = node["spec"], node["metadata"].get("labels", {})
    conditions = {found["type"]: found["status"] for found in node["status"].get("conditions", [])}
    wanted = pod_spec.get("nodeSelector") or {}
    taints = [taint for taint in spec.get("taints", []) if taint["effect"] in KEEPING_OUT]
    return (
        not spec.get("unschedulable")
        and conditions.get("Ready") == "True"
        and all(labels.get(key) == value for key, value in wanted.items())
        and all(any(_tolerates(one, taint) for one in pod_spec.get("tolerations") or []) for taint in taints)
    )


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return (toleration.get("key"), toleration.get("value", "")) == (taint["key"], taint.get("value", ""))

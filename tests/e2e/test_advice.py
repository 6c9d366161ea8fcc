"""The next steps in failed jobs' messages: each is followed, and the retry succeeds.

tests/unit/test_advice.py lists every next step with the test that follows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import yaml

from dev.cluster import Cluster as DevCluster
from dev.stack import kubectl
from provisioner.clients.kubernetes.objects import is_ready
from provisioner.diagnosis import Patience
from provisioner.domain.job import Job, JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.reused import reused
from tests.e2e.sample_type import SampleType, load_image

START = "exec /busybox httpd"
MISSING = "sw-advice"  # a label, a Secret and a CRD that do not exist at first
CRD: dict[str, Any] = yaml.safe_load(
    """
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: { name: widgets.advice.example.com }
    spec:
      group: advice.example.com
      scope: Namespaced
      names: { kind: Widget, plural: widgets, singular: widget, listKind: WidgetList }
      versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }]
    """
)


class Shop:
    """A store of the type leaflet that can't be created at first."""

    def __init__(self, harness: ProvisionerHarness, leaflet: SampleType, name: str) -> None:
        self.harness, self.leaflet, self.name, self.namespace = harness, leaflet, name, f"store-{name}"
        self.values: dict[str, Any] = harness.overlay.setdefault("leaflet", {})

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        return kubectl(self.harness.cluster, *args, stdin=stdin)

    def add(self, manifest: dict[str, Any]) -> None:
        """Add an object to the chart."""
        (self.leaflet.chart / "templates/more.yaml").write_text(yaml.safe_dump(manifest))

    def failed(self, job: Job, advice: str) -> Job:
        """The job at its end; its message contains the advice."""
        ended = self.harness.ended(job)
        assert ended.status == JobStatus.FAILED
        assert ended.problem is not None
        assert advice in ended.problem.next_step
        return ended


@pytest.fixture(scope="module", autouse=True)
def image(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))


class ReadyShop(Shop):
    """A store that was created by the job `made`."""

    def __init__(self, harness: ProvisionerHarness, leaflet: SampleType, name: str) -> None:
        super().__init__(harness, leaflet, name)
        self.made = self.harness.succeeded(harness.create(name))

    def intact(self) -> bool:
        pods = self.harness.tools.cluster.pods(self.namespace)
        return any(map(is_ready, pods)) and self.harness.store(self.name).status == StoreStatus.READY


@contextmanager
def opened(cluster: DevCluster, folder: Path) -> Iterator[tuple[ProvisionerHarness, SampleType]]:
    leaflet = SampleType(folder / "charts")
    patience = Patience(crash=0.5, unschedulable=1, config=1)
    harness = ProvisionerHarness(cluster, folder, leaflet.charts, "leaflet", patience)
    yield harness, leaflet
    harness.close()


def a_name() -> str:
    return f"advised-{uuid4().hex[:8]}"  # Kubernetes may still be deleting the store of a former run


@pytest.fixture
def shop(cluster: DevCluster, tmp_path: Path) -> Iterator[Shop]:
    with opened(cluster, tmp_path) as (harness, leaflet):
        made = Shop(harness, leaflet, a_name())
        yield made
        made.kubectl("delete", "namespace", made.namespace, "--ignore-not-found", "--wait=false")


@pytest.fixture(scope="module")
def ready_shops(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], ReadyShop]]:
    with opened(cluster, tmp_path_factory.mktemp("ready")) as (harness, leaflet):
        yield reused(lambda: ReadyShop(harness, leaflet, a_name()))
        harness.remove_all()


@pytest.fixture
def ready_shop(ready_shops: Callable[[], ReadyShop]) -> ReadyShop:
    return ready_shops()


# --- creations -------------------------------------------------------------------------------------------------------


def starve(shop: Shop) -> None:
    """The container holds 40 MB for a moment, and may use 24."""
    shop.leaflet.change(START, f"all=$(/busybox head -c 40000000 /dev/zero | /busybox tr '\\000' x); {START}")
    limits = "resources: { limits: { memory: {{ .Values.memory }} } }\n          securityContext"
    shop.leaflet.change("securityContext: { allowPrivilegeEscalation", f"{limits}: {{ allowPrivilegeEscalation")
    shop.values["memory"] = "24Mi"


def feed(shop: Shop) -> None:
    shop.values["memory"] = "512Mi"


def crash(shop: Shop) -> None:
    shop.leaflet.change(START, 'echo "error: there is no page"; exit 1')


def correct(shop: Shop) -> None:
    shop.leaflet.release("0.1.0")


def place_nowhere(shop: Shop) -> None:
    shop.kubectl("label", "nodes", "--all", f"{MISSING}-")
    shop.leaflet.change("automountServiceAccountToken: false", f"nodeSelector: {{ {MISSING}: yes-please }}")


def add_node(shop: Shop) -> None:
    shop.kubectl("label", "nodes", "--all", f"{MISSING}=yes-please", "--overwrite")


def break_standard(shop: Shop) -> None:
    shop.leaflet.change("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true")


def mount_missing_secret(shop: Shop) -> None:
    shop.harness.patience = Patience(sandbox=1)
    shop.leaflet.change("volumes:", f"volumes:\n        - {{ name: key, secret: {{ secretName: {MISSING} }} }}")
    shop.leaflet.change("volumeMounts: [", "volumeMounts: [{ name: key, mountPath: /key }, ")


def read_missing_secret(shop: Shop) -> None:
    shop.leaflet.change(
        "readinessProbe:", f"envFrom: [{{ secretRef: {{ name: {MISSING} }} }}]\n          readinessProbe:"
    )


def make_secret(shop: Shop) -> None:
    shop.kubectl("create", "secret", "generic", MISSING, "--from-literal=color=red", "-n", shop.namespace)


def route_elsewhere(shop: Shop) -> None:
    shop.harness.patience = Patience(wrong_answer=1)
    shop.leaflet.change("- host: {{ .Values.store.host }}", "- host: elsewhere.example.com")


def set_wrong_value(shop: Shop) -> None:
    schema = {"type": "object", "properties": {"pages": {"type": "integer"}}}
    (shop.leaflet.chart / "values.schema.json").write_text(json.dumps(schema))
    shop.values["pages"] = "many"


def set_right_value(shop: Shop) -> None:
    shop.values["pages"] = 3


def use_unknown_kind(shop: Shop) -> None:
    shop.kubectl("delete", "crd", CRD["metadata"]["name"], "--ignore-not-found")
    shop.add({"apiVersion": "advice.example.com/v1", "kind": "Widget", "metadata": {"name": "one"}})


def install_crd(shop: Shop) -> None:
    shop.kubectl("apply", "-f", "-", stdin=json.dumps(CRD))
    shop.kubectl("wait", "--for=condition=Established", "crd", CRD["metadata"]["name"], "--timeout=60s")


def use_impossible_object(shop: Shop) -> None:
    shop.add({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "Not A Name"}, "spec": {"ports": []}})


def correct_all(shop: Shop) -> None:
    (shop.leaflet.chart / "templates/more.yaml").unlink()


def take_namespace(shop: Shop) -> None:
    shop.kubectl("create", "namespace", shop.namespace)


def free_namespace(shop: Shop) -> None:
    shop.kubectl("delete", "namespace", shop.namespace)


class Case(NamedTuple):
    """A creation that fails, what its message advises, and a person who follows it."""

    break_: Callable[[Shop], None]
    advice: str
    follow: Callable[[Shop], None]


CASES = {
    "memory": Case(starve, "Raise its memory limit in STORE_VALUES, then retry.", feed),
    "crash": Case(crash, "The end of its log says more; fix the cause, then retry.", correct),
    "no-node": Case(place_nowhere, "Add a node that fits, or make room on one, then retry.", add_node),
    "refused-pods": Case(break_standard, "Correct the chart, then retry.", correct),
    "mount": Case(mount_missing_secret, "Fix the node or the volume, then retry.", make_secret),
    "config": Case(read_missing_secret, "Create what is missing, or correct the chart, then retry.", make_secret),
    "route": Case(route_elsewhere, "check the ingress controller and DNS, then retry.", correct),
    "values": Case(set_wrong_value, "Correct STORE_VALUES, then retry.", set_right_value),
    "crd": Case(use_unknown_kind, "Install its CRDs, then retry.", install_crd),
    "object": Case(use_impossible_object, "Correct the chart or its values, then retry.", correct_all),
    "namespace": Case(take_namespace, "or delete that namespace and retry.", free_namespace),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_creation_succeeds_once_its_advice_is_followed(shop: Shop, case: Case) -> None:
    case.break_(shop)
    shop.harness.reopen()
    failed = shop.failed(shop.harness.create(shop.name), case.advice)
    case.follow(shop)
    shop.harness.patience = Patience()
    shop.harness.reopen()
    shop.harness.succeeded(shop.harness.retry(failed))


def test_creation_succeeds_once_the_limits_are_right(shop: Shop) -> None:
    right = shop.harness.limit_range
    shop.harness.limit_range = {"type": "Container", "default": {"memory": "1Mi"}, "defaultRequest": {"memory": "2Mi"}}
    shop.harness.reopen()
    failed = shop.failed(shop.harness.create(shop.name), "Correct the chart or STORE_LIMITS, then retry.")
    shop.harness.limit_range = right
    shop.harness.reopen()
    shop.harness.succeeded(shop.harness.retry(failed))


def test_job_past_its_deadline_succeeds_once_its_cause_is_gone(shop: Shop) -> None:
    """A pod without a node; the job's time ends before the patience for it."""
    shop.harness.patience = Patience()
    place_nowhere(shop)
    shop.harness.reopen()
    failed = shop.failed(shop.harness.create(shop.name, seconds=10), "Look at the namespace, then retry.")
    add_node(shop)
    shop.harness.succeeded(shop.harness.retry(failed))


# --- jobs on a store that exists -------------------------------------------------------------------------------------


def test_store_whose_namespace_is_gone_can_be_deleted_and_ordered_again(shop: Shop) -> None:
    made = shop.harness.succeeded(shop.harness.create(shop.name))
    shop.kubectl("delete", "namespace", shop.namespace)
    failed = shop.failed(shop.harness.upgrade(made), "Delete the store and order it again.")
    shop.harness.succeeded(shop.harness.delete(failed))
    shop.harness.succeeded(shop.harness.create(shop.name))


@pytest.mark.parametrize("which", ["the store's Secret", "helm's Secrets"])
def test_upgrade_succeeds_once_a_deleted_secret_is_restored(ready_shop: ReadyShop, which: str) -> None:
    shop, made = ready_shop, ready_shop.made
    chosen = [SECRET_NAME] if which == "the store's Secret" else ["-l", "owner=helm"]
    backup = shop.kubectl("get", "secrets", *chosen, "-n", shop.namespace, "-o", "yaml")
    shop.kubectl("delete", "secrets", *chosen, "-n", shop.namespace)
    failed = shop.failed(shop.harness.upgrade(made), "from a backup of the cluster, then retry.")
    shop.kubectl("create", "-f", "-", stdin=backup)
    shop.harness.succeeded(shop.harness.retry(failed))


def test_upgrade_succeeds_once_its_migration_does(ready_shop: ReadyShop) -> None:
    shop, made = ready_shop, ready_shop.made
    shop.leaflet.release("0.2.0", migration="echo error: a row is odd; exit 3")
    shop.harness.reopen()
    failed = shop.failed(shop.harness.upgrade(made), "Fix the cause, then retry.")
    shop.leaflet.release("0.2.0", migration="echo migrated")
    shop.harness.reopen()
    shop.harness.succeeded(shop.harness.retry(failed))


def test_restart_without_workloads_succeeds_after_an_upgrade(ready_shop: ReadyShop) -> None:
    shop, made = ready_shop, ready_shop.made
    shop.kubectl("delete", "deployment", "--all", "-n", shop.namespace)
    shop.failed(shop.harness.restart(made), "Upgrade the store: this creates them again.")
    shop.harness.succeeded(shop.harness.upgrade(made))
    shop.harness.succeeded(shop.harness.restart(made))

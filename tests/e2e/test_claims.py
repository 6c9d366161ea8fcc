"""Claim sizes, StorageClasses and access modes that are set now, against those that a store was born with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import kubectl
from provisioner.diagnosis import Patience
from provisioner.domain.job import JobStatus
from provisioner.operations.toolbox import QUOTA
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.sample_type import BOOKLET, SampleType, load_image
from tests.e2e.upgraded_store import UpgradedStore

FIXED, GROWING = "sw-fixed", "sw-growing"  # classes of this test: the first can't enlarge volumes
MISSING_IMAGE = "storewright/leaflet:none"


@pytest.fixture(scope="module", autouse=True)
def classes(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))
    known = json.loads(kubectl(cluster, "get", "storageclasses", "-o", "json"))["items"]
    for name, grows in ((FIXED, False), (GROWING, True)):
        made = {**known[0], "metadata": {"name": name}, "allowVolumeExpansion": grows}
        kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(made))


@pytest.fixture
def booklet(tmp_path: Path) -> SampleType:
    return SampleType(tmp_path / "charts", BOOKLET)


@pytest.fixture
def harness(cluster: DevCluster, tmp_path: Path, booklet: SampleType) -> Iterator[ProvisionerHarness]:
    opened = ProvisionerHarness(cluster, tmp_path, booklet.charts, "booklet", Patience(volume=2))
    opened.overlay["booklet"] = {"claims": {}}
    claim(opened, "database", "8Mi", GROWING)
    claim(opened, "uploads", "8Mi", FIXED)
    yield opened
    opened.close()
    opened.remove_all()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"claims-{crc32(request.node.name.encode()):08x}"


def claim(harness: ProvisionerHarness, which: str, size: str, class_name: str, mode: str = "ReadWriteOnce") -> None:
    """Set what the operator's values say about a claim."""
    harness.overlay["booklet"]["claims"][which] = {"size": size, "className": class_name, "accessMode": mode}


def claims(store: UpgradedStore) -> dict[str, Any]:
    """Size and class of each claim, by the name that it has without the store's."""
    found = json.loads(store.kubectl("get", "pvc", "-o", "json"))["items"]
    return {
        item["metadata"]["name"].replace(f"{store.name}-", ""): (
            item["spec"]["resources"]["requests"]["storage"], item["spec"]["storageClassName"]
        )
        for item in found
    }  # fmt: skip


def test_upgrade_keeps_the_claims_of_a_store_and_lets_grow_those_that_can(
    harness: ProvisionerHarness, booklet: SampleType
) -> None:
    store = UpgradedStore(harness, booklet)
    claim(store.harness, "database", "16Mi", GROWING)
    claim(store.harness, "uploads", "16Mi", GROWING, "ReadWriteMany")
    job = store.upgrade()
    store.harness.succeeded(job)
    store.require_version(booklet.version)
    assert claims(store) == {"data-database-0": ("16Mi", GROWING), "uploads": ("8Mi", FIXED)}
    results, uploads = store.results(job), f"The volume {store.name}-uploads keeps its"
    assert f"The volume data-{store.name}-database-0 grows from 8Mi to 16Mi." in results
    assert f"{uploads} size 8Mi." in results
    assert f"{uploads} StorageClass {FIXED}; {GROWING} is for new stores." in results
    assert f"{uploads} access mode ReadWriteOnce; ReadWriteMany is for new stores." in results
    claim(store.harness, "database", "4Mi", FIXED)
    smaller = store.upgrade()
    store.harness.succeeded(smaller)
    assert f"data-{store.name}-database-0 keeps its size 16Mi; 4Mi is for new stores." in store.results(smaller)


def test_claim_that_grew_stays_when_the_upgrade_is_rolled_back(
    harness: ProvisionerHarness, booklet: SampleType
) -> None:
    claim(harness, "uploads", "8Mi", GROWING)
    store = UpgradedStore(harness, booklet)
    uploads = f"{store.name}-uploads"
    store.kubectl("patch", "pvc", uploads, "-p", storage("16Mi", "spec"))  # by hand
    claim(harness, "uploads", "32Mi", GROWING)
    job = store.upgrade(image=MISSING_IMAGE)
    harness.wait_for_stage(job, "database")
    grown = storage("32Mi", "status")  # as the volume's driver does
    store.kubectl("patch", "pvc", uploads, "--subresource=status", "-p", grown)
    ended = harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert "could not be restored" not in str(ended.problem)
    store.require_version("0.1.0")
    assert claims(store)["uploads"] == ("32Mi", GROWING)
    claim(harness, "uploads", "16Mi", GROWING)
    store.harness.succeeded(store.upgrade())


def test_claim_with_the_clusters_default_class_is_rolled_back(harness: ProvisionerHarness, booklet: SampleType) -> None:
    for which in ("database", "uploads"):
        claim(harness, which, "8Mi", "")
    store = UpgradedStore(harness, booklet)
    born = claims(store)
    ended = harness.ended(store.upgrade(image=MISSING_IMAGE))
    assert ended.status == JobStatus.FAILED
    assert "could not be restored" not in str(ended.problem)
    store.require_version("0.1.0")
    assert claims(store) == born


def storage(size: str, part: str) -> str:
    """A patch of a claim's request or capacity."""
    content = {"spec": {"resources": {"requests": {"storage": size}}}, "status": {"capacity": {"storage": size}}}
    return json.dumps({part: content[part]})


@pytest.mark.parametrize("which", ["database", "uploads"])
def test_creation_succeeds_once_class_and_size_are_right(harness: ProvisionerHarness, name: str, which: str) -> None:
    claim(harness, which, "8Mi", "sw-none")
    failed = harness.ended(harness.create(name))
    assert "Check the StorageClass and its provisioner, then retry." in str(failed.problem)
    claim(harness, which, "60Gi", FIXED)
    failed = harness.ended(harness.retry(failed))
    assert "lower what the store needs in STORE_VALUES" in str(failed.problem)
    claim(harness, which, "16Mi", FIXED)
    harness.succeeded(harness.retry(failed))


@pytest.mark.parametrize("which", ["database", "uploads"])
def test_quota_that_an_operator_raised_is_used_by_the_retry_and_stays(
    harness: ProvisionerHarness, booklet: SampleType, name: str, which: str
) -> None:
    claim(harness, which, "60Gi", FIXED)
    failed = harness.ended(harness.create(name))
    assert "Raise the quota" in str(failed.problem)
    change = '{"spec": {"hard": {"requests.storage": "90Gi", "pods": "9"}}}'
    quota = ("resourcequota", "store", "-n", f"store-{name}")
    kubectl(harness.cluster, "patch", *quota, "-p", change)
    made = harness.succeeded(harness.retry(failed))
    shown = kubectl(harness.cluster, "get", *quota, "-o", "jsonpath={.spec.hard.requests\\.storage} {.spec.hard.pods}")
    assert shown == f"90Gi {QUOTA['pods']}"
    kubectl(harness.cluster, "delete", *quota)
    limits = ("get", "limitrange", "store", "-n", f"store-{name}", "-o", "jsonpath={.spec}")
    before, harness.limit_range = kubectl(harness.cluster, *limits), {"type": "Container", "default": {"memory": "1Gi"}}
    booklet.release("0.2.0")
    harness.reopen()
    harness.succeeded(harness.upgrade(made))
    assert kubectl(harness.cluster, "get", *quota, "--ignore-not-found") == ""
    assert kubectl(harness.cluster, *limits) == before

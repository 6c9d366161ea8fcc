"""Features of store charts that operators can turn on, and references between the rendered objects."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from provisioner.domain.catalog import Catalog
from tests.charts.releases import (
    CHARTS,
    COMBINATIONS,
    EXTERNAL_HOST,
    NAME,
    PROVIDER_ADDRESS,
    ROOT,
    Object,
    combinations_of,
    component,
    containers,
    every_chart,
    helm,
    of_kind,
    pods,
    render,
)
from tests.charts.test_values import nodes

HOST = "my-shop.localhost"


def services(manifests: list[Object]) -> dict[str, Object]:
    return {service["metadata"]["name"]: service for service in of_kind(manifests, "Service")}


def ports(service: Object) -> dict[str, int]:
    return {port["name"]: port["port"] for port in service["spec"]["ports"]}


def selected(manifests: list[Object], labels: dict[str, str]) -> list[Object]:
    return [pod for pod in pods(manifests) if labels.items() <= pod["metadata"]["labels"].items()]


def dangling(manifests: list[Object]) -> list[str]:
    """References to missing objects: a Service's pods and ports, a route's Service, a pod's volumes."""
    known, missing = services(manifests), []
    for name, service in known.items():
        behind = selected(manifests, service["spec"]["selector"])
        listens = {port["name"] for pod in behind for c in containers(pod) for port in c.get("ports", [])}
        missing += [f"{name}: {port}" for port in service["spec"]["ports"] if port["targetPort"] not in listens]
    for ingress in of_kind(manifests, "Ingress"):
        backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        missing += [f"ingress: {backend}"] * (backend["port"]["name"] not in ports(known[backend["name"]]))
    for route in of_kind(manifests, "HTTPRoute"):
        (backend,) = route["spec"]["rules"][0]["backendRefs"]
        missing += [f"route: {backend}"] * (backend["port"] not in ports(known[backend["name"]]).values())
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        missing += ["budget"] * (len(selected(manifests, budget["spec"]["selector"]["matchLabels"])) != 1)
    volumes = [volume for pod in pods(manifests) for volume in pod["spec"].get("volumes", [])]
    claims = {claim["metadata"]["name"] for claim in of_kind(manifests, "PersistentVolumeClaim")}
    config_maps = {found["metadata"]["name"] for found in of_kind(manifests, "ConfigMap")}
    missing += [str(v) for v in volumes if v.get("persistentVolumeClaim", {}).get("claimName") not in {None, *claims}]
    return missing + [str(v) for v in volumes if v.get("configMap", {}).get("name") not in {None, *config_maps}]


@every_chart
def test_rendered_objects_have_no_dangling_references(chart: Path) -> None:
    for features, manifests in zip(COMBINATIONS, combinations_of(chart), strict=True):
        assert dangling(manifests) == [], features


@every_chart
def test_dangling_reference_is_found_when_an_object_is_missing(chart: Path) -> None:
    manifests = render(chart, "replicas")
    optional = {"ConfigMap"} & {manifest["kind"] for manifest in manifests}
    for kind in {"PersistentVolumeClaim", "Deployment"} | optional:
        assert dangling([manifest for manifest in manifests if manifest["kind"] != kind]), kind


@every_chart
def test_ingress_has_class_certificate_and_annotations_of_the_values(chart: Path) -> None:
    (plain,) = of_kind(render(chart), "Ingress")
    assert not {"tls", "ingressClassName"} & plain["spec"].keys()
    assert "annotations" not in plain["metadata"]
    (given,) = of_kind(render(chart, "tls", "annotated"), "Ingress")
    assert given["spec"]["ingressClassName"] == "nginx"
    assert given["spec"]["tls"] == [{"hosts": [HOST], "secretName": f"{NAME}-tls"}]
    assert given["metadata"]["annotations"] == {"a.example.com/b": "1"}
    assert [rule["host"] for rule in given["spec"]["rules"]] == [HOST]


@every_chart
@pytest.mark.parametrize(("name", "tls"), [("wildcard", {"secretName": "wildcard"}), ("-", {})])
def test_ingress_uses_named_or_default_certificate(chart: Path, name: str, tls: dict[str, str]) -> None:
    (ingress,) = of_kind(render(chart, "tls", options=(f'ingress.tls.secretName="{name}"',)), "Ingress")
    assert ingress["spec"]["tls"] == [{"hosts": [HOST]} | tls]


@every_chart
def test_store_whose_address_is_http_has_no_tls(chart: Path) -> None:
    (ingress,) = of_kind(render(chart, options=("ingress.tls.enabled=true",)), "Ingress")
    assert "tls" not in ingress["spec"]


@every_chart
def test_pods_run_where_the_values_say(chart: Path) -> None:
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    apart = {
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "{{ .Release.Name }}"}]}
    }
    chosen = {
        "nodeSelector": {"pool": "shops"}, "tolerations": [{"operator": "Exists"}], "affinity": apart,
        "topologySpreadConstraints": [spread], "priorityClassName": "shops", "runtimeClassName": "gvisor",
    }  # fmt: skip
    made = pods(render(chart, options=tuple(f"pod.{name}={json.dumps(value)}" for name, value in chosen.items())))
    assert {component(pod) for pod in made} >= {"application", "database", "migration", "test"}
    for pod in made:
        spec = pod["spec"]
        plain = {name: spec[name] for name in ("nodeSelector", "tolerations", "priorityClassName", "runtimeClassName")}
        assert plain == {name: chosen[name] for name in plain}
        (rule,) = spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert rule == {"topologyKey": NAME}
        (constraint,) = spec["topologySpreadConstraints"]
        selector = constraint.pop("labelSelector")["matchLabels"]
        assert constraint == spread
        assert selector.items() <= pod["metadata"]["labels"].items()
        assert selector["app.kubernetes.io/component"] == component(pod)
    plain_pods = [pod for pod in pods(render(chart)) if component(pod) not in ("backup", "restore", "import")]
    assert not any(chosen.keys() & pod["spec"].keys() for pod in plain_pods)


@every_chart
def test_ids_and_deadlines_are_values(chart: Path) -> None:
    engine = {"medusa": "postgresql", "woocommerce": "mariadb"}[chart.name]
    ids = json.dumps({"runAsUser": 7, "runAsGroup": 8, "fsGroup": 9})
    options = [f"securityContext={ids}", "startupSeconds=11", "migration.deadlineSeconds=12"]
    options += [f"{engine}.securityContext={ids}", f"{engine}.startupSeconds=13", f"{engine}.stopSeconds=14"]
    manifests = render(chart, options=tuple(options))
    security = [pod["spec"]["securityContext"] for pod in pods(manifests)]
    assert {(s["runAsUser"], s["runAsGroup"], s["fsGroup"]) for s in security} == {(7, 8, 9)}
    (database,) = of_kind(manifests, "StatefulSet")
    assert database["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 14
    probes = {
        workload["kind"]: {one["startupProbe"]["failureThreshold"] for one in containers(workload["spec"]["template"])}
        for workload in of_kind(manifests, "Deployment", "StatefulSet")
    }
    waits = {"woocommerce": {2}}  # twice 10 s, in the container
    assert probes == {"Deployment": {11} | waits.get(chart.name, set()), "StatefulSet": {13}}
    assert [job["spec"]["activeDeadlineSeconds"] for job in of_kind(manifests, "Job")] == [12]


@every_chart
def test_cluster_chooses_ids_that_are_left_out(chart: Path) -> None:
    engine = {"medusa": "postgresql", "woocommerce": "mariadb"}[chart.name]
    none = "={}".format(json.dumps(dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"))))
    for pod in pods(render(chart, options=(f"securityContext{none}", f"{engine}.securityContext{none}"))):
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & pod["spec"]["securityContext"].keys()


@every_chart
def test_store_is_reached_through_ingress_gateway_or_both(chart: Path) -> None:
    ways = {"Ingress", "HTTPRoute"}
    kinds = [{m["kind"] for m in render(chart, *f)} & ways for f in [(), ("http-route",), ("no-ingress", "http-route")]]
    assert kinds == [{"Ingress"}, ways, {"HTTPRoute"}]
    (route,) = of_kind(render(chart, "http-route"), "HTTPRoute")
    assert route["spec"]["hostnames"] == [HOST]
    assert route["spec"]["parentRefs"] == [{"name": "shops", "namespace": "gateways"}]


@every_chart
def test_service_monitor_scrapes_a_port_that_is_not_routed(chart: Path) -> None:
    assert of_kind(render(chart), "ServiceMonitor") == []
    manifests = render(chart, "metrics", "http-route")
    (monitor,) = of_kind(manifests, "ServiceMonitor")
    (service,) = [s for s in services(manifests).values() if component(s) == "application"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = monitor["spec"]["endpoints"]
    (route,) = of_kind(manifests, "HTTPRoute")
    (ingress,) = of_kind(manifests, "Ingress")
    metrics = ports(service)[endpoint["port"]]
    assert metrics != route["spec"]["rules"][0]["backendRefs"][0]["port"] == ports(service)["http"]
    assert ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] == {"name": "http"}


@every_chart
def test_two_replicas_get_rolling_updates_and_a_disruption_budget(chart: Path) -> None:
    one, two = render(chart), render(chart, "replicas")
    assert of_kind(one, "PodDisruptionBudget") == []
    assert of_kind(one, "Deployment")[0]["spec"]["strategy"] == {"type": "Recreate"}
    (budget,) = of_kind(two, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    assert of_kind(two, "Deployment")[0]["spec"]["strategy"]["type"] == "RollingUpdate"
    assert of_kind(two, "PersistentVolumeClaim")[0]["spec"]["accessModes"] == ["ReadWriteMany"]


@every_chart
def test_external_database_removes_the_own_database(chart: Path) -> None:
    manifests = render(chart, "external")
    assert [m for m in manifests if component(m) == "database" and m["kind"] != "NetworkPolicy"] == []
    assert "database" not in {component(pod) for pod in pods(manifests)}


@every_chart
def test_copy_that_proves_a_backup_has_no_visitors_and_a_database_of_its_own(chart: Path) -> None:
    proof = Catalog(chart.parent).get(chart.name).proof
    assert proof is not None
    leaves = [(path, node) for path, node in nodes(proof) if not isinstance(node, dict)]
    options = tuple(f"{'.'.join(path)}={json.dumps(node)}" for path, node in leaves)
    manifests = render(chart, "external", "http-route", "tls", "metrics", "payments", options=options)
    assert of_kind(manifests, "Ingress", "HTTPRoute", "ServiceMonitor") == []
    assert {"database", "application"} <= {component(pod) for pod in pods(manifests)}
    assert not {EXTERNAL_HOST, PROVIDER_ADDRESS} & set(re.findall(r"[\w.-]+", json.dumps(manifests)))


def test_chart_with_packed_library_renders_the_same_manifests(tmp_path: Path) -> None:
    charts = Path(shutil.copytree(ROOT / "charts", tmp_path / "charts", symlinks=True))
    packed = charts / CHARTS[0].name
    (packed / "charts/common").unlink()
    done = helm("dependency", "build", packed)
    assert done.returncode == 0, done.stderr
    files = list(packed.rglob("*"))
    assert not any(file.is_symlink() for file in files)
    assert sum(file.stat().st_size for file in files if file.is_file()) < 500_000, "a ConfigMap holds a MiB"
    assert render(packed) == render(CHARTS[0])

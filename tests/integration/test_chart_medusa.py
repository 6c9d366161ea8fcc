"""The Medusa chart as Helm renders it: nothing secret, everything restricted, no value that nobody reads."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

CHART = Path(__file__).parents[2] / "charts" / "medusa"
PROFILES = ["local", "prod"]


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["helm", *map(str, arguments)], capture_output=True, text=True, check=False)


def render(profile: str, *options: str) -> list[dict[str, Any]]:
    rendered = helm("template", "my-shop", CHART, "--values", CHART / f"values-{profile}.yaml", *options)
    assert rendered.returncode == 0, rendered.stderr
    return [manifest for manifest in yaml.safe_load_all(rendered.stdout) if manifest]


def pods(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every pod that the release may run, by kind of its maker."""
    made = {m["kind"]: m["spec"]["template"]["spec"] for m in manifests if "template" in m.get("spec", {})}
    return made | {m["kind"]: m["spec"] for m in manifests if m["kind"] == "Pod"}


@pytest.mark.parametrize("profile", PROFILES)
def test_helm_finds_no_fault(profile: str) -> None:
    checked = helm("lint", "--strict", CHART, "--values", CHART / f"values-{profile}.yaml")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("unknown", ["colour=red", "store.colour=red", "image.colour=red", "postgresql.replicas=2"])
def test_a_value_that_nobody_reads_is_refused(unknown: str) -> None:
    refused = helm("template", "my-shop", CHART, "--set", unknown)
    assert refused.returncode != 0
    assert "additional properties" in refused.stderr


def test_the_schema_is_closed_everywhere() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)

    def objects(node: Any) -> list[dict[str, Any]]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        found = [hit for value in inner for hit in objects(value)]
        return [*found, node] if isinstance(node, dict) and node.get("type") == "object" else found

    open_ones = [
        o for o in objects(schema) if o.get("additionalProperties", True) is True and o.get("maxProperties") != 0
    ]
    assert open_ones == []


@pytest.mark.parametrize("bad", ["store.url=my-shop.localhost", "store.name=My_Shop", "postgresql.storage.size=much"])
def test_a_value_of_the_wrong_form_is_refused(bad: str) -> None:
    assert helm("template", "my-shop", CHART, "--set", bad).returncode != 0


@pytest.mark.parametrize("profile", PROFILES)
def test_no_secret_is_in_the_release(profile: str) -> None:
    manifests = render(profile, "--set", "secretName=its-secret")
    assert "Secret" not in {manifest["kind"] for manifest in manifests}
    keys = yaml.safe_load(yaml.safe_load((CHART / "Chart.yaml").read_text())["annotations"]["storewright.dev/secret"])
    for spec in pods(manifests).values():
        for variable in spec["containers"][0]["env"]:
            if "value" in variable:
                assert not any(word in variable["name"] for word in ("PASSWORD", "SECRET", "KEY", "EMAIL"))
            else:
                reference = variable["valueFrom"]["secretKeyRef"]
                assert reference["name"] == "its-secret"
                assert reference["key"] in keys


@pytest.mark.parametrize("profile", PROFILES)
def test_every_pod_is_restricted(profile: str) -> None:
    made = pods(render(profile))
    assert set(made) == {"Deployment", "StatefulSet", "Pod"}
    for spec in made.values():
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"]["memory"]
            assert container["resources"]["limits"]["memory"]
            assert "cpu" not in container["resources"]["limits"]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_start_is_looked_at_every_second(kind: str) -> None:
    container = pods(render("local"))[kind]["containers"][0]
    assert container["startupProbe"]["periodSeconds"] == 1
    assert container["readinessProbe"]["periodSeconds"] == 1
    assert container["livenessProbe"]["periodSeconds"] >= 5


def test_pods_say_which_stage_they_belong_to() -> None:
    manifests = render("local")
    for kind, component in {"Deployment": "application", "StatefulSet": "database"}.items():
        labels = next(m for m in manifests if m["kind"] == kind)["spec"]["template"]["metadata"]["labels"]
        assert labels["app.kubernetes.io/component"] == component
        assert labels["app.kubernetes.io/instance"] == "my-shop"


def test_a_shop_without_a_certificate_has_no_tls_and_one_with_has() -> None:
    plain = next(m for m in render("local") if m["kind"] == "Ingress")["spec"]
    assert "tls" not in plain
    assert "ingressClassName" not in plain
    secured = next(m for m in render("prod", "--set", "ingress.className=nginx") if m["kind"] == "Ingress")["spec"]
    assert secured["tls"] == [{"hosts": ["my-shop.localhost"], "secretName": "my-shop-tls"}]
    assert secured["ingressClassName"] == "nginx"


def test_awkward_names_survive_rendering() -> None:
    name = 'O\'Neil \\ "Sons": {{ x }} # 1'
    values = json.dumps({"store": {"displayName": name}})
    shop = subprocess.run(
        ["helm", "template", "my-shop", CHART, "--values", "-"],
        input=values,
        capture_output=True,
        text=True,
        check=True,
    )
    deployment = next(m for m in yaml.safe_load_all(shop.stdout) if m and m["kind"] == "Deployment")
    env = {v["name"]: v.get("value") for v in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert env["STORE_NAME"] == name


def test_an_external_database_is_used_instead_of_its_own() -> None:
    external = {"enabled": True, "host": "db.example.com", "port": 6432, "name": "{{ .Release.Name }}", "user": "u"}
    external |= {"ssl": "verify-full", "cidr": "10.0.0.5/32"}
    manifests = render("local", "--set-json", f"database.external={json.dumps(external)}")
    assert "StatefulSet" not in {manifest["kind"] for manifest in manifests}
    given = {
        "PGHOST": "db.example.com",
        "PGPORT": "6432",
        "PGDATABASE": "my-shop",
        "PGUSER": "u",
        "PGSSLMODE": "verify-full",
    }
    for spec in pods(manifests).values():
        env = {variable["name"]: variable.get("value") for variable in spec["containers"][0]["env"]}
        assert "SHOP" in env or given.items() <= env.items()
    rules = [
        m["spec"] for m in manifests if m["kind"] == "NetworkPolicy" and m["metadata"]["name"].endswith("database")
    ]
    assert [rule["egress"] for rule in rules] == [
        [{"to": [{"ipBlock": {"cidr": "10.0.0.5/32"}}], "ports": [{"protocol": "TCP", "port": 6432}]}]
    ]


def test_two_replicas_roll_over_a_shared_volume_and_survive_a_drain() -> None:
    assert helm("template", "my-shop", CHART, "--set", "replicas=2").returncode != 0
    two = render("prod", "--set", "replicas=2,uploads.storage.accessMode=ReadWriteMany")
    by_kind = {manifest["kind"]: manifest.get("spec", {}) for manifest in two}
    assert by_kind["Deployment"]["strategy"]["type"] == "RollingUpdate"
    assert by_kind["PersistentVolumeClaim"]["accessModes"] == ["ReadWriteMany"]
    assert by_kind["PodDisruptionBudget"]["maxUnavailable"] == 1
    one = {manifest["kind"]: manifest.get("spec", {}) for manifest in render("prod")}
    assert "PodDisruptionBudget" not in one
    assert one["Deployment"]["strategy"] == {"type": "Recreate"}


def test_the_ingress_controllers_own_certificate_may_serve() -> None:
    secured = next(m for m in render("prod", "--set", "ingress.tls.secretName=-") if m["kind"] == "Ingress")["spec"]
    assert secured["tls"] == [{"hosts": ["my-shop.localhost"]}]

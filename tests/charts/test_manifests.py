"""Every manifest of a store chart is valid by the schemas of Kubernetes and of the custom resources."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate.utils
import pytest

from dev.charts import definition
from tests.charts.releases import Object, combinations_of, every_chart, every_profile, of_kind, render

VERSIONS = ["1.31", "1.34", kubernetes_validate.latest_version()]
# The library reads its schemas, megabytes of JSON, for every manifest.
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)


def closed(node: Any) -> Any:
    """A structural schema that rejects unknown fields, as the API server does with strict field validation."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {key: closed(value) for key, value in node.items()}
    is_open = "additionalProperties" in node or node.get("x-kubernetes-preserve-unknown-fields")
    return inner if is_open or not isinstance(node.get("properties"), dict) else inner | {"additionalProperties": False}


@cache
def custom_validator(api_version: str, kind: str) -> jsonschema.Draft202012Validator:
    """The validator of a custom resource's definition."""
    group_version = api_version.partition("/")[2]
    versions = definition(api_version, kind)["spec"]["versions"]
    (served,) = [v for v in versions if v["name"] == group_version and v["served"]]
    return jsonschema.Draft202012Validator(closed(served["schema"]["openAPIV3Schema"]))


def validate_custom(manifest: Object, version: str) -> None:
    """Validate a custom resource against its definition, and its metadata against Kubernetes' schema.

    Raises ValidationError."""
    custom_validator(manifest["apiVersion"], manifest["kind"]).validate(manifest)
    stand_in = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": manifest["metadata"]}
    kubernetes_validate.validate(stand_in, version, strict=True)


def validate(manifest: Object, version: str) -> None:
    """Validate a manifest against Kubernetes' schema, or a custom resource against its definition.

    Raises ValidationError."""
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        validate_custom(manifest, version)


@every_profile
def test_manifests_are_valid_in_every_feature_combination(chart: Path, profile: str) -> None:
    rendered = {json.dumps(m): m for manifests in combinations_of(chart, profile) for m in manifests}
    kinds = {manifest["kind"] for manifest in rendered.values()}
    assert {"HTTPRoute", "Ingress", "NetworkPolicy", "PodDisruptionBudget", "ServiceMonitor"} < kinds
    for manifest in rendered.values():
        for version in VERSIONS:
            validate(manifest, version)


@every_chart
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("kind", "path", "bad"),
    [
        ("Deployment", ("spec", "template", "spec", "conteiners"), []),
        ("Deployment", ("spec", "replicas"), "one"),
        ("NetworkPolicy", ("spec", "policyType"), ["Ingress"]),
        ("HTTPRoute", ("spec", "hostname"), "my-shop.localhost"),
        ("HTTPRoute", ("spec", "rules", 0, "backendRefs", 0, "port"), 70000),
        ("HTTPRoute", ("metadata", "label"), {}),
        ("ServiceMonitor", ("spec", "endpoints", 0, "interval"), "often"),
        ("ServiceMonitor", ("spec", "endpoint"), []),
    ],
    ids=lambda part: ".".join(map(str, part)) if isinstance(part, tuple) else None,
)
def test_invalid_field_fails_validation(chart: Path, version: str, kind: str, path: tuple[Any, ...], bad: Any) -> None:
    manifest = copy.deepcopy(of_kind(render(chart, "http-route", "metrics"), kind)[0])
    validate(manifest, version)
    inner = manifest
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = bad
    with pytest.raises(jsonschema.ValidationError):
        validate(manifest, version)

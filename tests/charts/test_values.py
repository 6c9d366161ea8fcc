"""Values of every store chart: the schema describes each, a template reads each, and others are rejected."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.charts.releases import (
    COMBINATIONS,
    FEATURES,
    STORES,
    Object,
    every_chart,
    every_profile,
    helm,
    render,
    settings,
    template,
    variants_of,
)
from tests.charts.variants import Rendered
from tests.workers import once_a_run

# Replacement values: the test uses the first that the schema accepts.
OTHERS: list[Any] = [
    *(True, False, 2, "other", "77Mi", "usd", "us", "45s", "#123456", "https://other.example.com", "10.1.2.3/32"),
    *("0 3 * * *", "ReadWriteMany", "Never", "verify-full", {"other.example.com/key": "1"}, [{"name": "other"}]),
    *([{"secretRef": {"name": "other"}}], [{"ipBlock": {"cidr": "10.1.2.3/32"}}], [{"ports": [{"port": 25}]}]),
    *([5353], [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]),
]
EVERYTHING_ON = settings(*(name for name in FEATURES if not name.startswith("no-")))
MALFORMED = [
    *('store.name="My_Shop"', 'store.host="My Shop"', 'store.url="my-shop.localhost"', 'store.currency="EUR"'),
    *('store.country="Germany"', 'store.color="green"', 'store.logo="javascript:alert(1)"', 'secretName=""'),
    *('uploads.storage.size="much"', "replicas=0", "replicas=2", 'ingress.annotations={"a":1}'),
    *("httpRoute.enabled=true", "startupSeconds=0", "securityContext.runAsUser=0", "migration.deadlineSeconds=0"),
    "networkPolicy.dnsPorts=[]",
    *('pod.nodeSelector={"pool":1}', 'pod.topologySpreadConstraints=[{"maxSkew":1}]', "pod.hostNetwork=true"),
    *("database.external.enabled=true", "database.external.port=0", 'database.external.ssl="prefer"'),
]


def values_of(chart: Path) -> Object:
    loaded: Object = yaml.safe_load((chart / "values.yaml").read_text())
    return loaded


def schema_of(chart: Path) -> Object:
    loaded: Object = json.loads((chart / "values.schema.json").read_text())
    return loaded


def nodes(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value with its path. A map comes before its members."""
    yield path, node
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from nodes(inner, (*path, key))


def leaves(chart: Path) -> list[tuple[tuple[str, ...], Any]]:
    """The values without members. An empty map is one, because operators fill it."""
    return [(path, node) for path, node in nodes(values_of(chart)) if not isinstance(node, dict) or not node]


def described(schema: Object, path: tuple[str, ...]) -> Draft7Validator:
    """The schema of one value.

    Raises KeyError if the schema does not describe it."""
    part = schema
    for step in (*path, None):
        if "$ref" in part:
            part = schema["definitions"][part["$ref"].removeprefix("#/definitions/")]
        if step is not None:
            part = part["properties"][step] if "properties" in part else part["additionalProperties"]
    return Draft7Validator({**part, "definitions": schema["definitions"]})


def changed(values: Object, path: tuple[str, ...], value: Any) -> Object:
    result = copy.deepcopy(values)
    inner = result
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return result


@every_profile
def test_helm_lint_passes(chart: Path, profile: str) -> None:
    checked = helm("lint", "--strict", chart, "--values", chart / f"values-{profile}.yaml")
    assert checked.returncode == 0, checked.stdout


@every_chart
def test_schema_describes_and_a_template_reads_every_value(chart: Path) -> None:
    values = {}
    for path, value in leaves(chart):
        takes = described(schema_of(chart), path)
        other = next(o for o in OTHERS if takes.is_valid(o) and json.dumps(o) != json.dumps(value))
        values[path] = (other, value)  # a feature may already have set the other value
    assert variants_of(chart).unread(values, ([], EVERYTHING_ON)) == []


@every_chart
def test_value_that_no_template_reads_is_found(chart: Path) -> None:
    unread = ("common", "global")  # Helm sets it
    values = {unread: ({},), ("secretName",): ("other",)}
    assert variants_of(chart).unread(values, ([], EVERYTHING_ON)) == [unread]


@every_chart
def test_variants_are_rendered_as_helm_renders_each(chart: Path) -> None:
    all_features, malformed = settings(*COMBINATIONS[-1]), MALFORMED[0]
    several = variants_of(chart).render([[], [malformed], all_features])
    alone = [template(chart), template(chart, malformed), template(chart, *all_features)]
    assert [one.stdout for one in several] == [one.stdout for one in alone]
    assert several[1].stderr.partition(":\n-")[2] == alone[1].stderr.partition(":\n-")[2] != ""


@every_chart
def test_schema_rejects_unknown_values_in_every_map(chart: Path) -> None:
    maps = [path for path, node in nodes(values_of(chart)) if isinstance(node, dict) and node]
    assert len(maps) > 10
    tried = variants_of(chart).render([[".".join((*path, "unknown")) + "=1"] for path in maps])
    for path, refused in zip(maps, tried, strict=True):
        assert not refused.stdout, path
        assert "additional properties" in refused.stderr, path


@every_chart
def test_schema_is_closed_in_every_object(chart: Path) -> None:
    schema = schema_of(chart)
    Draft7Validator.check_schema(schema)

    def objects(node: Any) -> list[Object]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        found = [hit for value in inner for hit in objects(value)]
        return [*found, node] if isinstance(node, dict) and node.get("type") == "object" else found

    assert [
        o for o in objects(schema) if o.get("additionalProperties", True) is True and "maxProperties" not in o
    ] == []


@every_chart
def test_schema_rejects_values_of_another_type(chart: Path) -> None:
    values, takes = values_of(chart), Draft7Validator(schema_of(chart))
    assert takes.is_valid(values)
    for path, value in leaves(chart):
        wrong = "wrong" if isinstance(value, bool | int | list | dict) else {"wrong": "wrong"}
        assert not takes.is_valid(changed(values, path, wrong)), path


@once_a_run
def malformed(chart: Path) -> dict[str, Rendered]:
    return dict(zip(MALFORMED, variants_of(chart).render([[bad] for bad in MALFORMED]), strict=True))


@every_chart
@pytest.mark.parametrize("bad", MALFORMED)
def test_schema_rejects_malformed_values(chart: Path, bad: str) -> None:
    refused = malformed(chart)[bad]
    assert not refused.stdout
    assert "don't meet the specifications of the schema" in refused.stderr


@every_chart
def test_schema_accepts_every_choice_of_every_option(chart: Path) -> None:
    assert STORES[chart.name].options
    for option in STORES[chart.name].options:
        path = tuple(option.value.split("."))
        assert option.default in (dict(leaves(chart))[path], None)
        assert [choice for choice in option.choices if not described(schema_of(chart), path).is_valid(choice)] == []


@every_chart
def test_store_name_with_special_characters_is_rendered_unchanged(chart: Path) -> None:
    name = 'O\'Neil \\ "Sons": {{ x }} # 1'
    manifests = render(chart, options=(f"store.displayName={json.dumps(name)}",))
    names = [v for v in found(manifests, "env") if v["name"] == "STORE_NAME"]
    assert names
    assert {variable["value"] for variable in names} == {name}


def found(node: Any, key: str) -> list[Any]:
    """All items of lists with the key `key`, at any depth."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    here = list(node.get(key, [])) if isinstance(node, dict) else []
    return here + [hit for value in inner for hit in found(value, key)]

"""Tests of Medusa's chart alone. tests/charts tests every store chart."""

from __future__ import annotations

from tests.charts.releases import STORES, containers, of_kind, pods, render

MEDUSA = STORES["medusa"].chart


def test_every_database_client_gets_the_external_database() -> None:
    options = ('database.external.name="{{ .Release.Name }}"', 'database.external.ssl="verify-full"')
    expected = {
        "PGHOST": "sql.example.com",
        "PGPORT": "5433",
        "PGDATABASE": "my-shop",
        "PGUSER": "medusa",
        "PGSSLMODE": "verify-full",
    }
    environments = [
        {variable["name"]: variable.get("value") for variable in container.get("env", [])}
        for pod in pods(render(MEDUSA, "external", options=options))
        for container in containers(pod)
    ]
    assert any("PGHOST" in env for env in environments)
    assert [env for env in environments if "PGHOST" in env and not expected.items() <= env.items()] == []


def test_upgrade_migrates_the_database_with_the_new_image_first() -> None:
    (job,) = of_kind(render(MEDUSA, options=('image.tag="new"',)), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-upgrade"
    assert "hook-failed" not in job["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
    assert [container["image"] for container in containers(job["spec"]["template"])] == ["storewright/medusa:new"]

"""What only Medusa's chart has; what holds for every store chart is in tests/charts."""

from __future__ import annotations

from tests.charts.releases import STORES, containers, of_kind, pods, render

MEDUSA = STORES["medusa"].chart


def test_an_external_database_is_told_to_all_that_use_one() -> None:
    options = ('database.external.name="{{ .Release.Name }}"', 'database.external.ssl="verify-full"')
    given = {
        "PGHOST": "sql.example.com",
        "PGPORT": "5433",
        "PGDATABASE": "my-shop",
        "PGUSER": "medusa",
        "PGSSLMODE": "verify-full",
    }
    told = [
        {variable["name"]: variable.get("value") for variable in container["env"]}
        for pod in pods(render(MEDUSA, "external", options=options))
        for container in containers(pod)
    ]
    assert any("PGHOST" in env for env in told)
    assert [env for env in told if "PGHOST" in env and not given.items() <= env.items()] == []


def test_the_database_is_migrated_with_the_new_image_before_an_upgrade() -> None:
    (job,) = of_kind(render(MEDUSA, options=('image.tag="new"',)), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-upgrade"
    assert "hook-failed" not in job["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
    assert [container["image"] for container in containers(job["spec"]["template"])] == ["storewright/medusa:new"]

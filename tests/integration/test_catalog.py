"""The catalog: a store type is a folder with an annotated Chart.yaml, and needs no Python."""

from pathlib import Path

import pytest

from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import UnknownStoreType

CHART = """
name: tiny
version: 1.2.3
annotations:
  storewright.dev/label: Tiny shop
  storewright.dev/admin-path: /boss
  storewright.dev/credentials: "user, password"
  storewright.dev/secret: |
    user: "boss@{host}"
    password: "{password}"
"""


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/Chart.yaml").write_text(CHART)
    (tmp_path / "tiny/check.yaml").write_text("- get: /\n- get: /cart\n  status: 204\n")
    (tmp_path / "library").mkdir()
    (tmp_path / "library/Chart.yaml").write_text("name: library\nversion: 0.1.0\n")
    return tmp_path


def test_annotated_chart_is_a_store_type(charts: Path) -> None:
    tiny = Catalog(charts).get("tiny")
    assert (tiny.label, tiny.version, tiny.admin_path) == ("Tiny shop", "1.2.3", "/boss")
    assert tiny.credentials == ("user", "password")
    assert tiny.secret == {"user": "boss@{host}", "password": "{password}"}
    assert tiny.check == ({"get": "/"}, {"get": "/cart", "status": 204})


def test_chart_without_our_annotations_is_no_store_type(charts: Path) -> None:
    assert list(Catalog(charts).types) == ["tiny"]


def test_unknown_type_is_answered_with_a_similar_type(charts: Path) -> None:
    with pytest.raises(UnknownStoreType, match=r"Did you mean tiny\?"):
        Catalog(charts).get("tinny")
    with pytest.raises(UnknownStoreType, match="Known types: tiny"):
        Catalog(charts).get("zzz")


def test_default_type_is_the_configured_one_or_the_first(charts: Path) -> None:
    (charts / "arcade").mkdir()
    (charts / "arcade/Chart.yaml").write_text(CHART.replace("tiny", "arcade"))
    assert Catalog(charts).default.name == "arcade"
    assert Catalog(charts, "tiny").default.name == "tiny"
    with pytest.raises(UnknownStoreType, match="Did you mean tiny"):
        Catalog(charts, "tinny")


def test_wrong_annotation_is_reported_with_its_file(charts: Path) -> None:
    broken = CHART + '  storewright.dev/options: "- {id: currency}"\n'
    (charts / "tiny/Chart.yaml").write_text(broken)
    with pytest.raises(ValueError, match=r"tiny/Chart.yaml: storewright.dev/options: entry 1 label: Field required"):
        Catalog(charts)


def test_reset_of_a_key_that_the_secret_does_not_have_is_an_error(charts: Path) -> None:
    chart = charts / "tiny/Chart.yaml"
    chart.write_text(CHART + "  storewright.dev/reset: password\n")
    assert Catalog(charts).get("tiny").reset == ("password",)
    chart.write_text(CHART + "  storewright.dev/reset: passwort\n")
    with pytest.raises(ValueError, match=r"tiny/Chart.yaml: storewright.dev/reset: .* has no key passwort"):
        Catalog(charts)


def test_folder_without_charts_is_an_error_at_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no store type found"):
        Catalog(tmp_path)


def test_repository_has_medusa() -> None:
    medusa = Catalog(Path(__file__).parents[2] / "charts").get("medusa")
    assert set(medusa.credentials) <= set(medusa.secret)
    assert medusa.admin_path.startswith("/")
    assert len(medusa.check) > 1

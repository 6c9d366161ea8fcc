"""Settings that name YAML files: their values, and errors for files that can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.former_settings import FORMER_NAMES
from bot.settings import BadSettings, Settings, variables
from tests.environment import NEEDED


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in [*(name for name, _, _ in variables()), *FORMER_NAMES]:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**NEEDED, "CHARTS_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_store_values_are_read_from_their_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("medusa: {image: {tag: abc}}")
    environment.setenv("STORE_VALUES", str(tmp_path / "values.yaml"))
    assert Settings.from_environment().store_values == {"medusa": {"image": {"tag": "abc"}}}


def test_empty_store_values_override_nothing(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("# none\n")
    environment.setenv("STORE_VALUES", str(tmp_path / "values.yaml"))
    assert Settings.from_environment().store_values == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "STORE_VALUES: can't be read as YAML"),
        (b"\xff\xfe\xfd", "STORE_VALUES: can't be read as YAML"),
        (b"- medusa", "STORE_VALUES: is YAML, but not a map whose values are maps"),
        (b"medusa: 3", "STORE_VALUES: is YAML, but not a map whose values are maps"),
        (b"text", "STORE_VALUES: is YAML, but not a map whose values are maps"),
    ],
)
def test_unusable_store_values_are_an_error_in_one_line(
    environment: pytest.MonkeyPatch, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "values.yaml").write_bytes(content)
    environment.setenv("STORE_VALUES", str(tmp_path / "values.yaml"))
    with pytest.raises(BadSettings) as caught:
        Settings.from_environment()
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1


def test_folder_as_store_values_is_an_error(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("STORE_VALUES", str(tmp_path))
    with pytest.raises(BadSettings, match="STORE_VALUES: can't be read as YAML"):
        Settings.from_environment()


def test_store_values_are_read_once(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A waiting bot goes on with the values of its start, and not with a file that was damaged since."""
    (tmp_path / "values.yaml").write_text("medusa: {replicas: 2}")
    environment.setenv("STORE_VALUES", str(tmp_path / "values.yaml"))
    settings = Settings.from_environment()
    (tmp_path / "values.yaml").write_text("{")
    assert settings.store_values == {"medusa": {"replicas": 2}}


@pytest.mark.parametrize("name", ["STORE_VALUES", "EXECUTOR_POD"])
def test_missing_file_is_an_error(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "/no/such/file.yaml")
    with pytest.raises(BadSettings, match=f"{name}: names a path that does not exist"):
        Settings.from_environment()


def test_executor_pod_takes_the_maps_pod_and_container_only(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    override = tmp_path / "worker.yaml"
    environment.setenv("EXECUTOR", "kubernetes")
    environment.setenv("EXECUTOR_IMAGE", "here/storewright:1")
    environment.setenv("SERVICE_ACCOUNT", "home/bot")
    environment.setenv("EXECUTOR_POD", str(override))
    override.write_text("pod: {nodeSelector: {pool: work}}")
    assert Settings.from_environment().worker.pod == {"nodeSelector": {"pool": "work"}}
    override.write_text("spec: {}")
    with pytest.raises(BadSettings, match=r"EXECUTOR_POD: .* should be .* with the maps `pod` and `container`"):
        Settings.from_environment()


def test_limits_of_the_stores_namespaces_come_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    environment.setenv("STORE_LIMITS", str(file))
    file.write_text("quota: {pods: 20}\nlimitRange: {default: {memory: 1Gi}}")
    defaults = Settings.from_environment().store_defaults
    assert defaults.quota == {"pods": "20"}, "the file's quota is the whole quota"
    assert defaults.limit_range == {"type": "Container", "default": {"memory": "1Gi"}}
    file.write_text("quota: {pods: many}")
    require_error("STORE_LIMITS: has the quota pods: many, which is no quantity")
    file.write_text("quotas: {pods: 20}")
    require_error("STORE_LIMITS: has the unknown keys quotas")


def require_error(message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        Settings.from_environment()

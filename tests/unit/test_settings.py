"""A bad environment is told all at once, each variable with what it should be, and no secret is echoed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import BadSettings, Settings, variables
from provisioner.runner.executors.job_manifest import Worker

GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_SIGNING_SECRET": "sssh",
    "FAILURE_CHANNEL": "C0FAILURE",
    "PUBLIC_URL": "https://bot.example.com",
    "STORE_DOMAIN": "shops.example.com",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name, _, _ in variables():
        monkeypatch.delenv(name, raising=False)
    for name, value in {**GOOD, "CHARTS_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def complaints() -> dict[str, str]:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environment()
    return {line.partition(": ")[0]: line for line in str(caught.value).splitlines()}


def test_the_least_that_is_needed(environment: pytest.MonkeyPatch) -> None:
    settings = Settings.from_environment()
    assert settings.slack_mode == "http"
    assert settings.limits.stores_per_person == 10
    assert settings.addresses.url("my-shop") == "http://my-shop.shops.example.com"
    assert settings.public_origin == "https://bot.example.com"
    assert settings.overlay == {}


def test_all_that_can_be_set(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("medusa: {image: {tag: abc}}")
    more = {
        "SLACK_MODE": "socket",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_SIGNING_SECRET": "",
        "ADMINS": "U0ADA0001, W0BOB0002,",
        "STORE_SCHEME": "https",
        "STORE_PORT": "8443",
        "STORES_PER_PERSON": "3",
        "STORE_VALUES": str(tmp_path / "values.yaml"),
        "CREATE_DEADLINE": "60.5",
    }
    for name, value in more.items():
        environment.setenv(name, value)
    settings = Settings.from_environment()
    assert settings.admins == {"U0ADA0001", "W0BOB0002"}
    assert settings.addresses.url("my-shop") == "https://my-shop.shops.example.com:8443"
    assert (settings.limits.stores_per_person, settings.limits.create_deadline) == (3, 60.5)
    assert settings.overlay == {"medusa": {"image": {"tag": "abc"}}}


def test_every_bad_variable_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    bad = {
        "SLACK_BOT_TOKEN": "xoxp-secret",
        "SLACK_SIGNING_SECRET": "",
        "FAILURE_CHANNEL": "#failures",
        "ADMINS": "ada",
        "PUBLIC_URL": "bot.example.com",
        "LISTEN": "3000",
        "STORE_PORT": "80a",
        "STORES_PER_PERSON": "0",
        "CHARTS_DIR": "/no/such/folder",
        "LOG_LEVEL": "loud",
    }
    for name, value in bad.items():
        environment.setenv(name, value)
    said = complaints()
    assert set(said) == set(bad)
    assert all("It should be " in line for line in said.values())
    assert "xoxp-secret" not in "".join(said.values())


@pytest.mark.parametrize(("mode", "needed"), [("http", "SLACK_SIGNING_SECRET"), ("socket", "SLACK_APP_TOKEN")])
def test_each_mode_needs_its_own_secret(environment: pytest.MonkeyPatch, mode: str, needed: str) -> None:
    environment.setenv("SLACK_MODE", mode)
    environment.delenv("SLACK_SIGNING_SECRET")
    assert set(complaints()) == {needed}


def test_secrets_do_not_show_when_settings_are_printed(environment: pytest.MonkeyPatch) -> None:
    printed = repr(Settings.from_environment())
    assert "xoxb-1" not in printed
    assert "sssh" not in printed


def test_jobs_of_their_own_need_an_image_and_an_account(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("EXECUTOR", "kubernetes")
    assert "EXECUTOR_IMAGE: is missing, or SERVICE_ACCOUNT is" in complaints()["EXECUTOR_IMAGE"]
    environment.setenv("EXECUTOR_IMAGE", "here/storewright:1")
    assert "EXECUTOR_IMAGE" in complaints()
    environment.setenv("SERVICE_ACCOUNT", "home/bot")
    assert Settings.from_environment().worker == Worker("here/storewright:1")

    laid_over = tmp_path / "worker.yaml"
    environment.setenv("EXECUTOR_POD", str(laid_over))
    laid_over.write_text("pod: {nodeSelector: {pool: work}}")
    assert Settings.from_environment().worker.pod == {"nodeSelector": {"pool": "work"}}
    laid_over.write_text("spec: {}")
    with pytest.raises(BadSettings, match=r"EXECUTOR_POD: .* should have the maps `pod` and `container`"):
        _ = Settings.from_environment().worker

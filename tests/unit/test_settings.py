"""Settings from the environment: defaults, errors that name every wrong variable, and secrets that stay secret."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from bot.former_settings import FORMER_NAMES, deprecation_warnings
from bot.settings import BadSettings, LedgerSettings, Settings, variables
from provisioner.diagnosis import Patience
from provisioner.domain.idleness import IdlePolicy
from provisioner.operations.create import CREATE
from provisioner.operations.registry import DEFAULT_DEADLINES, OPERATIONS
from provisioner.operations.toolbox import StoreDefaults
from provisioner.runner.executors.job_manifest import Worker
from tests.environment import NEEDED

CHARTS = Path(__file__).parents[2] / "charts"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [*(name for name, _, _ in variables()), *FORMER_NAMES]:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**NEEDED, "CHARTS_DIR": str(CHARTS)}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def errors() -> dict[str, str]:
    """The error of each wrong variable."""
    with pytest.raises(BadSettings) as caught:
        Settings.from_environment()
    return {line.partition(": ")[0]: line for line in str(caught.value).splitlines()}


def test_needed_variables_are_enough(environment: pytest.MonkeyPatch) -> None:
    settings = Settings.from_environment()
    assert settings.slack_mode == "http"
    assert settings.limits.stores_per_person == 10
    assert settings.deadlines == DEFAULT_DEADLINES
    assert settings.addresses.url("my-shop") == "http://my-shop.shops.example.com"
    assert settings.public_origin == "https://bot.example.com"
    assert settings.store_values == {}


def test_given_variables_replace_defaults(environment: pytest.MonkeyPatch) -> None:
    more = {
        "SLACK_MODE": "socket",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_SIGNING_SECRET": "",
        "ADMINS": "U0ADA0001, W0BOB0002,",
        "STORE_SCHEME": "https",
        "STORE_PORT": "8443",
        "STORES_PER_PERSON": "3",
        "CREATE_DEADLINE_SECONDS": "60.5",
    }
    for name, value in more.items():
        environment.setenv(name, value)
    settings = Settings.from_environment()
    assert settings.admins == {"U0ADA0001", "W0BOB0002"}
    assert settings.addresses.url("my-shop") == "https://my-shop.shops.example.com:8443"
    assert (settings.limits.stores_per_person, settings.deadlines[CREATE.kind]) == (3, 60.5)


def test_every_wrong_variable_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    wrong = {
        "SLACK_BOT_TOKEN": "xoxp-secret",
        "SLACK_SIGNING_SECRET": "",
        "FAILURE_CHANNEL": "#failures",
        "ADMINS": "ada",
        "PUBLIC_URL": "bot.example.com",
        "LISTEN": "3000",
        "STORE_PORT": "80a",
        "STORES_PER_PERSON": "0",
        "UPGRADE_DEADLINE_SECONDS": "9",
        "CHARTS_DIR": "/no/such/folder",
        "STORE_VALUES": "/no/such/file",
        "LOG_LEVEL": "loud",
    }
    for name, value in wrong.items():
        environment.setenv(name, value)
    found = errors()
    assert set(found) == set(wrong)
    assert all("It should be " in line for line in found.values())
    assert "xoxp-secret" not in "".join(found.values())


@pytest.mark.parametrize(
    "domain",
    [
        "Shops.example.com",
        "shops..example.com",
        "shops.example.com.",
        "-shops.example.com",
        "shops_1.example.com",
        "a" * 64 + ".com",
        "10.0.0.1",  # browsers take a host that ends in a number for an IPv4 address
        "shops.0x7f",
        ".".join(["d" * 60] * 5),
    ],
)
def test_domain_that_dns_or_browsers_refuse_is_an_error(environment: pytest.MonkeyPatch, domain: str) -> None:
    environment.setenv("STORE_DOMAIN", domain)
    assert set(errors()) == {"STORE_DOMAIN"}


@pytest.mark.parametrize("domain", ["localhost", "xn--lden-0na.example", "10.0.0.1.nip.io", "a1.example.com"])
def test_domain_that_dns_takes_is_accepted(environment: pytest.MonkeyPatch, domain: str) -> None:
    environment.setenv("STORE_DOMAIN", domain)
    assert Settings.from_environment().addresses.host("my-shop") == f"my-shop.{domain}"


def test_domain_that_leaves_no_room_for_names_is_an_error(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STORE_DOMAIN", "d" * 57 + ".com")
    assert Settings.from_environment().addresses.longest_name == 30
    environment.setenv("STORE_SCHEME", "https")
    assert "is too long: an https address has at most 64 characters" in errors()["STORE_DOMAIN"]


@pytest.mark.parametrize(("mode", "needed"), [("http", "SLACK_SIGNING_SECRET"), ("socket", "SLACK_APP_TOKEN")])
def test_each_slack_mode_needs_its_own_secret(environment: pytest.MonkeyPatch, mode: str, needed: str) -> None:
    environment.setenv("SLACK_MODE", mode)
    environment.delenv("SLACK_SIGNING_SECRET")
    assert set(errors()) == {needed}


def test_idle_time_is_a_setting_for_all_stores_and_for_each_type(environment: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment().idle == IdlePolicy()
    environment.setenv("IDLE_AFTER", "8h")
    environment.setenv("IDLE_TYPES", "medusa=2h,woocommerce=never")
    assert Settings.from_environment().idle == IdlePolicy(28_800.0, {"medusa": 7200.0, "woocommerce": None})
    for name, value in {"IDLE_AFTER": "soon", "IDLE_TYPES": "medusa"}.items():
        environment.setenv(name, value)
    assert set(errors()) == {"IDLE_AFTER", "IDLE_TYPES"}


def test_printed_settings_hide_secrets(environment: pytest.MonkeyPatch) -> None:
    printed = repr(Settings.from_environment())
    assert "xoxb-1" not in printed
    assert "sssh" not in printed


def test_kubernetes_executor_needs_an_image_and_a_service_account(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EXECUTOR", "kubernetes")
    assert "EXECUTOR_IMAGE: is missing, or SERVICE_ACCOUNT is" in errors()["EXECUTOR_IMAGE"]
    environment.setenv("EXECUTOR_IMAGE", "here/storewright:1")
    assert "EXECUTOR_IMAGE" in errors()
    environment.setenv("SERVICE_ACCOUNT", "home/bot")
    assert Settings.from_environment().worker == Worker("here/storewright:1")


def test_every_operation_has_a_deadline_setting() -> None:
    named = {name for name, _, _ in variables() if name.endswith("_DEADLINE_SECONDS")}
    assert named == {f"{kind.upper()}_DEADLINE_SECONDS" for kind in [*OPERATIONS, "undo"]}


def test_patience_is_a_setting_for_every_kind_of_trouble(environment: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment().store_defaults == StoreDefaults()
    for number, name in enumerate(asdict(Patience())):
        environment.setenv(f"{name.upper()}_PATIENCE_SECONDS", str(number))
    environment.setenv("UNDO_DEADLINE_SECONDS", "77")
    defaults = Settings.from_environment().store_defaults
    assert list(asdict(defaults.patience).values()) == list(range(len(asdict(Patience()))))
    assert defaults.rollback_seconds == 77


def test_former_variable_names_still_work_with_a_warning(environment: pytest.MonkeyPatch) -> None:
    former = {
        "LEDGER_BACKUPS": "/tmp/backups",  # noqa: S108
        "LEDGER_BACKUP_HOURS": "1.5",
        "LEDGER_BACKUPS_KEPT": "3",
        "PULL_SECRET": "home/registry",
        "JOBS_AT_ONCE": "7",
        "CREATE_DEADLINE": "61",
        "UPGRADE_DEADLINE": "62",
        "DELETE_DEADLINE": "63",
    }
    assert set(former) == set(FORMER_NAMES)
    for name, value in former.items():
        environment.setenv(name, value)
    settings = Settings.from_environment()
    assert settings.ledger_backup_dir == LedgerSettings.from_environment().ledger_backup_dir == Path("/tmp/backups")  # noqa: S108
    assert (settings.ledger_backup_interval_hours, settings.ledger_backup_keep) == (1.5, 3)
    assert (settings.image_pull_secret, settings.max_concurrent_jobs) == ("home/registry", 7)
    assert settings.deadlines == {
        "create": 61,
        "clone": 3600,
        "import": 21600,
        "upgrade": 62,
        "rollback": 3600,
        "set": 900,
        "restart": 600,
        "reset": 600,
        "pause": 3600,
        "wake": 600,
        "backup": 3600,
        "prove": 3600,
        "restore": 3600,
        "delete": 63,
        "undelete": 3600,
    }
    warnings = deprecation_warnings()
    assert len(warnings) == len(former)
    assert "JOBS_AT_ONCE is now called MAX_CONCURRENT_JOBS." in warnings[4]


def test_present_variable_name_wins_over_its_former_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JOBS_AT_ONCE", "7")
    environment.setenv("MAX_CONCURRENT_JOBS", "8")
    assert Settings.from_environment().max_concurrent_jobs == 8
    assert deprecation_warnings() == []


def test_wrong_value_under_a_former_name_is_an_error(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JOBS_AT_ONCE", "many")
    assert set(errors()) == {"MAX_CONCURRENT_JOBS"}

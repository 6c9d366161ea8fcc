"""The environment as one validated object; the one place for settings, their defaults and what each should be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import UnknownStoreType
from provisioner.domain.store import Addresses
from provisioner.ledger.backup import Backups
from provisioner.ledger.ledger import Limits
from provisioner.runner.executors.job_manifest import Worker


class BadSettings(Exception):
    """The environment can't be used; `str()` names every bad variable at once and says what each should be."""


def _matching(pattern: str) -> AfterValidator:
    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text is not None and not re.fullmatch(pattern, text):
            raise ValueError("has the wrong form")
        return value

    return AfterValidator(check)


def _existing(value: Path | None) -> Path | None:
    if value is not None and not value.exists():
        raise ValueError("names a path that does not exist")
    return value


PersonId = Annotated[str, _matching(r"[UW][A-Z0-9]{5,}")]
ExistingPath = Annotated[Path, AfterValidator(_existing)]


class LedgerSettings(BaseSettings):
    """Where the ledger and its backups are.

    Every field is the environment variable of its name in capitals; `description` says what it should be."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    ledger_path: Path = Field(Path("data/ledger.db"), description="the file of the ledger (SQLite)")
    ledger_backups: Path | None = Field(
        None, description="the folder of the ledger's backups; without it, backups beside the ledger"
    )
    ledger_backup_hours: float = Field(6, gt=0, description="hours from one backup to the next, such as 6 or 0.5")
    ledger_backups_kept: int = Field(28, ge=1, description="how many backups are kept, 1 or more")

    @classmethod
    def from_environment(cls, **given: Any) -> Self:
        """The environment's settings; what is `given` comes before it. Raises BadSettings."""
        try:
            return cls(**given)
        except ValidationError as error:
            raise BadSettings("\n".join(_explain(error))) from None

    def backups(self) -> Backups:
        """Of the ledger; nothing is touched yet."""
        return Backups(self.ledger_path, self.ledger_backups, self.ledger_backup_hours * 3600, self.ledger_backups_kept)


class StoreSettings(LedgerSettings):
    """What work on stores needs, with or without Slack."""

    charts_dir: ExistingPath = Field(
        Path("charts"), validate_default=True, description="the folder with a chart for each store type"
    )
    default_type: str | None = Field(
        None, description="the store type of an order that names none, a folder in CHARTS_DIR; without it, the first"
    )
    store_domain: Annotated[str, _matching(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")] = Field(
        description="the DNS suffix under which stores appear, such as shops.example.com"
    )
    store_scheme: Literal["http", "https"] = Field("http", description="http or https: how shoppers reach stores")
    store_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="the stores' public port where it is not the scheme's own, 1 to 65535"
    )
    store_profile: Literal["local", "prod"] | None = Field(
        None, description="local or prod: the chart's values-<profile>.yaml to use"
    )
    store_values: ExistingPath | None = Field(
        None, description="the path of a YAML file with values by store type, laid over the charts' own"
    )
    ingress_address: Annotated[str | None, _matching(r"[^\s:]+:\d{1,5}")] = Field(
        None, description="host:port of the ingress, where stores' names do not resolve from here"
    )
    kubeconfig: ExistingPath | None = Field(
        None, description="the path of a kubeconfig; without one, the pod's own rights"
    )
    kube_context: str | None = Field(None, description="the context of that kubeconfig to use")
    helm: str = Field("helm", description="the helm 4 program")
    instance: Annotated[str, _matching(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")] = Field(
        "storewright", description="this bot's name in the cluster's labels: a-z, 0-9 and -"
    )
    service_account: Annotated[str | None, _matching(r"[a-z0-9.-]+/[a-z0-9.-]+")] = Field(
        None, description="namespace/name of the bot's ServiceAccount, which EXECUTOR=kubernetes needs"
    )
    store_role: str = Field(
        "storewright-store", description="the ClusterRole that SERVICE_ACCOUNT binds to itself for each store"
    )
    pull_secret: Annotated[str | None, _matching(r"[a-z0-9.-]+/[a-z0-9.-]+")] = Field(
        None, description="namespace/name of the Secret by which stores pull images from a private registry"
    )
    stores_per_person: int = Field(10, ge=1, description="how many stores a person may have, 1 or more")
    creations_per_hour: int = Field(20, ge=1, description="how many stores a person may order in an hour, 1 or more")
    create_deadline: float = Field(900, ge=10, description="seconds a creation may take, 10 or more")
    delete_deadline: float = Field(300, ge=10, description="seconds a deletion may take, 10 or more")
    upgrade_deadline: float = Field(1800, ge=10, description="seconds an upgrade may take, 10 or more")
    workers: int = Field(8, ge=1, le=64, description="how many jobs run at once with EXECUTOR=local, 1 to 64")
    executor: Literal["local", "kubernetes"] = Field(
        "local", description="where jobs run: local (in the bot) or kubernetes (each as a Kubernetes Job)"
    )
    executor_image: str | None = Field(
        None, validate_default=True, description="the bot's own image, for EXECUTOR=kubernetes"
    )
    executor_pod: ExistingPath | None = Field(
        None, description="the path of a YAML file with `pod` and `container`: what is laid over the Jobs' pods"
    )
    jobs_at_once: int = Field(50, ge=1, le=500, description="how many run at once with EXECUTOR=kubernetes, 1 to 500")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    def catalog(self) -> Catalog:
        """The store types of CHARTS_DIR. Raises BadSettings, or ValueError for charts of no use."""
        try:
            return Catalog(self.charts_dir, self.default_type)
        except UnknownStoreType as error:
            raise BadSettings(f"DEFAULT_TYPE: {error}") from None

    @field_validator("executor_image")
    @classmethod
    def _needed_for_jobs(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("executor") == "kubernetes" and not (value and info.data.get("service_account")):
            raise ValueError("is missing, or SERVICE_ACCOUNT is")
        return value

    @property
    def worker(self) -> Worker:
        """Of EXECUTOR=kubernetes, with EXECUTOR_POD, read. Raises BadSettings."""
        try:
            laid_over = yaml.safe_load(self.executor_pod.read_text()) or {} if self.executor_pod else {}
            return Worker(self.executor_image or "", **laid_over)
        except (yaml.YAMLError, TypeError) as error:
            raise BadSettings(f"EXECUTOR_POD: {error}. It should have the maps `pod` and `container`.") from None

    @property
    def limits(self) -> Limits:
        deadlines = self.create_deadline, self.delete_deadline, self.upgrade_deadline
        return Limits(self.stores_per_person, self.creations_per_hour, *deadlines)

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.store_domain, self.store_scheme, self.store_port)

    @property
    def overlay(self) -> dict[str, Any]:
        """STORE_VALUES, read: values by store type."""
        return yaml.safe_load(self.store_values.read_text()) or {} if self.store_values else {}


class Settings(StoreSettings):
    """What the bot needs: Slack, its addresses, and all that work on stores does."""

    slack_mode: Literal["http", "socket"] = Field("http", description="http (Slack calls the bot) or socket")
    slack_bot_token: Annotated[SecretStr, _matching(r"xoxb-\S+")] = Field(
        description="the bot token, xoxb-…, from the Slack app's page OAuth & Permissions"
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        validate_default=True,
        description="the Slack app's signing secret (Basic Information), for SLACK_MODE=http",
    )
    slack_app_token: Annotated[SecretStr | None, _matching(r"xapp-\S+")] = Field(
        None,
        validate_default=True,
        description="an app-level token, xapp-…, with connections:write, for SLACK_MODE=socket",
    )
    slack_api_url: Annotated[str, _matching(r"https?://\S+/")] = Field(
        "https://slack.com/api/", description="the address of Slack's Web API, ending with /"
    )
    failure_channel: Annotated[str, _matching(r"[CG][A-Z0-9]{5,}")] = Field(
        description="the id (not the name) of the channel that hears of failures, C…; the bot must be a member"
    )
    admins: Annotated[frozenset[PersonId], NoDecode] = Field(
        frozenset(), description="Slack ids of people who may manage every store, U…, separated by commas"
    )
    public_url: Annotated[str, _matching(r"https?://[^\s/?#]+(/[^\s?#]*)?")] = Field(
        description="the address at which browsers reach this bot (for credential links), http(s)://host[:port]"
    )
    listen: Annotated[str, _matching(r"[^\s:]+:\d{1,5}")] = Field("0.0.0.0:3000", description="host:port to listen on")
    ops_listen: Annotated[str | None, _matching(r"[^\s:]+:\d{1,5}")] = Field(
        None, description="host:port for /healthz, /readyz and /metrics; without it, they are at LISTEN too"
    )

    @field_validator("admins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("slack_signing_secret", "slack_app_token")
    @classmethod
    def _needed_in_mode(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        needed_in = {"slack_signing_secret": "http", "slack_app_token": "socket"}[info.field_name or ""]
        if value is None and info.data.get("slack_mode") == needed_in:
            raise ValueError("is missing")
        return value

    @property
    def public_origin(self) -> str:
        """The Origin header a browser sends from our own pages."""
        parts = urlsplit(self.public_url)
        port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
        return f"{parts.scheme}://{parts.hostname}{port}"


def variables() -> Iterator[tuple[str, str, str]]:
    """Each setting as (variable, what it should be, its default or 'required'), for `--help`."""
    for name, field in Settings.model_fields.items():
        default = "required" if field.is_required() else f"default {field.default}" if field.default else "optional"
        yield name.upper(), field.description or "", default


def _explain(error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_input=False, include_url=False):
        name = str(one["loc"][0])
        wrong = "is missing" if one["type"] == "missing" else one["msg"].removeprefix("Value error, ")
        yield f"{name.upper()}: {wrong}. It should be {Settings.model_fields[name].description}."

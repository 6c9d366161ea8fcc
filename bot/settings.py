"""Settings: the bot's environment variables, with defaults, descriptions and validation."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.former_settings import former_names_in_use
from bot.setting_types import (
    DOMAIN,
    TROUBLES,
    Duration,
    ExistingPath,
    IdleTypes,
    PublicUrl,
    SlackUserId,
    TimeZone,
    YamlMaps,
    matching,
)
from provisioner.clients.kubernetes.objects import quantity
from provisioner.diagnosis import Patience
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import UnknownStoreType
from provisioner.domain.expiry import DAY, ExpiryPolicy
from provisioner.domain.idleness import IdlePolicy
from provisioner.domain.job import JobKind
from provisioner.domain.limits import Limits
from provisioner.domain.store import LONGEST_HOST, MIN_NAME, Addresses
from provisioner.ledger.backup import Backups
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.toolbox import LIMIT_RANGE, QUOTA, ROLLBACK_SECONDS, StoreDefaults
from provisioner.runner.executors.job_manifest import Worker


class BadSettings(Exception):
    """The environment is invalid; `str()` has a line for each invalid variable."""


class LedgerSettings(BaseSettings):
    """Settings of the ledger and its backups.

    Each field is the environment variable with its name in capitals; `description` is its expected value."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    ledger_path: Path = Field(Path("data/ledger.db"), description="the file of the ledger (SQLite)")
    ledger_backup_dir: Path | None = Field(
        None, description="the folder of the ledger's backups; by default, backups next to the ledger"
    )
    ledger_backup_interval_hours: float = Field(6, gt=0, description="hours between two backups, such as 6 or 0.5")
    ledger_backup_keep: int = Field(28, ge=1, description="the number of backups to keep, 1 or more")

    @classmethod
    def from_environment(cls, **overrides: Any) -> Self:
        """The settings of the environment, with overrides by field. Raises BadSettings."""
        former = {new.lower(): os.environ[old] for old, new in former_names_in_use().items()}
        former = {name: value for name, value in former.items() if name in cls.model_fields}
        try:
            return cls(**{**former, **overrides})
        except ValidationError as error:
            raise BadSettings("\n".join(_explain(error))) from None

    def backups(self) -> Backups:
        """The backups of the ledger; touches no file."""
        interval_seconds = self.ledger_backup_interval_hours * 3600
        return Backups(self.ledger_path, self.ledger_backup_dir, interval_seconds, self.ledger_backup_keep)


def _duration_fields() -> dict[str, Any]:
    """One deadline for each operation, and one patience for each kind of trouble."""
    deadlines = {
        f"{kind}_deadline_seconds": (
            float,
            Field(operation.deadline_seconds, ge=10, description=f"seconds that the job “{kind}” may take, 10 or more"),
        )
        for kind, operation in OPERATIONS.items()
    }
    patience = {
        f"{name}_patience_seconds": (
            float,
            Field(getattr(Patience, name), ge=0, description=f"seconds that {trouble} may last before the job fails"),
        )
        for name, trouble in TROUBLES.items()
    }
    return deadlines | patience


if TYPE_CHECKING:
    _DurationSettings = LedgerSettings
else:
    _DurationSettings = create_model("_DurationSettings", __base__=LedgerSettings, **_duration_fields())


class StoreSettings(_DurationSettings):
    """Settings of jobs and of terminal commands, without Slack."""

    charts_dir: ExistingPath = Field(
        Path("charts"), validate_default=True, description="the folder with a chart for each store type"
    )
    default_type: str | None = Field(
        None, description="the store type of orders without a type, a folder in CHARTS_DIR; by default, the first"
    )
    store_scheme: Literal["http", "https"] = Field(
        "http", description="http or https: the scheme of the stores' addresses"
    )
    store_domain: Annotated[str, matching(DOMAIN)] = Field(
        description="the DNS suffix of the stores' addresses, such as shops.example.com"
    )
    store_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="the stores' public port, 1 to 65535; by default, the scheme's port"
    )
    store_profile: Literal["local", "prod"] | None = Field(
        None, description="local or prod: the chart's values-<profile>.yaml to use"
    )
    store_values: YamlMaps = Field(
        {}, description="the path of a YAML file: values by store type, which override the charts' own"
    )
    public_url: PublicUrl | None = Field(
        None, description="the address of the bot for browsers, whose host no store may have"
    )
    show_capacity: bool = Field(
        False,
        description="true: the create form says whether the cluster has room for one more store; the bot needs the"
        " right to list nodes and all pods",
    )
    store_limits: YamlMaps = Field(
        {}, description="the path of a YAML file with the maps `quota` and `limitRange`, for the stores' namespaces"
    )
    undo_deadline_seconds: float = Field(
        ROLLBACK_SECONDS,
        ge=10,
        description="seconds that a failed job may take to restore what was before, 10 or more",
    )
    ingress_address: Annotated[str | None, matching(r"[^\s:]+:\d{1,5}")] = Field(
        None, description="host:port of the ingress, if stores' names do not resolve inside the cluster"
    )
    kubeconfig: ExistingPath | None = Field(
        None, description="the path of a kubeconfig; by default, the pod's ServiceAccount"
    )
    kube_context: str | None = Field(None, description="the kubeconfig's context to use")
    helm: str = Field("helm", description="the helm 4 program")
    instance: Annotated[str, matching(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")] = Field(
        "storewright", description="the name of this bot in the cluster's labels: a-z, 0-9 and -"
    )
    service_account: Annotated[str | None, matching(r"[a-z0-9.-]+/[a-z0-9.-]+")] = Field(
        None, description="namespace/name of the bot's ServiceAccount, which EXECUTOR=kubernetes needs"
    )
    backup_server: Annotated[str | None, matching(r"https://[a-z0-9-]+\.[a-z0-9-]+\.svc:[0-9]+")] = Field(
        None, description="the Service of the backup server, https://name.namespace.svc:8000; without it, no backups"
    )
    backup_daily_hour: Annotated[int, Field(ge=0, le=23)] | None = Field(
        None, description="the hour (UTC) from which every store is backed up each day, 0 to 23; without it, on order"
    )
    backup_proof_days: float = Field(
        7, ge=0, description="days after which a backup of a store is proven again by a restore; 0 for never"
    )
    waker_address: Annotated[str | None, matching(r"[0-9a-f.:\[\]]+:\d{1,5}")] = Field(
        None,
        description="ip:port for the page of sleeping stores, where the ingress reaches it; without it, no visit wakes",
    )
    undelete_days: float = Field(
        7, ge=0, description="days that a deleted store can be undeleted, such as 7; 0 for not at all"
    )
    expiry_default: Duration | None = Field(
        None, description="how long a store lives whose order does not say it, such as 3d; by default, for good"
    )
    expiry_longest: Duration | None = Field(
        None, description="how far ahead people may choose a store's end, such as 30d; by default, without a limit"
    )
    expiry_sleep: Duration = Field(
        7 * DAY, description="how long an expired store sleeps before it is deleted, such as 7d"
    )
    idle_after: Duration | None = Field(
        None,
        description="after how long without a shopper a store goes to sleep, such as 8h; without it, or without"
        " WAKER_ADDRESS, never",
    )
    idle_types: IdleTypes = Field(
        {}, description="the same for store types that differ, such as medusa=2h,woocommerce=never"
    )
    time_zone: TimeZone = Field(
        "UTC",
        description="the time zone in which days end where Slack does not say a person's own, such as Europe/Berlin",
    )
    store_role: str = Field(
        "storewright-store", description="the ClusterRole that SERVICE_ACCOUNT binds to itself for each store"
    )
    image_pull_secret: Annotated[str | None, matching(r"[a-z0-9.-]+/[a-z0-9.-]+")] = Field(
        None, description="namespace/name of the Secret with which stores pull images from a private registry"
    )
    stores_per_person: int = Field(10, ge=1, description="the maximum number of stores per person, 1 or more")
    creations_per_hour: int = Field(
        20, ge=1, description="the maximum number of stores that a person may order in an hour, 1 or more"
    )
    workers: int = Field(
        8, ge=1, le=64, description="the maximum number of concurrent jobs with EXECUTOR=local, 1 to 64"
    )
    executor: Literal["local", "kubernetes"] = Field(
        "local", description="where jobs run: local (in the bot) or kubernetes (each as a Kubernetes Job)"
    )
    executor_image: str | None = Field(
        None, validate_default=True, description="the bot's own image, for EXECUTOR=kubernetes"
    )
    executor_pod: YamlMaps = Field(
        {}, description="the path of a YAML file with the maps `pod` and `container`, which override the Jobs' pods"
    )
    max_concurrent_jobs: int = Field(
        50, ge=1, le=500, description="the maximum number of concurrent jobs with EXECUTOR=kubernetes, 1 to 500"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    def catalog(self) -> Catalog:
        """The store types in CHARTS_DIR. Raises BadSettings, and ValueError for invalid charts."""
        named = "DEFAULT_TYPE"
        try:
            catalog = Catalog(self.charts_dir, self.default_type)
            named = "IDLE_TYPES"
            for store_type in self.idle_types:
                catalog.get(store_type)
        except UnknownStoreType as error:
            raise BadSettings(f"{named}: {error}") from None
        return catalog

    @field_validator("store_domain")
    @classmethod
    def _leaves_room_for_names(cls, value: str, info: ValidationInfo) -> str:
        scheme = info.data.get("store_scheme", "http")
        if Addresses(value, scheme).longest_name < MIN_NAME:
            raise ValueError(f"is too long: an {scheme} address has at most {LONGEST_HOST[scheme]} characters")
        return value

    @field_validator("executor_image")
    @classmethod
    def _needed_for_jobs(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("executor") == "kubernetes" and not (value and info.data.get("service_account")):
            raise ValueError("is missing, or SERVICE_ACCOUNT is missing")
        return value

    @field_validator("executor_pod")
    @classmethod
    def _has_pod_and_container(cls, value: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(value.keys() - {"pod", "container"}):
            raise ValueError(f"has the unknown keys {', '.join(unknown)}")
        return value

    @field_validator("store_limits")
    @classmethod
    def _has_limits(cls, value: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(value.keys() - {"quota", "limitRange"}):
            raise ValueError(f"has the unknown keys {', '.join(unknown)}")
        for name, amount in value.get("quota", {}).items():
            try:
                quantity(str(amount))
            except ValueError:
                raise ValueError(f"has the quota {name}: {amount}, which is no quantity") from None
        return value

    @property
    def worker(self) -> Worker:
        """The pods of Kubernetes Jobs, with EXECUTOR=kubernetes."""
        return Worker(self.executor_image or "", **self.executor_pod)

    @property
    def limits(self) -> Limits:
        return Limits(self.stores_per_person, self.creations_per_hour)

    @property
    def expiry(self) -> ExpiryPolicy:
        return ExpiryPolicy(self.expiry_default, self.expiry_longest, self.expiry_sleep, ZoneInfo(self.time_zone))

    @property
    def idle(self) -> IdlePolicy:
        return IdlePolicy(self.idle_after, self.idle_types)

    @property
    def deadlines(self) -> Mapping[JobKind, float]:
        """Deadlines in seconds, by operation."""
        return {kind: float(getattr(self, f"{kind}_deadline_seconds")) for kind in OPERATIONS}

    @property
    def own_hosts(self) -> frozenset[str]:
        """The host of PUBLIC_URL, if it is set."""
        host = urlsplit(self.public_url or "").hostname
        return frozenset({host.rstrip(".")} if host else ())

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.store_domain, self.store_scheme, self.store_port)

    @property
    def store_defaults(self) -> StoreDefaults:
        return StoreDefaults(
            instance=self.instance,
            profile=self.store_profile,
            overlay=self.store_values,
            service_account=self.service_account,
            store_role=self.store_role,
            pull_secret=self.image_pull_secret,
            ingress_address=self.ingress_address,
            patience=Patience(**{name: float(getattr(self, f"{name}_patience_seconds")) for name in TROUBLES}),
            quota={name: str(amount) for name, amount in self.store_limits.get("quota", QUOTA).items()},
            limit_range={"type": "Container", **self.store_limits.get("limitRange", LIMIT_RANGE)},
            backup_server=self.backup_server,
            waker_address=self.waker_address,
            undelete_days=self.undelete_days,
            rollback_seconds=self.undo_deadline_seconds,
        )


class Settings(StoreSettings):
    """All settings of the bot."""

    slack_mode: Literal["http", "socket"] = Field("http", description="http (Slack calls the bot) or socket")
    slack_bot_token: Annotated[SecretStr, matching(r"xoxb-\S+")] = Field(
        description="the bot token, xoxb-…, from the page OAuth & Permissions of the Slack app"
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        validate_default=True,
        description="the Slack app's signing secret (Basic Information), for SLACK_MODE=http",
    )
    slack_app_token: Annotated[SecretStr | None, matching(r"xapp-\S+")] = Field(
        None,
        validate_default=True,
        description="an app-level token, xapp-…, with connections:write, for SLACK_MODE=socket",
    )
    slack_api_url: Annotated[str, matching(r"https?://\S+/")] = Field(
        "https://slack.com/api/", description="the address of Slack's Web API, ending with /"
    )
    failure_channel: Annotated[str, matching(r"[CG][A-Z0-9]{5,}")] = Field(
        description="the id (not the name) of the channel for failures, C…; the bot must be a member"
    )
    admins: Annotated[frozenset[SlackUserId], NoDecode] = Field(
        frozenset(), description="Slack ids of admins, who may manage every store: U…, separated by commas"
    )
    public_url: PublicUrl = Field(
        description="the address of this bot for browsers (credential links), http(s)://host[:port]"
    )
    listen: Annotated[str, matching(r"[^\s:]+:\d{1,5}")] = Field("0.0.0.0:3000", description="host:port to listen on")
    ops_listen: Annotated[str | None, matching(r"[^\s:]+:\d{1,5}")] = Field(
        None, description="host:port for /healthz, /readyz and /metrics; by default, they are at LISTEN"
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
        """The Origin header of requests from the bot's own pages."""
        parts = urlsplit(self.public_url)
        port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
        return f"{parts.scheme}://{parts.hostname}{port}"


def variables() -> Iterator[tuple[str, str, str]]:
    """Variable, description, and default (or required, optional) of each setting, for `--help`."""
    for name, field in Settings.model_fields.items():
        default = "required" if field.is_required() else f"default {field.default}" if field.default else "optional"
        yield name.upper(), field.description or "", default


def _explain(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_input=False, include_url=False):
        name = str(detail["loc"][0])
        reason = "is missing" if detail["type"] == "missing" else detail["msg"].removeprefix("Value error, ")
        yield f"{name.upper()}: {reason}. It should be {Settings.model_fields[name].description}."

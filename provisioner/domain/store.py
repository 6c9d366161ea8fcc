"""Store, its name, type and status; every name and address derived from them, in this one place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from provisioner.domain.errors import InvalidName
from provisioner.domain.text import shorten

MIN_NAME, MAX_NAME = 3, 30
RESERVED = frozenset(
    "admin api app auth cluster credentials default grafana health kube-public kube-system list login mail new null"
    " prometheus root slack status store stores storewright system test traefik undefined www".split()
)

NAMESPACE_PREFIX = "store-"  # as the chart has it in its admission policy
PREFIX = "storewright.dev/"  # of every label and annotation of ours
# By these labels a namespace is known as a store's, and a Job as one's work on it.
INSTANCE, STORE, STORE_ID, TYPE, JOB = (PREFIX + name for name in ("instance", "store", "store-id", "type", "job"))


class StoreStatus(StrEnum):
    CREATING = "creating"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"
    DELETED = "deleted"


@dataclass(frozen=True)
class Store:
    """One store, from its order to after its deletion. Times are epoch seconds; `owner` and `origin` are opaque here
    (the bot keeps a person's id and a channel in them); `options` are its type's options as chosen, by id."""

    id: str
    name: str
    type: str
    status: StoreStatus
    owner: str
    origin: str
    namespace: str
    url: str
    admin_url: str
    created_at: float
    ready_at: float | None = None  # the first time it was Ready; from then on it is never uninstalled by itself
    deleted_at: float | None = None
    deleted_by: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    version: str = ""  # of the chart that serves, as far as we know


def parse_name(text: str) -> str:
    """The store name in `text`, or InvalidName with the rule broken and a suggestion that would do.

    A name becomes a DNS label, a namespace and a Helm release, so it is 3 to 30 of a-z, 0-9 and '-', starting with a
    letter and not ending with '-'."""
    rule = f"A store name has {MIN_NAME} to {MAX_NAME} of a-z, 0-9 and -, starts with a letter and does not end with -."
    if not text:
        raise InvalidName("The store needs a name.", rule, "For example: my-shop")
    if text in RESERVED:
        raise InvalidName(f"“{text}” is reserved.", "It would be mistaken for a system address.", f"Try {text}-shop.")
    if re.fullmatch(r"[a-z](?:[a-z0-9-]*[a-z0-9])?", text) and MIN_NAME <= len(text) <= MAX_NAME:
        return text
    suggestion = suggest_name(text)
    raise InvalidName(f"“{shorten(text)}” can't be a store's name.", rule, f"Try {suggestion}." if suggestion else "")


def suggest_name(text: str) -> str:
    """A valid name close to `text`, or '' where nothing of it can be kept."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-").lstrip("0123456789-")[:MAX_NAME].rstrip("-")
    return slug if len(slug) >= MIN_NAME and slug not in RESERVED else ""


@dataclass(frozen=True)
class Addresses:
    """Where stores live: `domain` is the DNS suffix, `port` the public one (None: the scheme's own)."""

    domain: str
    scheme: str = "http"
    port: int | None = None

    def namespace(self, name: str) -> str:
        return NAMESPACE_PREFIX + name

    def host(self, name: str) -> str:
        return f"{name}.{self.domain}"

    def url(self, name: str) -> str:
        return f"{self.scheme}://{self.host(name)}" + (f":{self.port}" if self.port else "")


def release_name(name: str) -> str:
    """The Helm release of the store `name`; one per namespace."""
    return name


SECRET_NAME = "store-credentials"  # noqa: S105  (the name of a Kubernetes Secret, made before Helm and never again)

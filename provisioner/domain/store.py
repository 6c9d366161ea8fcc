"""Store, its status, and the namespace, release and address that it gets when it is ordered."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from provisioner.domain.errors import InvalidName
from provisioner.domain.expiry import Expiry
from provisioner.domain.text import shorten

MIN_NAME, MAX_NAME = 3, 30
# Computers and people look for other things under these names, such as proxies of browsers (wpad, isatap).
RESERVED = frozenset(
    "admin api app auth autoconfig autodiscover cluster credentials default grafana health isatap kube-public"
    " kube-system list localhost login mail mta-sts new prometheus root slack status store stores storewright system"
    " test traefik undefined wpad www".split()
)
YAML_VALUES = frozenset("true false yes off null".split())  # in a chart, such a name is no text
# Characters of a host: DNS takes 253, and the common name of a certificate 64 (RFC 5280, ub-common-name).
LONGEST_HOST = {"http": 253, "https": 64}

NAMESPACE_PREFIX = "store-"  # the chart's admission policy has the same
PREFIX = "storewright.dev/"  # of our labels and annotations
# These labels identify a store's namespace, and the Kubernetes Job that runs a store's job.
INSTANCE, STORE, STORE_ID, TYPE, JOB = (PREFIX + name for name in ("instance", "store", "store-id", "type", "job"))
SECRET_NAME = "store-credentials"  # noqa: S105  (the name of a Kubernetes Secret, created before Helm runs)


class StoreStatus(StrEnum):
    CREATING = "creating"
    READY = "ready"
    ASLEEP = "asleep"  # no pod runs; its data is kept
    FAILED = "failed"
    DELETING = "deleting"
    DELETED = "deleted"

    @property
    def phrase(self) -> str:
        """Completes “The store …”."""
        return {
            StoreStatus.CREATING: "is being created",
            StoreStatus.READY: "is ready",
            StoreStatus.ASLEEP: "is asleep",
            StoreStatus.FAILED: "has failed",
            StoreStatus.DELETING: "is being deleted",
            StoreStatus.DELETED: "is deleted",
        }[self]


ENDING = (StoreStatus.DELETING, StoreStatus.DELETED)


@dataclass(frozen=True)
class Store:
    """One store, from its order until after its deletion.

    Times are epoch seconds. `owner` and `origin` are opaque here (the bot keeps a Slack user and a channel in them).
    `options` are the choices for its type's options, by option id. `namespace`, `release` and `url` are chosen once,
    when the store is ordered; never derive them from the name again."""

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
    ready_at: float | None = None  # the first time it was ready; from then on nothing uninstalls it automatically
    deleted_at: float | None = None
    deleted_by: str | None = None
    kept_until: float | None = None  # until when a deletion can be undone; None where it can't, or it is over
    options: dict[str, str] = field(default_factory=dict)
    version: str = ""  # of the chart that runs, as far as known
    release: str = ""
    expires_at: float | None = None  # with the next three, see `expiry`
    life: float = 0.0
    noticed: int = 0
    noticed_at: float = 0.0
    idle_after: float | None = None  # seconds without a shopper until it sleeps; 0 for never, None as the policy says
    visited_at: float | None = None  # when the last shopper was seen

    @property
    def expiry(self) -> Expiry | None:
        """When it ends; None for never."""
        return Expiry(self.expires_at, self.life, self.noticed, self.noticed_at) if self.expires_at else None

    @property
    def host(self) -> str:
        """The DNS name in its URL."""
        return urlsplit(self.url).hostname or ""

    @property
    def reader(self) -> str:
        """Who reads messages about it: its owner, or nobody ('') if it was ordered at a terminal."""
        return self.owner if self.origin else ""

    def is_kept(self, now: float) -> bool:
        """Whether it is deleted, and can be undeleted at that time (epoch seconds)."""
        return self.status == StoreStatus.DELETED and (self.kept_until or 0.0) > now

    @property
    def ending(self) -> bool:
        """Whether it is being deleted, or is deleted."""
        return self.status in ENDING


def parse_name(text: str, longest: int = MAX_NAME) -> str:
    """The store name in `text`, with at most `longest` characters.

    A name becomes a DNS label, a namespace and a Helm release: of a-z, 0-9 and '-', starting with a letter and not
    ending with '-'.

    Raises InvalidName with the broken rule and a valid suggestion."""
    rule = f"A store name has {MIN_NAME} to {longest} of a-z, 0-9 and -, starts with a letter and does not end with -."
    if not text:
        raise InvalidName("The store needs a name.", rule, "For example: my-shop")
    if text in RESERVED:
        raise InvalidName(f"“{text}” is reserved.", "It looks like a system address.", f"Try {text}-shop.")
    if text in YAML_VALUES:
        raise InvalidName(f"“{text}” is reserved.", "Configuration files take it for a value.", f"Try {text}-shop.")
    if text[2:4] == "--":  # RFC 5891, section 4.2.3.1: such as xn--…, an encoded name of another alphabet
        rule = "DNS reserves names with -- in the third and fourth place."
    elif re.fullmatch(r"[a-z](?:[a-z0-9-]*[a-z0-9])?", text) and MIN_NAME <= len(text) <= longest:
        return text
    suggestion = suggest_name(text, longest)
    raise InvalidName(f"“{shorten(text)}” can't be a store's name.", rule, f"Try {suggestion}." if suggestion else "")


def suggest_name(text: str, longest: int = MAX_NAME) -> str:
    """A valid name close to `text` with at most `longest` characters, or '' if there is none."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-").lstrip("0123456789-")[:longest].rstrip("-")
    return slug if len(slug) >= MIN_NAME and slug not in RESERVED | YAML_VALUES else ""


def host_in(text: str) -> str:
    """The host of a URL, or of an address without its scheme; '' for a plain word."""
    if "." not in text and "/" not in text:
        return ""
    try:
        return urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:  # such as a bracket of IPv6
        return ""


@dataclass(frozen=True)
class Addresses:
    """The addresses of new stores: `domain` is the DNS suffix, `port` the public port (None: the scheme's default)."""

    domain: str
    scheme: str = "http"
    port: int | None = None

    @property
    def longest_name(self) -> int:
        """The most characters of a name, so that DNS and certificates take its host."""
        return min(MAX_NAME, LONGEST_HOST[self.scheme] - len(f".{self.domain}"))

    def host(self, name: str) -> str:
        """The DNS name of a new store called `name`."""
        return f"{name}.{self.domain}"

    def url(self, name: str) -> str:
        """The URL of a new store called `name`."""
        return f"{self.scheme}://{self.host(name)}" + (f":{self.port}" if self.port else "")

    def namespace(self, name: str) -> str:
        """The namespace of a new store called `name`."""
        return NAMESPACE_PREFIX + name

    def release(self, name: str) -> str:
        """The Helm release of a new store called `name`; each namespace has one."""
        return name

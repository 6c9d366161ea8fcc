"""A store that people have lived in: its merchant in the admin, operators with kubectl. Engines have subclasses."""

from __future__ import annotations

import json
import re
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from dev.stack import read_secret
from provisioner.domain.job import EventKind, Job
from provisioner.domain.store import SECRET_NAME, StoreStatus
from provisioner.visit_log import read_visits
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.store_release import PNG, StoreRelease
from tests.waiting import until

LOG_SECONDS = 0.5  # until a line is in a log
OWN_PRODUCT = "Hand-made bowl"  # what the merchant sells instead of the samples
Shop = TypeVar("Shop", bound=StoreRelease)


class LivedInStore(ABC, Generic[Shop]):
    """A store that the provisioner made, and the operations on it.

    `container` runs the engine. `settings` are other values for what its chart marks as settable. `sold_out`, `changed`
    and `closed` say where the storefront check stops in that state. `orders` are the ids of orders that were confirmed
    to shoppers. Without `sells`, the image has no shop.
    """

    release: ClassVar[type[StoreRelease]]
    breaking_migration: ClassVar[Sequence[str]]  # a command after which no version can run
    container: ClassVar[str]
    settings: ClassVar[Mapping[str, str]]
    sold_out: str
    changed: str
    closed: str
    picture: str  # the path of an uploaded one
    sells = True

    def __init__(self, harness: ProvisionerHarness) -> None:
        self.harness, self.name = harness, f"lived-in-{self.release.type}"
        self.home_status = 200
        self.orders: set[Any] = set()
        self.made = harness.succeeded(harness.create(self.name), 300)
        namespace = harness.store(self.name).namespace
        secret = read_secret(harness.cluster, namespace, SECRET_NAME)
        self.shop: Shop = self.release(harness.cluster, self.name, namespace, secret)  # type: ignore[assignment]

    # --- shoppers ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def stock_up(self) -> None:
        """Put more in stock than any test buys."""

    @abstractmethod
    def buy(self) -> Any:
        """Buy something; returns the id of the confirmed order."""

    @abstractmethod
    def visit(self) -> None:
        """Look at something that the shop reads from its database. Raises an error if it does not answer."""

    @abstractmethod
    def scatter_address(self) -> None:
        """Write the shop's address into its data, as merchants and plugins do, and one that only looks like it."""

    @abstractmethod
    def dump(self, shop: Shop) -> str:
        """The whole database of this store or of a clone, as text."""

    @abstractmethod
    def require_own(self, clone: Shop) -> None:
        """The clone has a login and keys of its own, takes no payments, and search engines keep out."""

    def copy_made_by(self, job: Job) -> Shop:
        """The store that the job makes from this one's data, once it is ready; no picture is missing."""
        self.harness.succeeded(job, 600)
        made = self.harness.store(job.store)
        secret = read_secret(self.harness.cluster, made.namespace, SECRET_NAME)
        copy: Shop = self.release(self.harness.cluster, job.store, made.namespace, secret)  # type: ignore[assignment]
        until("the copy answers", lambda: copy.answers(self.home_status))
        assert copy.request(self.picture).content == PNG
        return copy

    def require_rewritten(self, clone: Shop) -> None:
        """Nothing in the clone's database has this store's host, and what only looks like it is as it was."""
        dump = self.dump(clone)
        assert self.shop.host in self.dump(self.shop)
        left = re.findall(rf".{{0,60}}(?<![a-z0-9.-]){re.escape(self.shop.host)}.{{0,60}}", dump)
        assert not left, left[:9]
        assert clone.host in dump
        assert f"my-{self.shop.host}" in dump

    def seen_since(self, visit: Callable[[], object]) -> bool:
        """Whether the engine's log counts what `visit` does as a visit of a person."""

        def last() -> float:
            made = self.harness.store(self.name)
            seen = read_visits(self.harness.tools.cluster, made, time.time())
            assert seen.known_since < time.time() - LOG_SECONDS, "the log is there since the pod's start"
            return seen.last or 0.0

        time.sleep(LOG_SECONDS)
        before = last()
        visit()
        time.sleep(LOG_SECONDS)
        return last() > before

    # --- the merchant -----------------------------------------------------------------------------------------------

    @abstractmethod
    def sell_out(self) -> None:
        """Leave nothing in stock."""

    @abstractmethod
    def change_everything(self) -> None:
        """Do what merchants do in the admin in their first months."""

    @abstractmethod
    def close(self) -> None:
        """Close the shop for a day. Sets `home_status` to what its home page answers then."""

    @abstractmethod
    def placed(self) -> list[Any]:
        """The ids of the orders in the admin."""

    def require_home_page(self) -> None:
        assert self.shop.request("/").status_code == self.home_status

    def require_orders(self) -> None:
        """Every confirmed order is there once, and the picture too."""
        placed = self.placed()
        assert self.orders <= set(placed)
        assert len(placed) == len(set(placed))
        assert self.shop.request(self.picture).content == PNG

    @abstractmethod
    def require_owner(self) -> None:
        """The owner can use the admin."""

    @abstractmethod
    def lose_account(self) -> None:
        """The account of the Secret is no longer there, or has another name."""

    @abstractmethod
    def change_login(self) -> None:
        """Change the owner's e-mail, and the password where the admin can do that."""

    @abstractmethod
    def signed_in(self) -> Callable[[], bool]:
        """Log in as the owner; returns whether that session still works. Raises AssertionError if it is refused."""

    def take_login_of_secret(self) -> None:
        """Act with what the page of the credentials shows now."""
        shown = read_secret(self.harness.cluster, self.shop.namespace, SECRET_NAME)
        login = {key: shown[key] for key in self.harness.catalog.get(self.release.type).credentials}
        self.shop = replace(self.shop, secret=self.shop.secret | login)

    @abstractmethod
    def require_changes(self) -> None:
        """What change_everything() did is still so."""

    @abstractmethod
    def require_settings(self) -> None:
        """The `settings` have taken effect."""

    # --- operators --------------------------------------------------------------------------------------------------

    def edit_by_hand(self) -> list[str]:
        """Change the release with kubectl; returns what an upgrade has to name."""
        name, container, kubectl = self.name, self.container, self.shop.kubectl
        kubectl("set", "resources", f"deployment/{name}", f"--containers={container}", "--limits=memory=900Mi")
        kubectl("set", "env", f"deployment/{name}", f"--containers={container}", "TEAM=blue")
        kubectl("annotate", "service", name, "team=blue")
        kubectl("label", "ingress", name, "helm.sh/chart=theirs", "--overwrite")
        kubectl("scale", f"deployment/{name}", "--replicas=2")
        kubectl("rollout", "status", f"deployment/{name}", "--timeout=300s")
        limits = f'spec.template.spec.containers[name="{container}"].resources.limits'
        return [
            f"deployment/{name} {limits}.memory (kubectl-set)",
            f"deployment/{name} spec.replicas (kubectl)",
            f"ingress/{name} metadata.labels.helm.sh/chart (kubectl-label)",
        ]

    def require_additions(self) -> None:
        """What operators added to the release is still there."""
        assert self.shop.get_object("service", self.name)["metadata"]["annotations"]["team"] == "blue"
        containers = self.shop.get_object("deployment", self.name)["spec"]["template"]["spec"]["containers"]
        (engine,) = (container for container in containers if container["name"] == self.container)
        assert {"name": "TEAM", "value": "blue"} in engine["env"]

    # --- operations -------------------------------------------------------------------------------------------------

    def reset_login(self) -> None:
        """Give the admin a new password; no order is lost."""
        self.harness.succeeded(self.harness.reset(self.made), 600)
        self.take_login_of_secret()
        self.require_orders()

    def require_success(self, job: Job) -> str:
        """The job succeeds, and no order is lost; returns what its stages found."""
        self.harness.succeeded(job, 600)
        assert self.harness.store(self.name).status == StoreStatus.READY
        until("the shop answers", lambda: self.shop.answers(self.home_status))
        self.require_orders()
        events = self.harness.ledger.jobs.events(job.id)
        return " ".join(event.detail for event in events if event.kind == EventKind.DONE and event.detail)

    def order_breaking_upgrade(self, folder: Path) -> Job:
        """Order an upgrade to a version whose migration breaks the data."""
        charts = Path(shutil.copytree(self.harness.charts, folder / "charts"))
        migration = charts / self.release.type / "templates/migration.yaml"
        command = f"command: {json.dumps(self.breaking_migration)}"
        text, found = re.subn(r"command: \[[^]]*\]", lambda _: command, migration.read_text())
        assert found == 1
        migration.write_text(text)
        self.harness.charts, former = charts, self.harness.charts
        self.harness.reopen()
        job = self.harness.ended(self.harness.upgrade(self.made), 600)
        self.harness.charts = former
        self.harness.reopen()
        return job

    @property
    def cpu_request(self) -> str:
        """That of the application's first container."""
        deployment = self.shop.get_object("deployment", self.name)
        return str(deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"])

    def order_upgrade(self, cpu: str) -> Job:
        """Order an upgrade to another CPU request, so that Kubernetes replaces the pod."""
        self.harness.overlay[self.release.type]["resources"] = {"requests": {"cpu": cpu}}
        return self.harness.upgrade(self.made)

"""Orders: the one way to order an operation on a store, for Slack, the terminal and any later client.

Each order checks rights, the store's state and limits, and adds the job with its transition in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo

from provisioner.chart_settings import DEFAULT_SETTINGS, ChartSettings, Setting
from provisioner.domain.backup import Backup, Reason
from provisioner.domain.catalog import Catalog, StoreType
from provisioner.domain.errors import InvalidName, Refused, StoreNotFound
from provisioner.domain.expiry import NO_POLICY, ExpiryPolicy
from provisioner.domain.exported import Exported
from provisioner.domain.idleness import NO_IDLE_POLICY, IdlePolicy
from provisioner.domain.job import Job, JobKind, JobStatus
from provisioner.domain.limits import Limits
from provisioner.domain.options import choose
from provisioner.domain.policy import Actor, Right
from provisioner.domain.store import Addresses, Store, StoreStatus, host_in, parse_name, suggest_name
from provisioner.domain.text import shorten
from provisioner.ledger.jobs import NewJob
from provisioner.ledger.ledger import Ledger
from provisioner.log_context import new_id
from provisioner.operations.clone import CLONE
from provisioner.operations.clone import arguments_of as arguments_of_clone
from provisioner.operations.create import CREATE
from provisioner.operations.import_ import IMPORT
from provisioner.operations.import_ import arguments_of as arguments_of_import
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.set import SET
from provisioner.operations.spec import Operation
from provisioner.operations.steps.backup_job import NEWEST
from provisioner.operations.steps.kept_store import KeptStore
from provisioner.operations.undelete import UNDELETE
from provisioner.order_rules import (
    busy,
    nothing_to_retry,
    require_current,
    require_free,
    require_not_newer,
    require_orderable,
)
from provisioner.store_lookup import StoreLookup


@dataclass(frozen=True)
class OrderContext:
    """Who orders, where the job's messages go (`origin`, opaque here), and the delivery key.

    A second order with the same delivery key returns the first one's job. Of a `quiet` job only a failure is posted,
    in the failure channel and to its origin."""

    actor: Actor
    origin: str
    delivery_key: str
    quiet: bool = False


@dataclass(frozen=True)
class StoreRequest:
    """A store to create. `type` is None for the default type; `owner` is None for the person who orders; `expires` is
    what they typed, such as 3d, friday or never, '' for the default; days end in `zone`, None for the policy's."""

    name: str
    type: str | None
    options: Mapping[str, str]
    owner: str | None = None
    expires: str = ""
    zone: tzinfo | None = None


class Orders:
    """Places orders. Every method raises Refused, and then changes nothing."""

    def __init__(
        self,
        ledger: Ledger,
        catalog: Catalog,
        addresses: Addresses,
        limits: Limits,
        deadlines: Mapping[JobKind, float],
        admins: frozenset[str] = frozenset(),
        own_hosts: frozenset[str] = frozenset(),
        undelete_days: float = 0.0,
        expiry: ExpiryPolicy = NO_POLICY,
        idle: IdlePolicy = NO_IDLE_POLICY,
        chart_settings: ChartSettings = DEFAULT_SETTINGS,
    ) -> None:
        """`deadlines` are seconds by operation; `admins` are ids of people who may manage every store; `own_hosts` are
        the bot's, which no store may have. A deleted store can be undeleted for `undelete_days`. `chart_settings` know
        the operator's values."""
        self.ledger, self.catalog, self.addresses, self.limits = ledger, catalog, addresses, limits
        self._deadlines, self._admins, self._own_hosts = deadlines, admins, own_hosts
        self.lookup, self.expiry = StoreLookup(ledger, catalog, undelete_days), expiry
        self.idle = idle
        self._chart_settings = chart_settings

    def actor(self, person: str) -> Actor:
        """The person with this id."""
        return Actor(person, is_admin=person in self._admins)

    def create(self, context: OrderContext, request: StoreRequest) -> Job:
        """Order a new store.

        Raises InvalidName, UnknownStoreType, BadOption, BadExpiry, StoreExists, StoreBusy or LimitReached."""
        name = self._usable_name(request.name)
        store_type = self.catalog.get(request.type) if request.type else self.catalog.default
        options = choose(store_type.options, request.options)
        with self.ledger.transaction():
            if repeated := self.ledger.jobs.delivered(context.delivery_key):
                return repeated
            owner = request.owner or context.actor.id
            return self._open(
                context, CREATE, name, store_type, options, owner, expires=request.expires, zone=request.zone
            )

    def clone(self, context: OrderContext, source_id: str, name: str, backup_id: str = "") -> Job:
        """Order a new store with the data of another one, as it is now or as it was in one of its backups.

        Raises InvalidName, StoreNotFound, NotAllowed, StoreExists, StoreBusy, LimitReached or Refused."""
        name = self._usable_name(name)
        with self.ledger.transaction():
            if repeated := self.ledger.jobs.delivered(context.delivery_key):
                return repeated
            source = self.lookup.managed_by_id(context.actor, source_id)
            store_type = self.catalog.get(source.type)
            self._require_backups(source.type, CLONE)
            live = self.ledger.jobs.live(source.id)
            if live and not live.quiet:
                raise busy(source, live)
            backup = self._backup_to_clone(source, backup_id)
            if backup:
                require_not_newer(f"The backup {backup.id[:8]}", backup.version, store_type.version)
            arguments = arguments_of_clone(source, backup)
            return self._open(context, CLONE, name, store_type, source.options, context.actor.id, arguments)

    def _backup_to_clone(self, source: Store, id: str) -> Backup | None:
        """The backup with this id, or that of a store's pause; None for one that is made now. Raises Refused."""
        if id:
            return self.lookup.backup(source, id)
        if source.status == StoreStatus.READY:
            return None
        newest = next(iter(self.ledger.store_backups.of_store(source.id)), None)
        if source.status == StoreStatus.ASLEEP and newest and newest.reason == Reason.BEFORE_PAUSE:
            return newest  # it has all that sleeps
        next_step = "Clone one of its backups: /store restore NAME BACKUP into=NEW"
        raise Refused(f"{source.name} {source.status.phrase}, so it can't be cloned now.", "", next_step)

    def import_archive(self, context: OrderContext, name: str, exported: Exported) -> Job:
        """Order a new store from an archive that holds the store `exported`.

        Raises InvalidName, UnknownStoreType, StoreExists, StoreBusy, LimitReached or Refused."""
        name = self._usable_name(name)
        with self.ledger.transaction():
            if repeated := self.ledger.jobs.delivered(context.delivery_key):
                return repeated
            store_type = self.catalog.get(exported.type)
            self._require_backups(store_type.name, IMPORT)
            require_not_newer("The archive", exported.version, store_type.version)
            known = {option.id for option in store_type.options}  # the archive may be of a version with others
            chosen = {option: choice for option, choice in exported.options.items() if option in known}
            options, arguments = choose(store_type.options, chosen), arguments_of_import(exported)
            return self._open(context, IMPORT, name, store_type, options, context.actor.id, arguments)

    def require_free(self, actor: Actor, name: str) -> str:
        """The name, if `actor` may order a store of that name now.

        Raises InvalidName, StoreExists, StoreBusy or LimitReached."""
        name = self._usable_name(name)
        self._require_free(name, actor.id)
        return name

    def _open(
        self,
        context: OrderContext,
        operation: Operation,
        name: str,
        store_type: StoreType,
        options: dict[str, str],
        owner: str,
        arguments: dict[str, str] | None = None,
        expires: str = "",
        zone: tzinfo | None = None,
    ) -> Job:
        """Add a new store, and the job that creates it, in a transaction of the caller."""
        self._require_free(name, owner)
        now = self.ledger.clock()
        expiry = self.expiry.of_new(expires, now, is_admin=context.actor.is_admin, zone=zone)
        url = self.addresses.url(name)
        store = Store(
            id=new_id(),
            name=name,
            type=store_type.name,
            status=StoreStatus.CREATING,
            owner=owner,
            origin=context.origin,
            namespace=self.addresses.namespace(name),
            release=self.addresses.release(name),
            url=url,
            admin_url=url + store_type.admin_path,
            created_at=now,
            options=options,
            expires_at=expiry.at if expiry else None,
            life=expiry.life if expiry else 0.0,
        )
        self.ledger.stores.add(store)
        return self._add_job(context, operation, store, requested_by=owner, arguments=arguments)

    def place(
        self, context: OrderContext, operation: Operation, store_id: str, arguments: dict[str, str] | None = None
    ) -> Job:
        """Order an operation on an existing store. Raises StoreNotFound, NotAllowed, StoreBusy, or Refused."""
        with self.ledger.transaction():
            if repeated := self.ledger.jobs.delivered(context.delivery_key):
                return repeated
            gone = StoreStatus.DELETED in operation.orderable_when
            store = self.lookup.undeletable_by_id(store_id) if gone else self.lookup.existing(store_id)
            context.actor.require(operation.right, store)
            self._require_backups(store.type, operation)
            self._require_reset(store, operation)
            self._make_way(store, operation)
            if gone:
                self._require_room(store.owner)
            require_orderable(store, operation, self.ledger.clock())
            chosen = (arguments or {}).get("backup", "")
            if operation.needs_backup or chosen:
                version = self.catalog.get(store.type).version if gone else store.version
                backup = self.lookup.backup(store, chosen)
                require_not_newer(f"The backup {backup.id[:8]}", backup.version, version)
            return self._add_job(context, operation, store, arguments=arguments)

    def require_possible(self, operation: Operation, store: Store) -> None:
        """Raises StoreBusy or Refused if the operation can't be ordered on the store now."""
        if live := self.ledger.jobs.live(store.id):
            raise busy(store, live)
        require_orderable(store, operation, self.ledger.clock())

    def settings(self, actor: Actor, store_id: str) -> tuple[Store, list[Setting]]:
        """The store, and what `actor` can set of it now. Raises StoreNotFound, NotAllowed, StoreBusy, or Refused."""
        store = self.lookup.managed_by_id(actor, store_id)
        self.require_possible(SET, store)
        store_type = self.catalog.get(store.type)
        require_current(store, store_type.version)
        settings = self._chart_settings.of(store, store_type)
        if not settings:
            raise Refused(f"{store_type.label} stores have no settings.", "Their chart marks nothing as settable.")
        return store, settings

    def change(self, context: OrderContext, store_id: str, requested: Mapping[str, str]) -> Job:
        """Order other values for what can be set of a store: `requested` values or labels by option id.

        Raises BadOption, StoreNotFound, NotAllowed, StoreBusy, or Refused."""
        with self.ledger.transaction():
            if repeated := self.ledger.jobs.delivered(context.delivery_key):
                return repeated
            store, _ = self.settings(context.actor, store_id)
            changes = self._chart_settings.changes(store, self.catalog.get(store.type), requested)
            return self.place(context, SET, store.id, changes)

    def recover(self, context: OrderContext, kept: KeptStore) -> Job:
        """Order a store that is gone from the cluster back from its newest backup, whatever the ledger knows of it.

        Its messages go where those of its creation went. Raises StoreExists or StoreBusy."""
        with self.ledger.transaction():
            if live := self.ledger.jobs.live(kept.store.id):
                raise busy(kept.store, live)
            if not self.ledger.stores.get(kept.store.id):
                require_free(self.ledger.stores.named(kept.store.name))
                self.ledger.stores.add(kept.store)
            arguments = {"backup": NEWEST, "served": str(kept.served)}
            return self._add_job(replace(context, origin=kept.store.origin), UNDELETE, kept.store, arguments=arguments)

    def forget(self, actor: Actor, store_id: str) -> Store:
        """Let a deleted store be gone for good now; returns it. Raises StoreNotFound, StoreDeleted or NotAllowed."""
        with self.ledger.transaction():
            store = self.lookup.undeletable_by_id(store_id)
            actor.require(Right.MANAGE, store)
            self.ledger.stores.keep_until(store.id, self.ledger.clock())
            return store

    def retry(self, context: OrderContext, job_id: str) -> Job:
        """Order a failed or cancelled job again, as a new one. Raises StoreNotFound, NotAllowed, StoreBusy, Refused."""
        with self.ledger.transaction():
            if repeated := self.ledger.jobs.delivered(context.delivery_key):
                return repeated
            failed = self.ledger.jobs.get(job_id)
            if not failed:
                raise StoreNotFound("That store no longer exists.", "", "Order it again.")
            store, operation = self.lookup.managed_by_id(context.actor, failed.store_id), OPERATIONS[failed.kind]
            if live := self.ledger.jobs.live(store.id):
                raise busy(store, live)
            if (
                failed.status not in (JobStatus.FAILED, JobStatus.CANCELLED)
                or self.ledger.jobs.newest_for(failed) != failed
            ):
                raise nothing_to_retry(store)
            return self._add_job(context, operation, store, retry_of=job_id, arguments=failed.arguments)

    def retry_last(self, context: OrderContext, store: Store) -> Job:
        """Order the newest job of a store again, if it failed or was cancelled. Raises what `retry` raises."""
        last = self.ledger.jobs.last(store.id)
        if last and last.quiet and last.status != JobStatus.FAILED:
            last = self.ledger.jobs.last_shown(store.id)
        if not last:
            raise nothing_to_retry(store)
        return self.retry(context, last.id)

    def _require_backups(self, type: str, operation: Operation) -> None:
        """Raises Refused if the operation uses backups, and the store type describes none."""
        store_type = self.catalog.types.get(type)
        if operation.uses_backups and store_type and not store_type.has_backups:
            what = f"{store_type.label} stores have no backups, and “{operation.kind}” needs them."
            raise Refused(what, "Their chart describes none.")

    def may_reset(self, store: Store) -> bool:
        """Whether the store's type describes how its admin's password is reset."""
        store_type = self.catalog.types.get(store.type)
        return bool(store_type and store_type.reset)

    def _require_reset(self, store: Store, operation: Operation) -> None:
        """Raises Refused if the operation resets the admin's password, and the store's type does not describe how."""
        if operation.resets_login and not self.may_reset(store):
            what = f"{self.catalog.get(store.type).label} stores have no way to reset the admin's password."
            raise Refused(what, "Their chart describes none.", "Change it in the shop's admin.")

    def _make_way(self, store: Store, operation: Operation) -> None:
        """Supersede the store's live job if the operation replaces it. Raises StoreBusy."""
        live = self.ledger.jobs.live(store.id)
        if live and operation.replaces_live_job and live.kind != operation.kind:
            self.ledger.jobs.finish(live, JobStatus.SUPERSEDED)
        elif live:
            raise busy(store, live)

    def _add_job(
        self,
        context: OrderContext,
        operation: Operation,
        store: Store,
        *,
        arguments: dict[str, str] | None = None,
        requested_by: str | None = None,
        retry_of: str | None = None,
    ) -> Job:
        if operation.status_when_ordered:
            self.ledger.set_store_status(store.id, operation.status_when_ordered, by=context.actor.id)
        if operation.resets_login:
            self.ledger.links.revoke_all(store.id)  # nobody who has one may see the new password
        new = NewJob(
            kind=operation.kind,
            requested_by=requested_by or context.actor.id,
            origin=context.origin,
            delivery_key=context.delivery_key,
            allowed=self._deadlines[operation.kind],
            arguments=arguments or {},
            quiet=context.quiet,
            retry_of=retry_of,
        )
        return self.ledger.jobs.add(store, new)

    def _usable_name(self, text: str) -> str:
        """The name in `text` if a new store may have it. Raises InvalidName."""
        longest = self.addresses.longest_name
        label, _, domain = host_in(text).partition(".")
        if domain == self.addresses.domain:
            raise InvalidName(f"“{shorten(text)}” is an address.", "A name is its first part.", f"Try {label}.")
        name = parse_name(text, longest)
        if name in self.catalog.types:
            suggestion = suggest_name(f"my-{name}", longest)
            raise InvalidName(f"“{name}” is a store type.", "A store has a name of its own.", f"Try {suggestion}.")
        if self.addresses.host(name) in self._own_hosts:
            what = f"{self.addresses.host(name)} is the address of Storewright itself."
            raise InvalidName(what, "", f"Try {suggest_name(f'my-{name}', longest)}.")
        return name

    def _require_free(self, name: str, owner: str) -> None:
        require_free(self.ledger.stores.named(name) or self.ledger.stores.kept(name))
        self._require_room(owner)

    def _require_room(self, owner: str) -> None:
        stores = self.ledger.stores
        self.limits.require_room(stores.owned(owner), stores.ordered_within_hour(owner), self.ledger.clock())

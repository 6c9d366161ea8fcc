"""The rules for orders, and their refusals."""

from __future__ import annotations

from provisioner.domain.errors import Refused, StoreBusy, StoreExists
from provisioner.domain.job import Job
from provisioner.domain.revision import is_newer
from provisioner.domain.store import Store, StoreStatus
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.spec import Operation


def require_free(store: Store | None) -> None:
    """Raises StoreBusy or StoreExists if a store has the name."""
    if not store:
        return
    if store.status == StoreStatus.DELETING:
        raise StoreBusy(f"A store called {store.name} is being deleted.", next_step="Order it again when it is gone.")
    if store.status == StoreStatus.DELETED:
        next_step = f"Bring it back (/store undelete {store.name}), or free its name (/store delete {store.name} now)."
        raise StoreExists(f"{store.name} was deleted, and can still be undeleted.", next_step=next_step)
    if store.status == StoreStatus.CREATING:
        raise StoreBusy(f"A store called {store.name} is already being created.")
    raise StoreExists(f"There is already a store called {store.name}.", next_step="Choose another name.")


def require_not_newer(data: str, made_by: str, version: str) -> None:
    """Raises Refused for data of a later version of the chart, whose tables this version may not know."""
    if version and is_newer(made_by, version):
        what = f"{data} is of version {made_by}, and the store would run {version}."
        raise Refused(
            what, "Its tables may be newer than the application.", "Choose an older backup, or upgrade first."
        )


def require_current(store: Store, version: str) -> None:
    """Raises Refused if the store runs another version of its chart than this one."""
    if store.version not in ("", version):
        what = f"{store.name} runs version {store.version} of its chart, and its settings come with version {version}."
        raise Refused(what, "", f"Upgrade it first: /store upgrade {store.name}")


def require_orderable(store: Store, operation: Operation, now: float) -> None:
    """Raises Refused if the store's status does not allow the operation, or one whose time is over would wake."""
    if store.status not in operation.orderable_when:
        raise _not_now(store, operation)
    wakes = store.status == StoreStatus.ASLEEP and operation.status_when_succeeded == StoreStatus.READY
    if wakes and store.expiry and store.expiry.is_over(now):
        raise Refused(f"{store.name} has expired.", "", f"Let it live longer first: /store extend {store.name}")


def _not_now(store: Store, operation: Operation) -> Refused:
    if store.status == operation.status_when_succeeded:
        return Refused(f"{store.name} {store.status.phrase} already.")
    what = f"{store.name} {store.status.phrase}, so it can't be {operation.participle} now."
    asleep = store.status == StoreStatus.ASLEEP
    next_step = (
        f"Wake it first: /store wake {store.name}"
        if asleep
        else f"Retry or delete it first (/store status {store.name})."
    )
    return Refused(what, next_step=next_step)


def nothing_to_retry(store: Store) -> Refused:
    """The refusal of a retry."""
    return Refused(f"There is nothing to retry for {store.name}: it {store.status.phrase}.")


def busy(store: Store, live: Job) -> StoreBusy:
    """The refusal of an order that the store's live job is in the way of."""
    doing = OPERATIONS[live.kind].participle
    return StoreBusy(f"{store.name} is being {doing} right now.", next_step="Wait until that is done.")

"""Imports: the archive of an export comes in parts, by a one-time link or from a terminal, and becomes a new store.

The first part orders the store. Then all go to the container that waits for them in its namespace, so that no disk of
the bot holds the archive, and a new bot goes on where the former one stopped."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner import one_time_links
from provisioner.domain.errors import LinkRefused, Refused, Transient
from provisioner.domain.exported import read_exported
from provisioner.domain.job import EventKind, Job, JobStatus, find_event
from provisioner.domain.store import Store
from provisioner.ledger.links import OneTimeLink
from provisioner.operations.import_ import IMPORT, UPLOAD
from provisioner.operations.steps.backup_job import IMPORT as COMPONENT
from provisioner.operations.steps.backup_job import name_of_import, running_pod
from provisioner.operations.toolbox import Toolbox
from provisioner.orders import OrderContext, Orders

PART_BYTES = 1_000_000  # proxies often allow a megabyte; the first part has what the archive says of itself
AT_ONCE = 4  # imports: each may wait for hours, and the other jobs need workers too
# Writes $2 bytes at $1, unless that would leave a hole, and prints how many bytes are there then. If these are $3, the
# archive is complete. A part that comes twice, even at once, is written twice at the same place.
WRITE = """cd /tmp
touch archive
[ "$1" -gt "$(stat -c %s archive)" ] ||
  head -c "$2" | dd of=archive bs=64k seek="$1" oflag=seek_bytes conv=notrunc status=none
size=$(stat -c %s archive)
[ "$size" != "$3" ] || touch complete
echo $size"""


class NotYet(Transient):
    """The part can't be taken now. The same part again, in a second, may be."""


@dataclass(frozen=True)
class Part:
    """Bytes of an archive, from `offset` on. `length` is that of the whole archive, None while nobody knows it."""

    content: bytes
    offset: int
    length: int | None

    @property
    def end(self) -> int:
        return self.offset + len(self.content)


def receive(tools: Toolbox, orders: Orders, link: OneTimeLink, part: Part, request_id: str, detail: str) -> int:
    """Take a part of the archive that `link` uploads; returns the offset of the next part to send.

    The first part orders the store and uses the link up, in one transaction. It is sent again once the store waits for
    it.
    Raises NotYet, Transient, LinkRefused, or Refused for an archive or an order that is no good."""
    if not link.claimed_at:
        one_time_links.require_unused(orders.ledger, link)
        _require_turn(orders)
        context = OrderContext(orders.actor(link.minted_for), link.origin, f"import {link.id}")
        with orders.ledger.transaction():
            job = order(orders, context, link.new_store, part)
            claimed = {"actor": link.minted_for, "detail": detail, "request_id": request_id, "store_id": job.store_id}
            if not orders.ledger.links.claim(link.id, **claimed):
                raise LinkRefused("This link was used at the same moment.")
        raise _preparing(job)
    store = one_time_links.store_of(orders.ledger, link)
    return send(tools, orders, store, part)


def order(orders: Orders, context: OrderContext, name: str, part: Part) -> Job:
    """Order the store `name` of the archive that begins with this part. Raises Refused."""
    if part.offset:
        raise Refused("The upload did not begin with the first part of the archive.", "", "Choose the file again.")
    return orders.import_archive(context, name, read_exported(part.content))


def send(tools: Toolbox, orders: Orders, store: Store, part: Part) -> int:
    """Write a part of the archive to the container that waits for it; returns the offset of the next part to send.

    Raises NotYet, Transient, or Refused if no job waits for it."""
    job = orders.ledger.jobs.last(store.id)
    if not job or job.kind != IMPORT.kind or job.status == JobStatus.SUCCEEDED or _is_taken_in(orders, job):
        return part.length or part.end
    if not job.live:
        cause = job.problem.what if job.problem else ""
        raise Refused(
            f"The import of {store.name} failed.", cause, "Press Retry at its message in Slack, then go on here."
        )
    pod = running_pod(tools, store, name_of_import(job, store))
    if not pod:
        raise _preparing(job)
    command = ["sh", "-c", WRITE, "sh", str(part.offset), str(len(part.content)), str(part.length or "")]
    output = b"".join(tools.cluster.output_of(store.namespace, pod, COMPONENT, command, part.content))
    return int(output)


def _require_turn(orders: Orders) -> None:
    live = [job for job in orders.ledger.jobs.of_kind(IMPORT.kind) if job.live]
    if len(live) >= AT_ONCE:
        raise NotYet(f"{AT_ONCE} other imports are running.", "", "This one starts when one of them has ended.")


def _is_taken_in(orders: Orders, job: Job) -> bool:
    return find_event(orders.ledger.jobs.events(job.id), EventKind.DONE, UPLOAD) is not None


def _preparing(job: Job) -> NotYet:
    return NotYet(f"{job.store} is being prepared.", "", "The upload starts in a few seconds.")

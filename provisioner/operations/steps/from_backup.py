"""The steps that start a new store and fill it from a backup."""

from __future__ import annotations

from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.namespace_metadata import note_ready
from provisioner.operations.spec import Stage
from provisioner.operations.steps.backup_job import LOAD, grant_access, load_backup
from provisioner.operations.steps.claims import Sizes, make_room
from provisioner.operations.steps.readiness import DATABASE, await_components
from provisioner.operations.steps.release import install_release, release_spec
from provisioner.operations.steps.shop import UNUSED_SECONDS, close_shop, open_shop
from provisioner.operations.steps.storefront import STOREFRONT, await_home_page
from provisioner.operations.toolbox import Toolbox

INSTALL = (
    Stage("release", "Install the chart", "Chart installed"),
    Stage("database", "Start the database", "Database is up"),
)
FILL = (Stage(LOAD, "Bring in the database and the uploads", "Database and uploads are in"),)
OPEN = (Stage("application", "Start the application", "Application is up"), STOREFRONT)


def install_closed(tools: Toolbox, job: Job, store: Store, secret: dict[str, str], sizes: Sizes) -> None:
    """Install the chart and start only its database: the application would fill it with sample data.

    Its volumes are at least of these `sizes`. Raises JobFailed, Transient, Superseded or HandedOver."""
    since = tools.ledger.clock()
    with tools.stage(job, "release"):
        store_type = tools.catalog.get(store.type)
        make_room(tools, store, release_spec(tools.defaults, store, store_type), sizes)
        install_release(tools, job, store, store_type)
        close_shop(tools, job, store, secret, grace_seconds=UNUSED_SECONDS)
    await_components(tools, job, store, secret, since, only=DATABASE)


def fill_store(
    tools: Toolbox,
    job: Job,
    store: Store,
    secret: dict[str, str],
    backup: str,
    *,
    source: Store | None = None,
    moved_from: str = "",
) -> dict[str, int]:
    """Load the backup. The application stays stopped.

    It is in the repository of another store, the `source`, or in the store's own. Data of a store that had the URL
    `moved_from` become this one's. Returns what the database holds, as `load_backup` does.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    with tools.stage(job, LOAD):
        grant_access(tools, store, source)
        return load_backup(tools, job, store, secret, backup, moved_from=moved_from)


def open_filled_store(tools: Toolbox, job: Job, store: Store, secret: dict[str, str], *, served: bool) -> None:
    """Open the shop, and end the job once it answers, if it answered when the backup was made (`served`).

    Raises JobFailed, Transient, Superseded or HandedOver."""
    with tools.stage(job, "application"):
        grant_access(tools, store)
        open_shop(tools, job, store, secret)
    with tools.stage(job, STOREFRONT.name):
        await_home_page(tools, job, store, secret, required=int(served))
    version = tools.catalog.get(store.type).version
    note_ready(tools.cluster, store, version, tools.ledger.clock())
    tools.ledger.succeed(job, version)

"""Exports: a backup of a store as one archive, to take away."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain

from provisioner.diagnosis import quote_error_in
from provisioner.domain.backup import Backup
from provisioner.domain.errors import JobFailed, StorewrightError, Transient
from provisioner.domain.exported import FILE, FORMAT, Exported
from provisioner.domain.store import Store
from provisioner.domain.text import size
from provisioner.log_context import new_id
from provisioner.operations.steps.backup_job import EXPORT, grant_access, running_pod, start_export
from provisioner.operations.steps.claims import sizes_of
from provisioner.operations.toolbox import Toolbox

START_SECONDS = 60.0  # that the Job's container may take to start
POLL_SECONDS = 0.1
LOG_LINES = 20  # where the cause is looked for
README = """This is a backup of the store {name}, made {made_at} by Storewright.

database.sql in the folder dump is the whole database, as the database's own tool dumps it. The folder uploads has the
files that were uploaded in the admin, such as pictures. storewright.json says the same as this file, for programs.

Store type:  {type}, chart version {version}
Address:     {url}
Holds:       {held}

It contains the data of customers, and passwords as the shop stores them. Keep it as safe as the shop.

To make a store of it, type in Slack: /store import NAME
"""
# The Job's container makes the file once the backup server answers. The password is in the container's environment.
READ = """until [ -e /tmp/reached ]; do sleep 0.1; done
exec /tools/restic dump --quiet --retry-lock 10m --archive tar "$1" /"""


def archive_of(tools: Toolbox, store: Store, backup: Backup) -> Iterator[bytes]:
    """The backup as a tar archive, in parts: README.txt and storewright.json, then the folders `dump` and `uploads`.

    The first part comes once the backup can be read. The last part ends the Job that reads it, and so does `close`.

    Raises Transient and JobFailed."""
    name = f"{store.release}-{EXPORT}-{new_id()}"
    try:
        exported = _exported(tools, store, backup)
        grant_access(tools, store)
        start_export(tools, store, name)
        pod = _await_pod(tools, store, name)
        content = tools.cluster.output_of(store.namespace, pod, EXPORT, ["sh", "-c", READ, "sh", backup.id])
        try:
            first = next(content)
        except (Transient, JobFailed) as error:
            raise _unreadable(tools, store, pod, error) from error
        yield from chain((_about(exported, backup), first), content)
    finally:
        with suppress(StorewrightError):  # it ends by itself later
            tools.cluster.stop_job(store.namespace, name)


def _await_pod(tools: Toolbox, store: Store, name: str) -> str:
    """The name of the Job's pod, once its container runs. Raises Transient."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if pod := running_pod(tools, store, name):
            return pod
        time.sleep(POLL_SECONDS)
    cause = "Its pod does not start: its node may have no room."
    raise Transient(f"The backup of {store.name} can't be read right now.", cause, "Open the link again in a minute.")


def _unreadable(tools: Toolbox, store: Store, pod: str, error: Transient | JobFailed) -> JobFailed:
    """The error with its cause: what the Job's container said before it ended, or the command."""
    said = quote_error_in(tools.cluster.log_tail(store.namespace, pod, EXPORT, LOG_LINES, restarted=False))
    next_step = "Open the link again. If it fails again, an operator runs: storewright doctor"
    return JobFailed(f"The backup of {store.name} could not be read.", said or error.problem.cause, next_step)


def _exported(tools: Toolbox, store: Store, backup: Backup) -> Exported:
    """Raises Transient and JobFailed."""
    return Exported(
        format=FORMAT,
        name=store.name,
        type=store.type,
        version=backup.version,
        url=store.url,
        made_at=datetime.fromtimestamp(backup.made_at, UTC).isoformat(timespec="seconds"),
        counts=backup.counts,
        options=store.options,
        served=backup.served,
        sizes=sizes_of(tools, store),
    )


def _about(exported: Exported, backup: Backup) -> bytes:
    """The first files of the archive."""
    held = ", ".join(backup.contents) or "not counted"
    readme = README.format(**vars(exported), held=f"{held}; {size(backup.bytes)}")
    files = {"README.txt": readme, FILE: exported.to_json()}
    return b"".join(_entry(name, text.encode(), backup.made_at) for name, text in files.items())


def _entry(name: str, content: bytes, at: float) -> bytes:
    """A file in a tar archive: its header, its content, and zeros up to the next block."""
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = len(content), int(at), 0o644
    return header.tobuf() + content + bytes(-len(content) % tarfile.BLOCKSIZE)

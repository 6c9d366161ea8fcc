"""Archives of exports, whole and spoilt, and their upload by a one-time link."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator

from provisioner import one_time_links
from provisioner.domain.errors import Transient
from provisioner.domain.job import Job
from provisioner.exports import archive_of
from provisioner.imports import PART_BYTES, Part, receive
from provisioner.ledger.links import Purpose
from provisioner.operations.import_ import IMPORT
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.ledgers import PERSON


def archive_from(harness: ProvisionerHarness, job: Job) -> bytes:
    """The archive of the newest backup of the job's store."""
    return b"".join(archive_of(harness.tools, harness.store(job.store), harness.backups(job)[0]))


class Upload:
    """A person with a link and an archive, as the page in their browser."""

    def __init__(self, harness: ProvisionerHarness, name: str, archive: bytes) -> None:
        self._harness, self.name, self.archive = harness, name, archive
        self.link = one_time_links.mint_upload(harness.ledger, name, PERSON, "{}")

    def send(self, offset: int) -> int:
        """Send the part at this offset; returns the offset of the next one. Raises what `receive` raises."""
        harness, content = self._harness, self.archive[offset : offset + PART_BYTES]
        link = one_time_links.known(harness.ledger, self.link.id, self.link.token, Purpose.UPLOAD)
        part = Part(content, offset, len(self.archive))
        return receive(harness.tools, harness.orders, link, part, "r", "")

    def go_on(self, until: int | None = None) -> None:
        """Send parts until the archive, or `until` bytes of it, are there. Raises Refused."""
        offset, deadline = 0, time.monotonic() + 120
        while offset < (len(self.archive) if until is None else until):
            assert time.monotonic() < deadline, "the archive is not taken in"
            try:
                offset = self.send(offset)
            except Transient:
                time.sleep(0.1)

    @property
    def job(self) -> Job:
        """The newest import of the store."""
        return [job for job in self._harness.ledger.jobs.of_kind(IMPORT.kind) if job.store == self.name][-1]


def spoilt(archive: bytes) -> Iterator[tuple[bytes, str]]:
    """Archives that are no good, with what is said of each."""
    link, climbing = tarfile.TarInfo("uploads/logo"), tarfile.TarInfo("uploads/../../etc/passwd")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    yield archive[: len(archive) - 2_000_000], "error: the archive is damaged: tar: Unexpected EOF in archive"
    yield with_entry(archive, link), "error: the archive holds something that is no file and no folder"
    yield with_entry(archive, climbing), "error: the archive holds a path that climbs out of it"
    yield with_entry(archive, tarfile.TarInfo("tools/restic")), "error: an export does not hold this: tools/restic"
    yield without(archive, "dump/database.sql"), "error: the archive holds no database"


def with_entry(archive: bytes, entry: tarfile.TarInfo) -> bytes:
    """The archive with one more entry at its end."""
    file = io.BytesIO(archive)
    with tarfile.open(fileobj=file, mode="a") as opened:
        opened.addfile(entry)
    return file.getvalue()


def without(archive: bytes, name: str) -> bytes:
    """The archive without an entry."""
    file = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=file, mode="w") as new:
        for member in old:
            if member.name != name:
                new.addfile(member, old.extractfile(member) if member.isfile() else None)
    return file.getvalue()

"""Exported: what the archive of an export says about its store, in its file storewright.json."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, TypeAdapter, ValidationError

from provisioner.domain.errors import Refused

FILE = "storewright.json"
FORMAT = 1
FIRST_FILES = 2  # FILE is one of them
MAX_BYTES = 100_000  # of FILE: a sparse one may be larger than all that was sent
NEXT_STEP = "Choose the file that /store export gave you, as it is."
Size = Annotated[str, Field(pattern=r"^\d{1,6}(\.\d+)?([kMGT]i?)?$")]
Word = Annotated[str, Field(max_length=63)]


@dataclass(frozen=True)
class Exported:
    """The store when its backup was made: `served` says whether its shop answered, `sizes` how large its volumes were
    (such as 10Gi, by the claim's role), `made_at` is an ISO 8601 time."""

    format: int
    name: Word
    type: Word
    version: Word
    url: Annotated[str, Field(max_length=300)]
    made_at: Word
    counts: dict[str, int]
    options: dict[Word, Word] = field(default_factory=dict)
    served: bool = True
    sizes: dict[Word, Size] = field(default_factory=dict)

    def to_json(self) -> str:
        """The content of FILE."""
        return EXPORTED.dump_json(self, indent=2).decode() + "\n"


EXPORTED = TypeAdapter(Exported)


def read_exported(head: bytes) -> Exported:
    """What the archive that begins with `head` says. Raises Refused if it is no export, or of a later version."""
    what = "This file is no export of a store."
    try:
        exported = EXPORTED.validate_json(_about(head))
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise Refused(what, f"It does not begin with {FILE}.", NEXT_STEP) from error
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, found["loc"])) or "all of it" for found in error.errors()}))
        raise Refused(what, f"Its {FILE} is not readable: {fields}.", NEXT_STEP) from error
    if exported.format > FORMAT:
        what = "This export is from a later version of Storewright."
        raise Refused(what, f"Its format is {exported.format}.", "An operator upgrades Storewright, then try again.")
    if not _is_shop(exported.url):
        raise Refused(what, f"Its {FILE} has no address of a shop.", NEXT_STEP)
    return exported


def _about(head: bytes) -> bytes:
    """The content of FILE. Raises TarError, EOFError or KeyError."""
    with tarfile.open(fileobj=io.BytesIO(head), mode="r:") as archive:
        for member in islice(archive, FIRST_FILES):
            if member.name == FILE and member.isfile() and member.size <= MAX_BYTES:
                content = archive.extractfile(member)
                return content.read() if content else b""
    raise KeyError(FILE)


def _is_shop(url: str) -> bool:
    """Whether it is http(s)://HOST[:PORT]: it is replaced everywhere in the data."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and url == f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        return False

"""What an archive says of itself is read from its first bytes, whatever these are."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.domain.errors import Refused
from provisioner.domain.exported import FILE, FORMAT, Exported, read_exported

thoroughly = settings(max_examples=300, deadline=None)
EXPORTED = Exported(
    FORMAT, "my-shop", "medusa", "0.1.0", "http://my-shop.localhost:8081", "2026-10-01T12:00:00+00:00", {"orders": 3}
)


def archive(content: bytes, name: str = FILE, pax: dict[str, str] | None = None) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as opened:
        entry = tarfile.TarInfo(name)
        entry.size, entry.pax_headers = len(content), pax or {}
        opened.addfile(entry, io.BytesIO(content))
    return file.getvalue()


GOOD = archive(EXPORTED.to_json().encode())


def test_what_an_export_writes_is_read_again() -> None:
    assert read_exported(GOOD) == EXPORTED
    assert read_exported(GOOD + b"more" * 10_000) == EXPORTED


@thoroughly
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=9), st.integers(0, len(GOOD)))
def test_any_damage_is_noticed_or_harmless(changes: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(GOOD)
    for at, byte in changes:
        damaged[at] = byte
    for content in (bytes(damaged), bytes(damaged[:length])):
        with suppress(Refused):
            assert isinstance(read_exported(content), Exported)


@thoroughly
@given(st.binary(max_size=2000))
def test_any_bytes_are_no_export(content: bytes) -> None:
    for head in (content, archive(content)):
        with pytest.raises(Refused):
            read_exported(head)


def test_file_that_claims_to_be_huge_is_not_read() -> None:
    sparse = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": FILE,
        "GNU.sparse.realsize": "9" * 11,
    }
    with pytest.raises(Refused, match=FILE):
        read_exported(archive(b"1\n0\n1\n".ljust(512, b"\0") + b"x", "sparse", sparse))

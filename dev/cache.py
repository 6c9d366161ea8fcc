"""The checkout, its pinned tools, and the cache of built files."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = CHECKOUT / "build" / "tools"  # dev/setup.sh creates it; its bin/ contains the programs
CACHE = Path(os.environ.get("STOREWRIGHT_CACHE") or Path.home() / ".cache" / "storewright")


def cached(name: str, inputs: Iterable[Path], fill: Callable[[Path], None]) -> Path:
    """The cache folder `name` for the content of these input files.

    If it is missing, `fill` writes to a temporary folder, which is then renamed. A failed `fill` leaves no folder."""
    digest = hashlib.sha256()
    for path in sorted(inputs):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    folder = CACHE / name / digest.hexdigest()[:16]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".filling-", dir=folder.parent) as scratch:
        unfinished = Path(scratch) / "folder"
        unfinished.mkdir()
        fill(unfinished)
        try:
            unfinished.rename(folder)
        except OSError:  # another process created the same folder first
            if not folder.is_dir():
                raise
    return folder

"""Where this checkout and its pinned tools are, and the cache of what was built or fetched once, by its inputs."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = CHECKOUT / "build" / "tools"  # with bin/, by dev/setup.sh
CACHE = Path(os.environ.get("STOREWRIGHT_CACHE") or Path.home() / ".cache" / "storewright")


def cached(what: str, inputs: Iterable[Path], fill: Callable[[Path], None]) -> Path:
    """The cache's folder for these inputs; `fill` makes it where it is missing, in one rename, so no half is left."""
    digest = hashlib.sha256()
    for path in sorted(inputs):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    done = CACHE / what / digest.hexdigest()[:16]
    if done.is_dir():
        return done
    done.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".filling-", dir=done.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        fill(made)
        try:
            made.rename(done)
        except OSError:  # somebody else was faster, with the same result
            if not done.is_dir():
                raise
    return done

"""The control groups of a cluster's pods."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from dev.cluster.layout import Layout
from dev.cluster.process import wait_until

ROOT = Path("/sys/fs/cgroup")


def path(layout: Layout) -> str:
    """The kubelet's root group for pods."""
    return f"/storewright/{layout.id}"


def create(layout: Layout) -> None:
    """Create the cluster's group with all controllers in every hierarchy."""
    for hierarchy in _hierarchies():
        group = hierarchy
        for part in path(layout).split("/")[1:]:
            _delegate(group)
            group /= part
            group.mkdir(exist_ok=True)
        _delegate(group)


def remove(layout: Layout) -> None:
    """Remove the cluster's groups. Raises ClusterError if they still contain processes after 10 seconds."""
    for hierarchy in _hierarchies():
        group = hierarchy / path(layout).lstrip("/")
        wait_until(partial(_removed, group), 10, f"{group} still contains processes".__str__)
        # This removes the parent group after the last cluster.
        with suppress(OSError):
            group.parent.rmdir()


def _hierarchies() -> Iterator[Path]:
    """The roots of all cgroup hierarchies.

    cgroup v2 has one, cgroup v1 has one for each controller."""
    if (ROOT / "cgroup.controllers").exists():
        yield ROOT
    else:
        yield from (folder for folder in ROOT.iterdir() if folder.is_mount() and not folder.is_symlink())


def _delegate(group: Path) -> None:
    """Enable all controllers in the child groups.

    Only cgroup v2 needs it, and only v2 has this file."""
    if (group / "cgroup.subtree_control").exists():
        controllers = (group / "cgroup.controllers").read_text().split()
        (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))


def _removed(group: Path) -> bool:
    if not group.exists():
        return True
    try:
        for folder in sorted((entry for entry in group.rglob("*") if entry.is_dir()), reverse=True):
            folder.rmdir()
        group.rmdir()
    except OSError:
        return False
    return True

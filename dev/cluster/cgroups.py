"""The control groups of one cluster's pods, in every hierarchy of this machine."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from dev.cluster.layout import Site
from dev.cluster.process import until

ROOT = Path("/sys/fs/cgroup")


def path(site: Site) -> str:
    """The group that the kubelet keeps its pods below."""
    return f"/storewright/{site.id}"


def create(site: Site) -> None:
    """Make the cluster's group, with the machine's controllers, wherever it is missing."""
    for hierarchy in _hierarchies():
        group = hierarchy
        for part in path(site).split("/")[1:]:
            _delegate(group)
            group /= part
            group.mkdir(exist_ok=True)
        _delegate(group)


def remove(site: Site) -> None:
    """Remove the cluster's groups, which hold no process any more."""
    for hierarchy in _hierarchies():
        group = hierarchy / path(site).lstrip("/")
        until(partial(_removed, group), 10, f"{group} still holds processes".__str__)
        # The parent goes with its last cluster.
        with suppress(OSError):
            group.parent.rmdir()


def _hierarchies() -> Iterator[Path]:
    """Version 2 has one hierarchy, version 1 one for each controller (some with several names)."""
    if (ROOT / "cgroup.controllers").exists():
        yield ROOT
    else:
        yield from (folder for folder in ROOT.iterdir() if folder.is_mount() and not folder.is_symlink())


def _delegate(group: Path) -> None:
    """Let the groups below use every controller (version 2 asks for that; version 1 knows no such file)."""
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

"""Puts programs, certificates and configuration where the node will look for them."""

import base64
import shutil
from pathlib import Path

from dev.cluster import cgroups, pki
from dev.cluster.layout import Site
from dev.cluster.templates import render

TEMPLATES = {
    "containerd.toml": "containerd.toml",
    "pods.conflist": "cni/pods.conflist",
    "kubelet.yaml": "kubelet.yaml",
    "Corefile": "Corefile",
}


def ensure(site: Site, programs: dict[str, Path]) -> None:
    """Write or refresh all of it, and the user's kubeconfig too."""
    settings = site.lib / "kubernetes"
    settings.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (settings / "cni", site.lib / "bin", site.lib / "volumes", site.log):
        folder.mkdir(parents=True, exist_ok=True)
    for name, program in programs.items():
        _place(program, site.lib / "bin" / name)
    pki.ensure(site, settings / "pki")
    for template, target in TEMPLATES.items():
        _write(settings / target, render(template, site=site, cgroup=cgroups.path(site)))
    for user in pki.SUBJECTS:
        _write_kubeconfig(site, user, settings / f"{user}.kubeconfig")
    _write_kubeconfig(site, "admin", site.kubeconfig)


def _place(program: Path, target: Path) -> None:
    """Link a program from the cache, or copy it where the two are on different disks."""
    if target.exists() and _version(target) == _version(program):
        return
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(program)
    except OSError:
        shutil.copy2(program, target)


def _version(program: Path) -> tuple[int, int]:
    return program.stat().st_size, program.stat().st_mtime_ns


def _write_kubeconfig(site: Site, user: str, target: Path) -> None:
    folder = site.lib / "kubernetes" / "pki"
    files = {"authority": "ca.crt", "certificate": f"{user}.crt", "key": f"{user}.key"}
    data = {key: base64.b64encode((folder / file).read_bytes()).decode() for key, file in files.items()}
    _write(target, render("kubeconfig.yaml", site=site, user=user, **data))


def _write(target: Path, text: str) -> None:
    """Write a file that only root may read, and at once: others may be reading it."""
    unfinished = target.with_name(f"{target.name}.new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.rename(target)

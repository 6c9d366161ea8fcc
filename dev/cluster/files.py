"""Installs the node's programs, certificates and configuration files."""

import base64
import shutil
from pathlib import Path

from dev.cluster import cgroups, pki
from dev.cluster.layout import Layout
from dev.cluster.templates import render

TEMPLATES = {
    "containerd.toml": "containerd.toml",
    "pods.conflist": "cni/pods.conflist",
    "kubelet.yaml": "kubelet.yaml",
    "Corefile": "Corefile",
}


def install(layout: Layout, programs: dict[str, Path]) -> None:
    """Install or update all files of the node, and the user's kubeconfig."""
    settings = layout.lib / "kubernetes"
    settings.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (settings / "cni", layout.lib / "bin", layout.lib / "volumes", layout.log):
        folder.mkdir(parents=True, exist_ok=True)
    for name, program in programs.items():
        _install_program(program, layout.lib / "bin" / name)
    pki.ensure(layout, settings / "pki")
    for template, target in TEMPLATES.items():
        _write(settings / target, render(template, layout=layout, cgroup=cgroups.path(layout)))
    for user in pki.SUBJECTS:
        _write_kubeconfig(layout, user, settings / f"{user}.kubeconfig")
    _write_kubeconfig(layout, "admin", layout.kubeconfig)


def _install_program(program: Path, target: Path) -> None:
    """Hard-link a program from the cache, or copy it across disks."""
    if target.exists() and _version(target) == _version(program):
        return
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(program)
    except OSError:
        shutil.copy2(program, target)


def _version(program: Path) -> tuple[int, int]:
    return program.stat().st_size, program.stat().st_mtime_ns


def _write_kubeconfig(layout: Layout, user: str, target: Path) -> None:
    folder = layout.lib / "kubernetes" / "pki"
    files = {"ca": "ca.crt", "certificate": f"{user}.crt", "key": f"{user}.key"}
    data = {key: base64.b64encode((folder / file).read_bytes()).decode() for key, file in files.items()}
    _write(target, render("kubeconfig.yaml", layout=layout, user=user, **data))


def _write(target: Path, text: str) -> None:
    """Replace a file in one step, because programs may be reading it.

    Only root can read the file."""
    unfinished = target.with_name(f"{target.name}.new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.rename(target)

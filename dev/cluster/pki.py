"""The cluster's certificates: one authority, and a key and certificate for each program that needs one."""

import shutil
from pathlib import Path

from dev.cluster.layout import Site
from dev.cluster.process import run
from dev.cluster.templates import render

SUBJECTS = {
    "apiserver": "/CN=kube-apiserver",
    "admin": "/O=system:masters/CN=admin",
    "controller-manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "proxy": "/CN=system:kube-proxy",
    "kubelet": "/O=system:nodes/CN=system:node:{name}",
}


def ensure(site: Site, folder: Path) -> None:
    """Fill `folder` with ca, service-accounts and every subject's .key and .crt, unless it is there."""
    if folder.exists():
        return
    unfinished = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    (unfinished / "openssl.cnf").write_text(render("openssl.cnf", site=site))
    _certificate(unfinished, "ca", f"/CN={site.id}", "-extensions", "authority")
    # The API server reads elliptic keys for its tokens in the older of openssl's two formats only.
    run("openssl", "ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out", unfinished / "service-accounts.key")
    for name, subject in SUBJECTS.items():
        authority = ("-CA", unfinished / "ca.crt", "-CAkey", unfinished / "ca.key")
        _certificate(unfinished, name, subject.format(name=site.name), "-extensions", "member", *authority)
    unfinished.rename(folder)


def _certificate(folder: Path, name: str, subject: str, *options: str | Path) -> None:
    run("openssl", "req", "-x509", "-config", folder / "openssl.cnf", "-days", "3650", "-nodes",
        "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", subject,
        "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", *options)  # fmt: skip

"""The cluster's certificate authority, and a key and certificate for each program."""

import shutil
from pathlib import Path

from dev.cluster.layout import Layout
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


def ensure(layout: Layout, folder: Path) -> None:
    """Create the CA and all keys and certificates in `folder`.

    Does nothing if the folder exists."""
    if folder.exists():
        return
    unfinished = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    (unfinished / "openssl.cnf").write_text(render("openssl.cnf", layout=layout))
    _certificate(unfinished, "ca", f"/CN={layout.id}", "-extensions", "ca_certificate")
    # The API server reads elliptic-curve token keys only in the format of `openssl ecparam`.
    run("openssl", "ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out", unfinished / "service-accounts.key")
    for name, subject in SUBJECTS.items():
        ca = ("-CA", unfinished / "ca.crt", "-CAkey", unfinished / "ca.key")
        _certificate(unfinished, name, subject.format(name=layout.name), "-extensions", "leaf_certificate", *ca)
    unfinished.rename(folder)


def _certificate(folder: Path, name: str, subject: str, *options: str | Path) -> None:
    run("openssl", "req", "-x509", "-config", folder / "openssl.cnf", "-days", "3650", "-nodes",
        "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", subject,
        "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", *options)  # fmt: skip

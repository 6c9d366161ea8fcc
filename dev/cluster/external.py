"""A cluster that the user names by KUBE_CONTEXT: checked and used, never started, stopped or removed."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dev.cache import CHECKOUT, TOOLS
from dev.cluster import archive
from dev.cluster.base import Cluster
from dev.cluster.process import ClusterError, kubectl, run


@dataclass(frozen=True)
class ExternalCluster(Cluster):
    """The user's own cluster; images reach it through the REGISTRY that the environment names."""

    def load_image(self, tar: Path) -> None:
        """Push the image to the registry, under its own name and tag."""
        registry = os.environ.get("REGISTRY", "").rstrip("/")
        if not registry:
            raise ClusterError(
                f"set REGISTRY to a registry that cluster {self.context!r} pulls from, to push images to"
            )
        push(tar, f"{registry}/{archive.reference(tar).removeprefix('docker.io/')}")

    def down(self) -> None:
        spare()

    def kill(self) -> None:
        spare()


def push(tar: Path, target: str) -> str:
    """Push the one image of a docker archive to `target` (registry/name:tag); its digest there. Raises ClusterError."""
    return (_push_with_buildah if shutil.which("buildah") else _push_with_docker)(tar, target)


def _push_with_buildah(tar: Path, target: str) -> str:
    # As Docker does: a registry on this machine itself may speak plain HTTP.
    secure = not target.startswith(("localhost:", "127.0.0.1:"))
    with tempfile.TemporaryDirectory() as folder:  # a storage of its own leaves nothing in this machine's
        buildah = ("buildah", f"--root={folder}/storage", f"--runroot={folder}/run", "--storage-driver=vfs")
        image = run(*buildah, "pull", "--quiet", f"docker-archive:{tar}", timeout=600).strip()
        options = (f"--tls-verify={str(secure).lower()}", f"--digestfile={folder}/digest")
        run(*buildah, "push", *options, image, f"docker://{target}", timeout=600)
        return Path(folder, "digest").read_text().strip()


def _push_with_docker(tar: Path, target: str) -> str:
    run("docker", "load", "--input", tar, timeout=600)
    run("docker", "tag", archive.reference(tar).removeprefix("docker.io/"), target)
    run("docker", "push", target, timeout=600)
    return run("docker", "inspect", "--format={{index .RepoDigests 0}}", target).strip().rpartition("@")[2]


def connect(name: str, context: str) -> ExternalCluster:
    """The cluster behind a context of the user's kubeconfig, verified to answer. Raises ClusterError."""
    missing = [key for key in ("INGRESS_ADDRESS", "STORE_DOMAIN") if not os.environ.get(key)]
    if missing:
        raise ClusterError(
            f"with KUBE_CONTEXT={context}, set {' and '.join(missing)} too (see `python -m dev.cluster --help`)"
        )
    try:
        kubeconfig = _export(name, context)
        run(*kubectl(kubeconfig), "get", "--raw=/readyz")
    except ClusterError as error:
        advice = "see `kubectl config get-contexts`, and whether that cluster runs"
        raise ClusterError(f"KUBE_CONTEXT={context} does not answer ({advice}): {error}") from error
    return ExternalCluster(
        name=name,
        kubeconfig=kubeconfig,
        context=context,
        ingress_address=os.environ["INGRESS_ADDRESS"],
        pod_ingress_address=os.environ.get("POD_INGRESS_ADDRESS", os.environ["INGRESS_ADDRESS"]),
        store_domain=os.environ["STORE_DOMAIN"],
    )


def spare() -> None:
    """Raise ClusterError if KUBE_CONTEXT names the user's own cluster, which is not ours to end."""
    if context := os.environ.get("KUBE_CONTEXT"):
        raise ClusterError(f"KUBE_CONTEXT={context} is your own cluster, so it is left alone; unset it to act on ours")


def _export(name: str, context: str) -> Path:
    """Copy the one context to a kubeconfig of our own, so that no other can be hit by mistake."""
    target = CHECKOUT / "build" / "cluster" / f"{name}.kubeconfig"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    target.write_text(run(TOOLS / "bin/kubectl", "config", "view", "--minify", "--flatten", f"--context={context}"))
    return target

"""An external cluster, named by KUBE_CONTEXT. It is checked and used, but never started, stopped or removed."""

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
    """The user's own cluster.

    It pulls images from the registry that REGISTRY names."""

    def load_image(self, tar: Path) -> None:
        """Push the image to the registry with its own name and tag. Raises ClusterError."""
        registry = os.environ.get("REGISTRY", "").rstrip("/")
        if not registry:
            raise ClusterError(
                f"REGISTRY is not set; set it to a registry from which cluster {self.context!r} pulls its images"
            )
        push(tar, f"{registry}/{archive.reference(tar).removeprefix('docker.io/')}")

    def down(self) -> None:
        refuse_if_external()

    def kill(self) -> None:
        refuse_if_external()


def push(tar: Path, target: str) -> str:
    """Push the image of a Docker archive to `target` (registry/name:tag); its digest. Raises ClusterError."""
    return (_push_with_buildah if shutil.which("buildah") else _push_with_docker)(tar, target)


def _push_with_buildah(tar: Path, target: str) -> str:
    # Like Docker, allow plain HTTP for a registry on this machine.
    secure = not target.startswith(("localhost:", "127.0.0.1:"))
    with tempfile.TemporaryDirectory() as folder:  # a temporary storage, so that nothing stays in the machine's own
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
    """The cluster of a context in the user's kubeconfig. Raises ClusterError if it does not answer."""
    missing = [key for key in ("INGRESS_ADDRESS", "STORE_DOMAIN") if not os.environ.get(key)]
    if missing:
        raise ClusterError(
            f"KUBE_CONTEXT={context} also needs {' and '.join(missing)}; set them (see `python -m dev.cluster --help`)"
        )
    try:
        kubeconfig = _export(name, context)
        run(*kubectl(kubeconfig), "get", "--raw=/readyz")
    except ClusterError as error:
        advice = "Check `kubectl config get-contexts`, and that the cluster is running."
        raise ClusterError(f"KUBE_CONTEXT={context} does not answer. {advice} The cause: {error}") from error
    return ExternalCluster(
        name=name,
        kubeconfig=kubeconfig,
        context=context,
        ingress_address=os.environ["INGRESS_ADDRESS"],
        pod_ingress_address=os.environ.get("POD_INGRESS_ADDRESS", os.environ["INGRESS_ADDRESS"]),
        store_domain=os.environ["STORE_DOMAIN"],
        host_address="",
    )


def refuse_if_external() -> None:
    """Refuse to stop or remove an external cluster. Raises ClusterError if KUBE_CONTEXT is set."""
    if context := os.environ.get("KUBE_CONTEXT"):
        raise ClusterError(
            f"KUBE_CONTEXT={context} is your own cluster and is never removed; unset it to use a local cluster"
        )


def _export(name: str, context: str) -> Path:
    """Copy only this context to a new kubeconfig.

    So no command can use another context by mistake."""
    target = CHECKOUT / "build" / "cluster" / f"{name}.kubeconfig"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    target.write_text(run(TOOLS / "bin/kubectl", "config", "view", "--minify", "--flatten", f"--context={context}"))
    return target

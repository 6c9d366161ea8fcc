"""A cluster that the user names by KUBE_CONTEXT: checked and used, never started, stopped or removed."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from dev.cluster import archive
from dev.cluster.api import Cluster
from dev.cluster.shell import ClusterError, checkout, kubectl, run, tools


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
        name = archive.reference(tar).removeprefix("docker.io/")
        push = _push_with_buildah if shutil.which("buildah") else _push_with_docker
        push(tar, name, f"{registry}/{name}")

    def down(self) -> None:
        spare()

    def kill(self) -> None:
        spare()


def _push_with_buildah(tar: Path, name: str, target: str) -> None:
    # As Docker does: a registry on this machine itself may speak plain HTTP.
    secure = not target.startswith(("localhost:", "127.0.0.1:"))
    image = run("buildah", "pull", "--quiet", f"docker-archive:{tar}").strip()
    run("buildah", "push", f"--tls-verify={str(secure).lower()}", image, f"docker://{target}", timeout=600)


def _push_with_docker(tar: Path, name: str, target: str) -> None:
    run("docker", "load", "--input", tar, timeout=600)
    run("docker", "tag", name, target)
    run("docker", "push", target, timeout=600)


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
    target = checkout / "build" / "cluster" / f"{name}.kubeconfig"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    target.write_text(run(tools / "kubectl", "config", "view", "--minify", "--flatten", f"--context={context}"))
    return target

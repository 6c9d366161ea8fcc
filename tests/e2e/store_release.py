"""The release of a store chart that Helm alone installed, and its namespace; for the tests of every store type."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import httpx
import yaml

from dev import images
from dev.cluster import Cluster
from provisioner.clients.kubernetes.cluster import Cluster as Api
from provisioner.clients.kubernetes.objects import COMPONENT
from tests.waiting import until

CHARTS = Path(__file__).parents[2] / "charts"
SECRET = "its-secret"
PNG = bytes.fromhex(  # one pixel
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@dataclass(frozen=True)
class StoreRelease:
    """A release of the chart of a store `type` in its own namespace. `secret` is the content of its Secret."""

    type: ClassVar[str]

    cluster: Cluster
    name: str
    namespace: str
    secret: dict[str, str]

    @property
    def host(self) -> str:
        return f"{self.name}.{self.cluster.store_domain}"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.cluster.ingress_port}"

    def attempt(self, program: str, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run helm or kubectl in the store's namespace, and return its result even if it fails."""
        where = ["--kubeconfig", str(self.cluster.kubeconfig), "--namespace", self.namespace]
        return subprocess.run([program, *where, *arguments], input=stdin, capture_output=True, text=True, check=False)

    def run(self, program: str, *arguments: str, stdin: str | None = None) -> str:
        """Run helm or kubectl in the store's namespace, and return its output."""
        done = self.attempt(program, *arguments, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.run("kubectl", *arguments, stdin=stdin)

    def get_object(self, kind: str, name: str) -> dict[str, Any]:
        return dict(json.loads(self.kubectl("get", kind, name, "--output=json")))

    def create_object(self, kind: str, name: str, api_version: str = "v1", **content: Any) -> None:
        """Create an object. `content` has its fields other than kind and name."""
        metadata = {"name": name, **content.pop("metadata", {})}
        manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}
        self.kubectl("create", "--filename=-", stdin=json.dumps(manifest))

    def helm(
        self, verb: str, chart: Path | None = None, *, dry_run: bool = False, **values: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `helm install` or `helm upgrade` with the images built here.

        `values` override the others; "store" is merged. A `dry_run` prints what it would apply."""
        store = {"name": self.name, "displayName": self.name, "host": self.host, "url": self.url}
        store |= values.pop("store", {})
        chart = chart or CHARTS / self.type
        known = yaml.safe_load((chart / "values.yaml").read_text())
        built = {key: value for key, value in images.build_store_images()[self.type].items() if key in known}
        everything = {"store": store, "secretName": SECRET, **built, **values}
        profile = str(CHARTS / self.type / "values-local.yaml")
        arguments = [
            verb,
            self.name,
            str(chart),
            "--values",
            profile,
            "--values=-",
            "--timeout=300s",
            "--disable-openapi-validation",  # as the bot does: the API server validates too
            *(["--dry-run=server"] if dry_run else []),
        ]
        return self.attempt("helm", *arguments, stdin=yaml.safe_dump(everything))

    def install(self, chart: Path | None = None, **values: Any) -> None:
        """Run `helm install`, and wait until the store answers."""
        done = self.helm("install", chart, **values)
        assert done.returncode == 0, done.stderr
        until("the store answers through the ingress", self.answers, 300)

    def request(self, path: str, **options: Any) -> httpx.Response:
        """Send a request through the ingress; a POST if it has JSON or files."""
        method = options.pop("method", "POST" if {"json", "files"} & options.keys() else "GET")
        with self.cluster.client(self.host) as client:
            return client.request(method, path, **options)

    def answers(self, status: int = 200) -> bool:
        """Return whether the home page has that status."""
        try:
            return self.request("/").status_code == status
        except httpx.HTTPError:
            return False

    def pod(self, component: str) -> dict[str, Any]:
        """The first pod of a component, or {}."""
        found = _api(self.cluster.kubeconfig).pods(self.namespace, {COMPONENT: component})
        return found[0] if found else {}

    def restarts(self, component: str) -> int:
        """The number of container restarts in that pod."""
        return sum(container["restartCount"] for container in self.pod(component)["status"]["containerStatuses"])

    def volumes(self) -> list[str]:
        """The PersistentVolumes that are claimed in the store's namespace."""
        found = json.loads(self.kubectl("get", "persistentvolumes", "--output=json"))["items"]
        return [v["metadata"]["name"] for v in found if v["spec"]["claimRef"]["namespace"] == self.namespace]


@cache
def _api(kubeconfig: Path) -> Api:
    """A client, for what tests ask again and again: kubectl takes 0.1 s of processor time each time."""
    return Api(kubeconfig)


@contextmanager
def store_namespace(release: StoreRelease) -> Iterator[None]:
    """The release's namespace with the store's Secret, as the provisioner creates them; deleted after the block."""
    release.create_object("Namespace", release.namespace, metadata={"labels": RESTRICTED})
    try:
        release.create_object("Secret", SECRET, stringData=release.secret)
        yield
    finally:
        release.kubectl("delete", "namespace", release.namespace, "--ignore-not-found", "--wait=false")


def process_id(pod: dict[str, Any], text: bytes) -> int:
    """The pid, on this machine, of a pod's oldest process that has `text` in its command line."""
    uid = pod["metadata"]["uid"]  # a part of the name of the pod's control group
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda folder: int(folder.name)):
        try:
            group, command = (folder / "cgroup").read_text(), (folder / "cmdline").read_bytes()
        except OSError:
            continue  # the process has ended
        if uid in group and text in command:
            return int(folder.name)
    raise AssertionError(f"no process of the pod {uid} on this machine")

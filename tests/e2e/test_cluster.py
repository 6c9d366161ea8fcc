"""The local cluster from its start to its removal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev import cluster as clusters
from dev.cluster import Cluster, ClusterError, archive, components, local
from dev.cluster.layout import STATE_DIR, Layout, load
from dev.cluster.node import Node
from dev.cluster.process import kubectl, run
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).with_name("cluster_probe.yaml")
NAME = "e2e"


def kube(cluster: Cluster, *arguments: str) -> str:
    return run(*kubectl(cluster.kubeconfig), *arguments)


def pod(cluster: Cluster) -> Any:
    return json.loads(kube(cluster, "get", "pod", "web-0", "--namespace=probe", "--output=json"))


def restarts(pod: Any) -> int:
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def in_pod(cluster: Cluster, *command: str) -> str:
    return kube(cluster, "exec", "web-0", "--namespace=probe", "--", "/busybox", *command).strip()


def page(cluster: Cluster) -> str:
    """The probe's page through the ingress, or the error status."""
    answer = cluster.get("probe.localhost")
    return answer.text.strip() if answer.status_code == 200 else str(answer.status_code)


def await_page(cluster: Cluster) -> str:
    """The probe's page (a UUID), once the ingress serves it."""
    return until("the probe answers", lambda: found if len(found := page(cluster)) == 36 else "", 30)


def deploy_probe(cluster: Cluster, folder: Path) -> str:
    image = folder / "probe.tar"
    archive.write(image, "storewright/probe:1", {"busybox": Path("/bin/busybox")}, ["/busybox"])
    cluster.load_image(image)
    kube(cluster, "apply", f"--filename={PROBE}")
    kube(cluster, "rollout", "status", "statefulset/web", "--namespace=probe", "--timeout=30s", "--request-timeout=0")
    return await_page(cluster)


def layout_of(name: str) -> Layout:
    layout = load(name, ROOT)
    assert layout
    return layout


def processes(name: str) -> dict[str, int]:
    """The pid of each running component."""
    running = {process.argv: process.pid for process in Node(layout_of(name)).processes()}
    expected = [create(layout_of(name)) for create in components.ALL]
    return {component.name: running[component.argv] for component in expected if component.argv in running}


def restarted(before: dict[str, int]) -> set[str]:
    """The components whose pid is not the same as `before`."""
    now = processes(NAME)
    return {name for name, pid in before.items() if now.get(name) != pid}


@pytest.fixture(scope="module")
def fresh() -> Iterator[Cluster]:
    clusters.down(NAME)
    yield clusters.up(NAME)
    clusters.down(NAME)


@pytest.fixture(scope="module")
def probe_page(fresh: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the deployed probe, which its volume stores."""
    return deploy_probe(fresh, tmp_path_factory.mktemp("image"))


def test_cluster_is_kubernetes_with_default_classes(fresh: Cluster) -> None:
    assert '"gitVersion": "v1.34.4"' in kube(fresh, "get", "--raw=/version")
    assert "Ready" in kube(fresh, "get", "nodes").split()
    assert "standard (default)" in kube(fresh, "get", "storageclass")
    assert '"is-default-class"' not in kube(fresh, "get", "ingressclass", "traefik", "--output=json")
    assert "ingressclass.kubernetes.io/is-default-class" in kube(fresh, "get", "ingressclass", "--output=yaml")


def test_second_up_restarts_nothing(fresh: Cluster) -> None:
    before = processes(NAME)
    assert clusters.up(NAME) == fresh
    assert restarted(before) == set()
    assert len(before) == len(components.ALL)


def test_up_restarts_only_a_component_that_has_ended(fresh: Cluster) -> None:
    before = processes(NAME)
    os.kill(before["coredns"], signal.SIGKILL)
    clusters.up(NAME)
    assert restarted(before) == {"coredns"}


def test_up_restarts_a_component_whose_program_file_was_replaced(fresh: Cluster) -> None:
    before, program = processes(NAME), layout_of(NAME).lib / "bin" / "traefik"
    newer = program.with_name("newer")
    shutil.copy(program, newer)
    newer.rename(program)
    clusters.up(NAME)
    assert restarted(before) == {"traefik"}


def test_pod_reaches_service_by_name_and_ingress_by_the_browsers_url(fresh: Cluster, probe_page: str) -> None:
    assert page(fresh) == probe_page
    assert in_pod(fresh, "wget", "-qO-", "http://web.probe.svc.cluster.local/") == probe_page
    assert in_pod(fresh, "wget", "-qO-", f"http://probe.localhost:{fresh.ingress_port}/") == probe_page
    by_address = ("--header", "Host: probe.localhost", f"http://{fresh.pod_ingress_address}/")
    assert in_pod(fresh, "wget", "-qO-", *by_address) == probe_page


def test_lookup_of_an_external_name_in_a_pod_fails_at_once(fresh: Cluster, probe_page: str) -> None:
    start = time.monotonic()
    with pytest.raises(ClusterError, match="bad address"):
        in_pod(fresh, "wget", "-qO-", "http://somewhere.example/")
    assert time.monotonic() - start < 3


def test_cluster_enforces_pod_security_and_accepts_service_account_tokens(fresh: Cluster, probe_page: str) -> None:
    with pytest.raises(ClusterError, match="violates PodSecurity"):
        kube(fresh, "run", "bad", "--namespace=probe", "--image=storewright/probe:1", "--privileged")
    token = kube(fresh, "create", "token", "default", "--namespace=probe").strip()
    layout = layout_of(NAME)
    ca = f"--certificate-authority={layout.lib}/kubernetes/pki/ca.crt"
    server = (f"--server=https://{layout.node_address}:6443", ca, f"--token={token}")
    whoami = run(*kubectl(Path("/dev/null")), *server, "auth", "whoami", "--output=json")
    assert json.loads(whoami)["status"]["userInfo"]["username"] == "system:serviceaccount:probe:default"


def test_up_after_kill_reports_a_port_in_use_or_restores_the_same_pod_and_data(fresh: Cluster, probe_page: str) -> None:
    before = pod(fresh)
    clusters.kill(NAME)
    assert clusters.find(NAME) is None
    with (
        socket.create_server(("127.0.0.1", fresh.ingress_port)),
        pytest.raises(ClusterError, match=f"another program uses port {fresh.ingress_port}"),
    ):
        clusters.up(NAME)
    clusters.up(NAME)
    assert await_page(fresh) == probe_page
    until("the pod has restarted", lambda: restarts(pod(fresh)) > restarts(before), 30)
    after = pod(fresh)
    assert restarts(after) == restarts(before) + 1
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_up_succeeds_after_an_interrupted_up(fresh: Cluster, probe_page: str) -> None:
    clusters.kill(NAME)
    for seconds in (0.5, 1, 2):
        interrupted = subprocess.Popen([sys.executable, "-m", "dev.cluster", "up", "--name", NAME], cwd=ROOT)
        time.sleep(seconds)
        interrupted.kill()
        interrupted.wait()
    clusters.up(NAME)
    assert await_page(fresh) == probe_page


def test_two_clusters_run_side_by_side(fresh: Cluster, probe_page: str, tmp_path: Path) -> None:
    before = groups(layout_of(NAME))
    other = clusters.up("e2e-other")
    try:
        other_page = deploy_probe(other, tmp_path)
        assert page(fresh) == probe_page != other_page
        assert in_pod(other, "wget", "-qO-", "http://web/") == other_page
    finally:
        layout = layout_of("e2e-other")
        other.down()
    assert traces(layout) == []
    assert page(fresh) == probe_page
    assert groups(layout_of(NAME)) == before


def test_deleting_a_claim_removes_its_directory(fresh: Cluster, probe_page: str) -> None:
    volumes = layout_of(NAME).lib / "volumes"
    assert [(folder / "index.html").read_text().strip() for folder in volumes.iterdir()] == [probe_page]
    kube(fresh, "delete", "statefulset/web", "pvc/data", "--namespace=probe", "--request-timeout=0")
    until("the directory is removed", lambda: not list(volumes.iterdir()), 30)


def test_command_line_prints_environment_and_status(fresh: Cluster) -> None:
    command = [sys.executable, "-m", "dev.cluster"]
    shell = run(*command, "env", "--name", NAME)
    assert run("sh", stdin=shell + 'printf %s "$KUBECONFIG $INGRESS_ADDRESS $STORE_DOMAIN"') == (
        f"{fresh.kubeconfig} {fresh.ingress_address} {fresh.store_domain}"
    )
    assert run(*command, "status", "--name", NAME).count("running as process") == len(components.ALL)
    with pytest.raises(ClusterError, match=r"start it with `python -m dev.cluster up --name nowhere`"):
        run(*command, "env", "--name", "nowhere")


def test_loading_a_file_that_is_not_an_image_archive_is_refused(fresh: Cluster, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar"
    broken.write_text("not an archive")
    with pytest.raises(ClusterError, match=r"broken\.tar is not an image archive"):
        fresh.load_image(broken)


def test_external_cluster_is_used_but_never_removed(fresh: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(fresh.kubeconfig))
    monkeypatch.setenv("KUBE_CONTEXT", fresh.context)
    with pytest.raises(ClusterError, match="also needs INGRESS_ADDRESS and STORE_DOMAIN"):
        clusters.up("e2e-named")
    monkeypatch.setenv("INGRESS_ADDRESS", fresh.ingress_address)
    monkeypatch.setenv("STORE_DOMAIN", "shops.example")
    external = clusters.up("e2e-named")
    assert (external.context, external.ingress_port, external.store_domain) == (
        fresh.context,
        fresh.ingress_port,
        "shops.example",
    )
    assert kube(external, "get", "--raw=/readyz") == "ok"
    with pytest.raises(ClusterError, match="your own cluster"):
        external.down()
    monkeypatch.setenv("KUBE_CONTEXT", "nowhere")
    with pytest.raises(ClusterError, match="KUBE_CONTEXT=nowhere does not answer"):
        clusters.up("e2e-named")
    external.kubeconfig.unlink()


def test_down_removes_everything(fresh: Cluster) -> None:
    layout = layout_of(NAME)
    assert len(traces(layout)) > 10
    clusters.down(NAME)
    assert traces(layout) == []
    clusters.down(NAME)
    assert next(local.status(NAME)).startswith("e2e: does not exist")


def groups(layout: Layout) -> set[str]:
    """The cluster's control groups, without those of single pods."""
    return {str(path) for path in Path("/sys/fs/cgroup").glob(f"*/storewright/{layout.id}/*/*") if path.is_dir()}


def traces(layout: Layout) -> list[str]:
    """The cluster's files, groups, interfaces, routes and processes on this machine."""
    found = [str(path) for path in (STATE_DIR / layout.id, layout.kubeconfig) if path.exists()]
    found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/storewright/{layout.id}")]
    found += [line for line in run("ip", "-oneline", "addr").splitlines() if f" {layout.interface} " in line]
    found += [line for line in run("ip", "route").splitlines() if str(layout.block.network_address) in line]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_text() + (process / "mountinfo").read_text()
        except OSError:
            continue
        found += [str(process)] if layout.id in text else []
    return found

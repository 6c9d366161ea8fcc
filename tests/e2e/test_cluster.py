"""The local cluster as its users meet it: real pods, volumes, names and ingress; killed, doubled and removed."""

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
from dev.cluster.layout import STATE, Site, load
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
    """What the probe's ingress answers on this machine, by its status or, if that is 200, its text."""
    answer = cluster.get("probe.localhost")
    return answer.text.strip() if answer.status_code == 200 else str(answer.status_code)


def settled_page(cluster: Cluster) -> str:
    """The probe's page (a UUID), once it is there."""
    return until("the probe answers", lambda: found if len(found := page(cluster)) == 36 else "", 30)


def deploy_probe(cluster: Cluster, folder: Path) -> str:
    image = folder / "probe.tar"
    archive.write(image, "storewright/probe:1", {"busybox": Path("/bin/busybox")}, ["/busybox"])
    cluster.load_image(image)
    kube(cluster, "apply", f"--filename={PROBE}")
    kube(cluster, "rollout", "status", "statefulset/web", "--namespace=probe", "--timeout=30s", "--request-timeout=0")
    return settled_page(cluster)


def site_of(name: str) -> Site:
    site = load(name, ROOT)
    assert site
    return site


def processes(name: str) -> dict[str, int]:
    """The process of each component that runs."""
    running = {process.argv: process.pid for process in Node(site_of(name)).processes()}
    wanted = [make(site_of(name)) for make in components.ALL]
    return {component.name: running[component.argv] for component in wanted if component.argv in running}


def restarted(before: dict[str, int]) -> set[str]:
    """The components that now run as another process than `before`."""
    now = processes(NAME)
    return {name for name, pid in before.items() if now.get(name) != pid}


@pytest.fixture(scope="module")
def fresh() -> Iterator[Cluster]:
    clusters.down(NAME)
    yield clusters.up(NAME)
    clusters.down(NAME)


@pytest.fixture(scope="module")
def words(fresh: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The probe runs; this is what its volume holds."""
    return deploy_probe(fresh, tmp_path_factory.mktemp("image"))


def test_is_kubernetes_with_default_classes(fresh: Cluster) -> None:
    assert '"gitVersion": "v1.34.4"' in kube(fresh, "get", "--raw=/version")
    assert "Ready" in kube(fresh, "get", "nodes").split()
    assert "standard (default)" in kube(fresh, "get", "storageclass")
    assert '"is-default-class"' not in kube(fresh, "get", "ingressclass", "traefik", "--output=json")
    assert "ingressclass.kubernetes.io/is-default-class" in kube(fresh, "get", "ingressclass", "--output=yaml")


def test_second_up_changes_nothing_and_is_quick(fresh: Cluster) -> None:
    before, begun = processes(NAME), time.monotonic()
    assert clusters.up(NAME) == fresh
    assert time.monotonic() - begun < 5
    assert restarted(before) == set()
    assert len(before) == len(components.ALL)


def test_up_starts_what_has_ended_and_nothing_else(fresh: Cluster) -> None:
    before = processes(NAME)
    os.kill(before["coredns"], signal.SIGKILL)
    clusters.up(NAME)
    assert restarted(before) == {"coredns"}


def test_up_replaces_a_program_whose_file_is_new(fresh: Cluster) -> None:
    before, program = processes(NAME), site_of(NAME).lib / "bin" / "traefik"
    newer = program.with_name("newer")
    shutil.copy(program, newer)
    newer.rename(program)
    clusters.up(NAME)
    assert restarted(before) == {"traefik"}


def test_pod_reaches_service_by_name_and_ingress_by_the_same_url(fresh: Cluster, words: str) -> None:
    assert page(fresh) == words
    assert in_pod(fresh, "wget", "-qO-", "http://web.probe.svc.cluster.local/") == words
    assert in_pod(fresh, "wget", "-qO-", f"http://probe.localhost:{fresh.ingress_port}/") == words
    by_address = ("--header", "Host: probe.localhost", f"http://{fresh.pod_ingress_address}/")
    assert in_pod(fresh, "wget", "-qO-", *by_address) == words


def test_pod_has_no_way_out_and_learns_it_at_once(fresh: Cluster, words: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ClusterError, match="bad address"):
        in_pod(fresh, "wget", "-qO-", "http://somewhere.example/")
    assert time.monotonic() - begun < 3


def test_admission_and_tokens_are_real(fresh: Cluster, words: str) -> None:
    with pytest.raises(ClusterError, match="violates PodSecurity"):
        kube(fresh, "run", "bad", "--namespace=probe", "--image=storewright/probe:1", "--privileged")
    token = kube(fresh, "create", "token", "default", "--namespace=probe").strip()
    site = site_of(NAME)
    authority = f"--certificate-authority={site.lib}/kubernetes/pki/ca.crt"
    server = (f"--server=https://{site.node_address}:6443", authority, f"--token={token}")
    whoami = run(*kubectl(Path("/dev/null")), *server, "auth", "whoami", "--output=json")
    assert json.loads(whoami)["status"]["userInfo"]["username"] == "system:serviceaccount:probe:default"


def test_kill_and_up_bring_back_the_same_pod_and_data(fresh: Cluster, words: str) -> None:
    before = pod(fresh)
    clusters.kill(NAME)
    assert clusters.find(NAME) is None
    clusters.up(NAME)
    assert settled_page(fresh) == words
    until("the pod is started again", lambda: restarts(pod(fresh)) > restarts(before), 30)
    after = pod(fresh)
    assert restarts(after) == restarts(before) + 1
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_up_killed_half_way_can_be_run_again(fresh: Cluster, words: str) -> None:
    clusters.kill(NAME)
    for patience in (0.5, 1, 2):
        half = subprocess.Popen([sys.executable, "-m", "dev.cluster", "up", "--name", NAME], cwd=ROOT)
        time.sleep(patience)
        half.kill()
        half.wait()
    clusters.up(NAME)
    assert settled_page(fresh) == words


def test_up_says_so_when_its_port_was_taken_meanwhile(fresh: Cluster, words: str) -> None:
    clusters.kill(NAME)
    with (
        socket.create_server(("127.0.0.1", fresh.ingress_port)),
        pytest.raises(ClusterError, match=f"another program took port {fresh.ingress_port}"),
    ):
        clusters.up(NAME)
    clusters.up(NAME)
    assert settled_page(fresh) == words


def test_two_clusters_side_by_side(fresh: Cluster, words: str, tmp_path: Path) -> None:
    before = groups(site_of(NAME))
    other = clusters.up("e2e-other")
    try:
        other_words = deploy_probe(other, tmp_path)
        assert page(fresh) == words != other_words
        assert in_pod(other, "wget", "-qO-", "http://web/") == other_words
    finally:
        site = site_of("e2e-other")
        other.down()
    assert traces(site) == []
    assert page(fresh) == words
    assert groups(site_of(NAME)) == before


def test_claim_takes_its_directory_with_it(fresh: Cluster, words: str) -> None:
    volumes = site_of(NAME).lib / "volumes"
    assert [(folder / "index.html").read_text().strip() for folder in volumes.iterdir()] == [words]
    kube(fresh, "delete", "statefulset/web", "pvc/data", "--namespace=probe", "--request-timeout=0")
    until("its directory is gone", lambda: not list(volumes.iterdir()), 30)


def test_command_line_tells_how_to_reach_it(fresh: Cluster) -> None:
    command = [sys.executable, "-m", "dev.cluster"]
    shell = run(*command, "env", "--name", NAME)
    assert run("sh", stdin=shell + 'printf %s "$KUBECONFIG $INGRESS_ADDRESS $STORE_DOMAIN"') == (
        f"{fresh.kubeconfig} {fresh.ingress_address} {fresh.store_domain}"
    )
    assert run(*command, "status", "--name", NAME).count("runs as process") == len(components.ALL)
    with pytest.raises(ClusterError, match=r"start it with `python -m dev.cluster up --name nowhere`"):
        run(*command, "env", "--name", "nowhere")


def test_what_cannot_be_loaded_is_refused_in_words(fresh: Cluster, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar"
    broken.write_text("no archive")
    with pytest.raises(ClusterError, match=r"broken\.tar is no image archive"):
        fresh.load_image(broken)


def test_named_context_is_used_and_spared(fresh: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(fresh.kubeconfig))
    monkeypatch.setenv("KUBE_CONTEXT", fresh.context)
    with pytest.raises(ClusterError, match="set INGRESS_ADDRESS and STORE_DOMAIN too"):
        clusters.up("e2e-named")
    monkeypatch.setenv("INGRESS_ADDRESS", fresh.ingress_address)
    monkeypatch.setenv("STORE_DOMAIN", "shops.example")
    named = clusters.up("e2e-named")
    assert (named.context, named.ingress_port, named.store_domain) == (
        fresh.context,
        fresh.ingress_port,
        "shops.example",
    )
    assert kube(named, "get", "--raw=/readyz") == "ok"
    with pytest.raises(ClusterError, match="your own cluster"):
        named.down()
    monkeypatch.setenv("KUBE_CONTEXT", "nowhere")
    with pytest.raises(ClusterError, match="KUBE_CONTEXT=nowhere does not answer"):
        clusters.up("e2e-named")
    named.kubeconfig.unlink()


def test_down_leaves_nothing(fresh: Cluster) -> None:
    site = site_of(NAME)
    assert len(traces(site)) > 10
    clusters.down(NAME)
    assert traces(site) == []
    clusters.down(NAME)
    assert next(local.status(NAME)).startswith("e2e: there is none")


def groups(site: Site) -> set[str]:
    """The control groups down to the quality-of-service classes, which belong to no single pod."""
    return {str(path) for path in Path("/sys/fs/cgroup").glob(f"*/storewright/{site.id}/*/*") if path.is_dir()}


def traces(site: Site) -> list[str]:
    """Everything on this machine that is of the cluster: files, groups, interfaces, routes, processes, mounts."""
    found = [str(path) for path in (STATE / site.id, site.kubeconfig) if path.exists()]
    found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/storewright/{site.id}")]
    found += [line for line in run("ip", "-oneline", "addr").splitlines() if f" {site.interface} " in line]
    found += [line for line in run("ip", "route").splitlines() if str(site.block.network_address) in line]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_text() + (process / "mountinfo").read_text()
        except OSError:
            continue
        found += [str(process)] if site.id in text else []
    return found

"""A cluster's id, address block and port conflict with no other."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from dev.cluster.layout import CLUSTER_INDEXES, Layout, cluster_id, free_index, port_is_free
from dev.cluster.process import ClusterError


def test_id_differs_by_name_and_checkout(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.symlink_to(here)
    ids = {cluster_id("dev", here), cluster_id("test", here), cluster_id("dev", tmp_path)}
    assert len(ids) == 3
    assert cluster_id("dev", there) == cluster_id("dev", here)
    assert cluster_id("dev", here).startswith("dev-")


@pytest.mark.parametrize("name", ["", "-dev", "dev-", "Dev", "a/b", "..", "dev cluster", "d" * 21, "dév", "dev\n"])
def test_invalid_cluster_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="is not a valid cluster name"):
        cluster_id(name, tmp_path)


@pytest.mark.parametrize(
    ("taken", "networks", "index"),
    [
        (set(), [], 0),
        ({0, 2}, [], 1),
        (set(), ["10.100.3.0/24"], 1),
        (set(), ["10.96.0.0/12", "192.168.0.0/16"], 12),
        ({12}, ["10.96.0.0/12"], 13),
        (set(), ["0.0.0.0/0"], 0),
    ],
)
def test_free_index_is_the_first_without_overlap(taken: set[int], networks: list[str], index: int) -> None:
    assert free_index(taken, map(IPv4Network, networks)) == index


def test_error_without_free_index_suggests_removing_a_cluster() -> None:
    with pytest.raises(ClusterError, match="down"):
        free_index(set(CLUSTER_INDEXES), [])
    with pytest.raises(ClusterError, match="down"):
        free_index(set(), [IPv4Network("10.0.0.0/8")])


def test_networks_of_a_layout_are_disjoint_and_inside_its_block(tmp_path: Path) -> None:
    layout = Layout("dev", tmp_path, 7, 8081)
    pods, services = IPv4Network(layout.pod_cidr), IPv4Network(layout.service_cidr)
    veth = IPv4Network(f"{layout.host_address}/30", strict=False)
    assert IPv4Address(layout.node_address) in veth
    assert IPv4Address(layout.api_service_address) == services[1]
    assert all(network.subnet_of(layout.block) for network in (pods, services, veth))
    assert not pods.overlaps(services)
    assert not veth.overlaps(services)
    assert len(Layout("dev", tmp_path, CLUSTER_INDEXES[-1], 8081).interface) <= 15


def test_port_in_use_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)

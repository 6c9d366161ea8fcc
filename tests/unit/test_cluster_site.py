"""Where a cluster goes on a machine: ids, address blocks and ports that clash with nothing."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from dev.cluster.layout import BLOCKS, Site, cluster_id, free_index, port_is_free
from dev.cluster.process import ClusterError


def test_id_tells_names_and_checkouts_apart(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.symlink_to(here)
    ids = {cluster_id("dev", here), cluster_id("test", here), cluster_id("dev", tmp_path)}
    assert len(ids) == 3
    assert cluster_id("dev", there) == cluster_id("dev", here)
    assert cluster_id("dev", here).startswith("dev-")


@pytest.mark.parametrize("name", ["", "-dev", "dev-", "Dev", "a/b", "..", "dev cluster", "d" * 21, "dév", "dev\n"])
def test_name_that_could_not_be_a_directory_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="cannot name a cluster"):
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
def test_block_is_the_first_that_overlaps_nothing(taken: set[int], networks: list[str], index: int) -> None:
    assert free_index(taken, map(IPv4Network, networks)) == index


def test_full_machine_is_told_in_words() -> None:
    with pytest.raises(ClusterError, match="down"):
        free_index(set(BLOCKS), [])
    with pytest.raises(ClusterError, match="down"):
        free_index(set(), [IPv4Network("10.0.0.0/8")])


def test_addresses_of_one_site_are_disjoint_and_inside_its_block(tmp_path: Path) -> None:
    site = Site("dev", tmp_path, 7, 8081)
    pods, services = IPv4Network(site.pods), IPv4Network(site.services)
    cable = IPv4Network(f"{site.host_address}/30", strict=False)
    assert IPv4Address(site.node_address) in cable
    assert IPv4Address(site.first_service) == services[1]
    assert all(network.subnet_of(site.block) for network in (pods, services, cable))
    assert not pods.overlaps(services)
    assert not cable.overlaps(services)
    assert len(Site("dev", tmp_path, BLOCKS[-1], 8081).interface) <= 15


def test_port_in_use_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)

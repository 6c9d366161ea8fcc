"""A cluster's id, address block and port conflict with no other."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from dev.cluster.layout import CLUSTER_INDEXES, Layout, cluster_id, free_index
from dev.cluster.process import ClusterError

CHECKOUT = Path(__file__).parent


@pytest.mark.parametrize("name", ["", "-dev", "dev-", "Dev", "a/b", "..", "dev cluster", "d" * 21, "dév", "dev\n"])
def test_invalid_cluster_name_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="is not a valid cluster name"):
        cluster_id(name, CHECKOUT)


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


def test_networks_of_a_layout_are_disjoint_and_inside_its_block() -> None:
    layout = Layout("dev", CHECKOUT, 7, 8081)
    pods, services = IPv4Network(layout.pod_cidr), IPv4Network(layout.service_cidr)
    veth = IPv4Network(f"{layout.host_address}/30", strict=False)
    assert IPv4Address(layout.node_address) in veth
    assert IPv4Address(layout.api_service_address) == services[1]
    assert all(network.subnet_of(layout.block) for network in (pods, services, veth))
    assert not pods.overlaps(services)
    assert not veth.overlaps(services)
    assert len(Layout("dev", CHECKOUT, CLUSTER_INDEXES[-1], 8081).interface) <= 15

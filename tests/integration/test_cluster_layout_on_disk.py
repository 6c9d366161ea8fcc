"""A cluster's id comes from its checkout's real path, and its port is one that nothing uses."""

from __future__ import annotations

import socket
from pathlib import Path

from dev.cluster.layout import cluster_id, port_is_free


def test_id_differs_by_name_and_checkout(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.symlink_to(here)
    ids = {cluster_id("dev", here), cluster_id("test", here), cluster_id("dev", tmp_path)}
    assert len(ids) == 3
    assert cluster_id("dev", there) == cluster_id("dev", here)
    assert cluster_id("dev", here).startswith("dev-")


def test_port_in_use_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)

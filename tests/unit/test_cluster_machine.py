"""A machine that cannot hold a cluster of its own: its user is told the two ways on."""

from __future__ import annotations

import os
import shutil

import pytest

from dev.cluster import local
from dev.cluster.process import ClusterError


def test_a_user_who_is_not_root_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match=r"KUBE_CONTEXT=(.|\n)*docker run --privileged"):
        local.up("unit")


def test_so_is_one_whose_machine_is_no_debian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ClusterError, match=r"KUBE_CONTEXT=(.|\n)*docker run --privileged"):
        local.up("unit")

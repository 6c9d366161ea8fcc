"""The error for a machine that can't run a local cluster."""

from __future__ import annotations

import os
import shutil

import pytest

from dev.cluster import local
from dev.cluster.process import ClusterError


def test_up_without_root_shows_the_alternatives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match=r"KUBE_CONTEXT=(.|\n)*docker run --privileged"):
        local.up("unit")


def test_up_without_debian_shows_the_alternatives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ClusterError, match=r"KUBE_CONTEXT=(.|\n)*docker run --privileged"):
        local.up("unit")

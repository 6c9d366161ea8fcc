"""A tiny store with a volume for uploads, and real backups of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dev.stack import backup_image, kubectl
from tests.e2e.backup_server import BackupServer
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.reused import reused
from tests.e2e.sample_type import BOOKLET, SampleType, load_image
from tests.e2e.upgraded_store import UpgradedStore

PICTURE_BYTES = 3_000_000
CONNECT_SECONDS = 20  # on a busy machine a server that is there may take 10


class BackedUpStore(UpgradedStore):
    """A booklet with a volume for uploads."""

    def upload(self, name: str = "picture") -> str:
        """Write a new file of PICTURE_BYTES to the uploads; returns its checksum."""
        self.shell(f"/busybox head -c {PICTURE_BYTES} /dev/urandom >/volume/{name}")
        return self.checksum(name)

    def checksum(self, name: str = "picture") -> str:
        """The checksum of an uploaded file, or ''."""
        return self.shell(f"/busybox md5sum </volume/{name} || true").split(" ")[0]

    def picture_in(self, name: str) -> str:
        """The checksum of the picture in the store called `name`, which was made from this one."""
        inside = ("-n", f"store-{name}", "exec", f"deployment/{name}", "--", "/busybox", "md5sum", "/volume/picture")
        return kubectl(self.harness.cluster, *inside).split(" ")[0]

    def use_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let `storewright …` use the harness's ledger, cluster and backup server until the test ends."""
        settings = {
            "LEDGER_PATH": self.harness.ledger.path,
            "CHARTS_DIR": self.harness.charts,
            "KUBECONFIG": self.harness.cluster.kubeconfig,
            "STORE_DOMAIN": self.harness.cluster.store_domain,
            "BACKUP_SERVER": self.harness.tools.defaults.backup_server,
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))

    def shell(self, script: str) -> str:
        """Run a script in the application's pod."""
        return self.kubectl("exec", f"deployment/{self.name}", "--", "/busybox", "sh", "-c", script)


def reused_store(first: BackedUpStore) -> Callable[[], BackedUpStore]:
    """Gives the first store, and another one only once a test has left it broken."""
    unused = [first]
    return reused(lambda: unused.pop() if unused else BackedUpStore(first.harness, first.type))


class HarnessWithServer(ProvisionerHarness):
    """Backs up to a server of its own."""

    def __init__(self, server: BackupServer, folder: Path, charts: Path, type: str) -> None:
        self.server = server
        super().__init__(server.cluster, folder, charts, type)

    def defaults(self) -> dict[str, Any]:
        return {**super().defaults(), "backup_server": self.server.url}


def booklet_values() -> dict[str, Any]:
    """The values of a booklet with uploads and backups."""
    return {
        "openingSeconds": 0,
        "claims": {"uploads": {"size": "16Mi", "accessMode": "ReadWriteOnce"}},
        "backup": {"image": backup_image(), "connectSeconds": CONNECT_SECONDS},
    }


@contextmanager
def backed_up_store(server: BackupServer, folder: Path, *options: str) -> Iterator[BackedUpStore]:
    """A new store and its own backup server, started with `options`; everything is removed afterwards."""
    load_image(server.cluster, folder)
    server.start(*options)
    type = SampleType(folder / "charts", BOOKLET)
    harness = HarnessWithServer(server, folder, type.charts, type.name)
    harness.overlay[type.name] = booklet_values()
    harness.undelete_days = 7
    harness.reopen()
    yield BackedUpStore(harness, type)
    harness.close()
    harness.remove_all()
    server.remove()

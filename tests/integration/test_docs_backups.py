"""The password of a deleted store's backups, computed as docs/operating.md says."""

from __future__ import annotations

import re
import subprocess

from provisioner.operations.steps import backup_keys
from tests.conftest import ROOT


def test_password_follows_from_the_key_as_the_page_says() -> None:
    (command,) = re.findall(r"^ {4}(printf 'store.*)$", (ROOT / "docs/operating.md").read_text(), re.MULTILINE)
    key = "0f" * 32
    done = subprocess.run(
        ["sh", "-c", command], env={"ID": "a1b2c3", "KEY": key, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert done.stdout.split()[-1] == backup_keys.password({"key": key}, "a1b2c3")

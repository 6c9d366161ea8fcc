"""The Slack app's manifest is what Slack's own types of it, in their npm package, say it may be."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dev.cache import TOOLS
from dev.slack.npm import node_modules
from tests.unit.test_slack_manifest import manifest

PACKAGE = Path(__file__).parent / "slack_types"


def complaints(made: Any, folder: Path) -> str:
    """What the TypeScript compiler says to a manifest written where Slack's type is asked for."""
    modules = node_modules(PACKAGE)
    (folder / "node_modules").symlink_to(modules)
    source = folder / "manifest.ts"
    type_import = 'import type { Manifest } from "@slack/web-api/dist/types/request/manifest";'
    source.write_text(f"{type_import}\nexport const made: Manifest = {json.dumps(made)};\n")
    compiler = (TOOLS / "bin/node", modules / "typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck")
    done = subprocess.run([*map(str, compiler), str(source)], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (not done.stdout), done
    return done.stdout


@pytest.mark.parametrize("mode", ["socket", "http"])
def test_slack_takes_it(mode: str, tmp_path: Path) -> None:
    assert complaints(manifest(mode), tmp_path) == ""


@pytest.mark.parametrize(
    "spoil",
    [
        lambda made: made["oauth_config"]["scopes"]["bot"].append("chat:wirte"),
        lambda made: made["settings"]["event_subscriptions"]["bot_events"].append("app_home_closed"),
        lambda made: made["settings"].update(socket_mode=True),
        lambda made: made["display_information"].pop("name"),
    ],
    ids=["unknown scope", "unknown event", "unknown setting", "no name"],
)
def test_what_slack_would_not_take_is_found(spoil: Callable[[Any], Any], tmp_path: Path) -> None:
    made = manifest()
    spoil(made)
    assert "manifest.ts(2," in complaints(made, tmp_path)

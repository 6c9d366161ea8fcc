"""The Slack app manifest is valid by the types in Slack's npm package."""

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


def type_errors(made: Any, folder: Path) -> str:
    """The TypeScript compiler's errors for a manifest that is declared with Slack's type."""
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
def test_manifest_has_slacks_type(mode: str, tmp_path: Path) -> None:
    assert type_errors(manifest(mode), tmp_path) == ""


@pytest.mark.parametrize(
    "break_manifest",
    [
        lambda made: made["oauth_config"]["scopes"]["bot"].append("chat:wirte"),
        lambda made: made["settings"]["event_subscriptions"]["bot_events"].append("app_home_closed"),
        lambda made: made["settings"].update(socket_mode=True),
        lambda made: made["display_information"].pop("name"),
    ],
    ids=["unknown scope", "unknown event", "unknown setting", "no name"],
)
def test_invalid_manifest_is_a_type_error(break_manifest: Callable[[Any], Any], tmp_path: Path) -> None:
    made = manifest()
    break_manifest(made)
    assert "manifest.ts(2," in type_errors(made, tmp_path)

"""The records of a release: helm keeps each revision in a Secret, as base64 of gzipped JSON.

helm.sh/docs: storage backends; helm.sh/helm: pkg/storage/driver, encodeRelease."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode, b64encode
from typing import Any

KEY = "release"  # of the Secret


def decode(text: str) -> dict[str, Any]:
    """The release in a record. Its `manifest` has the applied objects as YAML documents."""
    release: dict[str, Any] = json.loads(gzip.decompress(b64decode(text)))
    return release


def encode(release: dict[str, Any]) -> str:
    """The record of a release."""
    return b64encode(gzip.compress(json.dumps(release).encode())).decode()

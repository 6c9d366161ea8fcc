"""Renders manifests from the bot's chart (`make manifests`)."""

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from dev.cache import CHECKOUT, TOOLS
from dev.cluster.process import ClusterError, console, run

CHART = CHECKOUT / "charts" / "storewright"
VALUES = CHECKOUT / "manifests" / "values.yaml"
MANIFESTS = CHECKOUT / "manifests" / "storewright.yaml"
HEAD = """\
# The objects of charts/storewright, for reading. `make manifests` writes this file with manifests/values.yaml.
# Do not apply it: it names no real images. README.md in this folder shows how to render it with your own values.
"""
NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: storewright
  labels: { pod-security.kubernetes.io/enforce: restricted }
"""


def manifests() -> str:
    """The content of manifests/storewright.yaml. Raises ClusterError if helm fails."""
    return HEAD + NAMESPACE + _render("storewright")


@cache
def permissions(instance: str, *options: str) -> str:
    """The ServiceAccount storewright/<instance> with its RBAC rules, admission policies and keys of the backups.

    `options` are more options of `helm template`. Raises ClusterError if helm fails."""
    return _render_some(instance, "rbac", "admission", "backup-keys", options=options)


def backup_server(instance: str, image: Mapping[str, Any], *options: str) -> str:
    """The backup server storewright/<instance>-backup with this image, as chart values, and its retention.

    `options` are more options of `helm template`. Raises ClusterError if helm fails."""
    images = tuple(f"--set=backups.image.{key}={value}" for key, value in image.items())
    return _render_some(instance, "backup", "backup-retention", options=(*images, *options))


def _render_some(instance: str, *templates: str, options: tuple[str, ...]) -> str:
    only = [f"--show-only=templates/{template}.yaml" for template in templates]
    return _render(instance, f"--set=instance={instance}", *only, *options)


def _render(release: str, *options: str) -> str:
    return run(
        TOOLS / "bin/helm", "template", release, CHART, "--namespace=storewright", f"--values={VALUES}", *options
    )


if __name__ == "__main__":
    try:
        MANIFESTS.write_text(manifests())
        console.print(f"wrote {MANIFESTS.relative_to(CHECKOUT)}")
    except ClusterError as error:
        sys.exit(str(error))

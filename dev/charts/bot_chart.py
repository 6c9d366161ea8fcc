"""The bot's own chart without Helm: manifests/storewright.yaml (`make manifests`), and a local bot's rights."""

import sys

from dev.cache import CHECKOUT, TOOLS
from dev.cluster.process import ClusterError, console, run

CHART = CHECKOUT / "charts" / "storewright"
VALUES = CHECKOUT / "manifests" / "values.yaml"
MANIFESTS = CHECKOUT / "manifests" / "storewright.yaml"
HEAD = """\
# What charts/storewright makes, to read. Written by `make manifests` with manifests/values.yaml: change those.
# It names nobody's images; README.md in this folder has the line that renders one to apply, with your own values.
"""
NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: storewright
  labels: { pod-security.kubernetes.io/enforce: restricted }
"""


def manifests() -> str:
    """What manifests/storewright.yaml should be. Raises ClusterError where helm refuses."""
    return HEAD + NAMESPACE + _render("storewright")


def rights(instance: str, *options: str) -> str:
    """The ServiceAccount storewright/<instance>, what it may do and what it is refused, with more options of `helm
    template`. Raises ClusterError too."""
    only = ("--show-only=templates/rbac.yaml", "--show-only=templates/admission.yaml")
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

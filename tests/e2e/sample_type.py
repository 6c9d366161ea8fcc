"""A tiny store type in a folder of the test, with the version and migration that the test needs."""

from __future__ import annotations

import shutil
from pathlib import Path

from dev.cluster import Cluster, archive

CHART = Path(__file__).parent / "charts" / "leaflet"
BOOKLET = CHART.with_name("booklet")  # it has a database too
IMAGE = "storewright/leaflet:1"
# Makes a container of a booklet crash, and crash again whenever it starts.
BREAK = ("/busybox", "sh", "-c", "/busybox touch /www/broken; : >/www/end")
HOOK = """
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-@component@
  labels: { app.kubernetes.io/component: @component@ }
  annotations: { helm.sh/hook: @hook@, helm.sh/hook-delete-policy: before-hook-creation }
spec:
  backoffLimit: 0
  template:
    metadata:
      labels: { app.kubernetes.io/component: @component@ }
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      automountServiceAccountToken: false
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: RuntimeDefault } }
      containers:
        - name: @component@
          image: @image@
          command: [/busybox, sh, -c, "@script@"]
          envFrom: [{ secretRef: { name: store-credentials } }]
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
"""


def load_image(cluster: Cluster, folder: Path, name: str = IMAGE) -> None:
    """Load the image of leaflet onto the cluster's node, with this name."""
    image = folder / "leaflet.tar"
    archive.write(image, name, {"busybox": Path("/bin/busybox")}, ["/busybox"])
    cluster.load_image(image)


class SampleType:
    """A copy of the chart `source` in the folder `charts`."""

    def __init__(self, charts: Path, source: Path = CHART) -> None:
        self.charts, self.source, self.name, self.version = charts, source, source.name, "0.1.0"
        self.before_rollback = (
            ""  # a shell script that runs before a rollback to a version that is released from now on
        )
        self.chart = charts / source.name
        shutil.copytree(source, self.chart)

    def release(self, version: str, migration: str = "", image: str = IMAGE) -> None:
        """Change the chart to `version`, with this image.

        `migration` is a shell script that runs before an upgrade to it."""
        self.version = version
        shutil.rmtree(self.chart)
        shutil.copytree(self.source, self.chart)
        meta, page = self.chart / "Chart.yaml", self._page
        meta.write_text(meta.read_text().replace("version: 0.1.0", f"version: {version}"))
        page.write_text(page.read_text().replace(IMAGE, image))
        self._hook("pre-upgrade", "migration", image, migration)
        self._hook("pre-rollback", "before-rollback", image, self.before_rollback)

    @property
    def _page(self) -> Path:
        return self.chart / f"templates/{self.name}.yaml"

    def open_slowly(self, seconds: int) -> None:
        """Let the store take its time to open, so that a test can act meanwhile."""
        self.change("exec /busybox httpd", f"/busybox sleep {seconds}; exec /busybox httpd")

    def change(self, text: str, by: str) -> None:
        """Replace a text in the templates."""
        before = self._page.read_text()
        assert text in before
        self._page.write_text(before.replace(text, by))

    def annotate(self, name: str, value: str) -> None:
        """Add an annotation to the chart."""
        meta = self.chart / "Chart.yaml"
        meta.write_text(meta.read_text().replace("annotations:\n", f'annotations:\n  {name}: "{value}"\n'))

    def require_key(self, key: str) -> None:
        """Require one more key in the store's Secret."""
        meta = self.chart / "Chart.yaml"
        line = '    password: "{password}"\n'
        meta.write_text(meta.read_text().replace(line, line + f'    {key}: "{{hex}}"\n'))

    def _hook(self, hook: str, component: str, image: str, script: str) -> None:
        if script:
            values = {"hook": hook, "component": component, "image": image, "script": script}
            text = HOOK
            for name, value in values.items():
                text = text.replace(f"@{name}@", value)
            (self.chart / f"templates/{component}.yaml").write_text(text)

"""The doctor's checks: the permissions and scopes they ask for, image names, and checks that fail themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bot.cli.doctor import store_prerequisites
from bot.cli.doctor.cluster import _permissions, _rules
from bot.cli.doctor.findings import Check, Finding, ok, run_checks, wrong
from bot.cli.doctor.images import Image
from bot.cli.doctor.slack import SCOPES
from bot.settings import StoreSettings
from provisioner.domain.errors import JobFailed, Transient

ROOT = Path(__file__).parents[2]
SERVER = "https://storewright-backup.storewright.svc:8000"
SETTINGS = StoreSettings.from_environment(
    store_domain="shops.example.com", charts_dir=ROOT / "charts", backup_server=SERVER
)


def test_doctor_checks_the_permissions_that_the_manifests_grant() -> None:
    manifests = list(yaml.safe_load_all((ROOT / "manifests/storewright.yaml").read_text()))
    granted = {
        (m["kind"], m["metadata"]["name"]): set(_permissions(m["rules"]))
        for m in manifests
        if m["kind"].endswith("Role")
    }
    checked = {
        part: set(_permissions(_rules(part, SETTINGS))) for part in ("cluster", "own", "backup", "store", "doctor")
    }
    assert granted == {
        ("ClusterRole", "storewright"): checked["cluster"] | checked["doctor"],
        ("ClusterRole", "storewright-store"): checked["store"],
        ("Role", "storewright"): checked["own"] | checked["backup"],
    }


def test_doctor_checks_the_scopes_of_the_slack_app_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "manifests/slack-app.yaml").read_text())
    assert set(SCOPES) == set(manifest["oauth_config"]["scopes"]["bot"])


@pytest.mark.parametrize(
    ("name", "full_name", "manifest_url"),
    [
        ("nginx", "docker.io/library/nginx:latest", "https://registry-1.docker.io/v2/library/nginx/manifests/latest"),
        ("a/b:1", "docker.io/a/b:1", "https://registry-1.docker.io/v2/a/b/manifests/1"),
        ("docker.io/a/b:1", "docker.io/a/b:1", "https://registry-1.docker.io/v2/a/b/manifests/1"),
        ("ghcr.io/a/b/c:1", "ghcr.io/a/b/c:1", "https://ghcr.io/v2/a/b/c/manifests/1"),
        ("127.0.0.1:5000/b:1", "127.0.0.1:5000/b:1", "http://127.0.0.1:5000/v2/b/manifests/1"),
        ("localhost/b", "localhost/b:latest", "http://localhost/v2/b/manifests/latest"),
        ("r.example:5000/b@sha256:ab", "r.example:5000/b:sha256:ab", "https://r.example:5000/v2/b/manifests/sha256:ab"),
        ("r.example/b:1@sha256:ab", "r.example/b:sha256:ab", "https://r.example/v2/b/manifests/sha256:ab"),
    ],
)
def test_image_names_are_parsed_like_container_runtimes_do(name: str, full_name: str, manifest_url: str) -> None:
    assert (Image.parse(name).full_name, Image.parse(name).manifest_url) == (full_name, manifest_url)


def test_missing_pull_secret_is_a_finding() -> None:
    class Empty:
        own_namespace = "tools"

        def pods(self, _: object) -> list[object]:
            return []

        def namespaces(self, _: object) -> list[object]:
            return []

        def node_images(self) -> set[str]:
            return set()

        def read_pull_secret(self, source: str) -> None:
            raise JobFailed(f"The Secret {source} is missing.", "", "Create it.")

    settings = SETTINGS.model_copy(update={"image_pull_secret": "tools/registry"})
    environment: Any = SimpleNamespace(settings=settings, reachable_cluster=Empty(), pods=list)
    (found,) = Check("images", store_prerequisites.images).findings(environment)
    assert (found.status, found.message, found.fix) == ("wrong", "The Secret tools/registry is missing.", "Create it.")


def test_failing_check_becomes_a_finding_and_stops_no_other() -> None:
    def fails_midway(_: None) -> Iterator[Finding]:
        yield ok("First.")
        raise Transient("Away.", "It sleeps.", "Wake it.")

    def breaks(_: None) -> Iterator[Finding]:
        raise KeyError("x")
        yield

    checks = [Check("a", fails_midway), Check("b", breaks), Check("c", lambda _: [wrong("No.", "Do.")])]
    assert [(found.check, found.status, found.message) for found in run_checks(None, checks)] == [
        ("a", "ok", "First."),
        ("a", "wrong", "Away. It sleeps."),
        ("b", "unsure", "This check itself failed: KeyError: 'x'."),
        ("c", "wrong", "No."),
    ]

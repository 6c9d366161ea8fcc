"""What the doctor knows by heart is what is written elsewhere too: rights, scopes; and how it reads images' names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bot.cli.doctor import store_prerequisites
from bot.cli.doctor.cluster import _rules, _wishes
from bot.cli.doctor.findings import Check, Finding, examine, ok, wrong
from bot.cli.doctor.images import Image
from bot.cli.doctor.slack import SCOPES
from bot.cli.output import plain
from bot.settings import StoreSettings
from dev.charts import bot_chart
from provisioner.domain.errors import JobFailed, Transient

ROOT = Path(__file__).parents[2]
PLAIN = StoreSettings.from_environment(store_domain="shops.example.com", charts_dir=ROOT / "charts")


def wishes(rules: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    return set(_wishes(rules))


def test_it_asks_for_the_rights_that_the_chart_gives() -> None:
    manifests = list(yaml.safe_load_all((ROOT / "manifests/storewright.yaml").read_text()))
    given = {(m["kind"], m["metadata"]["name"]): wishes(m["rules"]) for m in manifests if m["kind"].endswith("Role")}
    wanted = {part: wishes(_rules(part, PLAIN)) for part in ("cluster", "own", "store", "doctor")}
    assert given == {
        ("ClusterRole", "storewright"): wanted["cluster"] | wanted["doctor"],
        ("ClusterRole", "storewright-store"): wanted["store"],
        ("Role", "storewright"): wanted["own"],
    }


def test_of_the_secrets_beside_it_it_asks_for_the_registrys_only() -> None:
    manifests = list(yaml.safe_load_all(bot_chart.permissions("storewright", "--set=stores.imagePullSecret=registry")))
    (given,) = [wishes(m["rules"]) for m in manifests if m["kind"] == "Role"]
    settings = PLAIN.model_copy(update={"pull_secret": "storewright/registry"})
    assert given == wishes(_rules("own", settings)) | wishes(_rules("pull", settings))
    assert {wish for wish in given if wish[2] == "secrets"} == {("get", "", "secrets", "registry")}


def test_it_asks_for_the_scopes_of_the_slack_app() -> None:
    manifest = yaml.safe_load((ROOT / "manifests/slack-app.yaml").read_text())
    assert set(SCOPES) == set(manifest["oauth_config"]["scopes"]["bot"])


@pytest.mark.parametrize(
    ("name", "full", "manifest"),
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
def test_an_images_name_is_read_as_runtimes_read_it(name: str, full: str, manifest: str) -> None:
    assert (Image.of(name).full, Image.of(name).manifest) == (full, manifest)


def test_a_registrys_secret_that_is_not_there_is_told() -> None:
    class Empty:
        def namespaces(self, _: object) -> list[object]:
            return []

        def node_images(self) -> set[str]:
            return set()

        def pull_secret(self, source: str) -> None:
            raise JobFailed(f"The Secret {source} is missing.", "", "Make it.")

    settings = PLAIN.model_copy(update={"pull_secret": "tools/registry"})
    site: Any = SimpleNamespace(settings=settings, reached=Empty(), pods=list)
    (found,) = Check("images", store_prerequisites.images).findings(site)
    assert (found.status, found.message, found.fix) == ("wrong", "The Secret tools/registry is missing.", "Make it.")


def test_one_checks_trouble_is_a_finding_and_the_others_go_on() -> None:
    def fails_half_way(_: None) -> Iterator[Finding]:
        yield ok("First.")
        raise Transient("Away.", "It sleeps.", "Wake it.")

    def breaks(_: None) -> Iterator[Finding]:
        raise KeyError("x")
        yield

    checks = [Check("a", fails_half_way), Check("b", breaks), Check("c", lambda _: [wrong("No.", "Do.")])]
    assert [(found.check, found.status, found.message) for found in examine(None, checks)] == [
        ("a", "ok", "First."),
        ("a", "wrong", "Away. It sleeps."),
        ("b", "unsure", "This check itself failed: KeyError: 'x'."),
        ("c", "wrong", "No."),
    ]


@pytest.mark.parametrize(
    ("mrkdwn", "text"),
    [
        (":white_check_mark: *my-shop* is ready: <http://a.b|http://a.b>", "✓ my-shop is ready: http://a.b"),
        ("Asked by <@U0DANA001> <!date^12^{date}|2026-01-01 10:00 UTC>", "Asked by U0DANA001 2026-01-01 10:00 UTC"),
        (":rotating_light: a &amp; b &lt;c&gt;; `/store list` shows", "a & b <c>; storewright list shows"),
    ],
)
def test_slacks_words_are_plain_in_a_terminal(mrkdwn: str, text: str) -> None:
    assert plain(mrkdwn) == text

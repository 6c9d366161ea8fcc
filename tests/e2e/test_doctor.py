"""The doctor on a healthy set-up with a store, and on broken ones: what is wrong is named, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from bot.__main__ import main
from bot.cli.doctor.images import Unknown, pullable
from dev.cluster import Cluster
from dev.slack import LocalSlack
from dev.stack import ROOT, Stack, instance_of, kubectl, remove_stores
from tests.conftest import write_kubeconfig

NOWHERE = "127.0.0.1:9"
DEFAULT = "storageclass.kubernetes.io/is-default-class"


class Told:
    """What the doctor said, and the status it ended with."""

    def __init__(self, output: str, exit_code: int) -> None:
        told = json.loads(output)
        self.findings, self.well, self.exit_code = told["findings"], told["well"], exit_code

    def of(self, status: str) -> dict[str, str]:
        """What it said, by check."""
        said: dict[str, str] = {}
        for one in self.findings:
            if one["status"] == status:
                said[one["check"]] = f"{said.get(one['check'], '')} {one['message']} {one['fix']}".strip()
        return said

    def only_wrong(self, *checks: str) -> dict[str, str]:
        """What is wrong, which is found by just these checks."""
        assert set(self.of("wrong")) == set(checks), self.of("wrong")
        assert (self.well, self.exit_code) == (False, 1)
        return self.of("wrong")


@pytest.fixture(scope="module")
def bot(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A bot with Medusa as its one store type: the doctor asks no registry after an image that a store of it runs."""
    folder = tmp_path_factory.mktemp("doctor")
    (folder / "charts").mkdir()
    (folder / "charts/medusa").symlink_to(ROOT / "charts/medusa")
    running = Stack(folder, cluster, {"CHARTS_DIR": str(folder / "charts"), "STORE_VALUES": overlay(folder)})
    try:
        running.start()
        yield running
    finally:
        running.stop()
        remove_stores(cluster, folder, "--wait=false")


Diagnose = Callable[..., Told]


@pytest.fixture
def diagnose(bot: Stack, monkeypatch: pytest.MonkeyPatch) -> Diagnose:
    """Ask the doctor about this bot's set-up; keyword arguments are settings that differ."""
    monkeypatch.setattr(os, "environ", {name: os.environ[name] for name in ("PATH", "HOME")})
    monkeypatch.setattr("bot.cli.doctor.store_prerequisites.pullable", _pullable_here)
    given = bot.bot_environment()  # which gives the bot its rights, too

    def ask(**changed: str) -> Told:
        done = CliRunner().invoke(main, ["doctor", "--json"], env={**given, **changed})
        assert done.exit_code in (0, 1), f"{done.output} {done.exception!r}"
        return Told(done.stdout, done.exit_code)

    return ask


def _pullable_here(image: str) -> bool:
    """No test asks a registry of the outside world."""
    if not image.startswith("127."):
        raise Unknown("no registry is asked in this test.")
    return pullable(image)


def storewright(bot: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """Type it as an operator does, with the bot's own environment."""
    environment = {**{name: os.environ[name] for name in ("PATH", "HOME")}, **bot.bot_environment()}
    command = [sys.executable, "-m", "bot", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=180)


def overlay(folder: Path, **changed: Any) -> str:
    """A STORE_VALUES file: Medusa's images as built, with changes."""
    built = yaml.safe_load((ROOT / "build/images.yaml").read_text())
    (folder / "values.yaml").write_text(yaml.safe_dump({"medusa": _merged(built["medusa"], changed)}))
    return str(folder / "values.yaml")


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    nested = {k: _merged(below.get(k, {}), v) for k, v in above.items() if isinstance(v, dict)}
    return {**below, **above, **nested}


# --- healthy -----------------------------------------------------------------------------------------------------


def test_a_healthy_site_with_a_store_ordered_from_the_terminal(bot: Stack, diagnose: Diagnose) -> None:
    before = diagnose()
    assert before.well, before.of("wrong")
    ordered = storewright(bot, "create", "doctors-shop", "medusa", "color=ocean")
    assert ordered.returncode == 0, ordered.stdout + ordered.stderr
    assert "✓ doctors-shop is ready after" in ordered.stdout
    told = diagnose()
    assert told.exit_code == 0
    assert not told.of("wrong")
    assert not told.of("unsure")
    assert set(told.of("ok")) >= {
        *("settings", "ledger", "backups", "helm", "charts", "cluster", "rights", "store rights", "resource types"),
        *("storage", "ingress class", "DNS", "ingress", "images", "stores", "Slack token", "Slack scopes", "clock"),
        *("failure channel", "public address", "admission"),
    }
    shown = storewright(bot, "doctor").stdout
    assert "✓ images           medusa: storewright/medusa:" in shown
    assert "\x1b[" not in shown, "no colour where there is no terminal"
    gone = storewright(bot, "delete", "doctors-shop", "--yes")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert "✓ doctors-shop is deleted" in gone.stdout
    assert bot.slack().messages("#stores") == []


def test_without_a_bot_the_terminal_does_the_work_by_itself(bot: Stack, cluster: Cluster) -> None:
    bot.bot_process.stop()
    try:
        ordered = storewright(bot, "create", "lonely-shop", "medusa")
        assert ordered.returncode == 0, ordered.stdout + ordered.stderr
        assert "✓ A cart holds a product with a price" in ordered.stdout
        assert storewright(bot, "delete", "lonely-shop", "--yes").returncode == 0
        assert "lonely-shop" not in kubectl(cluster, "get", "namespaces")
    finally:
        bot.start_bot()


# --- broken ------------------------------------------------------------------------------------------------------


def test_a_slack_app_with_less_than_it_needs(diagnose: Diagnose) -> None:
    scopes = frozenset({"commands", "chat:write", "channels:history", "im:history", "mpim:history", "files:read"})
    with LocalSlack(scopes=scopes) as slack:
        given = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.bot_token, "FAILURE_CHANNEL": "C0RANDOM1"}
        told = diagnose(**given, SLACK_MODE="socket", SLACK_APP_TOKEN="xapp-of-another-app")
        wrong = told.only_wrong("Slack scopes", "failure channel", "Socket Mode")
        assert "lacks im:write, for direct messages" in wrong["Slack scopes"]
        assert "lacks groups:history" in wrong["Slack scopes"]
        assert "install the app to the workspace again" in wrong["Slack scopes"]
        assert "files:read" in told.of("unsure")["Slack scopes"]
        assert "/invite @Storewright" in wrong["failure channel"]
        assert "connections:write" in wrong["Socket Mode"]
        well = diagnose(**given, SLACK_MODE="socket", SLACK_APP_TOKEN=slack.app_token)
        assert "Socket Mode" in well.of("ok")
        revoked = diagnose(**given | {"SLACK_BOT_TOKEN": "xoxb-revoked"})
        assert "invalid_auth" in revoked.of("wrong")["Slack token"]


def test_a_bot_with_fewer_rights_and_one_with_all(
    bot: Stack, diagnose: Diagnose, cluster: Cluster, tmp_path: Path
) -> None:
    role = next(
        m for m in yaml.safe_load_all((ROOT / "manifests/storewright.yaml").read_text())
        if m["kind"] == "ClusterRole" and m["metadata"]["name"] == "storewright"
    )  # fmt: skip
    role["metadata"]["name"] = "doctor-test"
    role["rules"] = [
        {**rule, "verbs": [verb for verb in rule["verbs"] if verb != "delete"]}
        for rule in role["rules"]
        if rule["resources"] != ["rolebindings"]
    ]
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(role))
    kubectl(cluster, "create", "serviceaccount", "doctor-test", "-n", "storewright")
    bound = ("--clusterrole=doctor-test", "--serviceaccount=storewright:doctor-test")
    kubectl(cluster, "create", "clusterrolebinding", "doctor-test", *bound)
    try:
        config = json.loads(Path(bot.bot_environment()["KUBECONFIG"]).read_text())
        token = kubectl(cluster, "create", "token", "doctor-test", "-n", "storewright").strip()
        config["users"][0]["user"]["token"] = token
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        told = diagnose(KUBECONFIG=str(tmp_path / "kubeconfig")).only_wrong("rights")["rights"]
        assert "delete namespaces" in told
        assert "create rolebindings.rbac.authorization.k8s.io" in told
        assert "create namespaces" not in told
        assert "manifests/README.md" in told
    finally:
        for kind in ("clusterrolebinding", "clusterrole"):
            kubectl(cluster, "delete", kind, "doctor-test")
        kubectl(cluster, "delete", "serviceaccount", "doctor-test", "-n", "storewright")
    admin = diagnose(KUBECONFIG=str(cluster.kubeconfig), KUBE_CONTEXT="")
    assert "get secrets" in admin.of("unsure")["rights"]
    assert "by its own ServiceAccount" in admin.of("unsure")["rights"]
    assert "No admission policy keeps" in admin.of("unsure")["admission"]


def test_policies_that_are_gone(bot: Stack, diagnose: Diagnose, cluster: Cluster) -> None:
    gone = [f"{instance_of(bot.folder)}-{policy}" for policy in ("bindings", "jobs")]
    kubectl(cluster, "delete", "validatingadmissionpolicybinding", *gone)
    try:
        until = time.monotonic() + 30
        while "running any image in storewright" not in (told := diagnose()).of("wrong").get("admission", ""):
            assert time.monotonic() < until, "the API server forgets them within moments"
        wrong = told.only_wrong("admission")["admission"]
        assert "giving itself rights in default: a leaked token could" in wrong
        assert "making a namespace" not in wrong, "that one is there"
    finally:
        bot.bot_environment()
        while diagnose().of("wrong"):
            assert time.monotonic() < until + 30, "they are there again"


def test_a_cluster_without_what_stores_need(diagnose: Diagnose, cluster: Cluster, tmp_path: Path) -> None:
    values = overlay(
        tmp_path,
        ingress={"className": "nowhere"},
        postgresql={"storage": {"className": "gone"}},
        serviceMonitor={"enabled": True},
    )
    wrong = diagnose(STORE_VALUES=values).only_wrong("ingress class", "storage", "resource types")
    assert "no IngressClass nowhere. Known: traefik" in wrong["ingress class"]
    assert "no StorageClass gone" in wrong["storage"]
    assert "no ServiceMonitor (monitoring.coreos.com/v1)" in wrong["resource types"]
    [default] = [
        found["metadata"]["name"]
        for found in json.loads(kubectl(cluster, "get", "storageclass", "-o", "json"))["items"]
        if found["metadata"].get("annotations", {}).get(DEFAULT) == "true"
    ]
    kubectl(cluster, "annotate", "storageclass", default, f"{DEFAULT}=false", "--overwrite")
    try:
        assert "no default StorageClass" in diagnose().only_wrong("storage")["storage"]
    finally:
        kubectl(cluster, "annotate", "storageclass", default, f"{DEFAULT}=true", "--overwrite")


def test_names_that_lead_nowhere_and_an_ingress_that_is_silent(diagnose: Diagnose) -> None:
    wrong = diagnose(STORE_DOMAIN="shops.invalid", INGRESS_ADDRESS="").only_wrong("DNS")
    assert "Add a record for *.shops.invalid" in wrong["DNS"]
    wrong = diagnose(INGRESS_ADDRESS=NOWHERE).only_wrong("ingress")
    assert "Is an ingress controller running" in wrong["ingress"]
    assert "shops.invalid does not resolve from here" in diagnose(STORE_DOMAIN="shops.invalid").of("unsure")["DNS"]


@pytest.fixture
def registry() -> Iterator[str]:
    """A registry that has every image of tag `there`, knows none else, and shows `private` to nobody."""

    class Registry(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(401 if "private" in self.path else 200 if self.path.endswith("/there") else 404)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_images_that_are_not_where_the_values_say(diagnose: Diagnose, registry: str, tmp_path: Path) -> None:
    def values(tag: str, database: str) -> str:
        image = {"repository": f"{registry}/medusa", "tag": tag}
        other = {"image": {"repository": f"{registry}/{database}", "tag": "there"}}
        return overlay(tmp_path, image=image, postgresql=other)

    told = diagnose(STORE_VALUES=values("missing", "postgresql"))
    assert f"{registry}/medusa:missing is not in its registry" in told.only_wrong("images")["images"]
    assert f"{registry}/postgresql:there is in its registry" in told.of("ok")["images"]
    told = diagnose(STORE_VALUES=values("there", "private"))
    assert told.well
    assert "the registry says 401 to strangers" in told.of("unsure")["images"]


def test_a_home_in_disorder(diagnose: Diagnose, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a ledger")
    (tmp_path / "helm").write_text('#!/bin/sh\ncase $1 in version) echo v3.15.0;; *) exec helm "$@";; esac')
    (tmp_path / "helm").chmod(0o755)
    given = {"LEDGER_PATH": str(tmp_path / "ledger.db"), "HELM": str(tmp_path / "helm")}
    wrong = diagnose(**given, PUBLIC_URL="http://shop.invalid").only_wrong(
        "ledger", "helm", "settings", "public address"
    )
    assert "storewright ledger restore" in wrong["ledger"]
    assert "v3.15.0 is not Helm 4" in wrong["helm"]
    assert "in clear" in wrong["settings"]
    assert not [one for one in diagnose(**given).findings if "itself failed" in one["message"]]


def test_values_that_a_chart_refuses(diagnose: Diagnose, tmp_path: Path) -> None:
    told = diagnose(STORE_VALUES=overlay(tmp_path, replicsa=2))
    assert "replicsa" in told.only_wrong("charts")["charts"]
    (tmp_path / "more.yaml").write_text("medussa: {replicas: 1}")
    told = diagnose(STORE_VALUES=str(tmp_path / "more.yaml"))
    assert "“medussa”, which is no store type" in told.of("unsure")["charts"]


def test_a_cluster_that_is_away_is_one_line(diagnose: Diagnose, tmp_path: Path) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", f"http://{NOWHERE}")
    told = diagnose(KUBECONFIG=str(kubeconfig), KUBE_CONTEXT="")
    assert "can't be reached" in told.only_wrong("cluster")["cluster"]


def test_a_public_address_that_is_somebody_elses(diagnose: Diagnose, bot: Stack, registry: str) -> None:
    told = diagnose(PUBLIC_URL=bot.workspace_url)
    assert "not with our page" in told.only_wrong("public address")["public address"]
    assert "can't be reached from here" in diagnose(PUBLIC_URL=f"http://{NOWHERE}").of("wrong")["public address"]


def test_settings_that_are_wrong_are_all_that_is_told(diagnose: Diagnose) -> None:
    told = diagnose(SLACK_BOT_TOKEN="", STORE_SCHEME="gopher")
    assert [one["check"] for one in told.findings] == ["settings", "settings"]
    assert "SLACK_BOT_TOKEN: is missing" in told.only_wrong("settings")["settings"]

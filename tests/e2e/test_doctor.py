"""`storewright doctor` on a healthy installation with a store, and on broken ones: only the broken part is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from bot.__main__ import main
from bot.cli.doctor.images import LookupFailed, is_in_registry
from dev.cluster import Cluster
from dev.slack import LocalSlack
from dev.stack import ROOT, Stack, instance_of, kubectl, remove_stores
from provisioner.domain.documents import overlaid
from tests.conftest import write_kubeconfig
from tests.e2e.sample_type import CHART, load_image
from tests.waiting import until
from tests.workers import PORT_OFFSET

CLOSED_PORT = "127.0.0.1:9"
DEFAULT_STORAGE_CLASS = "storageclass.kubernetes.io/is-default-class"


class Report:
    """The doctor's findings and its exit status."""

    def __init__(self, output: str, exit_code: int) -> None:
        report = json.loads(output)
        self.findings, self.well, self.exit_code = report["findings"], report["well"], exit_code

    def of(self, status: str) -> dict[str, str]:
        """Messages and fixes by check."""
        texts: dict[str, str] = {}
        for finding in self.findings:
            if finding["status"] == status:
                check = finding["check"]
                texts[check] = f"{texts.get(check, '')} {finding['message']} {finding['fix']}".strip()
        return texts

    def only_wrong(self, *checks: str) -> dict[str, str]:
        """Messages and fixes of the checks that are wrong, which must be exactly these."""
        assert set(self.of("wrong")) == set(checks), self.of("wrong")
        assert (self.well, self.exit_code) == (False, 1)
        return self.of("wrong")


@pytest.fixture(scope="module")
def bot(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A bot with one store type, which starts fast: once a store runs, its images need no lookup in a registry."""
    folder = tmp_path_factory.mktemp("doctor")
    (folder / "charts").mkdir()
    (folder / "charts/woocommerce").symlink_to(ROOT / "charts/woocommerce")
    settings = {"CHARTS_DIR": str(folder / "charts"), "STORE_VALUES": overlay(folder)}
    running = Stack(folder, cluster, settings, PORT_OFFSET)
    try:
        running.start()
        running.start_backup_server()
        server = f"deployment/{instance_of(folder)}-backup"
        kubectl(cluster, "rollout", "status", server, "-n", "storewright", "--timeout=120s")
        yield running
    finally:
        running.stop()
        remove_stores(cluster, folder, "--wait=false")


Diagnose = Callable[..., Report]


@pytest.fixture
def diagnose(bot: Stack, monkeypatch: pytest.MonkeyPatch) -> Diagnose:
    """Run the doctor with this bot's settings; keyword arguments change some."""
    monkeypatch.setattr(os, "environ", {name: os.environ[name] for name in ("PATH", "HOME")})
    monkeypatch.setattr("bot.cli.doctor.store_prerequisites.is_in_registry", _is_in_local_registry)
    variables = bot.bot_environment()

    def run(**changed: str) -> Report:
        done = CliRunner().invoke(main, ["doctor", "--json"], env={**variables, **changed})
        assert done.exit_code in (0, 1), f"{done.output} {done.exception!r}"
        return Report(done.stdout, done.exit_code)

    return run


def _is_in_local_registry(image: str) -> bool:
    """Tests use no registry on the internet."""
    if not image.startswith("127."):
        raise LookupFailed("this test uses no other registry.")
    return is_in_registry(image)


def storewright(bot: Stack, *words: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run `storewright …` as an operator does, with the bot's own environment and `changed` settings."""
    environment = {**{name: os.environ[name] for name in ("PATH", "HOME")}, **bot.bot_environment(), **changed}
    command = [sys.executable, "-m", "bot", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=180)


def overlay(folder: Path, **changed: Any) -> str:
    """A STORE_VALUES file: WooCommerce's images as built, with changes."""
    built = yaml.safe_load((ROOT / "build/images.yaml").read_text())
    (folder / "values.yaml").write_text(yaml.safe_dump({"woocommerce": overlaid(built["woocommerce"], changed)}))
    return str(folder / "values.yaml")


def remove_old_backups(bot: Stack) -> None:
    """Run the daily removal of old backups now."""
    where, job = ("-n", "storewright"), f"{instance_of(bot.folder)}-removal"
    source = f"cronjob/{instance_of(bot.folder)}-backup-retention"
    kubectl(bot.cluster, *where, "create", "job", f"--from={source}", job)
    kubectl(bot.cluster, *where, "wait", "--for=condition=Complete", f"job/{job}", "--timeout=120s")


# --- healthy -----------------------------------------------------------------------------------------------------


def test_doctor_finds_nothing_wrong_with_a_store_ordered_from_the_terminal(bot: Stack, diagnose: Diagnose) -> None:
    before = diagnose()
    assert before.well, before.of("wrong")
    assert "kubectl -n storewright annotate secret" in before.of("unsure")["backup keys"]
    remove_old_backups(bot)
    keys = f"secret/{instance_of(bot.folder)}-backup"
    kubectl(bot.cluster, "annotate", keys, "-n", "storewright", "storewright.dev/exported-at=2026-11-21T08:00:00Z")
    ordered = storewright(bot, "create", "doctors-shop", "woocommerce", "color=ocean")
    assert ordered.returncode == 0, ordered.stdout + ordered.stderr
    assert "✓ doctors-shop is ready after" in ordered.stdout
    report = diagnose()
    assert report.exit_code == 0
    assert not report.of("wrong")
    assert not report.of("unsure")
    assert set(report.of("ok")) >= {
        *("settings", "ledger", "backups", "helm", "charts", "cluster", "rights", "store rights", "resource types"),
        *("storage", "ingress class", "DNS", "ingress", "images", "stores", "Slack token", "Slack scopes", "clock"),
        *("failure channel", "public address", "admission", "backup server", "backup room", "backup keys"),
    }
    shown = storewright(bot, "doctor").stdout
    assert "✓ images           woocommerce: storewright/woocommerce:" in shown
    assert "\x1b[" not in shown, "no colour without a terminal"
    gone = storewright(bot, "delete", "doctors-shop", "--yes")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert "✓ doctors-shop is deleted" in gone.stdout
    assert bot.slack().messages("#stores") == []


def test_store_whose_namespace_is_gone_is_found_and_recovered(bot: Stack, diagnose: Diagnose) -> None:
    for words in (("create", "lost-shop", "woocommerce"), ("backup", "lost-shop")):
        done = storewright(bot, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "No store is gone" in storewright(bot, "recover").stdout
    refused = storewright(bot, "recover", "lost-shop")
    assert "lost-shop is not gone from the cluster" in refused.stderr
    kubectl(bot.cluster, "delete", "namespace", "store-lost-shop")
    assert "storewright recover lost-shop" in diagnose().only_wrong("stores")["stores"]
    back = storewright(bot, "recover")
    assert back.returncode == 0, back.stdout + back.stderr
    assert "✓ lost-shop is back after" in back.stdout
    assert diagnose().well
    assert storewright(bot, "delete", "lost-shop", "--now", "--yes").returncode == 0


def test_backup_server_that_is_not_ready_is_wrong(bot: Stack, diagnose: Diagnose) -> None:
    server = ("-n", "storewright", f"deployment/{instance_of(bot.folder)}-backup")
    kubectl(bot.cluster, "scale", *server, "--replicas=0")
    until("the server is gone", lambda: "backup server" in diagnose().of("wrong"))
    found = diagnose().only_wrong("backup server")
    assert "kubectl -n storewright describe deployment,pod" in found["backup server"]
    kubectl(bot.cluster, "scale", *server, "--replicas=1")
    kubectl(bot.cluster, "rollout", "status", *server, "--timeout=120s")


def test_terminal_runs_jobs_itself_without_a_bot(bot: Stack, cluster: Cluster, tmp_path: Path) -> None:
    load_image(cluster, tmp_path)
    bot.bot_process.stop()
    try:
        ordered = storewright(bot, "create", "lonely-shop", "leaflet", CHARTS_DIR=str(CHART.parent))
        assert ordered.returncode == 0, ordered.stdout + ordered.stderr
        assert "✓ A cart holds a product with a price" in ordered.stdout
        assert storewright(bot, "delete", "lonely-shop", "--yes").returncode == 0
        assert "lonely-shop" not in kubectl(cluster, "get", "namespaces")
    finally:
        bot.start_bot()


# --- broken ------------------------------------------------------------------------------------------------------


def test_slack_app_without_scopes_channel_or_socket_token_is_wrong(diagnose: Diagnose) -> None:
    scopes = frozenset({"commands", "chat:write", "channels:history", "im:history", "mpim:history", "files:read"})
    with LocalSlack(scopes=scopes) as slack:
        given = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.bot_token, "FAILURE_CHANNEL": "C0RANDOM1"}
        report = diagnose(**given, SLACK_MODE="socket", SLACK_APP_TOKEN="xapp-of-another-app")
        wrong = report.only_wrong("Slack scopes", "failure channel", "Socket Mode")
        assert "lacks im:write, for direct messages" in wrong["Slack scopes"]
        assert "lacks groups:history" in wrong["Slack scopes"]
        assert "install the app to the workspace again" in wrong["Slack scopes"]
        assert "files:read" in report.of("unsure")["Slack scopes"]
        assert "/invite @Storewright" in wrong["failure channel"]
        assert "connections:write" in wrong["Socket Mode"]
        well = diagnose(**given, SLACK_MODE="socket", SLACK_APP_TOKEN=slack.app_token)
        assert "Socket Mode" in well.of("ok")
        revoked = diagnose(**given | {"SLACK_BOT_TOKEN": "xoxb-revoked"})
        assert "invalid_auth" in revoked.of("wrong")["Slack token"]


def test_missing_permissions_are_wrong_and_excessive_ones_are_unsure(
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
        report = diagnose(KUBECONFIG=str(tmp_path / "kubeconfig")).only_wrong("rights")["rights"]
        assert "delete namespaces" in report
        assert "create rolebindings.rbac.authorization.k8s.io" in report
        assert "create namespaces" not in report
        assert "manifests/README.md" in report
    finally:
        for kind in ("clusterrolebinding", "clusterrole"):
            kubectl(cluster, "delete", kind, "doctor-test")
        kubectl(cluster, "delete", "serviceaccount", "doctor-test", "-n", "storewright")
    admin = diagnose(KUBECONFIG=str(cluster.kubeconfig), KUBE_CONTEXT="")
    assert "get secrets" in admin.of("unsure")["rights"]
    assert "with its own ServiceAccount" in admin.of("unsure")["rights"]
    assert "No admission policy stops" in admin.of("unsure")["admission"]


def test_missing_admission_policies_are_wrong(bot: Stack, diagnose: Diagnose, cluster: Cluster) -> None:
    gone = [f"{instance_of(bot.folder)}-{policy}" for policy in ("bindings", "jobs")]
    kubectl(cluster, "delete", "validatingadmissionpolicybinding", *gone)
    try:
        allowed = ("running any image in storewright", "giving itself permissions in default: a leaked token could")

        def dropped() -> Report | None:
            report = diagnose()
            return report if all(act in report.of("wrong").get("admission", "") for act in allowed) else None

        wrong = until("the API server drops both policies", dropped).only_wrong("admission")["admission"]
        assert "making a namespace" not in wrong, "this policy still exists"
    finally:
        bot.grant_permissions()
        until("the policies are back", lambda: not diagnose().of("wrong"))


def test_missing_classes_and_resource_types_are_wrong(diagnose: Diagnose, cluster: Cluster, tmp_path: Path) -> None:
    values = overlay(
        tmp_path,
        ingress={"className": "nowhere"},
        mariadb={"storage": {"className": "gone"}},
        serviceMonitor={"enabled": True},
    )
    wrong = diagnose(STORE_VALUES=values).only_wrong("ingress class", "storage", "resource types")
    assert "no IngressClass nowhere. Known classes: traefik" in wrong["ingress class"]
    assert "no StorageClass gone" in wrong["storage"]
    assert "no ServiceMonitor (monitoring.coreos.com/v1)" in wrong["resource types"]
    [default] = [
        found["metadata"]["name"]
        for found in json.loads(kubectl(cluster, "get", "storageclass", "-o", "json"))["items"]
        if found["metadata"].get("annotations", {}).get(DEFAULT_STORAGE_CLASS) == "true"
    ]
    # The claims of other tests wait meanwhile: Kubernetes gives them the default class once there is one.
    kubectl(cluster, "annotate", "storageclass", default, f"{DEFAULT_STORAGE_CLASS}=false", "--overwrite")
    try:
        assert "no default StorageClass" in diagnose().only_wrong("storage")["storage"]
    finally:
        kubectl(cluster, "annotate", "storageclass", default, f"{DEFAULT_STORAGE_CLASS}=true", "--overwrite")


def test_unresolved_domain_and_silent_ingress_are_wrong(diagnose: Diagnose) -> None:
    wrong = diagnose(STORE_DOMAIN="shops.invalid", INGRESS_ADDRESS="").only_wrong("DNS")
    assert "Add a record for *.shops.invalid" in wrong["DNS"]
    wrong = diagnose(INGRESS_ADDRESS=CLOSED_PORT).only_wrong("ingress")
    assert "Check that an ingress controller runs" in wrong["ingress"]
    assert "shops.invalid does not resolve from here" in diagnose(STORE_DOMAIN="shops.invalid").of("unsure")["DNS"]


@pytest.fixture
def registry() -> Iterator[str]:
    """A registry with only images of the tag `there`; `private` requires credentials."""

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


def test_image_missing_in_its_registry_is_wrong(diagnose: Diagnose, registry: str, tmp_path: Path) -> None:
    def values(tag: str, database: str) -> str:
        image = {"repository": f"{registry}/woocommerce", "tag": tag}
        other = {"image": {"repository": f"{registry}/{database}", "tag": "there"}}
        return overlay(tmp_path, image=image, mariadb=other)

    report = diagnose(STORE_VALUES=values("missing", "mariadb"))
    assert f"{registry}/woocommerce:missing is not in its registry" in report.only_wrong("images")["images"]
    assert f"{registry}/mariadb:there is in its registry" in report.of("ok")["images"]
    report = diagnose(STORE_VALUES=values("there", "private"))
    assert report.well
    assert "the registry answered 401 to an anonymous request" in report.of("unsure")["images"]


def test_damaged_ledger_old_helm_and_unencrypted_address_are_wrong(diagnose: Diagnose, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a ledger")
    (tmp_path / "helm").write_text('#!/bin/sh\ncase $1 in version) echo v3.15.0;; *) exec helm "$@";; esac')
    (tmp_path / "helm").chmod(0o755)
    given = {"LEDGER_PATH": str(tmp_path / "ledger.db"), "HELM": str(tmp_path / "helm")}
    wrong = diagnose(**given, PUBLIC_URL="http://shop.invalid").only_wrong(
        "ledger", "helm", "settings", "public address"
    )
    assert "storewright ledger restore" in wrong["ledger"]
    assert "v3.15.0 is not Helm 4" in wrong["helm"]
    assert "unencrypted" in wrong["settings"]
    assert not [found for found in diagnose(**given).findings if "itself failed" in found["message"]]


def test_values_that_do_not_render_are_wrong(diagnose: Diagnose, tmp_path: Path) -> None:
    report = diagnose(STORE_VALUES=overlay(tmp_path, replicsa=2))
    assert "replicsa" in report.only_wrong("charts")["charts"]
    (tmp_path / "more.yaml").write_text("medussa: {replicas: 1}")
    report = diagnose(STORE_VALUES=str(tmp_path / "more.yaml"))
    assert "“medussa”, which is not a store type" in report.of("unsure")["charts"]


def test_unreachable_cluster_is_one_finding(diagnose: Diagnose, tmp_path: Path) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", f"http://{CLOSED_PORT}")
    report = diagnose(KUBECONFIG=str(kubeconfig), KUBE_CONTEXT="")
    assert "can't be reached" in report.only_wrong("cluster")["cluster"]


def test_public_address_of_another_server_is_wrong(diagnose: Diagnose, bot: Stack, registry: str) -> None:
    report = diagnose(PUBLIC_URL=bot.workspace_url)
    assert "not with Storewright's page" in report.only_wrong("public address")["public address"]
    assert "can't be reached from here" in diagnose(PUBLIC_URL=f"http://{CLOSED_PORT}").of("wrong")["public address"]


def test_invalid_settings_are_the_only_findings(diagnose: Diagnose) -> None:
    report = diagnose(SLACK_BOT_TOKEN="", STORE_SCHEME="gopher")
    assert [finding["check"] for finding in report.findings] == ["settings", "settings"]
    assert "SLACK_BOT_TOKEN: is missing" in report.only_wrong("settings")["settings"]

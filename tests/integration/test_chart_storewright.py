"""The objects of the bot's chart: pods, routes, NetworkPolicies, admission policies, and manifests/storewright.yaml."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from bot.settings import Settings
from dev.charts import bot_chart
from provisioner.diagnosis import Patience
from provisioner.domain.store import NAMESPACE_PREFIX
from provisioner.operations.toolbox import LIMIT_RANGE, QUOTA
from provisioner.runner.executors.job_manifest import NOBODY
from tests.charts.policies import Peer, Port, allows
from tests.charts.releases import containers, of_kind
from tests.charts.test_manifests import VERSIONS, validate
from tests.charts.test_pods import faults
from tests.conftest import ROOT
from tests.integration.bot_chart_rendering import (
    FEATURES,
    NAMESPACE,
    environment,
    files,
    only,
    parts,
    pod,
    render,
    with_features,
    worker,
)

# --- rendered objects -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "features", [(), ("http",), ("plain",), tuple(FEATURES)[:-1]], ids=lambda f: "+".join(f) or "-"
)
def test_bot_accepts_every_setting_of_the_chart(
    features: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    manifests = with_features(*features)
    given = environment(manifests)
    left_alone = {"KUBECONFIG", "KUBE_CONTEXT", "HELM", "CHARTS_DIR"}
    for_the_other_mode = {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"}
    fields = {name.upper() for name in Settings.model_fields}
    assert fields - given.keys() - for_the_other_mode == left_alone
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    for name in ("STORE_VALUES", "STORE_LIMITS", "EXECUTOR_POD"):
        file = tmp_path / Path(given[name]).name
        file.write_text(files(manifests)[file.name])
        monkeypatch.setenv(name, str(file))
    settings = Settings.from_environment()
    assert settings.instance == "tools-bot"
    assert settings.service_account == "tools/bot"
    defaults = settings.store_defaults
    assert (defaults.quota, defaults.limit_range, defaults.patience) == (QUOTA, LIMIT_RANGE, Patience())
    assert settings.worker.pod["securityContext"]["runAsUser"] == NOBODY


def test_limits_and_patience_reach_the_bot_and_restart_it() -> None:
    manifests = render('stores.quota={"pods": 20, "limits.cpu": "8"}', "patienceSeconds.wrongAnswer=7.5")
    written = files(manifests)["limits.yaml"]
    assert yaml.safe_load(written)["quota"] == {**QUOTA, "pods": 20, "limits.cpu": "8"}
    assert environment(manifests)["WRONG_ANSWER_PATIENCE_SECONDS"] == "7.5"
    without = yaml.safe_load(files(render("stores.quota.pods=null"))["limits.yaml"])
    assert without["quota"] == {name: value for name, value in QUOTA.items() if name != "pods"}
    assert pod(manifests)["metadata"]["annotations"] != pod(render())["metadata"]["annotations"]


def test_store_values_reach_the_bot_and_restart_it() -> None:
    values = {"medusa": {"ingress": {"className": "nginx"}}}
    manifests = render(f"stores.values={json.dumps(values)}")
    assert yaml.safe_load(files(manifests)["stores.yaml"]) == values
    assert pod(manifests)["metadata"]["annotations"] != pod(render())["metadata"]["annotations"], (
        "otherwise the pod would not restart"
    )


@pytest.mark.parametrize("mode", ["http", "socket"])
def test_slack_tokens_come_from_the_secret_by_reference(mode: str) -> None:
    manifests = render(f'slack.mode="{mode}"', 'slack.secretName="its-secret"', 'slack.secretKeys.botToken="bot"')
    assert [secret for secret in of_kind(manifests, "Secret") if "data" in secret or "stringData" in secret] == []
    (bot,) = containers(pod(manifests))
    sources = {v["name"]: v["valueFrom"] for v in bot["env"] if "valueFrom" in v}
    references = {name: source["secretKeyRef"] for name, source in sources.items() if "secretKeyRef" in source}
    other = {"http": "SLACK_SIGNING_SECRET", "socket": "SLACK_APP_TOKEN"}[mode]
    assert references == {
        "SLACK_BOT_TOKEN": {"name": "its-secret", "key": "bot"},
        other: {"name": "its-secret", "key": other},
    }


def test_bot_may_read_only_the_stores_pull_secret_and_the_keys_of_backups() -> None:
    manifests = render('stores.imagePullSecret="registry"')
    assert environment(manifests)["IMAGE_PULL_SECRET"] == "tools/registry"
    named = [rule for rule in only("Role", manifests)["rules"] if rule["resources"] == ["secrets"]]
    secrets = {"apiGroups": [""], "resources": ["secrets"]}
    assert named == [
        {**secrets, "resourceNames": ["bot-backup"], "verbs": ["get", "patch"]},
        {**secrets, "resourceNames": ["registry"], "verbs": ["get"]},
    ]
    assert environment(render())["IMAGE_PULL_SECRET"] == ""
    without = only("Role", render("backups.enabled=false"))["rules"]
    assert not [rule for rule in without if rule["resources"] == ["secrets"]]


def test_bot_pod_is_restricted_except_for_its_token() -> None:
    assert faults(pod(with_features("monitored", "kubernetes"))) == ["service account token"]


def test_deployment_runs_one_pod_and_keeps_the_ledger_claim() -> None:
    deployment = only("Deployment", render())["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    claim = only("PersistentVolumeClaim", render())["metadata"]
    assert claim["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in only("PersistentVolumeClaim", render("ledger.keep=false"))["metadata"]


def test_routes_expose_only_slack_and_credential_paths() -> None:
    for features, paths in {(): ["/s"], ("http",): ["/s", "/slack/events"]}.items():
        manifests = with_features(*features, "http-route")
        ingress, route = only("Ingress", manifests)["spec"], only("HTTPRoute", manifests)["spec"]
        (rule,) = ingress["rules"]
        assert [path["path"] for path in rule["http"]["paths"]] == paths
        assert [match["path"]["value"] for match in route["rules"][0]["matches"]] == paths
        assert {path["backend"]["service"]["port"]["name"] for path in rule["http"]["paths"]} == {"http"}
        assert [rule["host"]] == route["hostnames"] == ["storewright.example.com"]
        assert ingress["tls"] == [{"hosts": ["storewright.example.com"], "secretName": "bot-tls"}]
    plain = only("Ingress", with_features("plain"))["spec"]
    assert plain["rules"][0]["host"] == "storewright.localhost"
    assert "tls" not in plain


def test_two_releases_share_no_cluster_wide_names() -> None:
    def cluster_wide(release: str, namespace: str) -> set[tuple[str, str]]:
        made = render(release=release, namespace=namespace)
        return {(m["kind"], m["metadata"]["name"]) for m in made if "namespace" not in m["metadata"]}

    names = [cluster_wide(*where) for where in (("bot", "tools"), ("tools", "bot"), ("storewright", "storewright"))]
    assert {len(found) for found in names} == {11}
    assert all(not one & other for one, other in combinations(names, 2))
    assert ("ClusterRole", "storewright-store") in names[2]


def test_manifests_are_valid_in_every_feature_combination() -> None:
    chosen = [names for size in (0, 1, 2, len(FEATURES)) for names in combinations(FEATURES, size)]
    rendered = {json.dumps(m): m for names in chosen for m in with_features(*names)}
    kinds = {manifest["kind"] for manifest in rendered.values()}
    assert {"HTTPRoute", "PrometheusRule", "ServiceMonitor", "PodDisruptionBudget", "ValidatingAdmissionPolicy"} < kinds
    for manifest in rendered.values():
        for version in VERSIONS:
            validate(manifest, version)


def test_docs_list_the_kinds_that_store_charts_may_create() -> None:
    role = next(r for r in of_kind(render(), "ClusterRole") if r["metadata"]["name"].endswith("-store"))
    may = {kind for rule in role["rules"] if {"create", "update"} <= set(rule["verbs"]) for kind in rule["resources"]}
    page = " ".join((ROOT / "docs/store-types.md").read_text().split())
    listed = page.partition("the bot may create ")[2].partition(". ")[0]
    assert {kind.lower() for kind in re.split(r", | and ", listed)} == may


def test_priority_class_applies_to_the_bot_and_its_jobs() -> None:
    def classes(*options: str) -> tuple[list[str], str, str]:
        manifests = render('executor="kubernetes"', *options)
        made = [found["metadata"]["name"] for found in of_kind(manifests, "PriorityClass")]
        return made, pod(manifests)["spec"].get("priorityClassName", ""), worker(manifests)["pod"]["priorityClassName"]

    assert classes() == ([], "", "")
    assert classes("priorityClass.create=true") == (["storewright-tools-bot"], *["storewright-tools-bot"] * 2)
    assert classes('pod.priorityClassName="high"') == ([], "high", "high")


# --- network policies -------------------------------------------------------------------------------------------


def peer(known_as: str, namespace: str, **labels: str) -> Peer:
    home = {"kubernetes.io/metadata.name": namespace}
    return Peer(known_as, "10.1.0.9", namespace, {f"app.kubernetes.io/{k}": v for k, v in labels.items()}, home)


def test_network_policy_allows_exactly_the_expected_connections() -> None:
    manifests = with_features("monitored")
    policies = of_kind(manifests, "NetworkPolicy")
    labels = pod(manifests)["metadata"]["labels"]
    bot = Peer("bot", "10.1.0.1", NAMESPACE, labels, {"kubernetes.io/metadata.name": NAMESPACE})
    http, ops, https, api = Port(3000, "http"), Port(9090, "ops"), Port(443), Port(6443)
    controller, prometheus = peer("nginx", "ingress-nginx", name="ingress-nginx"), peer("p", "monitoring")
    shop, dns = peer("shop", "store-x", name="medusa"), Peer("dns", "169.254.20.10")
    slack = Peer("slack", "93.184.215.14")
    tried = {
        (who.name, to.name, port.number)
        for who, to in [(controller, bot), (prometheus, bot), (shop, bot), (slack, bot)]
        for port in (http, ops)
        if allows(policies, who, to, port)
    } | {
        ("bot", to.name, port.number)
        for to in (slack, dns, controller)
        for port in (https, api, Port(53), Port(22), Port(8000))
        if allows(policies, bot, to, port)
    }
    to_all = {("bot", to, number) for to in ("slack", "dns", "nginx") for number in (443, 6443)}
    to_some = {("bot", "dns", 53), *(("bot", "nginx", number) for number in (53, 22, 8000))}
    assert tried == {("nginx", "bot", 3000), ("p", "bot", 9090)} | to_all | to_some
    assert not allows(of_kind(render(), "NetworkPolicy"), prometheus, bot, ops), "without a ServiceMonitor"


def test_network_policy_allows_the_stores_own_port() -> None:
    made = parts("NetworkPolicy", render('stores.scheme="http"', 'stores.ingressAddress="10.0.0.1:8081"'))
    policy, of_jobs = sorted(made, key=lambda found: len(found["metadata"]["name"]))
    assert of_jobs["spec"]["egress"] == policy["spec"]["egress"]
    assert "ingress" not in of_jobs["spec"]
    ports = [port["port"] for rule in policy["spec"]["egress"] for port in rule.get("ports", [])]
    assert {80, 8081} < set(ports)
    assert len(ports) == len(set(ports)) + 1, "only 53 is listed twice, for TCP and UDP"


# --- admission policies -------------------------------------------------------------------------------------------


def test_admission_policies_fail_closed_and_deny_with_403() -> None:
    """tests/e2e/test_refused.py tests which requests they deny."""
    manifests = render()
    policies = {made["metadata"]["name"]: made["spec"] for made in of_kind(manifests, "ValidatingAdmissionPolicy")}
    assert set(policies) == {f"storewright-tools-bot-{name}" for name in ("namespaces", "bindings", "contents", "jobs")}
    bindings = [made["spec"] for made in of_kind(manifests, "ValidatingAdmissionPolicyBinding")]
    assert sorted(bound["policyName"] for bound in bindings) == sorted(policies)
    assert all(bound == {"policyName": bound["policyName"], "validationActions": ["Deny"]} for bound in bindings)
    for policy in policies.values():
        assert policy["failurePolicy"] == "Fail"
        assert [one["expression"] for one in policy["matchConditions"]] == [
            'request.userInfo.username == "system:serviceaccount:tools:bot"'
        ]
        assert {rule["reason"] for rule in policy["validations"]} == {"Forbidden"}, "otherwise the bot would not retry"


def test_admission_policy_has_the_namespace_prefix_of_stores() -> None:
    rules = [
        rule["expression"]
        for made in of_kind(render(), "ValidatingAdmissionPolicy")
        for rule in made["spec"]["validations"]
    ]
    assert f'request.operation != "CREATE" || object.metadata.name.startsWith("{NAMESPACE_PREFIX}")' in rules


# --- files -------------------------------------------------------------------------------------------------------


def test_plain_manifests_match_make_manifests() -> None:
    assert bot_chart.MANIFESTS.read_text() == bot_chart.manifests(), "run `make manifests`"


def test_plain_manifests_contain_all_objects_and_the_namespace() -> None:
    manifests = list(yaml.safe_load_all(bot_chart.MANIFESTS.read_text()))
    everything = render(release="storewright", namespace="storewright")
    assert [m["kind"] for m in manifests] == ["Namespace", *(m["kind"] for m in everything)]
    assert manifests[0]["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_dashboard_config_map_has_grafanas_label() -> None:
    maps = of_kind(with_features("monitored"), "ConfigMap")
    found = next(m for m in maps if m["metadata"]["name"] == "bot-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    board = json.loads(found["data"]["storewright.json"])
    assert len(board["panels"]) > 10


def test_alert_expressions_select_this_release() -> None:
    (group,) = only("PrometheusRule", with_features("monitored"))["spec"]["groups"]
    expressions = [rule["expr"] for rule in group["rules"]]
    assert len(expressions) > 5
    assert all('namespace="tools", job="bot"' in expr for expr in expressions)
    assert not any('job="storewright"' in expr for expr in expressions)


def test_jobs_get_the_pod_settings_of_the_bot() -> None:
    given = (
        'pod.nodeSelector={"disk":"fast"}',
        'imagePullSecrets=[{"name":"registry"}]',
        'extraEnv=[{"name":"HTTPS_PROXY","value":"http://proxy:3128"}]',
        'extraVolumes=[{"name":"ca","configMap":{"name":"ca"}}]',
        'extraVolumeMounts=[{"name":"ca","mountPath":"/ca"}]',
        'worker.resources.limits.memory="1Gi"',
    )
    manifests = render('executor="kubernetes"', *given)
    fields = worker(manifests)
    assert fields["pod"]["nodeSelector"] == {"disk": "fast"}
    assert fields["pod"]["imagePullSecrets"] == [{"name": "registry"}]
    assert fields["pod"]["volumes"] == [{"name": "ca", "configMap": {"name": "ca"}}]
    assert fields["container"]["env"] == [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]
    assert fields["container"]["volumeMounts"] == [{"name": "ca", "mountPath": "/ca"}]
    assert fields["container"]["resources"]["limits"] == {"memory": "1Gi"}
    (bot,) = containers(pod(manifests))
    assert environment(manifests)["EXECUTOR_IMAGE"] == bot["image"]


def test_visits_of_sleeping_stores_reach_the_bot_at_one_port_everywhere() -> None:
    manifests = render("waker.port=8111")
    assert environment(manifests)["WAKER_ADDRESS"] == "10.0.0.9:8111"
    (bot,) = containers(pod(manifests))
    assert {"name": "waker", "containerPort": 8111} in bot["ports"]
    assert "== 8111)" in str(of_kind(manifests, "ValidatingAdmissionPolicy"))

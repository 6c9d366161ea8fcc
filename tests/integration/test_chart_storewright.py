"""The bot's chart: values, rendered objects, NetworkPolicies, admission policies, and manifests/storewright.yaml."""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from bot.settings import Settings
from dev.charts import bot_chart
from provisioner.domain.store import NAMESPACE_PREFIX
from tests.charts.policies import Peer, Port, allows
from tests.charts.releases import Object, containers, of_kind
from tests.charts.test_manifests import VERSIONS, validate
from tests.charts.test_pods import faults
from tests.charts.test_values import changed, described, leaves, nodes, schema_of, values_of
from tests.conftest import ROOT

CHART, NAMESPACE = bot_chart.CHART, "tools"
# Features that an operator can turn on, as arguments of --set-json.
FEATURES = {
    "http": ('slack.mode="http"',),
    "plain": ('publicUrl="http://storewright.localhost:8081"', 'stores.scheme="http"', "stores.port=8081"),
    "no-ingress": ("ingress.enabled=false",),
    "http-route": ("httpRoute.enabled=true", 'httpRoute.parentRefs=[{"name":"web","namespace":"gateways"}]'),
    "kubernetes": ('executor="kubernetes"',),
    "monitored": ("serviceMonitor.enabled=true", "prometheusRule.enabled=true", "dashboard.enabled=true"),
    "budget": ("podDisruptionBudget.enabled=true",),
    "priority": ("priorityClass.create=true",),
    "no-policy": ("networkPolicy.enabled=false",),
}
EVERYTHING_ON = tuple(setting for name in FEATURES if not name.startswith("no-") for setting in FEATURES[name])
# Deprecated values: the new name, a value to set, and the environment variable that it becomes.
DEPRECATED = {
    "limits.createDeadline": ("deadlineSeconds.create", 901, "CREATE_DEADLINE_SECONDS"),
    "limits.deleteDeadline": ("deadlineSeconds.delete", 301, "DELETE_DEADLINE_SECONDS"),
    "limits.upgradeDeadline": ("deadlineSeconds.upgrade", 1801, "UPGRADE_DEADLINE_SECONDS"),
    "limits.jobsAtOnce": ("limits.maxConcurrentJobs", 51, "MAX_CONCURRENT_JOBS"),
    "ledger.backups.hours": ("ledger.backups.intervalHours", 7.5, "LEDGER_BACKUP_INTERVAL_HOURS"),
    "ledger.backups.kept": ("ledger.backups.keep", 29, "LEDGER_BACKUP_KEEP"),
}
# Replacement values: the test uses the first that the schema accepts.
OTHERS: list[Any] = [
    *(True, False, 0, 2, 11, "other", "77Mi", "45s", "http", "kubernetes", "DEBUG", "Never", "local", "C0OTHERS"),
    *("/other", "https://other.example.com", "https://other.example.com/", "10.1.2.3:80"),
    *({"other.example.com/key": "1"}, {"medusa": {"replicas": 2}}, ["U0OTHER01"], [8443], [{"name": "other"}]),
    [{"ipBlock": {"cidr": "10.1.2.3/32"}}],
]


@cache
def template(*options: str, release: str = "bot", namespace: str = NAMESPACE) -> subprocess.CompletedProcess[str]:
    """The result of `helm template` with manifests/values.yaml and these `--set-json` assignments."""
    flags = [
        f"--namespace={namespace}",
        f"--values={bot_chart.VALUES}",
        *(f"--set-json={option}" for option in options),
    ]
    command = ["helm", "template", release, str(CHART), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def render(*options: str, release: str = "bot", namespace: str = NAMESPACE) -> list[Object]:
    done = template(*options, release=release, namespace=namespace)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.load_all(done.stdout, yaml.CSafeLoader) if manifest]


def with_features(*names: str) -> list[Object]:
    return render(*(setting for name in names for setting in FEATURES[name]))


def the(kind: str, manifests: list[Object]) -> Object:
    (found,) = of_kind(manifests, kind)
    return found


def pod(manifests: list[Object]) -> Object:
    made: Object = the("Deployment", manifests)["spec"]["template"]
    return made


def files(manifests: list[Object]) -> dict[str, str]:
    """The configuration files of the bot, by name."""
    (data,) = [m["data"] for m in of_kind(manifests, "ConfigMap") if m["metadata"]["name"] == "bot-stores"]
    return dict(data)


def worker(manifests: list[Object]) -> Object:
    """The fields that the bot adds to the pods of its Jobs."""
    fields: Object = yaml.safe_load(files(manifests)["worker.yaml"])
    return fields


def environment(manifests: list[Object]) -> dict[str, str]:
    """The bot's environment, with sample values for the Secret's keys."""
    (bot,) = containers(pod(manifests))
    secrets = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "s"}
    return {v["name"]: v["value"] if "value" in v else secrets[v["name"]] for v in bot["env"]}


# --- values -------------------------------------------------------------------------------------------------------


def test_helm_lint_passes() -> None:
    command = ["helm", "lint", "--strict", str(CHART), f"--values={bot_chart.VALUES}"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_missing_required_values_are_reported_together() -> None:
    refused = subprocess.run(["helm", "template", str(CHART)], capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert all(name in refused.stderr for name in ("slack.failureChannel", "publicUrl", "stores.domain"))


def test_schema_describes_and_a_template_reads_every_value() -> None:
    def rendered(path: tuple[str, ...], value: Any, context: tuple[str, ...]) -> str:
        return template(*context, f"{'.'.join(path)}={json.dumps(value)}").stdout

    unread = []
    for path, value in leaves(CHART):
        if path[:2] == ("dashboard", "labels"):
            continue  # any label is valid
        takes = described(schema_of(CHART), path)
        assert takes.is_valid(value), path
        other = next(o for o in OTHERS if takes.is_valid(o) and json.dumps(o) != json.dumps(value))
        tries = [(o, context) for o in (other, value) for context in ((), EVERYTHING_ON)]
        if not any(rendered(path, o, context) not in ("", template(*context).stdout) for o, context in tries):
            unread.append(path)
    assert unread == []


def test_schema_rejects_unknown_values_in_every_map() -> None:
    maps = [path for path, node in nodes(values_of(CHART)) if isinstance(node, dict) and node]
    takes = Draft7Validator(schema_of(CHART))
    for path in maps:
        if path == ("deadlineSeconds",):
            continue  # it accepts any operation
        assert not takes.is_valid(changed(values_of(CHART), (*path, "unknown"), 1)), path


@pytest.mark.parametrize(
    "bad",
    [
        *('slack.mode="rtm"', 'slack.failureChannel="#failures"', 'slack.admins=["dana"]', 'slack.secretName=""'),
        *(
            'publicUrl="storewright.example.com"',
            'publicUrl="https://example.com/path"',
            'stores.domain="*.example.com"',
        ),
        *("stores.port=0", "limits.workers=65", 'instance="My Shops"', 'executor="nomad"', "httpRoute.enabled=true"),
        *("networkPolicy.dns=[]", "podDisruptionBudget.maxUnavailable=2", 'ledger.storage.size="much"'),
        *("deadlineSeconds.create=9", "deadlineSeconds.Restart=60", 'deadlineSeconds.restart="1m"'),
        *("limits.createDeadline=9", "limits.jobsAtOnce=0", "ledger.backups.hours=0", "ledger.backups.kept=0"),
    ],
)
def test_schema_rejects_malformed_values(bad: str) -> None:
    refused = template(bad)
    assert refused.returncode != 0
    assert "don't meet the specifications" in refused.stderr


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
    for name in ("STORE_VALUES", "EXECUTOR_POD"):
        file = tmp_path / Path(given[name]).name
        file.write_text(files(manifests)[file.name])
        monkeypatch.setenv(name, str(file))
    settings = Settings.from_environment()
    assert settings.instance == "tools-bot"
    assert settings.service_account == "tools/bot"


def test_store_values_reach_the_bot_and_restart_it() -> None:
    values = {"medusa": {"ingress": {"className": "nginx"}}}
    manifests = render(f"stores.values={json.dumps(values)}")
    assert yaml.safe_load(files(manifests)["stores.yaml"]) == values
    assert pod(manifests)["metadata"]["annotations"] != pod(render())["metadata"]["annotations"], (
        "otherwise the pod would not restart"
    )


@pytest.mark.parametrize("former", DEPRECATED)
def test_deprecated_value_still_works_and_the_notes_warn(former: str) -> None:
    name, value, variable = DEPRECATED[former]
    default = environment(render())
    assert environment(render(f"{former}={value}")) == default | {variable: str(value)}
    assert environment(render(f"{name}={value}")) == default | {variable: str(value)}, "the new name sets the same"
    assert f"WARNING: The value {former} is deprecated. Use {name} instead" in notes(f"--set-json={former}={value}")
    assert "deprecated" not in notes(f"--set-json={name}={value}")


def test_deprecated_values_are_no_defaults() -> None:
    names = {".".join(path) for path, _ in nodes(values_of(CHART))}
    assert not DEPRECATED.keys() & names
    assert {name for name, _, _ in DEPRECATED.values()} <= names


def test_notes_warn_once_for_each_deprecated_value() -> None:
    given = [f"--set-json={former}={value}" for former, (_, value, _) in DEPRECATED.items()]
    assert notes(*given).count("WARNING: ") == len(DEPRECATED)


def test_deadline_of_a_further_operation_reaches_the_bot() -> None:
    assert environment(render("deadlineSeconds.restart=60"))["RESTART_DEADLINE_SECONDS"] == "60"


@pytest.mark.parametrize("mode", ["http", "socket"])
def test_slack_tokens_come_from_the_secret_by_reference(mode: str) -> None:
    manifests = render(f'slack.mode="{mode}"', 'slack.secretName="its-secret"', 'slack.secretKeys.botToken="bot"')
    assert of_kind(manifests, "Secret") == []
    (bot,) = containers(pod(manifests))
    references = {v["name"]: v["valueFrom"]["secretKeyRef"] for v in bot["env"] if "valueFrom" in v}
    other = {"http": "SLACK_SIGNING_SECRET", "socket": "SLACK_APP_TOKEN"}[mode]
    assert references == {
        "SLACK_BOT_TOKEN": {"name": "its-secret", "key": "bot"},
        other: {"name": "its-secret", "key": other},
    }


def test_bot_may_read_only_the_stores_pull_secret() -> None:
    manifests = render('stores.imagePullSecret="registry"')
    assert environment(manifests)["IMAGE_PULL_SECRET"] == "tools/registry"
    named = [rule for rule in the("Role", manifests)["rules"] if rule["resources"] == ["secrets"]]
    assert named == [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["registry"], "verbs": ["get"]}]
    assert environment(render())["IMAGE_PULL_SECRET"] == ""
    assert not [rule for rule in the("Role", render())["rules"] if rule["resources"] == ["secrets"]]


def test_bot_pod_is_restricted_except_for_its_token() -> None:
    assert faults(pod(with_features("monitored", "kubernetes"))) == ["service account token"]


def test_deployment_runs_one_pod_and_keeps_the_ledger_claim() -> None:
    deployment = the("Deployment", render())["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    claim = the("PersistentVolumeClaim", render())["metadata"]
    assert claim["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in the("PersistentVolumeClaim", render("ledger.keep=false"))["metadata"]


def test_routes_expose_only_slack_and_credential_paths() -> None:
    for features, paths in {(): ["/s"], ("http",): ["/s", "/slack/events"]}.items():
        manifests = with_features(*features, "http-route")
        ingress, route = the("Ingress", manifests)["spec"], the("HTTPRoute", manifests)["spec"]
        (rule,) = ingress["rules"]
        assert [path["path"] for path in rule["http"]["paths"]] == paths
        assert [match["path"]["value"] for match in route["rules"][0]["matches"]] == paths
        assert {path["backend"]["service"]["port"]["name"] for path in rule["http"]["paths"]} == {"http"}
        assert [rule["host"]] == route["hostnames"] == ["storewright.example.com"]
        assert ingress["tls"] == [{"hosts": ["storewright.example.com"], "secretName": "bot-tls"}]
    plain = the("Ingress", with_features("plain"))["spec"]
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
    may = {kind for rule in role["rules"] if {"create", "delete"} <= set(rule["verbs"]) for kind in rule["resources"]}
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
    made = of_kind(render('stores.scheme="http"', 'stores.ingressAddress="10.0.0.1:8081"'), "NetworkPolicy")
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


# --- files and notes ----------------------------------------------------------------------------------------------


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
    (group,) = the("PrometheusRule", with_features("monitored"))["spec"]["groups"]
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


def notes(*options: str) -> str:
    """The notes that `helm install` prints."""
    command = ["helm", "install", "bot", str(CHART), "--dry-run=client", f"--namespace={NAMESPACE}"]
    command += [f"--values={bot_chart.VALUES}", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("NOTES:")[2]


def test_notes_show_the_next_steps() -> None:
    for mode, key in {"http": "SLACK_SIGNING_SECRET", "socket": "SLACK_APP_TOKEN"}.items():
        shown = notes(f"--set=slack.mode={mode}")
        assert "kubectl -n tools create secret generic storewright-slack --from-env-file=slack.env\n" in shown
        assert f"Write SLACK_BOT_TOKEN=… and {key}=… to the file slack.env, one per line." in shown
        assert ("/slack/events" in shown) == (mode == "http")

"""The bot's own chart: its values, what they become, who may reach whom, and manifests/storewright.yaml made of it."""

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
# What an operator may turn on, as arguments of --set-json.
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
# What a value may be changed to: the first that its schema takes is tried.
OTHERS: list[Any] = [
    *(True, False, 0, 2, 11, "other", "77Mi", "45s", "http", "kubernetes", "DEBUG", "Never", "local", "C0OTHERS"),
    *("/other", "https://other.example.com", "https://other.example.com/", "10.1.2.3:80"),
    *({"other.example.com/key": "1"}, {"medusa": {"replicas": 2}}, ["U0OTHER01"], [8443], [{"name": "other"}]),
    [{"ipBlock": {"cidr": "10.1.2.3/32"}}],
]


@cache
def template(*options: str, release: str = "bot", namespace: str = NAMESPACE) -> subprocess.CompletedProcess[str]:
    """What `helm template` says to these `--set-json` assignments, over what has no default."""
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


def worker(manifests: list[Object]) -> Object:
    """What is laid over the pod of a Job that does the bot's work."""
    told = next(m for m in of_kind(manifests, "ConfigMap") if m["metadata"]["name"] == "bot-stores")["data"]
    laid: Object = yaml.safe_load(told["worker.yaml"])
    return laid


def environment(manifests: list[Object]) -> dict[str, str]:
    """The bot's, with a stand-in for what comes from the Secret."""
    (bot,) = containers(pod(manifests))
    secrets = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "s"}
    return {v["name"]: v["value"] if "value" in v else secrets[v["name"]] for v in bot["env"]}


# --- its values --------------------------------------------------------------------------------------------------


def test_helm_finds_no_fault() -> None:
    command = ["helm", "lint", "--strict", str(CHART), f"--values={bot_chart.VALUES}"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_all_that_only_the_operator_knows_is_asked_for_at_once() -> None:
    refused = subprocess.run(["helm", "template", str(CHART)], capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert all(name in refused.stderr for name in ("slack.failureChannel", "publicUrl", "stores.domain"))


def test_every_value_is_described_and_read() -> None:
    def rendered(path: tuple[str, ...], value: Any, context: tuple[str, ...]) -> str:
        return template(*context, f"{'.'.join(path)}={json.dumps(value)}").stdout

    dead = []
    for path, value in leaves(CHART):
        if path[:2] == ("dashboard", "labels"):
            continue  # as an operator likes
        takes = described(schema_of(CHART), path)
        assert takes.is_valid(value), path
        other = next(o for o in OTHERS if takes.is_valid(o) and json.dumps(o) != json.dumps(value))
        tries = [(o, context) for o in (other, value) for context in ((), EVERYTHING_ON)]
        if not any(rendered(path, o, context) not in ("", template(*context).stdout) for o, context in tries):
            dead.append(path)
    assert dead == []


def test_an_unknown_value_is_refused_wherever_it_stands() -> None:
    maps = [path for path, node in nodes(values_of(CHART)) if isinstance(node, dict) and node]
    takes = Draft7Validator(schema_of(CHART))
    for path in maps:
        assert not takes.is_valid(changed(values_of(CHART), (*path, "unheard-of"), 1)), path


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
    ],
)
def test_a_value_of_the_wrong_form_is_refused(bad: str) -> None:
    refused = template(bad)
    assert refused.returncode != 0
    assert "don't meet the specifications" in refused.stderr


# --- what they become --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "features", [(), ("http",), ("plain",), tuple(FEATURES)[:-1]], ids=lambda f: "+".join(f) or "-"
)
def test_the_bot_takes_every_setting_the_chart_gives(
    features: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = environment(with_features(*features))
    left_alone = {"KUBECONFIG", "KUBE_CONTEXT", "HELM", "CHARTS_DIR"}
    for_the_other_mode = {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"}
    fields = {name.upper() for name in Settings.model_fields}
    assert fields - told.keys() - for_the_other_mode == left_alone
    for name, value in told.items():
        monkeypatch.setenv(name, str(tmp_path) if name in ("STORE_VALUES", "EXECUTOR_POD") else value)
    settings = Settings.from_environment()
    assert settings.instance == "tools-bot"
    assert settings.service_account == "tools/bot"


def test_stores_are_given_the_operators_values() -> None:
    values = {"medusa": {"ingress": {"className": "nginx"}}}
    manifests = render(f"stores.values={json.dumps(values)}")
    told = next(m for m in of_kind(manifests, "ConfigMap") if m["metadata"]["name"] == "bot-stores")["data"]
    assert yaml.safe_load(told["stores.yaml"]) == values
    assert pod(manifests)["metadata"]["annotations"] != pod(render())["metadata"]["annotations"], (
        "or it would not restart"
    )


@pytest.mark.parametrize("mode", ["http", "socket"])
def test_secrets_come_by_reference_only(mode: str) -> None:
    manifests = render(f'slack.mode="{mode}"', 'slack.secretName="its-secret"', 'slack.secretKeys.botToken="bot"')
    assert of_kind(manifests, "Secret") == []
    (bot,) = containers(pod(manifests))
    references = {v["name"]: v["valueFrom"]["secretKeyRef"] for v in bot["env"] if "valueFrom" in v}
    other = {"http": "SLACK_SIGNING_SECRET", "socket": "SLACK_APP_TOKEN"}[mode]
    assert references == {
        "SLACK_BOT_TOKEN": {"name": "its-secret", "key": "bot"},
        other: {"name": "its-secret", "key": other},
    }


def test_a_secret_of_a_registry_is_named_and_may_be_read() -> None:
    manifests = render('stores.imagePullSecret="registry"')
    assert environment(manifests)["PULL_SECRET"] == "tools/registry"
    named = [rule for rule in the("Role", manifests)["rules"] if rule["resources"] == ["secrets"]]
    assert named == [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["registry"], "verbs": ["get"]}]
    assert environment(render())["PULL_SECRET"] == ""
    assert not [rule for rule in the("Role", render())["rules"] if rule["resources"] == ["secrets"]]


def test_its_pod_is_restricted_but_for_its_token() -> None:
    assert faults(pod(with_features("monitored", "kubernetes"))) == ["a service account's token"]


def test_one_bot_at_a_time_holds_the_ledger() -> None:
    deployment = the("Deployment", render())["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    claim = the("PersistentVolumeClaim", render())["metadata"]
    assert claim["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in the("PersistentVolumeClaim", render("ledger.keep=false"))["metadata"]


def test_the_world_gets_no_further_than_slack_and_credentials() -> None:
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


def test_two_releases_share_nothing_cluster_wide() -> None:
    def cluster_wide(release: str, namespace: str) -> set[tuple[str, str]]:
        made = render(release=release, namespace=namespace)
        return {(m["kind"], m["metadata"]["name"]) for m in made if "namespace" not in m["metadata"]}

    names = [cluster_wide(*where) for where in (("bot", "tools"), ("tools", "bot"), ("storewright", "storewright"))]
    assert {len(found) for found in names} == {11}
    assert all(not one & other for one, other in combinations(names, 2))
    assert ("ClusterRole", "storewright-store") in names[2]


def test_every_manifest_is_valid_in_every_combination() -> None:
    chosen = [names for size in (0, 1, 2, len(FEATURES)) for names in combinations(FEATURES, size)]
    rendered = {json.dumps(m): m for names in chosen for m in with_features(*names)}
    kinds = {manifest["kind"] for manifest in rendered.values()}
    assert {"HTTPRoute", "PrometheusRule", "ServiceMonitor", "PodDisruptionBudget", "ValidatingAdmissionPolicy"} < kinds
    for manifest in rendered.values():
        for version in VERSIONS:
            validate(manifest, version)


def test_store_types_are_told_what_they_may_make() -> None:
    role = next(r for r in of_kind(render(), "ClusterRole") if r["metadata"]["name"].endswith("-store"))
    may = {kind for rule in role["rules"] if {"create", "delete"} <= set(rule["verbs"]) for kind in rule["resources"]}
    page = " ".join((ROOT / "docs/store-types.md").read_text().split())
    told = page.partition("the bot may make ")[2].partition(". ")[0]
    assert {kind.lower() for kind in re.split(r", | and ", told)} == may


def test_its_pods_are_put_before_others_where_that_is_asked_for() -> None:
    def classes(*options: str) -> tuple[list[str], str, str]:
        manifests = render('executor="kubernetes"', *options)
        made = [found["metadata"]["name"] for found in of_kind(manifests, "PriorityClass")]
        return made, pod(manifests)["spec"].get("priorityClassName", ""), worker(manifests)["pod"]["priorityClassName"]

    assert classes() == ([], "", "")
    assert classes("priorityClass.create=true") == (["storewright-tools-bot"], *["storewright-tools-bot"] * 2)
    assert classes('pod.priorityClassName="high"') == ([], "high", "high")


# --- who may reach whom ------------------------------------------------------------------------------------------


def peer(known_as: str, namespace: str, **labels: str) -> Peer:
    home = {"kubernetes.io/metadata.name": namespace}
    return Peer(known_as, "10.1.0.9", namespace, {f"app.kubernetes.io/{k}": v for k, v in labels.items()}, home)


def test_its_network_policy_lets_through_what_is_needed() -> None:
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
    assert not allows(of_kind(render(), "NetworkPolicy"), prometheus, bot, ops), "unless a ServiceMonitor is made"


def test_it_may_ask_stores_at_their_own_port() -> None:
    made = of_kind(render('stores.scheme="http"', 'stores.ingressAddress="10.0.0.1:8081"'), "NetworkPolicy")
    policy, of_jobs = sorted(made, key=lambda found: len(found["metadata"]["name"]))
    assert of_jobs["spec"]["egress"] == policy["spec"]["egress"]
    assert "ingress" not in of_jobs["spec"]
    ports = [port["port"] for rule in policy["spec"]["egress"] for port in rule.get("ports", [])]
    assert {80, 8081} < set(ports)
    assert len(ports) == len(set(ports)) + 1, "53 by TCP and UDP, and nothing else twice"


# --- what the bot is refused ---------------------------------------------------------------------------------------


def test_what_a_policy_can_not_tell_it_refuses() -> None:
    """What they refuse is in tests/e2e/test_refused.py."""
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
        assert {rule["reason"] for rule in policy["validations"]} == {"Forbidden"}, "or the bot takes it for final"


def test_stores_namespaces_are_called_as_the_policy_has_it() -> None:
    rules = [
        rule["expression"]
        for made in of_kind(render(), "ValidatingAdmissionPolicy")
        for rule in made["spec"]["validations"]
    ]
    assert f'request.operation != "CREATE" || object.metadata.name.startsWith("{NAMESPACE_PREFIX}")' in rules


# --- what is made of it ------------------------------------------------------------------------------------------


def test_the_plain_manifests_are_up_to_date() -> None:
    assert bot_chart.MANIFESTS.read_text() == bot_chart.manifests(), "run `make manifests`"


def test_the_plain_manifests_are_complete() -> None:
    manifests = list(yaml.safe_load_all(bot_chart.MANIFESTS.read_text()))
    everything = render(release="storewright", namespace="storewright")
    assert [m["kind"] for m in manifests] == ["Namespace", *(m["kind"] for m in everything)]
    assert manifests[0]["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_the_dashboard_is_grafanas() -> None:
    maps = of_kind(with_features("monitored"), "ConfigMap")
    found = next(m for m in maps if m["metadata"]["name"] == "bot-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    board = json.loads(found["data"]["storewright.json"])
    assert len(board["panels"]) > 10


def test_alerts_are_about_this_release() -> None:
    (group,) = the("PrometheusRule", with_features("monitored"))["spec"]["groups"]
    told = [rule["expr"] for rule in group["rules"]]
    assert len(told) > 5
    assert all('namespace="tools", job="bot"' in expr for expr in told)
    assert not any('job="storewright"' in expr for expr in told)


def test_jobs_are_given_what_the_bots_pod_is() -> None:
    given = (
        'pod.nodeSelector={"disk":"fast"}',
        'imagePullSecrets=[{"name":"registry"}]',
        'extraEnv=[{"name":"HTTPS_PROXY","value":"http://proxy:3128"}]',
        'extraVolumes=[{"name":"ca","configMap":{"name":"ca"}}]',
        'extraVolumeMounts=[{"name":"ca","mountPath":"/ca"}]',
        'worker.resources.limits.memory="1Gi"',
    )
    manifests = render('executor="kubernetes"', *given)
    told = worker(manifests)
    assert told["pod"]["nodeSelector"] == {"disk": "fast"}
    assert told["pod"]["imagePullSecrets"] == [{"name": "registry"}]
    assert told["pod"]["volumes"] == [{"name": "ca", "configMap": {"name": "ca"}}]
    assert told["container"]["env"] == [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]
    assert told["container"]["volumeMounts"] == [{"name": "ca", "mountPath": "/ca"}]
    assert told["container"]["resources"]["limits"] == {"memory": "1Gi"}
    (bot,) = containers(pod(manifests))
    assert environment(manifests)["EXECUTOR_IMAGE"] == bot["image"]


def test_its_notes_lead_on() -> None:
    command = ["helm", "install", "bot", str(CHART), "--dry-run=client", f"--namespace={NAMESPACE}"]
    for mode, key in {"http": "SLACK_SIGNING_SECRET", "socket": "SLACK_APP_TOKEN"}.items():
        told = subprocess.run(
            [*command, f"--values={bot_chart.VALUES}", f"--set=slack.mode={mode}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        notes = told.rpartition("NOTES:")[2]
        assert "kubectl -n tools create secret generic storewright-slack --from-env-file=slack.env\n" in notes
        assert f"Write SLACK_BOT_TOKEN=… and {key}=…\n" in notes
        assert ("/slack/events" in notes) == (mode == "http")

"""The backup server in the bot's chart: its objects, its keys and its NetworkPolicy."""

from __future__ import annotations

from tests.charts.policies import Peer, Port, allows
from tests.charts.releases import Object, containers, of_kind
from tests.charts.test_pods import faults
from tests.integration.bot_chart_rendering import NAMESPACE, environment, only, render, with_features

SERVER = "backup"


def pod(manifests: list[Object]) -> Object:
    template: Object = only("Deployment", manifests, SERVER)["spec"]["template"]
    return template


def test_pod_is_restricted_and_only_adds_to_the_repository_of_each_store() -> None:
    made = pod(render())
    assert faults(made) == []
    (server,) = containers(made)
    assert {"--append-only", "--private-repos", "--client-ca=/tls/ca.crt", "--min-tls-version=tls1.3"} < {
        *server["args"]
    }
    assert server["args"][-1] == "/data"


def test_pod_gets_no_key_that_reads_backups() -> None:
    (tls,) = [volume["secret"] for volume in pod(render())["spec"]["volumes"] if "secret" in volume]
    assert {item["key"] for item in tls["items"]} == {"ca.crt", "tls.crt", "tls.key"}


def test_keys_are_in_no_release_and_stay_after_an_uninstall() -> None:
    secret = only("Secret", render(), SERVER)
    assert {"data", "stringData"} & secret.keys() == set()
    kept = {"helm.sh/resource-policy": "keep"}
    assert secret["metadata"]["annotations"] == kept
    assert only("PersistentVolumeClaim", render(), SERVER)["metadata"]["annotations"] == kept


def test_bot_is_told_the_address_of_the_service() -> None:
    service = only("Service", render(), SERVER)
    assert environment(render())["BACKUP_SERVER"] == f"https://{service['metadata']['name']}.{NAMESPACE}.svc:8000"
    assert "BACKUP_SERVER" not in environment(render("backups.enabled=false"))


def test_remote_replaces_the_volume() -> None:
    manifests = with_features("remote")
    (server,) = containers(pod(manifests))
    assert server["args"][-1] == "s3:bucket/storewright"
    assert server["envFrom"] == [{"secretRef": {"name": "s3"}}]
    assert [
        claim for claim in of_kind(manifests, "PersistentVolumeClaim") if "backup" in claim["metadata"]["name"]
    ] == []


def test_only_backup_jobs_of_our_stores_reach_the_server_and_it_reaches_only_its_remote() -> None:
    manifests = with_features("remote")
    policies = of_kind(manifests, "NetworkPolicy")
    labels = pod(manifests)["metadata"]["labels"]
    server = Peer("server", "10.1.0.1", NAMESPACE, labels, {"kubernetes.io/metadata.name": NAMESPACE})
    ours = {"storewright.dev/instance": "tools-bot"}
    others = {"storewright.dev/instance": "another"}

    def store(component: str, namespace: dict[str, str]) -> Peer:
        return Peer(component, "10.3.0.1", "store-x", {"app.kubernetes.io/component": component}, namespace)

    https, remote = Port(8000, "https"), Peer("remote", "93.184.215.14")
    assert allows(policies, store("backup", ours), server, https)
    assert not allows(policies, store("application", ours), server, https)
    assert not allows(policies, store("backup", others), server, https)
    assert not allows(policies, remote, server, https)
    assert allows(policies, server, remote, Port(443))
    assert not allows(policies, server, remote, Port(80))
    assert not allows(of_kind(render(), "NetworkPolicy"), server, remote, Port(443))

"""The HTTPRoutes of store charts and of the bot at a real Gateway: taken by the API server and Traefik, then walked."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from dev.charts import definitions
from dev.cluster import Cluster, binaries
from dev.cluster.process import kubectl, run
from dev.stack import free_port
from tests.charts.releases import NAME, every_chart, of_kind, render
from tests.e2e import sample_type
from tests.e2e.installed import release
from tests.waiting import until
from tests.workers import PORT_OFFSET

GATEWAY = """
{apiVersion: v1, kind: Namespace, metadata: {name: gateways}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: traefik}
spec: {controllerName: traefik.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shops, namespace: gateways}
spec:
  gatewayClassName: traefik
  listeners: [{name: http, protocol: HTTP, port: 80, allowedRoutes: {namespaces: {from: All}}}]
"""
Kubectl = Callable[..., str]


@pytest.fixture(scope="module")
def kube(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """kubectl in a namespace with a leaflet called like the shop whose routes come; the Gateway API is there."""
    sample_type.load_image(cluster, tmp_path_factory.mktemp("images"))

    def call(*arguments: str | Path, stdin: str = "") -> str:
        return run(*kubectl(cluster.kubeconfig), "--namespace=gateways", *arguments, stdin=stdin)

    call("delete", "--ignore-not-found", "namespace/gateways")  # of an earlier run, where the cluster was kept
    resources = [f"--filename={file}" for file in definitions().glob("gateway.*.yaml")]
    call("apply", "--server-side", *resources)
    call("wait", "--for=condition=Established", *resources)
    call("apply", "--filename=-", stdin=GATEWAY.replace("port: 80", f"port: {free_port(8000 + PORT_OFFSET)}"))
    # With a host, because an Ingress without one answers for every other test's.
    told = ["--set=store.displayName=By the gate", "--set=store.host=beside-the-gate.localhost"]
    call("apply", "--filename=-", stdin=run("helm", "template", NAME, sample_type.CHART, *told))
    yield call
    call("delete", "namespace/gateways", "gatewayclass/traefik", "--wait=false")


@pytest.fixture(scope="module")
def gateway(cluster: Cluster, kube: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Traefik that knows nothing but the Gateway API."""
    port = kube("get", "gateway/shops", "--output=jsonpath={.spec.listeners[0].port}")
    options = ["--providers.kubernetesgateway=true", f"--entrypoints.web.address=127.0.0.1:{port}"]
    quiet = ["--global.checknewversion=false", "--global.sendanonymoususage=false"]
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    with (tmp_path_factory.mktemp("traefik") / "log").open("w") as log:
        traefik = subprocess.Popen([binaries.ensure()["traefik"], *options, *quiet], env=environment, stderr=log)
    yield f"http://127.0.0.1:{port}/"
    traefik.terminate()
    traefik.wait(10)


def answer(address: str, host: str) -> str:
    try:
        return httpx.get(address, headers={"Host": host}, timeout=2, trust_env=False).text
    except httpx.TransportError as error:
        return str(error)


@every_chart
def test_a_shop_is_reached_by_its_route(chart: Path, kube: Kubectl, gateway: str) -> None:
    (route,) = of_kind(render(chart, "http-route", "no-ingress"), "HTTPRoute")
    host = route["spec"]["hostnames"][0]
    until("the gateway answers", lambda: "404" in answer(gateway, host), 30)
    kube("apply", "--filename=-", stdin=json.dumps(route))
    until("the route is taken up", lambda: "By the gate" in answer(gateway, host), 30)
    assert "404" in answer(gateway, "other-shop.localhost")
    (parent,) = json.loads(kube("get", "httproute", NAME, "--output=json"))["status"]["parents"]
    assert {c["type"]: c["status"] for c in parent["conditions"]} == {"Accepted": "True", "ResolvedRefs": "True"}
    kube("delete", "httproute", NAME)


def test_the_bot_is_reached_by_its_route_as_far_as_the_world_may(
    cluster: Cluster, gateway: str, tmp_path: Path
) -> None:
    route = json.dumps({"enabled": True, "parentRefs": [{"name": "shops", "namespace": "gateways"}]})
    with release(cluster, tmp_path, "http") as bot:
        bot.upgrade("http", f"--set-json=httpRoute={route}")
        host = bot.host.partition(":")[0]

        def asked(method: str, path: str) -> int:
            return httpx.request(method, gateway + path, headers={"Host": host}, trust_env=False, timeout=5).status_code

        until("the route to the bot", lambda: asked("GET", "s/a-link") == 200)
        assert asked("POST", "slack/events") == 401, "it is not Slack that asks"
        assert [asked("GET", path) for path in ("healthz", "readyz", "metrics", "")] == [404] * 4

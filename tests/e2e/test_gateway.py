"""HTTPRoutes of the store charts and of the bot: the API server and Traefik accept them, and requests arrive."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from dev import local_http
from dev.charts import definitions
from dev.cluster import Cluster, binaries
from dev.cluster.process import kubectl, run
from dev.stack import free_port
from tests.charts.releases import NAME, every_chart, of_kind, render
from tests.e2e import sample_type
from tests.e2e.bot_release import bot_release
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
    """kubectl in a namespace with a leaflet store, the backend of every route. The Gateway API is installed."""
    sample_type.load_image(cluster, tmp_path_factory.mktemp("images"))

    def call(*arguments: str | Path, stdin: str = "") -> str:
        return run(*kubectl(cluster.kubeconfig), "--namespace=gateways", *arguments, stdin=stdin)

    call("delete", "--ignore-not-found", "namespace/gateways")  # an earlier run leaves it if the cluster was kept
    resources = [f"--filename={file}" for file in definitions().glob("gateway.*.yaml")]
    call("apply", "--server-side", *resources)
    call("wait", "--for=condition=Established", *resources)
    call("apply", "--filename=-", stdin=GATEWAY.replace("port: 80", f"port: {free_port(8000 + PORT_OFFSET)}"))
    # With a host, because an Ingress without one answers the requests to all hosts.
    values = ["--set=store.displayName=Route target", "--set=store.host=route-target.localhost"]
    call("apply", "--filename=-", stdin=run("helm", "template", NAME, sample_type.CHART, *values))
    yield call
    call("delete", "namespace/gateways", "gatewayclass/traefik", "--wait=false")


@pytest.fixture(scope="module")
def gateway(cluster: Cluster, kube: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Traefik that reads only the Gateway API."""
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
    """The text of the answer, or of the error."""
    try:
        return local_http.get(address, headers={"Host": host}, timeout=2).text
    except httpx.TransportError as error:
        return str(error)


@every_chart
def test_store_is_reached_by_its_http_route(chart: Path, kube: Kubectl, gateway: str) -> None:
    (route,) = of_kind(render(chart, "http-route", "no-ingress"), "HTTPRoute")
    host = route["spec"]["hostnames"][0]
    until("the gateway answers", lambda: "404" in answer(gateway, host), 30)
    kube("apply", "--filename=-", stdin=json.dumps(route))
    until("the gateway uses the route", lambda: "Route target" in answer(gateway, host), 30)
    assert "404" in answer(gateway, "other-shop.localhost")
    (parent,) = json.loads(kube("get", "httproute", NAME, "--output=json"))["status"]["parents"]
    assert {c["type"]: c["status"] for c in parent["conditions"]} == {"Accepted": "True", "ResolvedRefs": "True"}
    kube("delete", "httproute", NAME)


def test_http_route_of_the_bot_serves_only_its_public_paths(cluster: Cluster, gateway: str, tmp_path: Path) -> None:
    route = json.dumps({"enabled": True, "parentRefs": [{"name": "shops", "namespace": "gateways"}]})
    with bot_release(cluster, tmp_path, "http") as bot:
        bot.upgrade("http", f"--set-json=httpRoute={route}")
        host = bot.host.partition(":")[0]

        def status(method: str, path: str) -> int:
            with local_http.client(headers={"Host": host}, timeout=5) as client:
                return client.request(method, gateway + path).status_code

        until("the route to the bot", lambda: status("GET", "s/a-link") == 200)
        assert status("POST", "slack/events") == 401, "the request has no signature of Slack"
        assert [status("GET", path) for path in ("healthz", "readyz", "metrics", "")] == [404] * 4

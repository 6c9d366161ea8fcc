"""The YAML examples in docs/operating.md: the charts accept them, and each has its effect."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from typing import Any

import pytest
import yaml

from dev.charts import bot_chart
from provisioner.domain.documents import read_manifests
from tests.charts.policies import Peer, Port, allows
from tests.charts.releases import STORES, Object, of_kind
from tests.conftest import ROOT
from tests.integration.bot_chart_rendering import only

PAGE = (ROOT / "docs/operating.md").read_text()


def pieces() -> list[Object]:
    """The page's indented blocks that are YAML maps. A block may contain several documents."""
    blocks = re.findall(r"(?:^(?: {4}.*)?\n)+", PAGE, re.MULTILINE)
    found = [document for block in blocks for document in _documents(textwrap.dedent(block))]
    return [document for document in found if isinstance(document, dict)]


def _documents(text: str) -> list[Any]:
    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        return []  # a block of commands


VALUES = [piece for piece in pieces() if "apiVersion" not in piece]
MANIFESTS = {piece["kind"]: piece for piece in pieces() if "apiVersion" in piece}
WHOLE = VALUES[0]
each = pytest.mark.parametrize("values", VALUES, ids=lambda values: "+".join(values))


def the(text: str) -> Object:
    """The one example that contains this text."""
    (found,) = [piece for piece in VALUES if text in json.dumps(piece)]
    return found


def rendered(values: Object) -> tuple[list[Object], dict[str, list[Object]]]:
    """The bot's manifests with the example's keys in the complete example, and the stores' manifests."""
    bot = _template(bot_chart.CHART, WHOLE | values)
    (text,) = [m["data"]["stores.yaml"] for m in of_kind(bot, "ConfigMap") if "stores.yaml" in m.get("data", {})]
    given = yaml.safe_load(text)
    return bot, {name: _template(store.chart, given.get(name, {}), "prod") for name, store in STORES.items()}


def _template(chart: Any, values: Object, profile: str = "") -> list[Object]:
    profile_values = ["--values", f"{chart}/values-{profile}.yaml"] if profile else []
    if profile:
        profile_values.append("--set=store.url=https://my-shop.localhost")
    command = ["helm", "template", "shop", str(chart), "--namespace=tools", *profile_values, "--values=-"]
    done = subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{values}: {done.stderr}"
    return read_manifests(done.stdout)


@each
def test_charts_accept_the_example(values: Object) -> None:
    bot, stores = rendered(values)
    assert of_kind(bot, "Deployment")
    assert all(stores.values())
    if values is not WHOLE:
        assert (bot, stores) != rendered({}), "the example changes nothing"


def test_page_contains_the_expected_examples() -> None:
    assert len(VALUES) > 5
    assert set(WHOLE) > {"slack", "publicUrl", "stores"}
    assert set(MANIFESTS) == {"ClusterIssuer", "Certificate", "TLSStore"}


def test_http01_solver_fits_a_stores_quota() -> None:
    issuer = MANIFESTS["ClusterIssuer"]
    (solver,) = issuer["spec"]["acme"]["solvers"]
    assert solver["http01"]["ingress"] == {"ingressClassName": "traefik", "serviceType": "ClusterIP"}
    bot, stores = rendered({})
    for manifests in [bot, *stores.values()]:
        (ingress,) = of_kind(manifests, "Ingress")
        assert ingress["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == issuer["metadata"]["name"]
        assert ingress["spec"]["tls"][0]["secretName"]


def test_wildcard_certificate_replaces_all_others() -> None:
    bot, stores = rendered(the('"-"'))
    for manifests in [bot, *stores.values()]:
        (ingress,) = of_kind(manifests, "Ingress")
        assert "annotations" not in ingress["metadata"]
        assert "secretName" not in ingress["spec"]["tls"][0]
    names = MANIFESTS["Certificate"]["spec"]["dnsNames"]
    assert names == [WHOLE["publicUrl"].removeprefix("https://"), f"*.{WHOLE['stores']['domain']}"]
    shown = MANIFESTS["TLSStore"]["spec"]["defaultCertificate"]["secretName"]
    assert shown == MANIFESTS["Certificate"]["spec"]["secretName"]


def test_pull_secret_serves_the_bot_and_the_stores() -> None:
    bot = only("Deployment", rendered(the('imagePullSecret"'))[0])
    (container,) = bot["spec"]["template"]["spec"]["containers"]
    (given,) = [one["value"] for one in container["env"] if one["name"] == "IMAGE_PULL_SECRET"]
    assert [given] == [f"tools/{one['name']}" for one in bot["spec"]["template"]["spec"]["imagePullSecrets"]]


def test_gateway_example_replaces_the_ingress() -> None:
    bot, stores = rendered(the("httpRoute"))
    for manifests in [bot, *stores.values()]:
        assert not of_kind(manifests, "Ingress")
        (route,) = of_kind(manifests, "HTTPRoute")
        assert route["spec"]["parentRefs"][0]["namespace"] == "gateways"


def test_storage_class_example_covers_every_volume() -> None:
    for manifests in rendered(the('"fast"'))[1].values():
        made = [claim["spec"] for m in manifests for claim in m.get("spec", {}).get("volumeClaimTemplates", [])]
        made += [claim["spec"] for claim in of_kind(manifests, "PersistentVolumeClaim")]
        assert [claim.get("storageClassName") for claim in made] == ["fast"] * 2


def test_proxy_example_allows_connections_to_the_proxy() -> None:
    values = the("HTTPS_PROXY")
    (address,) = [one["value"] for one in values["extraEnv"] if one["name"] == "HTTPS_PROXY"]
    proxy, port = Peer("proxy", "192.0.2.8"), Port(int(address.rpartition(":")[2]))
    for given, expected in ((values, True), ({}, False)):
        manifests = rendered(given)[0]
        bot = only("Deployment", manifests)
        labels = bot["spec"]["template"]["metadata"]["labels"]
        policies = [policy | {"metadata": {"namespace": "tools"}} for policy in of_kind(manifests, "NetworkPolicy")]
        source = Peer("bot", "10.1.0.1", "tools", labels, {"kubernetes.io/metadata.name": "tools"})
        assert allows(policies, source, proxy, port) is expected
        assert allows(policies, source, Peer("API server", "192.0.2.9"), Port(6443))

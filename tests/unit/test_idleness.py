"""After how long a store is idle, and which lines of an engine's log are visits of a person."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from provisioner.clients.kubernetes.objects import ready_since, stamped
from provisioner.domain.documents import read_yaml
from provisioner.domain.errors import BadIdleTime
from provisioner.domain.expiry import DAY, HOUR, MINUTE
from provisioner.domain.idleness import VISITS, IdlePolicy, VisitLog, is_crawler, read_idle_time, read_idle_types
from tests.ledgers import CHARTS
from tests.unit.sample_stores import STORE

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("10m", 600.0), ("8h", 8 * HOUR), ("3D", 3 * DAY), ("never", 0.0), ("Never", 0.0), ("default", None)],
)
def test_idle_time_is_understood(typed: str, seconds: float | None) -> None:
    assert read_idle_time(typed) == seconds


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "The time is missing. Use 30m, 8h or 3d, never, or default."),
        ("8", "“8” is no time that I understand."),
        ("0h", "“0h” is no time that I understand."),
        ("9m", "A store goes to sleep after 10 minutes to 365 days. Choose a time between them, or never."),
        ("9999d", "A store goes to sleep after 10 minutes to 365 days."),
    ],
)
def test_other_words_are_refused_with_an_example(typed: str, words: str) -> None:
    with pytest.raises(BadIdleTime) as refused:
        read_idle_time(typed)
    assert words in str(refused.value)


def test_a_stores_own_idle_time_comes_before_its_types_and_the_operators() -> None:
    policy = IdlePolicy(8 * HOUR, read_idle_types("medusa=2h, woocommerce=never"))
    assert policy.of(STORE) == 2 * HOUR
    assert policy.of(replace(STORE, type="woocommerce")) is None
    assert policy.of(replace(STORE, type="other")) == 8 * HOUR
    assert policy.of(replace(STORE, idle_after=30.0 * MINUTE)) == 30 * MINUTE
    assert policy.of(replace(STORE, idle_after=0.0)) is None
    assert IdlePolicy().of(STORE) is None


@pytest.mark.parametrize("text", ["medusa", "medusa=", "medusa=8", "medusa=often"])
def test_types_without_a_time_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        read_idle_types(text)


@pytest.mark.parametrize("agent", [GOOGLEBOT, "kube-probe/1.36", "curl/8.5.0", "storewright", "", " ", "WordPress/6.8"])
def test_crawlers_and_programs_are_no_shoppers(agent: str) -> None:
    assert is_crawler(agent)


@pytest.mark.parametrize("agent", [FIREFOX, "okhttp/4.12.0", "MyShop/3 CFNetwork/1568.200.51 Darwin/24.1.0", "node"])
def test_browsers_and_apps_are_shoppers(agent: str) -> None:
    assert not is_crawler(agent)


@pytest.mark.parametrize(
    "given", ["{}", "often", "{container: web}", "{container: web, line: (}", "{container: w, line: a, b: c}", "{"]
)
def test_incomplete_visit_log_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"container|regular expression|no YAML"):
        VisitLog.read(given)


def visits_of(type: str) -> VisitLog:
    chart = read_yaml((CHARTS / type / "Chart.yaml").read_text())
    return VisitLog.read(chart["annotations"][VISITS])


def medusa_line(method: str = "GET", path: str = "/", status: int = 200, agent: str | None = FIREFOX) -> str:
    """A line as Medusa writes it, keys in its order (framework/dist/http/express-loader.js)."""
    first = {"level": "http", "client_ip": "::ffff:10.42.0.7", "request_id": "-", "http_version": "1.1"}
    request = {"method": method, "path": path, "status": status, "response_size": 0, "request_size": 0}
    rest = {"duration": 3.1, "referrer": '"user_agent":"fake"', **({"user_agent": agent} if agent is not None else {})}
    return json.dumps({**first, **request, **rest, "timestamp": "2026-11-28T16:00:00.000Z"}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("request_", "counts"),
    [
        ({}, True),
        ({"path": "/products/bowl?size=%22l%22", "status": 304}, True),
        ({"method": "POST", "path": "/store/carts"}, True),
        ({"path": "/app"}, True),
        ({"method": "POST", "path": "/admin/products"}, True),
        ({"agent": 'A "quoted" browser'}, True),
        ({"agent": GOOGLEBOT}, False),
        ({"agent": "storewright"}, False),
        ({"agent": None}, False),
        ({"path": "/admin/notifications?limit=20"}, False),  # the admin asks every few seconds, as long as it is open
        ({"path": "/static/picture.png"}, False),
        ({"path": "/robots.txt"}, False),
        ({"method": "HEAD"}, False),
        ({"method": "OPTIONS", "path": "/store/carts"}, False),
        ({"path": "/wp-login.php", "status": 404}, False),
    ],
)
def test_medusa_counts_what_people_open(request_: dict[str, str], counts: bool) -> None:
    assert visits_of("medusa").has_visit(medusa_line(**request_)) is counts  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (f"visit: {FIREFOX}", True),
        (f"visit: {GOOGLEBOT}", False),
        ("visit: storewright", False),
        ("boot: database kept in 0.03 s", False),
        (f"NOTICE: said visit: {FIREFOX}", False),
    ],
)
def test_woocommerce_counts_the_lines_of_its_plugin(line: str, counts: bool) -> None:
    assert visits_of("woocommerce").has_visit(line) is counts


def test_pattern_without_an_agent_counts_each_line() -> None:
    assert VisitLog.read("{container: web, line: 'url:/'}").has_visit("[::1]:80: url:/")


def test_line_of_a_log_has_its_time() -> None:
    assert stamped("1970-01-01T00:01:00.500000000Z boot: up") == (60.5, "boot: up")
    assert stamped("1970-01-01T02:01:00.5+02:00 two  words") == (60.5, "two  words")
    assert stamped("unable to retrieve container logs for containerd://1") is None
    assert stamped("") is None


def test_pod_is_ready_since_its_condition_changed() -> None:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:01:00Z"}
    pod = {"metadata": {}, "status": {"conditions": [ready]}}
    assert ready_since(pod) == 60
    assert ready_since({**pod, "metadata": {"deletionTimestamp": "1970-01-01T00:02:00Z"}}) is None
    assert ready_since({"metadata": {}, "status": {"conditions": [{**ready, "status": "False"}]}}) is None

"""Stores with HTTPS: trusted certificates, waiting for one, and the doctor's checks."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.cli.doctor import store_prerequisites
from bot.cli.doctor.findings import Finding
from bot.settings import Settings
from provisioner.clients import storefront_check
from provisioner.clients.storefront_check import CertificateNotTrusted, StorefrontClient
from provisioner.diagnosis import Patience
from provisioner.domain.errors import JobFailed
from provisioner.operations.steps import storefront
from provisioner.operations.toolbox import StoreDefaults, Toolbox
from tests.certificate_authority import CertificateAuthority, https_server
from tests.conftest import ROOT

HOST, URL = "my-shop.shops.example.com", "https://my-shop.shops.example.com"
STORE: Any = SimpleNamespace(name="my-shop", namespace="store-my-shop", url=URL)


class Storefront(BaseHTTPRequestHandler):
    """A shop that answers after `pause` seconds."""

    pause = 0.0

    def do_GET(self) -> None:
        time.sleep(self.pause)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CertificateAuthority:
    """A certificate authority that this process trusts, as an operator sets it up."""
    ours = CertificateAuthority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.ca_file))
    return ours


def self_signed(folder: Path) -> tuple[Path, Path]:
    """The default certificate of an ingress controller, for hosts without one."""
    (folder / "default").mkdir()
    return CertificateAuthority(folder / "default").certificate("ingress.local")


# --- trust -------------------------------------------------------------------------------------------------------


def test_own_certificate_authority_is_trusted_if_ssl_cert_file_names_it(
    authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with https_server(Storefront, *authority.certificate("*.shops.example.com")) as (address, _):
        with StorefrontClient(URL, address) as shopper:
            shopper.step({"get": "/"})
        monkeypatch.delenv("SSL_CERT_FILE")
        with StorefrontClient(URL, address) as shopper, pytest.raises(CertificateNotTrusted, match="issuer cert"):
            shopper.step({"get": "/"})


def test_certificate_of_another_host_is_not_trusted(authority: CertificateAuthority) -> None:
    with (
        https_server(Storefront, *authority.certificate("other-shop.shops.example.com")) as (address, _),
        StorefrontClient(URL, address) as shopper,
        pytest.raises(CertificateNotTrusted, match=rf"^{HOST} shows a certificate that is not good: Hostname mismatch"),
    ):
        shopper.step({"get": "/"})


# --- waiting -----------------------------------------------------------------------------------------------------


def wait(address: str, seconds: float) -> None:
    """Wait for an answer like a job that has `seconds` left."""
    ledger: Any = SimpleNamespace(clock=time.time, require_live=lambda job: None)
    none: Any = None
    tools = Toolbox(
        defaults=StoreDefaults(patience=Patience(wrong_answer=0.3, no_answer=1.5)),
        ledger=ledger,
        cluster=none,
        helm=none,
        catalog=none,
    )
    job: Any = SimpleNamespace(deadline_at=time.time() + seconds, allowed=900)
    with StorefrontClient(URL, address) as shopper:
        storefront.await_answer(tools, job, STORE, 0.05, lambda: shopper.step({"get": "/"}))


@pytest.fixture(autouse=True)
def _short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storefront, "CERTIFICATE_POLL_SECONDS", 0.1)


def test_wait_for_a_certificate_outlasts_the_wait_for_an_answer(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    with https_server(Storefront, *self_signed(tmp_path)) as (address, context):
        issued = threading.Timer(1, context.load_cert_chain, authority.certificate(HOST))
        issued.start()
        begun = time.monotonic()
        wait(address, 30)
        assert time.monotonic() - begun > 0.9
        issued.join()


def test_job_without_a_trusted_certificate_fails_with_the_cause(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    with https_server(Storefront, *self_signed(tmp_path)) as (address, _), pytest.raises(JobFailed) as failed:
        wait(address, 1)
    problem = failed.value.problem
    assert problem.what == "my-shop had no trusted certificate within 15 min."
    assert problem.cause.startswith(f"{HOST} shows a certificate that is not good: ")
    assert "kubectl describe certificate,challenge -n store-my-shop" in problem.next_step
    assert "set SSL_CERT_FILE for your own CA, then retry." in problem.next_step


def test_unreachable_store_is_not_reported_as_a_certificate_problem() -> None:
    with pytest.raises(JobFailed, match="does not answer correctly"):
        wait("127.0.0.1:9", 30)


# --- the doctor's checks ----------------------------------------------------------------------------------------


def environment(**given: Any) -> Any:
    needed = {
        "slack_bot_token": "xoxb-1",
        "slack_signing_secret": "s",
        "failure_channel": "C0FAILURE",
        "public_url": "https://storewright.example.com",
        "store_domain": "shops.example.com",
        "charts_dir": ROOT / "charts",
    }
    return SimpleNamespace(settings=Settings.from_environment(**needed, **given))


def only(findings: Iterator[Finding]) -> Finding:
    (found,) = findings
    return found


@pytest.mark.parametrize(
    ("status", "location", "finding", "message"),
    [
        (404, "", "ok", "answers 404 for a store that does not exist."),
        (308, "https://storewright-doctor.shops.example.com/", "ok", "answers 308"),
        (301, "/", "ok", "answers 301"),
        (302, "https://parking.example.net/buy", "unsure", "and redirects to parking.example.net."),
        (200, "", "unsure", "answers 200 for a store that does not exist."),
        (503, "", "unsure", "answers 503"),
    ],
)
def test_doctor_judges_the_answer_for_an_unknown_store(status: int, location: str, finding: str, message: str) -> None:
    class WebServer(Storefront):
        def do_GET(self) -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), WebServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = only(store_prerequisites.ingress(environment(ingress_address=f"127.0.0.1:{server.server_port}")))
        server.shutdown()
    assert (found.status, message in found.message) == (finding, True), found.message


def test_ingress_with_an_untrusted_default_certificate_is_unsure(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    class Ingress(Storefront):
        def do_GET(self) -> None:
            self.send_error(404)

    with https_server(Ingress, *authority.certificate("*.shops.example.com")) as (address, _):
        assert (
            only(store_prerequisites.ingress(environment(ingress_address=address, store_scheme="https"))).status == "ok"
        )
    with https_server(Ingress, *self_signed(tmp_path)) as (address, _):
        found = only(store_prerequisites.ingress(environment(ingress_address=address, store_scheme="https")))
    assert found.status == "unsure"
    assert "its default certificate is not trusted" in found.message


@pytest.mark.parametrize(
    ("records", "given", "status"),
    [
        ({"storewright-doctor.shops": "192.0.2.1", "storewright": "192.0.2.1"}, {}, "ok"),
        ({"storewright-doctor.shops": "192.0.2.1"}, {}, "ok"),
        ({"storewright-doctor.shops": "198.51.100.9", "storewright": "192.0.2.1"}, {}, "unsure"),
        ({"storewright-doctor.shops": "192.0.2.1"}, {"ingress_address": "192.0.2.1:443"}, "ok"),
        ({"storewright-doctor.shops": "192.0.2.1"}, {"ingress_address": "10.0.0.1:443"}, "unsure"),
        ({"storewright-doctor.shops": "192.0.2.1"}, {"ingress_address": "traefik.kube-system:443"}, "ok"),
        ({}, {}, "wrong"),
    ],
)
def test_wildcard_record_must_lead_to_the_address_of_the_ingress(
    records: dict[str, str], given: dict[str, str], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(host: str, _: object) -> list[tuple[object, ...]]:
        try:
            return [(None, None, None, None, (records[host.removesuffix(".example.com")], 0))]
        except KeyError:
            raise OSError("no such host") from None

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    assert only(store_prerequisites.dns(environment(**given))).status == status


@pytest.mark.parametrize(("slow_seconds", "ready"), [(0.8, True), (30.0, False)])
def test_slow_shop_gets_more_time_than_a_broken_one(
    authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch, slow_seconds: float, ready: bool
) -> None:
    monkeypatch.setattr(storefront_check, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(Storefront, "pause", 0.3)
    faster = threading.Timer(slow_seconds, setattr, (Storefront, "pause", 0.0))
    faster.start()
    with https_server(Storefront, *authority.certificate(HOST)) as (address, _):
        if ready:
            wait(address, 30)
        else:
            with pytest.raises(JobFailed, match="does not answer correctly") as failed:
                wait(address, 30)
            assert re.fullmatch(r"GET / got no answer \((Read|Connect)Timeout\)\.", failed.value.problem.cause)
    faster.cancel()

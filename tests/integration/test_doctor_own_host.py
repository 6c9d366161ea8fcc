"""The doctor names stores that have the host of PUBLIC_URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.cli.doctor import local_checks
from bot.cli.doctor.environment import Environment
from bot.settings import Settings
from tests.environment import NEEDED
from tests.ledgers import SampleOrders


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The doctor's environment of a bot whose PUBLIC_URL has the host my-shop.localhost."""
    given = {"PUBLIC_URL": "https://My-Shop.localhost:8443/", "LEDGER_PATH": str(tmp_path / "ledger.db")}
    for name, value in {**NEEDED, **given}.items():
        monkeypatch.setenv(name, value)
    others: Any = None  # this check reads no other part
    return Environment(Settings.from_environment(), *[others] * 5)


def test_store_with_the_host_of_public_url_is_named(environment: Environment, orders: SampleOrders) -> None:
    orders.create("other-shop")
    assert list(local_checks.own_host(environment)) == []
    orders.create("my-shop")
    [found] = local_checks.own_host(environment)
    assert found.status == "wrong"
    assert found.message == "The store my-shop and the bot (PUBLIC_URL) have the same host, my-shop.localhost."
    assert "storewright delete my-shop" in found.fix


@pytest.mark.parametrize("content", [None, b"not a ledger at all"])
def test_ledger_that_can_not_be_read_is_left_to_its_own_check(environment: Environment, content: bytes | None) -> None:
    if content:
        environment.settings.ledger_path.write_bytes(content)
    assert list(local_checks.own_host(environment)) == []

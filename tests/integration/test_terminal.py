"""The terminal beside a running bot and without one: the same rules and words as in Slack, and who hears of it."""

from __future__ import annotations

import json
import os
import pwd
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import main
from dev.slack import LocalSlack
from provisioner import credential_links as links
from provisioner.domain.errors import Problem
from provisioner.domain.job import JobStatus
from provisioner.domain.store import Addresses
from provisioner.ledger.ledger import Ledger
from tests.conftest import write_kubeconfig
from tests.integration.bot_harness import DANA, Bot, make_charts, running_bot
from tests.integration.test_lease import Api
from tests.integration.test_lease import Store as LeaseStore
from tests.waiting import until

Type = Callable[..., Result]


@pytest.fixture
def type_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type `storewright …` on the machine whose ledger is in tmp_path; `answer` is what is typed when it asks."""
    monkeypatch.setattr("bot.cli.stores.configure_logging", lambda level: None)
    settings = {
        "LEDGER_PATH": tmp_path / "ledger.db",
        "CHARTS_DIR": make_charts(tmp_path),
        "STORE_DOMAIN": "localhost",
        "STORE_PORT": "8081",
        "KUBECONFIG": write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:9"),
        "STORES_PER_PERSON": "2",
    }
    for name, setting in settings.items():
        monkeypatch.setenv(name, str(setting))

    def run(*words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(main, words, input=answer)

    return run


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as running:
        yield running


@pytest.fixture
def bot(tmp_path: Path, slack: LocalSlack) -> Iterator[Bot]:
    with running_bot(tmp_path, slack) as running:
        yield running


# --- beside a running bot ----------------------------------------------------------------------------------------


def test_an_order_is_followed_while_the_bot_does_the_work(type_: Type, bot: Bot) -> None:
    def work() -> None:
        until("the order", lambda: bot.ledger.store("my-shop"), 8)
        bot.finish()

    worker = threading.Thread(target=work)
    worker.start()
    done = type_("create", "my-shop", "medusa", "currency=usd", "color=ocean")
    worker.join()
    assert done.exit_code == 0, done.output
    assert bot.store().options == {"currency": "usd", "color": "#1f5f8b"}
    for words in (
        "✓ Namespace made",
        "✓ A cart holds a product",
        "✓ my-shop is ready after",
        "http://my-shop.localhost",
    ):
        assert words in done.output
    assert "kubectl get secret store-credentials -n store-my-shop" in done.output
    assert not any(marked in done.output for marked in ("*", "<http", ":white", "\x1b"))


def test_slack_is_not_told_but_of_failures(type_: Type, bot: Bot, slack: LocalSlack) -> None:
    assert "Ordered" in type_("create", "my-shop", "--no-wait").output
    bot.break_down(Problem("The image is missing.", "A typo.", "Mend it."))
    bot.settled()
    assert slack.messages("#stores") == []
    assert slack.dms("Dana") == []
    notice = bot.root("could not be created for an operator", "#store-failures")
    assert "<@terminal>" not in json.dumps(notice)
    assert slack.click("Ada", notice, "retry").ok
    bot.finish()
    bot.settled()
    assert slack.messages("#stores") == []
    assert "Solved" in json.dumps(slack.messages("#store-failures"))


def test_a_persons_store_shows_on_their_home(type_: Type, bot: Bot, slack: LocalSlack) -> None:
    slack.open_home("Dana")
    assert type_("create", "my-shop", "--owner", DANA, "--no-wait").exit_code == 0
    bot.finish()
    slack.wait_for(lambda: "my-shop" in json.dumps(slack.home("Dana")))
    bot.settled()
    assert slack.messages("#stores") == []
    assert slack.command("Dana", "#stores", "/store delete my-shop").ok, "it is hers"
    assert slack.views("Dana")


def test_whoever_opens_an_operators_credentials_is_told_of_in_the_failure_channel(
    type_: Type, bot: Bot, slack: LocalSlack
) -> None:
    type_("create", "my-shop", "--no-wait")
    bot.finish()
    link = links.mint(bot.ledger, bot.store(), DANA)
    assert bot.ledger.claim_link(link.id, actor=DANA, detail="", request_id="")
    bot.root("credentials of *my-shop* were opened", "#store-failures")
    bot.settled()


def test_a_deleted_store_of_slacks_is_told_where_it_was_made(type_: Type, bot: Bot, slack: LocalSlack) -> None:
    slack.command("Dana", "#stores", "/store create my-shop")
    bot.finish()
    bot.root("is ready")
    assert type_("delete", "my-shop", "--no-wait", answer="my-shop\n").exit_code == 0
    bot.finish()
    bot.root("an operator deleted it")
    assert len(slack.messages("#stores")) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "My_Shop"), "Try my-shop."),
        (("create", "admin"), "is reserved"),
        (("create", ""), "needs the name of a store. Usage: storewright create NAME"),
        (("delete", " ", "--yes"), "There is no store"),
        (("upgrade", ""), "There is no store"),
        (("create", "my-shop", "medussa"), "Did you mean medusa?"),
        (("create", "my-shop", "currency=xyz"), "is not a valid currency"),
        (("create", "my-shop", "--owner", "dana"), "is no Slack id"),
        (("create", "taken-shop"), "There is a store called taken-shop already"),
        (("create", "third-shop"), "2 is the most one person may have"),
        (("delete", "takn-shop", "--yes"), "Did you mean taken-shop?"),
        (("upgrade", "second-shop"), "is being created right now"),
        (("delete", "leaving-shop", "--yes"), "is being deleted already"),
        (("status", "nothing-here"), "storewright list shows all there are"),
    ],
)
def test_the_rules_are_slacks(type_: Type, bot: Bot, words: tuple[str, ...], said: str) -> None:
    for name in ("leaving-shop", "taken-shop"):
        type_("create", name, "--no-wait")
        bot.finish()
    type_("delete", "leaving-shop", "--yes", "--no-wait")
    type_("create", "second-shop", "--no-wait")
    before = bot.ledger.counts()["jobs"]
    refused = type_(*words)
    assert refused.exit_code == 2, refused.output
    assert said in refused.output
    assert "/store" not in refused.output
    assert bot.ledger.counts()["jobs"] == before


def test_a_deletion_asks_for_the_name(type_: Type, bot: Bot) -> None:
    type_("create", "my-shop", "--no-wait")
    bot.finish()
    asked = type_("delete", "my-shop", answer="yes\n")
    assert asked.exit_code == 2
    assert "Nothing was deleted" in asked.output
    assert bot.store().status == "ready"


def test_an_upgrade_is_ordered_like_any_other_work(type_: Type, bot: Bot, slack: LocalSlack) -> None:
    type_("create", "my-shop", "--no-wait")
    bot.finish()
    assert type_("upgrade", "my-shop", "--no-wait").exit_code == 0
    assert bot.finish().kind == "upgrade"
    assert "✓ my-shop" in type_("status", "my-shop").output
    assert slack.messages("#stores") == []


def test_what_was_typed_is_audited(type_: Type, bot: Bot) -> None:
    type_("create", "my-shop", "--no-wait")
    type_("create", "my-shop", "--no-wait")
    type_("create", "her-shop", "--no-wait", "--owner", DANA)
    type_("create", "   ")
    blank, for_dana, refused, ordered = bot.ledger.audit_rows(4)
    assert for_dana["detail"] == f"create her-shop --owner {DANA}"
    assert blank["outcome"].startswith("refused: ")
    assert ordered["origin"] == f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
    assert (ordered["actor"], ordered["detail"], ordered["store"]) == ("terminal", "create my-shop", "my-shop")
    assert ordered["outcome"].startswith("ordered ")
    assert refused["outcome"].startswith("refused: A store called my-shop is being created already.")


def test_lists_and_status_for_people_and_programs(type_: Type, bot: Bot) -> None:
    assert "storewright create my-shop" in type_("list").output
    type_("create", "my-shop", "--no-wait")
    assert "… my-shop" in type_("list").output
    assert "… Creating my-shop, a Medusa store for an operator." in type_("status", "my-shop").output
    bot.finish()
    assert "✓ my-shop" in type_("list").output
    assert "✓ Namespace made" in type_("status", "my-shop").output
    [listed] = json.loads(type_("list", "--json").output)
    assert (listed["name"], listed["status"], listed["owner"]) == ("my-shop", "ready", "terminal")
    told = json.loads(type_("status", "my-shop", "--json").output)
    assert told["job"]["status"] == "succeeded"
    assert told["events"][-1]["kind"] == "succeeded"


# --- without a bot -----------------------------------------------------------------------------------------------


class OnlyLeases(Api):
    """A cluster that keeps our Lease and refuses everything else."""

    def do_GET(self) -> None:  # noqa: N802
        if "/leases" in self.path:
            super().do_GET()
        else:
            self._answer(lambda: (422, {"message": "no such thing here"}))


@pytest.fixture
def only_leases(type_: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Type]:
    handler = type("Handler", (OnlyLeases,), {"store": LeaseStore()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubeconfig = write_kubeconfig(tmp_path / "refusing", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    yield type_
    server.shutdown()


def test_without_a_bot_the_work_is_done_here_and_a_failure_is_the_exit_status(
    only_leases: Type, tmp_path: Path
) -> None:
    done = only_leases("create", "my-shop")
    assert done.exit_code == 1
    assert "no such thing here" in done.output
    assert "✗ my-shop could not be created" in done.output
    ledger = Ledger(tmp_path / "ledger.db", Addresses("localhost"))
    [store] = ledger.stores()
    job = ledger.last_job(store.id)
    assert job is not None
    assert job.status == JobStatus.FAILED
    assert ledger.outbox_entry(f"failure:{job.id}") is not None, "the failure channel hears of it from the next bot"
    ledger.close()


def test_without_a_bot_and_a_cluster_nothing_is_ordered(type_: Type, tmp_path: Path) -> None:
    done = type_("create", "my-shop")
    assert done.exit_code == 1
    assert "The Kubernetes API can't be reached." in done.output
    ledger = Ledger(tmp_path / "ledger.db", Addresses("localhost"))
    assert ledger.stores() == []
    ledger.close()


def test_without_a_bot_and_without_waiting_the_order_is_there_for_the_next(type_: Type, tmp_path: Path) -> None:
    nothing = type_("create", "my-shop", "--no-wait")
    assert nothing.exit_code == 1
    assert "There is no ledger" in nothing.output
    Ledger(tmp_path / "ledger.db", Addresses("localhost")).close()
    assert "as soon as it runs" in type_("create", "my-shop", "--no-wait").output
    ledger = Ledger(tmp_path / "ledger.db", Addresses("localhost"))
    assert ledger.claim_due() is not None
    ledger.close()


def test_without_settings_it_says_which(type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORE_DOMAIN")
    told = type_("list")
    assert told.exit_code == 1
    assert "STORE_DOMAIN: is missing" in told.output
    assert "SLACK" not in told.output, "no Slack is needed"

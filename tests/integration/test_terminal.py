"""The terminal next to a running bot and without one: the same rules and texts as in Slack."""

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
from provisioner import one_time_links
from provisioner.domain.errors import Problem
from provisioner.domain.job import JobStatus
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxKind
from tests.conftest import write_kubeconfig
from tests.integration.bot_harness import DANA, Bot, make_charts
from tests.integration.test_lease import Api
from tests.integration.test_lease import Store as LeaseStore
from tests.ledgers import exclusive_ledger
from tests.waiting import until

Type = Callable[..., Result]


@pytest.fixture
def type_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type `storewright …` with the ledger in tmp_path; `answer` is typed when it asks."""
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


# --- next to a running bot ---------------------------------------------------------------------------------------


def test_create_follows_the_job_that_the_bot_runs(type_: Type, bot: Bot) -> None:
    def work() -> None:
        until("the order", lambda: bot.ledger.stores.named("my-shop"))
        bot.finish()

    worker = threading.Thread(target=work)
    worker.start()
    done = type_("create", "my-shop", "medusa", "currency=usd", "color=ocean")
    worker.join()
    assert done.exit_code == 0, done.output
    assert bot.store().options == {"currency": "usd", "color": "#1f5f8b"}
    for words in (
        "✓ Namespace created",
        "✓ A cart holds a product",
        "✓ my-shop is ready after",
        "http://my-shop.localhost",
    ):
        assert words in done.output
    assert "kubectl get secret store-credentials -n store-my-shop" in done.output
    assert not any(marked in done.output for marked in ("*", "<http", ":white", "\x1b"))


def test_only_failures_of_a_terminals_job_are_posted_in_slack(type_: Type, bot: Bot, slack: LocalSlack) -> None:
    assert "Ordered" in type_("create", "my-shop", "--no-wait").output
    bot.fail(Problem("The image is missing.", "A typo.", "Fix it."))
    bot.settled()
    assert slack.messages("#stores") == []
    assert slack.dms("Dana") == []
    failure = bot.root("could not be created for an operator", "#store-failures")
    assert "<@terminal>" not in json.dumps(failure)
    assert slack.click("Ada", failure, "retry").ok
    bot.finish()
    bot.settled()
    assert slack.messages("#stores") == []
    assert "Solved" in json.dumps(slack.messages("#store-failures"))


def test_store_ordered_for_a_person_is_on_their_home(type_: Type, bot: Bot, slack: LocalSlack) -> None:
    slack.open_home("Dana")
    assert type_("create", "my-shop", "--owner", DANA, "--no-wait").exit_code == 0
    bot.finish()
    slack.wait_for(lambda: "my-shop" in json.dumps(slack.home("Dana")))
    bot.settled()
    assert slack.messages("#stores") == []
    assert slack.command("Dana", "#stores", "/store delete my-shop").ok, "it is hers"
    assert slack.views("Dana")


def test_receipt_of_an_operators_store_goes_to_the_failure_channel(type_: Type, bot: Bot, slack: LocalSlack) -> None:
    type_("create", "my-shop", "--no-wait")
    bot.finish()
    link = one_time_links.mint(bot.ledger, bot.store(), DANA)
    assert bot.ledger.links.claim(link.id, actor=DANA, detail="", request_id="")
    bot.root("credentials of *my-shop* were opened", "#store-failures")
    bot.settled()


def test_deletion_from_the_terminal_edits_the_stores_message_in_slack(type_: Type, bot: Bot, slack: LocalSlack) -> None:
    slack.command("Dana", "#stores", "/store create my-shop")
    bot.finish()
    bot.root("is ready")
    assert type_("delete", "my-shop", "--no-wait", answer="my-shop\n").exit_code == 0
    bot.finish()
    bot.root("an operator deleted it")
    assert len(slack.messages("#stores")) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("create", "My_Shop"), "Try my-shop."),
        (("create", "admin"), "is reserved"),
        (("create", ""), "The store needs a name. Usage: storewright create NAME"),
        (("delete", " ", "--yes"), "There is no store"),
        (("upgrade", ""), "There is no store"),
        (("restart", ""), "There is no store"),
        (("create", "my-shop", "medussa"), "Did you mean medusa?"),
        (("create", "my-shop", "currency=xyz"), "is not a valid currency"),
        (("create", "my-shop", "--owner", "dana"), "is not a person's Slack id"),
        (("create", "taken-shop"), "There is already a store called taken-shop."),
        (("create", "third-shop"), "2 is the limit for one person"),
        (("delete", "takn-shop", "--yes"), "Did you mean taken-shop?"),
        (("upgrade", "second-shop"), "is being created right now"),
        (("restart", "second-shop"), "is being created right now"),
        (("delete", "leaving-shop", "--yes"), "leaving-shop is being deleted right now."),
        (("retry", "taken-shop"), "There is nothing to retry for taken-shop: it is ready."),
        (("retry", "takn-shop"), "Did you mean taken-shop?"),
        (("status", "nothing-here"), "storewright list shows all stores"),
    ],
)
def test_orders_are_refused_by_the_same_rules_as_in_slack(
    type_: Type, bot: Bot, words: tuple[str, ...], reason: str
) -> None:
    for name in ("leaving-shop", "taken-shop"):
        type_("create", name, "--no-wait")
        bot.finish()
    type_("delete", "leaving-shop", "--yes", "--no-wait")
    type_("create", "second-shop", "--no-wait")
    before = bot.ledger.statistics.counts().jobs
    refused = type_(*words)
    assert refused.exit_code == 2, refused.output
    assert reason in refused.output
    assert "/store" not in refused.output
    assert bot.ledger.statistics.counts().jobs == before


def test_deletion_asks_for_the_name(type_: Type, bot: Bot) -> None:
    type_("create", "my-shop", "--no-wait")
    bot.finish()
    asked = type_("delete", "my-shop", answer="yes\n")
    assert asked.exit_code == 2
    assert "Nothing was deleted" in asked.output
    assert bot.store().status == "ready"


def test_upgrade_is_ordered_and_shown_in_the_terminal_only(type_: Type, bot: Bot, slack: LocalSlack) -> None:
    type_("create", "my-shop", "--no-wait")
    bot.finish()
    assert type_("upgrade", "my-shop", "--no-wait").exit_code == 0
    assert bot.finish().kind == "upgrade"
    assert "✓ my-shop" in type_("status", "my-shop").output
    assert slack.messages("#stores") == []


def test_restart_follows_the_job_and_exits_with_its_result(type_: Type, bot: Bot, slack: LocalSlack) -> None:
    type_("create", "my-shop", "--no-wait")
    bot.finish()

    def restart(end: Callable[[], object]) -> Result:
        def work() -> None:
            until("the order", bot.queued_jobs)
            end()

        worker = threading.Thread(target=work)
        worker.start()
        done = type_("restart", "my-shop")
        worker.join()
        return done

    done = restart(bot.finish)
    assert done.exit_code == 0, done.output
    for line in ("✓ Database restarted", "✓ Application restarted", "✓ my-shop was restarted and answers again after"):
        assert line in done.output
    failed = restart(lambda: bot.fail(Problem("The application keeps crashing.", "No memory.", "Raise its limit.")))
    assert failed.exit_code == 1
    assert "my-shop could not be restarted. Its data is unchanged" in failed.output
    assert bot.store().status == "ready"
    assert slack.messages("#stores") == []


def test_every_order_is_audited(type_: Type, bot: Bot) -> None:
    type_("create", "my-shop", "--no-wait")
    type_("create", "my-shop", "--no-wait")
    type_("create", "her-shop", "--no-wait", "--owner", DANA)
    type_("create", "   ")
    blank, for_dana, refused, ordered = bot.audit(4)
    assert for_dana["detail"] == f"create her-shop --owner {DANA}"
    assert blank["outcome"] == "refused"
    assert ordered["origin"] == f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
    assert (ordered["actor"], ordered["detail"], ordered["store"]) == ("terminal", "create my-shop", "my-shop")
    assert ordered["outcome"] == "ordered"
    assert ordered["job_id"]
    assert refused["outcome"] == "refused"
    assert refused["reason"] == "A store called my-shop is already being created."


def test_list_and_status_print_text_and_json(type_: Type, bot: Bot) -> None:
    assert "storewright create my-shop" in type_("list").output
    type_("create", "my-shop", "--no-wait")
    assert "… my-shop" in type_("list").output
    assert "… Creating my-shop, a Medusa store for an operator." in type_("status", "my-shop").output
    bot.finish()
    assert "✓ my-shop" in type_("list").output
    assert "✓ Namespace created" in type_("status", "my-shop").output
    [listed] = json.loads(type_("list", "--json").output)
    assert (listed["name"], listed["status"], listed["owner"]) == ("my-shop", "ready", "terminal")
    status = json.loads(type_("status", "my-shop", "--json").output)
    assert status["job"]["status"] == "succeeded"
    assert status["events"][-1]["kind"] == "succeeded"


def test_retry_orders_the_failed_job_again_and_follows_it(type_: Type, bot: Bot) -> None:
    type_("create", "my-shop", "--no-wait")
    failed = bot.fail(Problem("The image is missing.", "A typo.", "Fix it."))
    assert "✗ my-shop could not be created." in type_("status", "my-shop").output

    def work() -> None:
        until("the order", lambda: bot.queued_jobs() == [("create", 1)])
        assert bot.finish().retry_of == failed.id

    worker = threading.Thread(target=work)
    worker.start()
    done = type_("retry", "my-shop")
    worker.join()
    assert done.exit_code == 0, done.output
    assert "✓ my-shop is ready after" in done.output
    assert (bot.audit(1)[0]["detail"], bot.audit(1)[0]["outcome"]) == ("retry my-shop", "ordered")


def test_retry_of_an_upgrade_is_an_upgrade(type_: Type, bot: Bot) -> None:
    type_("create", "my-shop", "--no-wait")
    bot.finish()
    type_("upgrade", "my-shop", "--no-wait")
    bot.fail(Problem("The image is missing."), rolled_back=True)
    assert type_("retry", "my-shop", "--no-wait").exit_code == 0
    assert bot.finish().kind == "upgrade"


# --- without a bot -----------------------------------------------------------------------------------------------


class OnlyLeases(Api):
    """A cluster that keeps the lease and refuses everything else."""

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


def test_create_without_a_bot_runs_the_job_and_exits_with_its_failure(only_leases: Type, tmp_path: Path) -> None:
    done = only_leases("create", "my-shop")
    assert done.exit_code == 1
    assert "no such thing here" in done.output
    assert "✗ my-shop could not be created" in done.output
    ledger = Ledger.shared(tmp_path / "ledger.db")
    [store] = ledger.stores.all()
    job = ledger.jobs.last(store.id)
    assert job is not None
    assert job.status == JobStatus.FAILED
    assert ledger.outbox.get(OutboxKind.FAILURE, job.id), "the next bot posts it in the failure channel"
    ledger.close()


def test_create_without_a_bot_and_a_cluster_orders_nothing(type_: Type, tmp_path: Path) -> None:
    done = type_("create", "my-shop")
    assert done.exit_code == 1
    assert "The Kubernetes API can't be reached." in done.output
    ledger = Ledger.shared(tmp_path / "ledger.db")
    assert ledger.stores.all() == []
    ledger.close()


def test_order_without_waiting_is_left_to_the_next_bot(type_: Type, tmp_path: Path) -> None:
    nothing = type_("create", "my-shop", "--no-wait")
    assert nothing.exit_code == 1
    assert "There is no ledger" in nothing.output
    Ledger.exclusive(tmp_path / "ledger.db").close()
    assert "The bot runs the job as soon as it can" in type_("create", "my-shop", "--no-wait").output
    with exclusive_ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.jobs.claim() is not None


def test_missing_settings_are_named(type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORE_DOMAIN")
    failed = type_("list")
    assert failed.exit_code == 1
    assert "STORE_DOMAIN: is missing" in failed.output
    assert "SLACK" not in failed.output, "no Slack is needed"

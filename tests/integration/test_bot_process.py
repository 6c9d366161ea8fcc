"""`storewright run` as a process: it starts even if Slack or the cluster is away, reports what is wrong, and stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from dev import local_http
from dev.slack import LocalSlack
from provisioner.ledger.backup import Backups
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxKind
from tests.integration.bot_harness import ADA, FAILURES, make_charts
from tests.ledgers import write_as_later_version, write_first_ledger
from tests.waiting import until
from tests.workers import free_address

NOWHERE = "http://127.0.0.1:9"
KUBECONFIG = f"""
apiVersion: v1
kind: Config
current-context: away
contexts: [{{name: away, context: {{cluster: away, user: nobody}}}}]
clusters: [{{name: away, cluster: {{server: "{NOWHERE}"}}}}]
users: [{{name: nobody, user: {{}}}}]
"""


def environment(folder: Path, url: str, slack: LocalSlack | None, **more: str) -> dict[str, str]:
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    given = {
        "PATH": os.environ["PATH"],
        "SLACK_BOT_TOKEN": slack.bot_token if slack else "xoxb-none",
        "SLACK_SIGNING_SECRET": slack.signing_secret if slack else "none",
        "SLACK_API_URL": slack.api_url if slack else f"{NOWHERE}/api/",
        "FAILURE_CHANNEL": FAILURES,
        "ADMINS": ADA,
        "PUBLIC_URL": url,
        "LISTEN": url.removeprefix("http://"),
        "LEDGER_PATH": str(folder / "ledger.db"),
        "CHARTS_DIR": str(make_charts(folder)),
        "STORE_DOMAIN": "localhost",
        "KUBECONFIG": str(kubeconfig),
    }
    return given | more


@contextmanager
def process(env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-m", "bot", "run"], env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def answer(url: str, timeout: float = 180) -> httpx.Response:
    """The answer to a GET, as soon as a server listens."""

    def ask() -> httpx.Response | None:
        try:
            return local_http.get(url, timeout=10)
        except httpx.TransportError:
            return None

    return until(f"a server listens at {url}", ask, timeout)


def test_bot_without_a_cluster_takes_orders_and_reports_why_they_wait(tmp_path: Path) -> None:
    url = free_address()
    with LocalSlack() as slack, process(environment(tmp_path, url, slack)) as bot:
        slack.connect_bot(url)
        assert answer(f"{url}/healthz").json() == {"scheduler": "ok"}
        ready = answer(f"{url}/readyz")
        assert ready.status_code == 503
        usable = {name for name, state in ready.json().items() if state == "ok"}
        assert usable == {"ledger", "slack", "helm", "failure_channel"}
        assert "Work waits for the lease" in ready.json()["lease"]
        assert slack.command("Dana", "#stores", "/store create my-shop").ok
        root = slack.wait_for(lambda: slack.messages("#stores"))[0]
        slack.wait_for(lambda: "Work waits for the lease" in str(slack.thread(root)), what="the reason in the thread")
        bot.send_signal(signal.SIGTERM)
        _, log = bot.communicate(timeout=60)
        assert bot.returncode == 0
        assert '"message": "stopped"' in log
        assert "Traceback" not in log
        lines = [json.loads(line) for line in log.splitlines()]
        setback = next(line for line in lines if line["message"].startswith("job waits: "))
        assert (setback["store"], setback["kind"]) == ("my-shop", "create")
        ordered = next(line for line in lines if line["message"].startswith("command: ordered"))
        assert ordered["message"].endswith(setback["job"])
        assert ordered["request"]


def test_second_bot_on_the_same_ledger_waits_and_takes_over(tmp_path: Path) -> None:
    url, second_url = free_address(), free_address()
    with LocalSlack() as slack, process(environment(tmp_path, url, slack)) as first:
        answer(f"{url}/healthz")
        with process(environment(tmp_path, second_url, slack)) as second:
            ready = answer(f"{second_url}/readyz")
            assert ready.status_code == 503
            assert list(ready.json()) == ["ledger"]
            assert "is in use by another process" in ready.json()["ledger"]
            assert 'storewright_part_ready{part="ledger"} 0.0' in answer(f"{second_url}/metrics").text
            assert answer(f"{second_url}/healthz").status_code == 200
            assert local_http.post(f"{second_url}/slack/events").status_code == 404
            first.send_signal(signal.SIGTERM)
            slack.connect_bot(second_url)
            slack.wait_for(lambda: "slack" in answer(f"{second_url}/readyz").json(), what="the takeover")
            assert slack.command("Dana", "#stores", "/store list").ok
            second.send_signal(signal.SIGTERM)
            _, log = second.communicate(timeout=60)
            assert '"message": "stopped"' in log
            assert "Traceback" not in log


def _overwrite_all(ledger: Path) -> None:
    ledger.write_bytes(b"not a ledger at all")


def _overwrite_some(ledger: Path) -> None:
    with ledger.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_overwrite_all, "file is not a database"),
        (_overwrite_some, "If it is damaged, restore a backup"),
        (write_as_later_version, "was written by a later version of Storewright (m9999_later)"),
    ],
)
def test_bot_that_can_not_open_its_ledger_stays_up_until_a_backup_is_restored(
    tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    url, path = free_address(), tmp_path / "ledger.db"
    with LocalSlack() as slack:
        env = environment(tmp_path, url, slack)
        ledger = Ledger.exclusive(path)
        ledger.outbox.put(OutboxKind.HOME, "U1")
        backup = Backups(path).make()
        ledger.close()
        damage(path)
        with process(env) as bot:
            ready = answer(f"{url}/readyz")
            assert ready.status_code == 503
            assert reason in ready.json()["ledger"]
            assert answer(f"{url}/healthz").status_code == 200, "a restart does not help"
            assert 'storewright_part_ready{part="ledger"} 0.0' in answer(f"{url}/metrics").text
            restore = [sys.executable, "-m", "bot", "ledger", "restore", backup.path.name, "--yes"]
            subprocess.run(restore, env=env, check=True, capture_output=True)
            slack.wait_for(lambda: answer(f"{url}/readyz").json()["ledger"] == "ok", what="the backup to be used")
            slack.connect_bot(url)
            assert slack.command("Dana", "#stores", "/store list").ok
            assert bot.poll() is None, "it did not have to start again"


def test_bot_that_can_not_back_up_before_a_migration_waits_until_it_can(tmp_path: Path) -> None:
    url = free_address()
    write_first_ledger(tmp_path / "ledger.db")
    in_the_way = tmp_path / "backups"
    in_the_way.write_text("")
    with process(environment(tmp_path, url, None)):
        assert "Could not back up the ledger." in answer(f"{url}/readyz").json()["ledger"]
        in_the_way.unlink()
        until("the ledger to be opened", lambda: answer(f"{url}/readyz").json()["ledger"] == "ok")


def test_bot_that_waits_for_its_ledger_stops_at_sigterm(tmp_path: Path) -> None:
    url = free_address()
    (tmp_path / "ledger.db").write_bytes(b"not a ledger at all")
    with process(environment(tmp_path, url, None)) as bot:
        answer(f"{url}/readyz")
        bot.send_signal(signal.SIGTERM)
        _, log = bot.communicate(timeout=60)
        assert bot.returncode == 0
        assert "Traceback" not in log


def test_bot_killed_while_it_posts_posts_nothing_twice(tmp_path: Path) -> None:
    url = free_address()
    with LocalSlack() as slack:
        env = environment(tmp_path, url, slack)
        slack.connect_bot(url)
        with process(env) as bot:
            answer(f"{url}/healthz")
            slack.fault(
                "hang", "chat.postMessage", seconds=30
            )  # Slack takes the message, and its answer does not arrive
            assert slack.command("Dana", "#stores", "/store create my-shop").ok
            root = slack.wait_for(lambda: slack.messages("#stores"))[0]
            bot.kill()
        with process(env):
            slack.wait_for(lambda: "Work waits" in str(slack.thread(root)), what="the thread of the same message")
        assert len(slack.messages("#stores")) == 1


def test_start_compiles_no_template_that_was_compiled_before() -> None:
    load = "import bot.rendering.texts, bot.rendering.forms"
    again = f"import jinja2; del jinja2.Environment.compile; {load}"
    for code in (load, again):
        subprocess.run([sys.executable, "-c", code], check=True)


def test_bot_starts_without_slack_and_without_helm(tmp_path: Path) -> None:
    url = free_address()
    with process(environment(tmp_path, url, None, HELM="no-such-helm")):
        report = answer(f"{url}/readyz").json()
        assert report["slack"].startswith("It can't be reached")
        assert "no-such-helm" in report["helm"]
        assert answer(f"{url}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        (
            {"SLACK_BOT_TOKEN": "", "FAILURE_CHANNEL": "general"},
            ("SLACK_BOT_TOKEN: is missing", "FAILURE_CHANNEL: has"),
        ),
        ({"KUBECONFIG": ""}, ("No Kubernetes cluster is configured.", "Set KUBECONFIG")),
        ({"CHARTS_DIR": os.devnull}, ("no store type found",)),
        ({"DEFAULT_TYPE": "medussa"}, ("There is no store type “medussa”.", "Did you mean medusa?")),
        ({"IDLE_TYPES": "medussa=2h"}, ("IDLE_TYPES: There is no store type “medussa”.", "Did you mean medusa?")),
    ],
)
def test_bot_that_can_not_run_prints_why_and_ends(
    tmp_path: Path, changed: dict[str, str], reasons: tuple[str, ...]
) -> None:
    env = environment(tmp_path, free_address(), None, **changed)
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "run"], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 1
    assert all(reason in ended.stderr for reason in reasons), ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("variable", "content", "reason"),
    [
        ("STORE_VALUES", "{", "STORE_VALUES: can't be read as YAML"),
        ("STORE_VALUES", "medusa: 3", "STORE_VALUES: is YAML, but not a map whose values are maps"),
        ("EXECUTOR_POD", "pod: [", "EXECUTOR_POD: can't be read as YAML"),
        ("EXECUTOR_POD", "pod: text", "EXECUTOR_POD: is YAML, but not a map whose values are maps"),
        ("EXECUTOR_POD", "spec: {}", "EXECUTOR_POD: has the unknown keys spec"),
    ],
)
def test_malformed_files_of_settings_are_refused_before_ledger_and_lease(
    tmp_path: Path, variable: str, content: str, reason: str
) -> None:
    (tmp_path / "file.yaml").write_text(content)
    env = environment(tmp_path, free_address(), None, **{variable: str(tmp_path / "file.yaml")})
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "run"], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 1
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr
    assert '"message"' not in ended.stderr, "nothing was done that is logged"
    assert not (tmp_path / "ledger.db").exists(), "the lease comes after the ledger"


def test_former_names_of_settings_work_and_are_logged_as_warnings(tmp_path: Path) -> None:
    url, folder = free_address(), tmp_path / "elsewhere"
    former = {"LEDGER_BACKUPS": str(folder), "JOBS_AT_ONCE": "7", "CREATE_DEADLINE": "60"}
    env = environment(tmp_path, url, None, **former, CREATE_DEADLINE_SECONDS="120")
    with process(env) as bot:
        answer(f"{url}/healthz")
        until("a backup in the folder", lambda: list(folder.glob("*.db")))
        bot.send_signal(signal.SIGTERM)
        _, log = bot.communicate(timeout=60)
    lines = [json.loads(line) for line in log.splitlines()]
    warnings = [line["message"] for line in lines if line["level"] == "WARNING" and "is now called" in line["message"]]
    assert warnings == [
        f"{old} is now called {new}. Rename it: the next version ignores the former name."
        for old, new in (("LEDGER_BACKUPS", "LEDGER_BACKUP_DIR"), ("JOBS_AT_ONCE", "MAX_CONCURRENT_JOBS"))
    ], "CREATE_DEADLINE has no effect next to CREATE_DEADLINE_SECONDS"


def test_doctor_warns_of_former_names(tmp_path: Path) -> None:
    env = environment(tmp_path, free_address(), None, LEDGER_BACKUPS_KEPT="3")
    command = [sys.executable, "-m", "bot", "doctor", "--json"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    findings = [one for one in json.loads(ended.stdout)["findings"] if one["check"] == "settings"]
    [found] = [one for one in findings if "LEDGER_BACKUPS_KEPT" in one["message"]]
    assert found["status"] == "unsure"
    assert "LEDGER_BACKUPS_KEPT is now called LEDGER_BACKUP_KEEP." in found["message"]


def test_help_lists_every_setting() -> None:
    shown = subprocess.run([sys.executable, "-m", "bot", "run", "--help"], capture_output=True, text=True, check=True)
    assert "SLACK_BOT_TOKEN  the bot token, xoxb-…" in shown.stdout
    assert "LISTEN  host:port to listen on (default 0.0.0.0:3000)" in shown.stdout

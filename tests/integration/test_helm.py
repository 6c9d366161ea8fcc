"""Helm as a subprocess: typed errors, no secret passed on, and no helm process that outlives its bot."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioner.clients import helm as helms
from provisioner.clients.helm import Helm, HookFailed, ReleaseSpec
from provisioner.domain.errors import HandedOver, JobFailed, Transient
from tests.conftest import write_kubeconfig

DENIED = 'secrets is forbidden: User "u" cannot list resource "secrets" in API group "" in the namespace "b"'


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    return write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:9")


def script(tmp_path: Path, body: str) -> str:
    path = tmp_path / "helm"
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return str(path)


def wanted(chart: Path, profile: str | None = None) -> ReleaseSpec:
    return ReleaseSpec("shop", "ns", chart, profile, {"store": {"name": "shop"}})


def test_version_is_helm_4() -> None:
    assert Helm().version().startswith("v4.")


def test_unreachable_cluster_is_transient(kubeconfig: Path) -> None:
    with pytest.raises(Transient, match="did not get through"):
        Helm(kubeconfig=kubeconfig).chart_version("my-shop", "store-my-shop", 1)


def test_missing_helm_binary_fails_with_a_next_step() -> None:
    with pytest.raises(JobFailed, match="set HELM to its path"):
        Helm("/nowhere/helm").version()


@pytest.mark.parametrize(
    ("stderr", "error", "message"),
    [
        ("Error: values don't meet the specifications of the schema: colour", JobFailed, "refuses the store's values"),
        ("Error: secrets is forbidden: exceeded quota: store", JobFailed, "quota is full"),
        (
            f"Error: query: failed to query: {DENIED}",
            JobFailed,
            "may not list secrets in the namespace b. Grant u this",
        ),
        ("Error: UPGRADE FAILED: another operation (install/upgrade) is in progress", Transient, "another operation"),
        (
            'Error: secrets "a" is forbidden: no new content in namespace b because it is being terminated',
            Transient,
            "being terminated",
        ),
        ("Error: template: boom", JobFailed, "boom"),
        ("Error: UPGRADE FAILED: pre-upgrade hooks failed: Job failed", HookFailed, "stopped: .* Job failed"),
        ("Error: pre-upgrade hooks failed: context deadline exceeded", HookFailed, "deadline exceeded"),
        ("Error: pre-upgrade hooks failed: dial tcp: connection refused", Transient, "connection refused"),
        (
            'Error: a claim is immutable\n@@ -1 +1 @@\n- "a": 1,\n+ "a": null,',
            JobFailed,
            "failed: a claim is immutable Corr",
        ),
        ('level=INFO msg="found symbolic link in path."\nError: boom', JobFailed, "^helm get failed: boom Correct"),
    ],
)
def test_stderr_becomes_a_typed_error(tmp_path: Path, stderr: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Helm(script(tmp_path, f"echo {shlex.quote(stderr)} >&2; exit 1")).chart_version("a", "b", 1)


def test_missing_permission_is_transient_while_it_may_pass_by_itself(tmp_path: Path) -> None:
    asked: list[str] = []

    def pending(namespace: str) -> str:
        asked.append(namespace)
        return "The RoleBinding is new."

    helm = Helm(script(tmp_path, f"echo {shlex.quote(f'Error: {DENIED}')} >&2; exit 1"), permissions_pending=pending)
    with pytest.raises(Transient, match=r"may not list secrets in the namespace b\. The RoleBinding is new\."):
        helm.fenced(lambda: None).chart_version("a", "b", 1)
    assert asked == ["b"]


def test_slow_helm_is_killed_and_transient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helms, "OVERHEAD_SECONDS", 0.0)
    helm = Helm(script(tmp_path, "exec sleep 60"))
    with pytest.raises(Transient, match="took longer than 1 s"):
        helm.apply(wanted(tmp_path), timeout=1)


def test_apply_passes_values_on_stdin_and_no_slack_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-not-for-helm")
    (tmp_path / "values-local.yaml").write_text("")
    body = f"cat > {tmp_path}/stdin; env > {tmp_path}/env; echo $@ > {tmp_path}/argv"
    Helm(script(tmp_path, body), context="ctx").apply(wanted(tmp_path, "local"), 9)
    assert "name: shop" in (tmp_path / "stdin").read_text()
    assert "xoxb" not in (tmp_path / "env").read_text()
    argv = (tmp_path / "argv").read_text()
    assert f"--values {tmp_path}/values-local.yaml --values -" in argv
    assert argv.strip().endswith("--kube-context ctx")


def test_apply_without_hooks_passes_no_hooks(tmp_path: Path) -> None:
    helm = Helm(script(tmp_path, f"echo $@ >> {tmp_path}/argv"))
    for hooks in (True, False):
        helm.apply(wanted(tmp_path), 9, hooks=hooks)
    assert ["--no-hooks" in line for line in (tmp_path / "argv").read_text().splitlines()] == [False, True]


def test_error_raised_meanwhile_ends_helm_at_once(tmp_path: Path) -> None:
    helm = Helm(script(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60"))
    began = time.monotonic()

    def look() -> None:
        if time.monotonic() > began + 0.5:
            raise HandedOver("job")

    with pytest.raises(HandedOver):
        helm.upgrade(wanted(tmp_path), 60, look)
    assert time.monotonic() < began + 5
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_upgrade_installs_nothing_and_passes_the_timeout_to_hooks(tmp_path: Path) -> None:
    Helm(script(tmp_path, f"echo $@ > {tmp_path}/argv")).upgrade(wanted(tmp_path), 900, lambda: None)
    argv = (tmp_path / "argv").read_text()
    assert "--install" not in argv
    assert "--timeout 900s" in argv


def test_helm_dies_with_its_killed_bot(tmp_path: Path) -> None:
    binary = script(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    code = f"from provisioner.clients.helm import Helm; Helm({binary!r}).version()"
    bot = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    pid_file = tmp_path / "pid"
    while not (pid_file.exists() and pid_file.read_text().strip()):
        assert bot.poll() is None
        time.sleep(0.02)
    child = int(pid_file.read_text())
    bot.send_signal(signal.SIGKILL)
    bot.wait()
    for _ in range(1500):
        if not Path(f"/proc/{child}").exists() or _is_zombie(child):
            return
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    pytest.fail("helm outlived the process that started it")


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_fence_ends_a_running_helm_and_refuses_the_next_run(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    helm = Helm(script(tmp_path, f"echo $$ > {pid}; exec sleep 60"))

    def fence() -> None:
        if pid.exists() and pid.read_text():
            raise HandedOver

    began = time.monotonic()
    with pytest.raises(HandedOver):
        helm.fenced(fence).chart_version("shop", "ns", 1)
    assert time.monotonic() - began < 50, "it did not wait for helm's end"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    with pytest.raises(HandedOver):
        helm.fenced(fence).version()

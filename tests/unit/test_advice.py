"""Every next step that a failed job may print, and the test that follows it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    *sorted((ROOT / "provisioner/operations").rglob("*.py")),
    *sorted((ROOT / "provisioner/runner").rglob("*.py")),
    *sorted((ROOT / "provisioner/clients").rglob("*.py")),
    *(ROOT / "provisioner" / name for name in ("diagnosis.py", "exports.py", "domain/errors.py", "domain/job.py")),
]
ERRORS = {"JobFailed", "HookFailed", "Problem", "Transient"}  # their third argument is the next step
NAMES = {"next_step", "RAISE_QUOTA", "RESTORE_FROM_BACKUP", "CERTIFICATE_HINT"}
ADVICE = "tests/e2e/test_advice.py::test_creation_succeeds_once_its_advice_is_followed"
# Each next step as in the code, with {} for a value.
FOLLOWED = {
    "Add a node that fits, or make room on one, then retry.": ADVICE,
    "An upgrade starts them again: /store upgrade {}":
        "tests/e2e/test_reset_password.py::test_reset_of_a_stopped_shop_changes_nothing_and_succeeds_after_an_upgrade",
    "Check EXECUTOR_IMAGE and EXECUTOR_POD, then retry.":
        "tests/e2e/test_executor.py::test_worker_that_breaks_at_its_start_succeeds_with_the_right_pod",
    "Check the StorageClass and its provisioner, then retry.":
        "tests/e2e/test_claims.py::test_creation_succeeds_once_class_and_size_are_right",
    "Check the image's name and tag and that the nodes reach its registry, then retry.":
        "tests/e2e/test_failing_store.py::test_failure_message_names_missing_image_within_15_s_and_retry_works_with_it",
    "Choose another name, or delete that namespace and retry.": ADVICE,
    "Correct the chart or its values, then retry.": ADVICE,
    "Correct the chart or STORE_LIMITS, then retry.":
        "tests/e2e/test_advice.py::test_creation_succeeds_once_the_limits_are_right",
    "Correct the chart, then retry.": ADVICE,
    "Correct STORE_VALUES, then retry.": ADVICE,
    "Create it: {}": "tests/e2e/test_pull_secret.py::test_pods_of_a_store_pull_with_a_copy_of_the_secret",
    "Create what is missing, or correct the chart, then retry.": ADVICE,
    "Delete the store and order it again.":
        "tests/e2e/test_advice.py::test_store_whose_namespace_is_gone_can_be_deleted_and_ordered_again",
    "Delete this store and create one with another name, or remove that host, then retry.":
        "tests/e2e/test_taken_address.py::test_store_gets_no_address_of_another_site",
    "Delete them (kubectl delete pv …) when nobody needs them, then retry.":
        "tests/e2e/test_provisioner.py::test_delete_names_and_keeps_retained_volumes",
    "Fix the cause, then delete what is left: /store delete {}":
        "tests/e2e/test_cancelled_job.py::"
        "test_cancelled_creation_that_can_not_be_removed_is_deleted_once_its_cause_is_gone",
    "Fix the cause and retry, or delete it without a backup: /store delete {} now":
        "tests/e2e/test_undelete_store.py::test_store_that_cannot_be_backed_up_is_deleted_only_for_good",
    "Open the link again in a minute.":
        "tests/integration/test_bot_export.py::test_download_that_cannot_start_leaves_the_link_valid",
    "Open the link again. If it fails again, an operator runs: storewright doctor":
        "tests/e2e/test_export_store.py::test_server_that_is_away_is_no_endless_wait",
    "Import another one: delete {}, then type /store import {}. For the same one, retry.":
        "tests/e2e/test_import_store.py::test_archive_that_is_no_good_becomes_no_store",
    "Fix the cause and retry. The other backups: /store backups {}":
        "tests/e2e/test_prove_backup.py::test_copy_that_does_not_work_fails_the_proof_and_its_retry_succeeds",
    "Fix the cause, then retry.": "tests/e2e/test_advice.py::test_upgrade_succeeds_once_its_migration_does",
    "Fix the node or the volume, then retry.": ADVICE,
    "Look at the ways back again: /store rollback {}":
        "tests/e2e/test_rollback_store.py"
        "::test_rollback_that_was_ordered_for_another_version_changes_nothing_and_its_advice_helps",
    "Grant {} this permission, then retry. The chart charts/storewright grants every permission that the bot needs;"
    " `storewright doctor` lists the missing ones.":
        "tests/e2e/test_executor.py::test_missing_permission_is_granted_and_the_retry_succeeds",
    "Install Helm 4 where the bot runs, or set HELM to its path, then retry.":
        "tests/e2e/test_provisioner.py::test_job_without_helm_fails_with_the_program_to_install",
    "Install its CRDs, then retry.": ADVICE,
    "Look at the bot's log for job {} and at its pod's events, then retry.":
        "tests/integration/test_scheduler_interruptions.py::test_retry_of_an_often_interrupted_job_starts_anew",
    "Look at the job's log, then retry.": "tests/e2e/test_advice.py::test_upgrade_succeeds_once_its_migration_does",
    "Look at the namespace, then retry.":
        "tests/e2e/test_advice.py::test_job_past_its_deadline_succeeds_once_its_cause_is_gone",
    "Open {} and check the ingress controller and DNS, then retry.": ADVICE,
    "Raise its memory limit in STORE_VALUES, then retry.": ADVICE,
    "Raise the quota (kubectl edit resourcequota store, in its namespace), or lower what the store needs in"
    " STORE_VALUES, then retry.":
        "tests/e2e/test_claims.py::test_quota_that_an_operator_raised_is_used_by_the_retry_and_stays",
    "Restore helm's Secrets (label owner=helm) from a backup of the cluster, then retry.":
        "tests/e2e/test_advice.py::test_upgrade_succeeds_once_a_deleted_secret_is_restored",
    "Restore it from a backup of the cluster, then retry. Without it nobody can open the store's data.":
        "tests/e2e/test_advice.py::test_upgrade_succeeds_once_a_deleted_secret_is_restored",
    "Retry, or report it.": "tests/integration/test_scheduler.py::test_retry_after_an_unexpected_error_succeeds",
    "Shorten STORE_VALUES, or set EXECUTOR=local.":
        "tests/e2e/test_executor.py::test_creation_with_oversized_values_succeeds_once_they_are_short",
    "The end of its log says more; fix the cause, then retry.": ADVICE,
    "An operator sets backups.enabled in its chart, then retries.":
        "tests/e2e/test_backup_store.py::test_backup_succeeds_once_there_is_a_server",
    "Upgrade it first: /store upgrade {}":
        "tests/e2e/test_backup_store.py::test_backup_succeeds_once_the_store_has_a_chart_that_knows_backups",
    "Upgrade it first (/store upgrade {}), then set them.":
        "tests/e2e/test_set_store.py::test_store_of_an_older_version_is_not_upgraded_by_a_change",
    "Upgrade the store: this creates them again.":
        "tests/e2e/test_advice.py::test_restart_without_workloads_succeeds_after_an_upgrade",
    "With cert-manager, kubectl describe certificate,challenge -n {}; set SSL_CERT_FILE for your own CA":
        "tests/e2e/test_https.py::test_store_is_ready_once_its_own_certificate_exists",
}  # fmt: skip


def next_steps() -> Iterator[str]:
    """The next steps in the code."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            yield from filter(None, map(_text, _next_steps_in(node)))


def _next_steps_in(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS:
        yield from node.args[2:3]
    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in NAMES:
        yield node.value
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if getattr(target, "id", "") == "PERMANENT_PHRASES":
            yield from (pair.elts[1] for pair in node.value.values if isinstance(pair, ast.Tuple))
    if isinstance(node, ast.FunctionDef) and node.name == "remedy":
        yield from (part.value for part in ast.walk(node) if isinstance(part, ast.Return) and part.value)


def _text(node: ast.expr) -> str:
    """The text of a literal, with {} for each value; '' for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.BoolOp(values=[*_, last]):
            return _text(last)
    return ""


def test_every_next_step_is_followed_by_a_test() -> None:
    # The toolbox completes its default; a name is a text that another line has.
    found = {text for text in next_steps() if text != "{}, then retry."} | {"Look at the namespace, then retry."}
    assert found - FOLLOWED.keys() == set()
    assert FOLLOWED.keys() - found == set()


@pytest.mark.parametrize("test", sorted(set(FOLLOWED.values())))
def test_test_that_follows_a_next_step_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)

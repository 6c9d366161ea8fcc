"""The steps that visit the shop: before a job changes it, and until it answers again.

What a merchant may do in the admin (sell out, delete the samples, replace a key, close the shop for a day) makes the
storefront check fail too. So a job asks only for what held before it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from jinja2 import UndefinedError

from provisioner.clients.storefront_check import (
    CertificateNotTrusted,
    CheckFailed,
    NoAnswer,
    ServerError,
    StorefrontClient,
)
from provisioner.domain.catalog import StoreType
from provisioner.domain.errors import JobFailed, StorewrightError
from provisioner.domain.job import Job
from provisioner.domain.store import SECRET_NAME, Store
from provisioner.operations.namespace_metadata import CHECK_BEFORE, note_of
from provisioner.operations.spec import Stage
from provisioner.operations.toolbox import Toolbox

CERTIFICATE_POLL_SECONDS = 1.0
STOREFRONT_POLL_SECONDS = 0.1
CHECK_POLL_SECONDS = 1.0  # each run may leave a cart
LOOKS = 3  # at the shop before the job: a single failed look may be chance
CERTIFICATE_HINT = "With cert-manager, kubectl describe certificate,challenge -n {}; set SSL_CERT_FILE for your own CA"

INSPECT = Stage("inspect", "Look at the store as it is", "Looked at the store")
STOREFRONT = Stage("storefront", "Open the storefront", "Storefront answers")
CHECK = Stage("check", "Put a product in a cart", "A cart holds a product with a price")

Secret = dict[str, str]


def note_check_before(tools: Toolbox, job: Job, store: Store, secret: Secret) -> int:
    """How many steps of the storefront check succeed before the job changes the store.

    The namespace keeps the number. A later attempt or retry of the job finds the store as this attempt left it, so it
    takes that number."""
    noted = _noted(tools, store)
    passed = noted[1] if noted and noted[0] in (job.id, job.retry_of) else _steps_that_pass(tools, job, store, secret)
    tools.cluster.annotate_namespace(store.namespace, {CHECK_BEFORE: f"{job.id} {passed}"})
    return passed


def check_before(tools: Toolbox, store: Store) -> int | None:
    """The number that `note_check_before` left, or None."""
    noted = _noted(tools, store)
    return noted[1] if noted else None


def _noted(tools: Toolbox, store: Store) -> tuple[str, int] | None:
    job_id, _, passed = note_of(tools.cluster, store, CHECK_BEFORE).partition(" ")
    return (job_id, int(passed)) if passed.isdigit() else None


def _steps_that_pass(tools: Toolbox, job: Job, store: Store, secret: Secret) -> int:
    steps = tools.catalog.get(store.type).check
    passed = 0
    with _visitor(tools, store, secret) as client:
        for look in range(LOOKS):
            tools.require_wanted(job)
            try:
                client.run(steps)
                return len(steps)
            except CheckFailed as failure:
                passed = max(passed, failure.passed)
            if look + 1 < LOOKS:
                time.sleep(CHECK_POLL_SECONDS)
    return passed


def await_storefront(
    tools: Toolbox, job: Job, store: Store, store_type: StoreType, secret: Secret, required: int | None = None
) -> None:
    """The stages STOREFRONT and CHECK: wait until the shop answers, and until a cart holds a product.

    `required` as in `await_answer`. Raises JobFailed, Superseded, HandedOver."""
    steps = store_type.check
    with _visitor(tools, store, secret) as client:
        with tools.stage(job, STOREFRONT.name) as results:
            open_home_page = partial(client.run, steps[:1])
            failure = await_answer(tools, job, store, STOREFRONT_POLL_SECONDS, open_home_page, required)
            results += _as_before(failure)
        with tools.stage(job, CHECK.name) as results:
            fill_cart = partial(client.run, steps)
            failure = failure or await_answer(tools, job, store, CHECK_POLL_SECONDS, fill_cart, required)
            results += _as_before(failure)


def await_home_page(tools: Toolbox, job: Job, store: Store, secret: Secret, required: int | None) -> None:
    """Wait until the home page answers. `required` and errors as in `await_answer`."""
    with _visitor(tools, store, secret) as client:
        open_home_page = partial(client.run, tools.catalog.get(store.type).check[:1])
        await_answer(tools, job, store, STOREFRONT_POLL_SECONDS, open_home_page, required)


def await_working(tools: Toolbox, job: Job, store: Store, secret: Secret, required: int | None) -> None:
    """Wait until the home page answers, and the check meets no server error in what succeeded before.

    Anything else may have changed since: a merchant sells out. `required` and errors as in `await_answer`."""
    await_home_page(tools, job, store, secret, required)
    with _visitor(tools, store, secret) as client:

        def fill_cart() -> None:
            try:
                client.run(tools.catalog.get(store.type).check)
            except CheckFailed as failure:
                if isinstance(failure, ServerError):
                    raise

        await_answer(tools, job, store, CHECK_POLL_SECONDS, fill_cart, required)


def await_answer(
    tools: Toolbox, job: Job, store: Store, poll_seconds: float, ask: Callable[[], None], required: int | None = None
) -> CheckFailed | None:
    """Call `ask` until the store answers correctly. An ingress needs a moment, a new certificate may need minutes.

    Only the first `required` steps of the check must succeed (None: all of them). The failure of a later step is
    returned. A store that did not answer at all before has as much time to do so as any other.

    Raises JobFailed, Superseded, HandedOver."""
    patience, since = tools.defaults.patience, tools.ledger.clock()
    while True:
        try:
            ask()
            return None
        except CheckFailed as failure:
            if required and failure.passed >= required:
                return failure
            if isinstance(failure, CertificateNotTrusted) and required != 0:
                late, hint = f"{store.name} had no trusted certificate", CERTIFICATE_HINT.format(store.namespace)
                tools.check_in(job, late, str(failure), hint)
                since, poll_seconds = tools.ledger.clock(), max(poll_seconds, CERTIFICATE_POLL_SECONDS)
            else:
                tools.check_in(job, f"{store.name} did not answer", str(failure))
                limit = patience.no_answer if isinstance(failure, NoAnswer) else patience.wrong_answer
                if tools.ledger.clock() > since + limit:
                    if required == 0:
                        return failure
                    raise _wrong_answer(store, failure) from None
        time.sleep(poll_seconds)


def _wrong_answer(store: Store, failure: CheckFailed) -> JobFailed:
    what = f"{store.name} runs, but its shop does not answer correctly."
    return JobFailed(what, str(failure), f"Open {store.url} and check the ingress controller and DNS, then retry.")


def _as_before(failure: CheckFailed | None) -> list[str]:
    return [f"The check stops where it stopped before: {failure}"] if failure else []


def serves(tools: Toolbox, store: Store) -> bool:
    """Whether the shop's home page answers."""
    store_type = tools.catalog.types.get(store.type)
    secret: Secret = {}
    with suppress(StorewrightError):
        secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    if not store_type:
        return False
    with _visitor(tools, store, secret) as client:
        for look in range(LOOKS):
            time.sleep(CHECK_POLL_SECONDS if look else 0)
            with suppress(CheckFailed, UndefinedError):
                client.step(store_type.check[0])
                return True
    return False


def _visitor(tools: Toolbox, store: Store, secret: Secret) -> StorefrontClient:
    return StorefrontClient(store.url, tools.defaults.ingress_address, {"secret": secret})

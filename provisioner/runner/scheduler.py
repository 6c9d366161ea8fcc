"""The scheduler: claims due jobs, runs them on threads, retries them, and sweeps.

APScheduler only provides the ticks; the ledger is the truth about work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from provisioner.domain.errors import (
    HandedOver,
    JobFailed,
    Problem,
    StoreUnchanged,
    StorewrightError,
    Superseded,
    Transient,
)
from provisioner.domain.job import Job, unexpected_problem
from provisioner.ledger.ledger import Ledger
from provisioner.log_context import bound
from provisioner.operations.journal import JobJournal
from provisioner.operations.namespace_metadata import stores_in_cluster
from provisioner.operations.steps.storefront import serves
from provisioner.operations.toolbox import Toolbox
from provisioner.runner.executors import Executor
from provisioner.runner.lease import Lease, NotHeld
from provisioner.runner.retry import given_up, pause_seconds, too_many_interruptions

log = logging.getLogger(__name__)
logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it logs each tick otherwise

TICK_SECONDS = 0.5  # a new order does not wait for it (see wake)
SWEEP_SECONDS = 600.0
CHORE_SECONDS = 60.0
CLOCK_CHECK_SECONDS = 2.0
STUCK_AFTER_SECONDS = 20 * TICK_SECONDS  # without a tick
STOP_TIMEOUT_SECONDS = 15.0  # for running jobs to stop
WEDGED_AFTER_SECONDS = 120.0  # past its deadline and its rollback, a job's thread does not come back


class Scheduler:
    """Runs up to `executor.at_once` jobs, never two of one store; with a lease, only while it is held."""

    def __init__(
        self,
        ledger: Ledger,
        tools: Toolbox,
        executor: Executor,
        *,
        lease: Lease | None = None,
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        """`chores` are called at the start and every CHORE_SECONDS; their errors are logged."""
        self._ledger, self._journal = ledger, JobJournal(ledger)
        self._tools, self._executor = tools, executor
        self._lease, self._chores = lease, chores
        self._swept = False  # whether the first sweep has been asked for
        self._pool = ThreadPoolExecutor(executor.at_once, thread_name_prefix="job")
        self._busy: dict[str, Job] = {}  # by store name, while the job's thread runs
        self._lock = threading.Lock()
        self._clock = BackgroundScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})
        self._ticked_at = time.monotonic()

    # --- start and stop ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start to tick. The jobs of a former process come first."""
        self._ledger.signals.job_queued.connect(self.wake)
        self._clock.add_job(self._tick, "interval", seconds=TICK_SECONDS, id="tick", next_run_time=datetime.now(UTC))
        self._clock.add_job(self._sweep, "interval", seconds=SWEEP_SECONDS, id="sweep")
        self._clock.add_job(self._do_chores, "interval", seconds=CHORE_SECONDS, id="chores")
        self._clock.start()
        threading.Thread(target=self._watch_clock, name="clock", daemon=True).start()

    def request_stop(self) -> None:
        """Claim no more jobs; running jobs stop at their next step. Returns at once."""
        self._tools.stopping.set()

    def stop(self, timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> int:
        """Stop and wait for running jobs; returns how many have not stopped in time."""
        self.request_stop()
        self._clock.shutdown(wait=False)  # a tick may be about to wake us, which waits for the clock
        self._pool.shutdown(wait=False)  # a job that was just claimed hands itself over
        deadline = time.monotonic() + timeout_seconds
        with self._lock:  # until a claim that is under way has ended
            pass
        while self._busy and time.monotonic() < deadline:
            time.sleep(0.02)
        return len(self._busy)

    def wake(self) -> None:
        """Look for due jobs now instead of at the next tick."""
        self._run_now("tick")

    def _watch_clock(self) -> None:
        """Tick when somebody has set the machine's clock: APScheduler waits for a time of day, which may be far now."""
        ahead = time.time() - time.monotonic()
        while not self._tools.stopping.wait(CLOCK_CHECK_SECONDS):
            before, ahead = ahead, time.time() - time.monotonic()
            if abs(ahead - before) > CLOCK_CHECK_SECONDS:
                log.warning("the machine's clock was set by %+.0f s", ahead - before)
                self.wake()
                self._run_now("sweep")
                self._run_now("chores")

    def _run_now(self, clock_job: str) -> None:
        with suppress(JobLookupError):  # not started, or stopped
            self._clock.modify_job(clock_job, next_run_time=datetime.now(UTC))

    # --- health -----------------------------------------------------------------------------------------------------

    def trouble(self) -> str:
        """Why only a restart helps, or '' if all is well or nothing has started yet."""
        if not self._clock.running:
            return ""
        silent = time.monotonic() - self._ticked_at
        if silent > STUCK_AFTER_SECONDS:
            return f"has not ticked for {silent:.0f} s"
        if len(self._overdue(self._tools.defaults.grace_seconds + WEDGED_AFTER_SECONDS)) >= self._executor.at_once:
            return f"all {self._executor.at_once} workers are held by jobs past their deadline"
        return ""

    def workers(self) -> tuple[int, int]:
        """The number of workers with a job, and of those past its deadline."""
        return len(self._busy), len(self._overdue(0))

    def _overdue(self, by: float) -> list[Job]:
        """Without the lock: a health check must not wait for a claim that hangs."""
        now = self._ledger.clock()
        return [job for job in list(self._busy.values()) if now > job.deadline_at + by]

    # --- ticks ------------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        self._ticked_at = time.monotonic()
        if self._lease and self._lease.another:
            return
        self._take_over_interrupted()
        if not self._swept:
            self._swept = True
            self._run_now("sweep")
            self._run_now("chores")
        if not self._may_work():
            return
        while job := self._claim():
            self._submit(job)

    def _may_work(self) -> bool:
        """Without the lease jobs wait, and their threads say why."""
        if not self._lease:
            return True
        try:
            self._lease.check()
        except NotHeld as reason:
            for job in self._ledger.jobs.note_waiting(reason.problem):
                with bound(job=job.id, store=job.store, kind=job.kind):
                    log.info("job waits: %s", reason)
            return False
        return True

    def _claim(self) -> Job | None:
        with self._lock:
            if self._tools.stopping.is_set() or len(self._busy) >= self._executor.at_once:
                return None
            job = self._ledger.jobs.claim(list(self._busy))
            if job:
                self._busy[job.store] = job
            return job

    def _submit(self, job: Job) -> None:
        try:
            self._pool.submit(self._work, job)
        except RuntimeError:  # `stop` closed the pool after the claim
            self._hand_over(job)
            with self._lock:
                del self._busy[job.store]

    def _take_over_interrupted(self) -> None:
        """Queue the jobs again that are running in the ledger and on no thread of ours."""
        with self._lock:
            for job in self._ledger.jobs.requeue_interrupted([job.id for job in self._busy.values()]):
                log.info("interrupted job queued again", extra={"job": job.id, "store": job.store})

    def _sweep(self) -> None:
        self._ledger.sweep()
        if not self._lease or self._lease.held():
            self._adopt_unknown_stores()

    def _do_chores(self) -> None:
        for chore in self._chores:
            try:
                chore()
            except Exception:
                log.exception("chore failed; the next attempt is in %.0f s", CHORE_SECONDS)

    def _adopt_unknown_stores(self) -> None:
        try:
            for store in stores_in_cluster(self._tools.cluster, self._tools.defaults.instance):
                if self._ledger.stores.adopt(store):
                    log.warning("store adopted from the cluster", extra={"store": store.name})
        except (Transient, JobFailed) as error:
            log.warning("could not look for unknown stores: %s", error)

    # --- one job ----------------------------------------------------------------------------------------------------

    def _work(self, job: Job) -> None:
        with bound(job=job.id, store=job.store, kind=job.kind):
            log.info("job started", extra={"attempt": job.attempts})
            try:
                self._settle(job)
            except Superseded:
                log.info("job superseded, or cancelled")
            except Exception:
                log.exception("the outcome of a job could not be written; it is run again once that is possible")
            finally:
                with self._lock:
                    del self._busy[job.store]
                self.wake()

    def _hand_over(self, job: Job) -> None:
        self._ledger.jobs.hand_over(job)
        log.info("job handed over")

    def _settle(self, job: Job) -> None:
        """Run the job and record its end, or its hand-over. Raises Superseded."""
        try:
            if self._tools.stopping.is_set():
                raise HandedOver(job.id)
            if problem := too_many_interruptions(job):
                raise JobFailed.of(problem)
            if self._lease:
                self._lease.require()
            self._executor.run(job)
            log.info("job done")
        except Transient as error:
            self._try_again(job, error.problem)
        except StorewrightError as error:
            self._fail(job, error.problem, store_unchanged=isinstance(error, StoreUnchanged))
        except HandedOver:
            self._hand_over(job)
        except Superseded:
            raise
        except Exception:
            log.exception("job failed unexpectedly")
            self._fail(job, unexpected_problem(job))

    def _try_again(self, job: Job, problem: Problem) -> None:
        self._ledger.jobs.require_live(job)
        job = self._ledger.jobs.get(job.id) or job  # its deadline may have moved
        due_at = self._ledger.clock() + pause_seconds(job.attempts)
        log.warning("attempt failed: %s", problem, extra={"attempt": job.attempts})
        if due_at >= job.deadline_at:
            self._fail(job, given_up(job, problem))
        else:
            self._ledger.jobs.retry_later(job, problem, due_at)

    def _fail(self, job: Job, problem: Problem, *, store_unchanged: bool = False) -> None:
        """End a failed job. One that changed its store and can roll back does that first, as another attempt."""
        if self._journal.needs_rollback(job, store_unchanged=store_unchanged):
            log.warning("job failed and rolls back: %s", problem)
            with self._ledger.transaction():
                self._journal.start_rollback(job, problem)
                self._ledger.jobs.requeue(job)
        else:
            log.warning("job failed: %s", problem)
            serves = self._journal.breaks_store(job, store_unchanged=store_unchanged) and self._serves(job)
            self._journal.fail(job, problem, store_unchanged=store_unchanged, store_serves=serves)

    def _serves(self, job: Job) -> bool:
        """Whether a store that was ever ready answers shoppers now, whatever happened to its job."""
        store = self._ledger.stores.get(job.store_id)
        return bool(store and store.ready_at and serves(self._tools, store))

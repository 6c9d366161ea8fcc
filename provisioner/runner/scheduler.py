"""APScheduler: claims due jobs, retries with backoff, sweeps. It only ticks; the ledger is the truth about work."""

from __future__ import annotations

import logging
import random
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
from provisioner.domain.job import GRACE, LONGEST_PAUSE, RELEASE, ROLLBACK, EventKind, Job, JobKind, find, surprise
from provisioner.ledger.ledger import Ledger
from provisioner.log_context import bound
from provisioner.operations import Toolbox
from provisioner.runner.executors import Executor
from provisioner.runner.lease import Lease, NotHeld

log = logging.getLogger(__name__)
logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it tells of every tick otherwise, and of every early one

TICK = 0.5  # seconds; a new order does not wait for it (see wake)
SWEEP = 600.0  # seconds
SILENT = 20 * TICK  # seconds without a tick after which the clock is stuck
STOPPED_WITHIN = 15.0  # seconds for jobs at work to let go
WEDGED = GRACE + 120.0  # seconds past its deadline after which a job's thread will not come back by itself
LEASE_AGAIN = 5.0  # seconds until a job that waits for the lease is looked at again


class Scheduler:
    """Runs as many jobs at once as its executor bears, never two of one store; with a lease, only while it is held."""

    def __init__(
        self,
        ledger: Ledger,
        tools: Toolbox,
        executor: Executor,
        *,
        lease: Lease | None = None,
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        """`chores` are called at the start and every SWEEP seconds; what one raises is logged."""
        self._ledger, self._tools, self._executor = ledger, tools, executor
        self._lease, self._chores = lease, chores
        self._left = True  # whether a job may be running in the ledger and nowhere else: by a former process, or let go
        self._pool = ThreadPoolExecutor(executor.at_once, thread_name_prefix="job")
        self._busy: dict[str, Job] = {}  # by store name, whose thread has not ended
        self._lock = threading.Lock()
        self._clock = BackgroundScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})
        self._ticked_at = time.monotonic()

    def start(self) -> None:
        """Tick; what a former process left is taken up first."""
        self._clock.add_job(self._tick, "interval", seconds=TICK, id="tick", next_run_time=datetime.now(UTC))
        self._clock.add_job(self._sweep, "interval", seconds=SWEEP, id="sweep")
        self._clock.start()

    def request_stop(self) -> None:
        """Take no more jobs; those at work let go at their next step and go on in the next process. Returns at once."""
        self._tools.stopping.set()

    def stop(self, within: float = STOPPED_WITHIN) -> int:
        """Let go and wait for those at work; how many had not let go `within` these seconds."""
        self.request_stop()
        self._clock.shutdown(wait=False)  # a tick may be about to wake us, which waits for the clock
        self._pool.shutdown(wait=False, cancel_futures=True)
        until = time.monotonic() + within
        while self._busy and time.monotonic() < until:
            time.sleep(0.02)
        return len(self._busy)

    def wake(self) -> None:
        """There is news: look now rather than at the next tick."""
        self._run_now("tick")

    def _run_now(self, clock_job: str) -> None:
        with suppress(JobLookupError):  # not begun, or over
            self._clock.modify_job(clock_job, next_run_time=datetime.now(UTC))

    def trouble(self) -> str:
        """Why no work goes on, so that only a restart helps; '' where all is well, or not begun."""
        if not self._clock.running:
            return ""
        silent = time.monotonic() - self._ticked_at
        if silent > SILENT:
            return f"has not ticked for {silent:.0f} s"
        if len(self._overdue(WEDGED)) >= self._executor.at_once:
            return f"all {self._executor.at_once} workers are held by jobs past their deadline"
        return ""

    def held(self) -> tuple[int, int]:
        """How many workers have a job, and how many of these are past their deadline."""
        return len(self._busy), len(self._overdue(0))

    def _overdue(self, by: float) -> list[Job]:
        """Without the lock: whoever asks after our health must not wait for a claim that hangs."""
        now = self._ledger.clock()
        return [job for job in list(self._busy.values()) if now > job.deadline_at + by]

    def _tick(self) -> None:
        self._ticked_at = time.monotonic()
        if self._lease and self._lease.another:
            return
        if self._left:
            self._left = False
            self._take_up_interrupted()
            self._run_now("sweep")
        while not self._tools.stopping.is_set() and (job := self._claim()):
            self._pool.submit(self._work, job)

    def _claim(self) -> Job | None:
        with self._lock:
            if len(self._busy) >= self._executor.at_once:
                return None
            job = self._ledger.claim_due(list(self._busy))
            if job:
                self._busy[job.store] = job
            return job

    def _work(self, job: Job) -> None:
        handed_over = False
        with bound(job=job.id, store=job.store, kind=job.kind):
            log.info("job begins", extra={"attempt": job.attempts})
            try:
                self._settle(job)
            except Superseded:
                log.info("job is no longer wanted")
            except HandedOver:
                handed_over = True
                log.info("job is left to whoever may work next")
            except Exception:
                log.exception("the outcome of a job could not be written")
            finally:
                with self._lock:
                    del self._busy[job.store]
                if handed_over:
                    self._left = True
                self.wake()

    def _settle(self, job: Job) -> None:
        """Run the workflow and write how it ended. Raises Superseded or HandedOver."""
        try:
            if self._lease:
                self._lease.check()
            self._executor.run(job)
            log.info("job done")
        except NotHeld as error:
            log.info("job waits: %s", error)
            self._ledger.put_back(job, error.problem, self._ledger.clock() + LEASE_AGAIN)
        except Transient as error:
            self._try_again(job, error.problem)
        except StorewrightError as error:
            self._fail(job, error.problem, store_kept=isinstance(error, StoreUnchanged))
        except (Superseded, HandedOver):
            raise
        except Exception:
            log.exception("job failed unexpectedly")
            self._fail(job, surprise(job))

    def _try_again(self, job: Job, problem: Problem) -> None:
        job = self._ledger.job(job.id) or job  # its deadline may have moved
        due_at = self._ledger.clock() + pause(job.attempts)
        log.warning("attempt failed: %s", problem, extra={"attempt": job.attempts})
        if due_at >= job.deadline_at:
            what = f"{problem.what} ({job.attempts} attempts)"
            self._fail(job, Problem(what, problem.cause, problem.next_step or "Retry when it is mended."))
        else:
            self._ledger.retry_later(job, problem, due_at)

    def _fail(self, job: Job, problem: Problem, *, store_kept: bool = False) -> None:
        """Nothing happened to a store whose upgrade failed before it was to be changed. One that was changed, and not
        undone by the upgrade itself, is undone first."""
        events, upgrade = self._ledger.events(job.id), job.kind == JobKind.UPGRADE
        changed = not upgrade or find(events, EventKind.STARTED, RELEASE) is not None
        if upgrade and changed and not store_kept and not find(events, EventKind.STARTED, ROLLBACK):
            log.warning("upgrade broke off and goes back: %s", problem)
            self._ledger.turn_back(job, problem)
        else:
            log.warning("job failed: %s", problem)
            self._ledger.fail(job, problem, store_kept=store_kept or not changed)

    def _take_up_interrupted(self) -> None:
        """Jobs that are running in the ledger and in no thread: of a former process, or whose end was not written."""
        with self._lock:
            for job in self._ledger.requeue_interrupted([job.id for job in self._busy.values()]):
                log.info("took up an interrupted job", extra={"job": job.id, "store": job.store})

    def _sweep(self) -> None:
        self._ledger.sweep()
        for chore in self._chores:
            try:
                chore()
            except Exception:
                log.exception("a chore failed; it is tried again in %.0f min", SWEEP / 60)
        if not self._lease or self._lease.held():
            self._take_up_interrupted()
            self._adopt_unknown()

    def _adopt_unknown(self) -> None:
        try:
            for store in self._tools.stores_in_cluster():
                if self._ledger.adopt(store):
                    log.warning("took in a store that only the cluster knew", extra={"store": store.name})
        except (Transient, JobFailed) as error:
            log.warning("could not look for unknown stores: %s", error)


def pause(attempt: int) -> float:
    """Seconds before the attempt after the given one: exponential, with jitter so that jobs do not march in step."""
    return float(min(LONGEST_PAUSE, 2.0**attempt) * random.uniform(0.5, 1.0))  # noqa: S311  (no secret)

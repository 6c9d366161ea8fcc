"""The ledger's schema, as migrations that only go forward. Opening the ledger for exclusive use applies them."""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from provisioner.ledger.audit import chained

migrations = Migrations("storewright")


def schemas() -> list[str]:
    """The names of all migrations of this version, oldest first."""
    return [migration.name for migration in migrations.pending(Database(memory=True))]


@migrations()
def m0001_first_ledger(db: Database) -> None:
    """Jobs and their events, stores, the outbox, one-time links, audit and delivery keys. Times are epoch seconds."""
    for statement in FIRST_LEDGER.split(";\n"):
        db.execute(statement)


@migrations()
def m0002_chosen_options(db: Database) -> None:
    """The options chosen in a store's order: option id -> value, as JSON."""
    db.execute("ALTER TABLE stores ADD COLUMN options TEXT NOT NULL DEFAULT '{}'")


@migrations()
def m0003_chart_versions(db: Database) -> None:
    """The version of the chart that a store runs; '' if unknown."""
    db.execute("ALTER TABLE stores ADD COLUMN version TEXT NOT NULL DEFAULT ''")


@migrations()
def m0004_phases_and_facts(db: Database) -> None:
    """A store's release; a job's phase and interruptions; audit outcomes as words; sent events of outbox entries."""
    for statement in PHASES_AND_FACTS.split(";\n"):
        db.execute(statement)


@migrations()
def m0005_moved_messages(db: Database) -> None:
    """Slack's refusal for which an outbox entry is sent elsewhere."""
    db.execute("ALTER TABLE outbox ADD COLUMN moved_for TEXT NOT NULL DEFAULT ''")


@migrations()
def m0006_chained_audit(db: Database) -> None:
    """A hash in each row of the audit log, of itself and the row before. From here on, rows can only be added."""
    db.execute("ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT ''")
    previous = ""
    for row in list(db.query("SELECT * FROM audit ORDER BY id")):
        previous = chained(previous, row)
        db.execute("UPDATE audit SET hash = ? WHERE id = ?", (previous, row["id"]))
    for change in ("UPDATE", "DELETE"):
        db.execute(
            f"""CREATE TRIGGER audit_refuses_{change.lower()} BEFORE {change} ON audit
                BEGIN SELECT RAISE(ABORT, 'rows of the audit log can only be added'); END"""
        )


@migrations()
def m0007_store_backups(db: Database) -> None:
    """The backups of stores. `counts` is JSON: what is in it -> how many."""
    db.execute(
        """CREATE TABLE store_backups (
            id TEXT PRIMARY KEY,
            store_id TEXT NOT NULL REFERENCES stores(id),
            job_id TEXT NOT NULL,
            made_at REAL NOT NULL,
            reason TEXT NOT NULL,
            version TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            added_bytes INTEGER NOT NULL,
            served INTEGER NOT NULL,
            counts TEXT NOT NULL
        ) STRICT"""
    )
    db.execute("CREATE INDEX backups_by_store ON store_backups(store_id, made_at)")


@migrations()
def m0008_job_arguments(db: Database) -> None:
    """What else an order says, such as the backup to restore: name -> value, as JSON. Whether it is quiet."""
    db.execute("ALTER TABLE jobs ADD COLUMN arguments TEXT NOT NULL DEFAULT '{}'")
    db.execute("ALTER TABLE jobs ADD COLUMN quiet INTEGER NOT NULL DEFAULT 0")


@migrations()
def m0009_kept_stores(db: Database) -> None:
    """Until when a store's deletion can be undone (epoch seconds)."""
    db.execute("ALTER TABLE stores ADD COLUMN kept_until REAL")


@migrations()
def m0010_proven_backups(db: Database) -> None:
    """When a working copy of the store was made from the backup (epoch seconds)."""
    db.execute("ALTER TABLE store_backups ADD COLUMN proven_at REAL")


@migrations()
def m0011_download_links(db: Database) -> None:
    """The backup that a one-time link downloads; '' if it shows credentials."""
    db.execute("ALTER TABLE links ADD COLUMN backup_id TEXT NOT NULL DEFAULT ''")


@migrations()
def m0012_upload_links(db: Database) -> None:
    """The name of the store that a one-time link imports, and where its messages go. It has no `store_id` before."""
    for statement in UPLOAD_LINKS.split(";\n"):
        db.execute(statement)


@migrations()
def m0013_expiry(db: Database) -> None:
    """When a store expires (epoch seconds; NULL for never), the seconds it was to live, and the notices of it."""
    db.execute("ALTER TABLE stores ADD COLUMN expires_at REAL")
    db.execute("ALTER TABLE stores ADD COLUMN life REAL NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE stores ADD COLUMN noticed INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE stores ADD COLUMN noticed_at REAL NOT NULL DEFAULT 0")


@migrations()
def m0014_messages_by_id(db: Database) -> None:
    """Finds the job of a message in Slack."""
    db.execute("CREATE INDEX outbox_by_message ON outbox(remote_id) WHERE remote_id IS NOT NULL")


@migrations()
def m0015_idle_stores(db: Database) -> None:
    """After how many seconds without a shopper a store sleeps (0: never, NULL: the policy's); its last visit."""
    db.execute("ALTER TABLE stores ADD COLUMN idle_after REAL")
    db.execute("ALTER TABLE stores ADD COLUMN visited_at REAL")


@migrations()
def m0016_homes(db: Database) -> None:
    """What each person looks at on App Home. Finds a page of stores, and the jobs that failed lately."""
    db.execute("CREATE TABLE homes (person TEXT PRIMARY KEY, choice TEXT NOT NULL, everyone INTEGER NOT NULL) STRICT")
    db.execute("CREATE INDEX homes_of_everyone ON homes(person) WHERE everyone")
    db.execute("CREATE INDEX stores_by_status ON stores(owner, status, created_at, expires_at)")
    db.execute("CREATE INDEX jobs_failed ON jobs(finished_at) WHERE status = 'failed'")


@migrations()
def m0017_cancelled_jobs(db: Database) -> None:
    """Who cancelled a job, '' for nobody, and the delivery key of that request."""
    db.execute("ALTER TABLE jobs ADD COLUMN cancelled_by TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE jobs ADD COLUMN cancel_key TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE UNIQUE INDEX a_request_cancels_once ON jobs(cancel_key) WHERE cancel_key != ''")


FIRST_LEDGER = """
CREATE TABLE stores (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    owner TEXT NOT NULL,
    origin TEXT NOT NULL,
    namespace TEXT NOT NULL,
    url TEXT NOT NULL,
    admin_url TEXT NOT NULL,
    created_at REAL NOT NULL,
    ready_at REAL,
    deleted_at REAL,
    deleted_by TEXT
) STRICT;
CREATE UNIQUE INDEX one_store_per_name ON stores(name) WHERE status != 'deleted';
CREATE INDEX stores_by_owner ON stores(owner, created_at);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    store_id TEXT NOT NULL REFERENCES stores(id),
    store TEXT NOT NULL,
    status TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    origin TEXT NOT NULL,
    delivery_key TEXT NOT NULL UNIQUE,
    attempts INTEGER NOT NULL,
    created_at REAL NOT NULL,
    due_at REAL NOT NULL,
    allowed REAL NOT NULL,
    deadline_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    problem TEXT,
    retry_of TEXT REFERENCES jobs(id)
) STRICT;
CREATE UNIQUE INDEX one_live_job_per_store ON jobs(store) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_due ON jobs(due_at) WHERE status = 'queued';
CREATE INDEX jobs_by_store ON jobs(store_id, created_at);
CREATE TABLE job_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL REFERENCES jobs(id),
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    stage TEXT NOT NULL,
    detail TEXT NOT NULL,
    seconds REAL
) STRICT;
CREATE UNIQUE INDEX a_stage_starts_and_ends_once ON job_events(job_id, stage, kind) WHERE kind IN ('started', 'done');
CREATE INDEX events_by_job ON job_events(job_id, id);
CREATE TABLE outbox (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    revision INTEGER NOT NULL,
    sent_revision INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at REAL NOT NULL,
    address TEXT,
    remote_id TEXT,
    content_hash TEXT,
    created_at REAL NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox(due_at) WHERE sent_revision < revision;
CREATE INDEX outbox_by_subject ON outbox(subject);
CREATE TABLE links (
    id TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL,
    store_id TEXT NOT NULL REFERENCES stores(id),
    minted_for TEXT NOT NULL,
    minted_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    claimed_at REAL,
    revoked_at REAL
) STRICT;
CREATE INDEX links_by_store ON links(store_id);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    store TEXT NOT NULL,
    origin TEXT NOT NULL,
    detail TEXT NOT NULL,
    outcome TEXT NOT NULL,
    request_id TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_store ON audit(store, at);
CREATE TABLE deliveries (
    key TEXT PRIMARY KEY,
    at REAL NOT NULL
) STRICT
"""

UPLOAD_LINKS = """
CREATE TABLE new_links (
    id TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL,
    store_id TEXT REFERENCES stores(id),
    minted_for TEXT NOT NULL,
    minted_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    claimed_at REAL,
    revoked_at REAL,
    backup_id TEXT NOT NULL DEFAULT '',
    new_store TEXT NOT NULL DEFAULT '',
    origin TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO new_links (id, token_hash, store_id, minted_for, minted_at, expires_at, claimed_at, revoked_at, backup_id)
    SELECT id, token_hash, store_id, minted_for, minted_at, expires_at, claimed_at, revoked_at, backup_id FROM links;
DROP TABLE links;
ALTER TABLE new_links RENAME TO links;
CREATE INDEX links_by_store ON links(store_id)
"""

# Until here the JSON of a rollback's problem was the detail of an event, a thread's last event was in `content_hash`
# and `remote_id`, and an audit outcome was a sentence.
PHASES_AND_FACTS = """
ALTER TABLE stores ADD COLUMN release TEXT NOT NULL DEFAULT '';
UPDATE stores SET release = name;
ALTER TABLE jobs ADD COLUMN phase TEXT NOT NULL DEFAULT 'forward';
ALTER TABLE jobs ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET phase = 'rollback',
    problem = coalesce(problem, (SELECT detail FROM job_events e
                                 WHERE e.job_id = jobs.id AND e.stage = 'rollback' AND e.kind = 'started'))
    WHERE EXISTS (SELECT 1 FROM job_events e
                  WHERE e.job_id = jobs.id AND e.stage = 'rollback' AND e.kind = 'started' AND e.detail != '');
UPDATE job_events SET detail = '' WHERE stage = 'rollback' AND kind = 'started';
ALTER TABLE outbox ADD COLUMN sent_event INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN tried_event INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN dead_at REAL;
ALTER TABLE outbox ADD COLUMN error TEXT NOT NULL DEFAULT '';
UPDATE outbox SET sent_event = CAST(coalesce(content_hash, 0) AS INTEGER),
    tried_event = CAST(coalesce(remote_id, 0) AS INTEGER), content_hash = NULL, remote_id = NULL WHERE kind = 'stages';
UPDATE outbox SET remote_id = NULL WHERE kind = 'home';
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox(due_at) WHERE sent_revision < revision AND dead_at IS NULL;
ALTER TABLE audit ADD COLUMN job_id TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN reason TEXT NOT NULL DEFAULT '';
UPDATE audit SET job_id = substr(outcome, 9), outcome = 'ordered' WHERE outcome LIKE 'ordered %';
UPDATE audit SET reason = substr(outcome, 10), outcome = 'refused' WHERE outcome LIKE 'refused: %';
UPDATE audit SET reason = substr(outcome, 8), outcome = 'error' WHERE outcome LIKE 'error: %';
UPDATE audit SET reason = outcome, outcome = 'error' WHERE outcome = 'not ordered';
UPDATE audit SET reason = outcome, outcome = 'answered' WHERE outcome NOT IN ('ordered', 'refused', 'error', 'done');
UPDATE audit SET outcome = 'answered' WHERE outcome = 'done'
"""

BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'storewright','m0001_first_ledger','2026-11-26 16:02:15.592756+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'storewright','m0002_chosen_options','2026-11-26 16:02:15.600809+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'storewright','m0003_chart_versions','2026-11-26 16:02:15.606407+00:00');
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
INSERT INTO "audit" VALUES(1,1800000035.0,'U1','reveal','old-shop','','','done','r');
INSERT INTO "audit" VALUES(2,1800000035.0,'U1','command','my-shop','C1','/store x','ordered 00000000000a','r0');
INSERT INTO "audit" VALUES(3,1800000035.0,'U1','command','my-shop','C1','/store x','refused: my-shop belongs to U1.','r1');
INSERT INTO "audit" VALUES(4,1800000035.0,'U1','command','my-shop','C1','/store x','error: RuntimeError','r2');
INSERT INTO "audit" VALUES(5,1800000035.0,'U1','command','my-shop','C1','/store x','form opened','r3');
INSERT INTO "audit" VALUES(6,1800000035.0,'U1','command','my-shop','C1','/store x','done','r4');
INSERT INTO "audit" VALUES(7,1800000035.0,'U1','command','my-shop','C1','/store x','listed 3','r5');
INSERT INTO "audit" VALUES(8,1800000035.0,'terminal','command','my-shop','','storewright upgrade','not ordered','r6');
CREATE TABLE deliveries (
    key TEXT PRIMARY KEY,
    at REAL NOT NULL
) STRICT
;
INSERT INTO "deliveries" VALUES('k',1800000035.0);
CREATE TABLE job_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL REFERENCES jobs(id),
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    stage TEXT NOT NULL,
    detail TEXT NOT NULL,
    seconds REAL
) STRICT;
INSERT INTO "job_events" VALUES(1,'000000000003',1800000001.0,'queued','','',NULL);
INSERT INTO "job_events" VALUES(2,'000000000003',1800000002.0,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(3,'000000000003',1800000004.0,'done','namespace','',2.0);
INSERT INTO "job_events" VALUES(4,'000000000003',1800000004.0,'succeeded','','0.1.0',3.0);
INSERT INTO "job_events" VALUES(5,'000000000004',1800000005.0,'queued','','',NULL);
INSERT INTO "job_events" VALUES(6,'000000000004',1800000005.0,'started','release','',NULL);
INSERT INTO "job_events" VALUES(7,'000000000004',1800000005.0,'started','rollback','{"what": "The migration of old-shop failed.", "cause": "Exit code 3.", "next_step": "Look at its log.", "log_tail": "a log"}',NULL);
INSERT INTO "job_events" VALUES(8,'000000000004',1800000010.0,'done','rollback','',5.0);
INSERT INTO "job_events" VALUES(9,'000000000004',1800000010.0,'failed','','The migration of old-shop failed.',5.0);
INSERT INTO "job_events" VALUES(10,'000000000006',1800000011.0,'queued','','',NULL);
INSERT INTO "job_events" VALUES(11,'000000000006',1800000012.0,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(12,'000000000006',1800000014.0,'done','namespace','',2.0);
INSERT INTO "job_events" VALUES(13,'000000000006',1800000014.0,'succeeded','','0.1.0',3.0);
INSERT INTO "job_events" VALUES(14,'000000000007',1800000014.0,'queued','','',NULL);
INSERT INTO "job_events" VALUES(15,'000000000007',1800000015.0,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(16,'000000000007',1800000017.0,'done','namespace','',2.0);
INSERT INTO "job_events" VALUES(17,'000000000007',1800000017.0,'succeeded','','',3.0);
INSERT INTO "job_events" VALUES(18,'000000000009',1800000018.0,'queued','','',NULL);
INSERT INTO "job_events" VALUES(19,'000000000009',1800000019.0,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(20,'000000000009',1800000021.0,'done','namespace','',2.0);
INSERT INTO "job_events" VALUES(21,'000000000009',1800000021.0,'succeeded','','0.1.0',3.0);
INSERT INTO "job_events" VALUES(22,'00000000000a',1800000022.0,'queued','','',NULL);
INSERT INTO "job_events" VALUES(23,'00000000000a',1800000022.0,'started','release','',NULL);
INSERT INTO "job_events" VALUES(24,'00000000000a',1800000029.0,'started','rollback','{"what": "The image storewright/medusa:none can''t be pulled.", "cause": "It does not exist.", "next_step": "Fix the tag.", "log_tail": ""}',NULL);
INSERT INTO "job_events" VALUES(25,'00000000000c',1800000030.0,'queued','','',NULL);
INSERT INTO "job_events" VALUES(26,'00000000000c',1800000031.0,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(27,'00000000000c',1800000033.0,'done','namespace','',2.0);
INSERT INTO "job_events" VALUES(28,'00000000000c',1800000033.0,'succeeded','','0.1.0',3.0);
INSERT INTO "job_events" VALUES(29,'00000000000d',1800000034.0,'queued','','',NULL);
INSERT INTO "job_events" VALUES(30,'00000000000d',1800000034.0,'started','release','',NULL);
INSERT INTO "job_events" VALUES(31,'00000000000f',1800000035.0,'queued','','',NULL);
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
INSERT INTO "jobs" VALUES('000000000003','create','000000000002','old-shop','succeeded','U1','C1','a',1,1800000001.0,1800000001.0,900.0,1800000902.0,1800000002.0,1800000004.0,NULL,NULL);
INSERT INTO "jobs" VALUES('000000000004','upgrade','000000000002','old-shop','failed','U1','C1','ua',1,1800000005.0,1800000005.0,1800.0,1800001805.0,1800000005.0,1800000010.0,'{"what": "The migration of old-shop failed.", "cause": "Exit code 3.", "next_step": "Look at its log.", "log_tail": "a log"}',NULL);
INSERT INTO "jobs" VALUES('000000000006','create','000000000005','gone-shop','succeeded','U1','C1','b',1,1800000011.0,1800000011.0,900.0,1800000912.0,1800000012.0,1800000014.0,NULL,NULL);
INSERT INTO "jobs" VALUES('000000000007','delete','000000000005','gone-shop','succeeded','U1','C1','db',1,1800000014.0,1800000014.0,300.0,1800000315.0,1800000015.0,1800000017.0,NULL,NULL);
INSERT INTO "jobs" VALUES('000000000009','create','000000000008','my-shop','succeeded','U1','C1','c',1,1800000018.0,1800000018.0,900.0,1800000919.0,1800000019.0,1800000021.0,NULL,NULL);
INSERT INTO "jobs" VALUES('00000000000a','upgrade','000000000008','my-shop','running','U1','C1','uc',1,1800000022.0,1800000022.0,1800.0,1800001829.0,1800000029.0,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('00000000000c','create','00000000000b','other-shop','succeeded','U1','C1','d',1,1800000030.0,1800000030.0,900.0,1800000931.0,1800000031.0,1800000033.0,NULL,NULL);
INSERT INTO "jobs" VALUES('00000000000d','upgrade','00000000000b','other-shop','running','U1','C1','ud',1,1800000034.0,1800000034.0,1800.0,1800001834.0,1800000034.0,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('00000000000f','create','00000000000e','new-shop','queued','U1','C1','e',0,1800000035.0,1800000035.0,900.0,1800000935.0,NULL,NULL,NULL,NULL);
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
INSERT INTO "links" VALUES('L1','hash','000000000002','U1',1800000035.0,1800000935.0,1800000035.0,NULL);
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
INSERT INTO "outbox" VALUES('summary:000000000003','summary','000000000003',6,6,0,1800000001.0,'C1','1.0','digest',1800000001.0);
INSERT INTO "outbox" VALUES('stages:000000000003','stages','000000000003',1,1,0,1800000004.0,'C1','3','3',1800000004.0);
INSERT INTO "outbox" VALUES('summary:000000000004','summary','000000000004',5,0,0,1800000005.0,NULL,NULL,NULL,1800000005.0);
INSERT INTO "outbox" VALUES('stages:000000000004','stages','000000000004',2,0,0,1800000010.0,NULL,NULL,NULL,1800000010.0);
INSERT INTO "outbox" VALUES('failure:000000000004','failure','000000000004',1,0,0,1800000010.0,NULL,NULL,NULL,1800000010.0);
INSERT INTO "outbox" VALUES('summary:000000000006','summary','000000000006',6,6,0,1800000011.0,'',NULL,'',1800000011.0);
INSERT INTO "outbox" VALUES('stages:000000000006','stages','000000000006',1,0,0,1800000014.0,'C1','9',NULL,1800000014.0);
INSERT INTO "outbox" VALUES('summary:000000000007','summary','000000000007',4,0,0,1800000014.0,NULL,NULL,NULL,1800000014.0);
INSERT INTO "outbox" VALUES('stages:000000000007','stages','000000000007',1,0,0,1800000017.0,NULL,NULL,NULL,1800000017.0);
INSERT INTO "outbox" VALUES('summary:000000000009','summary','000000000009',5,0,0,1800000018.0,NULL,NULL,NULL,1800000018.0);
INSERT INTO "outbox" VALUES('stages:000000000009','stages','000000000009',1,0,0,1800000021.0,NULL,NULL,NULL,1800000021.0);
INSERT INTO "outbox" VALUES('summary:00000000000a','summary','00000000000a',3,0,0,1800000022.0,NULL,NULL,NULL,1800000022.0);
INSERT INTO "outbox" VALUES('summary:00000000000c','summary','00000000000c',5,0,0,1800000030.0,NULL,NULL,NULL,1800000030.0);
INSERT INTO "outbox" VALUES('stages:00000000000c','stages','00000000000c',1,0,0,1800000033.0,NULL,NULL,NULL,1800000033.0);
INSERT INTO "outbox" VALUES('summary:00000000000d','summary','00000000000d',2,0,0,1800000034.0,NULL,NULL,NULL,1800000034.0);
INSERT INTO "outbox" VALUES('summary:00000000000f','summary','00000000000f',1,0,0,1800000035.0,NULL,NULL,NULL,1800000035.0);
INSERT INTO "outbox" VALUES('home:U1','home','U1',1,1,0,1800000035.0,'U1','published','digest',1800000035.0);
INSERT INTO "outbox" VALUES('notice:L1','notice','L1',1,0,0,1800000035.0,NULL,NULL,NULL,1800000035.0);
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
, options TEXT NOT NULL DEFAULT '{}', version TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "stores" VALUES('000000000002','old-shop','medusa','ready','U1','C1','store-old-shop','http://old-shop.localhost:8081','http://old-shop.localhost:8081/app',1800000001.0,1800000004.0,NULL,NULL,'{}','0.1.0');
INSERT INTO "stores" VALUES('000000000005','gone-shop','medusa','deleted','U1','C1','store-gone-shop','http://gone-shop.localhost:8081','http://gone-shop.localhost:8081/app',1800000011.0,1800000014.0,1800000017.0,'U1','{}','0.1.0');
INSERT INTO "stores" VALUES('000000000008','my-shop','medusa','ready','U1','C1','store-my-shop','http://my-shop.localhost:8081','http://my-shop.localhost:8081/app',1800000018.0,1800000021.0,NULL,NULL,'{"currency": "usd"}','0.1.0');
INSERT INTO "stores" VALUES('00000000000b','other-shop','medusa','ready','U1','C1','store-other-shop','http://other-shop.localhost:8081','http://other-shop.localhost:8081/app',1800000030.0,1800000033.0,NULL,NULL,'{}','0.1.0');
INSERT INTO "stores" VALUES('00000000000e','new-shop','medusa','creating','U1','C1','store-new-shop','http://new-shop.localhost:8081','http://new-shop.localhost:8081/app',1800000035.0,NULL,NULL,NULL,'{}','');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE UNIQUE INDEX one_store_per_name ON stores(name) WHERE status != 'deleted';
CREATE INDEX stores_by_owner ON stores(owner, created_at);
CREATE UNIQUE INDEX one_live_job_per_store ON jobs(store) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_due ON jobs(due_at) WHERE status = 'queued';
CREATE INDEX jobs_by_store ON jobs(store_id, created_at);
CREATE UNIQUE INDEX a_stage_starts_and_ends_once ON job_events(job_id, stage, kind) WHERE kind IN ('started', 'done');
CREATE INDEX events_by_job ON job_events(job_id, id);
CREATE INDEX outbox_due ON outbox(due_at) WHERE sent_revision < revision;
CREATE INDEX outbox_by_subject ON outbox(subject);
CREATE INDEX links_by_store ON links(store_id);
CREATE INDEX audit_by_store ON audit(store, at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('job_events',31);
INSERT INTO "sqlite_sequence" VALUES('audit',8);
COMMIT;

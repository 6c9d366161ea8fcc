BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'storewright','m0001_first_ledger','2026-11-26 16:17:08.676304+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'storewright','m0002_chosen_options','2026-11-26 16:17:08.679942+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'storewright','m0003_chart_versions','2026-11-26 16:17:08.684628+00:00');
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
INSERT INTO "audit" VALUES(1,1795709829.8062375,'U0DANA001','command','former-shop','C0STORES1','/store create former-shop leaflet color=ocean','ordered 9ef61e87070c','618ab0460123');
INSERT INTO "audit" VALUES(2,1795709834.5550845,'U0DANA001','command','former-gone','C0STORES1','/store create former-gone leaflet','ordered 808a6240e60a','83a20676c559');
INSERT INTO "audit" VALUES(3,1795709837.8417614,'U0DANA001','click','former-gone','C0STORES1','delete f60bf5f6eecc/808a6240e60a','form opened','82975595912d');
INSERT INTO "audit" VALUES(4,1795709838.0203466,'U0DANA001','submission','former-gone','C0STORES1','{"form": "delete", "typed": {"name": {"name": {"type": "plain_text_input", "value": "former-gone"}}}}','ordered 15a01c0023f1','f1bce87df314');
INSERT INTO "audit" VALUES(5,1795709844.0451307,'U0OLI0001','command','former-undone','C0STORES1','/store create former-undone leaflet','ordered 2fe0ef6fd109','6903fda2d5e8');
INSERT INTO "audit" VALUES(6,1795709862.5207996,'U0DANA001','command','former-broken','C0STORES1','/store create former-broken leaflet','ordered 827c756e5979','647dbec38b6c');
INSERT INTO "audit" VALUES(7,1795709869.9065893,'U0OLI0001','command','former-shop','C0STORES1','/store delete former-shop','refused: *former-shop* belongs to <@U0DANA001>. Only its owner and administrators may do that.','fc395d96ef28');
INSERT INTO "audit" VALUES(8,1795709869.9989896,'U0DANA001','event','','','app_home_opened','published','3f90581d2272');
INSERT INTO "audit" VALUES(9,1795709870.210974,'U0DANA001','click','former-shop','C0STORES1','credentials cb1d75cef6ec/9ef61e87070c','link GQP-MPxjO9oKVk-_','1fd2cc5b55e6');
INSERT INTO "audit" VALUES(10,1795709948.7402024,'U0OLI0001','command','former-undone','C0STORES1','/store upgrade former-undone','ordered 384313e72979','7c3b9e445ea5');
CREATE TABLE deliveries (
    key TEXT PRIMARY KEY,
    at REAL NOT NULL
) STRICT
;
INSERT INTO "deliveries" VALUES('1795709870176917.570755425515.99453772711210dabd0ee76917b68f6b',1795709870.1874938);
CREATE TABLE job_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL REFERENCES jobs(id),
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    stage TEXT NOT NULL,
    detail TEXT NOT NULL,
    seconds REAL
) STRICT;
INSERT INTO "job_events" VALUES(1,'9ef61e87070c',1795709829.7809918,'queued','','',NULL);
INSERT INTO "job_events" VALUES(2,'9ef61e87070c',1795709829.895219,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(3,'9ef61e87070c',1795709829.976153,'done','namespace','',0.08093380928039551);
INSERT INTO "job_events" VALUES(4,'9ef61e87070c',1795709829.9848697,'started','secrets','',NULL);
INSERT INTO "job_events" VALUES(5,'9ef61e87070c',1795709830.011943,'done','secrets','',0.027073383331298828);
INSERT INTO "job_events" VALUES(6,'9ef61e87070c',1795709830.0162477,'started','release','',NULL);
INSERT INTO "job_events" VALUES(7,'9ef61e87070c',1795709831.164775,'done','release','',1.1485271453857422);
INSERT INTO "job_events" VALUES(8,'9ef61e87070c',1795709831.41398,'started','application','',NULL);
INSERT INTO "job_events" VALUES(9,'9ef61e87070c',1795709833.4104111,'done','application','',1.9964311122894287);
INSERT INTO "job_events" VALUES(10,'9ef61e87070c',1795709834.1055245,'started','storefront','',NULL);
INSERT INTO "job_events" VALUES(11,'9ef61e87070c',1795709834.184727,'done','storefront','',0.07920241355895996);
INSERT INTO "job_events" VALUES(12,'9ef61e87070c',1795709834.1974268,'started','check','',NULL);
INSERT INTO "job_events" VALUES(13,'9ef61e87070c',1795709834.25015,'done','check','',0.05272316932678223);
INSERT INTO "job_events" VALUES(14,'9ef61e87070c',1795709834.3588347,'succeeded','','0.1.0',4.578232526779175);
INSERT INTO "job_events" VALUES(15,'808a6240e60a',1795709834.5309606,'queued','','',NULL);
INSERT INTO "job_events" VALUES(16,'808a6240e60a',1795709834.564261,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(17,'808a6240e60a',1795709834.6143558,'done','namespace','',0.0500948429107666);
INSERT INTO "job_events" VALUES(18,'808a6240e60a',1795709834.6179802,'started','secrets','',NULL);
INSERT INTO "job_events" VALUES(19,'808a6240e60a',1795709834.6401327,'done','secrets','',0.022152423858642578);
INSERT INTO "job_events" VALUES(20,'808a6240e60a',1795709834.646017,'started','release','',NULL);
INSERT INTO "job_events" VALUES(21,'808a6240e60a',1795709835.504168,'done','release','',0.8581509590148926);
INSERT INTO "job_events" VALUES(22,'808a6240e60a',1795709835.6348336,'started','application','',NULL);
INSERT INTO "job_events" VALUES(23,'808a6240e60a',1795709837.436433,'done','application','',1.8015995025634766);
INSERT INTO "job_events" VALUES(24,'808a6240e60a',1795709837.6003017,'started','storefront','',NULL);
INSERT INTO "job_events" VALUES(25,'808a6240e60a',1795709837.615415,'done','storefront','',0.015113353729248047);
INSERT INTO "job_events" VALUES(26,'808a6240e60a',1795709837.6216016,'started','check','',NULL);
INSERT INTO "job_events" VALUES(27,'808a6240e60a',1795709837.6374831,'done','check','',0.01588153839111328);
INSERT INTO "job_events" VALUES(28,'808a6240e60a',1795709837.6623807,'succeeded','','0.1.0',3.131657123565674);
INSERT INTO "job_events" VALUES(29,'15a01c0023f1',1795709837.986872,'queued','','',NULL);
INSERT INTO "job_events" VALUES(30,'15a01c0023f1',1795709838.028463,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(31,'15a01c0023f1',1795709843.5867963,'done','namespace','',5.558333396911621);
INSERT INTO "job_events" VALUES(32,'15a01c0023f1',1795709843.6046185,'started','volumes','',NULL);
INSERT INTO "job_events" VALUES(33,'15a01c0023f1',1795709843.732987,'done','volumes','',0.12836837768554688);
INSERT INTO "job_events" VALUES(34,'15a01c0023f1',1795709843.7643216,'succeeded','','',5.777737140655518);
INSERT INTO "job_events" VALUES(35,'2fe0ef6fd109',1795709844.0221534,'queued','','',NULL);
INSERT INTO "job_events" VALUES(36,'2fe0ef6fd109',1795709844.0468776,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(37,'2fe0ef6fd109',1795709844.1624684,'done','namespace','',0.11559081077575684);
INSERT INTO "job_events" VALUES(38,'2fe0ef6fd109',1795709844.1898158,'started','secrets','',NULL);
INSERT INTO "job_events" VALUES(39,'2fe0ef6fd109',1795709844.204431,'done','secrets','',0.014615297317504883);
INSERT INTO "job_events" VALUES(40,'2fe0ef6fd109',1795709844.2088363,'started','release','',NULL);
INSERT INTO "job_events" VALUES(41,'2fe0ef6fd109',1795709845.65939,'done','release','',1.4505536556243896);
INSERT INTO "job_events" VALUES(42,'2fe0ef6fd109',1795709845.7409387,'started','application','',NULL);
INSERT INTO "job_events" VALUES(43,'2fe0ef6fd109',1795709847.5113924,'done','application','',1.770453691482544);
INSERT INTO "job_events" VALUES(44,'2fe0ef6fd109',1795709847.596534,'started','storefront','',NULL);
INSERT INTO "job_events" VALUES(45,'2fe0ef6fd109',1795709847.738042,'done','storefront','',0.1415081024169922);
INSERT INTO "job_events" VALUES(46,'2fe0ef6fd109',1795709847.744835,'started','check','',NULL);
INSERT INTO "job_events" VALUES(47,'2fe0ef6fd109',1795709847.7621326,'done','check','',0.017297744750976562);
INSERT INTO "job_events" VALUES(48,'2fe0ef6fd109',1795709847.7916737,'succeeded','','0.1.0',3.769716262817383);
INSERT INTO "job_events" VALUES(49,'827c756e5979',1795709862.5051908,'queued','','',NULL);
INSERT INTO "job_events" VALUES(50,'827c756e5979',1795709862.5290534,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(51,'827c756e5979',1795709862.6568186,'done','namespace','',0.12776517868041992);
INSERT INTO "job_events" VALUES(52,'827c756e5979',1795709862.6777415,'started','secrets','',NULL);
INSERT INTO "job_events" VALUES(53,'827c756e5979',1795709862.7311513,'done','secrets','',0.05340981483459473);
INSERT INTO "job_events" VALUES(54,'827c756e5979',1795709862.763702,'started','release','',NULL);
INSERT INTO "job_events" VALUES(55,'827c756e5979',1795709864.095162,'done','release','',1.3314599990844727);
INSERT INTO "job_events" VALUES(56,'827c756e5979',1795709864.1245031,'started','application','',NULL);
INSERT INTO "job_events" VALUES(57,'827c756e5979',1795709869.6586626,'failed','','The application of former-broken can''t start: its image storewright/leaflet:none can''t be pulled (ErrImagePull).',7.1537134647369385);
INSERT INTO "job_events" VALUES(58,'384313e72979',1795709948.7295527,'queued','','',NULL);
INSERT INTO "job_events" VALUES(59,'384313e72979',1795709948.8105552,'started','namespace','',NULL);
INSERT INTO "job_events" VALUES(60,'384313e72979',1795709949.143681,'done','namespace','',0.3331258296966553);
INSERT INTO "job_events" VALUES(61,'384313e72979',1795709949.1557693,'started','secrets','',NULL);
INSERT INTO "job_events" VALUES(62,'384313e72979',1795709949.178043,'done','secrets','',0.022273540496826172);
INSERT INTO "job_events" VALUES(63,'384313e72979',1795709949.185391,'started','release','',NULL);
INSERT INTO "job_events" VALUES(64,'384313e72979',1795709956.5398088,'started','rollback','{"what": "The migration of former-undone failed: it ended with exit code 3.", "cause": "Its log says \u201cerror: it is odd\u201d.", "next_step": "Mend the cause, then retry.", "log_tail": "error: it is odd"}',NULL);
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
INSERT INTO "jobs" VALUES('9ef61e87070c','create','cb1d75cef6ec','former-shop','succeeded','U0DANA001','C0STORES1','1795709829746925.920653335503.9d1af900646ae9323ead462ab9a66256',1,1795709829.7806022,1795709829.7806022,900.0,1795710729.7932053,1795709829.7932048,1795709834.3587623,NULL,NULL);
INSERT INTO "jobs" VALUES('808a6240e60a','create','f60bf5f6eecc','former-gone','succeeded','U0DANA001','C0STORES1','1795709834522298.548255589527.a8eaf918eea116c5d89364967b232231',1,1795709834.5307236,1795709834.5307236,900.0,1795710734.5387552,1795709834.5387545,1795709837.6623502,NULL,NULL);
INSERT INTO "jobs" VALUES('15a01c0023f1','delete','f60bf5f6eecc','former-gone','succeeded','U0DANA001','C0STORES1','V5RWGDUTXS3',1,1795709837.9865844,1795709837.9865844,300.0,1795710137.9984982,1795709837.9984977,1795709843.764262,NULL,NULL);
INSERT INTO "jobs" VALUES('2fe0ef6fd109','create','5dbf84192009','former-undone','succeeded','U0OLI0001','C0STORES1','1795709844002027.372977229909.9b5903929999c3a6da53af511bd918fd',1,1795709844.0219574,1795709844.0219574,900.0,1795710744.034807,1795709844.0348065,1795709847.7916372,NULL,NULL);
INSERT INTO "jobs" VALUES('827c756e5979','create','1acfe73e3ace','former-broken','failed','U0DANA001','C0STORES1','1795709862499352.988381351757.abe4096bd97ca9a0a69a894e7d778591',1,1795709862.504949,1795709862.504949,900.0,1795710762.5123868,1795709862.5123866,1795709869.6585898,'{"what": "The application of former-broken can''t start: its image storewright/leaflet:none can''t be pulled (ErrImagePull).", "cause": "Its registry''s name does not resolve on the node: registry-1.docker.io on 10.101.255.2:53: no such host", "next_step": "Check the image''s name and tag and that the nodes reach its registry, then retry.", "log_tail": ""}',NULL);
INSERT INTO "jobs" VALUES('384313e72979','upgrade','5dbf84192009','former-undone','running','U0OLI0001','C0STORES1','1795709948721329.872524681286.09de28d01b52a04c8ea48f6ce03d9f7a',1,1795709948.729019,1795709948.729019,1800.0,1795711756.5398088,1795709956.5398088,NULL,NULL,NULL);
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
INSERT INTO "links" VALUES('GQP-MPxjO9oKVk-_','514286c4ec9d3d815e831079623549db7661af7bf7fbdee3c3113713c4bf5d10','cb1d75cef6ec','U0DANA001',1795709870.192952,1795710770.192952,NULL,NULL);
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
INSERT INTO "outbox" VALUES('summary:9ef61e87070c','summary','9ef61e87070c',14,14,0,1795709834.1056612,'C0STORES1','1795709829.900641','29d4d7949cb17ab596e161fb2a6b31073f05b0ad3d0eb8a71c727544b328eb31',1795709829.7811697);
INSERT INTO "outbox" VALUES('stages:9ef61e87070c','stages','9ef61e87070c',6,6,0,1795709833.4106536,'C0STORES1','14','14',1795709829.9763925);
INSERT INTO "outbox" VALUES('summary:808a6240e60a','summary','808a6240e60a',16,16,0,1795709837.6003914,'C0STORES1','1795709834.567049','c96920ee4f4281a1f759440801e41c11fba9109102bacfa4b7e0930ee06925f0',1795709834.5310752);
INSERT INTO "outbox" VALUES('stages:808a6240e60a','stages','808a6240e60a',6,6,0,1795709837.6154833,'C0STORES1','28','28',1795709834.6144857);
INSERT INTO "outbox" VALUES('summary:15a01c0023f1','summary','15a01c0023f1',6,6,0,1795709843.5868964,'C0STORES1','1795709838.094594','dc7a024aecbc5b7844c3c18333b3813c9315b6f46968c97440006763e9019c25',1795709837.9870005);
INSERT INTO "outbox" VALUES('stages:15a01c0023f1','stages','15a01c0023f1',2,2,0,1795709843.5869393,'C0STORES1','34','34',1795709843.5869393);
INSERT INTO "outbox" VALUES('summary:2fe0ef6fd109','summary','2fe0ef6fd109',15,15,0,1795709847.5965943,'C0STORES1','1795709844.087693','25602a62c4255168435da81bd830976ccd076603d6fb6b201516ef129f44eec7',1795709844.022194);
INSERT INTO "outbox" VALUES('stages:2fe0ef6fd109','stages','2fe0ef6fd109',6,6,0,1795709847.5115573,'C0STORES1','48','48',1795709844.1625607);
INSERT INTO "outbox" VALUES('summary:827c756e5979','summary','827c756e5979',9,9,0,1795709869.658762,'C0STORES1','1795709862.522822','2493f652f0c9fa043b6276d7987cd4e7537e639f368708b656afd0f88472f6e7',1795709862.5053065);
INSERT INTO "outbox" VALUES('stages:827c756e5979','stages','827c756e5979',4,4,0,1795709869.6587987,'C0STORES1','57','57',1795709862.6570077);
INSERT INTO "outbox" VALUES('failure:827c756e5979','failure','827c756e5979',1,1,0,1795709869.6588552,'C0FAILURE','1795709869.725971','b36997158cf04a61822d6f23df32e6f59817b7baffa83a1bcc221befe9d22bad',1795709869.6588552);
INSERT INTO "outbox" VALUES('home:U0DANA001','home','U0DANA001',1,1,0,1795709869.9916704,'U0DANA001','published','8fea7e1d583cf83e9ca991f48e260bddda6e57274ae75b32ebcb552a78f05ecc',1795709869.9916704);
INSERT INTO "outbox" VALUES('summary:384313e72979','summary','384313e72979',7,7,0,1795709956.5399566,'C0STORES1','1795709948.828913','35f560e1e77b2d1aca29dc3aa0ae8507078348870c8f438f1db9b03d26168f41',1795709948.729717);
INSERT INTO "outbox" VALUES('stages:384313e72979','stages','384313e72979',2,2,0,1795709949.1439707,'C0STORES1','63','63',1795709949.1439707);
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
INSERT INTO "stores" VALUES('cb1d75cef6ec','former-shop','leaflet','ready','U0DANA001','C0STORES1','store-former-shop','http://former-shop.localhost:__PORT__','http://former-shop.localhost:__PORT__/admin.html',1795709829.7798083,1795709834.357898,NULL,NULL,'{"color": "#1f5f8b"}','0.1.0');
INSERT INTO "stores" VALUES('f60bf5f6eecc','former-gone','leaflet','deleted','U0DANA001','C0STORES1','store-former-gone','http://former-gone.localhost:__PORT__','http://former-gone.localhost:__PORT__/admin.html',1795709834.5304005,1795709837.6609938,1795709843.7446477,'U0DANA001','{"color": "#2f6f4f"}','0.1.0');
INSERT INTO "stores" VALUES('5dbf84192009','former-undone','leaflet','ready','U0OLI0001','C0STORES1','store-former-undone','http://former-undone.localhost:__PORT__','http://former-undone.localhost:__PORT__/admin.html',1795709844.021689,1795709847.7910042,NULL,NULL,'{"color": "#2f6f4f"}','0.1.0');
INSERT INTO "stores" VALUES('1acfe73e3ace','former-broken','leaflet','failed','U0DANA001','C0STORES1','store-former-broken','http://former-broken.localhost:__PORT__','http://former-broken.localhost:__PORT__/admin.html',1795709862.5045767,NULL,NULL,NULL,'{"color": "#2f6f4f"}','');
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
INSERT INTO "sqlite_sequence" VALUES('job_events',64);
INSERT INTO "sqlite_sequence" VALUES('audit',10);
COMMIT;

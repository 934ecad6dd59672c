BEGIN TRANSACTION;
CREATE TABLE measured (machine INTEGER PRIMARY KEY, ms REAL, at REAL NOT NULL);
CREATE TABLE meta (
    format TEXT NOT NULL, version INTEGER NOT NULL, account INTEGER NOT NULL, owner TEXT NOT NULL
);
INSERT INTO "meta" VALUES('vast-reconciler ledger',1,4711,'default');
CREATE TABLE record (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, body TEXT NOT NULL);
INSERT INTO "record" VALUES(1,2,'{"cold":null,"intents":[{"at":1795175900.0,"attempt":"daaaaaaa","ceiling":"0.3","instance_id":null,"machine_id":5003,"offer_id":3,"seat":"june/0","votes":[1795175980.0]},{"at":1795176000.0,"attempt":"eaaaaaaa","ceiling":"0.3","instance_id":103,"machine_id":5004,"offer_id":4,"seat":"june/1","votes":[]}],"known":[{"id":100,"listed":true,"seat":"june/0","seen_at":1795175940.0},{"id":101,"listed":true,"seat":"july/2","seen_at":1795175940.0}],"last_list_at":1795175995.0,"leaving":[{"id":102,"rate_per_hour":"0.25","reason":"replicas 2 -> 1","seat":"july/3","since":1795175940.0}],"paused":{"may":1795175949.5},"since":[[100,"offline",1795175993.0]],"warm":true}');
CREATE TABLE route_clock (route TEXT PRIMARY KEY, earliest REAL NOT NULL);
INSERT INTO "route_clock" VALUES('list',1795176001.5);
INSERT INTO "route_clock" VALUES('rent',1795176004.0);
CREATE TABLE search_row (day TEXT PRIMARY KEY, count INTEGER NOT NULL);
INSERT INTO "search_row" VALUES('2026-11-20',64);
CREATE TABLE sighting (machine INTEGER NOT NULL, gpus INTEGER NOT NULL, last_at REAL NOT NULL, times INTEGER NOT NULL, PRIMARY KEY (machine, gpus));
INSERT INTO "sighting" VALUES(1,2,1795176000.0,1);
COMMIT;

package store

// schemaRuns adds what is kept of the runs of programs: counters that are made as
// records come in, the numbers that viewer/agent reports, and reports of losses.
const schemaRuns = `
-- A run is a process, or what else a sender calls one. Times are in ms; the counts
-- are of records by class of level, and of requests. kinds is how many rows of
-- runs_errors it has, sampled when the last report of the agent came, 0: none.
CREATE TABLE runs (
	id INTEGER PRIMARY KEY, src INTEGER NOT NULL, name TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
	trace INTEGER NOT NULL, debug INTEGER NOT NULL, info INTEGER NOT NULL, warn INTEGER NOT NULL, error INTEGER NOT NULL,
	fatal INTEGER NOT NULL, requests INTEGER NOT NULL, failed INTEGER NOT NULL, kinds INTEGER NOT NULL DEFAULT 0,
	sampled INTEGER NOT NULL DEFAULT 0, pinned INTEGER NOT NULL DEFAULT 0, UNIQUE (src, name)
);
CREATE INDEX runs_first   ON runs(first);
CREATE INDEX runs_src     ON runs(src, first);
CREATE INDEX runs_last    ON runs(last)    WHERE pinned = 0;
CREATE INDEX runs_pinned  ON runs(first)   WHERE pinned = 1;
CREATE INDEX runs_sampled ON runs(sampled) WHERE sampled > 0;
CREATE TABLE runs_1m     (run INTEGER, t INTEGER, n INTEGER NOT NULL, errors INTEGER NOT NULL, PRIMARY KEY (run, t)) WITHOUT ROWID;
CREATE TABLE runs_errors (run INTEGER, tmpl INTEGER, type TEXT, n INTEGER NOT NULL, sample INTEGER NOT NULL,
	PRIMARY KEY (run, tmpl, type)) WITHOUT ROWID;
CREATE TABLE runs_routes (run INTEGER, route INTEGER, bucket INTEGER, n INTEGER NOT NULL, failed INTEGER NOT NULL,
	PRIMARY KEY (run, route, bucket)) WITHOUT ROWID;

-- What viewer/agent reports: by second for a day, and by minute. t is in seconds,
-- pause in ns, cpu in cores; in a minute, cpu is the sum of n reports, and of memory,
-- heap, goroutines and pause it is the highest.
CREATE TABLE process (
	run INTEGER, t INTEGER, cpu REAL NOT NULL, cpus INTEGER NOT NULL, memory INTEGER NOT NULL, heap INTEGER NOT NULL,
	goroutines INTEGER NOT NULL, gcs INTEGER NOT NULL, pause INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (run, t)
) WITHOUT ROWID;
CREATE INDEX process_t ON process(t);
CREATE TABLE process_1m (
	run INTEGER, t INTEGER, cpu REAL NOT NULL, cpus INTEGER NOT NULL, memory INTEGER NOT NULL, heap INTEGER NOT NULL,
	goroutines INTEGER NOT NULL, gcs INTEGER NOT NULL, pause INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (run, t)
) WITHOUT ROWID;
CREATE INDEX process_1m_t ON process_1m(t);

-- What senders say that they lost: n records between since and until, in ms. id is
-- the key of the record that says so.
CREATE TABLE losses (id INTEGER PRIMARY KEY, src INTEGER NOT NULL, n INTEGER NOT NULL, since INTEGER NOT NULL,
	until INTEGER NOT NULL, why TEXT);
CREATE INDEX losses_until ON losses(until);
`

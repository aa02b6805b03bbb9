-- What runs by itself: jobs with their schedules and leases, and the inbox of webhooks. What belongs to
-- the deployment and to no tenant has the tenant ''.

CREATE TABLE jobs (
    tenant           TEXT NOT NULL,
    -- What is done: the word that its handler is found by.
    kind             TEXT NOT NULL,
    -- What it is done to, where a tenant has several: an account, a file.
    subject          TEXT NOT NULL DEFAULT '',
    -- waiting: for next_at. idle: until it is asked for. paused: until it is resumed. dead: it failed too
    -- often.
    state            TEXT NOT NULL,
    -- JSON; null: it runs when it is asked for.
    schedule         TEXT,
    -- When it may be taken. Whoever takes it moves this to the end of his lease.
    next_at          INTEGER NOT NULL,
    -- The moment of the schedule that the next run is for.
    planned_at       INTEGER,
    -- Who works on it; empty: nobody. Another word for each taking.
    owner            TEXT NOT NULL DEFAULT '',
    -- Raised by whoever asks for a run; a run that ends and finds it raised is followed by another.
    asked            INTEGER NOT NULL DEFAULT 0,
    -- How far the run under way is: JSON. Null between runs.
    cursor           TEXT,
    -- What a finished run left for the next: JSON.
    memory           TEXT,
    -- {"done": …, "total": …} of the run under way or of the last.
    progress         TEXT NOT NULL DEFAULT '{}',
    -- Failures since something was achieved.
    attempts         INTEGER NOT NULL DEFAULT 0,
    -- When the run under way was begun; null between runs.
    run_at           INTEGER,
    -- The last run that has ended: ok, warning, error or cancelled.
    last_started_at  INTEGER,
    last_finished_at INTEGER,
    last_result      TEXT,
    last_text        TEXT NOT NULL DEFAULT '',
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, subject)
) WITHOUT ROWID
-- step
CREATE INDEX jobs_due ON jobs (next_at) WHERE state = 'waiting'
-- step
-- Rows from the future are found by it after a clock was set back.
CREATE INDEX jobs_by_change ON jobs (updated_at) WHERE state = 'waiting'
-- step
-- Webhooks as they came.
CREATE TABLE inbox (
    tenant      TEXT NOT NULL,
    -- Who sent it: the word that its handler is found by.
    source      TEXT NOT NULL,
    -- What makes it the same message when it comes again.
    dedupe      TEXT NOT NULL,
    -- What it is about: messages about one object are handled in their order, by one worker, together.
    object      TEXT NOT NULL,
    payload     TEXT NOT NULL,
    -- due, done or dead
    state       TEXT NOT NULL DEFAULT 'due',
    -- Who works on it; empty: nobody.
    owner       TEXT NOT NULL DEFAULT '',
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_at     INTEGER NOT NULL,
    last_error  TEXT,
    received_at INTEGER NOT NULL,
    -- The place within those that came together.
    part        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, source, dedupe)
) WITHOUT ROWID
-- step
CREATE INDEX inbox_due ON inbox (tenant, next_at) WHERE state = 'due'
-- step
CREATE INDEX inbox_objects ON inbox (tenant, source, object) WHERE state = 'due'
-- step
CREATE INDEX inbox_dead ON inbox (tenant, source, dedupe) WHERE state = 'dead'
-- step
CREATE INDEX inbox_over ON inbox (tenant, received_at) WHERE state <> 'due'
-- step
CREATE INDEX outbox_dead ON outbox (tenant, id) WHERE state = 'dead'
-- step
CREATE INDEX outbox_over ON outbox (tenant, created_at) WHERE state <> 'due'
-- step
-- The job that gives every tenant the jobs that every tenant has.
INSERT INTO jobs (tenant, kind, state, schedule, next_at, planned_at, created_at, updated_at)
VALUES ('', 'tenants', 'waiting', '{"every_minutes":60}', 0, 0, 0, 0)

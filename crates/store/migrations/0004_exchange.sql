-- The exchange over CommerceML: who is logged in, what was uploaded, how far it is imported.

CREATE TABLE exchange_sessions (
    tenant     TEXT NOT NULL,
    -- SHA-256 of the token that the client returns as sessid, which is made of its cookie; or
    -- basic:{employee} of clients that return neither.
    id         TEXT NOT NULL,
    employee   TEXT NOT NULL,
    -- The newest schema that the client can read, as it told at init of orders.
    version    TEXT NOT NULL DEFAULT '',
    -- The orders that were told and not yet confirmed: JSON, [[id, change], …].
    orders     TEXT,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID
-- step
CREATE TABLE uploads (
    tenant      TEXT NOT NULL,
    session     TEXT NOT NULL,
    -- catalog or sale
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    -- Names the content: another one each time that the file begins anew.
    id          TEXT NOT NULL,
    -- Bytes received.
    size        INTEGER NOT NULL DEFAULT 0,
    -- The largest chunk so far, the last one and its hash.
    chunk_size  INTEGER NOT NULL DEFAULT 0,
    last_size   INTEGER NOT NULL DEFAULT 0,
    last_hash   TEXT NOT NULL DEFAULT '',
    -- receiving; kept: it is a picture, and stored; taken: an import or an archive was made of it.
    state       TEXT NOT NULL DEFAULT 'receiving',
    version     INTEGER NOT NULL DEFAULT 1,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, session, kind, name)
) WITHOUT ROWID
-- step
CREATE INDEX uploads_by_age ON uploads (tenant, received_at)
-- step
CREATE INDEX uploads_by_id ON uploads (tenant, id)
-- step
-- What nothing was made of yet.
CREATE INDEX uploads_waiting ON uploads (tenant, received_at) WHERE state = 'receiving'
-- step
-- The chunks of an upload, in order of their first byte.
CREATE TABLE upload_chunks (
    tenant TEXT NOT NULL,
    upload TEXT NOT NULL,
    start  INTEGER NOT NULL,
    chunk  TEXT NOT NULL,
    size   INTEGER NOT NULL,
    PRIMARY KEY (tenant, upload, start)
) WITHOUT ROWID
-- step
-- The bytes of a chunk in parts of one size, the last one shorter. A chunk that upload_chunks does not
-- name was never acknowledged.
CREATE TABLE upload_parts (
    tenant     TEXT NOT NULL,
    chunk      TEXT NOT NULL,
    part       INTEGER NOT NULL,
    bytes      BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, chunk, part)
)
-- step
CREATE INDEX upload_parts_by_age ON upload_parts (tenant, created_at)
-- step
CREATE TABLE imports (
    tenant      TEXT NOT NULL,
    -- The upload's id: one content is imported once.
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    -- Who uploaded it: session, employee, catalog or sale.
    session     TEXT NOT NULL,
    employee    TEXT NOT NULL,
    kind        TEXT NOT NULL,
    -- running, done or failed
    state       TEXT NOT NULL,
    -- How far it is: JSON.
    cursor      TEXT NOT NULL,
    -- Raised by every step; a batch names the one it began from.
    seq         INTEGER NOT NULL DEFAULT 0,
    -- What the client is told in the end.
    message     TEXT NOT NULL DEFAULT '',
    -- Groups, price types and the like that it has changed: they are written apart from its batches.
    referenced  INTEGER NOT NULL DEFAULT 0,
    -- When its file had come, which is its place in the queue.
    uploaded_at INTEGER NOT NULL,
    -- When a client asked for it last; 0 when none ever did.
    asked_at    INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID
-- step
CREATE INDEX imports_by_time ON imports (tenant, uploaded_at)
-- step
CREATE INDEX imports_running ON imports (tenant, uploaded_at, id) WHERE state = 'running'
-- step
-- Which lists of which catalogues the files of an exchange have told: what full ones do not have is missing
-- when the exchange has ended. An exchange is the second of its login and its session, as in import_seen.
CREATE TABLE import_lists (
    tenant    TEXT NOT NULL,
    exchange  TEXT NOT NULL,
    -- goods, groups or offers; broken: a file of the exchange could not be imported
    list      TEXT NOT NULL,
    -- The catalogue's id, or the classifier's.
    catalogue TEXT NOT NULL,
    employee  TEXT NOT NULL,
    -- told: nothing waits for it; full: it waits for the end of the exchange; part: full ones and changes;
    -- batch: the client will say; archiving: past the guard
    state     TEXT NOT NULL,
    -- How many goods it has archived so far.
    archived  INTEGER NOT NULL DEFAULT 0,
    told_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant, exchange, list, catalogue)
) WITHOUT ROWID
-- step
-- How prices and stock were chosen of what files say: the hash of what the settings and price types are.
CREATE TABLE exchange_choice (
    tenant TEXT NOT NULL PRIMARY KEY,
    choice TEXT NOT NULL
) WITHOUT ROWID
-- step
-- One import at a time: who works, and until when he is believed to.
CREATE TABLE import_leases (
    tenant TEXT NOT NULL PRIMARY KEY,
    import TEXT NOT NULL,
    owner  TEXT NOT NULL,
    -- 0 when it was given back.
    until  INTEGER NOT NULL,
    -- How many workers in a row were lost at this import without having moved it.
    losses INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID

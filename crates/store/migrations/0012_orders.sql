-- Orders that are made here: numbers, requests that made one, and who changed what.

-- The last number that was given to an order of a tenant.
CREATE TABLE order_numbers (
    tenant TEXT NOT NULL PRIMARY KEY,
    last   INTEGER NOT NULL
) WITHOUT ROWID
-- step
-- The key with which an order was made: the same key makes no other one. Kept as long as the order.
CREATE TABLE order_requests (
    tenant   TEXT NOT NULL,
    key      TEXT NOT NULL,
    order_id TEXT NOT NULL,
    -- SHA-256 of what was asked for, to tell a repetition from another order.
    digest   TEXT NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID
-- step
-- What was changed of an order, by whom; written in the batch of the change.
CREATE TABLE order_history (
    tenant   TEXT NOT NULL,
    order_id TEXT NOT NULL,
    -- The version of the order that the change made.
    version  INTEGER NOT NULL,
    -- The part of the order.
    what     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    -- operator, api, 1c or insales.
    who      TEXT NOT NULL,
    -- Before and after (JSON); null of what is personal or long.
    was      TEXT,
    became   TEXT,
    note     TEXT,
    PRIMARY KEY (tenant, order_id, version, what)
) WITHOUT ROWID
-- step
-- The id of a status, or its name where it has none.
CREATE INDEX orders_status ON orders (tenant, COALESCE(NULLIF(document ->> '$.status.id', ''), document ->> '$.status.name'), id)
-- step
-- An order that names no company is of the first one.
CREATE INDEX orders_company ON orders (tenant, COALESCE(document ->> '$.company', 'main'), id)

-- step
-- Orders that are passed on to a shop of a connection, each to one.
CREATE TABLE order_pushes (
    tenant       TEXT NOT NULL,
    order_id     TEXT NOT NULL,
    connection   TEXT NOT NULL,
    -- due: to be sent; unclear: sent, and whether it has arrived is not known; sent: it is there;
    -- refused: only a person can help.
    state        TEXT NOT NULL,
    -- Our number, as it was sent; empty before.
    number       TEXT NOT NULL DEFAULT '',
    -- When something is to be done, milliseconds since 1970 UTC; NULL: nothing.
    due_at       INTEGER,
    -- Raised by every change of the order of which the shop may have to hear.
    changes      INTEGER NOT NULL DEFAULT 0,
    -- When it was sent last; NULL: never.
    asked_at     INTEGER,
    -- The last row of the shop's list that was known when it was sent first: behind it it must be.
    behind_at    TEXT,
    behind_id    INTEGER,
    -- How often something went wrong since it went well.
    attempts     INTEGER NOT NULL DEFAULT 0,
    -- What is wrong, in Russian.
    error        TEXT NOT NULL DEFAULT '',
    their_id     INTEGER,
    their_number TEXT NOT NULL DEFAULT '',
    -- The status that was sent last and not confirmed yet.
    told         TEXT,
    -- The shop's last word (JSON).
    heard        TEXT,
    -- Raised by every write but of due_at and changes; a writer names the one that it has read.
    version      INTEGER NOT NULL DEFAULT 1,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant, order_id)
) WITHOUT ROWID
-- step
CREATE INDEX order_pushes_due ON order_pushes (tenant, connection, due_at) WHERE due_at IS NOT NULL
-- step
CREATE INDEX order_pushes_theirs ON order_pushes (tenant, connection, their_id) WHERE their_id IS NOT NULL
-- step
CREATE INDEX order_pushes_number ON order_pushes (tenant, connection, number) WHERE number <> ''
-- step
CREATE INDEX order_pushes_unclear ON order_pushes (tenant, connection, asked_at) WHERE state = 'unclear'
-- step
-- How far a connection's orders are: ours on their way there, and the shop's list of changes.
CREATE TABLE order_marks (
    tenant     TEXT NOT NULL,
    connection TEXT NOT NULL,
    -- The change of orders up to which they were looked at.
    change     INTEGER NOT NULL,
    -- When it was begun to pass on orders, milliseconds since 1970 UTC.
    begun_at   INTEGER NOT NULL,
    -- The last row of the shop's list that was read: updated_at as the shop wrote it, and its id.
    list_at    TEXT NOT NULL,
    list_id    INTEGER NOT NULL,
    -- When the reading began that came there first, milliseconds since 1970 UTC.
    reached_at INTEGER NOT NULL,
    -- Whether nothing can come to light before it any more.
    settled    INTEGER NOT NULL DEFAULT 0,
    -- When the last reading to the end began.
    swept_at   INTEGER NOT NULL DEFAULT 0,
    -- When the shop last told that something had happened to an order of ours.
    hinted_at  INTEGER NOT NULL DEFAULT 0,
    -- Which field of which shop holds our number, and its id there.
    field      TEXT NOT NULL DEFAULT '',
    field_id   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, connection)
) WITHOUT ROWID

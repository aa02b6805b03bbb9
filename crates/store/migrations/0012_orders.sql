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

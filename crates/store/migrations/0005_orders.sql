-- Orders of a shop, as 1C and МойСклад fetch them, and what they said about them.

CREATE TABLE orders (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    number     TEXT NOT NULL,
    -- When it was made, milliseconds since 1970 UTC.
    moment     INTEGER NOT NULL,
    -- The order as it is now (JSON): the shop's word, with the later of both sides' words on its state.
    document   TEXT NOT NULL,
    -- The shop's own last word on the state (JSON): only what it changes there itself counts.
    said       TEXT NOT NULL DEFAULT '{}',
    -- The last word of 1C or МойСклад (JSON).
    from_1c    TEXT NOT NULL DEFAULT '{}',
    -- Raised by every change that they must hear of; no two orders of a tenant have the same.
    change     INTEGER NOT NULL,
    -- The change that they have confirmed.
    delivered  INTEGER NOT NULL DEFAULT 0,
    -- Raised by every write of the row but a confirmation; a writer names the one that it has read.
    version    INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
)
-- step
CREATE UNIQUE INDEX orders_number ON orders (tenant, number)
-- step
-- The highest change, to go on from.
CREATE UNIQUE INDEX orders_change ON orders (tenant, change)
-- step
CREATE INDEX orders_pending ON orders (tenant, change) WHERE change > delivered
-- step
CREATE INDEX orders_updated ON orders (tenant, updated_at, id)

-- What may be asked of МойСклад's API, and what its import remembers.

CREATE TABLE moysklad_budgets (
    tenant  TEXT NOT NULL,
    -- Whose limit it is: a hash of the user's login or of the token.
    holder  TEXT NOT NULL,
    -- When each unit of the interval is free, milliseconds since 1970 UTC: a JSON array, ascending.
    units   TEXT NOT NULL,
    -- What the last reservation got: a JSON array of times.
    granted TEXT NOT NULL,
    PRIMARY KEY (tenant, holder)
) WITHOUT ROWID
-- step
-- Requests at once: who may have one under way, and until when he is believed to.
CREATE TABLE moysklad_lanes (
    tenant TEXT NOT NULL,
    holder TEXT NOT NULL,
    lane   INTEGER NOT NULL,
    owner  TEXT NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (tenant, holder, lane)
) WITHOUT ROWID
-- step
-- What МойСклад's ids mean: of kind folder our category, of kind store our store, of kind uom the unit's
-- name, of kind currency its letters (ISO 4217).
CREATE TABLE moysklad_ids (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    id     TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) WITHOUT ROWID

-- InSales: what may be asked of a shop.

CREATE TABLE insales_budgets (
    -- Always '': a shop's limit is one, whoever of this deployment asks.
    tenant     TEXT NOT NULL,
    -- Whose limit it is: a hash of the shop, of the key's id and its password.
    holder     TEXT NOT NULL,
    -- When the interval began, milliseconds since 1970 UTC.
    since      INTEGER NOT NULL,
    -- Requests in it.
    used       INTEGER NOT NULL,
    -- How many there may be.
    most       INTEGER NOT NULL,
    -- Nothing is sent before: the shop said so.
    held_until INTEGER NOT NULL DEFAULT 0,
    -- Whether the last that asked may send.
    granted    INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, holder)
) WITHOUT ROWID

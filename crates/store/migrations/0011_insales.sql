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

-- step
-- How far lists of changes were read: behind which row the next run begins.
CREATE TABLE insales_marks (
    tenant     TEXT NOT NULL,
    connection TEXT NOT NULL,
    -- products, collections, categories, orders
    list       TEXT NOT NULL,
    -- Which shop it is and what of it is wanted: a hash. What was read of another one is not what is wanted.
    wanted     TEXT NOT NULL,
    -- updated_at of the row, as the shop wrote it.
    at         TEXT NOT NULL,
    id         INTEGER NOT NULL,
    -- The most rows that a page has had: one with fewer is the last.
    rows       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, connection, list)
) WITHOUT ROWID
-- step
-- Pictures that goods name and whose files are to be fetched.
CREATE TABLE insales_pictures (
    tenant     TEXT NOT NULL,
    connection TEXT NOT NULL,
    -- As goods name it.
    name       TEXT NOT NULL,
    url        TEXT NOT NULL,
    PRIMARY KEY (tenant, connection, name)
) WITHOUT ROWID
-- step
-- Where a shop sends its webhooks: one address for each connection.
CREATE TABLE insales_hooks (
    tenant     TEXT NOT NULL,
    connection TEXT NOT NULL,
    -- What the address is derived from, with the master key: nothing of the address is stored.
    nonce      TEXT NOT NULL,
    -- SHA-256 of the word in the address.
    sha256     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, connection)
) WITHOUT ROWID

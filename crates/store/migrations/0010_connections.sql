-- Companies of a tenant, and the connections to other systems that belong to them.

CREATE TABLE companies (
    tenant     TEXT NOT NULL,
    -- 'main' for the first one, which every tenant has.
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    -- The name as names are compared.
    name_key   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID
-- step
CREATE UNIQUE INDEX companies_by_name ON companies (tenant, name_key)
-- step
INSERT INTO companies (tenant, id, name, name_key, created_at, updated_at)
    SELECT tenant, 'main', 'Компания 1', 'компания 1', created_at, created_at FROM tenants
-- step
CREATE TRIGGER companies_first AFTER INSERT ON tenants BEGIN
    INSERT INTO companies (tenant, id, name, name_key, created_at, updated_at)
    VALUES (NEW.tenant, 'main', 'Компания 1', 'компания 1', NEW.created_at, NEW.created_at)
    ON CONFLICT DO NOTHING;
END
-- step
CREATE TABLE connections (
    tenant        TEXT NOT NULL,
    id            TEXT NOT NULL,
    company       TEXT NOT NULL,
    -- What it is connected with, as insales.
    kind          TEXT NOT NULL,
    name          TEXT NOT NULL,
    -- JSON, which the kind's crate types.
    settings      TEXT NOT NULL,
    -- Sealed JSON; NULL while there is none.
    secrets       BLOB,
    enabled       INTEGER NOT NULL,
    -- unknown, ok, wrong_key, no_right, tariff, limited or unreachable: what was found last.
    state         TEXT NOT NULL DEFAULT 'unknown',
    -- The same in Russian.
    state_text    TEXT NOT NULL DEFAULT '',
    -- Whether it was another state than the one before.
    state_changed INTEGER NOT NULL DEFAULT 0,
    -- When that was found, milliseconds since 1970 UTC.
    checked_at    INTEGER,
    -- What the other side has told of itself: JSON, which the kind's crate types.
    facts         TEXT NOT NULL DEFAULT '{}',
    -- Raised by every change of what people set: who writes names the one that was read.
    version       INTEGER NOT NULL DEFAULT 1,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID

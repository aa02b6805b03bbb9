-- Accounts of МойСклад: solutions that were installed there, and connections by a token that was typed.
-- Rows of the deployment itself, before a tenant is known, have the tenant ''.

CREATE TABLE moysklad_accounts (
    -- '' until the account was activated for one.
    tenant          TEXT NOT NULL,
    -- accountId; '' for a connection by hand until an answer of МойСклад names it.
    account         TEXT NOT NULL,
    -- The solution; '' for a connection by hand.
    app_id          TEXT NOT NULL,
    app_uid         TEXT NOT NULL DEFAULT '',
    account_name    TEXT NOT NULL DEFAULT '',
    -- settings_required, activated, suspended or uninstalled
    state           TEXT NOT NULL,
    -- Token, or login and password, for the JSON API: sealed JSON. NULL while there is none.
    credentials     BLOB,
    -- published or draft: how many requests the token may make.
    weight          TEXT NOT NULL,
    -- What МойСклад told of the subscription: JSON.
    subscription    TEXT,
    -- When the call was signed that switched the solution on or off last, seconds.
    issued_at       INTEGER NOT NULL DEFAULT 0,
    -- The loyalty key that МойСклад has confirmed.
    key_id          TEXT,
    -- A loyalty key that МойСклад may know already: its sealed text.
    pending_key     BLOB,
    -- Keys that were replaced and are still good for calls under way: JSON array of ids, and until when.
    retiring        TEXT NOT NULL DEFAULT '[]',
    retire_at       INTEGER,
    external_search INTEGER NOT NULL DEFAULT 1,
    -- When МойСклад is to be told something, or a key to be revoked; NULL when there is nothing to do.
    due_at          INTEGER,
    attempts        INTEGER NOT NULL DEFAULT 0,
    -- Until when somebody is believed to be doing it.
    busy_until      INTEGER NOT NULL DEFAULT 0,
    -- What МойСклад answered when it refused, in Russian.
    last_error      TEXT,
    version         INTEGER NOT NULL DEFAULT 1,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, account, app_id)
) WITHOUT ROWID
-- step
-- A solution is on an account once, for one tenant.
CREATE UNIQUE INDEX moysklad_accounts_of_app ON moysklad_accounts (app_id, account) WHERE app_id <> ''
-- step
CREATE INDEX moysklad_accounts_due ON moysklad_accounts (due_at) WHERE due_at IS NOT NULL
-- step
-- Calls of МойСклад that were answered: a token is good once, and a repetition gets the same answer.
CREATE TABLE moysklad_calls (
    -- Always '': a call names an account, not a tenant.
    tenant      TEXT NOT NULL,
    app_id      TEXT NOT NULL,
    jti         TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    -- SHA-256 of method, path and body.
    digest      TEXT NOT NULL,
    status      INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    -- From when on the token is refused as expired anyway.
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, app_id, jti)
) WITHOUT ROWID
-- step
CREATE INDEX moysklad_calls_by_end ON moysklad_calls (tenant, expires_at)
-- step
CREATE TRIGGER moysklad_calls_expire AFTER INSERT ON moysklad_calls BEGIN
    DELETE FROM moysklad_calls WHERE tenant = NEW.tenant AND expires_at <= NEW.at;
END
-- step
-- Who has opened the solution in МойСклад. Stored is the hash of the token.
CREATE TABLE cabinet_sessions (
    -- '' while the account is not activated: such a session is good for the activation alone.
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    account    TEXT NOT NULL,
    app_id     TEXT NOT NULL,
    -- Login in МойСклад, and how he is called there.
    login      TEXT NOT NULL,
    name       TEXT NOT NULL,
    admin      INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID
-- step
CREATE UNIQUE INDEX cabinet_sessions_by_id ON cabinet_sessions (id)
-- step
CREATE INDEX cabinet_sessions_by_end ON cabinet_sessions (tenant, expires_at)
-- step
CREATE TRIGGER cabinet_sessions_expire AFTER INSERT ON cabinet_sessions BEGIN
    DELETE FROM cabinet_sessions WHERE tenant = NEW.tenant AND expires_at <= NEW.created_at;
END
-- step
-- What was told at the registration of a cabinet.
CREATE TABLE registrations (
    tenant       TEXT NOT NULL PRIMARY KEY,
    business     TEXT NOT NULL,
    organisation TEXT NOT NULL,
    name         TEXT NOT NULL,
    phone        TEXT NOT NULL,
    email        TEXT NOT NULL,
    promo        TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) WITHOUT ROWID

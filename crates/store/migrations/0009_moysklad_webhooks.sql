-- Where МойСклад sends its webhooks: one address for each account that a tenant is connected to.

CREATE TABLE moysklad_hooks (
    tenant     TEXT NOT NULL,
    -- accountId; '' for a connection by hand.
    account    TEXT NOT NULL,
    -- The solution; '' for a connection by hand.
    app_id     TEXT NOT NULL,
    -- What the address is derived from, with the master key: nothing of the address is stored.
    nonce      TEXT NOT NULL,
    -- SHA-256 of the word in the address.
    sha256     TEXT NOT NULL,
    -- As who МойСклад knows the changes that the solution makes itself; '' where that is a person.
    own_uid    TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, account, app_id)
) WITHOUT ROWID

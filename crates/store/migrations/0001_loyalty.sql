-- Every primary key begins with the tenant. Times are milliseconds since 1970 UTC, money is
-- kopecks, points are whole points. 9223372036854775807 in expires_at means never.

CREATE TABLE tenants (
    tenant           TEXT NOT NULL PRIMARY KEY,
    -- Decides between two writers of the settings, which themselves live in key-value.
    settings_version INTEGER NOT NULL DEFAULT 1,
    claimed_at       INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL
) WITHOUT ROWID
-- step
CREATE TABLE customers (
    tenant      TEXT NOT NULL,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL DEFAULT '',
    -- Lower case, ё as е, single spaces, one at each end: ' иванов петр '. Word prefixes are looked
    -- for in it.
    name_key    TEXT NOT NULL DEFAULT ' ',
    first_name  TEXT,
    middle_name TEXT,
    last_name   TEXT,
    -- Digits in international form without the plus.
    phone       TEXT,
    card        TEXT,
    email       TEXT,
    -- YYYY-MM-DD
    birth_date  TEXT,
    sex         TEXT,
    -- The counterparty's id in МойСклад, when it is known.
    ms_id       TEXT,
    -- Whether a registration code was confirmed.
    verified    INTEGER NOT NULL DEFAULT 0,
    -- The sum of this customer's entries: the sum of what remains in the lots, less the debt.
    balance     INTEGER NOT NULL DEFAULT 0,
    -- Points spent beyond the balance and not yet covered by an earning.
    debt        INTEGER NOT NULL DEFAULT 0,
    tier        TEXT,
    -- The day the tier was reached or confirmed, year * 10000 + month * 100 + day.
    tier_since  INTEGER,
    -- The year whose birthday points were given last.
    birthday_year INTEGER,
    last_seen   INTEGER NOT NULL DEFAULT 0,
    merged_into TEXT,
    -- Raised by every change of the account; a batch names the version it has read.
    version     INTEGER NOT NULL DEFAULT 1,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID
-- step
-- By what a customer is recognised: kind is uuid (ours, МойСклад's, the till's syncId), card, phone.
CREATE TABLE customer_keys (
    tenant   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    value    TEXT NOT NULL,
    customer TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, value)
) WITHOUT ROWID
-- step
CREATE INDEX customer_keys_of ON customer_keys (tenant, customer)
-- step
-- What a customer is searched by, as prefixes: words of the name, card, phone and its last digits.
CREATE TABLE customer_terms (
    tenant   TEXT NOT NULL,
    term     TEXT NOT NULL,
    customer TEXT NOT NULL,
    -- With a word: everything else the customer is searched by, ' иванов петр 79039993344 '. So that
    -- a second word is looked for without reading the customer. Empty with a number.
    beside   TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, term, customer)
) WITHOUT ROWID
-- step
CREATE TABLE lots (
    tenant       TEXT NOT NULL,
    customer     TEXT NOT NULL,
    id           TEXT NOT NULL,
    amount       INTEGER NOT NULL,
    remaining    INTEGER NOT NULL CHECK (remaining >= 0),
    activates_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    origin       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant, customer, id)
) WITHOUT ROWID
-- step
-- Holds all that a receipt needs, so that the table itself is not read.
CREATE INDEX lots_live ON lots (tenant, customer, expires_at, id, amount, remaining, activates_at) WHERE remaining > 0
-- step
-- Every change of a balance, once: the key is the document, lot or request that caused it.
CREATE TABLE entries (
    tenant   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    customer TEXT NOT NULL,
    at       INTEGER NOT NULL,
    points   INTEGER NOT NULL,
    balance  INTEGER NOT NULL,
    document TEXT,
    reason   TEXT,
    PRIMARY KEY (tenant, kind, key)
) WITHOUT ROWID
-- step
CREATE INDEX entries_of ON entries (tenant, customer, at)
-- step
-- Purchases by day (year * 10000 + month * 100 + day, the tenant's calendar), for the tiers.
CREATE TABLE turnover (
    tenant   TEXT NOT NULL,
    customer TEXT NOT NULL,
    day      INTEGER NOT NULL,
    kopecks  INTEGER NOT NULL,
    PRIMARY KEY (tenant, customer, day)
) WITHOUT ROWID
-- step
-- Sales and returns; kind is sale or return.
CREATE TABLE documents (
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    number     TEXT NOT NULL DEFAULT '',
    moment     INTEGER NOT NULL,
    store      TEXT NOT NULL DEFAULT '',
    customer   TEXT,
    -- The sale that a return names.
    demand     TEXT,
    -- Kopecks before and after everything.
    gross      INTEGER NOT NULL,
    paid       INTEGER NOT NULL,
    -- A sale's spent and earned points; a return's restored and clawed back ones.
    spend      INTEGER NOT NULL DEFAULT 0,
    earn       INTEGER NOT NULL DEFAULT 0,
    -- Which lots a sale's points came from: [[points, expires_at], …].
    spent_lots TEXT,
    flags      TEXT NOT NULL DEFAULT '',
    -- SHA-256 of what was sent, to tell a repetition from a conflict.
    digest     TEXT NOT NULL,
    positions  TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) WITHOUT ROWID
-- step
CREATE INDEX documents_by_time ON documents (tenant, created_at)
-- step
CREATE INDEX documents_of ON documents (tenant, customer, created_at) WHERE customer IS NOT NULL
-- step
CREATE INDEX returns_of ON documents (tenant, demand) WHERE demand IS NOT NULL
-- step
-- Every identifier under which a document came (native id, syncId, a hash where both are empty). Of
-- kind awaited: a key of a sale that is not here, and another of its keys under which returns wait.
CREATE TABLE document_keys (
    tenant   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, key)
) WITHOUT ROWID
-- step
CREATE TABLE gift_certificates (
    tenant     TEXT NOT NULL,
    number     TEXT NOT NULL,
    id         TEXT NOT NULL,
    initial    INTEGER NOT NULL,
    balance    INTEGER NOT NULL,
    blocked    INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, number)
) WITHOUT ROWID
-- step
CREATE UNIQUE INDEX gift_certificates_by_id ON gift_certificates (tenant, id)
-- step
CREATE TABLE gift_redemptions (
    tenant   TEXT NOT NULL,
    number   TEXT NOT NULL,
    document TEXT NOT NULL,
    kopecks  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, number, document)
) WITHOUT ROWID
-- step
CREATE TABLE categories (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    parent     TEXT,
    name       TEXT NOT NULL DEFAULT '',
    -- This category and its ancestors, nearest first: a JSON array of ids.
    path       TEXT NOT NULL,
    -- The import that knows it; null for the operator's own.
    source     TEXT,
    -- Which classifier of its source told it last.
    classifier TEXT,
    -- As in goods.
    archived   INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID
-- step
CREATE INDEX categories_by_parent ON categories (tenant, parent)
-- step
-- A table with rowids: rows are wide, and a tree of narrow keys beside it is what stays in the cache.
-- New ids grow with time, so that an import appends to both. What the till reads comes first: a long
-- row goes on in other pages.
CREATE TABLE goods (
    tenant              TEXT NOT NULL,
    id                  TEXT NOT NULL,
    -- Raised by every change; a batch names the version it has read.
    version             INTEGER NOT NULL DEFAULT 1,
    -- What each side of an importer said last, while nobody else has changed it: a letter, a digest and
    -- the columns that it may have written, in hexadecimal.
    told                TEXT,
    category            TEXT,
    price               INTEGER,
    min_price           INTEGER,
    discount_prohibited INTEGER NOT NULL DEFAULT 0,
    tobacco             INTEGER NOT NULL DEFAULT 0,
    weighed             INTEGER NOT NULL DEFAULT 0,
    -- 0: no; 1: by hand; 2: its source no longer has it; 3: of a variant, its product went by 2.
    archived            INTEGER NOT NULL DEFAULT 0,
    -- product, variant, service or bundle
    kind                TEXT NOT NULL DEFAULT 'product',
    -- A variant's product.
    parent              TEXT,
    -- The ids of others: МойСклад's, the till's, and the one of the system that it came from.
    ms_id               TEXT,
    sync_id             TEXT,
    external            TEXT,
    -- The import that made it; null for the operator's own.
    source              TEXT,
    -- Which catalogue of its source said it last: what that one no longer has is missing.
    catalogue           TEXT,
    -- Bits of the columns that a source's card says: its offers leave them alone.
    card                INTEGER NOT NULL DEFAULT 0,
    updated_at          INTEGER NOT NULL,
    article             TEXT,
    code                TEXT,
    -- JSON array of strings.
    barcodes            TEXT NOT NULL DEFAULT '[]',
    -- Categories beside the first, a JSON array. Null is none, here and below.
    categories          TEXT,
    unit                TEXT,
    -- Thousandths, of all stores.
    quantity            INTEGER,
    -- [[price type, kopecks, currency], …] by type.
    prices              TEXT,
    -- [[store, thousandths], …] by store.
    stock               TEXT,
    -- [[name, value], …]: what tells a variant from its sisters.
    characteristics     TEXT,
    -- [file name, …], the main one first.
    pictures            TEXT,
    -- The list before, shown while no file of the new one has come.
    pictures_before     TEXT,
    name                TEXT NOT NULL DEFAULT '',
    -- Lower case, ё as е, single spaces, one at each end.
    name_key            TEXT NOT NULL DEFAULT ' ',
    -- [[property, value, …], …] by property.
    properties          TEXT,
    -- [[name, value, …], …]
    requisites          TEXT,
    -- A JSON object of texts: country, brand, weight …
    extra               TEXT,
    description         TEXT,
    PRIMARY KEY (tenant, id)
)
-- step
CREATE UNIQUE INDEX goods_by_external ON goods (tenant, external) WHERE external IS NOT NULL
-- step
CREATE INDEX goods_by_parent ON goods (tenant, parent) WHERE parent IS NOT NULL
-- step
CREATE INDEX goods_by_change ON goods (tenant, updated_at, id)
-- step
-- Ids of a good beside its own and the external one: МойСклад's, the till's syncId, those of goods
-- that were merged into it. Kind is uuid.
CREATE TABLE good_ids (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    value  TEXT NOT NULL,
    good   TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, value)
) WITHOUT ROWID
-- step
CREATE INDEX good_ids_of ON good_ids (tenant, good)
-- step
-- What a good is found by as a whole; several may share it. Kind is article, code or barcode (in lower
-- case), or picture (a file name).
CREATE TABLE good_terms (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    value  TEXT NOT NULL,
    good   TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, value, good)
) WITHOUT ROWID
-- step
-- What goods refer to by id: kind is price_type, store, property, value (of a property) or unit.
CREATE TABLE catalog_refs (
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    -- A value's property.
    parent     TEXT,
    name       TEXT NOT NULL DEFAULT '',
    -- A JSON object of texts: currency, type, address …
    data       TEXT,
    -- Of a price type: its place among them. The first one's price is the good's.
    position   INTEGER,
    source     TEXT,
    archived   INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) WITHOUT ROWID
-- step
-- Which goods an import has had: a JSON array of ids for each of its batches.
CREATE TABLE import_seen (
    tenant TEXT NOT NULL,
    import TEXT NOT NULL,
    part   INTEGER NOT NULL,
    goods  TEXT NOT NULL,
    PRIMARY KEY (tenant, import, part)
) WITHOUT ROWID
-- step
-- Pictures by the SHA-256 of their bytes.
CREATE TABLE pictures (
    tenant     TEXT NOT NULL,
    hash       TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size       INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    bytes      BLOB NOT NULL,
    PRIMARY KEY (tenant, hash)
)
-- step
-- What a file name means: the picture that was uploaded under it last.
CREATE TABLE picture_names (
    tenant     TEXT NOT NULL,
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID
-- step
CREATE INDEX picture_names_of ON picture_names (tenant, hash)
-- step
-- One-time codes. The code itself is derived from the nonce and the application's key.
CREATE TABLE codes (
    tenant       TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    subject      TEXT NOT NULL,
    nonce        TEXT NOT NULL,
    issued_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER,
    -- How often this code was told to a till.
    told         INTEGER NOT NULL,
    -- How many codes were issued since window_start, for the rate limit.
    window_start INTEGER NOT NULL,
    issued       INTEGER NOT NULL,
    PRIMARY KEY (tenant, purpose, subject)
) WITHOUT ROWID
-- step
CREATE TABLE outbox (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    channel    TEXT NOT NULL,
    target     TEXT NOT NULL,
    payload    TEXT NOT NULL,
    -- due, sent or dead
    state      TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID
-- step
CREATE INDEX outbox_due ON outbox (tenant, next_at) WHERE state = 'due'
-- step
-- What the merchant reads. The id sorts by time.
CREATE TABLE journal (
    tenant    TEXT NOT NULL,
    id        TEXT NOT NULL,
    at        INTEGER NOT NULL,
    direction TEXT NOT NULL,
    action    TEXT NOT NULL,
    object    TEXT NOT NULL DEFAULT '',
    customer  TEXT,
    outcome   TEXT NOT NULL,
    text      TEXT NOT NULL,
    detail    TEXT,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID

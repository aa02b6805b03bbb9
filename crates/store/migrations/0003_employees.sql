-- Who may log in, and with which rights: an employee has those of all groups he is a member of.

CREATE TABLE employees (
    tenant              TEXT NOT NULL,
    id                  TEXT NOT NULL,
    -- The login: lower case.
    email               TEXT NOT NULL,
    name                TEXT NOT NULL DEFAULT '',
    -- Argon2id as a PHC string.
    password            TEXT NOT NULL,
    -- 0: blocked.
    active              INTEGER NOT NULL DEFAULT 1,
    password_changed_at INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID
-- step
CREATE UNIQUE INDEX employees_by_email ON employees (tenant, email)
-- step
CREATE TABLE employee_groups (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    -- The name as it is compared: lower case, single spaces.
    name_key   TEXT NOT NULL,
    -- JSON array of the rights' names.
    rights     TEXT NOT NULL DEFAULT '[]',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID
-- step
CREATE UNIQUE INDEX employee_groups_by_name ON employee_groups (tenant, name_key)
-- step
CREATE TABLE group_members (
    tenant   TEXT NOT NULL,
    grp      TEXT NOT NULL,
    employee TEXT NOT NULL,
    PRIMARY KEY (tenant, grp, employee)
) WITHOUT ROWID
-- step
CREATE INDEX group_members_of ON group_members (tenant, employee)
-- step
-- Logins that failed, by e-mail (whether somebody has it or not) and by address: kind is email or
-- address. The subject is a hash, since people type passwords into the wrong field.
CREATE TABLE login_attempts (
    tenant       TEXT NOT NULL,
    kind         TEXT NOT NULL,
    subject      TEXT NOT NULL,
    -- The first failure that counts, and when all of them are forgotten.
    window_start INTEGER NOT NULL,
    window_ends  INTEGER NOT NULL,
    failures     INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, subject)
) WITHOUT ROWID
-- step
CREATE INDEX login_attempts_by_end ON login_attempts (tenant, window_ends)
-- step
-- A new row takes the expired ones of its tenant with it: the table is as large as one window.
CREATE TRIGGER login_attempts_expire AFTER INSERT ON login_attempts BEGIN
    DELETE FROM login_attempts WHERE tenant = NEW.tenant AND window_ends <= NEW.window_start;
END

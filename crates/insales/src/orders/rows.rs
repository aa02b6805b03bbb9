//! The tables `order_pushes` and `order_marks`.

use serde_json::json;
use sklad_store::{Row, Sql, SqlError, Statement};

use super::wire::Said;
use crate::api::page::Since;

/// Where an order is on its way to a shop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// To be sent.
    #[default]
    Due,
    /// Sent, and whether it has arrived is not known.
    Unclear,
    /// It is there.
    Sent,
    /// Only a person can help.
    Refused,
}

impl State {
    /// The word in the database and in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Unclear => "unclear",
            Self::Sent => "sent",
            Self::Refused => "refused",
        }
    }

    fn read(word: Option<&str>) -> Option<Self> {
        let all = [Self::Due, Self::Unclear, Self::Sent, Self::Refused];
        all.into_iter().find(|state| Some(state.word()) == word)
    }
}

/// An order that is passed on to a shop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Push {
    /// Our order.
    pub order: String,
    /// The connection of the shop.
    pub connection: String,
    /// Where it is.
    pub state: State,
    /// Our number, as it was sent; empty before.
    pub number: String,
    /// When something is to be done, milliseconds since 1970 UTC.
    pub due_at: Option<i64>,
    /// When it was sent last.
    pub asked_at: Option<i64>,
    /// The last row of the shop's list that was known when it was sent first: behind it it must be.
    pub behind: Option<Since>,
    /// Failures since it went well.
    pub attempts: i64,
    /// What is wrong, in Russian.
    pub error: String,
    /// Its id in the shop.
    pub their_id: Option<i64>,
    /// Its number in the shop.
    pub their_number: String,
    /// The status that was sent last and not confirmed yet.
    pub told: Option<String>,
    /// The shop's last word.
    pub heard: Option<Said>,
    /// When it was written last.
    pub updated_at: i64,
    changes: i64,
    version: i64,
}

const COLUMNS: &str = "p.order_id, p.connection, p.state, p.number, p.due_at, p.asked_at, p.attempts, p.error, \
     p.their_id, p.their_number, p.told, p.heard, p.updated_at, p.changes, p.version, p.behind_at, p.behind_id";

fn push(row: &Row) -> Push {
    Push {
        order: row.string(0),
        connection: row.string(1),
        // A word of a newer build: who does not know it does nothing.
        state: State::read(row.text(2)).unwrap_or(State::Refused),
        number: row.string(3),
        due_at: row.int(4),
        asked_at: row.int(5),
        attempts: row.int(6).unwrap_or_default(),
        error: row.string(7),
        their_id: row.int(8),
        their_number: row.string(9),
        told: row.text(10).map(str::to_owned),
        heard: row
            .text(11)
            .and_then(|json| serde_json::from_str(json).ok()),
        updated_at: row.int(12).unwrap_or_default(),
        changes: row.int(13).unwrap_or_default(),
        version: row.int(14).unwrap_or_default(),
        behind: row.text(15).map(|at| Since {
            at: at.to_owned(),
            id: row.int(16).unwrap_or_default(),
        }),
    }
}

impl Push {
    /// The statement that writes it; a conflict when it was written since it was read. A change of the order
    /// since then keeps it due.
    #[must_use]
    pub fn save(&self, tenant: &str, now_ms: i64) -> Statement {
        let heard = self.heard.as_ref();
        let heard = heard.and_then(|heard| serde_json::to_string(heard).ok());
        Statement::new(
            "UPDATE order_pushes SET state = ?4, number = ?5, \
             due_at = CASE WHEN changes = ?6 THEN ?7 ELSE due_at END, asked_at = ?8, behind_at = ?9, \
             behind_id = ?10, attempts = ?11, error = ?12, their_id = ?13, their_number = ?14, told = ?15, \
             heard = ?16, version = version + 1, updated_at = ?17 \
             WHERE tenant = ?1 AND order_id = ?2 AND version = ?3 RETURNING 1",
        )
        .bind(tenant)
        .bind(&self.order)
        .bind(self.version)
        .bind(self.state.word())
        .bind(&self.number)
        .bind(self.changes)
        .bind(self.due_at)
        .bind(self.asked_at)
        .bind(self.behind.as_ref().map(|behind| behind.at.as_str()))
        .bind(self.behind.as_ref().map(|behind| behind.id))
        .bind(self.attempts)
        .bind(&self.error)
        .bind(self.their_id)
        .bind(&self.their_number)
        .bind(self.told.clone())
        .bind(heard)
        .bind(now_ms)
        .expect_rows(1)
    }

    /// What it is after it was saved once.
    pub fn saved(&mut self) {
        self.version += 1;
    }

    /// The statement that removes one that was never sent, or is known not to be there.
    #[must_use]
    pub fn drop(&self, tenant: &str) -> Statement {
        Statement::new(
            "DELETE FROM order_pushes WHERE tenant = ?1 AND order_id = ?2 AND version = ?3 RETURNING 1",
        )
        .bind(tenant)
        .bind(&self.order)
        .bind(self.version)
        .expect_rows(1)
    }
}

/// The row of an order.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, order: &str) -> Result<Option<Push>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM order_pushes p WHERE p.tenant = ?1 AND p.order_id = ?2"
    ))
    .bind(tenant)
    .bind(order);
    Ok(sql.query(statement).await?.first().map(push))
}

/// What is due of a connection, but for what is unclear, the longest due first; at most `limit`.
pub async fn due(
    sql: &impl Sql,
    (tenant, connection): (&str, &str),
    now_ms: i64,
    limit: i64,
) -> Result<Vec<Push>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM order_pushes p INDEXED BY order_pushes_due \
         WHERE p.tenant = ?1 AND p.connection = ?2 AND p.due_at <= ?3 AND p.state <> 'unclear' \
         ORDER BY p.due_at LIMIT ?4"
    ))
    .bind(tenant)
    .bind(connection)
    .bind(now_ms)
    .bind(limit);
    Ok(sql.query(statement).await?.iter().map(push).collect())
}

/// When something is due next: what is unclear, and anything else.
pub async fn next(
    sql: &impl Sql,
    (tenant, connection): (&str, &str),
) -> Result<(Option<i64>, Option<i64>), SqlError> {
    let statement = Statement::new(
        "SELECT (SELECT min(u.due_at) FROM order_pushes u INDEXED BY order_pushes_unclear \
             WHERE u.tenant = ?1 AND u.connection = ?2 AND u.state = 'unclear'), \
         (SELECT d.due_at FROM order_pushes d INDEXED BY order_pushes_due WHERE d.tenant = ?1 \
             AND d.connection = ?2 AND d.due_at IS NOT NULL AND d.state <> 'unclear' ORDER BY d.due_at LIMIT 1)",
    )
    .bind(tenant)
    .bind(connection);
    let rows = sql.query(statement).await?;
    let at = |i: usize| rows.first().and_then(|row| row.int(i));
    Ok((at(0), at(1)))
}

/// The rows of these ids of the shop, and those that were sent under these numbers of ours.
pub async fn of_theirs(
    sql: &impl Sql,
    (tenant, connection): (&str, &str),
    ids: &[i64],
    numbers: &[&str],
) -> Result<Vec<Push>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM (\
             SELECT t.order_id FROM json_each(?3) j CROSS JOIN order_pushes t INDEXED BY order_pushes_theirs \
                 ON t.tenant = ?1 AND t.connection = ?2 AND t.their_id = j.value \
             UNION SELECT n.order_id FROM json_each(?4) j \
                 CROSS JOIN order_pushes n INDEXED BY order_pushes_number \
                 ON n.tenant = ?1 AND n.connection = ?2 AND n.number = j.value AND n.number <> '') k \
         CROSS JOIN order_pushes p ON p.tenant = ?1 AND p.order_id = k.order_id"
    ))
    .bind(tenant)
    .bind(connection)
    .bind(json!(ids).to_string())
    .bind(json!(numbers).to_string());
    Ok(sql.query(statement).await?.iter().map(push).collect())
}

/// The statement that makes orders due for a connection; one that goes to a shop already stays where it is.
#[must_use]
pub fn begin_orders((tenant, connection): (&str, &str), orders: &[&str], now_ms: i64) -> Statement {
    Statement::new(
        "INSERT INTO order_pushes (tenant, order_id, connection, state, due_at, created_at, updated_at) \
         SELECT ?1, j.value, ?2, 'due', ?4, ?4, ?4 FROM json_each(?3) j WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(tenant)
    .bind(connection)
    .bind(json!(orders).to_string())
    .bind(now_ms)
}

/// The statements after a reading of the whole list that began at `began`: what was sent `settle_ms` before
/// that or earlier and was not met is not there, and is due again; what was sent later is looked for later.
#[must_use]
pub fn not_met(
    (tenant, connection): (&str, &str),
    began: i64,
    settle_ms: i64,
    now_ms: i64,
) -> Statement {
    Statement::new(
        "UPDATE order_pushes INDEXED BY order_pushes_unclear SET \
             state = iif(asked_at <= ?3 - ?4, 'due', state), \
             due_at = iif(asked_at <= ?3 - ?4, ?5, asked_at + ?4), version = version + 1, updated_at = ?5 \
         WHERE tenant = ?1 AND connection = ?2 AND state = 'unclear'",
    )
    .bind(tenant)
    .bind(connection)
    .bind(began)
    .bind(settle_ms)
    .bind(now_ms)
}

/// How far a connection's orders are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The change of our orders up to which they were looked at.
    pub change: i64,
    /// When it was begun to follow them, milliseconds since 1970 UTC.
    pub begun_at: i64,
    /// The last row of the shop's list that was read.
    pub list: Since,
    /// When the reading began that came there first.
    pub reached_at: i64,
    /// Whether nothing can come to light before it any more.
    pub settled: bool,
    /// When the last reading to the end began.
    pub swept_at: i64,
    /// When the shop last told that something had happened to an order of ours.
    pub hinted_at: i64,
    /// Which field of which shop holds our number, and its id.
    pub field: (String, u64),
}

/// The statement that begins to follow orders: those that are made from now on are passed on. Done again, it
/// changes nothing. `list` is before everything that can be sent.
#[must_use]
pub fn begin((tenant, connection): (&str, &str), list: &Since, now_ms: i64) -> Statement {
    Statement::new(
        "INSERT INTO order_marks (tenant, connection, change, list_at, list_id, begun_at, reached_at) \
         VALUES (?1, ?2, coalesce((SELECT max(o.change) FROM orders o WHERE o.tenant = ?1), 0), ?3, ?4, ?5, ?5) \
         ON CONFLICT DO NOTHING",
    )
    .bind(tenant)
    .bind(connection)
    .bind(&list.at)
    .bind(list.id)
    .bind(now_ms)
}

/// How far a connection's orders are; nothing before [`begin`].
pub async fn mark(
    sql: &impl Sql,
    (tenant, connection): (&str, &str),
) -> Result<Option<Mark>, SqlError> {
    let statement = Statement::new(
        "SELECT change, list_at, list_id, reached_at, settled, swept_at, field, field_id, begun_at, \
         hinted_at FROM order_marks \
         WHERE tenant = ?1 AND connection = ?2",
    )
    .bind(tenant)
    .bind(connection);
    let rows = sql.query(statement).await?;
    let int = |row: &Row, i: usize| row.int(i).unwrap_or_default();
    Ok(rows.first().map(|row| Mark {
        change: int(row, 0),
        begun_at: int(row, 8),
        hinted_at: int(row, 9),
        list: Since {
            at: row.string(1),
            id: int(row, 2),
        },
        reached_at: int(row, 3),
        settled: int(row, 4) == 1,
        swept_at: int(row, 5),
        field: (
            row.string(6),
            u64::try_from(int(row, 7)).unwrap_or_default(),
        ),
    }))
}

impl Mark {
    /// The statement that keeps up to which change our orders were looked at.
    #[must_use]
    pub fn looked((tenant, connection): (&str, &str), change: i64) -> Statement {
        Statement::new(
            "UPDATE order_marks SET change = max(change, ?3) WHERE tenant = ?1 AND connection = ?2 RETURNING 1",
        )
        .bind(tenant)
        .bind(connection)
        .bind(change)
        .expect_rows(1)
    }

    /// The statement that keeps how far the shop's list was read.
    #[must_use]
    pub fn read(&self, (tenant, connection): (&str, &str)) -> Statement {
        Statement::new(
            "UPDATE order_marks SET list_at = ?3, list_id = ?4, reached_at = ?5, settled = ?6, swept_at = ?7 \
             WHERE tenant = ?1 AND connection = ?2 RETURNING 1",
        )
        .bind(tenant)
        .bind(connection)
        .bind(&self.list.at)
        .bind(self.list.id)
        .bind(self.reached_at)
        .bind(self.settled)
        .bind(self.swept_at)
        .expect_rows(1)
    }

    /// The statement that keeps which field holds our number.
    #[must_use]
    pub fn found((tenant, connection): (&str, &str), name: &str, id: u64) -> Statement {
        Statement::new(
            "UPDATE order_marks SET field = ?3, field_id = ?4 WHERE tenant = ?1 AND connection = ?2",
        )
        .bind(tenant)
        .bind(connection)
        .bind(name)
        .bind(i64::try_from(id).unwrap_or_default())
    }
}

/// The statement by which the next run reads the shop's list, because the shop has told of these orders (their
/// ids there); nothing where none of them can be ours.
#[must_use]
pub fn hinted((tenant, connection): (&str, &str), orders: &[u64], now_ms: i64) -> Statement {
    Statement::new(
        "UPDATE order_marks SET hinted_at = ?4 WHERE tenant = ?1 AND connection = ?2 AND (\
             EXISTS (SELECT 1 FROM json_each(?3) j CROSS JOIN order_pushes t INDEXED BY order_pushes_theirs \
                 ON t.tenant = ?1 AND t.connection = ?2 AND t.their_id = j.value) \
             OR EXISTS (SELECT 1 FROM order_pushes u INDEXED BY order_pushes_unclear \
                 WHERE u.tenant = ?1 AND u.connection = ?2 AND u.state = 'unclear'))",
    )
    .bind(tenant)
    .bind(connection)
    .bind(json!(orders).to_string())
    .bind(now_ms)
}

/// The statement by which the next run reads the shop's list whatever the shop has told: a person has asked
/// for it.
#[must_use]
pub fn asked((tenant, connection): (&str, &str), now_ms: i64) -> Statement {
    Statement::new("UPDATE order_marks SET hinted_at = ?3 WHERE tenant = ?1 AND connection = ?2")
        .bind(tenant)
        .bind(connection)
        .bind(now_ms)
}

/// The statements that forget a connection that is removed. What is in its shop stays known of the orders;
/// what is on its way there waits for a person.
#[must_use]
pub fn forget(tenant: &str, connection: &str, now_ms: i64) -> Vec<Statement> {
    const TEXT: &str =
        "Подключение удалили до передачи заказа: передайте его, когда магазин подключён снова";
    let marks = "DELETE FROM order_marks WHERE tenant = ?1 AND connection = ?2";
    let due = "UPDATE order_pushes INDEXED BY order_pushes_due SET due_at = NULL, \
         state = iif(state = 'due', 'refused', state), error = iif(state = 'due', ?3, error), \
         version = version + 1, updated_at = ?4 \
         WHERE tenant = ?1 AND connection = ?2 AND due_at IS NOT NULL";
    let of = |sql: &'static str| Statement::new(sql).bind(tenant).bind(connection);
    vec![
        moved(tenant, connection, now_ms),
        of(due).bind(TEXT).bind(now_ms),
        of(marks),
    ]
}

/// How many orders are on their way to the shop of a connection.
///
/// # Errors
/// The database's.
pub async fn waiting(sql: &impl Sql, tenant: &str, connection: &str) -> Result<i64, SqlError> {
    let statement = Statement::new(
        "SELECT count(*) FROM order_pushes INDEXED BY order_pushes_due \
         WHERE tenant = ?1 AND connection = ?2 AND due_at IS NOT NULL AND state <> 'sent'",
    );
    let rows = sql.query(statement.bind(tenant).bind(connection)).await?;
    Ok(rows.first().and_then(|row| row.int(0)).unwrap_or_default())
}

/// The statement for a connection that leads to another shop from now on, or is removed: what may have arrived
/// in the one before cannot be looked for any more, so that a person decides.
#[must_use]
pub fn moved(tenant: &str, connection: &str, now_ms: i64) -> Statement {
    const TEXT: &str = "Подключение сменили, пока не было известно, дошёл ли заказ: если его нет в прежнем магазине, \
         передайте его ещё раз";
    Statement::new(
        "UPDATE order_pushes INDEXED BY order_pushes_unclear SET state = 'refused', due_at = NULL, \
         asked_at = NULL, behind_at = NULL, behind_id = NULL, error = ?3, version = version + 1, \
         updated_at = ?4 WHERE tenant = ?1 AND connection = ?2 AND state = 'unclear'",
    )
    .bind(tenant)
    .bind(connection)
    .bind(TEXT)
    .bind(now_ms)
}

/// The statement that lets an order go to the shop of a connection as soon as possible; a conflict where it is
/// looked for, or is in another shop.
#[must_use]
pub fn again((tenant, connection): (&str, &str), order: &str, now_ms: i64) -> Statement {
    Statement::new(
        "UPDATE order_pushes SET connection = ?4, due_at = ?3, attempts = 0, \
             error = iif(state = 'sent', error, ''), state = iif(state = 'refused', 'due', state), \
             version = version + 1, updated_at = ?3 \
         WHERE tenant = ?1 AND order_id = ?2 AND state <> 'unclear' AND (state <> 'sent' OR connection = ?4) \
         RETURNING 1",
    )
    .bind(tenant)
    .bind(order)
    .bind(now_ms)
    .bind(connection)
    .expect_rows(1)
}

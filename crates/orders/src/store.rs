//! The table of orders: writing, one, listing.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::check::checked;
use crate::history::{self, Who};
use crate::model::Order;
use crate::state::{From1c, State};
use crate::{Error, company, error};

/// The most orders of one batch.
pub const MAX_BATCH: usize = 100;
/// The most orders of one page.
pub const MAX_PAGE: usize = 500;
/// How often a write is tried when others change the same orders at the same time.
pub(crate) const ATTEMPTS: usize = 8;

/// An order as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "StoredOrder")
)]
pub struct Stored {
    /// Заказ; состояние – по последнему слову магазина или учётной системы.
    pub order: Order,
    /// Что о нём сказала учётная система.
    pub from_1c: From1c,
    /// Номер последнего изменения, о котором учётная система должна узнать.
    pub change: i64,
    /// Она о нём ещё не знает.
    pub pending: bool,
    /// Когда записан впервые, миллисекунды с 1970 года (UTC).
    pub created_at: i64,
    /// Когда изменён.
    pub updated_at: i64,
}

/// What a batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderCounts {
    /// Сколько создано.
    pub created: usize,
    /// Сколько изменено.
    pub changed: usize,
    /// Сколько осталось как было.
    pub unchanged: usize,
}

/// Which orders are listed, in which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum View<'a> {
    /// All by id: stable while orders change.
    #[default]
    All,
    /// All by the time of the last change: who reads on from the last page sees every later change.
    Changes,
    /// Those of a status – its id, or its name where it has none – by id.
    Status(&'a str),
    /// Those of a company, given by its id, by id.
    Company(&'a str),
    /// Those that are in this state on their way to a shop, by id; those that have arrived are not listed.
    Push(&'a str),
}

/// The last order of the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// Its change, milliseconds since 1970 UTC; only [`View::Changes`] looks at it.
    pub updated_at: i64,
    /// Its id.
    pub id: String,
}

/// Creates or changes up to [`MAX_BATCH`] orders in one atomic batch. An order that is as it was is
/// not written, and 1C hears only of real changes: a shop that adopts what 1C has said makes none.
///
/// # Errors
/// [`Error::Invalid`] with the place of the first order that is refused (nothing is written then),
/// or the database's.
pub async fn upsert(
    sql: &impl Sql,
    tenant: &str,
    who: Who,
    orders: &[Order],
    now_ms: i64,
) -> Result<OrderCounts, Error> {
    if orders.len() > MAX_BATCH {
        return Err(Error::invalid(
            "",
            format!("не больше {MAX_BATCH} заказов за раз"),
        ));
    }
    let mut batch = all_checked(orders)?;
    company::all_known(sql, tenant, &mut batch).await?;
    let mut attempt = 1;
    loop {
        match attempt_upsert(sql, tenant, who, &batch, now_ms).await {
            Err(error) if attempt < ATTEMPTS && overtaken(&error) => attempt += 1,
            other => return other,
        }
    }
}

/// Whether somebody else was faster: with the same order, or with the same number.
pub(crate) fn overtaken(error: &Error) -> bool {
    matches!(
        error,
        Error::Sql(SqlError::Conflict | SqlError::Constraint(_))
    )
}

/// The order that `key` names: its id, or else its number.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, key: &str) -> Result<Option<Stored>, Error> {
    let key = key.trim();
    let found = read(sql, tenant, &[key], &[key]).await?;
    let by_id = found.iter().position(|known| known.stored.order.id == key);
    let found = found.into_iter().nth(by_id.unwrap_or_default());
    Ok(found.map(|known| known.stored))
}

/// One page of orders after the order `after`, at most `limit` and never more than [`MAX_PAGE`].
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    tenant: &str,
    view: View<'_>,
    after: Option<&After>,
    limit: usize,
) -> Result<Vec<Stored>, Error> {
    let (from, order, only) = match view {
        View::All => ("?5 IS NULL AND o.id > ?2 AND ?3 IS NOT NULL", "o.id", None),
        View::Changes => {
            let from = "?5 IS NULL AND (o.updated_at, o.id) > (?3, ?2)";
            (from, "o.updated_at, o.id", None)
        }
        View::Status(status) => (OF_STATUS, "o.id", Some(status)),
        View::Company(company) => (OF_COMPANY, "o.id", Some(company)),
        View::Push(state) => (OF_PUSH, "p.order_id", Some(state)),
    };
    let pushes = match view {
        View::Push(_) => PUSHES,
        _ => "",
    };
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM {pushes} orders o \
         WHERE o.tenant = ?1 AND {from} ORDER BY {order} LIMIT ?4"
    ))
    .bind(tenant)
    .bind(after.map(|a| a.id.as_str()).unwrap_or_default())
    .bind(after.map_or(i64::MIN, |a| a.updated_at))
    .bind(i64::try_from(limit.min(MAX_PAGE)).unwrap_or_default())
    .bind(only);
    let rows = sql.query(statement).await?;
    rows.iter().map(|row| Ok(known(row)?.stored)).collect()
}

// As the indexes `orders_status` and `orders_company` have it, to the letter.
const OF_STATUS: &str = "COALESCE(NULLIF(o.document ->> '$.status.id', ''), \
         o.document ->> '$.status.name') = ?5 AND o.id > ?2 AND ?3 IS NOT NULL";
const OF_COMPANY: &str =
    "COALESCE(o.document ->> '$.company', 'main') = ?5 AND o.id > ?2 AND ?3 IS NOT NULL";

// The rows of the index are those that a page shows: each finds its order by its key.
const PUSHES: &str = "order_pushes p INDEXED BY order_pushes_state CROSS JOIN";
const OF_PUSH: &str = "o.id = p.order_id AND p.tenant = ?1 AND p.state = ?5 AND p.state <> 'sent' \
         AND p.order_id > ?2 AND ?3 IS NOT NULL";

/// The orders that changed last, the latest first, at most [`MAX_PAGE`].
///
/// # Errors
/// The database's.
pub async fn latest(sql: &impl Sql, tenant: &str) -> Result<Vec<Stored>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM orders o WHERE o.tenant = ?1 \
         ORDER BY o.updated_at DESC, o.id DESC LIMIT ?2"
    ))
    .bind(tenant)
    .bind(i64::try_from(MAX_PAGE).unwrap_or_default());
    let rows = sql.query(statement).await?;
    rows.iter().map(|row| Ok(known(row)?.stored)).collect()
}

/// A row with what only this crate looks at.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub stored: Stored,
    /// The shop's own last word.
    pub said: State,
    pub version: i64,
}

/// The columns of [`known`], in its order.
pub(crate) const COLUMNS: &str = "o.document, o.said, o.from_1c, o.change, o.delivered, \
     o.created_at, o.updated_at, o.version";

pub(crate) fn known(row: &Row) -> Result<Known, Error> {
    let (change, delivered) = (row.int(3), row.int(4));
    let stored = Stored {
        order: document(row, 0)?,
        from_1c: document(row, 2)?,
        change: change.unwrap_or_default(),
        pending: change > delivered,
        created_at: row.int(5).unwrap_or_default(),
        updated_at: row.int(6).unwrap_or_default(),
    };
    Ok(Known {
        stored,
        said: document(row, 1)?,
        version: row.int(7).unwrap_or_default(),
    })
}

/// A JSON column. One that cannot be read was written by a newer build, or by hand: to go on without it
/// would be to lose an order.
pub(crate) fn document<T: serde::de::DeserializeOwned>(row: &Row, i: usize) -> Result<T, Error> {
    let text = row.text(i).unwrap_or_default();
    serde_json::from_str(text).map_err(|e| {
        // The place alone: the message may quote a customer.
        let what = format!("a stored order cannot be read, column {}", e.column());
        Error::Sql(SqlError::Other(what))
    })
}

/// The orders with these ids and those with these numbers, each once, in no particular order.
pub(crate) async fn read(
    sql: &impl Sql,
    tenant: &str,
    ids: &[&str],
    numbers: &[&str],
) -> Result<Vec<Known>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM (\
             SELECT i.id FROM json_each(?2) j CROSS JOIN orders i \
                 ON i.tenant = ?1 AND i.id = j.value \
             UNION SELECT n.id FROM json_each(?3) j CROSS JOIN orders n \
                 ON n.tenant = ?1 AND n.number = j.value) k \
         CROSS JOIN orders o ON o.tenant = ?1 AND o.id = k.id"
    ))
    .bind(tenant)
    .bind(json!(ids).to_string())
    .bind(json!(numbers).to_string());
    let rows = sql.query(statement).await?;
    rows.iter().map(known).collect()
}

/// A row to be written.
pub(crate) struct Change {
    pub order: Order,
    pub said: State,
    pub from_1c: From1c,
    /// The order before; none for a new one.
    pub before: Option<Stored>,
    /// Why, for the history.
    pub note: Option<String>,
    /// The version that was read; none for a new order.
    pub version: Option<i64>,
    /// Whether 1C must hear of it.
    pub tell: bool,
    /// Whether the order has changed for those who read it.
    pub visible: bool,
}

/// The statements that write `changes`: at most one that inserts, one that updates and one that tells the
/// history.
pub(crate) fn write(
    tenant: &str,
    who: Who,
    changes: &[Change],
    now_ms: i64,
) -> Result<Vec<Statement>, Error> {
    let mut rows = (Vec::new(), Vec::new());
    let mut step = 0_i64;
    for change in changes {
        step += i64::from(change.tell);
        let row = row(change, if change.tell { step } else { 0 })?;
        let kind = match change.version {
            None => &mut rows.0,
            Some(_) => &mut rows.1,
        };
        kind.push(row);
    }
    let statement = |sql: &'static str, rows: Vec<Value>| {
        (!rows.is_empty()).then(|| {
            let expected = rows.len();
            Statement::new(sql)
                .bind(tenant)
                .bind(Value::from(rows).to_string())
                .bind(now_ms)
                .expect_rows(expected)
        })
    };
    // The steps of the two do not overlap, but the second counts from what the first has written; so
    // the rows that were there before go first.
    let both = [statement(UPDATE, rows.1), statement(INSERT, rows.0)];
    let told = history::statement(tenant, who, changes, now_ms);
    let pushed = pushed(tenant, who, changes, now_ms);
    Ok(both
        .into_iter()
        .flatten()
        .chain(told)
        .chain(pushed)
        .collect())
}

/// The statement by which a shop that has one of these orders is told of its change. What the shop itself
/// has said it is not told.
fn pushed(tenant: &str, who: Who, changes: &[Change], now_ms: i64) -> Option<Statement> {
    let ours = changes
        .iter()
        .filter(|change| who != Who::Insales && change.visible);
    let ids = ours.filter(|change| change.version.is_some());
    let ids: Vec<&str> = ids.map(|change| change.order.id.as_str()).collect();
    (!ids.is_empty()).then(|| {
        Statement::new(
            "UPDATE order_pushes SET changes = changes + 1, due_at = ?3 WHERE tenant = ?1 \
             AND order_id IN (SELECT value FROM json_each(?2)) AND state = 'sent'",
        )
        .bind(tenant)
        .bind(json!(ids).to_string())
        .bind(now_ms)
    })
}

fn row(change: &Change, step: i64) -> Result<Value, Error> {
    Ok(json!([
        change.order.id,
        change.order.number,
        change.order.moment,
        text(&change.order)?,
        text(&change.said)?,
        text(&change.from_1c)?,
        step,
        change.version,
        i64::from(change.visible),
    ]))
}

fn text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::Sql(SqlError::Other(e.to_string())))
}

const INSERT: &str = "\
    INSERT INTO orders (tenant, id, number, moment, document, said, from_1c, change, \
        created_at, updated_at) \
    SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, \
        r.value ->> 5, (r.value ->> 6) + \
            (SELECT COALESCE(max(change), 0) FROM orders WHERE tenant = ?1), ?3, ?3 \
    FROM json_each(?2) r WHERE true ON CONFLICT DO NOTHING RETURNING 1";

// Without statistics SQLite would walk through all orders of the tenant and look each up in the batch:
// the rows are found first, one by one.
const UPDATE: &str = "\
    WITH r AS MATERIALIZED (SELECT o.rowid AS found, j.value FROM json_each(?2) j \
        CROSS JOIN orders o ON o.tenant = ?1 AND o.id = j.value ->> 0 \
            AND +o.version = j.value ->> 7) \
    UPDATE orders SET number = r.value ->> 1, moment = r.value ->> 2, document = r.value ->> 3, \
        said = r.value ->> 4, from_1c = r.value ->> 5, version = version + 1, \
        change = CASE r.value ->> 6 WHEN 0 THEN change ELSE (r.value ->> 6) + \
            (SELECT COALESCE(max(m.change), 0) FROM orders m WHERE m.tenant = ?1) END, \
        updated_at = CASE r.value ->> 8 WHEN 0 THEN updated_at ELSE ?3 END \
    FROM r WHERE orders.rowid = r.found RETURNING 1";

/// The batch in the form in which it is kept; no id and no number twice.
fn all_checked(orders: &[Order]) -> Result<Vec<Order>, Error> {
    let mut batch: Vec<Order> = Vec::with_capacity(orders.len());
    let (mut ids, mut numbers) = (BTreeMap::new(), BTreeMap::new());
    for (i, order) in orders.iter().enumerate() {
        let order = checked(order)
            .map_err(|(path, message)| error::Error::invalid(format!("{i}.{path}"), message))?;
        let again = |field: &str, first: usize| {
            let message = format!("то же, что и в заказе {first} этого запроса");
            Err(Error::invalid(format!("{i}.{field}"), message))
        };
        if let Some(first) = ids.insert(order.id.clone(), i) {
            return again("id", first);
        }
        if let Some(first) = numbers.insert(order.number.clone(), i) {
            return again("number", first);
        }
        batch.push(order);
    }
    Ok(batch)
}

async fn attempt_upsert(
    sql: &impl Sql,
    tenant: &str,
    who: Who,
    batch: &[Order],
    now_ms: i64,
) -> Result<OrderCounts, Error> {
    let ids: Vec<&str> = batch.iter().map(|o| o.id.as_str()).collect();
    let numbers: Vec<&str> = batch.iter().map(|o| o.number.as_str()).collect();
    let known = read(sql, tenant, &ids, &numbers).await?;
    let (mut by_id, mut owners) = (BTreeMap::new(), BTreeMap::new());
    for known in &known {
        let order = &known.stored.order;
        by_id.insert(order.id.as_str(), known);
        owners.insert(order.number.as_str(), order.id.as_str());
    }
    let mut counts = OrderCounts::default();
    let mut changes = Vec::new();
    for (i, order) in batch.iter().enumerate() {
        if let Some(owner) = owners
            .get(order.number.as_str())
            .filter(|o| **o != order.id)
        {
            let message = format!("номер занят заказом {owner}");
            return Err(Error::invalid(format!("{i}.number"), message));
        }
        let change = from_shop(by_id.get(order.id.as_str()).copied(), order);
        match &change {
            Some(change) if change.version.is_none() => counts.created += 1,
            Some(change) if change.visible => counts.changed += 1,
            _ => counts.unchanged += 1,
        }
        changes.extend(change);
    }
    if !changes.is_empty() {
        sql.atomic(write(tenant, who, &changes, now_ms)?).await?;
    }
    Ok(counts)
}

/// What the shop's word changes, if anything.
fn from_shop(known: Option<&Known>, order: &Order) -> Option<Change> {
    let said = State::of(order);
    let Some(known) = known else {
        return Some(Change {
            order: order.clone(),
            said,
            from_1c: From1c::default(),
            before: None,
            note: None,
            version: None,
            tell: true,
            visible: true,
        });
    };
    let old = &known.stored.order;
    let state = State::of(old).after_shop(&known.said, &said);
    let new = state.within(order.clone());
    let visible = new != *old;
    // The shop's word is kept also where it only repeats what 1C has said: to take it back later is
    // then a change.
    (visible || said != known.said).then(|| Change {
        order: new,
        said,
        from_1c: known.stored.from_1c.clone(),
        before: Some(known.stored.clone()),
        note: None,
        version: Some(known.version),
        tell: visible,
        visible,
    })
}

//! What 1C and МойСклад have yet to hear of, their confirmation, and their own word.

use std::collections::BTreeMap;

use serde_json::json;
use sklad_store::{Row, Sql, Statement};

use crate::Error;
use crate::history::Who;
use crate::model::Order;
use crate::state::State;
use crate::store::{
    ATTEMPTS, COLUMNS, Change, Known, Stored, document, known, overtaken, read, write,
};

/// The most orders of one reply (commerceml §1.8); the rest goes into the next exchange.
pub const MAX_PENDING: usize = 100;
/// How many documents of 1C are applied in one atomic batch.
const APPLY_BATCH: usize = 100;

/// An order that is to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The order.
    pub order: Order,
    /// The change of which it tells, for [`confirm`].
    pub change: i64,
}

/// What a document of 1C or МойСклад says of an order. What is absent is not spoken of; times are
/// milliseconds since 1970 UTC. The requisites are those of commerceml §2.6.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Incoming {
    /// The order's id in the shop.
    pub id: Option<String>,
    /// The order's number in the shop; it counts where no order has the id.
    pub number: Option<String>,
    /// «Номер по 1С».
    pub number_1c: Option<String>,
    /// «Дата по 1С».
    pub date_1c: Option<i64>,
    /// «Статус заказа»: a name, or `[F] name` with the id.
    pub status: Option<String>,
    /// «Статуса заказа ИД»: the id of a status whose name comes without one.
    pub status_id: Option<String>,
    /// «Дата оплаты по 1С».
    pub paid_at: Option<i64>,
    /// «Дата отгрузки по 1С».
    pub shipped_at: Option<i64>,
    /// «Отменен».
    pub cancelled: Option<bool>,
    /// «ПометкаУдаления».
    pub deleted: Option<bool>,
    /// «Проведен».
    pub posted: Option<bool>,
    /// «Сумма», kopecks. It is kept beside the order and changes no item.
    pub sum: Option<i64>,
}

/// What documents of 1C did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// How many documents changed an order or what is known of it.
    pub changed: usize,
    /// How many said nothing new.
    pub unchanged: usize,
    /// The documents of orders that are not there: the id, or else the number, empty without both.
    pub unknown: Vec<String>,
}

/// The orders of whose last change 1C has not heard, the earliest change first: at most `limit`, and
/// never more than [`MAX_PENDING`]. To ask changes nothing: the same orders come again until they are
/// confirmed, later changes after them.
///
/// # Errors
/// The database's.
pub async fn pending(sql: &impl Sql, tenant: &str, limit: usize) -> Result<Vec<Pending>, Error> {
    let statement = Statement::new(
        "SELECT document, change FROM orders INDEXED BY orders_pending \
         WHERE tenant = ?1 AND change > delivered ORDER BY change LIMIT ?2",
    )
    .bind(tenant)
    .bind(i64::try_from(limit.min(MAX_PENDING)).unwrap_or_default());
    let rows = sql.query(statement).await?;
    rows.iter().map(of_change).collect()
}

/// The orders that have changed after `change`, the earliest change first: at most [`MAX_PENDING`], each as
/// it is now. Changes are numbered as they are written, so who goes on behind the last one misses none.
///
/// # Errors
/// The database's.
pub async fn changed(sql: &impl Sql, tenant: &str, change: i64) -> Result<Vec<Stored>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM orders o INDEXED BY orders_change \
         WHERE o.tenant = ?1 AND o.change > ?2 ORDER BY o.change LIMIT ?3"
    ))
    .bind(tenant)
    .bind(change)
    .bind(i64::try_from(MAX_PENDING).unwrap_or_default());
    let rows = sql.query(statement).await?;
    rows.iter().map(|row| Ok(known(row)?.stored)).collect()
}

fn of_change(row: &Row) -> Result<Pending, Error> {
    Ok(Pending {
        order: document(row, 0)?,
        change: row.int(1).unwrap_or_default(),
    })
}

/// The statement that marks these changes – order's id and change, as [`pending`] gave them – as heard
/// of. What has changed since stays pending. It returns a row for every order that it marks; repeating it
/// does nothing.
#[must_use]
pub fn confirm(tenant: &str, heard: &[(&str, i64)]) -> Statement {
    Statement::new(
        "UPDATE orders SET delivered = change WHERE delivered < change \
         AND rowid IN (SELECT o.rowid FROM json_each(?2) j CROSS JOIN orders o \
             ON o.tenant = ?1 AND o.id = j.value ->> 0 AND +o.change = j.value ->> 1) RETURNING 1",
    )
    .bind(tenant)
    .bind(json!(heard).to_string())
}

/// Writes down what documents of 1C say, in their order, by batches of a hundred: to repeat them after
/// an error changes nothing. 1C hears nothing of what it has said itself.
///
/// # Errors
/// The database's.
pub async fn apply(
    sql: &impl Sql,
    tenant: &str,
    incoming: &[Incoming],
    now_ms: i64,
) -> Result<Applied, Error> {
    let mut applied = Applied::default();
    for batch in incoming.chunks(APPLY_BATCH) {
        let done = apply_batch(sql, tenant, batch, now_ms).await?;
        applied.changed += done.changed;
        applied.unchanged += done.unchanged;
        applied.unknown.extend(done.unknown);
    }
    Ok(applied)
}

async fn apply_batch(
    sql: &impl Sql,
    tenant: &str,
    batch: &[Incoming],
    now_ms: i64,
) -> Result<Applied, Error> {
    let mut attempt = 1;
    loop {
        match attempt_apply(sql, tenant, batch, now_ms).await {
            Err(error) if attempt < ATTEMPTS && overtaken(&error) => attempt += 1,
            other => return other,
        }
    }
}

async fn attempt_apply(
    sql: &impl Sql,
    tenant: &str,
    batch: &[Incoming],
    now_ms: i64,
) -> Result<Applied, Error> {
    let ids: Vec<&str> = batch.iter().filter_map(|i| name(&i.id)).collect();
    let numbers: Vec<&str> = batch.iter().filter_map(|i| name(&i.number)).collect();
    let mut rows = Rows::new(read(sql, tenant, &ids, &numbers).await?);
    let mut applied = Applied::default();
    for incoming in batch {
        let Some(row) = rows.find(incoming) else {
            let label = name(&incoming.id).or(name(&incoming.number));
            applied.unknown.push(label.unwrap_or_default().to_owned());
            continue;
        };
        if row.hear(incoming, now_ms) {
            applied.changed += 1;
        } else {
            applied.unchanged += 1;
        }
    }
    let changes = rows.changes();
    if !changes.is_empty() {
        sql.atomic(write(tenant, Who::OneC, &changes, now_ms)?)
            .await?;
    }
    Ok(applied)
}

fn name(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|t| !t.is_empty())
}

/// The orders of a batch of documents, which may speak of one order several times.
struct Rows {
    rows: Vec<Heard>,
    by_id: BTreeMap<String, usize>,
    by_number: BTreeMap<String, usize>,
}

struct Heard {
    known: Known,
    /// As it was, where something has changed.
    before: Option<Stored>,
}

impl Rows {
    fn new(known: Vec<Known>) -> Self {
        let (mut by_id, mut by_number) = (BTreeMap::new(), BTreeMap::new());
        for (i, known) in known.iter().enumerate() {
            by_id.insert(known.stored.order.id.clone(), i);
            by_number.insert(known.stored.order.number.clone(), i);
        }
        let heard = |known| Heard {
            known,
            before: None,
        };
        Self {
            rows: known.into_iter().map(heard).collect(),
            by_id,
            by_number,
        }
    }

    /// The order that a document means: by id, else by number.
    fn find(&mut self, incoming: &Incoming) -> Option<&mut Heard> {
        let by_id = name(&incoming.id).and_then(|id| self.by_id.get(id));
        let by_number = || name(&incoming.number).and_then(|n| self.by_number.get(n));
        let i = *by_id.or_else(by_number)?;
        self.rows.get_mut(i)
    }

    fn changes(self) -> Vec<Change> {
        let changed = self.rows.into_iter().filter(|row| row.before.is_some());
        let change = |row: Heard| Change {
            order: row.known.stored.order,
            said: row.known.said,
            from_1c: row.known.stored.from_1c,
            before: row.before,
            note: None,
            version: Some(row.known.version),
            tell: false,
            visible: true,
        };
        changed.map(change).collect()
    }
}

impl Heard {
    /// Takes a document's word; whether it was new.
    fn hear(&mut self, incoming: &Incoming, now_ms: i64) -> bool {
        let stored = &mut self.known.stored;
        let from_1c = stored.from_1c.after(incoming);
        if from_1c == stored.from_1c {
            return false;
        }
        self.before.get_or_insert_with(|| stored.clone());
        let state = State::of(&stored.order).after_1c(&stored.from_1c, &from_1c, now_ms);
        stored.order = state.within(std::mem::take(&mut stored.order));
        stored.from_1c = from_1c;
        true
    }
}

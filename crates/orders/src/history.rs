//! Who changed what of an order.

use serde::Serialize;
use serde_json::{Value, json};
use sklad_store::{Row, Sql, Statement};

use crate::store::{Change, MAX_PAGE, Stored};
use crate::{Error, Order};

/// Who changes an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The operator, by hand.
    Operator,
    /// The shop's own system.
    Api,
    /// 1C or МойСклад by CommerceML: the protocol does not tell which.
    OneC,
    /// A shop of InSales to which the order was passed on.
    Insales,
}

impl Who {
    /// The word in the database and in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Api => "api",
            Self::OneC => "1c",
            Self::Insales => "insales",
        }
    }
}

/// One change of one part of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderEvent")
)]
pub struct Event {
    /// Порядковый номер изменения заказа; у частей одного изменения он общий.
    pub version: i64,
    /// Когда, миллисекунды с 1970 года (UTC).
    pub at: i64,
    /// operator, api, 1c (1С или МойСклад по CommerceML) или insales.
    pub who: String,
    /// created, number, sum, items, customer, comment, payment, delivery, status, paid, shipped, cancelled,
    /// accounting (слово учётной системы) или other.
    pub what: String,
    /// Как было; null – не было или не повторяется (позиции, покупатель, комментарий).
    pub was: Option<Value>,
    /// Как стало.
    pub became: Option<Value>,
    /// Почему, если сказано.
    pub note: Option<String>,
}

/// The changes of an order, the earliest first: at most `limit`, and never more than [`MAX_PAGE`], after
/// the one with this version and part.
///
/// # Errors
/// The database's.
pub async fn history(
    sql: &impl Sql,
    tenant: &str,
    order_id: &str,
    after: Option<(i64, &str)>,
    limit: usize,
) -> Result<Vec<Event>, Error> {
    let (version, what) = after.unwrap_or_default();
    let statement = Statement::new(
        "SELECT h.version, h.at, h.who, h.what, h.was, h.became, h.note FROM order_history h \
         WHERE h.tenant = ?1 AND h.order_id = ?2 AND (h.version, h.what) > (?3, ?4) \
         ORDER BY h.version, h.what LIMIT ?5",
    )
    .bind(tenant)
    .bind(order_id)
    .bind(version)
    .bind(what)
    .bind(i64::try_from(limit.min(MAX_PAGE)).unwrap_or_default());
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(event).collect())
}

fn event(row: &Row) -> Event {
    let value = |i: usize| serde_json::from_str(row.text(i)?).ok();
    Event {
        version: row.int(0).unwrap_or_default(),
        at: row.int(1).unwrap_or_default(),
        who: row.string(2),
        what: row.string(3),
        was: value(4),
        became: value(5),
        note: row.text(6).map(str::to_owned),
    }
}

/// The statement that writes down what `changes` change, if anything that is seen.
pub(crate) fn statement(
    tenant: &str,
    who: Who,
    changes: &[Change],
    now_ms: i64,
) -> Option<Statement> {
    let rows: Vec<Value> = changes.iter().flat_map(rows).collect();
    (!rows.is_empty()).then(|| {
        Statement::new(
            "INSERT INTO order_history (tenant, order_id, version, what, at, who, was, became, note) \
             SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2, ?3, ?4, r.value ->> 3, \
                 r.value ->> 4, r.value ->> 5 FROM json_each(?2) r",
        )
        .bind(tenant)
        .bind(Value::from(rows).to_string())
        .bind(now_ms)
        .bind(who.word())
    })
}

fn rows(change: &Change) -> Vec<Value> {
    let version = change.version.unwrap_or_default() + 1;
    let parts = match &change.before {
        None => vec![("created", Value::Null, json!(change.order.sum_kopecks))],
        Some(before) => changed(before, change),
    };
    let text = |value: Value| (!value.is_null()).then(|| value.to_string());
    let row = |(what, was, became): (&str, Value, Value)| {
        let id = &change.order.id;
        json!([id, version, what, text(was), text(became), change.note])
    };
    parts.into_iter().map(row).collect()
}

type Part = (&'static str, Value, Value);

fn changed(before: &Stored, change: &Change) -> Vec<Part> {
    let (old, new) = (&before.order, &change.order);
    let told = [
        ("number", json!(old.number), json!(new.number)),
        ("sum", json!(old.sum_kopecks), json!(new.sum_kopecks)),
        ("payment", json!(old.payment), json!(new.payment)),
        ("delivery", json!(old.delivery), json!(new.delivery)),
        ("status", json!(old.status), json!(new.status)),
        ("paid", json!(old.paid_at), json!(new.paid_at)),
        ("shipped", json!(old.shipped_at), json!(new.shipped_at)),
        (
            "cancelled",
            json!(old.cancelled_at),
            json!(new.cancelled_at),
        ),
        ("accounting", json!(before.from_1c), json!(change.from_1c)),
    ];
    // The customer is not told a second time: who may read the order sees him there.
    let untold = [
        ("items", old.items != new.items),
        ("customer", old.customer != new.customer),
        ("comment", old.comment != new.comment),
        ("other", rest(old) != rest(new)),
    ];
    let untold = untold.into_iter().filter(|(_, changed)| *changed);
    let told = told.into_iter().filter(|(_, was, became)| was != became);
    told.chain(untold.map(|(what, _)| (what, Value::Null, Value::Null)))
        .collect()
}

/// What has no part of its own.
fn rest(order: &Order) -> impl PartialEq + '_ {
    let money = (&order.currency, order.rate, &order.discounts);
    (money, order.moment, &order.company, &order.requisites)
}

//! Cancelling an order.

use sklad_store::{Sql, Statement};

use crate::Error;
use crate::history::Who;
use crate::model::{Order, Status};
use crate::store::{ATTEMPTS, Change, Known, Stored, get, overtaken, read, write};

/// The longest reason, in characters.
pub const MAX_REASON_CHARS: usize = 300;
/// The status of an order that was cancelled here.
const CANCELLED: (&str, &str) = ("cancelled", "Отменён");

/// Cancels the order that `key` names – its id, or else its number – and writes what `told` makes of it in
/// the same batch; `None` where there is no such order. One that is cancelled already stays as it is.
///
/// It is no word of the shop: a shop that writes the order again without having heard of it does not undo it.
///
/// # Errors
/// [`Error::Invalid`] for a reason that is empty or too long, [`Error::Shipped`], or the database's.
pub async fn cancel(
    sql: &impl Sql,
    tenant: &str,
    who: Who,
    key: &str,
    reason: &str,
    now_ms: i64,
    told: impl Fn(&Order) -> Statement,
) -> Result<Option<Stored>, Error> {
    let reason = reason.trim();
    if !(1..=MAX_REASON_CHARS).contains(&reason.chars().count()) {
        let message = format!("причина – от 1 до {MAX_REASON_CHARS} знаков");
        return Err(Error::invalid("reason", message));
    }
    let Some(mut stored) = get(sql, tenant, key).await? else {
        return Ok(None);
    };
    let id = stored.order.id.clone();
    for _ in 0..ATTEMPTS {
        let Some(known) = read(sql, tenant, &[&id], &[]).await?.pop() else {
            return Ok(None);
        };
        stored = known.stored.clone();
        if stored.order.cancelled_at.is_some() {
            return Ok(Some(stored));
        }
        if stored.order.shipped_at.is_some() {
            return Err(Error::Shipped);
        }
        let change = cancelled(known, reason, now_ms);
        let row = told(&change.order);
        let mut batch = write(tenant, who, &[change], now_ms)?;
        batch.push(row);
        match sql.atomic(batch).await.map_err(Error::from) {
            Ok(_) => return get(sql, tenant, &id).await,
            Err(error) if overtaken(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Err(sklad_store::SqlError::Conflict.into())
}

fn cancelled(known: Known, reason: &str, now_ms: i64) -> Change {
    let (id, name) = CANCELLED;
    let status = Status {
        id: id.to_owned(),
        name: name.to_owned(),
        is_final: true,
        since: Some(now_ms),
    };
    Change {
        order: Order {
            status: Some(status),
            cancelled_at: Some(now_ms),
            ..known.stored.order.clone()
        },
        said: known.said,
        from_1c: known.stored.from_1c.clone(),
        before: Some(known.stored),
        note: Some(reason.to_owned()),
        version: Some(known.version),
        tell: true,
        visible: true,
    }
}

//! The word of a shop to which an order was passed on.

use sklad_store::{Sql, SqlError, Statement};

use crate::Error;
use crate::history::Who;
use crate::model::{Order, Status};
use crate::state::State;
use crate::store::{ATTEMPTS, Change, Known, overtaken, read, write};

/// What a shop has changed of an order's state; what is `None` it has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// Another status; since when is filled in.
    pub status: Option<Status>,
    /// Paid, or not any more.
    pub paid: Option<bool>,
    /// Shipped, or not any more.
    pub shipped: Option<bool>,
    /// Cancelled, or not any more.
    pub cancelled: Option<bool>,
}

impl Word {
    /// The state after this word: what says what is so already keeps its time.
    fn after(&self, state: State, now_ms: i64) -> State {
        let at = |is: Option<bool>, at: Option<i64>| match is {
            None => at,
            Some(true) => at.or(Some(now_ms)),
            Some(false) => None,
        };
        let same = |old: &Status, new: &Status| {
            (&old.id, &old.name, old.is_final) == (&new.id, &new.name, new.is_final)
        };
        let status = match (&self.status, state.status) {
            (Some(new), Some(old)) if same(&old, new) => Some(old),
            (Some(new), _) => Some(Status {
                since: Some(now_ms),
                ..new.clone()
            }),
            (None, old) => old,
        };
        State {
            status,
            paid_at: at(self.paid, state.paid_at),
            shipped_at: at(self.shipped, state.shipped_at),
            cancelled_at: at(self.cancelled, state.cancelled_at),
        }
    }
}

/// Writes what a shop says of the order `id`, and `with` in the same batch, which is written also where the
/// word changes nothing. 1C hears of what has changed. Answers whether it has; an order that is not there is
/// not changed.
///
/// # Errors
/// The database's; [`SqlError::Conflict`] also when a statement of `with` finds other rows than it expects.
pub async fn hear(
    sql: &impl Sql,
    tenant: &str,
    who: Who,
    id: &str,
    word: &Word,
    now_ms: i64,
    with: &[Statement],
) -> Result<bool, Error> {
    for _ in 0..ATTEMPTS {
        let known = read(sql, tenant, &[id], &[]).await?.pop();
        let change = known.and_then(|known| changed(known, word, now_ms));
        let done = change.is_some();
        let mut batch = match change {
            Some(change) => write(tenant, who, &[change], now_ms)?,
            None => Vec::new(),
        };
        batch.extend_from_slice(with);
        if batch.is_empty() {
            return Ok(false);
        }
        match sql.atomic(batch).await.map_err(Error::from) {
            Ok(_) => return Ok(done),
            Err(error) if done && overtaken(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Err(SqlError::Conflict.into())
}

fn changed(known: Known, word: &Word, now_ms: i64) -> Option<Change> {
    let old = &known.stored.order;
    let state = State::of(old);
    let new = word.after(state.clone(), now_ms);
    (new != state).then(|| Change {
        order: new.within(Order::clone(old)),
        said: known.said.clone(),
        from_1c: known.stored.from_1c.clone(),
        version: Some(known.version),
        before: Some(known.stored.clone()),
        note: None,
        tell: true,
        visible: true,
    })
}

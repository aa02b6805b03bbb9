//! What the shop says of orders is taken down.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sklad_jobs::journal::Outcome;
use sklad_orders::{Order, Who};
use sklad_store::{Clock, Http, Sql, Statement};

use super::push::told;
use super::rows::{self, Push, State};
use super::wire::{self, Said, Theirs};
use super::{Cursor, Stop, Work, words};

/// By how much the clocks of a shop's servers may differ, in milliseconds.
const SERVERS_MS: i64 = 5_000;

/// Takes down a page of the shop's list.
pub async fn all<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    rows: &[&RawValue],
    field: u64,
) -> Result<(), Stop> {
    let theirs: Vec<Theirs> = rows
        .iter()
        .filter_map(|raw| wire::order(raw, field))
        .collect();
    let ids: Vec<i64> = theirs.iter().map(|theirs| theirs.id).collect();
    let numbers: Vec<&str> = theirs
        .iter()
        .filter_map(|theirs| theirs.ours.as_deref())
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let pushes = rows::of_theirs(&work.ports.sql, work.of(), &ids, &numbers).await?;
    let (mut by_id, mut by_number) = (BTreeMap::new(), BTreeMap::new());
    for push in pushes {
        match push.their_id {
            Some(id) => by_id.insert(id, push),
            None => by_number.insert(push.number.clone(), push),
        };
    }
    for theirs in theirs {
        let sent = by_id.get(&theirs.id);
        let number = theirs.ours.as_ref();
        let asked = number.and_then(|number| by_number.get(number));
        match (sent, asked) {
            (Some(push), _) => heard(work, cursor, push, theirs).await?,
            (None, Some(push)) if is_answer(push, &theirs) => {
                let number = push.number.clone();
                met(work, cursor, push, theirs).await?;
                // A second one is none of ours.
                by_number.remove(&number);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether an order with our number is what we asked for, and not one from before we did: by the shop's own
/// time, of the order and of what had been there.
fn is_answer(push: &Push, theirs: &Theirs) -> bool {
    let Some(behind) = &push.behind else {
        return false;
    };
    let from = wire::moment(&behind.at).map(|at| at.saturating_sub(SERVERS_MS));
    let older = theirs
        .created_at
        .zip(from)
        .is_some_and(|(made, from)| made < from);
    !older && theirs.id != behind.id
}

/// An order of which it was not known whether it had arrived.
async fn met<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    push: &Push,
    theirs: Theirs,
) -> Result<(), Stop> {
    let stored = sklad_orders::get(&work.ports.sql, work.place.tenant, &push.order).await?;
    match stored.filter(|stored| stored.order.id == push.order) {
        Some(stored) => {
            cursor.sent += 1;
            arrived(work, cursor, push.clone(), &stored.order, theirs).await
        }
        None => Ok(()),
    }
}

/// An order is in the shop.
pub async fn arrived<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    mut push: Push,
    order: &Order,
    theirs: Theirs,
) -> Result<(), Stop> {
    let text = format!(
        "Заказ {} передан в InSales: номер {}",
        order.number, theirs.number
    );
    let now = work.now();
    push.state = State::Sent;
    push.attempts = 0;
    push.error.clear();
    push.their_id = Some(theirs.id);
    push.their_number = theirs.number;
    // What has changed here meanwhile is looked at.
    push.due_at = Some(now);
    let before = words::first(&theirs.said);
    let told = told(work, order, Outcome::Ok, text);
    taken(work, cursor, push, &before, theirs.said, vec![told]).await
}

/// An order that is known to be there.
async fn heard<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    push: &Push,
    theirs: Theirs,
) -> Result<(), Stop> {
    let before = push.heard.clone().unwrap_or_default();
    let at = |said: &Said| wire::moment(&said.at);
    let is_old = at(&theirs.said) < at(&before);
    if is_old || before.is_like(&theirs.said) && push.told.is_none() {
        return Ok(());
    }
    let mut push = push.clone();
    let mut seen = before.clone();
    // What we have said there ourselves is no word of the shop.
    if push.told.is_some() && push.told == theirs.said.status {
        seen.status = push.told.take();
        push.due_at = None;
    } else if before.is_like(&theirs.said) {
        // It has not heard us yet.
        return Ok(());
    }
    if (before.total, before.archived) != (theirs.said.total, theirs.said.archived) {
        // It is compared with ours.
        push.due_at = Some(work.now());
    }
    taken(work, cursor, push, &seen, theirs.said, Vec::new()).await
}

/// Writes down what the shop has said, and what it has changed of the order.
async fn taken<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    mut push: Push,
    before: &Said,
    now_said: Said,
    told: Vec<Statement>,
) -> Result<(), Stop> {
    let word = words::word(work.place.settings, before, &now_said);
    push.heard = Some(now_said);
    let (sql, tenant, now) = (&work.ports.sql, work.place.tenant, work.now());
    let mut with = vec![push.save(tenant, now)];
    with.extend(told);
    let changed =
        sklad_orders::hear(*sql, tenant, Who::Insales, &push.order, &word, now, &with).await?;
    cursor.heard += u64::from(changed);
    Ok(())
}

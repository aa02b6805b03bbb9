//! What is due is sent.

use http::Method;
use serde_json::json;
use sklad_catalog::offers::{self, Name};
use sklad_jobs::job::backoff;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_orders::{MAX_PENDING, Order};
use sklad_store::{Clock, Http, Sql, SqlError, Statement};

use super::map::{self, Known};
use super::rows::{self, Mark, Push, State};
use super::wire;
use super::{Cursor, LOOK_MS, Stop, Went, Work, hear, is_for, words};
use crate::api::Error;
use crate::api::page;
use crate::api::session::Failure;
use crate::connected::KIND;

/// How many due orders are read at once.
const PORTION: i64 = 20;
/// How much earlier than it was begun to pass on orders one may seem to be made, in milliseconds: instances
/// have clocks of their own.
const EARLIER_MS: i64 = 60_000;
/// How many requests in a row may fail before the shop is left alone for a while.
const TROUBLES: u32 = 3;

/// Finds the orders that were made since, and makes them due.
pub async fn gather<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    mark: &Mark,
) -> Result<(), Stop> {
    let sql = &work.ports.sql;
    let mut change = mark.change;
    // What is older was made when nobody meant to pass it on.
    let since = mark.begun_at.saturating_sub(EARLIER_MS);
    loop {
        let orders = sklad_orders::changed(sql, work.place.tenant, change).await?;
        let Some(last) = orders.last() else {
            return Ok(());
        };
        change = last.change;
        let ours = orders.iter().filter(|stored| stored.created_at >= since);
        let ours = ours.filter(|stored| is_for(work.place.company, &stored.order));
        let ours: Vec<&str> = ours.map(|stored| stored.order.id.as_str()).collect();
        let mut batch = vec![Mark::looked(work.of(), change)];
        if !ours.is_empty() {
            batch.push(rows::begin_orders(work.of(), &ours, work.now()));
        }
        sql.atomic(batch).await?;
        if orders.len() < MAX_PENDING {
            return Ok(());
        }
        work.ports.clock.pause().await;
    }
}

/// What came of one piece of work.
enum Did {
    /// It is done, or was not to be done.
    Done,
    /// The shop did not work; whether it will, the next will tell.
    Trouble(Error),
}

/// Sends what is due, one by one, until nothing is or the time is up.
pub async fn all<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    mark: &Mark,
) -> Result<Went, Stop> {
    let mut troubles = 0;
    cursor.fieldless = false;
    loop {
        let due = rows::due(&work.ports.sql, work.of(), work.now(), PORTION).await?;
        if due.is_empty() {
            return Ok(Went::Through);
        }
        for push in due {
            let Some(field) = field(work).await? else {
                cursor.fieldless = true;
                return Ok(Went::Through);
            };
            match one(work, cursor, push, (mark, field)).await {
                Ok(Did::Done) => troubles = 0,
                Ok(Did::Trouble(error)) => {
                    troubles += 1;
                    if troubles >= TROUBLES {
                        return Err(error.into());
                    }
                }
                // Somebody else has written the row: it is looked at anew.
                Err(Stop::Sql(SqlError::Conflict)) => return Ok(Went::On),
                Err(stop) => return Err(stop),
            }
            if work.is_over() {
                return Ok(Went::On);
            }
            work.ports.clock.pause().await;
        }
    }
}

/// The field of the shop that holds our number: asked for once for each shop and name. Without it nothing may
/// be sent, since what was sent could not be found.
pub async fn field<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
) -> Result<Option<u64>, Stop> {
    let name = &work.place.settings.number_field;
    let key = format!("{}/{name}", work.place.access.shop);
    let mark = rows::mark(&work.ports.sql, work.of()).await?;
    if let Some(mark) = mark.filter(|mark| mark.field.0 == key && mark.field.1 > 0) {
        return Ok(Some(mark.field.1));
    }
    let json = work.session.get("/fields.json").await?;
    let found = wire::field(&page::rows(&json)?, name);
    if let Some(id) = found {
        let found = Mark::found(work.of(), &key, id);
        work.ports.sql.atomic(vec![found]).await?;
    }
    Ok(found)
}

/// The field is looked for before the next order is sent: somebody may have deleted it in the shop.
async fn look_again<S: Sql, H: Http, C: Clock>(work: &Work<'_, S, H, C>) -> Result<(), SqlError> {
    let none = Mark::found(work.of(), "", 0);
    work.ports.sql.atomic(vec![none]).await.map(drop)
}

async fn one<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    mut push: Push,
    (mark, field): (&Mark, u64),
) -> Result<Did, Stop> {
    let found = sklad_orders::get(&work.ports.sql, work.place.tenant, &push.order).await?;
    let order = found.map(|stored| stored.order);
    match (push.state, order.filter(|order| order.id == push.order)) {
        (State::Sent, Some(order)) => tell(work, cursor, push, &order, field).await,
        (State::Due, Some(order)) if order.cancelled_at.is_none() => {
            create(work, cursor, push, &order, (mark, field)).await
        }
        // It was cancelled before anybody there has heard of it.
        (State::Due, _) => {
            let gone = push.drop(work.place.tenant);
            work.store(vec![gone], cursor).await?;
            Ok(Did::Done)
        }
        _ => {
            push.due_at = None;
            kept(work, cursor, push, None).await
        }
    }
}

/// Writes a row, and what is told of it.
async fn kept<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &Cursor,
    push: Push,
    told: impl IntoIterator<Item = Statement>,
) -> Result<Did, Stop> {
    let mut batch = vec![push.save(work.place.tenant, work.now())];
    batch.extend(told);
    work.store(batch, cursor).await?;
    Ok(Did::Done)
}

/// Asks the shop to make an order. The row says so before, so that nobody sends it again who does not know
/// what came of it.
async fn create<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    mut push: Push,
    order: &Order,
    (mark, field): (&Mark, u64),
) -> Result<Did, Stop> {
    // Under another number it would not be found.
    if push.number.is_empty() {
        push.number = words::number(work.of(), order);
    }
    let body = match body(work, order, &push.number, field).await? {
        Ok(body) => body,
        Err(text) => return refused(work, cursor, push, order, &text).await,
    };
    let now = work.now();
    let (behind, asked_at) = (push.behind.clone(), push.asked_at);
    push.state = State::Unclear;
    push.behind.get_or_insert_with(|| mark.list.clone());
    push.asked_at = Some(now);
    push.due_at = Some(now.saturating_add(LOOK_MS));
    let begun = push.save(work.place.tenant, now);
    work.store(vec![begun], cursor).await?;
    push.saved();
    let answer = work
        .session
        .write(Method::POST, "/orders.json", &body)
        .await;
    let error = match answer {
        Ok(json) => match wire::answered(&json, field) {
            Some(theirs) => {
                cursor.sent += 1;
                if theirs.fieldless {
                    look_again(work).await?;
                }
                return hear::arrived(work, cursor, push, order, theirs)
                    .await
                    .map(|()| Did::Done);
            }
            None => Error::Unreadable("an order without an id"),
        },
        Err(Failure::Sql(error)) => return Err(error.into()),
        Err(Failure::Api(error)) => error,
    };
    if !error.had_no_effect() {
        // The row has said so already.
        return Ok(Did::Trouble(error));
    }
    // As before: nothing has happened.
    (push.behind, push.asked_at) = (behind, asked_at);
    push.state = State::Due;
    match error {
        Error::Refused {
            status: 400..500, ..
        } => {
            let text = error.for_merchant();
            look_again(work).await?;
            refused(work, cursor, push, order, &text).await
        }
        error => {
            again(work, cursor, push, &error).await?;
            match error {
                Error::NotSent(_) => Ok(Did::Trouble(error)),
                error => Err(error.into()),
            }
        }
    }
}

async fn body<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    order: &Order,
    number: &str,
    field: u64,
) -> Result<Result<String, String>, Stop> {
    let names = order.items.iter().map(|item| match &item.offer {
        Some(offer) => Name::Offer(offer),
        None => Name::External(&item.id),
    });
    let names: Vec<Name<'_>> = names.collect();
    let (tenant, connection) = work.of();
    let source = format!("{KIND}:{connection}");
    let called = offers::called(&work.ports.sql, tenant, &names, &source).await?;
    // `{product}#{variant}`.
    let variant = |ids: &Option<String>| ids.as_deref()?.rsplit_once('#')?.1.parse().ok();
    let variants: Vec<Option<u64>> = called.iter().map(variant).collect();
    let known = Known {
        settings: work.place.settings,
        variants: &variants,
        field,
        number,
    };
    Ok(map::body(order, &known))
}

/// The row of what was to be done and can be tried again later.
async fn again<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &Cursor,
    mut push: Push,
    error: &Error,
) -> Result<(), Stop> {
    let now = work.now();
    push.attempts += 1;
    // The limit and the connection are the job's affair: it comes again when they are mended.
    push.due_at = Some(match error {
        Error::NotSent(_) => now.saturating_add(LOOK_MS),
        error if error.had_no_effect() => now,
        _ => now.saturating_add(backoff(push.attempts, now.unsigned_abs())),
    });
    kept(work, cursor, push, None).await.map(drop)
}

/// Nothing but a person helps: it is told, and stays where it is.
async fn refused<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    mut push: Push,
    order: &Order,
    text: &str,
) -> Result<Did, Stop> {
    cursor.refused += 1;
    if push.state != State::Sent {
        push.state = State::Refused;
    }
    push.due_at = None;
    text.clone_into(&mut push.error);
    let text = match push.state {
        State::Sent => format!(
            "Заказ {}: статус не передан в InSales: {text}",
            order.number
        ),
        _ => format!("Заказ {} не передан в InSales: {text}", order.number),
    };
    let told = told(work, order, Outcome::Error, text);
    kept(work, cursor, push, Some(told)).await
}

/// The journal's row on an order.
pub fn told<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    order: &Order,
    outcome: Outcome,
    text: String,
) -> Statement {
    let record = Record {
        direction: Direction::Out,
        action: "order",
        object: order.id.clone(),
        customer: None,
        outcome,
        text,
        detail: None,
    };
    record.statement(work.place.tenant, work.now())
}

/// Takes down what is wrong with an order that is there; answers the journal's row where that is new.
pub fn compared<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    push: &mut Push,
    order: &Order,
) -> Option<Statement> {
    let heard = push.heard.as_ref();
    let wrong = heard.and_then(|heard| words::wrong(order, heard));
    let new = wrong.as_ref().filter(|wrong| **wrong != push.error);
    let text = new.map(|wrong| format!("Заказ {}: {wrong}", order.number));
    push.error = wrong.unwrap_or_default();
    text.map(|text| told(work, order, Outcome::Warning, text))
}

/// Tells the shop the status that our side has given to an order. To say it again does no harm.
async fn tell<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    mut push: Push,
    order: &Order,
    field: u64,
) -> Result<Did, Stop> {
    let heard = push.heard.clone().unwrap_or_default();
    let wanted = words::wanted(work.place.settings, order, &heard);
    let (Some(wanted), Some(their_id)) = (wanted, push.their_id) else {
        push.due_at = None;
        push.told = None;
        // It may be our order that has changed.
        let told = compared(work, &mut push, order);
        return kept(work, cursor, push, told).await;
    };
    push.told = Some(wanted.clone());
    let begun = push.save(work.place.tenant, work.now());
    work.store(vec![begun], cursor).await?;
    push.saved();
    let body = json!({ "order": { "custom_status_permalink": wanted } }).to_string();
    let path = format!("/orders/{their_id}.json");
    let error = match work.session.write(Method::PUT, &path, &body).await {
        Ok(json) => return confirmed(work, cursor, push, order, &json, field).await,
        Err(Failure::Sql(error)) => return Err(error.into()),
        Err(Failure::Api(error)) => error,
    };
    match error {
        Error::Refused {
            status: 400..500, ..
        }
        | Error::NotFound => {
            let text = match error {
                Error::NotFound => "этого заказа там больше нет".to_owned(),
                error => error.for_merchant(),
            };
            push.told = None;
            refused(work, cursor, push, order, &text).await
        }
        error => {
            again(work, cursor, push, &error).await?;
            match error.had_no_effect() && !matches!(error, Error::NotSent(_)) {
                true => Err(error.into()),
                false => Ok(Did::Trouble(error)),
            }
        }
    }
}

/// The shop has taken a status.
async fn confirmed<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    mut push: Push,
    order: &Order,
    json: &str,
    field: u64,
) -> Result<Did, Stop> {
    let status = push.told.clone().unwrap_or_default();
    let answered = wire::answered(json, field).filter(|t| Some(t.id) == push.their_id);
    let said = answered.map(|theirs| theirs.said);
    if said
        .as_ref()
        .is_some_and(|said| said.status.as_ref() == Some(&status))
    {
        // Only the status: what else has changed there is heard of as everything is.
        let mut heard = push.heard.take().unwrap_or_default();
        heard.status = Some(status.clone());
        heard.title = said.map(|said| said.title).unwrap_or_default();
        push.heard = Some(heard);
        push.told = None;
    }
    push.due_at = None;
    push.attempts = 0;
    let text = format!("Заказ {}: в InSales передан статус {status}", order.number);
    let mut batch = vec![told(work, order, Outcome::Ok, text)];
    batch.extend(compared(work, &mut push, order));
    kept(work, cursor, push, batch).await
}

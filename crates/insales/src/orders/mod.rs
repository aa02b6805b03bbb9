//! Orders: ours to a shop, its word on them back. A job in steps, each of bounded time, that can be killed
//! anywhere.
//!
//! * [`map`], [`lines`] – what the shop is asked to make; [`words`] – statuses there and back; [`wire`] – what
//!   the shop says of an order. All pure.
//! * [`rows`] – which orders are where: the tables.
//! * `push` – what is due is sent. `sweep` – the shop's list of changes is read. `hear` – what is read is
//!   taken down.
//! * [`view`] – what people see of it, and how they try again.
//!
//! **Neither twice nor never.** The shop knows no idempotency key (insales.md §12.3). Our number stands in a
//! field of the order. Before an order is sent, its row says so; when the answer does not come, or the
//! process dies, it is sent again only after the shop's list of changes was read to its end, in a reading that
//! began [`SETTLE_MS`] after the order had been sent: the shop gives up after 50 s (§2), so what is not in
//! the list by then will not come. The list is read from where it was read to before the order was sent,
//! less [`OVERLAP_MS`], in the shop's own time: no clock of ours is compared with the shop's.

mod hear;
pub mod lines;
pub mod map;
mod push;
pub mod rows;
mod sweep;
pub mod view;
pub mod wire;
pub mod words;

use serde::{Deserialize, Serialize};
use sklad_connections::orders::passing;
use sklad_jobs::job::{self, Progress};
use sklad_orders::Order;
use sklad_store::{Clock, Http, Ports, Sql, SqlError, Statement};
use sklad_tenant::clock;

use crate::api::page::Since;
use crate::api::session::Failure;
use crate::api::{Access, Api, Error, Part, Retry, Session};
use crate::connected::KIND;
use crate::plan::ORDERS;
use crate::settings::OrderSettings;
use rows::Mark;

/// How long after an order was sent it may still appear in the shop, in milliseconds: the shop works on a
/// request for 50 s, and ours leaves within [`LEAVE_MS`].
pub const SETTLE_MS: i64 = 90_000;
/// When it is looked for first: as a rule it is there, and only the answer was lost. In milliseconds.
pub const LOOK_MS: i64 = 10_000;
/// How much of the list that was read is read again, in milliseconds of the shop's time: a change may come
/// to light later than its time says.
pub const OVERLAP_MS: i64 = 120_000;
/// How long after the row that says so a request leaves at most, in milliseconds.
const LEAVE_MS: i64 = 10_000;
/// How far the shop's clock may be behind ours when its list is read for the first time, in milliseconds.
const SKEW_MS: i64 = 24 * 60 * 60 * 1000;
/// By how much a reading may come before its time, so that one for each run of the job is made: ms.
const SLACK_MS: i64 = 30_000;

/// Whose orders, and where to.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The connection's id.
    pub connection: &'a str,
    /// The company whose orders go there.
    pub company: &'a str,
    /// What the merchant has set.
    pub settings: &'a OrderSettings,
    /// How often the shop's list is read, in minutes.
    pub every_minutes: u16,
    /// The shop, and what lets us in.
    pub access: &'a Access,
    /// An origin that stands for all shops, see [`Api::gateway`].
    pub gateway: Option<&'a str>,
}

/// How a step left its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// There is more to do.
    More,
    /// There is more to do, but not before this time in milliseconds UTC.
    Later(i64),
    /// The same, because the shop's limit is used up.
    Limited(i64),
    /// The run is done.
    Done {
        /// Whether somebody should look at it.
        warning: bool,
        /// What is told of it, in Russian.
        text: String,
    },
    /// The shop does not work with us. What was saved stands.
    Failed(Error),
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How far the run is: JSON.
    pub cursor: String,
    /// The same for people.
    pub progress: Progress,
    /// How it left it.
    pub ended: Ended,
    /// Whether the shop has answered.
    pub answered: bool,
    /// Whether it has taken something.
    pub written: bool,
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    /// The reading of the list that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep: Option<Reading>,
    sent: u64,
    refused: u64,
    heard: u64,
    /// The shop has no field for our number.
    fieldless: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reading {
    began: i64,
    since: Since,
}

impl Cursor {
    fn read(json: Option<&str>) -> Self {
        let read = json.and_then(|json| serde_json::from_str(json).ok());
        read.unwrap_or_default()
    }

    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.sent + self.heard,
            total: None,
        }
    }

    fn done(&self, settings: &OrderSettings) -> Ended {
        let mut parts = Vec::new();
        for (count, what) in [
            (self.sent, "передано заказов"),
            (self.refused, "не передано"),
            (self.heard, "изменений из InSales"),
        ] {
            if count > 0 {
                parts.push(format!("{what}: {count}"));
            }
        }
        if self.fieldless {
            parts.push(format!(
                "в InSales нет поля заказа с именем {}: создайте его, без него заказы не передаются",
                settings.number_field
            ));
        }
        Ended::Done {
            warning: self.refused > 0 || self.fieldless,
            text: parts.join(", "),
        }
    }
}

/// Why a step ends before its end.
#[derive(Debug)]
enum Stop {
    Api(Error),
    Sql(SqlError),
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Api(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Api(error) => Self::Api(error),
            Failure::Sql(error) => Self::Sql(error),
        }
    }
}

impl From<sklad_orders::Error> for Stop {
    fn from(error: sklad_orders::Error) -> Self {
        Self::Sql(match error {
            sklad_orders::Error::Sql(error) => error,
            other => SqlError::Other(other.to_string()),
        })
    }
}

impl From<sklad_catalog::Error> for Stop {
    fn from(error: sklad_catalog::Error) -> Self {
        Self::Sql(match error {
            sklad_catalog::Error::Sql(error) => error,
            other => SqlError::Other(other.to_string()),
        })
    }
}

/// Whether a part of a step has done all it had to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    Through,
    /// The time is up.
    On,
}

/// Saves how far a run is: the statement of the job, for the batch of what was done.
pub type Save<'a> = &'a dyn Fn(&str, Progress, i64) -> Statement;

/// What a step works with.
struct Work<'a, S, H, C> {
    ports: Ports<'a, S, H, C>,
    place: Place<'a>,
    session: Session<'a, S, H, C>,
    until: i64,
    save: Save<'a>,
}

impl<S: Sql, H: Http, C: Clock> Work<'_, S, H, C> {
    fn of(&self) -> (&str, &str) {
        (self.place.tenant, self.place.connection)
    }

    fn now(&self) -> i64 {
        self.ports.clock.now_ms()
    }

    fn is_over(&self) -> bool {
        self.now() >= self.until
    }

    /// Writes a batch, and with it how far the run is.
    async fn store(&self, mut batch: Vec<Statement>, cursor: &Cursor) -> Result<(), SqlError> {
        batch.push((self.save)(&cursor.json(), cursor.progress(), self.now()));
        self.ports.sql.atomic(batch).await.map(drop)
    }
}

/// Works on a run until about `until`, milliseconds since 1970 UTC: takes new orders, reads the shop's list
/// where it is time, sends what is due. Where nothing is, the shop is not asked.
///
/// # Errors
/// The database's.
pub async fn step<S: Sql, H: Http, C: Clock>(
    ports: Ports<'_, S, H, C>,
    place: Place<'_>,
    cursor: Option<&str>,
    until: i64,
    save: Save<'_>,
) -> Result<Step, SqlError> {
    let until = until.min(ports.clock.now_ms().saturating_add(LEAVE_MS));
    let api = Api {
        gateway: place.gateway,
        access: place.access,
    };
    let work = Work {
        session: Session::open(ports, api, Part::Orders, until),
        ports,
        place,
        until,
        save,
    };
    let mut cursor = Cursor::read(cursor);
    let ended = match run(&work, &mut cursor).await {
        Ok(ended) => ended,
        Err(Stop::Sql(error)) => return Err(error),
        Err(Stop::Api(error)) => failed(error, work.now()),
    };
    let well = !matches!(ended, Ended::Failed(_) | Ended::Limited(_));
    let answered = work.session.sent() > 0 && well;
    Ok(Step {
        cursor: cursor.json(),
        progress: cursor.progress(),
        ended,
        answered,
        written: work.session.written() > 0,
    })
}

fn failed(error: Error, now: i64) -> Ended {
    match error.retry() {
        // The limit is no failure: it is over at a known time.
        Retry::After(ms) if matches!(error, Error::RateLimited { .. }) => {
            Ended::Limited(now.saturating_add(ms.into()))
        }
        _ => Ended::Failed(error),
    }
}

async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Ended, Stop> {
    let mark = begun(work).await?;
    push::gather(work, &mark).await?;
    if let Some(reading) = reading(work, cursor, &mark).await? {
        cursor.sweep = Some(reading);
        if sweep::run(work, cursor, mark).await? == Went::On {
            return Ok(Ended::More);
        }
    }
    let mark = begun(work).await?;
    if push::all(work, cursor, &mark).await? == Went::On {
        return Ok(Ended::More);
    }
    let swept_at = mark.swept_at;
    let (look, due) = rows::next(&work.ports.sql, work.of()).await?;
    let look = look.map(|at| at.max(swept_at.saturating_add(LOOK_MS)));
    // Without the field nothing can be sent before a person has made it.
    let due = due.filter(|_| !cursor.fieldless);
    Ok(match look.into_iter().chain(due).min() {
        None => cursor.done(work.place.settings),
        Some(at) => Ended::Later(at.min(swept_at.saturating_add(period(work)))),
    })
}

fn period<S, H, C>(work: &Work<'_, S, H, C>) -> i64 {
    i64::from(work.place.every_minutes) * 60_000
}

/// How far the orders are; they are followed from now on where they were not.
async fn begun<S: Sql, H: Http, C: Clock>(work: &Work<'_, S, H, C>) -> Result<Mark, SqlError> {
    let sql = &work.ports.sql;
    if let Some(mark) = rows::mark(sql, work.of()).await? {
        return Ok(mark);
    }
    let (tenant, connection) = work.of();
    sql.atomic(vec![begin(tenant, connection, work.now())])
        .await?;
    rows::mark(sql, work.of()).await?.ok_or(SqlError::Conflict)
}

/// The statement that begins to follow a tenant's orders for a connection, in the batch that switches them
/// on: those made from now on are passed on. Done again, it changes nothing.
#[must_use]
pub fn begin(tenant: &str, connection: &str, now_ms: i64) -> Statement {
    let list = Since {
        at: format!(
            "{} +00:00",
            clock::format_utc(now_ms.saturating_sub(SKEW_MS))
        ),
        id: 0,
    };
    rows::begin((tenant, connection), &list, now_ms)
}

/// The reading of the shop's list that is under way, or that begins now: because it is time, or because
/// something is looked for.
async fn reading<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &Cursor,
    mark: &Mark,
) -> Result<Option<Reading>, SqlError> {
    if cursor.sweep.is_some() {
        return Ok(cursor.sweep.clone());
    }
    let now = work.now();
    // A clock that was set back since waits for nothing.
    let since = |ms: i64| now >= mark.swept_at.saturating_add(ms) || now < mark.swept_at;
    let mut due = since(period(work) - SLACK_MS) || mark.hinted_at > mark.swept_at;
    if !due && since(LOOK_MS) {
        let (look, _) = rows::next(&work.ports.sql, work.of()).await?;
        due = look.is_some_and(|at| at <= now);
    }
    Ok(due.then(|| Reading {
        began: now,
        since: sweep::from(mark),
    }))
}

/// The company of orders that name none.
const FIRST_COMPANY: &str = "main";

/// Whether an order is for the shop of a company: what names its goods by our ids is; other orders came from a
/// system that has its own.
fn is_for(company: &str, order: &Order) -> bool {
    order.company.as_deref().unwrap_or(FIRST_COMPANY) == company
        && order.cancelled_at.is_none()
        && order.items.iter().any(|item| item.offer.is_some())
}

/// The statements that ask for a run of the jobs that pass on this tenant's orders; of an order that was just
/// `made`, they also say that it is due. A best effort: without them the jobs run by their schedule.
///
/// # Errors
/// The database's.
pub async fn wake(
    sql: &impl Sql,
    tenant: &str,
    made: Option<&Order>,
    now_ms: i64,
) -> Result<Vec<Statement>, SqlError> {
    let mut batch = Vec::new();
    for one in passing(sql, tenant, KIND).await? {
        if let Some(order) = made.filter(|order| is_for(&one.company, order)) {
            batch.push(rows::begin_orders((tenant, &one.id), &[&order.id], now_ms));
        }
        batch.push(job::ask(tenant, ORDERS, &one.id, now_ms));
    }
    Ok(batch)
}

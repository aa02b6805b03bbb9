//! The import from МойСклад: a job in steps, each of bounded time, that can be killed anywhere.
//!
//! A run goes through phases: dictionaries and folders, the four lists of goods, what changed meanwhile,
//! what is missing, stock, customers, pictures. Where it is, is a [`Cursor`]; it is saved in the same batch
//! as what was imported, so that a run that is taken up by another instance goes on behind it. Whatever is
//! imported twice changes nothing.
//!
//! * [`changed`] – objects that МойСклад says have changed, read one by one.
//! * [`plan`] – which jobs a tenant has, and when they run.
//! * [`check`] – whether account, rights and organisation are right, in words.

pub mod changed;
pub mod check;
mod cursor;
mod customers;
mod goods;
mod images;
mod missing;
mod pages;
pub mod plan;
mod references;
mod stock;
mod whole;

use sklad_jobs::job::Progress;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_store::{Clock, Http, Sql, SqlError, Statement};
use sklad_tenant::{MoySklad, MoyskladSettings, Slug};

use crate::api::session::Failure;
use crate::api::{Api, Credentials, Error, Retry, Session};
use sklad_store::Ports;

pub use cursor::{Cursor, Kind, Phase, Totals};

/// What the import is called in the catalogue.
pub const SOURCE: &str = "moysklad";
/// How many requests of an import run at once: others of the same account must get through.
pub const LANES: usize = 4;
/// How far back changes are asked for again, in milliseconds: clocks differ, and what is being written at
/// this moment shows later.
pub const OVERLAP_MS: i64 = 5 * 60_000;
/// When to come again where others use up the limit, in milliseconds.
const BUSY_MS: i64 = 1_000;
/// How often a batch is planned when somebody else changes the same things.
const ATTEMPTS: usize = 5;

/// Whose import it is, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// Its settings.
    pub settings: &'a MoyskladSettings,
    /// Origin of the JSON API, as `https://api.moysklad.ru`.
    pub origin: &'a str,
    /// Origin of its file server, where that is no public one.
    pub files: Option<&'a str>,
    /// What lets us in.
    pub credentials: &'a Credentials,
}

impl<'a> Place<'a> {
    /// The import of a tenant, from where the deployment says that МойСклад is.
    #[must_use]
    pub fn of(
        vendor: &'a MoySklad,
        tenant: &'a Slug,
        settings: &'a MoyskladSettings,
        credentials: &'a Credentials,
    ) -> Self {
        Self {
            tenant: tenant.as_str(),
            settings,
            origin: &vendor.api,
            files: vendor.files.as_deref(),
            credentials,
        }
    }

    pub(crate) fn api(&self) -> Api<'a> {
        Api {
            origin: self.origin,
            files: self.files,
            credentials: self.credentials,
        }
    }
}

/// How a step left its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// There is more to do.
    More,
    /// There is more to do, but not before this time, milliseconds since 1970 UTC.
    Later(i64),
    /// The run has ended.
    Done {
        /// Whether somebody should look at it.
        warning: bool,
        /// What is told of it, a sentence in Russian.
        text: String,
    },
    /// МойСклад does not let us in: the token or the password is not good any more.
    Refused {
        /// What is told of it, a sentence in Russian.
        text: String,
    },
    /// It went wrong; what was saved last stands.
    Failed {
        /// What is told of it, a sentence in Russian.
        text: String,
        /// Whether trying again later may help.
        again: bool,
    },
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How far the run is: JSON.
    pub cursor: String,
    /// The same for people.
    pub progress: Progress,
    /// How it was left.
    pub ended: Ended,
}

/// Makes the statement that saves how far the run is: cursor, progress, time. It stands in every batch that
/// a step writes; where it conflicts, the job is somebody else's now.
pub type Save<'a> = &'a dyn Fn(&str, Progress, i64) -> Statement;

/// A step at work.
struct Work<'a, S, H, C> {
    ports: Ports<'a, S, H, C>,
    place: Place<'a>,
    session: &'a Session<'a, S, H, C>,
    /// Nothing is saved where there is no run.
    save: Option<Save<'a>>,
    until: i64,
}

/// Whether a phase has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    /// The next one's turn.
    Through,
    /// The time is up.
    On,
}

/// Works on a run of this kind until about `until_ms` (milliseconds since 1970 UTC). `cursor` is what the
/// last step left, nothing at the beginning of a run.
///
/// # Errors
/// The database's. [`SqlError::Conflict`] that stays means that the job is not ours any more.
pub async fn step<S: Sql, H: Http, C: Clock>(
    ports: Ports<'_, S, H, C>,
    place: Place<'_>,
    kind: Kind,
    cursor: Option<&str>,
    until_ms: i64,
    save: Save<'_>,
) -> Result<Step, SqlError> {
    let now = ports.clock.now_ms();
    let mut cursor = match cursor.and_then(|json| serde_json::from_str(json).ok()) {
        Some(cursor) => cursor,
        None => Cursor::begin(kind, now),
    };
    if kind == Kind::Changes && cursor.since.is_none() {
        cursor.since = last_run(ports.sql, place.tenant).await?;
        if cursor.since.is_none() {
            let text = "Изменения загружаются после первой полной загрузки".to_owned();
            let ended = Ended::Done {
                warning: false,
                text,
            };
            return Ok(left(&cursor, ended));
        }
    }
    let opened = Session::open(
        ports,
        place.tenant,
        place.api(),
        plan::job_of(kind),
        LANES,
        until_ms,
    )
    .await;
    let session = match opened {
        Ok(session) => session,
        Err(Failure::Sql(error)) => return Err(error),
        Err(Failure::Api(error)) => return Ok(left(&cursor, failed(&error, now))),
    };
    let work = Work {
        ports,
        place,
        session: &session,
        save: Some(save),
        until: until_ms,
    };
    let ended = work.run(&mut cursor).await;
    session.close().await?;
    let ended = match ended {
        Ok(ended) => ended,
        Err(Failure::Sql(error)) => return Err(error),
        Err(Failure::Api(error)) => failed(&error, ports.clock.now_ms()),
    };
    Ok(left(&cursor, ended))
}

fn left(cursor: &Cursor, ended: Ended) -> Step {
    Step {
        cursor: cursor.json(),
        progress: cursor.progress(),
        ended,
    }
}

/// What follows from an error that repeating within the step did not mend.
pub(crate) fn failed(error: &Error, now_ms: i64) -> Ended {
    match error {
        Error::RateLimited { retry_after_ms } => {
            Ended::Later(now_ms.saturating_add((*retry_after_ms).into()))
        }
        Error::TooParallel => Ended::Later(now_ms.saturating_add(BUSY_MS)),
        Error::NotAuthorised => Ended::Refused {
            text: error.for_merchant(),
        },
        other => Ended::Failed {
            text: other.for_merchant(),
            again: other.retry() != Retry::No,
        },
    }
}

impl<S: Sql, H: Http, C: Clock> Work<'_, S, H, C> {
    async fn run(&self, cursor: &mut Cursor) -> Result<Ended, Failure> {
        while cursor.phase != Phase::End {
            let went = match cursor.phase {
                Phase::References => references::run(self, cursor).await?,
                Phase::Products | Phase::Services | Phase::Bundles | Phase::Variants => {
                    goods::run(self, cursor).await?
                }
                Phase::Missing => missing::run(self, cursor).await?,
                Phase::Stock => stock::run(self, cursor).await?,
                Phase::Customers => customers::run(self, cursor).await?,
                Phase::Images => images::run(self, cursor).await?,
                Phase::End => Went::Through,
            };
            if went == Went::On {
                return Ok(Ended::More);
            }
            cursor.advance();
            if cursor.phase != Phase::End && self.is_over() {
                return Ok(Ended::More);
            }
        }
        self.finish(cursor).await
    }

    fn is_over(&self) -> bool {
        self.ports.clock.now_ms() >= self.until
    }

    fn tenant(&self) -> &str {
        self.place.tenant
    }

    /// Runs statements with the one that saves the cursor.
    async fn store(&self, mut batch: Vec<Statement>, cursor: &Cursor) -> Result<(), SqlError> {
        if let Some(save) = self.save {
            let now = self.ports.clock.now_ms();
            batch.push(save(&cursor.json(), cursor.progress(), now));
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.ports.sql.atomic(batch).await.map(drop)
    }

    /// The statement that tells the merchant of something doubtful, as long as there are few of them; once, not
    /// each night.
    fn warn(&self, cursor: &mut Cursor, object: &str, text: &str) -> Option<Statement> {
        /// How many warnings of one run the journal holds; the rest is counted.
        const TOLD: u64 = 50;
        cursor.totals.warnings += 1;
        let row = record(object, Outcome::Warning, text.to_owned());
        let now = self.ports.clock.now_ms();
        (cursor.totals.warnings <= TOLD).then(|| row.statement_once(self.tenant(), now))
    }

    async fn finish(&self, cursor: &Cursor) -> Result<Ended, Failure> {
        let (tenant, now) = (self.tenant(), self.ports.clock.now_ms());
        let (text, warning) = (cursor.told(), cursor.totals.warnings > 0);
        let outcome = match warning {
            true => Outcome::Warning,
            false => Outcome::Ok,
        };
        let mut row = record("", outcome, text.clone());
        row.detail = serde_json::to_value(cursor.totals).ok();
        let mut batch = vec![
            mark(tenant, cursor.started_at),
            sklad_catalog::import::clear_seen(tenant, &cursor.stamp()),
            sklad_catalog::import::clear_seen(tenant, &cursor.folders_stamp()),
        ];
        // Every few minutes nothing has changed: that is no news.
        if cursor.kind == Kind::Full || warning || cursor.totals.is_news() {
            batch.push(row.statement(tenant, now));
        }
        self.store(batch, cursor).await?;
        Ok(Ended::Done { warning, text })
    }
}

fn record(object: &str, outcome: Outcome, text: String) -> Record {
    Record {
        direction: Direction::Out,
        action: "goods",
        object: object.to_owned(),
        customer: None,
        outcome,
        text,
        detail: None,
    }
}

/// The statement that notes when the last run began that has come to its end.
fn mark(tenant: &str, started_at: i64) -> Statement {
    Statement::new(
        "INSERT INTO moysklad_ids (tenant, kind, id, value) VALUES (?1, 'run', 'started', ?2) \
         ON CONFLICT (tenant, kind, id) DO UPDATE SET value = excluded.value \
         WHERE CAST(moysklad_ids.value AS INTEGER) < CAST(excluded.value AS INTEGER)",
    )
    .bind(tenant)
    .bind(started_at.to_string())
}

/// When the last run began that has come to its end.
async fn last_run(sql: &impl Sql, tenant: &str) -> Result<Option<i64>, SqlError> {
    let statement = Statement::new(
        "SELECT value FROM moysklad_ids WHERE tenant = ?1 AND kind = 'run' AND id = 'started'",
    )
    .bind(tenant);
    let rows = sql.query(statement).await?;
    Ok(rows.first().and_then(|row| row.text(0)?.parse().ok()))
}

/// What [`sklad_catalog`] refuses as a whole is a mistake of ours.
fn of_catalog(error: sklad_catalog::Error) -> SqlError {
    match error {
        sklad_catalog::Error::Sql(error) => error,
        other => SqlError::Other(other.to_string()),
    }
}

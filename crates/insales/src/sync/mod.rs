//! The import of a shop's catalogue: a job in steps, each of bounded time, that can be killed anywhere.
//!
//! A run goes through phases: price kinds and warehouses, the two trees, products with their variants, what
//! is missing, pictures. Where it is, is a [`Cursor`]; it is saved in the same batch as what was imported, so
//! that a run that is taken up by another instance goes on behind it. Lists are read by what has changed
//! (insales.md §3): a run for everything begins before everything, one for changes where the last one ended,
//! so that of a shop in which nothing has changed three lists are asked for, once each.

mod cursor;
mod farewell;
mod goods;
mod groups;
mod images;
mod links;
mod marks;
mod missing;
mod pages;
mod references;

use sklad_jobs::job::Progress;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_store::{Clock, Http, Ports, Row, Sql, SqlError, Statement};

use crate::api::session::Failure;
use crate::api::{Access, Api, Error, Part, Session};
use crate::map::Names;
use crate::settings::CatalogueSettings;

pub use cursor::{Cursor, Kind, Phase, SETTLE_MS, Totals};
pub use farewell::farewell;
pub use images::{ALLOWED, FILE_BYTES};
pub use marks::forget;

/// How often a batch is planned when somebody else changes the same things.
const ATTEMPTS: usize = 5;

/// How many warnings of one run the journal holds; the rest is counted.
const TOLD: u64 = 50;

/// Whose import it is, and from where.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The connection's id.
    pub connection: &'a str,
    /// What the merchant has set.
    pub settings: &'a CatalogueSettings,
    /// The shop, and what lets us in.
    pub access: &'a Access,
    /// An origin that stands for all shops, see [`Api::gateway`].
    pub gateway: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn api(&self) -> Api<'a> {
        Api {
            gateway: self.gateway,
            access: self.access,
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
    /// It went wrong; what was saved last stands.
    Failed(Error),
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
    names: Names,
    session: &'a Session<'a, S, H, C>,
    save: Save<'a>,
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
        None => {
            let marks = marks::read(ports.sql, place).await?;
            Cursor::begin(kind, marks, now)
        }
    };
    let session = Session::open(ports, place.api(), Part::Catalogue, until_ms);
    let work = Work {
        ports,
        place,
        names: Names::of(place.connection),
        session: &session,
        save,
        until: until_ms,
    };
    let ended = match work.run(&mut cursor).await {
        Ok(ended) => ended,
        Err(Failure::Sql(error)) => return Err(error),
        Err(Failure::Api(Error::RateLimited { retry_after_ms })) => {
            Ended::Later(ports.clock.now_ms().saturating_add(retry_after_ms.into()))
        }
        Err(Failure::Api(error)) => Ended::Failed(error),
    };
    Ok(Step {
        cursor: cursor.json(),
        progress: cursor.progress(),
        ended,
    })
}

impl<S: Sql, H: Http, C: Clock> Work<'_, S, H, C> {
    async fn run(&self, cursor: &mut Cursor) -> Result<Ended, Failure> {
        while cursor.phase != Phase::End {
            let went = match cursor.phase {
                Phase::References => references::run(self, cursor).await?,
                Phase::Collections | Phase::Categories => groups::run(self, cursor).await?,
                Phase::Tree => groups::tree(self, cursor).await?,
                Phase::Products => goods::run(self, cursor).await?,
                Phase::Missing => missing::run(self, cursor).await?,
                Phase::Images => images::run(self, cursor).await?,
                Phase::End => Went::Through,
            };
            if went == Went::On {
                return Ok(Ended::More);
            }
            if let Some(mark) = marks::of(self.place, cursor) {
                // Whoever takes the run up again finds this list read.
                cursor.advance();
                self.store(vec![mark], cursor).await?;
            } else {
                cursor.advance();
            }
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

    /// Runs statements with the one that saves the cursor; answers what they answered.
    async fn store(
        &self,
        mut batch: Vec<Statement>,
        cursor: &Cursor,
    ) -> Result<Vec<Vec<Row>>, SqlError> {
        let now = self.ports.clock.now_ms();
        batch.push((self.save)(&cursor.json(), cursor.progress(), now));
        self.ports.sql.atomic(batch).await
    }

    /// The statement that tells the merchant of something doubtful, as long as there are few of them; once, not
    /// each night.
    fn warn(&self, cursor: &mut Cursor, object: &str, text: &str) -> Option<Statement> {
        cursor.totals.warnings += 1;
        let row = self.record(object, Outcome::Warning, text.to_owned());
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
        let mut row = self.record("", outcome, text.clone());
        row.detail = serde_json::to_value(cursor.totals).ok();
        let mut batch = Vec::new();
        if cursor.kind == Kind::Full {
            let source = self.names.source();
            for stamp in [cursor.stamp(source), cursor.groups_stamp(source)] {
                batch.push(sklad_catalog::import::clear_seen(tenant, &stamp));
            }
        }
        // Every few minutes nothing has changed: that is no news.
        if cursor.kind == Kind::Full || warning || cursor.totals.is_news() {
            batch.push(row.statement(tenant, now));
        }
        self.store(batch, cursor).await?;
        Ok(Ended::Done { warning, text })
    }

    fn record(&self, object: &str, outcome: Outcome, text: String) -> Record {
        let object = match object {
            "" => format!("insales:{}", self.place.connection),
            object => object.to_owned(),
        };
        record(&object, outcome, text)
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

/// What [`sklad_catalog`] refuses as a whole is a mistake of ours.
fn of_catalog(error: sklad_catalog::Error) -> SqlError {
    match error {
        sklad_catalog::Error::Sql(error) => error,
        other => SqlError::Other(other.to_string()),
    }
}

/// A count as it is kept.
fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

//! Imports as they are kept: one row for each uploaded content, and who works on which.

use serde::{Deserialize, Serialize};
use sklad_commerceml::{Checkpoint, Section};
use sklad_jobs::journal::Outcome;
use sklad_store::{Row, Sql, SqlError, Statement};

use super::{missing, portion};
use crate::Error;
use crate::handle::record;
use crate::request::Kind;
use crate::session::Session;
use crate::upload::{self, Upload};

/// For how long a worker is believed to be at work after its last batch, in milliseconds: so long an
/// import rests after its host was killed.
pub const LEASE_MS: i64 = 10_000;

/// For how long after a question an import is taken for one that its client still asks for, in
/// milliseconds: clients ask every second.
pub const ALIVE_MS: i64 = 15_000;

/// How often the worker of an import may be lost at one place – by memory, say – before the import is
/// given up: whatever is behind it in the queue must not wait for ever.
pub const MAX_LOSSES: i64 = 3;

/// How exactly it is known when a client asked last, in milliseconds.
const ASKED_MS: i64 = 5_000;

/// How an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It goes on with the next request.
    Running,
    /// It has ended well.
    Done,
    /// It has ended with an error: the text says which.
    Failed,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// What has been done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Goods of the file.
    pub goods: u64,
    /// Offers of the file.
    pub offers: u64,
    /// Groups and categories of the file.
    pub groups: u64,
    /// Documents of the file, or files of the archive.
    pub documents: u64,
    /// Created goods and variants.
    pub created: u64,
    /// Changed ones.
    pub changed: u64,
    /// Ones that stay as they are.
    pub unchanged: u64,
    /// Passed over: of unknown products, outside of the root category, or modifications that are not
    /// wanted.
    pub skipped: u64,
    /// Put into the archive.
    pub archived: u64,
    /// Changed groups, price types, stores, properties, units.
    pub references: u64,
    /// Doubtful places.
    pub warnings: u64,
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Listed {
    /// Goods of a catalogue.
    Goods,
    /// Groups of a classifier.
    Groups,
    /// Offers, of variants.
    Offers,
}

/// A full list: of what, and of which catalogue or classifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct List {
    /// Of what.
    pub of: Listed,
    /// The catalogue's or the classifier's id; empty where it has none.
    pub catalogue: String,
}

/// How far an import has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// Where in the file.
    pub reader: Option<Checkpoint>,
    /// Bytes of the file behind us.
    pub offset: u64,
    /// Under which name the goods that it had are noted; see [`super::missing::stamp`]. It stays that of
    /// the session which began the import, whoever goes on with it.
    pub stamp: String,
    /// The price types of a list that is being read, in its order.
    pub listed: Vec<String>,
    /// Number of the next batch, or of the archive's next entry.
    pub part: i64,
    /// The section that is open.
    pub section: Option<Section>,
    /// Whether the file is one of a batch: what it does not hold is not missing (commerceml §1.7).
    pub batch: bool,
    /// Whether the root says that the file has changes only.
    pub changes_only: Option<bool>,
    /// Whether an offer of the open package says more than prices and stock.
    pub described: bool,
    /// Full groups that have ended: what they do not hold is missing if the goods of the file are full.
    pub classifier: Option<String>,
    /// Full lists that have ended: what they do not hold is missing.
    pub lists: Vec<List>,
    /// Whether goods were stored by a choice of price types and stores that is not the last one.
    pub mixed: bool,
    /// The last good whose prices and stock were made anew.
    pub chosen: Option<String>,
    /// Whether all has been read.
    pub read: bool,
    /// Whether the guard was passed and what is missing is being archived.
    pub archiving: bool,
    /// What has been done.
    pub totals: Totals,
}

/// An import.
#[derive(Debug, Clone)]
pub struct Job {
    /// The content's id, which is the upload's.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// How far it is.
    pub cursor: Cursor,
    /// Raised by every batch.
    pub seq: i64,
    /// What the client is told in the end.
    pub message: String,
    /// Whose session its file came in.
    pub session: String,
    /// Whose it is.
    pub employee: String,
    /// What it is about.
    pub kind: Kind,
    /// When its file had come, milliseconds since 1970 UTC: imports go in this order.
    pub uploaded_at: i64,
    /// When a client asked for it last, milliseconds since 1970 UTC; 0 when none ever did.
    pub asked_at: i64,
    /// When it was moved last, milliseconds since 1970 UTC.
    pub updated_at: i64,
}

/// The columns that [`job`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, state, cursor, seq, message, session, employee, kind, uploaded_at, \
             asked_at, updated_at FROM imports ",
            $rest
        )
    };
}

async fn one(sql: &impl Sql, statement: Statement) -> Result<Option<Job>, Error> {
    let rows = sql.query(statement).await?;
    rows.first().map(job).transpose()
}

/// The import of this content.
///
/// # Errors
/// The database's.
pub async fn find(sql: &impl Sql, tenant: &str, id: &str) -> Result<Option<Job>, Error> {
    let statement = Statement::new(select!("WHERE tenant = ?1 AND id = ?2"));
    one(sql, statement.bind(tenant).bind(id)).await
}

/// The import that has not ended whose file came first.
///
/// # Errors
/// The database's.
pub async fn first(sql: &impl Sql, tenant: &str) -> Result<Option<Job>, Error> {
    let statement = Statement::new(select!(
        "INDEXED BY imports_running WHERE tenant = ?1 AND state = 'running' \
         ORDER BY uploaded_at, id LIMIT 1"
    ));
    one(sql, statement.bind(tenant)).await
}

/// An import of this name that the session goes on with although it has not uploaded the file: the newest
/// of its employee that has not ended (commerceml §1.6), else one that ended while the session was there
/// and whose `success` may be lost.
///
/// # Errors
/// The database's.
pub async fn taken_over(
    sql: &impl Sql,
    tenant: &str,
    session: &Session,
    name: &str,
) -> Result<Option<Job>, Error> {
    let statement = Statement::new(select!(
        "WHERE tenant = ?1 AND uploaded_at >= ?5 AND employee = ?2 AND name = ?3 AND kind = 'catalog' \
         AND (state = 'running' OR updated_at >= ?4) ORDER BY state = 'running' DESC, uploaded_at DESC LIMIT 1"
    ))
    .bind(tenant)
    .bind(&session.employee)
    .bind(name)
    .bind(session.created_at)
    .bind(session.created_at - crate::sweep::REMEMBERED_MS);
    one(sql, statement).await
}

fn job(row: &Row) -> Result<Job, Error> {
    let state = match row.text(2) {
        Some("done") => State::Done,
        Some("failed") => State::Failed,
        _ => State::Running,
    };
    let cursor = row.text(3).unwrap_or_default();
    let cursor = serde_json::from_str(cursor)
        .map_err(|e| SqlError::Other(format!("cursor of an import: {e}")))?;
    Ok(Job {
        id: row.string(0),
        name: row.string(1),
        state,
        cursor,
        seq: row.int(4).unwrap_or_default(),
        message: row.string(5),
        session: row.string(6),
        employee: row.string(7),
        kind: if row.text(8) == Some(Kind::Sale.as_str()) {
            Kind::Sale
        } else {
            Kind::Catalog
        },
        uploaded_at: row.int(9).unwrap_or_default(),
        asked_at: row.int(10).unwrap_or_default(),
        updated_at: row.int(11).unwrap_or_default(),
    })
}

/// The import of this content, begun when there is none. `asked_at` is 0 where no client asks for it.
///
/// # Errors
/// The database's.
pub async fn begun(
    sql: &impl Sql,
    tenant: &str,
    upload: &Upload,
    session: &Session,
    kind: Kind,
    asked_at: i64,
    now_ms: i64,
) -> Result<Job, Error> {
    if let Some(job) = find(sql, tenant, &upload.id).await? {
        return Ok(job);
    }
    // What the file holds belongs to the exchange in which it came, whoever imports it.
    let cursor = Cursor {
        stamp: missing::stamp(session, &upload.id),
        ..Cursor::default()
    };
    let statement = Statement::new(
        "INSERT INTO imports (tenant, id, name, session, employee, kind, state, cursor, uploaded_at, \
         asked_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7, ?8, ?9, ?10) \
         ON CONFLICT (tenant, id) DO NOTHING",
    )
    .bind(tenant)
    .bind(&upload.id)
    .bind(&upload.name)
    .bind(&session.id)
    .bind(&session.employee)
    .bind(kind.as_str())
    .bind(cursor_text(&cursor)?)
    .bind(upload.received_at)
    .bind(asked_at)
    .bind(now_ms);
    sql.atomic(vec![statement]).await?;
    find(sql, tenant, &upload.id).await?.ok_or(Error::Gone)
}

/// The statement that ends an import with a failure; `text` is what the client is told whenever it asks.
#[must_use]
pub fn failed(tenant: &str, id: &str, text: &str, now_ms: i64) -> Statement {
    Statement::new(
        "UPDATE imports SET state = 'failed', message = ?3, seq = seq + 1, updated_at = ?4 \
         WHERE tenant = ?1 AND id = ?2",
    )
    .bind(tenant)
    .bind(id)
    .bind(text)
    .bind(now_ms)
}

fn cursor_text(cursor: &Cursor) -> Result<String, SqlError> {
    serde_json::to_string(cursor).map_err(|e| SqlError::Other(format!("cursor of an import: {e}")))
}

/// Older imports of the same file of the same employee that have not ended, and that no client asks for.
/// Of those that have begun only with ?7.
macro_rules! older {
    ($before:literal) => {
        concat!(
            $before,
            " WHERE tenant = ?1 AND state = 'running' AND name = ?2 AND employee = ?3 AND id <> ?4 \
              AND (uploaded_at, id) < (?5, ?4) AND (seq = 0 OR ?7) \
              AND NOT (asked_at >= ?6 AND id IN (SELECT id FROM uploads WHERE tenant = ?1))"
        )
    };
}

impl Job {
    /// An import whose file came before this one's: it goes first.
    ///
    /// # Errors
    /// The database's.
    pub async fn older(&self, sql: &impl Sql, tenant: &str) -> Result<Option<Self>, Error> {
        let first = first(sql, tenant).await?;
        let mine = (self.uploaded_at, &self.id);
        Ok(first.filter(|first| (first.uploaded_at, &first.id) < mine))
    }

    /// Ends older imports of this file, which their clients have left or never asked for: they must not
    /// come back over the newer one. Those that have `begun` only where it is said so: a newer file that
    /// nobody asks for can wait. To a client its ended import is done: what it would have brought is
    /// here, and newer.
    ///
    /// # Errors
    /// The database's.
    pub async fn supersede(
        &self,
        sql: &impl Sql,
        tenant: &str,
        begun: bool,
        now_ms: i64,
    ) -> Result<(), SqlError> {
        let bound = |text: &'static str| {
            Statement::new(text)
                .bind(tenant)
                .bind(&self.name)
                .bind(&self.employee)
                .bind(&self.id)
                .bind(self.uploaded_at)
                .bind(now_ms - ALIVE_MS)
                .bind(i64::from(begun))
        };
        let found = sql.query(bound(older!("SELECT id FROM imports"))).await?;
        if found.is_empty() {
            return Ok(());
        }
        let end = bound(older!(
            "UPDATE imports SET state = 'done', seq = seq + 1, updated_at = ?8"
        ));
        let mut batch = vec![end.bind(now_ms)];
        batch.extend(
            found
                .iter()
                .map(|row| upload::taken(tenant, &row.string(0))),
        );
        let text = "Загрузка не закончена: прислан более новый файл с тем же именем";
        let row = record(&self.name, Outcome::Warning, text.to_owned());
        batch.push(row.statement(tenant, now_ms));
        sql.atomic(batch).await.map(drop)
    }

    /// These statements, each followed by one that counts the rows it has changed, and answers how many
    /// there are by now: what is counted here is not lost where the batch behind it is.
    #[must_use]
    pub fn counting(&self, tenant: &str, statements: Vec<Statement>) -> Vec<Statement> {
        let count = || {
            Statement::new(
                "UPDATE imports SET referenced = referenced + changes() WHERE tenant = ?1 AND id = ?2 \
                 RETURNING referenced",
            )
            .bind(tenant)
            .bind(&self.id)
        };
        let pairs = statements.into_iter().map(|statement| [statement, count()]);
        pairs.flatten().collect()
    }

    /// Whether a client asks for it again and again.
    #[must_use]
    pub fn is_asked_for(&self, now_ms: i64) -> bool {
        self.asked_at > now_ms - ALIVE_MS
    }

    /// Notes that a client asks for it.
    ///
    /// # Errors
    /// The database's.
    pub async fn ask(&mut self, sql: &impl Sql, tenant: &str, now_ms: i64) -> Result<(), SqlError> {
        if self.asked_at + ASKED_MS > now_ms {
            return Ok(());
        }
        self.asked_at = now_ms;
        let sql_text = "UPDATE imports SET asked_at = ?3 WHERE tenant = ?1 AND id = ?2";
        let statement = Statement::new(sql_text).bind(tenant).bind(&self.id);
        sql.atomic(vec![statement.bind(now_ms)]).await.map(drop)
    }
}

/// Whether a newer exchange of this employee has imported this file, or the same portion of another set.
///
/// # Errors
/// The database's.
pub async fn is_outdated(
    sql: &impl Sql,
    tenant: &str,
    upload: &Upload,
    session: &Session,
) -> Result<bool, SqlError> {
    const MOST: i64 = 1000;
    let newer = Statement::new(
        "SELECT name, session FROM imports WHERE tenant = ?1 AND uploaded_at > ?2 AND employee = ?3 \
         AND state <> 'failed' AND kind = 'catalog' ORDER BY uploaded_at LIMIT ?4",
    )
    .bind(tenant)
    .bind(upload.received_at)
    .bind(&session.employee)
    .bind(MOST);
    let rows = sql.query(newer).await?;
    Ok(rows.iter().any(|row| {
        let (name, of) = (row.string(0), row.string(1));
        name == upload.name || (of != session.id && portion(&name) == portion(&upload.name))
    }))
}

impl Job {
    /// The statement that moves the row from the state that was read to this one; a conflict when somebody
    /// else has moved it.
    pub fn save(&mut self, tenant: &str, now_ms: i64) -> Result<Statement, Error> {
        let cursor = cursor_text(&self.cursor)?;
        let statement = Statement::new(
            "UPDATE imports SET state = ?4, cursor = ?5, message = ?6, seq = seq + 1, updated_at = ?7 \
             WHERE tenant = ?1 AND id = ?2 AND seq = ?3 RETURNING 1",
        )
        .bind(tenant)
        .bind(&self.id)
        .bind(self.seq)
        .bind(self.state.as_str())
        .bind(cursor)
        .bind(&self.message)
        .bind(now_ms)
        .expect_rows(1);
        Ok(statement)
    }
}

/// The right to work on a tenant's imports for a while.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The import that is worked on.
    pub import: String,
    /// How many of its workers in a row were lost before they had moved it.
    pub losses: i64,
    owner: String,
}

/// Takes the lease for `import`; otherwise the id of the import that somebody else works on.
///
/// # Errors
/// The database's, or no random numbers.
pub async fn lease(
    sql: &impl Sql,
    tenant: &str,
    import: &str,
    now_ms: i64,
) -> Result<Result<Lease, String>, Error> {
    let owner = crate::random::hex::<12>()?;
    let take = Statement::new(
        "INSERT INTO import_leases (tenant, import, owner, until) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (tenant) DO UPDATE SET import = excluded.import, owner = excluded.owner, \
         until = excluded.until, losses = CASE WHEN import_leases.until = 0 \
         OR import_leases.import <> excluded.import THEN 0 ELSE import_leases.losses + 1 END \
         WHERE import_leases.until < ?5 RETURNING losses",
    )
    .bind(tenant)
    .bind(import)
    .bind(&owner)
    .bind(now_ms + LEASE_MS)
    .bind(now_ms);
    let taken = sql.atomic(vec![take]).await?;
    if let Some(row) = taken.first().and_then(|rows| rows.first()) {
        return Ok(Ok(Lease {
            import: import.to_owned(),
            losses: row.int(0).unwrap_or_default(),
            owner,
        }));
    }
    let held = Statement::new("SELECT import FROM import_leases WHERE tenant = ?1").bind(tenant);
    let rows = sql.query(held).await?;
    Ok(Err(rows
        .first()
        .map(|row| row.string(0))
        .unwrap_or_default()))
}

impl Lease {
    /// The statement that keeps the lease; a conflict when it was lost.
    #[must_use]
    pub fn renew(&self, tenant: &str, now_ms: i64) -> Statement {
        Statement::new(
            "UPDATE import_leases SET until = ?3, losses = 0 WHERE tenant = ?1 AND owner = ?2 RETURNING 1",
        )
        .bind(tenant)
        .bind(&self.owner)
        .bind(now_ms + LEASE_MS)
        .expect_rows(1)
    }

    /// Gives the lease back. One that is given back `lost` counts as if its worker had been killed.
    ///
    /// # Errors
    /// The database's.
    pub async fn release(self, sql: &impl Sql, tenant: &str, lost: bool) -> Result<(), SqlError> {
        let statement =
            Statement::new("UPDATE import_leases SET until = ?3 WHERE tenant = ?1 AND owner = ?2")
                .bind(tenant)
                .bind(self.owner)
                .bind(i64::from(lost));
        sql.atomic(vec![statement]).await.map(drop)
    }
}

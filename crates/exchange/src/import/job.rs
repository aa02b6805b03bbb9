//! Imports as they are kept: one row for each uploaded content, and who works on which.

use serde::{Deserialize, Serialize};
use sklad_commerceml::{Checkpoint, Section};
use sklad_jobs::journal::Outcome;
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::Error;
use crate::handle::record;

/// For how long a worker is believed to be at work after its last batch, in milliseconds: so long an
/// import rests after its host was killed.
pub const LEASE_MS: i64 = 10_000;

/// For how long after its last batch an import is taken for one that its client still asks for, in
/// milliseconds: clients ask every second.
pub const ALIVE_MS: i64 = 15_000;

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
    /// When it was begun, milliseconds since 1970 UTC.
    pub started_at: i64,
}

/// The import of this content.
///
/// # Errors
/// The database's.
pub async fn find(sql: &impl Sql, tenant: &str, id: &str) -> Result<Option<Job>, Error> {
    let statement = Statement::new(
        "SELECT id, name, state, cursor, seq, message, started_at FROM imports \
         WHERE tenant = ?1 AND id = ?2",
    )
    .bind(tenant)
    .bind(id);
    let rows = sql.query(statement).await?;
    rows.first().map(job).transpose()
}

/// The imports of this tenant that have not ended and rest since `before`, the oldest first.
///
/// # Errors
/// The database's.
pub async fn resting(sql: &impl Sql, tenant: &str, before: i64) -> Result<Option<Job>, Error> {
    let statement = Statement::new(
        "SELECT id, name, state, cursor, seq, message, started_at FROM imports INDEXED BY imports_running \
         WHERE tenant = ?1 AND state = 'running' AND updated_at < ?2 ORDER BY updated_at LIMIT 1",
    )
    .bind(tenant)
    .bind(before);
    let rows = sql.query(statement).await?;
    rows.first().map(job).transpose()
}

/// The newest import of this name that has not ended.
///
/// # Errors
/// The database's.
pub async fn running(sql: &impl Sql, tenant: &str, name: &str) -> Result<Option<Job>, Error> {
    let statement = Statement::new(
        "SELECT id, name, state, cursor, seq, message, started_at FROM imports INDEXED BY imports_running \
         WHERE tenant = ?1 AND state = 'running' AND name = ?2 ORDER BY updated_at DESC LIMIT 1",
    )
    .bind(tenant)
    .bind(name);
    let rows = sql.query(statement).await?;
    rows.first().map(job).transpose()
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
        started_at: row.int(6).unwrap_or_default(),
    })
}

/// The import of this content, begun when there is none.
///
/// # Errors
/// The database's.
pub async fn begun(
    sql: &impl Sql,
    tenant: &str,
    id: &str,
    name: &str,
    now_ms: i64,
) -> Result<Job, Error> {
    if let Some(job) = find(sql, tenant, id).await? {
        return Ok(job);
    }
    let statement = Statement::new(
        "INSERT INTO imports (tenant, id, name, state, cursor, started_at, updated_at) \
         VALUES (?1, ?2, ?3, 'running', '{}', ?4, ?4) ON CONFLICT (tenant, id) DO NOTHING",
    )
    .bind(tenant)
    .bind(id)
    .bind(name)
    .bind(now_ms);
    sql.atomic(vec![statement]).await?;
    find(sql, tenant, id).await?.ok_or(Error::Gone)
}

/// Older imports of the same name that have not ended.
const OLDER: &str = "tenant = ?1 AND state = 'running' AND name = ?2 AND id <> ?3 \
     AND (started_at, id) < (?4, ?3)";

impl Job {
    fn older(&self, sql: String, tenant: &str) -> Statement {
        Statement::new(sql)
            .bind(tenant)
            .bind(&self.name)
            .bind(&self.id)
            .bind(self.started_at)
    }

    /// An older import of this name whose client still asks for it: it goes first.
    ///
    /// # Errors
    /// The database's.
    pub async fn is_behind(
        &self,
        sql: &impl Sql,
        tenant: &str,
        now_ms: i64,
    ) -> Result<Option<String>, SqlError> {
        let text = format!(
            "SELECT id FROM imports WHERE {OLDER} AND updated_at >= ?5 \
             AND id IN (SELECT id FROM uploads WHERE tenant = ?1) LIMIT 1"
        );
        let statement = self.older(text, tenant).bind(now_ms - ALIVE_MS);
        let rows = sql.query(statement).await?;
        Ok(rows.first().map(|row| row.string(0)))
    }

    /// Ends older imports of this name, which their clients have left: they must not come back over the
    /// newer file. To such a client its import is done: what it would have brought is here, and newer.
    ///
    /// # Errors
    /// The database's.
    pub async fn supersede(
        &self,
        sql: &impl Sql,
        tenant: &str,
        now_ms: i64,
    ) -> Result<(), SqlError> {
        let some = format!("SELECT id FROM imports WHERE {OLDER}");
        if sql.query(self.older(some, tenant)).await?.is_empty() {
            return Ok(());
        }
        let end = format!(
            "UPDATE imports SET state = 'done', seq = seq + 1, updated_at = ?5 WHERE {OLDER}"
        );
        let text = "Загрузка не закончена: прислан более новый файл с тем же именем";
        let row = record(&self.name, Outcome::Warning, text.to_owned());
        let end = self.older(end, tenant).bind(now_ms);
        sql.atomic(vec![end, row.statement(tenant, now_ms)])
            .await
            .map(drop)
    }
}

impl Job {
    /// The statement that moves the row from the state that was read to this one; a conflict when somebody
    /// else has moved it.
    pub fn save(&mut self, tenant: &str, now_ms: i64) -> Result<Statement, Error> {
        let cursor = serde_json::to_string(&self.cursor)
            .map_err(|e| SqlError::Other(format!("cursor of an import: {e}")))?;
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
         until = excluded.until WHERE import_leases.until < ?5 RETURNING 1",
    )
    .bind(tenant)
    .bind(import)
    .bind(&owner)
    .bind(now_ms + LEASE_MS)
    .bind(now_ms);
    let taken = sql.atomic(vec![take]).await?;
    if taken.first().is_some_and(|rows| !rows.is_empty()) {
        let import = import.to_owned();
        return Ok(Ok(Lease { import, owner }));
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
            "UPDATE import_leases SET until = ?3 WHERE tenant = ?1 AND owner = ?2 RETURNING 1",
        )
        .bind(tenant)
        .bind(&self.owner)
        .bind(now_ms + LEASE_MS)
        .expect_rows(1)
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// The database's.
    pub async fn release(self, sql: &impl Sql, tenant: &str) -> Result<(), SqlError> {
        let statement =
            Statement::new("UPDATE import_leases SET until = 0 WHERE tenant = ?1 AND owner = ?2")
                .bind(tenant)
                .bind(self.owner);
        sql.atomic(vec![statement]).await.map(drop)
    }
}

//! What a full import no longer has.
//!
//! Each batch of an import leaves one row with the ids of its goods: rows of goods that have not changed
//! are not written. When the import, or an exchange of several, has ended, the goods of its source that
//! stand in none of these rows are counted – so that the caller can refuse to archive half a shop – and
//! archived in portions.

use serde_json::json;
use sklad_store::{Sql, Statement};

use super::Plan;
use super::record::{GONE, LIVE, WITH_PRODUCT};
use crate::Error;

/// The most goods that one call of [`mark_missing`] archives.
pub const PORTION: i64 = 5000;

/// Which goods of a source a full import must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Products (commerceml §2.4), and the variants of those that are missing.
    Products,
    /// Variants (commerceml §2.5).
    Variants,
}

/// Whose goods may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whose<'a> {
    /// What made them.
    pub source: &'a str,
    /// The catalogue that said them last; `None` is any.
    pub catalogue: Option<&'a str>,
}

impl<'a> From<&'a str> for Whose<'a> {
    fn from(source: &'a str) -> Self {
        Self {
            source,
            catalogue: None,
        }
    }
}

/// What imports have had: the rows of [`seen`] with names from the first text to below the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Had {
    from: String,
    to: String,
}

impl Had {
    /// Of all imports with names from `from` to below `to`.
    #[must_use]
    pub fn between(from: impl Into<String>, to: impl Into<String>) -> Self {
        let (from, to) = (from.into(), to.into());
        Self { from, to }
    }

    /// The first name, and the first that is beyond.
    pub(crate) fn bounds(&self) -> (&str, &str) {
        (&self.from, &self.to)
    }

    /// Of all imports whose names begin so.
    #[must_use]
    pub fn below(prefix: &str) -> Self {
        Self::between(prefix, format!("{prefix}\u{10ffff}"))
    }
}

/// One import by its name.
impl From<&str> for Had {
    fn from(import: &str) -> Self {
        Self::between(import, format!("{import}\u{1}"))
    }
}

impl From<&String> for Had {
    fn from(import: &String) -> Self {
        Self::from(import.as_str())
    }
}

/// How many goods a full import did not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missing {
    /// Goods of the source that are not archived.
    pub live: i64,
    /// Those of them that the import did not have.
    pub missing: i64,
}

/// The statement that notes the goods of a batch; `part` is the batch's number, `import` the
/// import's name. The caller adds it to the plan's own. `None` when the batch met no good.
#[must_use]
pub fn seen(tenant: &str, import: &str, part: i64, plan: &Plan) -> Option<Statement> {
    let mut ids: Vec<&str> = plan.goods.iter().flatten().map(String::as_str).collect();
    ids.dedup();
    seen_ids(tenant, import, part, &ids)
}

/// The same for what has its ids from the source, as categories. `None` for no ids.
#[must_use]
pub fn seen_ids(tenant: &str, import: &str, part: i64, ids: &[&str]) -> Option<Statement> {
    let note = "INSERT INTO import_seen (tenant, import, part, goods) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (tenant, import, part) DO UPDATE SET goods = excluded.goods";
    let statement = Statement::new(note).bind(tenant).bind(import).bind(part);
    (!ids.is_empty()).then(|| statement.bind(json!(ids).to_string()))
}

/// The statement that forgets what an import has had.
#[must_use]
pub fn clear_seen(tenant: &str, import: &str) -> Statement {
    Statement::new("DELETE FROM import_seen WHERE tenant = ?1 AND import = ?2")
        .bind(tenant)
        .bind(import)
}

/// The statement that forgets what several have had.
#[must_use]
pub fn clear_had(tenant: &str, had: &Had) -> Statement {
    Statement::new("DELETE FROM import_seen WHERE tenant = ?1 AND import >= ?2 AND import < ?3")
        .bind(tenant)
        .bind(&had.from)
        .bind(&had.to)
}

/// Goods of the scope that the import has not had.
const ABSENT: &str = "g.id NOT IN (SELECT j.value FROM import_seen s CROSS JOIN json_each(s.goods) j \
     WHERE s.tenant = ?1 AND s.import >= ?2 AND s.import < ?3)";
/// Goods of the source and the scope that are live.
const OURS: &str = "g.tenant = ?1 AND g.source = ?4 AND g.archived = 0 AND (g.parent IS NULL) = ?5 \
     AND (?6 IS NULL OR g.catalogue = ?6)";

fn about(text: String, tenant: &str, whose: Whose<'_>, had: &Had, scope: Scope) -> Statement {
    Statement::new(text)
        .bind(tenant)
        .bind(&had.from)
        .bind(&had.to)
        .bind(whose.source)
        .bind(scope == Scope::Products)
        .bind(whose.catalogue)
}

/// Counts what the import has not had of what `whose` says.
///
/// # Errors
/// The database's.
pub async fn missing<'a>(
    sql: &impl Sql,
    tenant: &str,
    whose: impl Into<Whose<'a>>,
    had: impl Into<Had>,
    scope: Scope,
) -> Result<Missing, Error> {
    let text = format!("SELECT count(*), sum({ABSENT}) FROM goods g WHERE {OURS}");
    let rows = sql
        .query(about(text, tenant, whose.into(), &had.into(), scope))
        .await?;
    let number = |i| rows.first().and_then(|row| row.int(i)).unwrap_or_default();
    Ok(Missing {
        live: number(0),
        missing: number(1),
    })
}

/// Up to `limit` names of what [`missing`] counts, with external ids where there are such.
///
/// # Errors
/// The database's.
pub async fn examples<'a>(
    sql: &impl Sql,
    tenant: &str,
    whose: impl Into<Whose<'a>>,
    had: impl Into<Had>,
    scope: Scope,
    limit: u32,
) -> Result<Vec<(Option<String>, String)>, Error> {
    let text =
        format!("SELECT g.external, g.name FROM goods g WHERE {OURS} AND {ABSENT} LIMIT {limit}");
    let rows = sql
        .query(about(text, tenant, whose.into(), &had.into(), scope))
        .await?;
    let pair = |row: &sklad_store::Row| (row.text(0).map(str::to_owned), row.string(1));
    Ok(rows.iter().map(pair).collect())
}

/// Ids of up to [`PORTION`] goods that the import has not had.
///
/// # Errors
/// The database's.
pub async fn absent<'a>(
    sql: &impl Sql,
    tenant: &str,
    whose: impl Into<Whose<'a>>,
    had: impl Into<Had>,
    scope: Scope,
) -> Result<Vec<String>, Error> {
    let text = format!("SELECT g.id FROM goods g WHERE {OURS} AND {ABSENT} LIMIT {PORTION}");
    let rows = sql
        .query(about(text, tenant, whose.into(), &had.into(), scope))
        .await?;
    Ok(rows.iter().map(|row| row.string(0)).collect())
}

/// The statements that archive these goods, and with products their variants; both answer a row for each.
/// They come back when a later import has them, the variants with their products.
#[must_use]
pub fn archive(tenant: &str, ids: &[String], now_ms: i64) -> [Statement; 2] {
    let ids = json!(ids).to_string();
    STATES.map(|(key, state)| {
        let text = archiving(
            state,
            &format!("{key} IN (SELECT value FROM json_each(?2))"),
        );
        Statement::new(text).bind(tenant).bind(&ids).bind(now_ms)
    })
}

/// Archives up to [`PORTION`] of what the import has not had, and answers how many goods (of
/// products also their variants): call it until that is none.
///
/// # Errors
/// The database's.
pub async fn mark_missing<'a>(
    sql: &impl Sql,
    tenant: &str,
    whose: impl Into<Whose<'a>>,
    had: impl Into<Had>,
    scope: Scope,
    now_ms: i64,
) -> Result<usize, Error> {
    let ids = absent(sql, tenant, whose, had, scope).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let done = sql.atomic(archive(tenant, &ids, now_ms).into()).await?;
    Ok(done.iter().map(Vec::len).sum())
}

/// What goes: goods, and with them their variants.
const STATES: [(&str, i64); 2] = [("id", GONE), ("parent", WITH_PRODUCT)];

/// The statement that archives goods; the condition says which.
fn archiving(state: i64, which: &str) -> String {
    format!(
        "UPDATE goods SET archived = {state}, told = NULL, version = version + 1, updated_at = ?3 \
         WHERE tenant = ?1 AND {which} AND archived = {LIVE} RETURNING 1"
    )
}

/// The statements that archive goods which `source` made and does not have any more, and their variants.
/// `ids` are any of the kind uuid; a good that is not known is nothing to do. They come back when the source
/// has them again, the variants with their product.
#[must_use]
pub fn archive_gone(tenant: &str, source: &str, ids: &[&str], now_ms: i64) -> [Statement; 2] {
    const OURS: &str = "(SELECT coalesce((SELECT i.good FROM good_ids i WHERE i.tenant = ?1 \
         AND i.kind = 'uuid' AND i.value = j.value), j.value) FROM json_each(?2) j)";
    STATES.map(|(key, state)| {
        Statement::new(archiving(
            state,
            &format!("{key} IN {OURS} AND source = ?4"),
        ))
        .bind(tenant)
        .bind(json!(ids).to_string())
        .bind(now_ms)
        .bind(source)
    })
}

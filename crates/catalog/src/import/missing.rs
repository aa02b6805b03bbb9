//! What a full import no longer has.
//!
//! Each batch of a full import leaves one row with the ids of its goods: rows of goods that have not
//! changed are not written. When the import has ended, the goods of its source that stand in none of
//! these rows are counted – so that the caller can refuse to archive half a shop – and archived in
//! portions.

use serde_json::json;
use sklad_store::{Sql, Statement};

use super::Plan;
use super::record::{GONE, LIVE};
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

/// Goods of the scope that the import has not had.
const ABSENT: &str = "g.id NOT IN (SELECT j.value FROM import_seen s CROSS JOIN json_each(s.goods) j \
     WHERE s.tenant = ?1 AND s.import = ?2)";
/// Goods of the source and the scope that are live.
const OURS: &str = "g.tenant = ?1 AND g.source = ?3 AND g.archived = 0 AND (g.parent IS NULL) = ?4";

fn about(text: String, tenant: &str, source: &str, import: &str, scope: Scope) -> Statement {
    Statement::new(text)
        .bind(tenant)
        .bind(import)
        .bind(source)
        .bind(scope == Scope::Products)
}

/// Counts what the import has not had of what `source` made.
///
/// # Errors
/// The database's.
pub async fn missing(
    sql: &impl Sql,
    tenant: &str,
    source: &str,
    import: &str,
    scope: Scope,
) -> Result<Missing, Error> {
    let text = format!("SELECT count(*), sum({ABSENT}) FROM goods g WHERE {OURS}");
    let rows = sql
        .query(about(text, tenant, source, import, scope))
        .await?;
    let number = |i| rows.first().and_then(|row| row.int(i)).unwrap_or_default();
    Ok(Missing {
        live: number(0),
        missing: number(1),
    })
}

/// Archives up to [`PORTION`] of what the import has not had, and answers how many goods (of
/// products also their variants): call it until that is none. They come back when a later import has
/// them.
///
/// # Errors
/// The database's.
pub async fn mark_missing(
    sql: &impl Sql,
    tenant: &str,
    source: &str,
    import: &str,
    scope: Scope,
    now_ms: i64,
) -> Result<usize, Error> {
    let text = format!("SELECT g.id FROM goods g WHERE {OURS} AND {ABSENT} LIMIT {PORTION}");
    let rows = sql
        .query(about(text, tenant, source, import, scope))
        .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let ids: Vec<&str> = rows.iter().filter_map(|row| row.text(0)).collect();
    let ids = json!(ids).to_string();
    let archive = |key: &str| {
        let text = archive(&format!("{key} IN (SELECT value FROM json_each(?2))"));
        Statement::new(text).bind(tenant).bind(&ids).bind(now_ms)
    };
    let done = sql.atomic(vec![archive("id"), archive("parent")]).await?;
    Ok(done.iter().map(Vec::len).sum())
}

/// The statement that archives goods; the condition says which.
fn archive(which: &str) -> String {
    format!(
        "UPDATE goods SET archived = {GONE}, told = NULL, version = version + 1, updated_at = ?3 \
         WHERE tenant = ?1 AND {which} AND archived = {LIVE} RETURNING 1"
    )
}

/// The statements that archive goods which `source` made and does not have any more, and their variants.
/// `ids` are any of the kind uuid; a good that is not known is nothing to do. They come back when the source
/// has them again.
#[must_use]
pub fn archive_gone(tenant: &str, source: &str, ids: &[&str], now_ms: i64) -> [Statement; 2] {
    const OURS: &str = "(SELECT coalesce((SELECT i.good FROM good_ids i WHERE i.tenant = ?1 \
         AND i.kind = 'uuid' AND i.value = j.value), j.value) FROM json_each(?2) j)";
    ["id", "parent"].map(|key| {
        Statement::new(archive(&format!("{key} IN {OURS} AND source = ?4")))
            .bind(tenant)
            .bind(json!(ids).to_string())
            .bind(now_ms)
            .bind(source)
    })
}

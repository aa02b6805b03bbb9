//! Goods that a connection shares with other sources.
//!
//! A connection – one of a tenant's shops in one system – calls everything `{kind}:{connection}:{id}`, so
//! that no two of them, and no other source, mean the same by an id. A good of its own has such an id as its
//! external one. A good that another source is the master of has it as an alias ([`super::Keys::alias`]), and
//! beside its own prices and stock those of the connection ([`super::Change::beside`]).

use serde_json::json;
use sklad_store::{Row, Sql, Statement};

use super::record::{BY_HAND, LIVE};
use super::{Had, PORTION};
use crate::{Error, text};

/// With what ids begin that are a connection's.
const KINDS: [&str; 1] = ["insales:"];
/// The most goods that one term is compared with: two are too many already, unless they are the
/// connection's own.
const MATCHES: i64 = 8;

/// Whether an id – of a price type, a store, a category – is a connection's.
#[must_use]
pub fn of_connection(id: &str) -> bool {
    KINDS.iter().any(|kind| id.starts_with(kind))
}

/// Whether a JSON text may have such an id.
pub(super) fn may_name_a_connection(json: &str) -> bool {
    KINDS.iter().any(|kind| json.contains(kind))
}

/// What an id of a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The id.
    pub id: String,
    /// The good.
    pub good: String,
    /// Whether it is the good's external id; else it is an alias.
    pub own: bool,
    /// Whether the good is there: not archived, or by hand.
    pub here: bool,
    /// Its product, of a variant.
    pub parent: Option<String>,
    /// The text that was asked for of its `extra`.
    pub extra: Option<String>,
}

/// What is called by these ids, or by one of them with `#` and more behind it: products with their
/// variants; with their text `extra`.
///
/// # Errors
/// The database's.
pub async fn called(
    sql: &impl Sql,
    tenant: &str,
    ids: &[&str],
    extra: &str,
) -> Result<Vec<Called>, Error> {
    // What begins so and does not go on with a digit lies below `$`.
    let statement = Statement::new(
        "SELECT g.external, g.id, 1, g.archived, g.parent, g.extra ->> ?3 FROM json_each(?2) k \
         CROSS JOIN goods g INDEXED BY goods_by_external ON g.tenant = +?1 \
             AND g.external >= k.value AND g.external < k.value || '$' \
         UNION ALL SELECT i.value, g.id, 0, g.archived, g.parent, g.extra ->> ?3 FROM json_each(?2) k \
         CROSS JOIN good_ids i ON i.tenant = +?1 AND i.kind = 'uuid' \
             AND i.value >= k.value AND i.value < k.value || '$' \
         CROSS JOIN goods g ON g.tenant = +?1 AND g.id = i.good",
    )
    .bind(tenant)
    .bind(json!(ids).to_string())
    .bind(extra);
    let one = |row: &Row| Called {
        id: row.string(0),
        good: row.string(1),
        own: row.int(2) == Some(1),
        here: matches!(row.int(3), Some(LIVE | BY_HAND)),
        parent: row.text(4).map(str::to_owned),
        extra: row.text(5).map(str::to_owned),
    };
    Ok(sql.query(statement).await?.iter().map(one).collect())
}

/// A live good that has something in common with one of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// The good.
    pub good: String,
    /// What made it.
    pub source: Option<String>,
    /// What it is called there.
    pub external: Option<String>,
    /// Its name.
    pub name: String,
    /// Its product, of a variant.
    pub parent: Option<String>,
    /// The text that was asked for of its `extra`.
    pub extra: Option<String>,
}

/// The live goods that have each of these terms – kind (`article`, `barcode`, `code` or `external`) and
/// value – with their text `extra`; of a term that many share, some of them.
///
/// # Errors
/// The database's.
pub async fn matching(
    sql: &impl Sql,
    tenant: &str,
    terms: &[(&str, String)],
    extra: &str,
) -> Result<Vec<Vec<Match>>, Error> {
    const ROW: &str = "json_array(g.id, g.source, g.external, g.name, g.parent, g.extra ->> ?3)";
    let statement = Statement::new(format!(
        "SELECT k.key, CASE k.value ->> 0 WHEN 'external' THEN \
             (SELECT json_array({ROW}) FROM goods g INDEXED BY goods_by_external \
              WHERE g.tenant = +?1 AND g.external = k.value ->> 1 AND g.archived = {LIVE}) \
         ELSE (SELECT json_group_array(json(m.good)) FROM (SELECT {ROW} AS good FROM good_terms t \
             CROSS JOIN goods g ON g.tenant = +?1 AND g.id = t.good \
             WHERE t.tenant = +?1 AND t.kind = k.value ->> 0 AND t.value = k.value ->> 1 \
                 AND g.archived = {LIVE} LIMIT {MATCHES}) m) END FROM json_each(?2) k"
    ))
    .bind(tenant)
    .bind(json!(folded(terms)).to_string())
    .bind(extra);
    let mut found = vec![Vec::new(); terms.len()];
    for row in sql.query(statement).await? {
        let at = row.int(0).and_then(|at| usize::try_from(at).ok());
        let rows: Option<Vec<Found>> = row.text(1).and_then(|json| serde_json::from_str(json).ok());
        if let Some(matches) = at.and_then(|at| found.get_mut(at)) {
            *matches = rows.unwrap_or_default().into_iter().map(a_match).collect();
        }
    }
    Ok(found)
}

type Found = (
    String,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
);

fn a_match((good, source, external, name, parent, extra): Found) -> Match {
    Match {
        good,
        source,
        external,
        name,
        parent,
        extra,
    }
}

/// A good, and terms of another that is said to be the same: kind (as of [`matching`]) and value.
pub type Alike<'a> = (&'a str, Vec<(&'a str, String)>);

/// The names of those of these goods that have none of their terms, by place.
///
/// # Errors
/// The database's.
pub async fn unlike(
    sql: &impl Sql,
    tenant: &str,
    goods: &[Alike<'_>],
) -> Result<Vec<(usize, String)>, Error> {
    let rows = goods.iter().map(|(good, terms)| (good, folded(terms)));
    let rows: Vec<_> = rows.collect();
    let statement = Statement::new(
        "SELECT k.key, g.name FROM json_each(?2) k CROSS JOIN goods g ON g.tenant = +?1 \
             AND g.id = k.value ->> 0 \
         WHERE NOT EXISTS (SELECT 1 FROM json_each(k.value ->> 1) t WHERE CASE t.value ->> 0 \
             WHEN 'external' THEN g.external IS t.value ->> 1 \
             ELSE EXISTS (SELECT 1 FROM good_terms x WHERE x.tenant = +?1 AND x.kind = t.value ->> 0 \
                 AND x.value = t.value ->> 1 AND x.good = g.id) END)",
    )
    .bind(tenant)
    .bind(json!(rows).to_string());
    let one = |row: &Row| Some((usize::try_from(row.int(0)?).ok()?, row.string(1)));
    Ok(sql.query(statement).await?.iter().filter_map(one).collect())
}

/// Terms as they are kept.
fn folded<'a>(terms: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
    let one = |(kind, value): &(&'a str, String)| match *kind {
        "external" => (*kind, value.clone()),
        kind => (kind, text::fold(value)),
    };
    terms.iter().map(one).collect()
}

/// Aliases of a connection, and how many of them a full import did not meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strays {
    /// All.
    pub all: i64,
    /// Those whose goods were not met.
    pub stray: i64,
}

/// Aliases whose goods `import` has not had. `+`: the kept statement is not planned anew for each value.
const STRAY: &str = "i.good NOT IN (SELECT j.value FROM import_seen s CROSS JOIN json_each(s.goods) j \
     WHERE s.tenant = +?1 AND s.import >= +?2 AND s.import < +?3)";
/// Aliases of a connection.
const OURS: &str = "i.tenant = +?1 AND i.kind = 'uuid' AND i.value >= +?4 AND i.value < +?5";

fn about(text: String, tenant: &str, prefix: &str, had: &Had) -> Statement {
    let (from, to) = had.bounds();
    let statement = Statement::new(text).bind(tenant).bind(from).bind(to);
    // What begins so lies below what ends with the character after the colon.
    let end = format!("{};", prefix.trim_end_matches(':'));
    statement.bind(prefix).bind(end)
}

/// Counts the aliases that begin with `prefix` (`{kind}:{connection}:`).
///
/// # Errors
/// The database's.
pub async fn strays(
    sql: &impl Sql,
    tenant: &str,
    prefix: &str,
    had: impl Into<Had>,
) -> Result<Strays, Error> {
    let text = format!("SELECT count(*), sum({STRAY}) FROM good_ids i WHERE {OURS}");
    let rows = sql.query(about(text, tenant, prefix, &had.into())).await?;
    let number = |i| rows.first().and_then(|row| row.int(i)).unwrap_or_default();
    Ok(Strays {
        all: number(0),
        stray: number(1),
    })
}

/// Up to [`PORTION`] of the aliases that [`strays`] counts as such.
///
/// # Errors
/// The database's.
pub async fn strays_among(
    sql: &impl Sql,
    tenant: &str,
    prefix: &str,
    had: impl Into<Had>,
) -> Result<Vec<String>, Error> {
    let text = format!("SELECT i.value FROM good_ids i WHERE {OURS} AND {STRAY} LIMIT {PORTION}");
    let rows = sql.query(about(text, tenant, prefix, &had.into())).await?;
    Ok(rows.iter().map(|row| row.string(0)).collect())
}

/// The statement by which these aliases lead nowhere.
#[must_use]
pub fn forget_aliases(tenant: &str, ids: &[String]) -> Statement {
    Statement::new(
        "DELETE FROM good_ids WHERE tenant = ?1 AND kind = 'uuid' \
         AND value IN (SELECT value FROM json_each(?2))",
    )
    .bind(tenant)
    .bind(json!(ids).to_string())
}

//! Goods as the lines of an order name them: many at once, by our id or by that of their source.

use serde_json::json;
use sklad_store::{Row, Sql, Statement};

use crate::{Error, text};

/// How a line names its good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// Our id, or that of a good which was merged into ours.
    Offer(&'a str),
    /// The id in any system that the good came from.
    External(&'a str),
}

/// What an order says of a good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// Our id.
    pub id: String,
    /// The id in the system that it came from.
    pub external: Option<String>,
    /// The id in МойСклад.
    pub ms_id: Option<String>,
    /// Name.
    pub name: String,
    /// Article.
    pub article: Option<String>,
    /// product, variant, service or bundle.
    pub kind: String,
    /// Price, kopecks.
    pub price_kopecks: Option<i64>,
    /// Unit of measure: what the good names it by, and its name.
    pub unit: Option<(String, String)>,
    /// What tells a variant from its sisters: name and value.
    pub characteristics: Vec<(String, String)>,
    /// Whether it is in the archive.
    pub archived: bool,
    /// Whether it has variants, one of which is what is sold.
    pub has_variants: bool,
}

/// The goods `good` that the lines `at` name; where a line names several, that of the lowest `rank` is meant.
const NAMED: &str = "WITH k AS MATERIALIZED (\
         SELECT j.key AS at, 0 AS rank, a.id AS good FROM json_each(?2) j \
             CROSS JOIN goods a ON a.tenant = ?1 AND a.id = j.value ->> 0 \
         UNION ALL SELECT j.key, 1, i.good FROM json_each(?2) j CROSS JOIN good_ids i \
             ON i.tenant = ?1 AND i.kind = 'uuid' AND i.value = j.value ->> 0 \
         UNION ALL SELECT j.key, 2, e.id FROM json_each(?2) j \
             CROSS JOIN goods e ON e.tenant = ?1 AND e.external = j.value ->> 1)";

/// The goods that `names` name, in their order; `None` where there is none.
///
/// # Errors
/// The database's.
pub async fn named(
    sql: &impl Sql,
    tenant: &str,
    names: &[Name<'_>],
) -> Result<Vec<Option<Offer>>, Error> {
    let keys: Vec<_> = names.iter().map(key).collect();
    let statement = Statement::new(format!(
        "{NAMED} SELECT k.at, g.id, g.external, g.ms_id, g.name, g.article, g.kind, g.price, g.unit, u.name, \
             g.characteristics, g.archived <> 0, EXISTS (SELECT 1 FROM goods v INDEXED BY goods_by_parent \
                 WHERE v.tenant = ?1 AND v.parent = g.id AND v.archived = 0) \
         FROM k CROSS JOIN goods g ON g.tenant = ?1 AND g.id = k.good \
         LEFT JOIN catalog_refs u ON u.tenant = ?1 AND u.kind = 'unit' AND u.id = g.unit \
         ORDER BY k.at, k.rank"
    ))
    .bind(tenant)
    .bind(json!(keys).to_string());
    let mut found = vec![None; names.len()];
    for row in sql.query(statement).await? {
        let at = row.int(0).and_then(|at| usize::try_from(at).ok());
        let place = at.and_then(|at| found.get_mut(at));
        if let Some(empty @ None) = place {
            *empty = Some(offer(&row));
        }
    }
    Ok(found)
}

/// What a connection calls the goods that `names` name – the text of their `extra` with its name – in their
/// order; `None` where there is no such good, or the connection does not know it.
///
/// # Errors
/// The database's.
pub async fn called(
    sql: &impl Sql,
    tenant: &str,
    names: &[Name<'_>],
    connection: &str,
) -> Result<Vec<Option<String>>, Error> {
    let keys: Vec<_> = names.iter().map(key).collect();
    let statement = Statement::new(format!(
        "{NAMED} SELECT k.at, g.extra ->> ?3 FROM k CROSS JOIN goods g ON g.tenant = ?1 AND g.id = k.good \
         ORDER BY k.at, k.rank"
    ))
    .bind(tenant)
    .bind(json!(keys).to_string())
    .bind(connection);
    let mut found = vec![None; names.len()];
    for row in sql.query(statement).await? {
        let at = row.int(0).and_then(|at| usize::try_from(at).ok());
        let place = at.and_then(|at| found.get_mut(at));
        if let Some(empty @ None) = place {
            *empty = Some(row.string(1));
        }
    }
    let known = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(found.into_iter().map(known).collect())
}

/// What it may be among the ids, and what among the external ones.
fn key(name: &Name<'_>) -> (String, Option<String>) {
    match name {
        Name::Offer(id) => (text::id(id), None),
        Name::External(id) => (text::id(id), Some(id.trim().to_owned())),
    }
}

fn offer(row: &Row) -> Offer {
    let text = |i: usize| row.text(i).map(str::to_owned);
    let unit = text(8).filter(|unit| !unit.is_empty());
    let characteristics = row
        .text(10)
        .and_then(|json| serde_json::from_str(json).ok());
    Offer {
        id: row.string(1),
        external: text(2),
        ms_id: text(3),
        name: row.string(4),
        article: text(5),
        kind: row.string(6),
        price_kopecks: row.int(7),
        // A word that is no id or code of a unit is the unit itself.
        unit: unit.map(|unit| (unit.clone(), text(9).unwrap_or(unit))),
        characteristics: characteristics.unwrap_or_default(),
        archived: row.int(11) == Some(1),
        has_variants: row.int(12) == Some(1),
    }
}

//! What goods name by id: price types, stores, properties and their values, units.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use sklad_store::{Row, Sql, Statement};

use crate::Error;
use crate::goods::{MAX_KEY_CHARS, MAX_NAME_CHARS};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefKind {
    /// A price type (commerceml §2.3, `ТипЦены`).
    PriceType,
    /// A store (`Склад`).
    Store,
    /// A property (`Свойство`).
    Property,
    /// A value of a property (`Справочник`); its parent is the property.
    PropertyValue,
    /// A unit of measure (`ЕдиницаИзмерения`).
    Unit,
    /// A point of sale of МойСклад.
    RetailStore,
}

impl RefKind {
    /// As it is kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PriceType => "price_type",
            Self::Store => "store",
            Self::Property => "property",
            Self::PropertyValue => "value",
            Self::Unit => "unit",
            Self::RetailStore => "retail_store",
        }
    }
}

/// An entry as an importer tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefInput {
    /// Its id in the source, at most 255 characters.
    pub id: String,
    /// Of a value: its property's id.
    pub parent: Option<String>,
    /// Name.
    pub name: String,
    /// Further texts by name: currency, type, address …
    pub data: BTreeMap<String, String>,
    /// Of a price type: its place among them.
    pub position: Option<i64>,
    /// Whether the source deleted it.
    pub deleted: bool,
}

/// An entry as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CatalogRef {
    /// Идентификатор.
    pub id: String,
    /// У значения – его свойство.
    pub parent: Option<String>,
    /// Название.
    pub name: String,
    /// Прочее: валюта, тип, адрес.
    pub data: BTreeMap<String, String>,
    /// Of a price type: its place among them.
    #[serde(skip)]
    pub position: Option<i64>,
    /// Источник его удалил.
    pub archived: bool,
    /// Когда изменено, миллисекунды с 1970 года (UTC).
    pub updated_at: i64,
}

/// The statement that writes entries that are new or differ; it answers a row for each of them. An
/// entry without an id, or with too long a one, is left out.
#[must_use]
pub fn import(
    tenant: &str,
    source: &str,
    kind: RefKind,
    batch: &[RefInput],
    now_ms: i64,
) -> Statement {
    const DIFFERS: &str = "ON CONFLICT (tenant, kind, id) DO UPDATE SET parent = excluded.parent, \
             name = excluded.name, data = excluded.data, source = excluded.source, \
             archived = excluded.archived, position = excluded.position, updated_at = excluded.updated_at \
         WHERE parent IS NOT excluded.parent OR name IS NOT excluded.name \
             OR data IS NOT excluded.data OR archived IS NOT excluded.archived \
             OR position IS NOT excluded.position RETURNING 1";
    insert(tenant, source, kind, batch, now_ms, DIFFERS)
}

/// The statement that writes those entries of which nothing is known; it answers a row for each of them.
#[must_use]
pub fn import_unknown(
    tenant: &str,
    source: &str,
    kind: RefKind,
    batch: &[RefInput],
    now_ms: i64,
) -> Statement {
    let stays = "ON CONFLICT (tenant, kind, id) DO NOTHING RETURNING 1";
    insert(tenant, source, kind, batch, now_ms, stays)
}

fn insert(
    tenant: &str,
    source: &str,
    kind: RefKind,
    batch: &[RefInput],
    now_ms: i64,
    known: &str,
) -> Statement {
    let rows: Vec<Value> = batch.iter().filter_map(row).collect();
    Statement::new(format!(
        "INSERT INTO catalog_refs (tenant, kind, id, parent, name, data, source, archived, position, \
             updated_at) \
         SELECT ?1, ?2, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, ?3, r.value ->> 4, \
             r.value ->> 5, ?5 \
         FROM json_each(?4) r WHERE true {known}"
    ))
    .bind(tenant)
    .bind(kind.name())
    .bind(source)
    .bind(Value::from(rows).to_string())
    .bind(now_ms)
}

fn row(input: &RefInput) -> Option<Value> {
    let id = input.id.trim();
    let name: String = input.name.trim().chars().take(MAX_NAME_CHARS).collect();
    let data = (!input.data.is_empty()).then(|| json!(input.data).to_string());
    (1..=MAX_KEY_CHARS).contains(&id.chars().count()).then(|| {
        let gone = i64::from(input.deleted);
        json!([id, input.parent, name, data, gone, input.position])
    })
}

/// The statement that gives entries of a kind their places: those of `ids`, in this order, come first.
#[must_use]
pub fn arrange(tenant: &str, kind: RefKind, ids: &[String]) -> Statement {
    Statement::new(
        "UPDATE catalog_refs SET position = k.key FROM json_each(?3) k WHERE catalog_refs.tenant = +?1 \
         AND catalog_refs.kind = +?2 AND catalog_refs.id = k.value AND position IS NOT k.key",
    )
    .bind(tenant)
    .bind(kind.name())
    .bind(json!(ids).to_string())
}

/// The statement that archives the entries of a kind that `source` told and whose ids are none of `ids`; it
/// answers a row for each.
#[must_use]
pub fn archive_others(
    tenant: &str,
    source: &str,
    kind: RefKind,
    ids: &[&str],
    now_ms: i64,
) -> Statement {
    Statement::new(
        "UPDATE catalog_refs SET archived = 1, updated_at = ?5 WHERE tenant = ?1 AND kind = ?2 AND source = ?3 \
         AND archived = 0 AND id NOT IN (SELECT value FROM json_each(?4)) RETURNING 1",
    )
    .bind(tenant)
    .bind(kind.name())
    .bind(source)
    .bind(json!(ids).to_string())
    .bind(now_ms)
}

/// The entries of a kind after the id `after`, by id, at most `limit`.
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    tenant: &str,
    kind: RefKind,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<CatalogRef>, Error> {
    let statement = Statement::new(
        "SELECT id, parent, name, data, archived, updated_at, position FROM catalog_refs \
         WHERE tenant = ?1 AND kind = ?2 AND id > ?3 ORDER BY id LIMIT ?4",
    )
    .bind(tenant)
    .bind(kind.name())
    .bind(after.unwrap_or_default())
    .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(entry).collect())
}

fn entry(row: &Row) -> CatalogRef {
    CatalogRef {
        id: row.string(0),
        parent: row.text(1).map(str::to_owned),
        name: row.string(2),
        data: row
            .text(3)
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default(),
        position: row.int(6),
        archived: row.int(4) != Some(0),
        updated_at: row.int(5).unwrap_or_default(),
    }
}

/// The names of these entries, as far as they are known.
pub(crate) async fn names(
    sql: &impl Sql,
    tenant: &str,
    wanted: &[(RefKind, &str)],
) -> Result<BTreeMap<(String, String), String>, Error> {
    let pairs: Vec<_> = wanted.iter().map(|(kind, id)| (kind.name(), id)).collect();
    let statement = Statement::new(
        "SELECT r.kind, r.id, r.name FROM json_each(?2) k CROSS JOIN catalog_refs r \
         ON r.tenant = +?1 AND r.kind = k.value ->> 0 AND r.id = k.value ->> 1",
    )
    .bind(tenant)
    .bind(json!(pairs).to_string());
    let mut names = BTreeMap::new();
    for row in sql.query(statement).await? {
        names.insert((row.string(0), row.string(1)), row.string(2));
    }
    Ok(names)
}

//! The tree of categories. Every row holds its ancestors, so that the quote of a receipt reads
//! them with the good, in one statement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::goods::Upserted;
use crate::{Error, text};

/// The most categories in one batch.
pub const MAX_BATCH: usize = 1000;
/// The most categories of a tenant: the whole tree is read to change it.
pub const MAX_CATEGORIES: usize = 20_000;
/// The deepest a category may lie below the root.
pub const MAX_DEPTH: usize = 64;
/// The longest id, in characters.
pub const MAX_ID_CHARS: usize = 64;
/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 255;
/// How often a change is tried when others change the tree at the same time.
const ATTEMPTS: usize = 4;

/// A category as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CategoryInput {
    /// Идентификатор: UUID или другое имя до 64 знаков.
    pub id: String,
    /// Категория, в которую она входит; без неё – верхний уровень.
    #[serde(default)]
    pub parent: Option<String>,
    /// Название.
    #[serde(default)]
    pub name: String,
}

/// A category as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Category {
    /// Идентификатор.
    pub id: String,
    /// Категория, в которую она входит.
    pub parent: Option<String>,
    /// Название.
    pub name: String,
    /// Она сама и все, в которые она входит, от ближней к дальней.
    pub path: Vec<String>,
    /// Когда изменена, миллисекунды с 1970 года (UTC).
    pub updated_at: i64,
}

/// Creates or changes up to [`MAX_BATCH`] categories in one atomic batch, with the paths of
/// everything below them. A parent may come later in the same batch.
///
/// # Errors
/// [`Error::Invalid`] for a wrong id, an unknown parent, a cycle or too deep a tree (nothing is
/// written then), or the database's.
pub async fn upsert(
    sql: &impl Sql,
    tenant: &str,
    batch: &[CategoryInput],
    now_ms: i64,
) -> Result<Upserted, Error> {
    if batch.len() > MAX_BATCH {
        return Err(Error::invalid("", "не больше 1000 категорий за раз"));
    }
    let batch = checked(batch)?;
    let mut attempt = 1;
    loop {
        match attempt_upsert(sql, tenant, &batch, now_ms).await {
            Err(Error::Sql(SqlError::Conflict)) if attempt < ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

/// The categories after the id `after`, by id, at most `limit`.
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    tenant: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Category>, Error> {
    let statement = Statement::new(
        "SELECT id, parent, name, path, updated_at FROM categories \
         WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )
    .bind(tenant)
    .bind(after.unwrap_or_default())
    .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(category).collect())
}

fn category(row: &Row) -> Category {
    Category {
        id: row.string(0),
        parent: row.text(1).map(str::to_owned),
        name: row.string(2),
        path: row
            .text(3)
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default(),
        updated_at: row.int(4).unwrap_or_default(),
    }
}

fn checked(batch: &[CategoryInput]) -> Result<Vec<CategoryInput>, Error> {
    let refuse =
        |i: usize, field: &str, message: &str| Err(Error::invalid(format!("{i}.{field}"), message));
    let mut out: Vec<CategoryInput> = Vec::with_capacity(batch.len());
    let mut seen = BTreeMap::new();
    for (i, given) in batch.iter().enumerate() {
        let id = text::id(&given.id);
        if !valid_id(&id) {
            return refuse(i, "id", "от 1 до 64 знаков без кавычек и обратной черты");
        }
        if given.name.chars().count() > MAX_NAME_CHARS {
            return refuse(i, "name", "не длиннее 255 знаков");
        }
        if let Some(first) = seen.insert(id.clone(), i) {
            return refuse(i, "id", &format!("та же категория, что и в строке {first}"));
        }
        let parent = given.parent.as_deref().map(text::id);
        out.push(CategoryInput {
            id,
            parent: parent.filter(|p| !p.is_empty()),
            name: given.name.trim().to_owned(),
        });
    }
    Ok(out)
}

/// A quote or a backslash would be written differently in the JSON of the path.
fn valid_id(id: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&id.chars().count())
        && !id.contains(|c: char| c == '"' || c == '\\' || c.is_control())
}

async fn attempt_upsert(
    sql: &impl Sql,
    tenant: &str,
    batch: &[CategoryInput],
    now_ms: i64,
) -> Result<Upserted, Error> {
    let stored = list(sql, tenant, None, MAX_CATEGORIES + 1).await?;
    let mut before: BTreeMap<&str, &Category> = BTreeMap::new();
    let mut parents: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for category in &stored {
        before.insert(&category.id, category);
        parents.insert(&category.id, category.parent.as_deref());
    }
    for category in batch {
        parents.insert(&category.id, category.parent.as_deref());
        names.insert(&category.id, &category.name);
    }
    if parents.len() > MAX_CATEGORIES {
        return Err(Error::invalid("", "не больше 20 000 категорий"));
    }
    let mut upserted = Upserted::default();
    for (i, category) in batch.iter().enumerate() {
        let path = path(&category.id, &parents)
            .map_err(|message| Error::invalid(format!("{i}.parent"), message))?;
        match before.get(category.id.as_str()) {
            None => upserted.created += 1,
            Some(old) if old.name == category.name && old.path == path => upserted.unchanged += 1,
            Some(_) => upserted.changed += 1,
        }
        upserted.ids.push(category.id.clone());
    }
    let rows = changed_rows(&before, &parents, &names)?;
    if !rows.is_empty() {
        let write = write(tenant, &rows, now_ms);
        sql.atomic(vec![unchanged_since(tenant, &stored), write])
            .await?;
    }
    Ok(upserted)
}

/// The category and its ancestors, nearest first.
fn path(id: &str, parents: &BTreeMap<&str, Option<&str>>) -> Result<Vec<String>, &'static str> {
    let mut path = vec![id.to_owned()];
    let mut parent = parents.get(id).copied().flatten();
    while let Some(above) = parent {
        if above == id || path.len() > MAX_DEPTH {
            return Err("категория входит в саму себя или лежит глубже 64 уровней");
        }
        path.push(above.to_owned());
        parent = *parents.get(above).ok_or("такой категории нет")?;
    }
    Ok(path)
}

/// Every row of the new tree that differs from the stored one: what the batch names, and what lies
/// below.
fn changed_rows(
    before: &BTreeMap<&str, &Category>,
    parents: &BTreeMap<&str, Option<&str>>,
    names: &BTreeMap<&str, &str>,
) -> Result<Vec<Value>, Error> {
    let mut rows = Vec::new();
    for (id, parent) in parents {
        let old = before.get(id);
        let old_name = old.map(|c| c.name.as_str()).unwrap_or_default();
        let name = names.get(id).copied().unwrap_or(old_name);
        let path = path(id, parents).map_err(|message| Error::invalid("", message))?;
        let same = old.is_some_and(|c| c.name == name && c.path == path);
        if !same {
            rows.push(json!([id, parent, name, json!(path).to_string()]));
        }
    }
    Ok(rows)
}

/// Fails the batch when somebody else has changed the tree since it was read.
fn unchanged_since(tenant: &str, stored: &[Category]) -> Statement {
    let newest = stored.iter().map(|c| c.updated_at).max();
    Statement::new(
        "SELECT 1 FROM (SELECT count(*) AS n, max(updated_at) AS t FROM categories \
         WHERE tenant = ?1) WHERE n = ?2 AND t IS ?3",
    )
    .bind(tenant)
    .bind(i64::try_from(stored.len()).unwrap_or(i64::MAX))
    .bind(newest)
    .expect_rows(1)
}

fn write(tenant: &str, rows: &[Value], now_ms: i64) -> Statement {
    // Two changes within one millisecond must still look different to a third.
    Statement::new(
        "INSERT INTO categories (tenant, id, parent, name, path, updated_at) \
         SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, \
             max(?3, 1 + (SELECT COALESCE(max(updated_at), 0) FROM categories WHERE tenant = ?1)) \
         FROM json_each(?2) r WHERE true \
         ON CONFLICT (tenant, id) DO UPDATE SET parent = excluded.parent, name = excluded.name, \
             path = excluded.path, updated_at = excluded.updated_at",
    )
    .bind(tenant)
    .bind(Value::from(rows.to_vec()).to_string())
    .bind(now_ms)
}

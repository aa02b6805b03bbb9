//! The tree of categories. Every row holds its ancestors, so that the quote of a receipt reads
//! them with the good, in one statement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::goods::Upserted;
use crate::import::Had;
use crate::import::record::{GONE, LIVE};
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
/// The time of a change, ?3 or later: two changes within one millisecond must look different to a
/// third, see [`unchanged_since`].
const LATER: &str =
    "max(?3, 1 + (SELECT COALESCE(max(updated_at), 0) FROM categories WHERE tenant = ?1))";

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
    /// Из какого импорта; null – заведена оператором.
    pub source: Option<String>,
    /// В источнике её больше нет.
    pub archived: bool,
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

/// A category as an importer tells it. Its parent may come later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryChange {
    /// Its id in the source (`Группа/Ид`, commerceml §2.3): what goods and rules name.
    pub id: String,
    /// The one it lies in.
    pub parent: Option<String>,
    /// Name; what is longer than 255 characters is cut.
    pub name: String,
    /// Which classifier of the source tells it.
    pub classifier: Option<String>,
    /// Whether the source deleted it.
    pub deleted: bool,
}

/// The statement that writes categories that are new or differ; it answers a row for each. One whose
/// id cannot be an id, and a new one beyond [`MAX_CATEGORIES`], is left out. Their paths are wrong until
/// [`rebuild_paths`], or [`paths`].
#[must_use]
pub fn import(tenant: &str, source: &str, batch: &[CategoryChange], now_ms: i64) -> Statement {
    let rows: Vec<Value> = batch.iter().filter_map(row_of).collect();
    Statement::new(format!(
        "INSERT INTO categories (tenant, id, parent, name, path, source, archived, classifier, updated_at) \
         SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2, json_array(r.value ->> 0), ?4, \
             r.value ->> 3, r.value ->> 4, {LATER} FROM json_each(?2) r \
         WHERE r.key + (SELECT count(*) FROM categories WHERE tenant = ?1) < {MAX_CATEGORIES} \
             OR EXISTS (SELECT 1 FROM categories c WHERE c.tenant = ?1 AND c.id = r.value ->> 0) \
         ON CONFLICT (tenant, id) DO UPDATE SET parent = excluded.parent, name = excluded.name, \
             source = excluded.source, archived = excluded.archived, \
             classifier = excluded.classifier, updated_at = excluded.updated_at \
         WHERE parent IS NOT excluded.parent OR name IS NOT excluded.name \
             OR archived IS NOT excluded.archived OR classifier IS NOT excluded.classifier RETURNING 1"
    ))
    .bind(tenant)
    .bind(Value::from(rows).to_string())
    .bind(now_ms)
    .bind(source)
}

/// The id under which a category of a source is kept.
#[must_use]
pub fn kept_id(id: &str) -> String {
    text::id(id)
}

fn row_of(change: &CategoryChange) -> Option<Value> {
    let id = text::id(&change.id);
    let parent = change.parent.as_deref().map(text::id);
    let parent = parent.filter(|parent| valid_id(parent));
    let name: String = change.name.trim().chars().take(MAX_NAME_CHARS).collect();
    let gone = if change.deleted { GONE } else { LIVE };
    valid_id(&id).then(|| json!([id, parent, name, gone, change.classifier]))
}

/// The statements that make the paths of all categories of a tenant anew after [`import`]; only
/// paths that differ are written. One that lies in itself, or deeper than [`MAX_DEPTH`], is told as if
/// it lay at the top; the second statement answers the ids of those that became so.
#[must_use]
pub fn rebuild_paths(tenant: &str, now_ms: i64) -> [Statement; 2] {
    let tree = format!(
        "WITH RECURSIVE tree (id, path, depth) AS (\
             SELECT c.id, json_array(c.id), 1 FROM categories c WHERE c.tenant = ?1 \
                 AND NOT EXISTS (SELECT 1 FROM categories p WHERE p.tenant = ?1 AND p.id = c.parent) \
             UNION ALL SELECT c.id, '[' || json_quote(c.id) || ',' || substr(t.path, 2), t.depth + 1 \
             FROM tree t CROSS JOIN categories c ON c.tenant = ?1 AND c.parent = t.id \
             WHERE t.depth < {MAX_DEPTH})"
    );
    let reached = format!(
        "{tree} INSERT INTO categories (tenant, id, path, updated_at) \
         SELECT ?1, t.id, t.path, {LATER} FROM tree t \
         CROSS JOIN categories c ON c.tenant = ?1 AND c.id = t.id WHERE c.path <> t.path \
         ON CONFLICT (tenant, id) DO UPDATE SET path = excluded.path, updated_at = excluded.updated_at"
    );
    let alone = format!(
        "{tree} UPDATE categories SET path = json_array(id), updated_at = {LATER} \
         WHERE tenant = ?1 AND path <> json_array(id) AND id NOT IN (SELECT id FROM tree) RETURNING id"
    );
    // ?2 is the batch's rows elsewhere.
    [reached, alone].map(|sql| Statement::new(sql).bind(tenant).bind(0).bind(now_ms))
}

/// How many rows one transaction of [`paths`] writes: a till that writes must not wait for long.
const PATHS: usize = 500;

/// What [`rebuild_paths`] does, in transactions of a few rows each: the tree is read, and worked out in
/// memory. Statements of one transaction each, to be run in turn; none when all paths are right.
///
/// # Errors
/// The database's.
pub async fn paths(sql: &impl Sql, tenant: &str, now_ms: i64) -> Result<Vec<Statement>, Error> {
    const WRITE: &str = "UPDATE categories SET path = r.value ->> 1, updated_at = ?3 \
         FROM json_each(?2) r WHERE categories.tenant = +?1 AND categories.id = r.value ->> 0";
    let stored = tree(sql, tenant).await?;
    let parents: BTreeMap<&str, Option<&str>> = stored
        .iter()
        .map(|(id, parent, _)| (id.as_str(), parent.as_deref()))
        .collect();
    let mut rows = Vec::new();
    for (id, _, path) in &stored {
        let right = json!(reachable(id, &parents)).to_string();
        if *path != right {
            rows.push(json!([id, right]));
        }
    }
    let newest = Statement::new("SELECT max(updated_at) FROM categories WHERE tenant = ?1");
    let newest = sql.query(newest.bind(tenant)).await?;
    let newest = newest.first().and_then(|row| row.int(0));
    let at = newest.map_or(now_ms, |newest| now_ms.max(newest.saturating_add(1)));
    let write = |rows: &[Value]| {
        let rows = Value::from(rows.to_vec()).to_string();
        Statement::new(WRITE).bind(tenant).bind(rows).bind(at)
    };
    Ok(rows.chunks(PATHS).map(write).collect())
}

/// Ids, parents and paths of all categories.
async fn tree(
    sql: &impl Sql,
    tenant: &str,
) -> Result<Vec<(String, Option<String>, String)>, Error> {
    let statement = Statement::new(
        "SELECT id, parent, path FROM categories WHERE tenant = ?1 ORDER BY id LIMIT ?2",
    )
    .bind(tenant)
    .bind(i64::try_from(MAX_CATEGORIES).unwrap_or(i64::MAX));
    let rows = sql.query(statement).await?;
    let one = |row: &Row| (row.string(0), row.text(1).map(str::to_owned), row.string(2));
    Ok(rows.iter().map(one).collect())
}

/// The category and its ancestors as far as they are known; itself alone where it lies in itself or deeper
/// than [`MAX_DEPTH`].
fn reachable<'a>(id: &'a str, parents: &BTreeMap<&'a str, Option<&'a str>>) -> Vec<&'a str> {
    let mut path = vec![id];
    let mut parent = parents.get(id).copied().flatten();
    while let Some(above) = parent.filter(|above| parents.contains_key(above)) {
        if path.len() >= MAX_DEPTH {
            return vec![id];
        }
        path.push(above);
        parent = parents.get(above).copied().flatten();
    }
    path
}

/// Whether a tenant has all the categories that it may have.
///
/// # Errors
/// The database's.
pub async fn is_full(sql: &impl Sql, tenant: &str) -> Result<bool, Error> {
    let count = Statement::new("SELECT count(*) FROM categories WHERE tenant = ?1").bind(tenant);
    let rows = sql.query(count).await?;
    let count = rows.first().and_then(|row| row.int(0)).unwrap_or_default();
    Ok(usize::try_from(count).is_ok_and(|count| count >= MAX_CATEGORIES))
}

/// The statement that archives the categories of a classifier of a source that [`Had`] does not have; it
/// answers a row for each.
#[must_use]
pub fn archive_absent(
    tenant: &str,
    source: &str,
    classifier: &str,
    had: &Had,
    now_ms: i64,
) -> Statement {
    let (from, to) = had.bounds();
    Statement::new(format!(
        "UPDATE categories SET archived = {GONE}, updated_at = {LATER} \
         WHERE tenant = ?1 AND source = ?2 AND classifier = ?4 AND archived = {LIVE} \
             AND id NOT IN (SELECT j.value FROM import_seen s CROSS JOIN json_each(s.goods) j \
                 WHERE s.tenant = ?1 AND s.import >= ?5 AND s.import < ?6) RETURNING 1"
    ))
    .bind(tenant)
    .bind(source)
    .bind(now_ms)
    .bind(classifier)
    .bind(from)
    .bind(to)
}

/// The statement that archives the categories of a source that a full import did not have (noted by
/// [`crate::import::seen_ids`] under `import`); it answers a row for each.
#[must_use]
pub fn archive_missing(tenant: &str, source: &str, import: &str, now_ms: i64) -> Statement {
    Statement::new(format!(
        "UPDATE categories SET archived = {GONE}, updated_at = {LATER} \
         WHERE tenant = ?1 AND source = ?4 AND archived = {LIVE} AND id NOT IN (SELECT j.value \
             FROM import_seen s CROSS JOIN json_each(s.goods) j WHERE s.tenant = ?1 AND s.import = ?2) \
         RETURNING 1"
    ))
    .bind(tenant)
    .bind(import)
    .bind(now_ms)
    .bind(source)
}

/// Which categories.
#[derive(Debug, Clone, Copy, Default)]
pub struct CategoryQuery<'a> {
    /// Directly in this one; an empty text is the top.
    pub parent: Option<&'a str>,
    /// Only what comes after this id.
    pub after: Option<&'a str>,
    /// At most so many.
    pub limit: usize,
}

/// One page of categories, by id.
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    tenant: &str,
    query: &CategoryQuery<'_>,
) -> Result<Vec<Category>, Error> {
    const ALL: &str = "SELECT id, parent, name, path, source, archived, updated_at FROM categories \
         WHERE tenant = ?1 AND id > ?2 AND ?4 IS NULL ORDER BY id LIMIT ?3";
    const WITHIN: &str = "SELECT id, parent, name, path, source, archived, updated_at FROM categories \
         WHERE tenant = ?1 AND id > ?2 AND parent IS ?4 ORDER BY id LIMIT ?3";
    let which = if query.parent.is_some() { WITHIN } else { ALL };
    let statement = Statement::new(which)
        .bind(tenant)
        .bind(query.after.unwrap_or_default())
        .bind(i64::try_from(query.limit).unwrap_or(i64::MAX))
        .bind(query.parent.map(text::id).filter(|id| !id.is_empty()));
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
        source: row.text(4).map(str::to_owned),
        archived: row.int(5) != Some(0),
        updated_at: row.int(6).unwrap_or_default(),
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
    let everything = CategoryQuery {
        limit: MAX_CATEGORIES + 1,
        ..CategoryQuery::default()
    };
    let stored = list(sql, tenant, &everything).await?;
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
    Statement::new(format!(
        "INSERT INTO categories (tenant, id, parent, name, path, updated_at) \
         SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, {LATER} \
         FROM json_each(?2) r WHERE true \
         ON CONFLICT (tenant, id) DO UPDATE SET parent = excluded.parent, name = excluded.name, \
             path = excluded.path, updated_at = excluded.updated_at",
    ))
    .bind(tenant)
    .bind(Value::from(rows.to_vec()).to_string())
    .bind(now_ms)
}

//! The statements of a plan.

use std::sync::OnceLock;

use serde_json::json;
use sklad_store::Statement;

use super::Plan;
use super::record::{COLUMNS, FIXED, GONE, LIVE, Record, WITH_PRODUCT};
use super::work::{Item, Work};

/// How many rows the statements that write goods have: few texts, so that the host finds them
/// compiled. The most parameters of a statement are 32,766.
const SIZES: [usize; 3] = [64, 8, 1];
/// The parameters of a row.
const WIDTH: usize = COLUMNS.len() + 1;
/// The parameters that all rows share: tenant and time.
const SHARED: usize = 2;

/// The statements of a finished batch, and what they do.
pub fn plan(tenant: &str, mut work: Work, now_ms: i64) -> Plan {
    work.finish();
    let mut statements = Vec::new();
    let merged = merged(tenant, &work, now_ms, &mut statements);
    moved(tenant, &work, &mut statements);
    let joined = joined(tenant, &work, now_ms);
    let cascade = cascade(tenant, &work, now_ms);
    let terms = terms(tenant, &work.items);
    let id_of = |at: usize| work.items.get(at).map(|item| item.now.id.clone());
    let goods: Vec<Option<String>> = work.targets.iter().map(|at| id_of((*at)?)).collect();
    let goods = std::mem::take(&mut work.again).with(goods);
    let learnt = learnt(tenant, &work);
    let told = told(tenant, &work.items);
    rows(tenant, work.items, now_ms, &mut statements);
    statements.extend(told);
    statements.extend(merged);
    statements.extend(joined);
    statements.extend(cascade);
    statements.extend(terms);
    statements.extend(learnt);
    Plan {
        statements,
        counts: work.counts,
        warnings: work.warnings,
        goods,
    }
}

/// What goes before all else when goods were merged; answers what follows the winners' rows.
fn merged(tenant: &str, work: &Work, now_ms: i64, first: &mut Vec<Statement>) -> Vec<Statement> {
    const DELETE: &str =
        "DELETE FROM goods WHERE tenant = ?1 AND id = ?2 AND version = ?3 RETURNING 1";
    const KEYS: &str = "UPDATE good_ids SET good = ?3 WHERE tenant = ?1 AND good = ?2";
    const VARIANTS: &str = "UPDATE goods SET parent = ?3, told = NULL, version = version + 1, updated_at = ?4 \
         WHERE tenant = ?1 AND parent = ?2";
    let mut then = Vec::new();
    for item in &work.items {
        let Some(before) = item.before.as_ref().filter(|_| item.merged_into.is_some()) else {
            continue;
        };
        let about = |sql: &'static str| Statement::new(sql).bind(tenant).bind(&before.id);
        let Some(winner) = work.last(item) else {
            continue;
        };
        first.push(about(DELETE).bind(before.version).expect_rows(1));
        then.push(about(KEYS).bind(&winner.now.id));
        then.push(about(VARIANTS).bind(&winner.now.id).bind(now_ms));
    }
    then
}

/// External ids, products and sources that changed: few, and not part of the rows' own statement,
/// which would rewrite their indexes each time. Ids go before others take them.
fn moved(tenant: &str, work: &Work, statements: &mut Vec<Statement>) {
    const CLEAR: &str = "UPDATE goods SET external = NULL WHERE tenant = ?1 AND id = ?2";
    const SET: &str = "UPDATE goods SET external = ?3, parent = ?4, source = ?5 \
         WHERE tenant = ?1 AND id = ?2";
    let mut then = Vec::new();
    for item in &work.items {
        let (Some(before), now) = (&item.before, &item.now) else {
            continue;
        };
        let same = before.external == now.external
            && before.parent == now.parent
            && before.source == now.source;
        if same || item.merged_into.is_some() {
            continue;
        }
        let about = |sql: &'static str| Statement::new(sql).bind(tenant).bind(&now.id);
        if before.external.is_some() && before.external != now.external {
            statements.push(about(CLEAR));
        }
        let set = about(SET).bind(now.external.clone());
        then.push(set.bind(now.parent.clone()).bind(now.source.clone()));
    }
    statements.append(&mut then);
}

/// Variants that were here before their products become theirs.
fn joined(tenant: &str, work: &Work, now_ms: i64) -> Option<Statement> {
    const JOIN: &str = "UPDATE goods SET kind = 'variant', told = NULL, version = version + 1, \
             updated_at = ?3, parent = (SELECT p.id FROM goods p INDEXED BY goods_by_external \
                 WHERE p.tenant = ?1 \
                     AND p.external = substr(goods.external, 1, instr(goods.external, '#') - 1)) \
         WHERE tenant = ?1 AND id IN (SELECT g.id FROM json_each(?2) r \
             CROSS JOIN goods g INDEXED BY goods_by_external ON g.tenant = +?1 \
                 AND g.external > r.value || '#' AND g.external < r.value || '$' \
             WHERE g.parent IS NULL)";
    let new = work.items.iter().filter(|item| is_newly_called(item));
    let rows: Vec<&String> = new.filter_map(|item| item.now.external.as_ref()).collect();
    (!rows.is_empty()).then(|| each(JOIN, tenant, json!(rows).to_string()).bind(now_ms))
}

/// Whether it is a product whose external id was nobody's before.
fn is_newly_called(item: &Item) -> bool {
    let before = item.before.as_ref().and_then(|good| good.external.as_ref());
    let now = item.now.external.as_ref().filter(|id| !id.contains('#'));
    item.merged_into.is_none() && item.now.parent.is_none() && now.is_some() && now != before
}

/// A product's categories are its variants', also of those that the batch does not name, and they go and
/// come back with it.
fn cascade(tenant: &str, work: &Work, now_ms: i64) -> Option<Statement> {
    static CASCADE: OnceLock<String> = OnceLock::new();
    let text = CASCADE.get_or_init(|| {
        let product = format!(
            "(SELECT p.category, p.categories, \
                 CASE WHEN goods.archived = {LIVE} AND p.archived = {GONE} THEN {WITH_PRODUCT} \
                     WHEN goods.archived = {WITH_PRODUCT} AND p.archived <> {GONE} THEN {LIVE} \
                     ELSE goods.archived END \
                 FROM goods p WHERE p.tenant = ?1 AND p.id = goods.parent)"
        );
        format!(
            "UPDATE goods SET (category, categories, archived) = {product}, \
                 told = NULL, version = version + 1, updated_at = ?3 \
             WHERE tenant = ?1 AND parent IN (SELECT value FROM json_each(?2)) \
                 AND (category, categories, archived) IS NOT {product}"
        )
    });
    let merged: Vec<&str> = work
        .items
        .iter()
        .filter_map(|item| {
            item.merged_into?;
            work.last(item).map(|winner| winner.now.id.as_str())
        })
        .collect();
    let mut ids: Vec<&str> = Vec::new();
    for item in &work.items {
        let now = &item.now;
        let differs = |before: &Record| {
            before.category != now.category
                || before.categories != now.categories
                || before.archived != now.archived
                || merged.contains(&now.id.as_str())
        };
        let product = item.merged_into.is_none() && now.parent.is_none();
        if product && (item.before.as_ref().is_some_and(differs) || is_newly_called(item)) {
            ids.push(&now.id);
        }
    }
    (!ids.is_empty()).then(|| each(text, tenant, json!(ids).to_string()).bind(now_ms))
}

/// What was told of goods that stay as they are: no change of theirs, so their versions stay too.
fn told(tenant: &str, items: &[Item]) -> Option<Statement> {
    const TELL: &str = "UPDATE goods NOT INDEXED SET told = r.value ->> 3 FROM json_each(?2) r \
         WHERE goods.rowid = r.value ->> 0 AND goods.tenant = +?1 AND goods.id = r.value ->> 1 \
             AND goods.version = r.value ->> 2";
    let mut rows = Vec::new();
    for item in items {
        let now = &item.now;
        let before = item.before.as_ref();
        let stays = item.changed == 0 && item.merged_into.is_none();
        if stays && before.is_some_and(|before| before.told != now.told) {
            rows.push((item.age, &now.id, now.version, now.told.text()));
        }
    }
    (!rows.is_empty()).then(|| each(TELL, tenant, json!(rows).to_string()))
}

/// The rows that differ, in statements of few sizes.
fn rows(tenant: &str, items: Vec<Item>, now_ms: i64, statements: &mut Vec<Statement>) {
    let mut new: Vec<Record> = Vec::new();
    let mut known: Vec<Record> = Vec::new();
    for item in items {
        if item.merged_into.is_some() || item.changed == 0 {
            continue;
        }
        let version = item.before.as_ref().map_or(0, |before| before.version);
        let rows = if version == 0 { &mut new } else { &mut known };
        rows.push(Record {
            version: version.saturating_add(1),
            ..item.now
        });
    }
    static NEW: Texts = [const { OnceLock::new() }; SIZES.len()];
    static KNOWN: Texts = [const { OnceLock::new() }; SIZES.len()];
    bound(tenant, now_ms, new, &NEW, insert, statements);
    bound(tenant, now_ms, known, &KNOWN, update, statements);
}

/// The texts of a statement for each of [`SIZES`], made once.
type Texts = [OnceLock<String>; SIZES.len()];

fn bound(
    tenant: &str,
    now_ms: i64,
    rows: Vec<Record>,
    texts: &'static Texts,
    make: fn(usize) -> String,
    statements: &mut Vec<Statement>,
) {
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    for (text, size) in texts.iter().zip(SIZES) {
        while left >= size {
            let text = text.get_or_init(|| make(size)).as_str();
            let mut statement = Statement::new(text).bind(tenant).bind(now_ms);
            for value in rows.by_ref().take(size).flat_map(Record::values) {
                statement = statement.bind(value);
            }
            statements.push(statement.expect_rows(size));
            left = left.saturating_sub(size);
        }
    }
}

/// Writes new rows. One that is there already, under this id or external one, is left out, and the
/// batch, which expects all, is a conflict. `OR IGNORE`: a statement that cannot fail half-way needs
/// no copies of the pages that it changes.
fn insert(size: usize) -> String {
    let (columns, values) = (COLUMNS.join(", "), values(size));
    format!(
        "INSERT OR IGNORE INTO goods (tenant, updated_at, {columns}, name_key) VALUES {values} \
         RETURNING 1"
    )
}

/// Writes rows over those that are stored. One that is not as it was read is left out.
fn update(size: usize) -> String {
    let (columns, values) = (COLUMNS.join(", "), values(size));
    let free = COLUMNS.iter().skip(FIXED);
    let set: Vec<String> = free
        .chain(["version", "name_key", "updated_at"].iter())
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let set = set.join(", ");
    format!(
        "INSERT INTO goods (tenant, updated_at, {columns}, name_key) VALUES {values} \
         ON CONFLICT DO UPDATE SET {set} \
         WHERE goods.id = excluded.id AND goods.version = excluded.version - 1 RETURNING 1"
    )
}

/// So many rows of parameters.
fn values(size: usize) -> String {
    let row = |n: usize| {
        let first = SHARED + n * WIDTH;
        let values: Vec<String> = (1..=WIDTH).map(|i| format!("?{}", first + i)).collect();
        format!("(?1, ?2, {})", values.join(", "))
    };
    (0..size).map(row).collect::<Vec<_>>().join(", ")
}

/// What goods are no longer found by, and what they are found by now.
fn terms(tenant: &str, items: &[Item]) -> Vec<Statement> {
    let mut gone: Vec<(&str, String, &str)> = Vec::new();
    let mut new: Vec<(&str, String, &str)> = Vec::new();
    for item in items {
        let (before, now) = (item.before.as_ref(), &item.now);
        let stays = item.merged_into.is_none();
        if stays && before.is_some_and(|before| before.same_terms(now)) {
            continue;
        }
        let old = before.map(Record::terms).unwrap_or_default();
        let terms = if stays { now.terms() } else { Vec::new() };
        gone.extend(
            old.iter()
                .filter(|t| !terms.contains(t))
                .map(|(k, v)| (*k, v.clone(), now.id.as_str())),
        );
        new.extend(
            terms
                .into_iter()
                .filter(|t| !old.contains(t))
                .map(|(k, v)| (k, v, now.id.as_str())),
        );
    }
    // In the order of the table: each of its pages is found once.
    new.sort();
    let delete = "DELETE FROM good_terms WHERE tenant = ?1 AND (kind, value, good) IN \
         (SELECT r.value ->> 0, r.value ->> 1, r.value ->> 2 FROM json_each(?2) r)";
    let insert = "INSERT OR IGNORE INTO good_terms (tenant, kind, value, good) \
         SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2 FROM json_each(?2) r";
    let both = [(delete, gone), (insert, new)].into_iter();
    both.filter(|(_, rows)| !rows.is_empty())
        .map(|(sql, rows)| each(sql, tenant, json!(rows).to_string()))
        .collect()
}

/// The ids that were not known. One that somebody else has learnt in between is a conflict.
fn learnt(tenant: &str, work: &Work) -> Option<Statement> {
    let mut rows: Vec<(&str, &str)> = Vec::new();
    for (value, at) in &work.learnt {
        let good = work.items.get(*at).map(|item| item.now.id.as_str());
        let new = good.filter(|good| good != value && !rows.iter().any(|row| row.0 == value));
        rows.extend(new.map(|good| (value.as_str(), good)));
    }
    let count = rows.len();
    let insert = "INSERT OR IGNORE INTO good_ids (tenant, kind, value, good) \
         SELECT ?1, 'uuid', r.value ->> 0, r.value ->> 1 FROM json_each(?2) r RETURNING 1";
    (count > 0).then(|| each(insert, tenant, json!(rows).to_string()).expect_rows(count))
}

/// A statement over the rows of a JSON array.
fn each(sql: &'static str, tenant: &str, rows: String) -> Statement {
    Statement::new(sql).bind(tenant).bind(rows)
}

//! Goods: upsert in batches, one with everything, archive.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sklad_store::{Row, Sql, Statement};
use uuid::Uuid;

use crate::{Error, text};

/// The most goods in one batch.
pub const MAX_BATCH: usize = 1000;
/// The longest name of a good, in characters.
pub const MAX_NAME_CHARS: usize = 500;
/// The longest article, code, barcode or external id, in characters.
pub const MAX_KEY_CHARS: usize = 255;
/// The most barcodes of one good.
pub const MAX_BARCODES: usize = 200;
/// The greatest price, in kopecks: ten thousand million rubles.
pub const MAX_PRICE: i64 = 1_000_000_000_000;

/// Under which new ids are made from external ones, so that a repeated import makes the same.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_4f0e_6d8b_4c55_9a37_2c84_51d0_7e11);

/// A good as it is written. One of `id`, `ms_id`, `sync_id`, `external` must be there: by them the
/// good is recognised. What is absent of these is kept; every other absent field is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct GoodInput {
    /// Наш идентификатор (UUID); у нового товара можно не указывать.
    pub id: Option<String>,
    /// Идентификатор в МойСклад (UUID).
    pub ms_id: Option<String>,
    /// syncId кассы (UUID).
    pub sync_id: Option<String>,
    /// Идентификатор во внешней системе.
    pub external: Option<String>,
    /// Название.
    pub name: String,
    /// Артикул.
    pub article: Option<String>,
    /// Код.
    pub code: Option<String>,
    /// Штрихкоды.
    pub barcodes: Vec<String>,
    /// Идентификатор категории.
    pub category: Option<String>,
    /// Цена, копейки.
    pub price_kopecks: Option<i64>,
    /// Минимальная цена, копейки: ниже неё скидка не опускает.
    pub min_price_kopecks: Option<i64>,
    /// Скидки запрещены.
    pub discount_prohibited: bool,
    /// Табак.
    pub tobacco: bool,
    /// Весовой товар: позицию чека с ним нельзя разделить на две.
    pub weighed: bool,
    /// В архиве.
    pub archived: bool,
}

/// A good as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Good {
    /// Наш идентификатор.
    pub id: String,
    /// Идентификатор в МойСклад.
    pub ms_id: Option<String>,
    /// syncId кассы.
    pub sync_id: Option<String>,
    /// Идентификатор во внешней системе.
    pub external: Option<String>,
    /// Название.
    pub name: String,
    /// Артикул.
    pub article: Option<String>,
    /// Код.
    pub code: Option<String>,
    /// Штрихкоды.
    pub barcodes: Vec<String>,
    /// Идентификатор категории.
    pub category: Option<String>,
    /// Цена, копейки.
    pub price_kopecks: Option<i64>,
    /// Минимальная цена, копейки.
    pub min_price_kopecks: Option<i64>,
    /// Скидки запрещены.
    pub discount_prohibited: bool,
    /// Табак.
    pub tobacco: bool,
    /// Весовой товар: позицию чека с ним нельзя разделить на две.
    pub weighed: bool,
    /// В архиве.
    pub archived: bool,
    /// Когда изменён, миллисекунды с 1970 года (UTC).
    pub updated_at: i64,
}

/// What a batch did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Upserted {
    /// Сколько создано.
    pub created: usize,
    /// Сколько изменено.
    pub changed: usize,
    /// Сколько осталось как было.
    pub unchanged: usize,
    /// Идентификаторы в порядке запроса.
    pub ids: Vec<String>,
}

/// The columns of [`good`], in its order.
pub(crate) const COLUMNS: &str = "g.id, g.ms_id, g.sync_id, g.external, g.name, g.article, g.code, \
     g.barcodes, g.category, g.price, g.min_price, g.discount_prohibited, g.tobacco, g.archived, \
     g.updated_at, g.weighed";

pub(crate) fn good(row: &Row) -> Good {
    let text = |i| row.text(i).map(str::to_owned);
    let flag = |i| row.int(i) == Some(1);
    Good {
        id: row.string(0),
        ms_id: text(1),
        sync_id: text(2),
        external: text(3),
        name: row.string(4),
        article: text(5),
        code: text(6),
        barcodes: row
            .text(7)
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default(),
        category: text(8),
        price_kopecks: row.int(9),
        min_price_kopecks: row.int(10),
        discount_prohibited: flag(11),
        tobacco: flag(12),
        archived: flag(13),
        updated_at: row.int(14).unwrap_or_default(),
        weighed: flag(15),
    }
}

/// Creates or changes up to [`MAX_BATCH`] goods in one atomic batch. Repeating it changes nothing.
///
/// # Errors
/// [`Error::Invalid`] with the place of the first good that is refused (nothing is written then),
/// or the database's.
pub async fn upsert(
    sql: &impl Sql,
    tenant: &str,
    goods: &[GoodInput],
    now_ms: i64,
) -> Result<Upserted, Error> {
    if goods.is_empty() {
        return Ok(Upserted::default());
    }
    if goods.len() > MAX_BATCH {
        return Err(Error::invalid("", "не больше 1000 товаров за раз"));
    }
    let mut batch = Vec::with_capacity(goods.len());
    for (i, good) in goods.iter().enumerate() {
        batch.push(checked(good).map_err(|(field, message)| at(i, field, message))?);
    }
    let known = known_keys(sql, tenant, &batch).await?;
    // Inserted one by one, here and below: to collect a set or map is to sort it first, and every
    // sort is five kilobytes of a component.
    let mut existing = BTreeSet::new();
    existing.extend(known.values());
    let ids = identify(tenant, &batch, &known)?;
    let answer = sql.atomic(statements(tenant, &batch, &ids, now_ms)).await?;
    let written = answer.first().map_or(0, Vec::len);
    let created = ids.iter().filter(|id| !existing.contains(id)).count();
    Ok(Upserted {
        created,
        changed: written.saturating_sub(created),
        unchanged: ids.len().saturating_sub(written),
        ids,
    })
}

/// The statement that puts a good into the archive, or takes it out. Its batch is a conflict when the
/// good is not there, or is there already.
#[must_use]
pub fn archive(tenant: &str, id: &str, archived: bool, now_ms: i64) -> Statement {
    Statement::new(
        "UPDATE goods SET archived = ?3, updated_at = ?4 \
         WHERE tenant = ?1 AND id = ?2 AND archived <> ?3 RETURNING 1",
    )
    .bind(tenant)
    .bind(text::id(id))
    .bind(archived)
    .bind(now_ms)
    .expect_rows(1)
}

/// The good that `key` names: our id, МойСклад's, the till's syncId, or the external one.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, key: &str) -> Result<Option<Good>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM (SELECT kind, good FROM good_keys WHERE tenant = ?1 AND kind = 'uuid' AND value = ?2 \
         UNION ALL SELECT kind, good FROM good_keys WHERE tenant = ?1 AND kind = 'external' AND value = ?3) k \
         CROSS JOIN goods g ON g.tenant = ?1 AND g.id = k.good ORDER BY k.kind DESC LIMIT 1"
    ))
    .bind(tenant)
    .bind(text::id(key))
    .bind(key.trim());
    let rows = sql.query(statement).await?;
    Ok(rows.first().map(good))
}

fn at(index: usize, field: &str, message: &str) -> Error {
    let path = if field.is_empty() {
        index.to_string()
    } else {
        format!("{index}.{field}")
    };
    Error::invalid(path, message)
}

/// The good in the form in which it is kept, or the field that is wrong and why.
fn checked(good: &GoodInput) -> Result<GoodInput, (&'static str, &'static str)> {
    let uuid = |field, value: &Option<String>| match value.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(v) => text::uuid(v).map(Some).ok_or((field, "нужен UUID")),
    };
    let word = |field, value: &Option<String>| match value.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(v) if v.chars().count() > MAX_KEY_CHARS => Err((field, "не длиннее 255 знаков")),
        Some(v) => Ok(Some(v.to_owned())),
    };
    let price = |field, value: Option<i64>| match value {
        Some(v) if !(0..=MAX_PRICE).contains(&v) => Err((field, "цена вне допустимых пределов")),
        other => Ok(other),
    };
    if good.name.chars().count() > MAX_NAME_CHARS {
        return Err(("name", "не длиннее 500 знаков"));
    }
    let out = GoodInput {
        id: uuid("id", &good.id)?,
        ms_id: uuid("ms_id", &good.ms_id)?,
        sync_id: uuid("sync_id", &good.sync_id)?,
        external: word("external", &good.external)?,
        name: good.name.trim().to_owned(),
        article: word("article", &good.article)?,
        code: word("code", &good.code)?,
        barcodes: barcodes(&good.barcodes)?,
        category: word("category", &good.category)?.map(|c| text::id(&c)),
        price_kopecks: price("price_kopecks", good.price_kopecks)?,
        min_price_kopecks: price("min_price_kopecks", good.min_price_kopecks)?,
        ..good.clone()
    };
    if names(&out).is_empty() {
        return Err(("", "нужен id, ms_id, sync_id или external"));
    }
    Ok(out)
}

fn barcodes(given: &[String]) -> Result<Vec<String>, (&'static str, &'static str)> {
    let mut out: Vec<String> = Vec::with_capacity(given.len());
    for barcode in given.iter().map(|b| b.trim()).filter(|b| !b.is_empty()) {
        if barcode.chars().count() > MAX_KEY_CHARS {
            return Err(("barcodes", "штрихкод не длиннее 255 знаков"));
        }
        if !out.iter().any(|b| b == barcode) {
            out.push(barcode.to_owned());
        }
    }
    if out.len() > MAX_BARCODES {
        return Err(("barcodes", "не больше 200 штрихкодов"));
    }
    Ok(out)
}

/// What names this good and no other: kind and value.
fn names(good: &GoodInput) -> Vec<(&'static str, &str)> {
    let uuids = [&good.id, &good.ms_id, &good.sync_id];
    let uuids = uuids.into_iter().flatten().map(|v| ("uuid", v.as_str()));
    let external = good.external.as_deref().map(|v| ("external", v));
    uuids.chain(external).collect()
}

type Known = BTreeMap<(String, String), String>;

/// Which goods the names of the batch belong to already.
async fn known_keys(sql: &impl Sql, tenant: &str, batch: &[GoodInput]) -> Result<Known, Error> {
    let names: Vec<_> = batch.iter().flat_map(names).collect();
    let statement = Statement::new(
        "SELECT k.kind, k.value, k.good FROM json_each(?2) n CROSS JOIN good_keys k \
         ON k.tenant = ?1 AND k.kind = n.value ->> 0 AND k.value = n.value ->> 1",
    )
    .bind(tenant)
    .bind(json!(names).to_string());
    let rows = sql.query(statement).await?;
    let mut known = Known::new();
    known.extend(
        rows.iter()
            .map(|row| ((row.string(0), row.string(1)), row.string(2))),
    );
    Ok(known)
}

/// The id of each good of the batch, known or new.
fn identify(tenant: &str, batch: &[GoodInput], known: &Known) -> Result<Vec<String>, Error> {
    let mut ids = Vec::with_capacity(batch.len());
    let mut taken: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for (i, good) in batch.iter().enumerate() {
        let names = names(good);
        let mut owners: Vec<&String> = Vec::new();
        for (kind, value) in &names {
            let owner = known.get(&((*kind).to_owned(), (*value).to_owned()));
            owners.extend(owner.filter(|owner| !owners.contains(owner)));
        }
        let id = match owners.as_slice() {
            [] => new_id(tenant, good),
            [owner] => (*owner).clone(),
            _ => return Err(at(i, "", "идентификаторы принадлежат разным товарам")),
        };
        let own = [("uuid", id.as_str())];
        for (kind, value) in names.into_iter().chain(own) {
            let first = *taken.entry((kind, value.to_owned())).or_insert(i);
            if first != i {
                let message = format!("тот же товар, что и в строке {first}");
                return Err(at(i, "", &message));
            }
        }
        ids.push(id);
    }
    Ok(ids)
}

fn new_id(tenant: &str, good: &GoodInput) -> String {
    let given = [&good.id, &good.ms_id, &good.sync_id];
    given
        .into_iter()
        .flatten()
        .next()
        .cloned()
        .unwrap_or_else(|| {
            let external = good.external.as_deref().unwrap_or_default();
            let name = format!("{tenant}\0{external}");
            Uuid::new_v5(&NAMESPACE, name.as_bytes())
                .hyphenated()
                .to_string()
        })
}

/// One parameter for all rows; only rows that differ are written, and only their keys.
fn statements(tenant: &str, batch: &[GoodInput], ids: &[String], now_ms: i64) -> Vec<Statement> {
    let rows: Vec<Value> = batch
        .iter()
        .zip(ids)
        .map(|(good, id)| row(good, id))
        .collect();
    let rows = Value::from(rows).to_string();
    let each = |sql: &'static str| Statement::new(sql).bind(tenant).bind(&rows).bind(now_ms);
    vec![each(WRITE_GOODS), each(DROP_KEYS), each(WRITE_KEYS)]
}

fn row(good: &GoodInput, id: &str) -> Value {
    json!([
        id,
        good.ms_id,
        good.sync_id,
        good.external,
        good.name,
        text::name_key(&good.name),
        good.article,
        good.code,
        json!(good.barcodes).to_string(),
        good.category,
        good.price_kopecks,
        good.min_price_kopecks,
        i64::from(good.discount_prohibited),
        i64::from(good.tobacco),
        i64::from(good.archived),
        keys(good, id),
        i64::from(good.weighed),
    ])
}

/// Everything that the good is found by: pairs of kind and value.
fn keys(good: &GoodInput, id: &str) -> Vec<(&'static str, String)> {
    let mut keys: Vec<_> = names(good)
        .into_iter()
        .map(|(kind, value)| (kind, value.to_owned()))
        .collect();
    keys.push(("uuid", id.to_owned()));
    keys.extend(good.article.iter().map(|v| ("article", text::fold(v))));
    keys.extend(good.code.iter().map(|v| ("code", text::fold(v))));
    keys.extend(good.barcodes.iter().map(|v| ("barcode", v.clone())));
    keys
}

const WRITE_GOODS: &str = "\
    INSERT INTO goods (tenant, id, ms_id, sync_id, external, name, name_key, article, code, barcodes, \
        category, price, min_price, discount_prohibited, tobacco, archived, weighed, updated_at) \
    SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, \
        r.value ->> 5, r.value ->> 6, r.value ->> 7, r.value ->> 8, r.value ->> 9, r.value ->> 10, \
        r.value ->> 11, r.value ->> 12, r.value ->> 13, r.value ->> 14, r.value ->> 16, ?3 \
    FROM json_each(?2) r WHERE true \
    ON CONFLICT (tenant, id) DO UPDATE SET ms_id = COALESCE(excluded.ms_id, ms_id), \
        sync_id = COALESCE(excluded.sync_id, sync_id), \
        external = COALESCE(excluded.external, external), name = excluded.name, \
        name_key = excluded.name_key, article = excluded.article, code = excluded.code, \
        barcodes = excluded.barcodes, category = excluded.category, price = excluded.price, \
        min_price = excluded.min_price, discount_prohibited = excluded.discount_prohibited, \
        tobacco = excluded.tobacco, archived = excluded.archived, weighed = excluded.weighed, \
        updated_at = excluded.updated_at \
    WHERE ms_id IS NOT COALESCE(excluded.ms_id, ms_id) \
        OR sync_id IS NOT COALESCE(excluded.sync_id, sync_id) \
        OR external IS NOT COALESCE(excluded.external, external) \
        OR name IS NOT excluded.name OR article IS NOT excluded.article \
        OR code IS NOT excluded.code OR barcodes IS NOT excluded.barcodes \
        OR category IS NOT excluded.category OR price IS NOT excluded.price \
        OR min_price IS NOT excluded.min_price \
        OR discount_prohibited IS NOT excluded.discount_prohibited \
        OR tobacco IS NOT excluded.tobacco OR archived IS NOT excluded.archived \
        OR weighed IS NOT excluded.weighed \
    RETURNING 1";

// A row that was just written carries this batch's time. The keys of the kind uuid stay: the till
// may know a good by an id that the batch does not name; so does an external one that is kept.
const DROP_KEYS: &str = "\
    DELETE FROM good_keys WHERE tenant = ?1 AND (kind IN ('article', 'code', 'barcode') \
        OR (kind = 'external' AND value IS NOT \
            (SELECT external FROM goods o WHERE o.tenant = ?1 AND o.id = good))) \
        AND good IN (SELECT g.id FROM json_each(?2) r CROSS JOIN goods g \
            ON g.tenant = ?1 AND g.id = r.value ->> 0 AND +g.updated_at = ?3)";

const WRITE_KEYS: &str = "\
    INSERT INTO good_keys (tenant, kind, value, good) \
    SELECT ?1, k.value ->> 0, k.value ->> 1, g.id FROM json_each(?2) r \
        CROSS JOIN goods g ON g.tenant = ?1 AND g.id = r.value ->> 0 AND +g.updated_at = ?3 \
        CROSS JOIN json_each(r.value, '$[15]') k WHERE true \
    ON CONFLICT (tenant, kind, value, good) DO NOTHING";

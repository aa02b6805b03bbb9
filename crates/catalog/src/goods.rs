//! Goods: upsert in batches, one with everything, archive.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::import::record::{LIVE, WITH_PRODUCT};
use crate::import::{self, Change, Keys, Options, Plan};
use crate::{Error, ids, text};

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
/// How often a batch is tried when others change the same goods at the same time.
const ATTEMPTS: usize = 4;

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
    /// product, variant, service или bundle.
    pub kind: String,
    /// У модификации – её товар.
    pub parent: Option<String>,
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
     g.barcodes, g.category, g.price, g.min_price, g.discount_prohibited, g.tobacco, \
     g.archived <> 0, g.updated_at, g.weighed, g.kind, g.parent";

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
        kind: row.string(16),
        parent: text(17),
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
    let changes: Vec<Change> = batch.into_iter().map(change).collect();
    let options = Options::default();
    let mut ids = ids::sequence(now_ms);
    let mut attempt = 1;
    loop {
        let plan = import::plan(sql, tenant, &changes, &options, &mut ids, now_ms);
        let plan = plan.await?;
        let done = upserted(&plan)?;
        if plan.statements.is_empty() {
            return Ok(done);
        }
        match sql.atomic(plan.statements).await {
            Ok(_) => return Ok(done),
            Err(SqlError::Conflict | SqlError::Constraint(_)) if attempt < ATTEMPTS => attempt += 1,
            Err(other) => return Err(other.into()),
        }
    }
}

/// What the plan does, or the first good that it refuses.
fn upserted(plan: &Plan) -> Result<Upserted, Error> {
    if let Some(refused) = plan.warnings.iter().find(|warning| warning.refused) {
        return Err(at(refused.index, "", &refused.text));
    }
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ids: Vec<String> = Vec::with_capacity(plan.goods.len());
    for (i, id) in plan.goods.iter().flatten().enumerate() {
        if let Some(first) = first.insert(id, i) {
            return Err(at(i, "", &format!("тот же товар, что и в строке {first}")));
        }
        ids.push(id.clone());
    }
    let counts = plan.counts;
    Ok(Upserted {
        created: counts.created,
        changed: counts.changed + counts.deleted + counts.restored,
        unchanged: counts.unchanged,
        ids,
    })
}

/// A good as it is written says everything that the operator can say.
fn change(good: GoodInput) -> Change {
    Change {
        keys: Keys {
            id: good.id,
            ms_id: good.ms_id,
            sync_id: good.sync_id,
            external: good.external,
            alias: None,
        },
        create: true,
        name: Some(good.name),
        article: Some(good.article.unwrap_or_default()),
        code: Some(good.code.unwrap_or_default()),
        barcodes: Some(good.barcodes),
        categories: Some(good.category.into_iter().collect()),
        price: Some(good.price_kopecks),
        min_price: Some(good.min_price_kopecks),
        discount_prohibited: Some(good.discount_prohibited),
        tobacco: Some(good.tobacco),
        weighed: Some(good.weighed),
        archived: Some(good.archived),
        ..Change::default()
    }
}

/// The statements that put a good into the archive, or take it out, and with it the variants that went
/// with it. Their batch is a conflict when the good is not there, or is there already.
#[must_use]
pub fn archive(tenant: &str, id: &str, archived: bool, now_ms: i64) -> [Statement; 2] {
    let variants = Statement::new(format!(
        "UPDATE goods SET archived = {LIVE}, told = NULL, version = version + 1, updated_at = ?3 \
         WHERE tenant = ?1 AND parent = ?2 AND archived = {WITH_PRODUCT} AND NOT ?4"
    ))
    .bind(tenant)
    .bind(text::id(id))
    .bind(now_ms)
    .bind(archived);
    let good = Statement::new(
        "UPDATE goods SET archived = ?3, told = NULL, version = version + 1, updated_at = ?4 \
         WHERE tenant = ?1 AND id = ?2 AND (archived <> 0) <> ?3 RETURNING 1",
    )
    .bind(tenant)
    .bind(text::id(id))
    .bind(archived)
    .bind(now_ms)
    .expect_rows(1);
    [good, variants]
}

/// The good that `key` names: our id, МойСклад's, the till's syncId, or the external one.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, key: &str) -> Result<Option<Good>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM (SELECT id FROM goods WHERE tenant = ?1 AND id = ?2 \
         UNION ALL SELECT good FROM good_ids WHERE tenant = ?1 AND kind = 'uuid' AND value = ?2 \
         UNION ALL SELECT id FROM goods WHERE tenant = ?1 AND external = ?3) k \
         CROSS JOIN goods g ON g.tenant = ?1 AND g.id = k.id LIMIT 1"
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

//! One good with everything: prices by type, stock by store, properties, pictures, variants.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sklad_store::{Row, Sql, Statement};

use crate::goods::{self, COLUMNS, Good};
use crate::query::{self, Key, Query};
use crate::refs::{self, RefKind};
use crate::{Error, pictures};

/// The most variants that are told with their product.
pub const MAX_VARIANTS: usize = query::MAX_PAGE;

/// A price of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoodPrice {
    /// Тип цены.
    pub price_type: String,
    /// Его название.
    pub name: Option<String>,
    /// Цена, копейки.
    pub kopecks: i64,
    /// Валюта, ISO 4217.
    pub currency: String,
}

/// What lies in one store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoodStock {
    /// Склад.
    pub store: String,
    /// Его название.
    pub name: Option<String>,
    /// Остаток в тысячных долях единицы.
    pub thousandths: i64,
}

/// A property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoodProperty {
    /// Свойство.
    pub id: String,
    /// Его название.
    pub name: Option<String>,
    /// Значения словами.
    pub values: Vec<String>,
}

/// A requisite or a characteristic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoodText {
    /// Название.
    pub name: String,
    /// Значения.
    pub values: Vec<String>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoodPicture {
    /// Имя файла.
    pub name: String,
    /// SHA-256 файла; null – файл ещё не пришёл.
    pub hash: Option<String>,
    /// Путь картинки на этом сервере.
    pub url: Option<String>,
}

/// A good with everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoodCard {
    /// То, что есть и в списке.
    #[serde(flatten)]
    pub good: Good,
    /// Растёт с каждым изменением.
    pub version: i64,
    /// Из какого импорта; null – заведён оператором.
    pub source: Option<String>,
    /// Остальные категории, кроме первой.
    pub categories: Vec<String>,
    /// Единица измерения.
    pub unit: Option<String>,
    /// Описание.
    pub description: Option<String>,
    /// Остаток на всех складах в тысячных долях единицы.
    pub quantity: Option<i64>,
    /// Цены по типам.
    pub prices: Vec<GoodPrice>,
    /// Остатки по складам.
    pub stock: Vec<GoodStock>,
    /// Чем модификация отличается от других.
    pub characteristics: Vec<GoodText>,
    /// Свойства.
    pub properties: Vec<GoodProperty>,
    /// Реквизиты 1С.
    pub requisites: Vec<GoodText>,
    /// Картинки, главная первой.
    pub pictures: Vec<GoodPicture>,
    /// Прочее: страна, марка, вес.
    pub extra: BTreeMap<String, String>,
    /// Модификации, до 500.
    pub variants: Vec<Good>,
}

/// The columns behind those of a [`Good`].
const MORE: &str = "g.version, g.source, g.categories, g.unit, g.description, g.quantity, g.prices, \
     g.stock, g.characteristics, g.properties, g.requisites, g.pictures, g.extra, \
     g.pictures_before";

/// The good that `key` names (see [`goods::get`]), with everything.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, key: &str) -> Result<Option<GoodCard>, Error> {
    let Some(good) = goods::get(sql, tenant, key).await? else {
        return Ok(None);
    };
    let statement = Statement::new(format!(
        "SELECT {COLUMNS}, {MORE} FROM goods g WHERE g.tenant = ?1 AND g.id = ?2"
    ))
    .bind(tenant)
    .bind(&good.id);
    let rows = sql.query(statement).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let mut card = card(row);
    name(sql, tenant, &mut card).await?;
    let before: Vec<String> = parsed(row, COLUMNS.split(',').count() + 13);
    illustrate(sql, tenant, &mut card, before).await?;
    let variants = Query {
        key: Some((Key::Parent, good.id)),
        limit: MAX_VARIANTS,
        ..Query::default()
    };
    card.variants = query::list(sql, tenant, &variants).await?;
    Ok(Some(card))
}

fn card(row: &Row) -> GoodCard {
    let first = COLUMNS.split(',').count();
    let text = |i: usize| row.text(first + i).map(str::to_owned);
    let prices: Vec<(String, i64, String)> = parsed(row, first + 6);
    let stock: Vec<(String, i64)> = parsed(row, first + 7);
    let pictures: Vec<String> = parsed(row, first + 11);
    GoodCard {
        good: goods::good(row),
        version: row.int(first).unwrap_or_default(),
        source: text(1),
        categories: parsed(row, first + 2),
        unit: text(3),
        description: text(4),
        quantity: row.int(first + 5),
        prices: prices
            .into_iter()
            .map(|(price_type, kopecks, currency)| GoodPrice {
                price_type,
                name: None,
                kopecks,
                currency,
            })
            .collect(),
        stock: stock
            .into_iter()
            .map(|(store, thousandths)| GoodStock {
                store,
                name: None,
                thousandths,
            })
            .collect(),
        characteristics: texts(parsed(row, first + 8)),
        properties: texts(parsed(row, first + 9))
            .into_iter()
            .map(|text| GoodProperty {
                id: text.name,
                name: None,
                values: text.values,
            })
            .collect(),
        requisites: texts(parsed(row, first + 10)),
        pictures: pictures.into_iter().map(picture).collect(),
        extra: parsed(row, first + 12),
        variants: Vec::new(),
    }
}

fn picture(name: String) -> GoodPicture {
    GoodPicture {
        name,
        hash: None,
        url: None,
    }
}

fn parsed<T: DeserializeOwned + Default>(row: &Row, column: usize) -> T {
    row.text(column)
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

/// `[[name, value, …], …]`
fn texts(rows: Vec<Vec<String>>) -> Vec<GoodText> {
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        let mut row = row.into_iter();
        out.extend(row.next().map(|name| GoodText {
            name,
            values: row.collect(),
        }));
    }
    out
}

/// Adds the names of what the good names by id.
async fn name(sql: &impl Sql, tenant: &str, card: &mut GoodCard) -> Result<(), Error> {
    let mut wanted: Vec<(RefKind, &str)> = Vec::new();
    wanted.extend(
        card.prices
            .iter()
            .map(|p| (RefKind::PriceType, p.price_type.as_str())),
    );
    wanted.extend(
        card.stock
            .iter()
            .map(|s| (RefKind::Store, s.store.as_str())),
    );
    for property in &card.properties {
        wanted.push((RefKind::Property, &property.id));
        wanted.extend(
            property
                .values
                .iter()
                .map(|v| (RefKind::PropertyValue, v.as_str())),
        );
    }
    wanted.extend(card.unit.as_deref().map(|unit| (RefKind::Unit, unit)));
    if wanted.is_empty() {
        return Ok(());
    }
    let names = refs::names(sql, tenant, &wanted).await?;
    let of = |kind: RefKind, id: &str| names.get(&(kind.name().to_owned(), id.to_owned())).cloned();
    if let Some(unit) = &mut card.unit {
        // A word that is no id or code of a unit is the unit itself.
        *unit = of(RefKind::Unit, unit).unwrap_or_else(|| unit.clone());
    }
    for price in &mut card.prices {
        price.name = of(RefKind::PriceType, &price.price_type);
    }
    for stock in &mut card.stock {
        stock.name = of(RefKind::Store, &stock.store);
    }
    for property in &mut card.properties {
        property.name = of(RefKind::Property, &property.id);
        for value in &mut property.values {
            // A text that is no id of a value is the value itself.
            *value = of(RefKind::PropertyValue, value).unwrap_or_else(|| value.clone());
        }
    }
    Ok(())
}

/// Adds the files of the pictures, and those of the list before while none of the new ones has come.
async fn illustrate(
    sql: &impl Sql,
    tenant: &str,
    card: &mut GoodCard,
    before: Vec<String>,
) -> Result<(), Error> {
    let new = card.pictures.len();
    card.pictures.extend(before.into_iter().map(picture));
    let names: Vec<String> = card.pictures.iter().map(|p| p.name.clone()).collect();
    let hashes = pictures::resolve(sql, tenant, &names).await?;
    for (picture, hash) in card.pictures.iter_mut().zip(hashes) {
        picture.url = hash
            .as_ref()
            .map(|hash| format!("/t/{tenant}/pictures/{hash}"));
        picture.hash = hash;
    }
    let mut before = card.pictures.split_off(new);
    if card.pictures.iter().all(|picture| picture.hash.is_none()) {
        before.retain(|picture| picture.hash.is_some());
        card.pictures.append(&mut before);
    }
    Ok(())
}

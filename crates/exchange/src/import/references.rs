//! What goods refer to: groups, price types, stores, properties, units (commerceml §2.3).

use std::collections::BTreeMap;

use sklad_catalog::categories::CategoryChange;
use sklad_catalog::import::{self, Change};
use sklad_catalog::refs::{self, RefInput, RefKind};
use sklad_commerceml::{
    Category, Group, PriceType, Product, Property, PropertyValue, Store, UnitEntry,
};
use sklad_store::{Sql, SqlError, Statement};

use super::map::Named;
use crate::Error;

/// How many price types, and stores, are known by name.
const NAMED: usize = 1000;

/// Under which name the currency of a price type is kept.
const CURRENCY: &str = "currency";

/// Something that goods refer to, and what it is.
pub type Reference = (RefKind, RefInput);

/// The known price types and stores.
///
/// # Errors
/// The database's.
pub async fn named(sql: &impl Sql, tenant: &str) -> Result<(Named, Named), Error> {
    let mut known = [Named::default(), Named::default()];
    for (kind, names) in [RefKind::PriceType, RefKind::Store]
        .into_iter()
        .zip(&mut known)
    {
        let mut entries = refs::list(sql, tenant, kind, None, NAMED).await?;
        entries.retain(|entry| !import::of_connection(&entry.id));
        entries.sort_by_key(|entry| entry.position.unwrap_or(i64::MAX));
        for entry in entries {
            names.put(&entry.id, &entry.name, entry.archived);
            if let Some(currency) = entry.data.get(CURRENCY) {
                names.pays_in(&entry.id, currency);
            }
        }
    }
    let [price_types, stores] = known;
    Ok((price_types, stores))
}

/// The statements that store references, each kind by one.
#[must_use]
pub fn statements(
    tenant: &str,
    source: &str,
    references: &[Reference],
    now_ms: i64,
) -> Vec<Statement> {
    let mut kinds: BTreeMap<RefKind, Vec<RefInput>> = BTreeMap::new();
    for (kind, input) in references {
        kinds.entry(*kind).or_default().push(input.clone());
    }
    let one = |(kind, batch): (RefKind, Vec<RefInput>)| {
        refs::import(tenant, source, kind, &batch, now_ms)
    };
    kinds.into_iter().map(one).collect()
}

/// A group of goods, out of a classifier.
#[must_use]
pub fn group(group: Group, classifier: &str) -> CategoryChange {
    CategoryChange {
        id: group.id,
        parent: group.parent,
        name: group.name.unwrap_or_default(),
        classifier: Some(classifier.to_owned()),
        deleted: group.deleted == Some(true),
    }
}

/// A category of УНФ, which lies in no other.
#[must_use]
pub fn category(category: Category, classifier: &str) -> CategoryChange {
    CategoryChange {
        id: category.id,
        parent: None,
        name: category.name.unwrap_or_default(),
        classifier: Some(classifier.to_owned()),
        deleted: category.deleted == Some(true),
    }
}

fn input(id: String, name: Option<String>, deleted: Option<bool>) -> RefInput {
    RefInput {
        id,
        name: name.unwrap_or_default(),
        deleted: deleted == Some(true),
        ..RefInput::default()
    }
}

fn with(mut input: RefInput, data: &[(&str, Option<String>)]) -> RefInput {
    for (name, text) in data {
        if let Some(text) = text {
            input.data.insert((*name).to_owned(), text.clone());
        }
    }
    input
}

/// A price type in its place among all.
#[must_use]
pub fn price_type(given: PriceType, place: usize) -> Reference {
    let taxed = given.tax_included.map(|yes| yes.to_string());
    let entry = input(given.id, given.name, given.deleted);
    let data = [(CURRENCY, given.currency), ("tax_included", taxed)];
    let entry = RefInput {
        position: i64::try_from(place).ok(),
        ..with(entry, &data)
    };
    (RefKind::PriceType, entry)
}

/// A store.
#[must_use]
pub fn store(given: Store) -> Reference {
    let entry = input(given.id, given.name, given.deleted);
    (RefKind::Store, with(entry, &[("address", given.address)]))
}

/// A property and the values that came with it.
pub fn property(given: Property, into: &mut Vec<Reference>) {
    values(&given.id, given.values.unwrap_or_default(), into);
    let entry = input(given.id, given.name, given.deleted);
    into.push((RefKind::Property, with(entry, &[("type", given.kind)])));
}

/// Values of a property. Those without an id are texts, and nobody refers to them.
pub fn values(property: &str, given: Vec<PropertyValue>, into: &mut Vec<Reference>) {
    for value in given {
        let Some(id) = value.id else { continue };
        let entry = RefInput {
            parent: Some(property.to_owned()),
            ..input(id, Some(value.value), None)
        };
        into.push((RefKind::PropertyValue, entry));
    }
}

/// A unit, by its id and by its code: goods name it by either. One with neither is nobody's.
pub fn unit(given: UnitEntry, into: &mut Vec<Reference>) {
    let data = [
        ("code", given.code.clone()),
        ("short", given.short.clone()),
        ("international", given.international),
    ];
    let name = given.short.or(given.name);
    let code = given.code.filter(|code| given.id.as_ref() != Some(code));
    for id in [given.id, code].into_iter().flatten() {
        let entry = input(id, name.clone(), given.deleted);
        into.push((RefKind::Unit, with(entry, &data)));
    }
}

/// A warning: what it is about, and what is wrong.
type Doubt = (String, String);

/// Offers without an id with those of their goods: of the only one that has one of the barcodes, or the
/// article.
///
/// # Errors
/// The database's.
pub async fn found(
    sql: &impl Sql,
    tenant: &str,
    offers: Vec<Product>,
) -> Result<Vec<Result<Product, Doubt>>, Error> {
    let keys = |offer: &Product| -> Vec<(&'static str, String)> {
        let barcodes = offer.barcodes.iter().flatten();
        let barcodes = barcodes.map(|value| ("barcode", value.clone()));
        let article = offer.article.clone().filter(|article| !article.is_empty());
        barcodes
            .chain(article.map(|value| ("article", value)))
            .collect()
    };
    let terms: Vec<_> = offers.iter().flat_map(keys).collect();
    let mut known = import::known_by(sql, tenant, &terms).await?.into_iter();
    let mut out = Vec::with_capacity(offers.len());
    for mut offer in offers {
        let keys = keys(&offer);
        let ids: Vec<Vec<String>> = known.by_ref().take(keys.len()).collect();
        let only = ids.into_iter().find(|ids| ids.len() == 1);
        let words = keys.into_iter().map(|(_, value)| value);
        let words = words.collect::<Vec<_>>().join(", ");
        out.push(match only.and_then(|mut ids| ids.pop()) {
            Some(id) => {
                let variant = id.split_once('#').map(|(_, variant)| variant.to_owned());
                offer.variant = variant.or(offer.variant);
                offer.id = Some(id);
                Ok(offer)
            }
            None => Err((
                words,
                "предложение без Ид пропущено: с таким штрихкодом или артикулом нет товара или их несколько"
                    .to_owned(),
            )),
        });
    }
    Ok(out)
}

/// Which of the categories of `changes` lie in `root`, itself included.
///
/// # Errors
/// The database's.
pub async fn inside(
    sql: &impl Sql,
    tenant: &str,
    root: &str,
    changes: &[Change],
) -> Result<Vec<String>, SqlError> {
    let mut ids: Vec<&str> = Vec::new();
    for id in changes
        .iter()
        .filter_map(|change| change.categories.as_ref())
        .flatten()
    {
        if !ids.contains(&id.as_str()) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = serde_json::to_string(&ids).map_err(|e| SqlError::Other(e.to_string()))?;
    // Ids of the catalogue that are UUIDs are in lower case; what a file says is as it says it.
    let statement = Statement::new(
        "SELECT k.value FROM json_each(?2) k CROSS JOIN categories c ON c.tenant = +?1 \
         AND c.id IN (k.value, lower(k.value)) \
         WHERE instr(c.path, json_quote(?3)) > 0 OR instr(c.path, json_quote(lower(?3))) > 0",
    )
    .bind(tenant)
    .bind(ids)
    .bind(root.trim());
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(|row| row.string(0)).collect())
}

//! What a change makes of a good: pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::change::{Change, Kind, Price, Section, Stock};
use super::record::{BY_HAND, GONE, LIVE, Record};
use super::told::Told;
use super::{MAX_DESCRIPTION_CHARS, MAX_PICTURES, Options};
use crate::goods::{MAX_BARCODES, MAX_KEY_CHARS, MAX_NAME_CHARS, MAX_PRICE};
use crate::pictures;

/// Applies `change` to `record`, but for keys and parent. What does not fit is told in `warn`.
pub fn apply(record: &mut Record, change: &Change, options: &Options<'_>, warn: &mut Vec<String>) {
    texts(record, change, warn);
    if let Some(kind) = change.kind
        && record.parent.is_none()
    {
        kind.name().clone_into(&mut record.kind);
    }
    if record.parent.is_some() {
        Kind::Variant.name().clone_into(&mut record.kind);
    } else if let Some(categories) = &change.categories {
        let mut ids = categories.iter().map(|id| id.trim());
        let first = ids.next().filter(|id| !id.is_empty());
        record.category = first.map(crate::text::id);
        record.categories = json(&ids.map(crate::text::id).collect::<Vec<_>>());
    }
    flags(record, change);
    amounts(record, change, options, warn);
    lists(record, change, warn);
}

fn texts(record: &mut Record, change: &Change, warn: &mut Vec<String>) {
    if let Some(name) = &change.name {
        record.name = cut(name.trim(), MAX_NAME_CHARS, "название", warn);
    }
    let mut text = |kept: &mut Option<String>, given: &Option<String>, most, what| {
        if let Some(given) = given {
            let given = given.trim();
            *kept = (!given.is_empty()).then(|| cut(given, most, what, warn));
        }
    };
    text(
        &mut record.article,
        &change.article,
        MAX_KEY_CHARS,
        "артикул",
    );
    text(&mut record.code, &change.code, MAX_KEY_CHARS, "код");
    text(&mut record.unit, &change.unit, MAX_KEY_CHARS, "единица");
    let most = MAX_DESCRIPTION_CHARS;
    text(
        &mut record.description,
        &change.description,
        most,
        "описание",
    );
}

/// The text, or its beginning.
fn cut(text: &str, most: usize, what: &str, warn: &mut Vec<String>) -> String {
    // Bytes are never fewer than characters.
    if text.len() <= most {
        return text.to_owned();
    }
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => {
            warn.push(format!("{what}: оставлены первые {most} знаков"));
            text.get(..end).unwrap_or_default().to_owned()
        }
    }
}

fn flags(record: &mut Record, change: &Change) {
    let flag = |kept: &mut bool, given: Option<bool>| *kept = given.unwrap_or(*kept);
    flag(&mut record.discount_prohibited, change.discount_prohibited);
    flag(&mut record.tobacco, change.tobacco);
    flag(&mut record.weighed, change.weighed);
    record.archived = match (change.deleted, change.archived, record.archived) {
        (Some(true), _, LIVE | GONE) | (Some(true), Some(false), _) => GONE,
        (Some(false), None, GONE) | (_, Some(false), _) => LIVE,
        (_, Some(true), LIVE) => BY_HAND,
        (_, _, kept) => kept,
    };
}

fn amounts(record: &mut Record, change: &Change, options: &Options<'_>, warn: &mut Vec<String>) {
    record.price = change.price.unwrap_or(record.price);
    record.min_price = change.min_price.unwrap_or(record.min_price);
    record.quantity = change.quantity.or(record.quantity);
    if let Some(prices) = &change.prices {
        let rows: Vec<PriceRow> = merged(record.prices.as_deref(), prices, warn);
        record.price = main_price(&rows, options);
        if let Some(lowest) = options.min_price_type {
            record.min_price = of_type(&rows, lowest);
        }
        record.prices = json(&rows);
    }
    if let Some(stock) = &change.stock {
        let rows: Vec<(String, i64)> = merged(record.stock.as_deref(), stock, warn);
        record.stock = json(&rows);
    }
}

/// The price of the type that is named as the main one, or the only one there is. A lowest price is
/// none.
fn main_price(rows: &[PriceRow], options: &Options<'_>) -> Option<i64> {
    if let Some(price) = options.price_type.and_then(|main| of_type(rows, main)) {
        return Some(price);
    }
    let mut others = rows
        .iter()
        .filter(|row| options.min_price_type != Some(row.0.as_str()));
    match (others.next(), others.next()) {
        (Some(only), None) => Some(only.1),
        _ => None,
    }
}

fn of_type(rows: &[PriceRow], wanted: &str) -> Option<i64> {
    rows.iter().find(|row| row.0 == wanted).map(|row| row.1)
}

/// A row of a list that is kept by key.
trait Keyed: Clone + Serialize + DeserializeOwned {
    type Given;
    fn row(given: &Self::Given) -> Result<Self, &'static str>;
    fn key(&self) -> &str;
}

type PriceRow = (String, i64, String);

impl Keyed for PriceRow {
    type Given = Price;

    fn row(given: &Price) -> Result<Self, &'static str> {
        if !(0..=MAX_PRICE).contains(&given.kopecks) {
            return Err("цена вне допустимых пределов, пропущена");
        }
        Ok((
            given.price_type.clone(),
            given.kopecks,
            given.currency.clone(),
        ))
    }

    fn key(&self) -> &str {
        &self.0
    }
}

impl Keyed for (String, i64) {
    type Given = Stock;

    fn row(given: &Stock) -> Result<Self, &'static str> {
        Ok((given.store.clone(), given.thousandths))
    }

    fn key(&self) -> &str {
        &self.0
    }
}

/// The rows that are kept, sorted by key; of two with one key the later one.
fn merged<T: Keyed>(
    kept: Option<&str>,
    given: &Section<T::Given>,
    warn: &mut Vec<String>,
) -> Vec<T> {
    let (mut rows, given): (Vec<T>, _) = match given {
        Section::Replace(given) => (Vec::with_capacity(given.len()), given),
        Section::Merge(given) => (parsed(kept), given),
    };
    for one in given {
        let row = match T::row(one) {
            Ok(row) => row,
            Err(message) => {
                warn.push(message.to_owned());
                continue;
            }
        };
        match rows.binary_search_by(|other| other.key().cmp(row.key())) {
            Ok(at) => rows
                .get_mut(at)
                .into_iter()
                .for_each(|kept| kept.clone_from(&row)),
            Err(at) => rows.insert(at, row),
        }
    }
    rows
}

fn lists(record: &mut Record, change: &Change, warn: &mut Vec<String>) {
    if let Some(given) = &change.barcodes {
        let codes = distinct(given, MAX_BARCODES, "штрихкодов", warn);
        record.barcodes = json(&codes);
    }
    if let Some(given) = &change.pictures {
        let names: Vec<String> = given.iter().map(|name| pictures::file_name(name)).collect();
        let names = distinct(&names, MAX_PICTURES, "картинок", warn);
        record.pictures = json(&names);
    }
    if let Some(given) = &change.characteristics {
        record.characteristics = json(given);
    }
    if let Some(given) = &change.requisites {
        record.requisites = json(&flat(given.iter()));
    }
    if let Some(given) = &change.properties {
        let mut sorted: Vec<_> = given.iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        record.properties = json(&flat(sorted.into_iter()));
    }
    if let Some(given) = &change.extra {
        let mut kept: BTreeMap<String, String> = object(record.extra.as_deref());
        for (name, text) in given {
            if text.is_empty() {
                kept.remove(name);
            } else {
                kept.insert(name.clone(), text.clone());
            }
        }
        record.extra = (!kept.is_empty()).then(|| text_of(&kept));
    }
}

/// Texts without space around them, each once, in the order given, at most `most`.
fn distinct<'a>(
    given: &'a [String],
    most: usize,
    what: &str,
    warn: &mut Vec<String>,
) -> Vec<&'a str> {
    let mut out: Vec<&str> = Vec::with_capacity(given.len());
    for text in given.iter().map(|text| text.trim()) {
        let fits = !text.is_empty() && text.len() <= MAX_KEY_CHARS * 4;
        if fits && !out.contains(&text) {
            out.push(text);
        }
    }
    if out.len() > most {
        warn.push(format!("оставлены первые {most} {what}"));
        out.truncate(most);
    }
    out
}

/// `[[name, value, …], …]`
fn flat<'a>(rows: impl Iterator<Item = &'a (String, Vec<String>)>) -> Vec<Vec<&'a str>> {
    rows.map(|(name, values)| {
        let mut row = vec![name.as_str()];
        row.extend(values.iter().map(String::as_str));
        row
    })
    .collect()
}

/// A list as it is kept; an empty one is nothing.
fn json<T: Serialize>(rows: &[T]) -> Option<String> {
    (!rows.is_empty()).then(|| text_of(&rows))
}

fn text_of(value: &impl Serialize) -> String {
    // Texts and integers always have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

fn parsed<T: DeserializeOwned>(kept: Option<&str>) -> Vec<T> {
    kept.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

fn object(kept: Option<&str>) -> BTreeMap<String, String> {
    kept.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

/// Whether two goods can be one: they do not have two different ids of one kind.
pub fn can_join(a: &Record, b: &Record) -> bool {
    let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
    agree(&a.external, &b.external) && agree(&a.ms_id, &b.ms_id) && agree(&a.sync_id, &b.sync_id)
}

/// Takes into `winner` what it lacks and `loser` has. What forbids a discount of one forbids it of
/// both.
pub fn join(winner: &mut Record, loser: Record) {
    fn gap<T>(kept: &mut Option<T>, other: Option<T>) {
        if kept.is_none() {
            *kept = other;
        }
    }
    if winner.name.is_empty() {
        winner.name = loser.name;
    }
    if winner.parent.is_none() && loser.parent.is_some() {
        winner.kind = loser.kind;
    }
    gap(&mut winner.parent, loser.parent);
    gap(&mut winner.external, loser.external);
    gap(&mut winner.ms_id, loser.ms_id);
    gap(&mut winner.sync_id, loser.sync_id);
    gap(&mut winner.source, loser.source);
    gap(&mut winner.category, loser.category);
    gap(&mut winner.categories, loser.categories);
    gap(&mut winner.price, loser.price);
    gap(&mut winner.min_price, loser.min_price);
    gap(&mut winner.article, loser.article);
    gap(&mut winner.code, loser.code);
    gap(&mut winner.barcodes, loser.barcodes);
    gap(&mut winner.unit, loser.unit);
    gap(&mut winner.quantity, loser.quantity);
    gap(&mut winner.prices, loser.prices);
    gap(&mut winner.stock, loser.stock);
    gap(&mut winner.characteristics, loser.characteristics);
    gap(&mut winner.pictures, loser.pictures);
    gap(&mut winner.properties, loser.properties);
    gap(&mut winner.requisites, loser.requisites);
    gap(&mut winner.extra, loser.extra);
    gap(&mut winner.description, loser.description);
    winner.told = Told::default();
    winner.discount_prohibited |= loser.discount_prohibited;
    winner.tobacco |= loser.tobacco;
    winner.weighed |= loser.weighed;
    winner.archived = winner.archived.min(loser.archived);
}

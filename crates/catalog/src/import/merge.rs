//! What a change makes of a good: pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::change::{Change, Kind, Price, Section, Stock};
use super::record::{BY_HAND, GONE, LIVE, NAMED, Record, WITH_PRODUCT, column, list};
use super::told::{Side, Told};
use super::{MAX_DESCRIPTION_CHARS, MAX_PICTURES, Options, Wanted, linked};
use crate::goods::{MAX_BARCODES, MAX_KEY_CHARS, MAX_NAME_CHARS, MAX_PRICE};
use crate::pictures;

/// How many pictures of the list before are kept.
const MAX_PICTURES_BEFORE: usize = 10;

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
    if change.catalogue.is_some() {
        record.catalogue.clone_from(&change.catalogue);
    }
    flags(record, change);
    amounts(record, change, options, warn);
    lists(record, change, warn);
}

fn texts(record: &mut Record, change: &Change, warn: &mut Vec<String>) {
    let mut card = record.card;
    if let Some(name) = &change.name
        && writes(&mut card, change, column::name, name.trim().is_empty())
    {
        record.name = cut(name.trim(), MAX_NAME_CHARS, "название", warn);
        if record.name.is_empty() {
            card &= !NAMED;
        } else {
            card |= NAMED;
        }
    }
    let mut text = |kept: &mut Option<String>, given: &Option<String>, bit, most, what| {
        if let Some(given) = given.as_deref().map(str::trim)
            && writes(&mut card, change, bit, given.is_empty())
        {
            *kept = (!given.is_empty()).then(|| cut(given, most, what, warn));
        }
    };
    let (key, long) = (MAX_KEY_CHARS, MAX_DESCRIPTION_CHARS);
    let (article, code) = (column::article, column::code);
    text(
        &mut record.article,
        &change.article,
        article,
        key,
        "артикул",
    );
    text(&mut record.code, &change.code, code, key, "код");
    text(&mut record.unit, &change.unit, column::unit, key, "единица");
    let (kept, given) = (&mut record.description, &change.description);
    text(kept, given, column::description, long, "описание");
    record.card = card;
}

/// Whether a change may write a column. What a good is, its card says: an offer adds what the card leaves
/// open and overwrites nothing, so that two files that say different things come to rest. `card` keeps the
/// columns that the card fills; an empty one leaves what an offer has filled.
fn writes(card: &mut i64, change: &Change, column: u32, empty: bool) -> bool {
    let bit = i64::from(column);
    let said = *card & bit != 0;
    match change.side {
        Some(Side::Card) if empty => {
            *card &= !bit;
            said
        }
        Some(Side::Card) => {
            *card |= bit;
            true
        }
        Some(Side::Offer) => !said,
        None => true,
    }
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
        (Some(true), _, LIVE | GONE | WITH_PRODUCT) | (Some(true), Some(false), _) => GONE,
        (Some(false), None, GONE) | (_, Some(false), _) => LIVE,
        (_, Some(true), LIVE | WITH_PRODUCT) => BY_HAND,
        (_, _, kept) => kept,
    };
}

fn amounts(record: &mut Record, change: &Change, options: &Options<'_>, warn: &mut Vec<String>) {
    let own = options.own;
    record.price = change.price.unwrap_or(record.price);
    record.min_price = change.min_price.unwrap_or(record.min_price);
    if let Some(prices) = &change.prices {
        let rows = merged(record.prices.as_deref(), prices, own, warn);
        match change.beside {
            true => record.prices = json(&rows),
            false => price(record, rows, options),
        }
    }
    if let Some(stock) = &change.stock {
        let rows: Vec<(String, i64)> = merged(record.stock.as_deref(), stock, own, warn);
        record.stock = json(&of_wanted(rows, options.stores, own));
    }
    if change.beside {
        return;
    }
    if change.untracked {
        let rows: Vec<(String, i64)> = others(record.stock.as_deref(), own);
        (record.stock, record.quantity) = (json(&rows), None);
        return;
    }
    let by_store = change.stock.is_some() || has_ours(record.stock.as_deref(), own);
    // What a file says of the whole is believed, but where only some stores count (commerceml §2.5).
    let some = options.stores.is_some_and(Wanted::is_some_only) && by_store;
    record.quantity = match change.quantity {
        Some(told) if !some => Some(told),
        None if change.stock.is_none() => record.quantity,
        _ => Some(sum(record.stock.as_deref(), own)),
    };
}

/// Makes prices and stock anew of what is stored, as the settings and the price types have become.
pub fn choose(record: &mut Record, options: &Options<'_>) {
    let own = options.own;
    if has_ours(record.prices.as_deref(), own) {
        price(record, parsed(record.prices.as_deref()), options);
    }
    if has_ours(record.stock.as_deref(), own) && options.stores.is_some_and(Wanted::is_some_only) {
        let rows: Vec<(String, i64)> = parsed(record.stock.as_deref());
        record.stock = json(&of_wanted(rows, options.stores, own));
        record.quantity = Some(sum(record.stock.as_deref(), own));
    }
}

/// Whether an id is about what this import is about: see [`Options::own`].
fn is_ours(own: Option<&str>, id: &str) -> bool {
    match own {
        Some(prefix) => id.starts_with(prefix),
        None => !linked::of_connection(id),
    }
}

/// Whether a list has rows of this import. The keys of a row come first in it.
fn has_ours(kept: Option<&str>, own: Option<&str>) -> bool {
    let Some(json) = kept else { return false };
    if own.is_none() && !linked::may_name_a_connection(json) {
        return true;
    }
    let rows: Vec<Vec<serde_json::Value>> = parsed(kept);
    let key = |row: &Vec<serde_json::Value>| Some(is_ours(own, row.first()?.as_str()?));
    rows.iter().any(|row| key(row) == Some(true))
}

/// The rows that this import leaves alone.
fn others<T: Keyed>(kept: Option<&str>, own: Option<&str>) -> Vec<T> {
    let some = |json: &&str| own.is_some() || linked::may_name_a_connection(json);
    let mut rows: Vec<T> = parsed(kept.filter(some));
    rows.retain(|row| !is_ours(own, row.key()));
    rows
}

fn price(record: &mut Record, rows: Vec<PriceRow>, options: &Options<'_>) {
    let rows = of_wanted(rows, options.price_types, options.own);
    record.price = main_price(&rows, options);
    if let Some(lowest) = options.min_price_type {
        record.min_price = of_type(&rows, lowest);
    }
    record.prices = json(&rows);
}

fn of_wanted<T: Keyed>(mut rows: Vec<T>, wanted: Option<&Wanted>, own: Option<&str>) -> Vec<T> {
    if let Some(wanted) = wanted {
        rows.retain(|row| wanted.takes(row.key()) || !is_ours(own, row.key()));
    }
    rows
}

/// What lies in all stores that the import is about.
fn sum(stock: Option<&str>, own: Option<&str>) -> i64 {
    let rows: Vec<(String, i64)> = parsed(stock);
    let ours = rows.iter().filter(|row| is_ours(own, &row.0));
    ours.fold(0, |sum, row| sum.saturating_add(row.1))
}

/// The price of the type that is named as the main one, or the only one there is. A lowest price is
/// none.
fn main_price(rows: &[PriceRow], options: &Options<'_>) -> Option<i64> {
    if let Some(price) = options.price_type.and_then(|main| of_type(rows, main)) {
        return Some(price);
    }
    let mut others = rows
        .iter()
        .filter(|row| is_ours(options.own, &row.0))
        .filter(|row| options.min_price_type != Some(row.0.as_str()))
        .filter(|row| options.price_types.is_none_or(|all| !all.is_dead(&row.0)));
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
    own: Option<&str>,
    warn: &mut Vec<String>,
) -> Vec<T> {
    let (mut rows, given): (Vec<T>, _) = match given {
        Section::Replace(given) => (others(kept, own), given),
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
    let mut card = record.card;
    let mut writes = |column, empty| writes(&mut card, change, column, empty);
    if let Some(given) = &change.barcodes
        && writes(column::barcodes, given.is_empty())
    {
        let codes = distinct(given, MAX_BARCODES, "штрихкодов", warn);
        record.barcodes = json(&codes);
    }
    if let Some(given) = &change.pictures
        && writes(column::pictures, given.is_empty())
    {
        let names: Vec<String> = given.iter().map(|name| pictures::file_name(name)).collect();
        let names = json(&distinct(&names, MAX_PICTURES, "картинок", warn));
        if names != record.pictures {
            record.pictures_before = before(record, names.as_deref());
            record.pictures = names;
        }
    }
    if let Some(given) = &change.characteristics
        && writes(column::characteristics, given.is_empty())
    {
        record.characteristics = json(given);
    }
    if let Some(given) = &change.requisites {
        record.requisites = json(&flat(given.iter()));
    }
    if let Some(given) = &change.properties
        && writes(column::properties, given.is_empty())
    {
        let mut sorted: Vec<_> = given.iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        record.properties = json(&flat(sorted.into_iter()));
    }
    record.card = card;
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

/// The pictures that are shown while none of the new ones has come: there is one list of those, and
/// nothing where there shall be no pictures (commerceml §2.4).
fn before(record: &Record, new: Option<&str>) -> Option<String> {
    let new = list(new);
    let mut old = list(record.pictures.as_deref());
    old.extend(list(record.pictures_before.as_deref()));
    old.retain(|name| !new.contains(name));
    old.truncate(MAX_PICTURES_BEFORE);
    (!new.is_empty()).then(|| json(&old)).flatten()
}

/// Texts without space around them, each once, in the order given, at most `most`.
fn distinct<'a>(
    given: &'a [String],
    most: usize,
    what: &str,
    warn: &mut Vec<String>,
) -> Vec<&'a str> {
    let mut out: Vec<&str> = Vec::with_capacity(given.len());
    let mut long = 0_usize;
    for text in given.iter().map(|text| text.trim()) {
        if text.len() > MAX_KEY_CHARS * 4 {
            long += 1;
        } else if !text.is_empty() && !out.contains(&text) {
            out.push(text);
        }
    }
    if long > 0 {
        warn.push(format!("{what} пропущено {long}: слишком длинные"));
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
    gap(&mut winner.catalogue, loser.catalogue);
    winner.card |= loser.card;
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

//! Which goods of a shop are goods of another source as well: pure.
//!
//! A good of the shop that has something in common with exactly one live good of another source is that
//! good: its ids lead there, and only its price types and stores are added. What fits several, or one that is
//! another good of this shop already, stays by itself, and the merchant is told.

use std::collections::BTreeMap;

use sklad_catalog::import::{Change, Keys, Match, Section};

use crate::map::{Item, Names};
use crate::settings::Link;

impl Link {
    /// As the merchant calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Article => "артикул",
            Self::Barcode => "штрихкод",
            Self::External => "внешний код",
        }
    }

    /// What of a good is looked for: kind and value, the best one first.
    #[must_use]
    pub fn terms(self, item: &Item) -> Vec<(&'static str, String)> {
        let one = |kind, value: &Option<String>| {
            let value = value.iter().filter(|value| !value.trim().is_empty());
            value.map(|value| (kind, value.clone())).collect()
        };
        match self {
            Self::None => Vec::new(),
            Self::Article => one("article", &item.article),
            Self::Barcode => one("barcode", &item.barcode),
            Self::External => {
                let all = item.externals.iter();
                all.map(|id| ("external", id.clone())).collect()
            }
        }
    }
}

/// What was found for a good of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Nothing: it is a good by itself.
    Nothing,
    /// This good it is.
    One(Box<Match>),
    /// Nobody knows: it is a good by itself, and the merchant is told this.
    Unclear(String),
}

/// What `item` is, of goods that have `term` in common with it; `twice` where another good of the same batch
/// has it too.
#[must_use]
pub fn choose(
    link: Link,
    item: &Item,
    term: &str,
    matches: &[Match],
    twice: bool,
    names: &Names,
) -> Choice {
    let ours = |found: &&Match| found.source.as_deref() == Some(names.source());
    let mut others: BTreeMap<&str, &Match> = BTreeMap::new();
    for found in matches.iter().filter(|found| !ours(found)) {
        others.insert(&found.good, found);
    }
    let mut others = others.into_values();
    let Some(first) = others.next() else {
        return Choice::Nothing;
    };
    let what = format!("{} «{term}»", link.word());
    let it = format!("Товар InSales «{}»", item.title);
    if let Some(second) = others.next() {
        return Choice::Unclear(format!(
            "{it} не связан: {what} и у «{}», и у «{}»",
            first.name, second.name
        ));
    }
    let sister = matches.iter().filter(ours);
    let mut sister = sister.filter(|found| found.external.as_deref() != Some(item.key.as_str()));
    if let Some(sister) = sister.next() {
        return Choice::Unclear(format!(
            "{it} не связан с «{}»: {what} и у «{}» в InSales",
            first.name, sister.name
        ));
    }
    if twice {
        return Choice::Unclear(format!(
            "{it} не связан с «{}»: {what} в InSales не у него одного",
            first.name
        ));
    }
    match &first.extra {
        Some(ids) if !ids.is_empty() && Some(ids) != item.ids.as_ref() => Choice::Unclear(format!(
            "{it} не связан с «{}»: {what}, но тот уже связан с другим товаром InSales ({ids})",
            first.name
        )),
        _ => Choice::One(Box::new(first.clone())),
    }
}

/// What the shop adds to a good that has another master: `good`, or the one that its ids lead to already.
#[must_use]
pub fn beside(item: &Item, names: &Names, good: Option<String>) -> Change {
    let prices = item.change.prices.clone().filter(|_| item.here);
    let stock = item.change.stock.clone().filter(|_| item.here);
    let ids = item.ids.clone().map(|ids| match item.here {
        true => ids,
        false => String::new(),
    });
    Change {
        keys: Keys {
            id: good,
            alias: Some(item.key.clone()),
            ..Keys::default()
        },
        beside: true,
        prices: Some(prices.unwrap_or(Section::Replace(Vec::new()))),
        stock: Some(stock.unwrap_or(Section::Replace(Vec::new()))),
        extra: ids.map(|ids| [(names.source().to_owned(), ids)].into()),
        ..Change::default()
    }
}

/// The same of what the shop does not have any more.
#[must_use]
pub fn nothing_beside(key: &str, names: &Names) -> Change {
    Change {
        keys: Keys {
            alias: Some(key.to_owned()),
            ..Keys::default()
        },
        beside: true,
        prices: Some(Section::Replace(Vec::new())),
        stock: Some(Section::Replace(Vec::new())),
        extra: Some([(names.source().to_owned(), String::new())].into()),
        ..Change::default()
    }
}

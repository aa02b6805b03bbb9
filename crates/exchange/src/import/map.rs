//! From what a file says to what the catalogue stores: pure (commerceml §2.4, §2.5).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sklad_catalog::import::{Change, Keys, Kind, Price, Section, Side, Stock};
use sklad_commerceml::{Product, Requisite};
use sklad_tenant::ExchangeSettings;

/// The price type of a price that names none, where there are several.
pub const NO_PRICE_TYPE: &str = "default";
/// Services, as `ТипНоменклатуры` and `ВидНоменклатуры` call them.
const SERVICE: &str = "услуга";
/// Sets of goods, likewise.
const BUNDLES: [&str; 2] = ["набор", "комплект"];

/// What is known beside the good itself.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The tenant's settings.
    pub settings: &'a ExchangeSettings,
    /// Ids of price types by name, and by id itself.
    pub price_types: &'a Named,
    /// The same of stores.
    pub stores: &'a Named,
    /// Whether the list is a full one: what it does not say is not there.
    pub full: bool,
}

/// Ids that settings name: by id or by name.
#[derive(Debug, Default, Clone)]
pub struct Named {
    ids: BTreeMap<String, String>,
    /// In the order of their coming.
    order: Vec<String>,
}

impl Named {
    /// Forgets the order: another list begins.
    pub fn restart(&mut self) {
        self.order.clear();
    }

    /// Notes an id and its name.
    pub fn put(&mut self, id: &str, name: &str) {
        if !self.order.iter().any(|known| known == id) {
            self.order.push(id.to_owned());
        }
        self.ids.insert(folded(name), id.to_owned());
        self.ids.insert(id.to_owned(), id.to_owned());
    }

    /// The id that `word` names: an id, or a name in whatever case.
    #[must_use]
    pub fn id<'a>(&'a self, word: &'a str) -> &'a str {
        let word = word.trim();
        let found = self.ids.get(word).or_else(|| self.ids.get(&folded(word)));
        found.map_or(word, String::as_str)
    }

    /// The only one, or the first, that is not `left_out`.
    #[must_use]
    pub fn first_but(&self, left_out: Option<&str>) -> Option<&str> {
        let mut ids = self.order.iter().map(String::as_str);
        ids.find(|id| left_out != Some(id))
    }

    fn only(&self) -> Option<&str> {
        match self.order.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether `id` is among what `wanted` names; nothing named is everything.
    fn wanted(&self, wanted: &[String], id: &str) -> bool {
        wanted.is_empty() || wanted.iter().any(|word| self.id(word) == id)
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The external id of a good, and of the product whose variant it is. `P#P` is the product itself.
#[must_use]
pub fn ids(product: &Product) -> Option<(String, Option<String>)> {
    let parent = product.product_id().filter(|id| !id.is_empty())?;
    match product
        .variant_id()
        .filter(|v| !v.is_empty() && *v != parent)
    {
        Some(variant) => Some((format!("{parent}#{variant}"), Some(parent.to_owned()))),
        None => Some((parent.to_owned(), None)),
    }
}

/// A good of a catalogue. `None` when it has no id.
#[must_use]
pub fn good(product: &Product, context: &Context<'_>) -> Option<Change> {
    let mut change = common(product, context)?;
    change.side = Some(Side::Card);
    change.create = true;
    change.name.clone_from(&product.name);
    change.kind = kind(&product.requisites);
    change.deleted = Some(product.deleted == Some(true));
    let groups = product.groups.iter().flatten().chain(&product.category);
    let told = product.groups.is_some() || product.category.is_some();
    change.categories = told.then(|| groups.cloned().collect());
    change.requisites = (!product.requisites.is_empty()).then(|| requisites(product));
    Some(change)
}

/// An offer. It does not rename a product, and one without a product is nobody's.
#[must_use]
pub fn offer(product: &Product, context: &Context<'_>) -> Option<Change> {
    let mut change = common(product, context)?;
    change.side = Some(Side::Offer);
    if change.parent.is_some() {
        change.create = true;
        change.name = product.name.clone().or_else(|| described(product));
        change.deleted = Some(product.deleted == Some(true));
    } else if product.deleted == Some(true) {
        // The product stays; it is not offered any more.
        change.prices = Some(Section::Replace(Vec::new()));
        change.stock = Some(Section::Replace(Vec::new()));
        change.quantity = Some(0);
    }
    Some(change)
}

fn common(product: &Product, context: &Context<'_>) -> Option<Change> {
    let (external, parent) = ids(product)?;
    let settings = context.settings;
    let (stock, quantity) = amounts(product, context);
    let unit = product.unit.as_ref();
    Some(Change {
        keys: Keys::external(external),
        parent,
        article: product.article.clone(),
        code: product.code.clone(),
        barcodes: product.barcodes.clone(),
        unit: unit.and_then(|u| u.text.clone().or_else(|| u.name.clone())),
        description: product.description.clone(),
        prices: prices(product, context),
        stock,
        quantity,
        characteristics: characteristics(product),
        properties: properties(product),
        pictures: product.pictures.clone().filter(|_| settings.images),
        extra: extra(product),
        ..Change::default()
    })
}

/// A variant without a name of its own is called by what tells it from its sisters.
fn described(product: &Product) -> Option<String> {
    let values = product.characteristics.iter().flatten();
    let values: Vec<&str> = values.filter_map(|c| c.value.as_deref()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn kind(requisites: &[Requisite]) -> Option<Kind> {
    let named = |name: &str| {
        let found = requisites.iter().find(|r| r.name.as_deref() == Some(name));
        found
            .and_then(|r| r.values.first())
            .map(|value| folded(value))
    };
    let kind = named("ТипНоменклатуры").or_else(|| named("ВидНоменклатуры"))?;
    match kind.as_str() {
        SERVICE => Some(Kind::Service),
        word if BUNDLES.contains(&word) => Some(Kind::Bundle),
        _ => Some(Kind::Product),
    }
}

fn prices(product: &Product, context: &Context<'_>) -> Option<Section<Price>> {
    let given = product.prices.as_ref()?;
    let wanted = &context.settings.price_types;
    let lowest = context.settings.min_price_type.as_deref();
    let lowest = lowest.map(|word| context.price_types.id(word));
    let mut rows: Vec<_> = given
        .iter()
        .filter_map(|price| Some((price.min_quantity, price.kopecks()?, price)))
        .collect();
    // Of several prices of one type the one for the least quantity comes last, and stays.
    rows.sort_by_key(|row| std::cmp::Reverse(row.0));
    let rows = rows.into_iter().filter_map(|(_, kopecks, price)| {
        let only = || context.price_types.only().unwrap_or(NO_PRICE_TYPE);
        let id = price.price_type.as_deref().filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(only);
        let taken = lowest == Some(id) || context.price_types.wanted(wanted, id);
        taken.then(|| Price {
            price_type: id.to_owned(),
            kopecks,
            currency: price.currency.clone().unwrap_or_else(|| "RUB".to_owned()),
        })
    });
    Some(section(rows.collect(), context.full))
}

fn section<T>(rows: Vec<T>, full: bool) -> Section<T> {
    if full {
        Section::Replace(rows)
    } else {
        Section::Merge(rows)
    }
}

/// Stock by store, and the quantity in all that count. What the file says of the whole is believed, but
/// for a tenant that counts only some stores (commerceml §2.5).
fn amounts(product: &Product, context: &Context<'_>) -> (Option<Section<Stock>>, Option<i64>) {
    let wanted = context.settings.stores.as_slice();
    let mut rows = Vec::new();
    let mut nowhere = None;
    for stock in product.stocks.iter().flatten() {
        let thousandths = stock.quantity.and_then(thousandths);
        match (
            stock.store.as_deref().filter(|id| !id.is_empty()),
            thousandths,
        ) {
            (Some(id), Some(thousandths)) if context.stores.wanted(wanted, id) => {
                rows.push(Stock {
                    store: id.to_owned(),
                    thousandths,
                })
            }
            (None, Some(thousandths)) => nowhere = Some(thousandths),
            _ => {}
        }
    }
    let by_store = product
        .stocks
        .as_ref()
        .is_some_and(|all| all.iter().any(|s| s.store.is_some()));
    let sum = || {
        rows.iter()
            .fold(0i64, |sum, row| sum.saturating_add(row.thousandths))
    };
    let told = product.quantity.and_then(thousandths).or(nowhere);
    let quantity = if by_store && (told.is_none() || !wanted.is_empty()) {
        Some(sum())
    } else {
        told
    };
    (by_store.then(|| section(rows, context.full)), quantity)
}

/// Thousandths of a unit; `None` for more than fits.
#[must_use]
pub fn thousandths(quantity: Decimal) -> Option<i64> {
    quantity
        .checked_mul(Decimal::ONE_THOUSAND)?
        .round()
        .to_i64()
}

fn characteristics(product: &Product) -> Option<Vec<(String, String)>> {
    let given = product.characteristics.as_ref()?;
    let pairs = given.iter().filter_map(|c| {
        let name = c.name.as_ref().or(c.id.as_ref())?;
        Some((name.clone(), c.value.clone().unwrap_or_default()))
    });
    Some(pairs.collect())
}

fn properties(product: &Product) -> Option<Vec<(String, Vec<String>)>> {
    let given = product.properties.as_ref()?;
    let pairs = given.iter().filter_map(|p| {
        let id = p.id.as_ref().or(p.name.as_ref())?;
        Some((id.clone(), p.values.clone()))
    });
    Some(pairs.collect())
}

fn requisites(product: &Product) -> Vec<(String, Vec<String>)> {
    let given = product.requisites.iter();
    given
        .filter_map(|r| Some((r.name.clone()?, r.values.clone())))
        .collect()
}

fn extra(product: &Product) -> Option<BTreeMap<String, String>> {
    let vat = product.taxes.iter().flatten();
    let mut vat = vat.filter(|t| t.name.as_deref().is_none_or(|n| folded(n) == "ндс"));
    let decimal = |d: &Option<Decimal>| d.map(|d| d.normalize().to_string());
    let texts = [
        ("full_name", product.full_name.clone()),
        ("country", product.country.clone()),
        ("brand", product.brand.clone()),
        ("manufacturer", product.manufacturer.clone()),
        ("vat", vat.next().and_then(|t| t.rate.clone())),
        ("weight", decimal(&product.weight)),
        ("width", decimal(&product.width)),
        ("length", decimal(&product.length)),
        ("height", decimal(&product.height)),
    ];
    let mut extra = BTreeMap::new();
    extra.extend(
        texts
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), text?))),
    );
    (!extra.is_empty()).then_some(extra)
}

//! From what a file says to what the catalogue stores: pure (commerceml §2.4, §2.5).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sklad_catalog::import::{Change, Keys, Kind, Price, Section, Side, Stock, Wanted};
use sklad_commerceml::{Price as PriceOf, Product, Requisite, Unit};
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
    /// The catalogue that says it; empty where it has no id.
    pub catalogue: &'a str,
    /// Whether the list is none of changes: prices and stock that a good of it does not name are not there.
    pub full: bool,
}

/// Ids that settings name: by id or by name.
#[derive(Debug, Default, Clone)]
pub struct Named {
    ids: BTreeMap<String, String>,
    /// Names by id.
    called: BTreeMap<String, String>,
    /// By their places.
    order: Vec<String>,
    /// Those that the source has no more.
    dead: BTreeSet<String>,
    /// Of price types: their currencies.
    currencies: BTreeMap<String, String>,
}

impl Named {
    /// Notes an id and its name, and whether the source has it; answers its place, the last for a new one.
    pub fn put(&mut self, id: &str, name: &str, deleted: bool) -> usize {
        let place = self.order.iter().position(|known| known == id);
        if place.is_none() {
            self.order.push(id.to_owned());
        }
        if deleted {
            self.dead.insert(id.to_owned());
        } else {
            self.dead.remove(id);
        }
        self.ids.insert(folded(name), id.to_owned());
        self.ids.insert(id.to_owned(), id.to_owned());
        self.called.insert(id.to_owned(), name.to_owned());
        place.unwrap_or(self.order.len().saturating_sub(1))
    }

    /// Notes the currency of a price type.
    pub fn pays_in(&mut self, id: &str, currency: &str) {
        self.currencies.insert(id.to_owned(), currency.to_owned());
    }

    /// A list that names all that are alive says in which order they stand; one that names some says
    /// nothing of the others. Answers all in the new order, if it is another one.
    pub fn arrange(&mut self, listed: &[String]) -> Option<Vec<String>> {
        let known = |id: &&String| !self.dead.contains(*id);
        if !self
            .order
            .iter()
            .filter(known)
            .all(|id| listed.contains(id))
        {
            return None;
        }
        let mut order: Vec<String> = Vec::with_capacity(self.order.len());
        for id in listed.iter().chain(&self.order) {
            if !order.contains(id) {
                order.push(id.clone());
            }
        }
        if order == self.order {
            return None;
        }
        self.order.clone_from(&order);
        Some(order)
    }

    /// The id that `word` names: an id, or a name in whatever case.
    #[must_use]
    pub fn id<'a>(&'a self, word: &'a str) -> &'a str {
        let word = word.trim();
        let found = self.ids.get(word).or_else(|| self.ids.get(&folded(word)));
        found.map_or(word, String::as_str)
    }

    /// Those that the source has, by their places.
    fn alive(&self) -> impl Iterator<Item = &str> {
        let alive = self.order.iter().filter(|id| !self.dead.contains(*id));
        alive.map(String::as_str)
    }

    /// The one whose price is the good's: the first that `words` name, or of all but `left_out`.
    #[must_use]
    pub fn main<'a>(&'a self, words: &'a [String], left_out: Option<&str>) -> Option<&'a str> {
        let mut named = words.iter().map(|word| self.id(word));
        match words {
            [] => self.alive().find(|id| left_out != Some(id)),
            _ => named.find(|id| !self.dead.contains(*id)),
        }
    }

    fn only(&self) -> Option<&str> {
        let mut alive = self.alive();
        alive.next().filter(|_| alive.next().is_none())
    }

    /// What `words` of the settings name; no word names all.
    #[must_use]
    pub fn wanted(&self, words: &[String]) -> Wanted {
        let ids = words.iter().map(|word| self.id(word).to_owned());
        let wanted = match (words, self.unknown(words).next()) {
            ([], _) => Wanted::default(),
            (_, None) => Wanted::only(ids),
            (_, Some(_)) => Wanted::only(ids).or_unknown(self.order.iter().cloned()),
        };
        wanted.dead(self.dead.iter().cloned())
    }

    /// The words that name nothing that is known.
    pub fn unknown<'a>(&'a self, words: &'a [String]) -> impl Iterator<Item = &'a str> {
        let words = words.iter().map(|word| word.trim());
        words.filter(|word| !self.ids.contains_key(*word) && !self.ids.contains_key(&folded(word)))
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// What those that the source has are called.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let called = |id: &str| {
            let name = self.called.get(id).map(String::as_str);
            name.filter(|name| !name.is_empty())
        };
        self.alive().map(|id| called(id).unwrap_or(id)).collect()
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
    change.catalogue = Some(context.catalogue.to_owned());
    change.create = is_worth_making(product);
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
        change.catalogue = Some(context.catalogue.to_owned());
        change.create = is_worth_making(product);
        change.name.clone_from(&product.name);
        change.deleted = Some(product.deleted == Some(true));
    } else if product.deleted == Some(true) {
        // The product stays; it is not offered any more.
        change.prices = Some(Section::Replace(Vec::new()));
        change.stock = Some(Section::Replace(Vec::new()));
        change.quantity = Some(0);
    }
    Some(change)
}

/// What was deleted before it ever came is kept where it has a name, for the receipts that know it; a mark
/// of deletion alone makes nothing.
fn is_worth_making(product: &Product) -> bool {
    product.deleted != Some(true) || product.name.is_some()
}

fn common(product: &Product, context: &Context<'_>) -> Option<Change> {
    let (external, parent) = ids(product)?;
    let settings = context.settings;
    let (stock, quantity) = amounts(product, context);
    let code = product.code.clone();
    Some(Change {
        keys: Keys::external(external),
        parent,
        article: product.article.clone(),
        code: code.or_else(|| requisite(&product.requisites, "Код")),
        barcodes: product.barcodes.clone(),
        unit: product.unit.as_ref().and_then(unit),
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

/// Whether an offer says more than what it costs and where it lies: a list of such offers tells which
/// variants there are, one of prices or of rests does not.
#[must_use]
pub fn is_described(product: &Product) -> bool {
    product.name.is_some()
        || product.characteristics.is_some()
        || product.article.is_some()
        || product.barcodes.is_some()
        || product.unit.is_some()
}

/// What a unit is called. Its text may be its code in the classifier of units, `796 ` for a piece.
fn unit(unit: &Unit) -> Option<String> {
    let text = unit.text.as_deref().map(str::trim);
    let word = text.filter(|text| !text.chars().all(|c| c.is_ascii_digit()));
    let name = word.or(unit.name.as_deref()).or(text);
    name.map(str::to_owned)
}

/// The first value of a requisite.
fn requisite(requisites: &[Requisite], name: &str) -> Option<String> {
    let found = requisites.iter().find(|r| r.name.as_deref() == Some(name));
    found.and_then(|r| r.values.first()).cloned()
}

fn kind(requisites: &[Requisite]) -> Option<Kind> {
    let kind = requisite(requisites, "ТипНоменклатуры");
    let kind = kind.or_else(|| requisite(requisites, "ВидНоменклатуры"))?;
    match folded(&kind).as_str() {
        SERVICE => Some(Kind::Service),
        word if BUNDLES.contains(&word) => Some(Kind::Bundle),
        _ => Some(Kind::Product),
    }
}

fn prices(product: &Product, context: &Context<'_>) -> Option<Section<Price>> {
    let given = product.prices.as_ref()?;
    let types = context.price_types;
    let mut rows: Vec<_> = given
        .iter()
        .filter_map(|price| Some((price.kopecks()?, price)))
        .collect();
    // Of several prices of one type the last one stays: of a unit rather than of a pack, for the least
    // quantity.
    let of_pack = |price: &PriceOf| price.factor.is_some_and(|factor| factor != Decimal::ONE);
    rows.sort_by_key(|(_, price)| Reverse((of_pack(price), price.min_quantity)));
    let rows = rows.into_iter().map(|(kopecks, price)| {
        let only = || types.only().unwrap_or(NO_PRICE_TYPE);
        let id = price.price_type.as_deref().filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(only);
        let currency = price.currency.as_ref().or_else(|| types.currencies.get(id));
        Price {
            price_type: id.to_owned(),
            kopecks,
            currency: currency.map_or_else(|| "RUB".to_owned(), String::clone),
        }
    });
    // One that cannot be read is not known to be gone.
    let all = given.iter().all(|price| price.kopecks().is_some());
    Some(section(rows.collect(), context.full && all))
}

fn section<T>(rows: Vec<T>, full: bool) -> Section<T> {
    if full {
        Section::Replace(rows)
    } else {
        Section::Merge(rows)
    }
}

/// Stock by store, and what the file says of the whole (commerceml §2.5).
fn amounts(product: &Product, context: &Context<'_>) -> (Option<Section<Stock>>, Option<i64>) {
    let mut rows = Vec::new();
    let mut nowhere = None;
    for stock in product.stocks.iter().flatten() {
        let thousandths = stock.quantity.and_then(thousandths);
        match (
            stock.store.as_deref().filter(|id| !id.is_empty()),
            thousandths,
        ) {
            (Some(id), Some(thousandths)) => rows.push(Stock {
                store: id.to_owned(),
                thousandths,
            }),
            (None, Some(thousandths)) => nowhere = Some(thousandths),
            _ => {}
        }
    }
    let by_store = product
        .stocks
        .as_ref()
        .is_some_and(|all| all.iter().any(|s| s.store.is_some()));
    let quantity = product.quantity.and_then(thousandths).or(nowhere);
    // One that cannot be read is not known to be gone.
    let mut stocks = product.stocks.iter().flatten();
    let all = stocks.all(|stock| stock.quantity.and_then(thousandths).is_some());
    let stock = by_store.then(|| section(rows, context.full && all));
    (stock, quantity)
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

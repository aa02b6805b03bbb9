//! From a shop's products to what the catalogue stores: pure (insales.md §5.1).
//!
//! What the catalogue calls `insales:{connection}:{id}` is the shop's thing with that id, see
//! [`Names`]. A product with one variant that has no name of its own is one good; else the product and each
//! variant are one. The price of a good is the field `price`; the other prices are price types.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use sklad_catalog::import::{Change, Keys, Kind, Price, Section, Side, Stock};
use sklad_catalog::refs::RefInput;
use sklad_raw::{Raw, object, text};

use crate::connected::KIND;
use crate::settings::CatalogueSettings;
use crate::wire::{self, Counted, Numbered, Product, Variant, flag, id, kopecks, thousandths};

/// With what the names of the shop's picture files begin.
pub const PICTURE: &str = "insales-";
/// The field with the price of a good itself.
pub const PRICE: &str = "price";
/// The price types that every shop has: the field of a variant, and what people call it.
pub const PRICES: [(&str, &str); 3] = [
    (PRICE, "Цена продажи"),
    ("old_price", "Старая цена"),
    ("cost_price", "Закупочная цена"),
];
/// The store of a shop that does not tell where its goods lie.
const ANYWHERE: u64 = 0;
/// The currency of all prices here.
const ROUBLES: &str = "RUB";
/// The longest `extra` text that is kept, in characters.
const MAX_EXTRA_CHARS: usize = 500;

/// How a connection's things are called in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    source: String,
    prefix: String,
}

impl Names {
    /// Of this connection.
    #[must_use]
    pub fn of(connection: &str) -> Self {
        let source = format!("{KIND}:{connection}");
        let prefix = format!("{source}:");
        Self { source, prefix }
    }

    /// The source of its goods; also the name under which a good's `extra` has its ids, see [`Item::ids`].
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// With what all ids begin.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A product.
    #[must_use]
    pub fn product(&self, id: u64) -> String {
        format!("{}{id}", self.prefix)
    }

    /// A price type, by the field that has it: `price`, `price2`.
    #[must_use]
    pub fn price(&self, field: &str) -> String {
        format!("{}{field}", self.prefix)
    }

    /// A warehouse.
    #[must_use]
    pub fn store(&self, id: u64) -> String {
        format!("{}{id}", self.prefix)
    }

    /// A collection: what the shop's visitors see.
    #[must_use]
    pub fn collection(&self, id: u64) -> String {
        format!("{}c{id}", self.prefix)
    }

    /// A category of the shop's stock.
    #[must_use]
    pub fn category(&self, id: u64) -> String {
        format!("{}w{id}", self.prefix)
    }

    fn property(&self, id: u64) -> String {
        format!("{}p{id}", self.prefix)
    }
}

/// What is known beside a product: the shop's ids of price kinds by field.
pub type Known = BTreeMap<String, u64>;

/// The field of a price, what it says, and what the same is in the currency of the shop.
type Priced<'a> = (String, Raw<'a>, Raw<'a>);

fn priced<'a>(variant: &Variant<'a>, numbered: &Numbered<'a>) -> impl Iterator<Item = Priced<'a>> {
    let named = [
        (variant.price, variant.price_here),
        (variant.old_price, variant.old_price_here),
        (variant.cost_price, variant.cost_price_here),
    ];
    let named = PRICES.iter().zip(named);
    let named = named.map(|((field, _), (own, here))| ((*field).to_owned(), own, here));
    let of = |wanted, n| {
        let mut all = numbered.0.iter();
        let found = all.find(|(counted, number, _)| *counted == wanted && *number == n);
        found.map(|(_, _, raw)| *raw)
    };
    let further = numbered
        .0
        .iter()
        .filter(|(counted, ..)| *counted == Counted::Price);
    let further: Vec<Priced<'a>> = further
        .map(|(_, n, raw)| (format!("price{n}"), Some(*raw), of(Counted::PriceHere, *n)))
        .collect();
    named.chain(further)
}

/// A good of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is called: [`Names::product`], behind it `#` and the variant's id where it is one of several.
    pub key: String,
    /// The shop's ids of what is sold: `{product}#{variant}`. Nothing for a product with several variants.
    pub ids: Option<String>,
    /// By what it may be recognised: sku, barcode.
    pub article: Option<String>,
    /// Likewise.
    pub barcode: Option<String>,
    /// Likewise: in the system where the shop has it from (UNVERIFIED field).
    pub externals: Vec<String>,
    /// What the merchant knows it by.
    pub title: String,
    /// Whether the shop sells it.
    pub here: bool,
    /// What the merchant is told of it.
    pub doubtful: Option<String>,
    /// What it is, as a good of the shop's own.
    pub change: Change,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What the catalogue calls its file.
    pub name: String,
    /// Where it is.
    pub url: String,
}

/// A product of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The product, or the only good.
    pub item: Item,
    /// Its variants, where they are goods.
    pub variants: Vec<Item>,
    /// Whether it lies in the trash.
    pub trashed: bool,
    /// Names of its properties.
    pub properties: Vec<RefInput>,
    /// Pictures of all.
    pub pictures: Vec<Picture>,
}

impl Mapped {
    /// The product, and its variants.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        std::iter::once(&self.item).chain(&self.variants)
    }

    /// How many goods it is.
    #[must_use]
    pub fn goods(&self) -> usize {
        self.variants.len().saturating_add(1)
    }
}

/// The catalogue's view of a row of the list of products; `None` for what is no product.
#[must_use]
pub fn product(
    raw: &RawValue,
    names: &Names,
    known: &Known,
    settings: &CatalogueSettings,
) -> Option<Mapped> {
    let row: Product<'_> = object(Some(raw))?;
    let product = Of {
        id: id(row.id)?,
        row: &row,
        names,
        known,
        settings,
    };
    let variants = row.variants.iter().filter_map(|raw| variant(*raw));
    let variants: Vec<(u64, Variant<'_>, Numbered<'_>)> = variants.collect();
    let (item, variants) = match variants.as_slice() {
        [only] if is_plain(&only.1) => (product.alone(only), Vec::new()),
        several => {
            let all = several.iter().map(|one| product.variant(one));
            (product.several(), all.collect())
        }
    };
    let pictures = match settings.images {
        true => row.images.iter().filter_map(picture).collect(),
        false => Vec::new(),
    };
    Some(Mapped {
        item,
        variants,
        trashed: flag(row.archived) == Some(true),
        properties: product.properties(),
        pictures,
    })
}

fn variant<'a>(raw: Raw<'a>) -> Option<(u64, Variant<'a>, Numbered<'a>)> {
    let variant: Variant<'_> = object(raw)?;
    let numbered = object(raw).unwrap_or_default();
    Some((id(variant.id)?, variant, numbered))
}

/// Whether a variant has nothing that tells it from sisters.
fn is_plain(variant: &Variant<'_>) -> bool {
    variant.options.is_empty() && text(variant.title).is_none()
}

/// A product, and what its goods are made with.
struct Of<'a> {
    id: u64,
    row: &'a Product<'a>,
    names: &'a Names,
    known: &'a Known,
    settings: &'a CatalogueSettings,
}

type Sold<'a> = (u64, Variant<'a>, Numbered<'a>);

impl Of<'_> {
    fn is_gone(&self) -> bool {
        flag(self.row.is_hidden) == Some(true)
            || flag(self.row.archived) == Some(true)
            || flag(self.row.available) == Some(false)
    }

    /// InSales has no word for what is sold by weight but its unit.
    fn is_weighed(&self) -> bool {
        matches!(unit(self.row.unit).as_str(), "кг" | "г")
    }

    /// What a product is, but for what is sold of it.
    fn card(&self) -> Change {
        let row = self.row;
        let bundle = row.components.iter().flatten().next().is_some();
        let description = text(row.description).or_else(|| text(row.short_description));
        Change {
            keys: Keys::external(self.names.product(self.id)),
            side: Some(Side::Card),
            create: true,
            kind: Some(if bundle { Kind::Bundle } else { Kind::Product }),
            name: Some(text(row.title).unwrap_or_default()),
            categories: Some(self.categories()),
            unit: Some(unit(row.unit)),
            weighed: Some(self.is_weighed()),
            description: Some(description.unwrap_or_default()),
            discount_prohibited: Some(flag(row.ignore_discounts) == Some(true)),
            deleted: Some(self.is_gone()),
            properties: Some(self.values()),
            pictures: self.pictures(None),
            ..Change::default()
        }
    }

    /// A product that is sold as one good.
    fn alone(&self, sold: &Sold<'_>) -> Item {
        let mut change = self.card();
        change.deleted = Some(self.is_gone() || flag(sold.1.available) == Some(false));
        self.sold(change, sold)
    }

    /// A product of which variants are sold.
    fn several(&self) -> Item {
        let change = Change {
            article: Some(String::new()),
            barcodes: Some(Vec::new()),
            prices: Some(Section::Replace(Vec::new())),
            untracked: true,
            characteristics: Some(Vec::new()),
            extra: Some(self.extra(None)),
            ..self.card()
        };
        Item {
            key: self.names.product(self.id),
            ids: None,
            article: None,
            barcode: None,
            externals: Vec::new(),
            title: text(self.row.title).unwrap_or_default(),
            here: !self.is_gone(),
            doubtful: None,
            change,
        }
    }

    fn variant(&self, sold: &Sold<'_>) -> Item {
        let (number, variant, _) = sold;
        let product = self.names.product(self.id);
        let images: Vec<u64> = (variant.image_ids.iter())
            .filter_map(|raw| id(*raw))
            .collect();
        let change = Change {
            keys: Keys::external(format!("{product}#{number}")),
            side: Some(Side::Card),
            parent: Some(product),
            create: true,
            kind: Some(Kind::Variant),
            unit: Some(unit(self.row.unit)),
            weighed: Some(self.is_weighed()),
            discount_prohibited: Some(flag(self.row.ignore_discounts) == Some(true)),
            deleted: Some(flag(variant.available) == Some(false)),
            characteristics: Some(self.characteristics(variant)),
            pictures: self.pictures(Some(&images)),
            ..Change::default()
        };
        self.sold(change, sold)
    }

    /// What is sold, of this change, which says the rest.
    fn sold(&self, change: Change, sold: &Sold<'_>) -> Item {
        let (number, variant, numbered) = sold;
        let ids = format!("{}#{number}", self.id);
        let (article, barcode) = (text(variant.sku), text(variant.barcode));
        let (stock, quantity) = self.stock(variant, numbered);
        let untracked = stock.is_none();
        let change = Change {
            article: Some(article.clone().unwrap_or_default()),
            barcodes: Some(barcode.clone().into_iter().collect()),
            prices: Some(Section::Replace(self.prices(variant, numbered))),
            stock: stock.map(Section::Replace),
            quantity,
            untracked,
            extra: Some(self.extra(Some((&ids, variant)))),
            ..change
        };
        let here = !self.is_gone() && flag(variant.available) != Some(false);
        Item {
            key: change.keys.external.clone().unwrap_or_default(),
            ids: Some(ids),
            article,
            barcode,
            externals: self.externals(variant),
            title: self.title(variant),
            here,
            doubtful: self.doubtful(variant, numbered).filter(|_| here),
            change,
        }
    }

    fn title(&self, variant: &Variant<'_>) -> String {
        let product = text(self.row.title).unwrap_or_default();
        match text(variant.title) {
            Some(own) => format!("{product} ({own})"),
            None => product,
        }
    }

    /// What the good may be called where the shop has it from. A variant's is also looked for as CommerceML
    /// calls it, behind its product's.
    fn externals(&self, variant: &Variant<'_>) -> Vec<String> {
        match (text(self.row.external_id), text(variant.external_id)) {
            (Some(product), Some(own)) if product != own => vec![format!("{product}#{own}"), own],
            (product, own) => own.or(product).into_iter().collect(),
        }
    }

    /// The collection that its address names first, then the others; without any, its category.
    fn categories(&self) -> Vec<String> {
        let row = self.row;
        let all = row.collections.iter().filter_map(|raw| id(*raw));
        let all: Vec<u64> = all.collect();
        let first = id(row.canonical).filter(|id| all.contains(id) || all.is_empty());
        let mut ids: Vec<u64> = first.into_iter().collect();
        for id in all {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        if ids.is_empty() {
            let category = id(row.category_id).map(|id| self.names.category(id));
            return category.into_iter().collect();
        }
        let name = |id: u64| self.names.collection(id);
        ids.into_iter().map(name).collect()
    }

    /// The prices in roubles.
    fn prices(&self, variant: &Variant<'_>, numbered: &Numbered<'_>) -> Vec<Price> {
        let foreign = self.foreign().is_some();
        let price = |(field, own, here): Priced<'_>| {
            Some(Price {
                kopecks: kopecks(if foreign { here } else { own })?,
                price_type: self.takes_price(&field).then(|| self.names.price(&field))?,
                currency: ROUBLES.to_owned(),
            })
        };
        priced(variant, numbered).filter_map(price).collect()
    }

    /// The currency of the prices, where it is another one than the rouble.
    fn foreign(&self) -> Option<String> {
        let code = text(self.row.currency)?.to_uppercase();
        // `RUR` was its name until 1998.
        (code != ROUBLES && code != "RUR").then_some(code)
    }

    /// What the merchant is told of prices that nobody here knows in roubles.
    fn doubtful(&self, variant: &Variant<'_>, numbered: &Numbered<'_>) -> Option<String> {
        let currency: String = self.foreign()?.chars().take(3).collect();
        let unknown = |(field, own, here): Priced<'_>| {
            self.takes_price(&field) && kopecks(own).is_some() && kopecks(here).is_none()
        };
        priced(variant, numbered).any(unknown).then(|| {
            let title = self.title(variant);
            format!(
                "Товар InSales «{title}»: цена в валюте {currency} без пересчёта в рубли, пропущена"
            )
        })
    }

    /// The prices that every shop has always come.
    fn takes_price(&self, field: &str) -> bool {
        let kinds = &self.settings.price_kinds;
        let wanted = || self.known.get(field).is_some_and(|id| kinds.contains(id));
        kinds.is_empty() || PRICES.iter().any(|(name, _)| *name == field) || wanted()
    }

    /// What lies where, and how much of it in all; nothing of what nobody counts.
    fn stock(
        &self,
        variant: &Variant<'_>,
        numbered: &Numbered<'_>,
    ) -> (Option<Vec<Stock>>, Option<i64>) {
        let Some(all) = thousandths(variant.quantity) else {
            return (None, None);
        };
        let row = |id: u64, thousandths: i64| Stock {
            store: self.names.store(id),
            thousandths,
        };
        let stores = numbered.0.iter().filter_map(|(counted, id, raw)| {
            let lies = (*counted == Counted::Stock).then(|| thousandths(Some(*raw)))?;
            Some((*id, lies?))
        });
        let mut stores: Vec<(u64, i64)> = stores.collect();
        if stores.is_empty() {
            stores.push((ANYWHERE, all));
        }
        let wanted = &self.settings.warehouses;
        let kept = stores.into_iter();
        let kept = kept.filter(|(id, _)| wanted.is_empty() || wanted.contains(id));
        let kept = kept.map(|(id, lies)| row(id, lies)).collect();
        (Some(kept), wanted.is_empty().then_some(all))
    }

    fn characteristics(&self, variant: &Variant<'_>) -> Vec<(String, String)> {
        let name = |option: Raw<'_>| {
            let wanted = id(option)?;
            let mut all = self.row.option_names.iter();
            let found = all.find(|named| id(named.id) == Some(wanted))?;
            text(found.title)
        };
        let pair = |one: &wire::OptionValue<'_>| {
            let name = name(one.option).unwrap_or_else(|| "Свойство".to_owned());
            Some((name, text(one.title)?))
        };
        let pairs: Vec<_> = variant.options.iter().filter_map(pair).collect();
        if pairs.is_empty() {
            let title = text(variant.title).map(|title| ("Вариант".to_owned(), title));
            return title.into_iter().collect();
        }
        pairs
    }

    /// Values by property.
    fn values(&self) -> Vec<(String, Vec<String>)> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in &self.row.characteristics {
            if let (Some(property), Some(value)) = (id(one.property), text(one.title)) {
                let property = self.names.property(property);
                values.entry(property).or_default().push(value);
            }
        }
        values.into_iter().collect()
    }

    fn properties(&self) -> Vec<RefInput> {
        let one = |named: &wire::Named<'_>| {
            Some(RefInput {
                id: self.names.property(id(named.id)?),
                name: text(named.title)?,
                ..RefInput::default()
            })
        };
        self.row.properties.iter().filter_map(one).collect()
    }

    /// Names of pictures: of those with these ids, or of all. Nothing is said where they do not come.
    fn pictures(&self, ids: Option<&[u64]>) -> Option<Vec<String>> {
        let wanted = |image: &&wire::Image<'_>| {
            ids.is_none_or(|ids| id(image.id).is_some_and(|id| ids.contains(&id)))
        };
        let images = self.row.images.iter().filter(wanted);
        let names = images.filter_map(|image| Some(picture(image)?.name));
        self.settings.images.then(|| names.collect())
    }

    /// An empty text removes one.
    fn extra(&self, sold: Option<(&str, &Variant<'_>)>) -> BTreeMap<String, String> {
        let row = self.row;
        let vat = wire::number(row.vat).map(|vat| match vat.is_sign_negative() {
            true => "без НДС".to_owned(),
            false => vat.normalize().to_string(),
        });
        let weight = sold.and_then(|(_, variant)| wire::number(variant.weight));
        let weight = weight.map(|weight| weight.normalize().to_string());
        let dimensions = sold.and_then(|(_, variant)| text(variant.dimensions));
        let ids = sold.map(|(ids, _)| ids.to_owned());
        let cut = |text: String| text.chars().take(MAX_EXTRA_CHARS).collect();
        [
            (self.names.source(), ids),
            ("vat", vat),
            ("weight", weight),
            ("dimensions", dimensions),
            ("permalink", text(row.permalink)),
        ]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.map(cut).unwrap_or_default()))
        .collect()
    }
}

/// The units that InSales calls by codes, as they are called here (UNVERIFIED but for the first two); any
/// other is told as it is.
fn unit(raw: Raw<'_>) -> String {
    const UNITS: [(&str, &str); 12] = [
        ("pce", "шт"),
        ("kgm", "кг"),
        ("grm", "г"),
        ("ltr", "л"),
        ("mtr", "м"),
        ("cmt", "см"),
        ("mtk", "м2"),
        ("mtq", "м3"),
        ("set", "компл"),
        ("nmp", "упак"),
        ("npr", "пара"),
        ("hur", "ч"),
    ];
    let code = text(raw).unwrap_or_default();
    let known = UNITS.iter().find(|(name, _)| *name == code);
    known.map_or(code, |(_, unit)| (*unit).to_owned())
}

/// A picture by its address: another address is another file.
fn picture(image: &wire::Image<'_>) -> Option<Picture> {
    let urls = [image.original, image.large, image.url];
    let url = urls.into_iter().find_map(text)?;
    let hash = hex::encode(Sha256::digest(url.as_bytes()));
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let end = path.rsplit_once('.').map(|(_, end)| end.to_lowercase());
    let plain = |end: &String| {
        (1..=5).contains(&end.len()) && end.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let end = end.filter(plain).unwrap_or_else(|| "jpg".to_owned());
    let name = format!("{PICTURE}{}.{end}", hash.get(..32)?);
    Some(Picture { name, url })
}

#[cfg(test)]
mod tests;

//! What a shop says of its goods, row by row (insales.md §5), as raw as it stands.

use std::borrow::Cow;
use std::fmt::{self, Formatter};

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sklad_raw::{Raw, members, written};

/// A product (§5.1).
pub struct Product<'a> {
    pub id: Raw<'a>,
    pub title: Raw<'a>,
    pub description: Raw<'a>,
    pub short_description: Raw<'a>,
    pub permalink: Raw<'a>,
    pub category_id: Raw<'a>,
    pub collections: Vec<Raw<'a>>,
    pub canonical: Raw<'a>,
    pub is_hidden: Raw<'a>,
    pub archived: Raw<'a>,
    pub available: Raw<'a>,
    pub ignore_discounts: Raw<'a>,
    pub unit: Raw<'a>,
    pub vat: Raw<'a>,
    pub currency: Raw<'a>,
    pub external_id: Raw<'a>,
    pub images: Vec<Image<'a>>,
    pub option_names: Vec<Named<'a>>,
    pub properties: Vec<Named<'a>>,
    pub characteristics: Vec<Characteristic<'a>>,
    pub components: Vec<Raw<'a>>,
    pub variants: Vec<Raw<'a>>,
}

members!(Product {
    id: "id",
    title: "title",
    description: "description",
    short_description: "short_description",
    permalink: "permalink",
    category_id: "category_id",
    collections: "collections_ids",
    canonical: "canonical_url_collection_id",
    is_hidden: "is_hidden",
    archived: "archived",
    available: "available",
    ignore_discounts: "ignore_discounts",
    unit: "unit",
    vat: "vat",
    currency: "currency_code",
    external_id: "external_id",
    images: "images",
    option_names: "option_names",
    properties: "properties",
    characteristics: "characteristics",
    components: "product_bundle_components",
    variants: "variants",
});

/// A variant; its prices and stock are [`Numbered`].
pub struct Variant<'a> {
    pub id: Raw<'a>,
    pub title: Raw<'a>,
    pub sku: Raw<'a>,
    pub barcode: Raw<'a>,
    pub available: Raw<'a>,
    pub weight: Raw<'a>,
    pub dimensions: Raw<'a>,
    pub quantity: Raw<'a>,
    pub price: Raw<'a>,
    pub old_price: Raw<'a>,
    pub cost_price: Raw<'a>,
    pub price_here: Raw<'a>,
    pub old_price_here: Raw<'a>,
    pub cost_price_here: Raw<'a>,
    pub options: Vec<OptionValue<'a>>,
    pub image_ids: Vec<Raw<'a>>,
    pub external_id: Raw<'a>,
}

members!(Variant {
    id: "id",
    title: "title",
    sku: "sku",
    barcode: "barcode",
    available: "available",
    weight: "weight",
    dimensions: "dimensions",
    quantity: "quantity",
    price: "price",
    old_price: "old_price",
    cost_price: "cost_price",
    price_here: "price_in_site_currency",
    old_price_here: "old_price_in_site_currency",
    cost_price_here: "cost_price_in_site_currency",
    options: "option_values",
    image_ids: "image_ids",
    external_id: "external_id",
});

/// The value of an option.
#[derive(Default)]
pub struct OptionValue<'a> {
    pub option: Raw<'a>,
    pub title: Raw<'a>,
}

members!(OptionValue {
    option: "option_name_id",
    title: "title"
});

/// The name of an option, a property, a price kind, a warehouse.
#[derive(Default)]
pub struct Named<'a> {
    pub id: Raw<'a>,
    pub title: Raw<'a>,
    /// Of a price kind: the field of a variant that has it, as `price2`.
    pub method: Raw<'a>,
    /// Of a price kind: its number, from 1.
    pub index: Raw<'a>,
}

members!(Named {
    id: "id",
    title: "title",
    method: "variant_price_method_name",
    index: "price_index"
});

/// The value of a property.
#[derive(Default)]
pub struct Characteristic<'a> {
    pub property: Raw<'a>,
    pub title: Raw<'a>,
}

members!(Characteristic {
    property: "property_id",
    title: "title"
});

/// A picture; by which of the names its address goes is UNVERIFIED but for the first (§5.2).
#[derive(Default)]
pub struct Image<'a> {
    pub id: Raw<'a>,
    pub original: Raw<'a>,
    pub large: Raw<'a>,
    pub url: Raw<'a>,
}

members!(Image {
    id: "id",
    original: "original_url",
    large: "large_url",
    url: "url"
});

/// A category or a collection.
pub struct Group<'a> {
    pub id: Raw<'a>,
    pub parent: Raw<'a>,
    pub title: Raw<'a>,
    pub is_hidden: Raw<'a>,
}

members!(Group {
    id: "id",
    parent: "parent_id",
    title: "title",
    is_hidden: "is_hidden"
});

/// What a number in the name of a field counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Prices of further kinds, from 2.
    Price,
    /// The same in the currency of the shop.
    PriceHere,
    /// What lies in a warehouse, by its id.
    Stock,
}

/// The fields of a variant with a number in their names: `price2`, `price2_in_site_currency`,
/// `quantity_at_warehouse7`.
#[derive(Default)]
pub struct Numbered<'a>(pub Vec<(Counted, u64, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Numbered<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Numbered<'de>;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = Numbered::default();
                while let Some(Name(name)) = map.next_key()? {
                    let value: &RawValue = map.next_value()?;
                    let field = numbered(&name).map(|(counted, n)| (counted, n, value));
                    found.0.extend(field);
                }
                Ok(found)
            }
        }

        from.deserialize_map(Fields)
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// With what the names of prices in the currency of the shop end.
const HERE: &str = "_in_site_currency";

fn numbered(name: &str) -> Option<(Counted, u64)> {
    let (counted, digits) = match name.strip_prefix("quantity_at_warehouse") {
        Some(digits) => (Counted::Stock, digits),
        None => match (name.strip_prefix("price")?, name.strip_suffix(HERE)) {
            (digits, None) => (Counted::Price, digits),
            (digits, Some(_)) => (Counted::PriceHere, digits.strip_suffix(HERE)?),
        },
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| Some((counted, digits.parse().ok()?)))?
}

/// An id; the shop's are numbers.
pub fn id(raw: Raw<'_>) -> Option<u64> {
    written(raw)?.parse().ok()
}

/// Yes or no, written in whatever way.
pub fn flag(raw: Raw<'_>) -> Option<bool> {
    match raw?.get().trim_matches('"') {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A number, as the shop or whoever typed it writes it: a number or a text, with a point or a comma, with
/// spaces between the thousands. What is none is nothing.
pub fn number(raw: Raw<'_>) -> Option<Decimal> {
    let text = written(raw)?;
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let plain = text.chars().filter(|c| !c.is_whitespace());
    let plain: String = plain.map(|c| if c == ',' { '.' } else { c }).collect();
    let number = plain.parse().ok();
    number.or_else(|| Decimal::from_scientific(&plain).ok())
}

fn scaled(raw: Raw<'_>, by: u32) -> Option<i64> {
    let exact = number(raw)?.checked_mul(Decimal::from(by))?;
    let whole = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    whole.to_i64()
}

/// A price in kopecks; halves are rounded away from zero.
pub fn kopecks(raw: Raw<'_>) -> Option<i64> {
    scaled(raw, 100)
}

/// A quantity in thousandths.
pub fn thousandths(raw: Raw<'_>) -> Option<i64> {
    scaled(raw, 1_000)
}

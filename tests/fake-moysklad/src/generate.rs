//! Goods in any number. Everything follows from a [`Shape`] and an index, so that fifty thousand goods take
//! the memory of fifty thousand rows and the same shape gives the same shop.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::kinds::{self, Kind};
use crate::link;
use crate::state::{Account, Body, Fields, Row};
use crate::stock::Quantity;

/// How many variants a product has that has any.
const VARIANTS_EACH: u32 = 4;
/// How many folders are directly below one.
const BRANCHES: u32 = 6;
/// When generated objects were changed last, 2026-07-01 00:00 in Moscow; each a second after the other.
const CHANGED_MS: i64 = 1_782_853_200_000;

/// How much of what a generated shop has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// What the values are drawn from.
    pub seed: u64,
    /// Folders, as a tree.
    pub folders: u32,
    /// Products. Of every thirty one is archived.
    pub products: u32,
    /// Variants, four of a product; not more than products.
    pub variants: u32,
    /// Services.
    pub services: u32,
    /// Bundles of two or three products.
    pub bundles: u32,
    /// Counterparties.
    pub counterparties: u32,
    /// Stores, the default one included.
    pub stores: u32,
    /// Price types, the default one included; at most 100.
    pub price_types: u32,
    /// Whether every fifth product has a picture.
    pub images: bool,
}

impl Shape {
    /// A shop with `goods` rows of goods altogether, as they are found in life: a fifth are variants, a few
    /// are bundles and services.
    pub fn goods(goods: u32) -> Self {
        let variants = goods / 5;
        let (bundles, services) = (goods / 50, goods / 50);
        Self {
            seed: 1,
            folders: (goods / 100).clamp(1, 1000),
            products: goods - variants - bundles - services,
            variants,
            services,
            bundles,
            counterparties: goods / 25,
            stores: 3,
            price_types: 3,
            images: false,
        }
    }
}

/// The id of a generated object.
pub(crate) fn id(account: Uuid, kind: &str, index: u32) -> Uuid {
    Uuid::new_v5(&account, format!("{kind}/{index}").as_bytes())
}

/// Puts rows for everything that the shape names on the shelves.
pub(crate) fn fill(account: &mut Account) {
    let shape = account.shape.clone();
    let plan = [
        ("productfolder", shape.folders),
        ("counterparty", shape.counterparties),
        ("product", shape.products),
        ("variant", shape.variants.min(shape.products)),
        ("service", shape.services),
        ("bundle", if shape.products < 3 { 0 } else { shape.bundles }),
    ];
    for (name, count) in plan {
        let Some(kind) = kinds::kind(name) else {
            continue;
        };
        for index in 0..count {
            let row = row(account, kind, index);
            account.put(kind, row);
        }
    }
}

fn row(account: &Account, kind: &Kind, index: u32) -> Row {
    Row {
        id: account.made_id(kind.name, index),
        updated: CHANGED_MS + i64::from(index) * 1000,
        archived: matches!(kind.name, "product" | "service") && index % 30 == 29,
        trashed: false,
        body: Body::Generated(index),
    }
}

/// The fields of a generated object, without those that follow from others.
pub(crate) fn fields(account: &Account, kind: &str, index: u32) -> Fields {
    let value = match kind {
        "productfolder" => folder(account, index),
        "product" => product(account, index),
        "variant" => variant(account, index),
        "service" => service(account, index),
        "bundle" => bundle(account, index),
        "counterparty" => counterparty(account, index),
        _ => Value::Null,
    };
    match value {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// The stock of a generated good.
pub(crate) fn stock(shape: &Shape, kind: &str, index: u32, store: usize) -> Quantity {
    // What has variants has no stock of its own.
    if kind == "product" && has_variants(shape, index) {
        return Quantity::default();
    }
    let drawn = draw(shape.seed, "stock", u64::from(index) * 64 + store as u64);
    let pieces = i64::try_from(drawn % 50).unwrap_or(0);
    let weighed = kind == "product" && index % 17 == 5;
    Quantity {
        stock: pieces * 1000 + if weighed { 355 } else { 0 },
        reserve: if drawn.is_multiple_of(7) { 1000 } else { 0 },
        in_transit: if drawn.is_multiple_of(11) { 10_000 } else { 0 },
    }
}

/// A number that follows from seed, purpose and index (the finaliser of SplitMix64).
pub(crate) fn draw(seed: u64, purpose: &str, index: u64) -> u64 {
    let start = purpose.bytes().fold(seed, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let mut z = start.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn word<'a>(words: &[&'a str], drawn: u64) -> &'a str {
    let place = usize::try_from(drawn % words.len().max(1) as u64).unwrap_or(0);
    words.get(place).copied().unwrap_or_default()
}

const THINGS: &[&str] = &[
    "Кофе",
    "Чай",
    "Сыр",
    "Печенье",
    "Мыло",
    "Кружка",
    "Тетрадь",
    "Лампа",
    "Варенье",
    "Салфетки",
    "Носки",
    "Гвозди",
    "Корм",
    "Свеча",
    "Плед",
    "Зонт",
];
const KINDS: &[&str] = &[
    "«Север»",
    "классический",
    "№ 5",
    "с орехом",
    "для дома",
    "0,5 л",
    "«Маяк & Ко»",
    "большой",
    "дорожный",
    "\"Экстра\"",
    "подарочный",
    "<мини>",
];
const COLOURS: &[&str] = &["белый", "чёрный", "синий", "зелёный"];
const SIZES: &[&str] = &["S", "M", "L", "XL"];
const SURNAMES: &[&str] = &[
    "Иванова",
    "Петров",
    "Сидоренко",
    "Кузнецова",
    "Мамедов",
    "Ли",
];
const NAMES: &[&str] = &["Мария", "Олег", "Анна", "Тимур", "Светлана", "Егор"];

fn has_variants(shape: &Shape, product: u32) -> bool {
    product < shape.variants.min(shape.products).div_ceil(VARIANTS_EACH)
}

/// Money of the API: kopecks as a number with a point.
pub(crate) fn kopecks(kopecks: u64) -> Value {
    format!("{kopecks}.0")
        .parse::<f64>()
        .map_or(Value::Null, Value::from)
}

fn price(account: &Account, kopecks_: u64) -> Value {
    json!({ "value": kopecks(kopecks_), "currency": link::entity("currency", account.made_id("currency", 0)) })
}

/// A price of every type, each a tenth below the one before.
fn prices(account: &Account, purpose: &str, index: u32) -> Vec<Value> {
    let drawn = draw(account.shape.seed, purpose, u64::from(index));
    let mut value = 990 + drawn % 500_000;
    (0..account.shape.price_types.max(1))
        .map(|place| {
            let mut made = price(account, value);
            if let Some(made) = made.as_object_mut() {
                let id = account.made_id("pricetype", place);
                made.insert("priceType".into(), link::price_type(id));
            }
            value = value * 9 / 10;
            made
        })
        .collect()
}

/// Thirteen digits with the check digit, from the numbers that shops use inside (2…).
pub(crate) fn ean13(number: u64) -> String {
    let body = format!("2{:011}", number % 100_000_000_000);
    let sum: u32 = body
        .bytes()
        .zip([1u32, 3].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn folder_link(account: &Account, drawn: u64) -> Option<Value> {
    let folders = u64::from(account.shape.folders);
    let place = u32::try_from(drawn % (folders + 1)).ok()?;
    // One good of so many lies in no folder.
    (place > 0).then(|| link::entity("productfolder", account.made_id("productfolder", place - 1)))
}

fn folder(account: &Account, index: u32) -> Value {
    let mut made = json!({
        "name": format!("Раздел {}", index + 1),
        "externalCode": format!("folder-{index}"),
        "vatEnabled": false,
        "useParentVat": true,
    });
    if index.is_multiple_of(3)
        && let Some(made) = made.as_object_mut()
    {
        made.insert("vat".into(), 10.into());
        made.insert("vatEnabled".into(), true.into());
        made.insert("useParentVat".into(), false.into());
    }
    if index >= BRANCHES
        && let Some(made) = made.as_object_mut()
    {
        let above = account.made_id("productfolder", index / BRANCHES - 1);
        made.insert("productFolder".into(), link::entity("productfolder", above));
    }
    made
}

fn good(account: &Account, kind: &str, index: u32) -> Fields {
    let drawn = draw(account.shape.seed, kind, u64::from(index));
    let thing = word(THINGS, drawn);
    let name = format!("{thing} {}, {}", word(KINDS, drawn >> 8), index + 1);
    let vat = [0u64, 10, 20, 22];
    let vat = vat.get((drawn >> 16) as usize % 4).copied().unwrap_or(0);
    let mut made = json!({
        "name": name,
        "code": format!("{}-{index:06}", kind.get(..1).unwrap_or_default()),
        "externalCode": format!("{kind}-{index}"),
        "vat": vat,
        "vatEnabled": true,
        "useParentVat": false,
        "discountProhibited": drawn % 40 == 1,
        "uom": link::entity("uom", account.made_id("uom", u32::from(index % 17 == 5))),
        "salePrices": prices(account, kind, index),
        "minPrice": price(account, 500),
        "barcodes": [{ "ean13": ean13(drawn) }],
        "paymentItemType": "GOOD",
    });
    let Some(fields) = made.as_object_mut() else {
        return Fields::new();
    };
    if let Some(folder) = folder_link(account, drawn >> 24) {
        fields.insert("productFolder".into(), folder);
    }
    // One of eight has no VAT of its own.
    if index % 8 == 3 {
        fields.remove("vat");
        fields.insert("vatEnabled".into(), false.into());
        fields.insert("useParentVat".into(), true.into());
    }
    std::mem::take(fields)
}

fn product(account: &Account, index: u32) -> Value {
    let mut made = good(account, "product", index);
    let drawn = draw(account.shape.seed, "more", u64::from(index));
    made.insert("article".into(), format!("A-{:05}", drawn % 100_000).into());
    made.insert("weight".into(), (drawn % 3).into());
    made.insert("volume".into(), 0.into());
    made.insert("buyPrice".into(), price(account, 300 + drawn % 9000));
    made.insert("isSerialTrackable".into(), false.into());
    let tracking = if index % 50 == 7 {
        "TOBACCO"
    } else {
        "NOT_TRACKED"
    };
    made.insert("trackingType".into(), tracking.into());
    if index.is_multiple_of(4) {
        let text = format!("Описание товара {}\nв две строки", index + 1);
        made.insert("description".into(), text.into());
    }
    if index % 10 == 4 {
        let supplier = account.made_id("counterparty", u32::MAX);
        made.insert("supplier".into(), link::entity("counterparty", supplier));
        let id = account.made_id("attributemetadata", 0);
        let custom = json!([{
            "@": format!("entity/product/metadata/attributes/{id}"), "@type": "attributemetadata",
            "value": index % 20 == 4,
        }]);
        made.insert("attributes".into(), custom);
    }
    rare_prices(account, index, &mut made);
    if index % 9 == 2 {
        let codes = json!([
            { "ean13": ean13(drawn) },
            { "ean8": format!("{:08}", drawn % 100_000_000) },
            { "code128": format!("SKU/{index}") },
            { "gtin": format!("{:014}", drawn % 10_000_000_000) },
        ]);
        made.insert("barcodes".into(), codes);
    }
    if index % 12 == 6 {
        let pack = json!([{
            "id": id(account.id, "pack", index),
            "uom": link::entity("uom", account.made_id("uom", 2)),
            "quantity": 6,
            "barcodes": [{ "ean13": ean13(drawn >> 3) }],
        }]);
        made.insert("packs".into(), pack);
    }
    if account.shape.images && index.is_multiple_of(5) {
        let picture = json!([{
            "id": id(account.id, "picture", index),
            "title": format!("Фото {index}"),
            "filename": format!("photo-{index}.png"),
        }]);
        made.insert("images".into(), picture);
    }
    Value::Object(made)
}

/// Parts of a kopeck and another currency, both beside the first price: they are possible, and seldom.
fn rare_prices(account: &Account, index: u32, made: &mut Fields) {
    let mut prices = made.get_mut("salePrices").and_then(Value::as_array_mut);
    if let Some(price) = prices
        .as_mut()
        .and_then(|all| all.get_mut(1)?.as_object_mut())
        && index % 211 == 13
    {
        price.insert("value".into(), 12_345.5.into());
    }
    if let Some(price) = prices.and_then(|all| all.get_mut(2)?.as_object_mut())
        && index % 97 == 11
    {
        let dollars = account.made_id("currency", 1);
        price.insert("currency".into(), link::entity("currency", dollars));
    }
}

fn variant(account: &Account, index: u32) -> Value {
    let drawn = draw(account.shape.seed, "variant", u64::from(index));
    let value = |words: &[&'static str], at: u32| {
        words
            .get(at as usize % words.len().max(1))
            .copied()
            .unwrap_or_default()
    };
    let mut made = json!({
        "product": link::entity("product", account.made_id("product", index / VARIANTS_EACH)),
        "code": format!("v-{index:06}"),
        "externalCode": format!("variant-{index}"),
        "article": format!("V-{index:05}"),
        "discountProhibited": false,
        "characteristics": [
            { "id": account.made_id("characteristic", 0), "value": value(COLOURS, index) },
            { "id": account.made_id("characteristic", 1), "value": value(SIZES, index / 2) },
        ],
        "barcodes": [{ "ean13": ean13(drawn) }],
    });
    // Half of them have prices of their own.
    if index.is_multiple_of(2)
        && let Some(made) = made.as_object_mut()
    {
        made.insert(
            "salePrices".into(),
            prices(account, "variant", index).into(),
        );
    }
    made
}

fn service(account: &Account, index: u32) -> Value {
    let mut made = good(account, "service", index);
    made.insert("name".into(), format!("Услуга {}", index + 1).into());
    made.insert("paymentItemType".into(), "SERVICE".into());
    Value::Object(made)
}

fn bundle(account: &Account, index: u32) -> Value {
    let mut made = good(account, "bundle", index);
    made.insert("name".into(), format!("Набор {}", index + 1).into());
    let parts = 2 + index % 2;
    let first = index * 3 % account.shape.products.saturating_sub(parts).max(1);
    let components: Vec<Value> = (0..parts)
        .map(|part| {
            let product = account.made_id("product", first + part);
            json!({
                "id": id(account.id, "component", index * 4 + part),
                "quantity": 1 + part,
                "assortment": link::entity("product", product),
            })
        })
        .collect();
    made.insert("components".into(), components.into());
    Value::Object(made)
}

fn counterparty(account: &Account, index: u32) -> Value {
    let drawn = draw(account.shape.seed, "counterparty", u64::from(index));
    let (last, first) = (word(SURNAMES, drawn), word(NAMES, drawn >> 8));
    let digits = 9_000_000_000 + u64::from(index);
    // Phones are kept as they were typed (JSON API §3.11).
    let phone = match index % 3 {
        0 => format!("+7{digits}"),
        1 => format!("8{digits}"),
        _ => {
            let text = digits.to_string();
            let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
            format!(
                "+7 ({}) {}-{}-{}",
                part(0, 3),
                part(3, 6),
                part(6, 8),
                part(8, 10)
            )
        }
    };
    json!({
        "name": format!("{last} {first} {}", index + 1),
        "code": format!("c-{index:06}"),
        "externalCode": format!("counterparty-{index}"),
        "companyType": "individual",
        "phone": phone,
        "email": format!("buyer{index}@example.com"),
        "discountCardNumber": format!("{:06}", 100_000 + index),
        "tags": [if index.is_multiple_of(2) { "покупатели" } else { "опт" }],
        "created": crate::time::msk(CHANGED_MS),
        "salesAmount": 0,
        "sex": if index.is_multiple_of(2) { "FEMALE" } else { "MALE" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_barcode_has_the_check_digit_of_ean_13() {
        // 4006381333931 is the example of every textbook; ours begin with 2.
        assert_eq!(ean13(0), "2000000000008");
        assert_eq!(ean13(12_345_678_901).len(), 13);
    }

    #[test]
    fn goods_are_counted_altogether() {
        let shape = Shape::goods(50_000);
        let all = shape.products + shape.variants + shape.services + shape.bundles;
        assert_eq!(all, 50_000);
    }
}

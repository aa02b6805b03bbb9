//! Goods in any number. Everything follows from a [`Shape`] and an index, so that twenty thousand products
//! take the memory of twenty thousand rows and the same shape gives the same shop.

use serde_json::json;

use crate::product::{Product, Variant};
use crate::state::{Body, Row, Store};

/// How many variants a product can have.
const VARIANTS: u32 = 4;
/// How many folders are directly below one.
const BRANCHES: u32 = 6;
/// When the first of the generated products was changed last, 2026-07-01 00:00 in Moscow, in seconds.
pub(crate) const CHANGED_S: i64 = 1_782_853_200;
/// How many products were changed in the same second: more than a page can have, so that a list of changes
/// has to go on by id.
const A_SECOND: u32 = 700;

/// How much of what a generated shop has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// What the values are drawn from.
    pub seed: u64,
    /// Products: one of five has variants, of every thirty one is in the trash, of every 25 one is hidden.
    pub products: u32,
    /// Collections, as a tree with one root.
    pub collections: u32,
    /// Categories, as a tree with one root.
    pub categories: u32,
    /// Price kinds beside the base price.
    pub price_kinds: u32,
    /// Warehouses.
    pub warehouses: u32,
    /// Whether every third product has pictures.
    pub images: bool,
    /// Customers.
    pub clients: u32,
}

impl Shape {
    /// A shop with so many products, as they are found in life.
    pub fn products(products: u32) -> Self {
        Self {
            seed: 1,
            products,
            collections: (products / 60).clamp(1, 1000),
            categories: (products / 200).clamp(1, 100),
            price_kinds: 2,
            warehouses: 2,
            images: false,
            clients: products / 50,
        }
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

fn below(drawn: u64, bound: u32) -> u32 {
    u32::try_from(drawn % u64::from(bound.max(1))).unwrap_or(0)
}

fn money(drawn: u64, bound: u64) -> i64 {
    i64::try_from(drawn % bound).unwrap_or(0)
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
const BRANDS: &[&str] = &["Север", "Маяк & Ко", "Экстра", "Без названия"];
const COUNTRIES: &[&str] = &["Россия", "Беларусь", "Китай"];
/// Values of the two options, colour first.
pub(crate) const OPTIONS: &[(&str, &[&str])] = &[
    ("Цвет", &["белый", "чёрный", "синий", "зелёный"]),
    ("Размер", &["S", "M", "L", "XL"]),
];

/// Puts rows for everything that the shape names into the tables.
pub(crate) fn fill(store: &mut Store) {
    let shape = store.shape.clone();
    for (kind, count, name) in [
        ("collections", shape.collections, "Раздел"),
        ("categories", shape.categories, "Группа"),
    ] {
        for index in 0..count {
            let fields = folder(store, kind, index, name);
            let id = store.id(kind, index);
            store.put_plain(kind, id, fields, CHANGED_S);
        }
    }
    for index in 0..shape.clients {
        let id = store.id("clients", index);
        store.put_plain("clients", id, client(&shape, index), CHANGED_S);
    }
    let seconds = shape.products / A_SECOND + 1;
    for index in 0..shape.products {
        let second = below(draw(shape.seed, "second", index.into()), seconds);
        let mut row = Row::new(CHANGED_S + i64::from(second), Body::Generated(index));
        row.created = CHANGED_S;
        row.archived = index % 30 == 29;
        store.products.put(store.id("products", index), row);
    }
}

fn folder(store: &Store, kind: &str, index: u32, name: &str) -> serde_json::Value {
    let above = (index > 0).then(|| store.id(kind, (index - 1) / BRANCHES));
    json!({
        "title": format!("{name} {}", index + 1), "parent_id": above, "position": index + 1,
        "permalink": format!("{kind}-{}", index + 1), "is_hidden": index % 40 == 39, "description": null,
    })
}

fn client(shape: &Shape, index: u32) -> serde_json::Value {
    let name = word(
        &["Мария", "Олег", "Анна", "Тимур", "Светлана", "Егор"],
        draw(shape.seed, "name", index.into()),
    );
    json!({
        "name": name, "surname": null, "middlename": null, "email": format!("buyer{index}@example.com"),
        "phone": format!("+7{}", 9_000_000_000 + u64::from(index)), "registered": true, "subscribe": true,
        "client_group_id": null, "bonus_points": 0, "type": "Client::Individual",
        "consent_to_personal_data": true, "messenger_subscription": false,
    })
}

/// The generated product that a variant of this id would belong to.
pub(crate) fn product_of(store: &Store, variant: u64) -> Option<u64> {
    let place = variant.checked_sub(store.id("variants", 0))?;
    let index = u32::try_from(place / u64::from(VARIANTS)).ok()?;
    (index < store.shape.products).then(|| store.id("products", index))
}

/// A generated product.
pub(crate) fn product(store: &Store, index: u32) -> Product {
    let shape = &store.shape;
    let drawn = draw(shape.seed, "product", index.into());
    let title = format!(
        "{} {}, {}",
        word(THINGS, drawn),
        word(KINDS, drawn >> 8),
        index + 1
    );
    let varied = index.is_multiple_of(5);
    let described = index.is_multiple_of(4);
    let mut made = Product {
        category: store.id("categories", below(drawn >> 4, shape.categories)),
        collections: collections(store, index, drawn),
        hidden: index % 25 == 7,
        title,
        short_description: described.then(|| format!("Кратко о товаре {}", index + 1)),
        description: described.then(|| {
            format!(
                "<p>Описание товара {}<br>\nв&nbsp;две строки</p>",
                index + 1
            )
        }),
        permalink: format!("tovar-{}", index + 1),
        unit: if index % 17 == 5 { "kgm" } else { "pce" }.to_owned(),
        vat: [-1, 0, 10, 20, 22]
            .get((drawn >> 16) as usize % 5)
            .copied()
            .unwrap_or(-1),
        option_names: Vec::new(),
        characteristics: vec![
            (
                store.id("properties", 0),
                word(BRANDS, drawn >> 20).to_owned(),
            ),
            (
                store.id("properties", 1),
                word(COUNTRIES, drawn >> 24).to_owned(),
            ),
        ],
        images: images(store, index),
        variants: Vec::new(),
    };
    let count = if varied {
        2 + below(drawn >> 28, VARIANTS - 1)
    } else {
        1
    };
    made.variants = (0..count)
        .map(|place| variant(store, index, place, varied))
        .collect();
    if varied {
        made.option_names = vec![store.id("option_names", 0), store.id("option_names", 1)];
    }
    made
}

/// None to three; the first is the canonical one.
fn collections(store: &Store, index: u32, drawn: u64) -> Vec<u64> {
    let mut ids = Vec::new();
    if index % 29 != 3 {
        for place in 0..1 + below(drawn >> 32, 3) {
            let which = below(
                draw(
                    store.shape.seed,
                    "collection",
                    u64::from(index) * 4 + u64::from(place),
                ),
                store.shape.collections,
            );
            let id = store.id("collections", which);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    ids
}

fn images(store: &Store, index: u32) -> Vec<(u64, String)> {
    if !store.shape.images || !index.is_multiple_of(3) {
        return Vec::new();
    }
    let id = store.id("images", index * 2);
    let more = u64::from(index.is_multiple_of(2));
    (0..=more)
        .map(|place| (id + place, format!("photo-{index}-{place}.png")))
        .collect()
}

fn variant(store: &Store, index: u32, place: u32, varied: bool) -> Variant {
    let shape = &store.shape;
    let number = index * VARIANTS + place;
    let drawn = draw(shape.seed, "variant", number.into());
    let price = 990 + money(drawn, 500_000);
    // Articles are not unique (§13): now and then one is that of the product before.
    let article = if index % 500 == 499 { index - 1 } else { index };
    let options = [0, 1].map(|option| {
        let value = if option == 0 {
            place % 4
        } else {
            (place / 2) % 4
        };
        store.id("option_values", option * 100 + value)
    });
    let kinds = 0..shape.price_kinds;
    Variant {
        id: store.id("variants", number),
        sku: (index % 40 != 21).then(|| {
            format!(
                "A-{article:05}{}",
                if varied {
                    format!("-{place}")
                } else {
                    String::new()
                }
            )
        }),
        barcode: (index % 3 != 1).then(|| ean13(drawn)),
        dimensions: index.is_multiple_of(6).then(|| "120x20x50".to_owned()),
        weight: index.is_multiple_of(2).then(|| "0.3".to_owned()),
        stock: (index % 11 != 3).then(|| stock(shape, index, number)),
        price,
        old_price: index.is_multiple_of(6).then(|| price + 10_050),
        cost_price: (index % 4 != 2).then_some(price / 2),
        prices: kinds
            .map(|kind| {
                (drawn >> (40 + kind % 20) & 3 != 0).then(|| price * i64::from(9 - kind % 8) / 10)
            })
            .collect(),
        options: if varied { options.to_vec() } else { Vec::new() },
        image: None,
        updated: 0,
    }
}

fn stock(shape: &Shape, index: u32, number: u32) -> Vec<i64> {
    (0..shape.warehouses.max(1))
        .map(|warehouse| {
            let drawn = draw(
                shape.seed,
                "stock",
                u64::from(number) * 64 + u64::from(warehouse),
            );
            let pieces = if drawn.is_multiple_of(7) {
                0
            } else {
                money(drawn, 50)
            };
            pieces * 1000 + if index % 17 == 5 { 355 } else { 0 }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::World;

    fn store(products: u32) -> Store {
        let mut store = Store::new("a", World::default().next_base(), Shape::products(products));
        crate::shop::furnish(&mut store, CHANGED_S);
        fill(&mut store);
        store
    }

    #[test]
    fn the_same_shape_gives_the_same_shop() {
        let (one, other) = (store(600), store(600));
        for index in 0..600 {
            assert_eq!(product(&one, index), product(&other, index));
        }
    }

    #[test]
    fn there_is_everything_that_is_found_in_life() {
        let store = store(1000);
        let products: Vec<Product> = (0..1000).map(|index| product(&store, index)).collect();
        let any = |what: fn(&Product) -> bool| products.iter().any(what);
        assert!(any(|one| one.hidden) && any(|one| one.variants.len() > 2));
        assert!(any(|one| one.collections.is_empty()) && any(|one| one.collections.len() > 1));
        assert!(any(|one| one.variants.iter().any(|v| v.stock.is_none())));
        assert!(any(|one| one
            .variants
            .iter()
            .any(|v| v.prices.contains(&None))));
        assert!(any(|one| one.variants.iter().all(|v| !v.available())));
        let archived = store
            .products
            .rows
            .values()
            .filter(|row| row.archived)
            .count();
        assert_eq!(archived, 33);
        for (_, id) in store.products.since(0) {
            for variant in &store.product(id).unwrap().variants {
                assert_eq!(store.product_of(variant.id), Some(id));
            }
        }
    }

    #[test]
    fn more_products_than_a_page_has_were_changed_in_one_second() {
        let store = store(2000);
        let first = store
            .products
            .since(CHANGED_S)
            .take_while(|(at, _)| *at == CHANGED_S);
        assert!(first.count() > 250);
    }

    #[test]
    fn a_barcode_has_the_check_digit_of_ean_13() {
        assert_eq!(ean13(0), "2000000000008");
        assert_eq!(ean13(12_345_678_901).len(), 13);
    }
}

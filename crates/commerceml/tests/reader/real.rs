//! Real files. The expected counts were taken from the files by another parser
//! (`xml.etree.ElementTree` of Python, elements counted by their path), not by this one.

use std::collections::BTreeMap;

use sklad_commerceml::*;

use crate::support::*;

/// A file by its name; `None`, with a word why, where there are none.
fn real(name: &str) -> Option<Vec<u8>> {
    let Ok(folder) = std::env::var("SKLAD_EDGE_SHARED") else {
        println!("skipped: SKLAD_EDGE_SHARED names no folder with real files");
        return None;
    };
    let path = format!("{folder}/data/commerceml/{name}");
    Some(std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}")))
}

/// How many of what an outcome has.
fn count(outcome: &Outcome) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    let mut add = |what, number| *counts.entry(what).or_insert(0) += number;
    for item in &outcome.items {
        match item {
            Item::Root(_) | Item::Open(_) | Item::Close(_) | Item::Unit(_) => {}
            Item::Group(_) => add("groups", 1),
            Item::Category(_) => add("categories", 1),
            Item::PropertyValues { values, .. } => add("values", values.len()),
            Item::Property(property) => {
                add("properties", 1);
                add("values", property.values.as_ref().map_or(0, Vec::len));
            }
            Item::PriceType(_) => add("price types", 1),
            Item::Store(_) => add("stores", 1),
            Item::Good(product) | Item::Offer(product) => {
                add(
                    if matches!(item, Item::Good(_)) {
                        "goods"
                    } else {
                        "offers"
                    },
                    1,
                );
                add("deleted", usize::from(product.deleted == Some(true)));
                add("pictures", product.pictures.as_ref().map_or(0, Vec::len));
                add(
                    "own values",
                    product.properties.as_ref().map_or(0, Vec::len),
                );
                add(
                    "characteristics",
                    product.characteristics.as_ref().map_or(0, Vec::len),
                );
                add("requisites", product.requisites.len());
                add("prices", product.prices.as_ref().map_or(0, Vec::len));
                add("stocks", product.stocks.as_ref().map_or(0, Vec::len));
                add("categorised", usize::from(product.category.is_some()));
            }
            Item::Document(document) => {
                add("documents", 1);
                add("items", document.items.as_ref().map_or(0, Vec::len));
                add("partners", document.partners.len());
                add("requisites", document.requisites.len());
                let items = document.items.iter().flatten();
                add("requisites", items.map(|item| item.requisites.len()).sum());
            }
        }
    }
    counts.retain(|_, number| *number > 0);
    counts
}

/// Reads a real file whole and in pieces and compares its counts.
fn expect(name: &str, expected: &[(&str, usize)]) {
    let Some(bytes) = real(name) else { return };
    let outcome = read(&bytes);
    assert_eq!(outcome.error, None, "{name}");
    assert_eq!(outcome.warnings, [], "{name}");
    assert_eq!(
        count(&outcome).into_iter().collect::<Vec<_>>(),
        {
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            expected
        },
        "{name}"
    );
    let pieces = drive(Reader::new(Limits::default()), &bytes, || 1000);
    assert_eq!(outcome, pieces, "{name}");
}

#[test]
fn the_trio_of_moysklad() {
    expect(
        "moysklad-import.xml",
        &[
            ("groups", 2),
            ("properties", 21),
            ("goods", 1),
            ("pictures", 1),
            ("requisites", 2),
        ],
    );
    expect(
        "moysklad-offers.xml",
        &[
            ("price types", 1),
            ("stores", 1),
            ("offers", 1),
            ("prices", 1),
            ("stocks", 1),
        ],
    );
    expect(
        "moysklad-foto-delta.xml",
        &[
            ("groups", 2),
            ("properties", 21),
            ("goods", 1),
            ("pictures", 1),
        ],
    );
    let Some(bytes) = real("moysklad-offers.xml") else {
        return;
    };
    let offer = read(&bytes).products().remove(0);
    assert_eq!(offer.prices.unwrap()[0].kopecks(), Some(4_500_000));
    assert_eq!(offer.stocks.unwrap()[0].quantity, Some(dec("1.0")));
    let Some(bytes) = real("moysklad-foto-delta.xml") else {
        return;
    };
    let delta = |item: &Item| matches!(item, Item::Open(s) if s.kind == SectionKind::Catalogue && s.is_delta());
    assert!(read(&bytes).ok().iter().any(delta));
}

#[test]
fn unf_208() {
    expect(
        "unf208-import-1.6M.xml",
        &[
            ("categories", 26),
            ("properties", 6),
            ("values", 337),
            ("goods", 540),
            ("deleted", 6),
            ("pictures", 158),
            ("categorised", 540),
            ("own values", 3240),
            ("requisites", 1778),
        ],
    );
    expect(
        "unf208-offers.xml",
        &[("price types", 1), ("offers", 523), ("prices", 523)],
    );
}

#[test]
fn ut_204_with_characteristics() {
    expect(
        "ut204-cscart-import.xml",
        &[
            ("groups", 4),
            ("properties", 1),
            ("goods", 27),
            ("own values", 27),
            ("requisites", 185),
        ],
    );
    expect(
        "ut204-cscart-offers-2.9M.xml",
        &[
            ("price types", 2),
            ("offers", 1455),
            ("prices", 2910),
            ("characteristics", 4480),
        ],
    );
}

#[test]
fn ut_207() {
    expect(
        "ut207-crlf-import.xml",
        &[
            ("groups", 3),
            ("properties", 4),
            ("values", 7),
            ("goods", 9),
            ("deleted", 5),
            ("pictures", 2),
            ("own values", 20),
            ("characteristics", 8),
            ("requisites", 27),
        ],
    );
    expect(
        "ut207-crlf-offers.xml",
        &[
            ("price types", 1),
            ("stores", 2),
            ("offers", 13),
            ("prices", 13),
            ("stocks", 26),
        ],
    );
}

#[test]
fn prices_and_rests_of_a_batch() {
    expect("ut11-209-prices.xml", &[("offers", 978), ("prices", 978)]);
    expect("ut11-209-rests.xml", &[("offers", 978), ("stocks", 978)]);
    let Some(bytes) = real("ut11-209-rests.xml") else {
        return;
    };
    let silent = |offer: &Product| {
        offer.prices.is_none() && offer.quantity.is_none() && offer.name.is_none()
    };
    assert!(read(&bytes).products().iter().all(silent));
}

#[test]
fn orders() {
    expect(
        "bitrix205-orders-full.cp1251.xml",
        &[
            ("documents", 2),
            ("items", 8),
            ("partners", 2),
            ("requisites", 25 + 82),
        ],
    );
    expect(
        "orders-to-1c-203.cp1251.xml",
        &[
            ("documents", 1),
            ("items", 2),
            ("partners", 1),
            ("requisites", 10 + 4),
        ],
    );
    expect(
        "ut207-crlf-orders.xml",
        &[
            ("documents", 2),
            ("items", 4),
            ("partners", 2),
            ("requisites", 20 + 8),
        ],
    );
    let Some(bytes) = real("bitrix205-orders-full.cp1251.xml") else {
        return;
    };
    let order = read(&bytes).documents().remove(0);
    assert_eq!(order.currency.as_deref(), Some("RUB"));
    assert_eq!(order.kopecks(), Some(23_174));
    assert_eq!(order.date.unwrap().to_string(), "2021-02-11");
    assert_eq!(order.time.unwrap().to_string(), "18:45:21");
}

#[test]
fn hostile_files_are_answered_as_conformance_wants() {
    let kind = |name: &str| real(&format!("hostile/{name}")).map(|bytes| read(&bytes).kind());
    for (name, expected) in [
        ("billion-laughs.xml", ErrorKind::Dtd),
        ("xxe-file.xml", ErrorKind::Dtd),
        ("offers.truncated-mid-element.xml", ErrorKind::Truncated),
        ("ok-import-and-image.zip", ErrorKind::NotXml),
        ("zip-slip-dotdot.zip", ErrorKind::NotXml),
    ] {
        if let Some(kind) = kind(name) {
            assert_eq!(kind, expected, "{name}");
        }
    }
}

#[test]
fn odd_files_are_read() {
    let Some(bytes) = real("hostile/offers.double-bom.xml") else {
        return;
    };
    assert_eq!(count(&read(&bytes))["offers"], 13);
    let Some(bytes) = real("hostile/import.cp1251.xml") else {
        return;
    };
    assert_eq!(read(&bytes).error, None);
    let Some(bytes) = real("hostile/offers.number-formats.xml") else {
        return;
    };
    let outcome = read(&bytes);
    assert_eq!(outcome.warnings.len(), 1);
    assert_eq!(outcome.warnings[0].object.as_deref(), Some("p9"));
    let read: Vec<_> = outcome
        .products()
        .into_iter()
        .map(|offer| {
            (
                offer.prices.unwrap()[0].kopecks(),
                offer.quantity.map(|q| q.to_string()),
            )
        })
        .collect();
    let expected = [
        (Some(303_750), Some("1.0")),
        (Some(303_750), Some("1.5")),
        (Some(303_750), Some("1000")),
        (Some(303_750), Some("1000.250")),
        (Some(23_174), Some("-1")),
        (Some(0), Some("0")),
        (None, None),
        (Some(1200), Some("5")),
        (Some(150_000), Some("100")),
        (None, Some("7")),
        (Some(1235), Some("0.000")),
    ];
    assert_eq!(
        read,
        expected.map(|(price, quantity)| (price, quantity.map(str::to_owned)))
    );
}

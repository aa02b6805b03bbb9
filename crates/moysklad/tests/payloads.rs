//! The examples of the vendor's documentation, out of the folder that `SKLAD_EDGE_SHARED` names. They are
//! not copied here; without the folder these tests say so and pass.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;

use serde_json::value::RawValue;
use sklad_catalog::import::{Change, Kind, Section};
use sklad_moysklad::api::page::Page;
use sklad_moysklad::api::wire::{self, StockRow};
use sklad_moysklad::map::{self, Known};
use sklad_tenant::moysklad_import::GoodsImport;

/// The text of an example.
fn example(name: &str) -> Option<String> {
    let Ok(folder) = std::env::var("SKLAD_EDGE_SHARED") else {
        println!("skipped: SKLAD_EDGE_SHARED names no folder with examples");
        return None;
    };
    let path = Path::new(&folder).join("data/moysklad").join(name);
    Some(std::fs::read_to_string(&path).unwrap())
}

fn good(json: &str, kind: Kind) -> Change {
    let raw: &RawValue = serde_json::from_str(json).unwrap();
    let (ms_id, row) = map::row(raw).unwrap();
    let mut known = Known::default();
    if let Some(product) = map::product_of(&row) {
        let of_product = map::Product {
            external: Some("P".into()),
            ..map::Product::default()
        };
        known.products.insert(product, of_product);
    }
    map::good(&ms_id, &row, kind, &known, &GoodsImport::default())
}

#[test]
fn a_product_is_read_whole() {
    let Some(json) = example("product.json") else {
        return;
    };
    let change = good(&json, Kind::Product);
    assert_eq!(change.keys.external.as_deref(), Some("456"));
    assert_eq!(change.name.as_deref(), Some("Бананы"));
    assert_eq!(change.article.as_deref(), Some("Ar23"));
    assert_eq!(change.min_price, Some(Some(532_000)));
    let Some(Section::Replace(prices)) = change.prices else {
        panic!("a product's prices are told as a whole");
    };
    let sums: Vec<i64> = prices.iter().map(|price| price.kopecks).collect();
    assert_eq!(sums, [346_347_237_000, 100]);
    assert_eq!(prices[0].price_type, "cbcf493b-55bc-11d9-848a-00112f43529a");
    let codes = change.barcodes.unwrap();
    assert_eq!(codes.len(), 4);
    let extra = change.extra.unwrap();
    assert_eq!(extra["vat"], "18");
    assert_eq!(extra["barcode_kinds"], "ean8,ean13,code128,gtin");
    assert_eq!((change.tobacco, change.deleted), (Some(false), Some(false)));
}

#[test]
fn a_variant_is_read_whole() {
    let Some(json) = example("variant.json") else {
        return;
    };
    let change = good(&json, Kind::Variant);
    assert_eq!(
        change.keys.external.as_deref(),
        Some("P#YQ3kNHfDgtHOVhf20Md7Q0")
    );
    let pairs = vec![("Цвет".to_owned(), "обхец".to_owned())];
    assert_eq!(change.characteristics, Some(pairs));
    assert_eq!(
        change.parent_id.as_deref(),
        Some("7a6f697f-3c64-11e6-8a84-bae500000006")
    );
}

#[test]
fn every_list_is_read_to_its_last_row() {
    for (name, kind) in [
        ("product_list.json", Kind::Product),
        ("variant_list.json", Kind::Variant),
        ("assortment_list_new_endpoint.json", Kind::Product),
    ] {
        let Some(json) = example(name) else { return };
        let page = Page::read(&json).unwrap();
        assert!(!page.rows.is_empty(), "{name}");
        for row in page.rows {
            let change = good(row.get(), kind);
            assert!(change.name.is_some(), "{name}: {row}");
        }
    }
    for name in ["productfolder_list.json", "counterparty_list.json"] {
        let Some(json) = example(name) else { return };
        let page = Page::read(&json).unwrap();
        assert!(!page.rows.is_empty(), "{name}");
        let named = |row: &&RawValue| {
            let entry: wire::Entry<'_> = serde_json::from_str(row.get()).unwrap();
            map::entry_id(&entry).is_some()
        };
        assert!(page.rows.iter().all(named), "{name}");
    }
}

#[test]
fn components_and_counterparties_and_stores_are_read() {
    let Some(json) = example("bundle_components.json") else {
        return;
    };
    let page = Page::read(&json).unwrap();
    let component: wire::Component<'_> = serde_json::from_str(page.rows[0].get()).unwrap();
    assert_eq!(
        wire::reference(component.assortment).as_deref(),
        Some("b3d8d132-ee08-11e6-8af5-581e00000013")
    );
    assert_eq!(wire::thousandths(component.quantity), Some(1_000));
    let json = example("counterparty.json").unwrap();
    let raw: &RawValue = serde_json::from_str(&json).unwrap();
    let (identity, person) = map::customer(raw).unwrap();
    assert_eq!(
        identity.native.as_deref(),
        Some("b80ea81b-7058-11e6-8a84-bae500000000")
    );
    assert_eq!(person.name.as_deref(), Some("ООО Радуга"));
    for name in ["store.json", "organization.json", "productfolder.json"] {
        let json = example(name).unwrap();
        let entry: wire::Entry<'_> = serde_json::from_str(&json).unwrap();
        assert!(
            map::own_id(&entry).is_some() && map::entry_id(&entry).is_some(),
            "{name}"
        );
    }
}

#[test]
fn reports_of_stock_are_read() {
    let Some(json) = example("report_stock_bystore_current_recalc.json") else {
        return;
    };
    let rows: Vec<&RawValue> = serde_json::from_str(&json).unwrap();
    let rows: Vec<StockRow<'_>> = rows
        .iter()
        .map(|row| serde_json::from_str(row.get()).unwrap())
        .collect();
    let store = "12345678-b123-aaee-0a80-012b0001bb10".to_owned();
    let stores = [(store, "main".to_owned())].into();
    // What is being counted anew has no number.
    let (list, sum) = map::stock(&rows, &stores);
    assert_eq!((list.len(), sum), (2, 4_000));
}

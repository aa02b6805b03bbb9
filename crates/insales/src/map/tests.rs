//! What a shop's products mean.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::link::{Choice, beside, choose};
use crate::settings::Link;
use sklad_catalog::import::Match;

fn names() -> Names {
    Names::of("shop")
}

fn mapped(row: &Value, known: &Known, settings: &CatalogueSettings) -> Option<Mapped> {
    let raw = RawValue::from_string(row.to_string()).unwrap();
    product(&raw, &names(), known, settings)
}

fn plain(row: &Value) -> Mapped {
    mapped(row, &Known::default(), &CatalogueSettings::default()).unwrap()
}

/// A product with one variant, which is as these fields say.
fn with(fields: &Value) -> Change {
    let mut variant = json!({"id": 2, "title": null, "option_values": []});
    for (name, value) in fields.as_object().unwrap() {
        variant[name] = value.clone();
    }
    plain(&json!({"id": 1, "title": "Чай", "variants": [variant]}))
        .item
        .change
}

fn kopecks_of(price: &Value) -> Option<i64> {
    let Some(Section::Replace(prices)) = with(&json!({"price": price})).prices else {
        return None;
    };
    prices.first().map(|price| price.kopecks)
}

fn shirt() -> Value {
    json!({
        "id": 7, "title": "Рубашка", "category_id": 3, "collections_ids": [11, 12],
        "canonical_url_collection_id": 12, "currency_code": "RUR", "unit": "pce", "vat": -1,
        "is_hidden": false, "archived": false, "available": true, "permalink": "rubashka",
        "option_names": [{"id": 21, "title": "Цвет"}, {"id": 22, "title": "Размер"}],
        "properties": [{"id": 31, "title": "Состав"}],
        "characteristics": [{"id": 41, "property_id": 31, "title": "лён"}],
        "images": [{"id": 51, "original_url": "https://static.insales-cdn.com/1.PNG"}, {"id": 52}],
        "variants": [
            {"id": 71, "title": "синий / S", "sku": "R-S", "barcode": "460", "price": "1 200,5", "old_price": "1500.0",
             "cost_price": null, "price2": "1000", "price3": null, "quantity": 5, "quantity_at_warehouse1": "2.5",
             "quantity_at_warehouse2": null, "weight": "0.300", "image_ids": [51],
             "option_values": [{"option_name_id": 21, "title": "синий"}, {"option_name_id": 22, "title": "S"}]},
            {"id": 72, "title": "синий / M", "sku": null, "price": "1300.0", "quantity": null, "available": false,
             "quantity_at_warehouse1": 0, "option_values": []},
        ],
    })
}

#[test]
fn several_variants_are_a_product_and_its_variants() {
    let known = Known::default();
    let settings = CatalogueSettings {
        images: true,
        ..CatalogueSettings::default()
    };
    let shirt = mapped(&shirt(), &known, &settings).unwrap();
    let product = &shirt.item.change;
    assert_eq!(product.keys.external.as_deref(), Some("insales:shop:7"));
    let categories = ["insales:shop:c12", "insales:shop:c11"].map(str::to_owned);
    assert_eq!(product.categories, Some(categories.into()));
    assert_eq!(product.prices, Some(Section::Replace(Vec::new())));
    assert!(product.untracked && shirt.item.ids.is_none());
    let extra = product.extra.as_ref().unwrap();
    assert_eq!(
        (extra["vat"].as_str(), extra["insales:shop"].as_str()),
        ("без НДС", "")
    );
    let values = vec![("insales:shop:p31".to_owned(), vec!["лён".to_owned()])];
    assert_eq!(product.properties, Some(values));
    assert_eq!(shirt.properties[0].name, "Состав");
    assert_eq!(product.pictures.as_ref().map(Vec::len), Some(1));

    let [small, medium] = shirt.variants.as_slice() else {
        panic!("two variants");
    };
    let change = &small.change;
    assert_eq!(small.key, "insales:shop:7#71");
    assert_eq!(small.ids.as_deref(), Some("7#71"));
    assert_eq!(change.parent.as_deref(), Some("insales:shop:7"));
    assert_eq!(change.categories, None, "they are its product's");
    assert_eq!(change.name, None, "it is called after its product");
    let price = |field: &str, kopecks| Price {
        price_type: format!("insales:shop:{field}"),
        kopecks,
        currency: "RUB".into(),
    };
    let prices = vec![
        price("price", 120_050),
        price("old_price", 150_000),
        price("price2", 100_000),
    ];
    assert_eq!(change.prices, Some(Section::Replace(prices)));
    let stock = vec![Stock {
        store: "insales:shop:1".into(),
        thousandths: 2_500,
    }];
    assert_eq!(change.stock, Some(Section::Replace(stock)));
    assert_eq!((change.quantity, change.untracked), (Some(5_000), false));
    assert_eq!(change.pictures, product.pictures);
    let pairs = [("Цвет", "синий"), ("Размер", "S")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(change.characteristics, Some(pairs.into()));
    assert_eq!(change.extra.as_ref().unwrap()["weight"], "0.3");

    let change = &medium.change;
    assert!(change.untracked && change.stock.is_none() && change.quantity.is_none());
    assert_eq!(change.deleted, Some(true));
    let pairs = vec![("Вариант".to_owned(), "синий / M".to_owned())];
    assert_eq!(change.characteristics, Some(pairs));
}

#[test]
fn prices_in_another_currency_count_in_roubles_or_not_at_all() {
    let of = |currency: &str, variant: Value| {
        let mut row =
            json!({"id": 1, "title": "Чай", "currency_code": currency, "variants": [{"id": 2}]});
        for (name, value) in variant.as_object().unwrap() {
            row["variants"][0][name] = value.clone();
        }
        let item = plain(&row).item;
        let Some(Section::Replace(prices)) = item.change.prices else {
            panic!("prices");
        };
        let prices = prices.into_iter().map(|price| {
            assert_eq!(price.currency, "RUB");
            let field = price.price_type.rsplit(':').next().unwrap().to_owned();
            (field, price.kopecks)
        });
        (prices.collect::<Vec<_>>(), item.doubtful)
    };
    let expected = |all: &[(&str, i64)]| -> Vec<(String, i64)> {
        all.iter().map(|(f, k)| ((*f).to_owned(), *k)).collect()
    };
    let both = json!({"price": "5.50", "price_in_site_currency": "550.0", "old_price": null,
        "old_price_in_site_currency": null, "price2": "4", "price2_in_site_currency": "400"});
    for code in ["USD", "eur"] {
        let (prices, doubtful) = of(code, both.clone());
        assert_eq!(prices, expected(&[("price", 55_000), ("price2", 40_000)]));
        assert_eq!(doubtful, None);
    }
    for code in ["RUR", "rub", ""] {
        let (prices, doubtful) = of(code, both.clone());
        assert_eq!(prices, expected(&[("price", 550), ("price2", 400)]));
        assert_eq!(doubtful, None);
    }
    let alone = json!({"price": "5.50", "price2": "4", "price2_in_site_currency": "400"});
    let (prices, doubtful) = of("USD", alone.clone());
    assert_eq!(prices, expected(&[("price2", 40_000)]));
    let told = "Товар InSales «Чай»: цена в валюте USD без пересчёта в рубли, пропущена";
    assert_eq!(doubtful.as_deref(), Some(told));
    let mut hidden = alone;
    hidden["available"] = false.into();
    assert_eq!(
        of("USD", hidden).1,
        None,
        "of what is not sold nothing is told"
    );
}

#[test]
fn what_is_sold_by_weight_is_told_by_its_unit() {
    for (unit, weighed) in [
        ("kgm", true),
        ("grm", true),
        ("кг", true),
        ("pce", false),
        ("", false),
    ] {
        let cheese = plain(&json!({"id": 1, "title": "Сыр", "unit": unit,
            "variants": [{"id": 2, "title": "а"}, {"id": 3, "title": "б"}]}));
        for item in cheese.items() {
            assert_eq!(item.change.weighed, Some(weighed), "{unit}");
        }
    }
}

#[test]
fn one_variant_without_a_name_is_one_good() {
    let row = json!({"id": "8", "title": "Чай", "category_id": 3, "collections_ids": [], "unit": "kgm",
        "ignore_discounts": true, "variants": [{"id": "81", "title": "", "sku": "T", "price": 100}]});
    let tea = plain(&row);
    assert!(tea.variants.is_empty());
    let change = &tea.item.change;
    assert_eq!(tea.item.ids.as_deref(), Some("8#81"));
    assert_eq!(change.extra.as_ref().unwrap()["insales:shop"], "8#81");
    assert_eq!(
        change.categories,
        Some(vec!["insales:shop:w3".to_owned()]),
        "the category where there is no collection"
    );
    assert_eq!(
        (change.unit.as_deref(), change.discount_prohibited),
        (Some("кг"), Some(true))
    );
    assert_eq!(
        (change.parent.clone(), change.kind),
        (None, Some(Kind::Product))
    );
    assert_eq!(change.pictures, None, "not said where they do not come");
    let named = plain(&json!({"id": 9, "variants": [{"id": 91, "title": "S"}]}));
    assert_eq!(named.variants.len(), 1);
}

#[test]
fn what_is_hidden_archived_or_not_available_is_not_there() {
    for (field, value) in [
        ("is_hidden", json!(true)),
        ("archived", json!("true")),
        ("available", json!(false)),
    ] {
        let mut row = json!({"id": 1, "variants": [{"id": 2}]});
        row[field] = value;
        assert_eq!(plain(&row).item.change.deleted, Some(true), "{field}");
    }
    assert_eq!(with(&json!({})).deleted, Some(false));
    assert_eq!(with(&json!({"available": false})).deleted, Some(true));
}

#[test]
fn only_price_kinds_and_warehouses_that_are_wanted_come() {
    let known = [("price2".to_owned(), 91), ("price3".to_owned(), 92)].into();
    let settings = CatalogueSettings {
        price_kinds: vec![91],
        warehouses: vec![1, 2],
        ..CatalogueSettings::default()
    };
    let row = json!({"id": 1, "variants": [{"id": 2, "price": 1, "old_price": 2, "cost_price": 3, "price2": 4,
        "price3": 5, "quantity": 9, "quantity_at_warehouse1": 1, "quantity_at_warehouse2": 2,
        "quantity_at_warehouse3": 3}]});
    let change = mapped(&row, &known, &settings).unwrap().item.change;
    let Some(Section::Replace(prices)) = change.prices else {
        panic!("prices");
    };
    let fields: Vec<&str> = prices
        .iter()
        .map(|price| price.price_type.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "insales:shop:price",
            "insales:shop:old_price",
            "insales:shop:cost_price",
            "insales:shop:price2"
        ]
    );
    let Some(Section::Replace(stock)) = change.stock else {
        panic!("stock");
    };
    let lies: Vec<i64> = stock.iter().map(|stock| stock.thousandths).collect();
    assert_eq!((lies, change.quantity), (vec![1_000, 2_000], None));
}

#[test]
fn prices_are_read_however_they_are_written() {
    for (written, kopecks) in [
        (json!("200.0"), Some(20_000)),
        (json!("1 234,567"), Some(123_457)),
        (json!("1\u{a0}234.5"), Some(123_450)),
        (json!(0.005), Some(1)),
        (json!("0.1e3"), Some(10_000)),
        (json!("-5"), Some(-500)),
        (json!(null), None),
        (json!(""), None),
        (json!("даром"), None),
        (json!("1.2.3"), None),
        (json!([1]), None),
        (json!(true), None),
        (json!("99999999999999999999999999999999"), None),
        (json!("922337203685477580800"), None),
    ] {
        assert_eq!(kopecks_of(&written), kopecks, "{written}");
    }
}

#[test]
fn pictures_of_another_address_are_other_files() {
    let settings = CatalogueSettings {
        images: true,
        ..CatalogueSettings::default()
    };
    let of = |url: &str| {
        let row = json!({"id": 1, "images": [{"original_url": url}], "variants": [{"id": 2}]});
        mapped(&row, &Known::default(), &settings)
            .unwrap()
            .pictures
            .remove(0)
    };
    let one = of("https://static.insales-cdn.com/a/Чай.JPEG?1");
    assert!(
        one.name.starts_with(PICTURE) && one.name.ends_with(".jpeg"),
        "{}",
        one.name
    );
    assert_ne!(
        one.name,
        of("https://static.insales-cdn.com/b/Чай.JPEG?1").name
    );
    assert!(of("https://x/a.php/../b").name.ends_with(".jpg"));
}

fn found(good: &str, source: &str, external: &str) -> Match {
    Match {
        good: good.into(),
        source: Some(source.into()),
        external: Some(external.into()),
        name: good.into(),
        ..Match::default()
    }
}

#[test]
fn a_link_needs_one_good_and_one_alone() {
    let row = json!({"id": 1, "title": "Чай", "variants": [{"id": 2, "sku": "A"}]});
    let item = plain(&row).item;
    let of = |matches: &[Match], twice| choose(Link::Article, &item, "A", matches, twice, &names());
    let master = found("g-1", "moysklad", "P1");
    assert_eq!(of(&[], true), Choice::Nothing);
    // Itself, and another of the shop's where nobody else has the article.
    let own = found("g-2", "insales:shop", "insales:shop:1");
    let sister = found("g-3", "insales:shop", "insales:shop:9");
    assert_eq!(of(&[own.clone(), sister.clone()], false), Choice::Nothing);
    assert_eq!(
        of(&[own.clone(), master.clone()], false),
        Choice::One(Box::new(master.clone()))
    );
    let unclear = |choice: Choice, words: &[&str]| match choice {
        Choice::Unclear(text) => assert!(words.iter().all(|word| text.contains(word)), "{text}"),
        other => panic!("{other:?}"),
    };
    unclear(
        of(&[master.clone(), found("g-4", "cml", "Q")], false),
        &["Чай", "g-1", "g-4", "A"],
    );
    unclear(of(&[master.clone(), sister], false), &["Чай", "g-1", "g-3"]);
    unclear(of(std::slice::from_ref(&master), true), &["Чай", "g-1"]);
    let taken = Match {
        extra: Some("5#6".into()),
        ..master.clone()
    };
    unclear(of(&[taken], false), &["Чай", "g-1", "5#6"]);
    let again = Match {
        extra: Some("1#2".into()),
        ..master
    };
    assert!(matches!(of(&[again], false), Choice::One(_)));
}

#[test]
fn beside_another_master_only_prices_stock_and_ids_are_put() {
    let mut row = json!({"id": 1, "title": "Чай", "variants": [{"id": 2, "sku": "A", "price": 1, "quantity": 1}]});
    let change = beside(&plain(&row).item, &names(), Some("g".into()));
    assert!(change.beside && !change.create);
    assert_eq!(change.keys.alias.as_deref(), Some("insales:shop:1"));
    assert_eq!(
        (
            &change.name,
            &change.article,
            &change.categories,
            change.deleted
        ),
        (&None, &None, &None, None)
    );
    assert_eq!(change.extra.as_ref().unwrap()["insales:shop"], "1#2");
    // What the shop does not sell has no price there.
    row["archived"] = json!(true);
    let change = beside(&plain(&row).item, &names(), None);
    assert_eq!(change.prices, Some(Section::Replace(Vec::new())));
    assert_eq!(change.stock, Some(Section::Replace(Vec::new())));
    assert_eq!(change.extra.as_ref().unwrap()["insales:shop"], "");
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[a-z0-9 ,.:/-]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof![
            Just("id"),
            Just("title"),
            Just("price"),
            Just("price2"),
            Just("quantity"),
            Just("quantity_at_warehouse1"),
            Just("option_name_id"),
            Just("original_url"),
            Just("property_id"),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::vec((name, inner), 0..4).prop_map(|fields| {
                let fields = fields.into_iter().map(|(k, v)| (k.to_owned(), v));
                Value::Object(fields.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_price_of_whole_kopecks_is_exact_in_every_form(kopecks in 0_i64..=i64::MAX, form in 0..5) {
        let (whole, rest) = (kopecks / 100, kopecks % 100);
        let digits = whole.to_string();
        let grouped: Vec<String> = digits.as_bytes().rchunks(3).rev()
            .map(|three| String::from_utf8(three.to_vec()).unwrap())
            .collect();
        let written = match form {
            0 => format!("\"{whole}.{rest:02}\""),
            1 => format!("\"{whole},{rest:02}\""),
            2 => format!("\" {} , {rest:02} \"", grouped.join(" ")),
            3 => format!("\"{}.{rest:02}0000\"", grouped.join("\u{a0}")),
            _ => format!("{whole}.{rest:02}"),
        };
        let raw = RawValue::from_string(format!(
            "{{\"id\":1,\"variants\":[{{\"id\":2,\"price\":{written}}}]}}"
        )).unwrap();
        let mapped = product(&raw, &names(), &Known::default(), &CatalogueSettings::default()).unwrap();
        let Some(Section::Replace(prices)) = mapped.item.change.prices else { panic!("prices") };
        prop_assert_eq!(prices.first().map(|price| price.kopecks), Some(kopecks));
    }

    #[test]
    fn fractions_of_a_kopeck_are_rounded_to_the_nearest(thousandths in 0_i64..1_000_000_000_000) {
        let written = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
        prop_assert_eq!(kopecks_of(&json!(written)), Some((thousandths + 5) / 10));
    }

    #[test]
    fn no_object_makes_the_mapping_panic(values in proptest::collection::vec(json_value(), 21)) {
        const FIELDS: [&str; 21] = [
            "title", "description", "short_description", "permalink", "category_id", "collections_ids",
            "canonical_url_collection_id", "is_hidden", "archived", "available", "ignore_discounts", "unit", "vat",
            "currency_code", "external_id", "images", "option_names", "properties", "characteristics",
            "product_bundle_components", "variants",
        ];
        let fields = FIELDS.into_iter().map(str::to_owned).zip(values);
        let mut row: serde_json::Map<String, Value> = fields.collect();
        row.insert("id".into(), "1".into());
        let settings = CatalogueSettings { images: true, ..CatalogueSettings::default() };
        let mapped = mapped(&Value::Object(row), &Known::default(), &settings).unwrap();
        prop_assert!(mapped.item.change.create);
    }
}

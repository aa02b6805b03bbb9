//! МойСклад's way (commerceml §1.11, §2.7): pictures first, then XML; login and password with every request,
//! the token never returned; pictures again in deltas of their own.

use samples::Shape;
use serde_json::json;

use super::client::Client;
use super::files::{import_of, offers_of, png};
use super::merchant::Merchant;

fn shape() -> Shape {
    Shape {
        variants: 2,
        pictures: true,
        ..Shape::moysklad(16)
    }
}

/// A client like МойСклад.
fn client(merchant: &Merchant) -> Client {
    let mut client = merchant.client();
    client.always_basic = true;
    client.headers = vec![
        ("User-Agent".into(), "1C+Enterprise/8.2".into()),
        (
            "Accept".into(),
            "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2".into(),
        ),
        ("Cache-Control".into(), "no-cache".into()),
        ("Pragma".into(), "no-cache".into()),
    ];
    client
}

/// A run: the pictures of these goods, then the files.
#[track_caller]
fn run(merchant: &Merchant, pictures: &[u32], seed: u8, files: &[(&str, &[u8])]) {
    let mut client = client(merchant);
    client.begin("catalog");
    client.token = None;
    for good in pictures {
        let name = shape().picture(*good).unwrap();
        client.put(&name, &png(seed, 5_000 + *good as usize));
    }
    for (name, file) in files {
        client.upload(name, file);
    }
    for (name, _) in files {
        client.imported(name);
    }
}

#[test]
fn a_full_run_brings_goods_variants_prices_stock_and_pictures() {
    let merchant = Merchant::new(json!({}));
    let shape = shape();
    let (import, offers) = (import_of(&shape), offers_of(&shape));
    run(
        &merchant,
        &[0, 4, 8, 12],
        1,
        &[("import.xml", &import), ("offers.xml", &offers)],
    );
    assert_eq!(merchant.live(), (16, 32));
    for good in 0..16 {
        let stored = merchant.good(&shape.good_id(good));
        assert_eq!(stored["name"], json!(shape.name(good)));
        assert_eq!(stored["article"], json!(shape.article(good)));
        for variant in 0..2 {
            let id = shape.offer_id(good, variant);
            let prices = merchant.prices(&id);
            for n in 0..shape.price_types {
                let kopecks = shape.price_kopecks(good, variant, n);
                assert_eq!(prices[&shape.price_type_id(n)], kopecks, "{id}");
            }
            let stock = merchant.stock(&id);
            for n in 0..shape.stores {
                let there = stock.get(&shape.store_id(n)).copied();
                assert_eq!(
                    there,
                    Some(shape.stock_thousandths(good, variant, n)),
                    "{id}"
                );
            }
            let one = merchant.good(&id);
            assert_eq!(
                one["quantity"],
                json!(shape.quantity_thousandths(good, variant))
            );
            assert_eq!(
                one["price_kopecks"],
                json!(shape.price_kopecks(good, variant, 0))
            );
            assert_eq!(one["barcodes"], json!([shape.barcode(good, variant)]));
        }
    }
    for good in [0, 4, 8, 12] {
        let (_, picture) = super::pictures::first_of(&merchant, &shape.good_id(good));
        assert_eq!(picture.body, png(1, 5_000 + good as usize));
    }
    assert_eq!(merchant.shop.list("/categories").len(), 10);
}

#[test]
fn the_same_run_again_changes_nothing() {
    let merchant = Merchant::new(json!({ "missing": "archive" }));
    let (import, offers) = (import_of(&shape()), offers_of(&shape()));
    let files: [(&str, &[u8]); 2] = [("import.xml", &import), ("offers.xml", &offers)];
    run(&merchant, &[0, 4], 1, &files);
    let before = merchant.state();
    run(&merchant, &[0, 4], 1, &files);
    merchant.nothing_changed("import.xml");
    merchant.nothing_changed("offers.xml");
    assert_eq!(merchant.state(), before);
}

#[test]
fn a_delta_of_pictures_leaves_prices_stock_and_other_goods_alone() {
    for missing in ["keep", "archive"] {
        let merchant = Merchant::new(json!({ "missing": missing, "missing_guard_percent": 100 }));
        let (import, offers) = (import_of(&shape()), offers_of(&shape()));
        run(
            &merchant,
            &[],
            1,
            &[("import.xml", &import), ("offers.xml", &offers)],
        );
        let mut before = merchant.state();
        // The classifier in full, one good with little more than its picture.
        let text = String::from_utf8(import).unwrap();
        let (head, goods) = text.split_once("<Товары>").unwrap();
        let head = head.replace(
            "СодержитТолькоИзменения=\"false\"",
            "СодержитТолькоИзменения=\"true\"",
        );
        assert!(head.contains("true") && !goods.is_empty());
        let (id, name) = (shape().good_id(4), shape().name_in_xml(4));
        let delta = format!(
            "{head}<Товары><Товар><Ид>{id}</Ид><Наименование>{name}</Наименование>\
             <БазоваяЕдиница НаименованиеПолное=\"шт\">шт</БазоваяЕдиница>\
             <Картинка>10004.png</Картинка></Товар></Товары></Каталог></КоммерческаяИнформация>"
        );
        run(&merchant, &[4], 7, &[("import.xml", delta.as_bytes())]);
        let mut after = merchant.state();
        let (_, picture) = super::pictures::first_of(&merchant, &id);
        assert_eq!(picture.body, png(7, 5_004));
        let (mut old, mut new) = (before.remove(&id).unwrap(), after.remove(&id).unwrap());
        for card in [&mut old, &mut new] {
            card.as_object_mut().unwrap().remove("pictures");
        }
        assert_eq!(old, new, "{missing}");
        assert_eq!(before, after, "{missing}");
    }
}

#[test]
fn what_has_changed_in_the_shop_changes_here_and_nothing_else() {
    let merchant = Merchant::new(json!({}));
    let old = Shape {
        goods: 200,
        variants: 0,
        ..shape()
    };
    let new = Shape {
        revision: 1,
        changed_permille: 100,
        ..old.clone()
    };
    run(
        &merchant,
        &[],
        1,
        &[
            ("import.xml", &import_of(&old)),
            ("offers.xml", &offers_of(&old)),
        ],
    );
    run(
        &merchant,
        &[],
        1,
        &[
            ("import.xml", &import_of(&new)),
            ("offers.xml", &offers_of(&new)),
        ],
    );
    let changed = (0..200).filter(|good| new.has_changed(*good)).count();
    assert!(changed > 5);
    for file in ["import.xml", "offers.xml"] {
        let totals = merchant.totals(file);
        assert_eq!(
            (&totals["changed"], &totals["unchanged"]),
            (&json!(changed), &json!(200 - changed)),
            "{file}: {totals}"
        );
    }
    for good in 0..200 {
        let stored = merchant.good(&new.good_id(good));
        assert_eq!(stored["name"], json!(new.name(good)));
        assert_eq!(
            stored["price_kopecks"],
            json!(new.price_kopecks(good, 0, 0))
        );
    }
}

//! Files as real programs have written them, out of the folder that `SKLAD_EDGE_SHARED` names. The counts
//! were taken from the files by hand.

use serde_json::{Value, json};

use super::merchant::Merchant;
use super::wire::How;

/// A file of the folder; nothing, with a word why, where there is none.
pub fn sample(name: &str) -> Option<Vec<u8>> {
    let Ok(folder) = std::env::var("SKLAD_EDGE_SHARED") else {
        println!("skipped: SKLAD_EDGE_SHARED names no folder with samples");
        return None;
    };
    let path = format!("{folder}/data/commerceml/{name}");
    Some(std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}")))
}

/// That counts of a row are these.
#[track_caller]
fn counted(merchant: &Merchant, file: &str, counts: &[(&str, u64)]) {
    let totals = merchant.totals(file);
    for (what, count) in counts {
        assert_eq!(totals[what], json!(count), "{what} of {file}: {totals}");
    }
}

/// Imports the same again: all must be there already.
#[track_caller]
fn again(merchant: &Merchant, files: &[(&str, &[u8])]) {
    merchant.exchange(files);
    for (name, _) in files {
        merchant.nothing_changed(name);
    }
}

/// How many list entries of all goods there are.
fn entries(merchant: &Merchant, list: &str) -> usize {
    let goods = merchant.state();
    let count = |good: &Value| good[list].as_array().map_or(0, Vec::len);
    goods.values().map(count).sum()
}

#[test]
fn unf_208_with_flat_categories() {
    let Some(import) = sample("unf208-import-1.6M.xml") else {
        return;
    };
    let offers = sample("unf208-offers.xml").unwrap();
    let files: [(&str, &[u8]); 2] = [("import.xml", &import), ("offers.xml", &offers)];
    let merchant = Merchant::new(json!({}));
    merchant.exchange(&files);
    counted(
        &merchant,
        "import.xml",
        &[("goods", 540), ("groups", 26), ("created", 540)],
    );
    counted(&merchant, "offers.xml", &[("offers", 523), ("skipped", 0)]);
    assert_eq!(merchant.goods().len(), 540);
    assert_eq!(merchant.live(), (534, 0), "six are marked as deleted");
    assert_eq!(merchant.shop.list("/categories").len(), 26);
    assert_eq!(entries(&merchant, "prices"), 523);
    let good = merchant.good("c4c65ba6-927c-11e7-8781-00155d46f506");
    assert_eq!(good["price_kopecks"], json!(3_750));
    assert!(good["category"].is_string(), "{good}");
    again(&merchant, &files);
}

#[test]
fn ut_204_with_thousands_of_variants() {
    let Some(import) = sample("ut204-cscart-import.xml") else {
        return;
    };
    let offers = sample("ut204-cscart-offers-2.9M.xml").unwrap();
    let files: [(&str, &[u8]); 2] = [("import.xml", &import), ("offers.xml", &offers)];
    let merchant = Merchant::new(json!({}));
    merchant.exchange(&files);
    counted(
        &merchant,
        "import.xml",
        &[("goods", 27), ("groups", 4), ("created", 27)],
    );
    counted(
        &merchant,
        "offers.xml",
        &[("offers", 1455), ("created", 1455), ("skipped", 0)],
    );
    assert_eq!(merchant.live(), (27, 1455));
    assert_eq!(entries(&merchant, "prices"), 2910);
    assert_eq!(entries(&merchant, "characteristics"), 4480);
    let variant = "bd72d910-55bc-11d9-848a-00112f43529a#3df1947d-7886-11df-b33a-0011955cba6b";
    let prices = merchant.prices(variant);
    assert_eq!(prices.values().collect::<Vec<_>>(), [&315_900, &315_900]);
    assert_eq!(merchant.good(variant)["quantity"], json!(10_000));
    again(&merchant, &files);
}

#[test]
fn ut_207_with_deleted_goods_and_stores() {
    let Some(import) = sample("ut207-crlf-import.xml") else {
        return;
    };
    let offers = sample("ut207-crlf-offers.xml").unwrap();
    let files: [(&str, &[u8]); 2] = [("import0_1.xml", &import), ("offers0_1.xml", &offers)];
    let merchant = Merchant::new(json!({}));
    merchant.exchange(&files);
    counted(&merchant, "import0_1.xml", &[("goods", 9), ("groups", 3)]);
    counted(
        &merchant,
        "offers0_1.xml",
        &[("offers", 13), ("skipped", 0)],
    );
    let goods = merchant.goods();
    let (variants, products): (Vec<_>, Vec<_>) = goods.iter().partition(|(id, _)| id.contains('#'));
    assert_eq!((products.len(), variants.len()), (9, 8));
    assert_eq!(merchant.live().0, 4, "five of nine are marked as deleted");
    assert_eq!(entries(&merchant, "prices"), 13);
    assert_eq!(entries(&merchant, "pictures"), 2);
    let variant = "dee6e1d0-55bc-11d9-848a-00112f43529a#b02e280b-720f-11df-b436-0015e92f2802";
    assert_eq!(
        merchant.prices(variant).into_values().collect::<Vec<_>>(),
        [280_000]
    );
    let stock = merchant.stock(variant);
    assert_eq!(stock["6f87e83f-722c-11df-b336-0011955cba6b"], 39_000);
    assert_eq!(merchant.good(variant)["quantity"], json!(39_000));
    again(&merchant, &files);
}

/// The ids of the offers of a file, cut out of its text.
fn offered(file: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(file).unwrap();
    let offers = text.split("<Предложение>").skip(1);
    let id = |offer: &str| {
        let from = offer.split("<Ид>").nth(1).unwrap();
        from.split("</Ид>").next().unwrap().to_owned()
    };
    offers.map(id).collect()
}

#[test]
fn ut_11_with_prices_and_rests_in_files_of_their_own() {
    let Some(prices) = sample("ut11-209-prices.xml") else {
        return;
    };
    let rests = sample("ut11-209-rests.xml").unwrap();
    let names = [
        "prices___d66a6b51-ce9c-4e7a-8c7c-25079721107f.xml",
        "rests___1af6e7b8-a026-4690-9752-1c9d64cb914d.xml",
    ];
    let files: [(&str, &[u8]); 2] = [(names[0], &prices), (names[1], &rests)];
    let merchant = Merchant::new(json!({}));
    // The goods of this exchange came in a file that is not here.
    merchant.exchange(&files);
    counted(
        &merchant,
        names[0],
        &[("offers", 978), ("skipped", 978), ("created", 0)],
    );
    let ids = offered(&prices);
    assert_eq!(ids.len(), 978);
    let goods: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "external": id, "name": "Товар" }))
        .collect();
    merchant.shop.api("POST", "/goods", &json!(goods)).ok();
    merchant.exchange(&files);
    for name in names {
        counted(
            &merchant,
            name,
            &[("offers", 978), ("changed", 978), ("skipped", 0)],
        );
    }
    assert_eq!(
        (entries(&merchant, "prices"), entries(&merchant, "stock")),
        (978, 978)
    );
    let good = "26b0dc1e-4d66-11e4-99fe-003048c64779";
    assert_eq!(merchant.good(good)["price_kopecks"], json!(18_100));
    assert_eq!(
        merchant.stock(good)["5d1caeb1-44b2-11e4-a628-003048c64779"],
        1_000
    );
    let negative = merchant.stock("633e7908-4eb6-11e4-99fe-003048c64779");
    assert!(negative.values().all(|amount| *amount < 0), "{negative:?}");
    again(&merchant, &files);
}

#[test]
fn moysklads_three_files_in_order() {
    let Some(import) = sample("moysklad-import.xml") else {
        return;
    };
    let offers = sample("moysklad-offers.xml").unwrap();
    let delta = sample("moysklad-foto-delta.xml").unwrap();
    let sale = "cbcf493b-55bc-11d9-848a-00112f43529a";
    let files: [(&str, &[u8]); 2] = [("import.xml", &import), ("offers.xml", &offers)];
    for missing in ["keep", "archive"] {
        let merchant = Merchant::new(json!({ "missing": missing, "missing_guard_percent": 100 }));
        let mut client = merchant.client();
        client.always_basic = true;
        client.begin("catalog");
        client.token = None;
        client.put("12345.png", &super::files::png(1, 4_000));
        client.put("import.xml", &import);
        client.put("offers.xml", &offers);
        client.imported("import.xml");
        client.imported("offers.xml");
        counted(
            &merchant,
            "import.xml",
            &[("goods", 1), ("groups", 2), ("created", 1)],
        );
        let good = merchant.good("137");
        assert_eq!(good["name"], json!("dev test my 137"));
        assert_eq!(good["price_kopecks"], json!(4_500_000));
        assert_eq!(merchant.prices("137")[sale], 4_500_000);
        assert_eq!(merchant.stock("137")["k8SNns6tiJ0jr7NUyPEkc2"], 1_000);
        assert_eq!(super::pictures::first_of(&merchant, "137").0, "12345.png");
        again(&merchant, &files);

        let before = merchant.state();
        merchant.exchange(&[
            ("135.png", &super::files::png(2, 4_000)),
            ("import.xml", &delta),
        ]);
        let mut after = merchant.state();
        let new = after.remove("135").unwrap();
        assert_eq!(new["name"], json!("dev test my 135"));
        assert_eq!(
            after, before,
            "{missing}: a delta of pictures touches no other good"
        );
        assert_eq!(super::pictures::first_of(&merchant, "135").0, "135.png");

        // A picture of the good that has price and stock, as a delta.
        let text = String::from_utf8(delta.clone()).unwrap();
        let same = text.replace("135", "137");
        merchant.exchange(&[
            ("137.png", &super::files::png(3, 4_000)),
            ("import.xml", same.as_bytes()),
        ]);
        assert_eq!(merchant.prices("137")[sale], 4_500_000, "{missing}");
        assert_eq!(
            merchant.stock("137")["k8SNns6tiJ0jr7NUyPEkc2"],
            1_000,
            "{missing}"
        );
        assert_eq!(super::pictures::first_of(&merchant, "137").0, "137.png");
        assert_eq!(merchant.live(), (2, 0), "{missing}");
    }
}

#[test]
fn orders_of_1c_and_of_another_site_are_read() {
    let Some(orders) = sample("ut207-crlf-orders.xml") else {
        return;
    };
    let merchant = Merchant::new(json!({}));
    let mut known = super::orders::order("76c2a49c-217e-11e6-ae3c-6805ca05f260", "20");
    known["customer"]["name"] = json!("Пётр");
    merchant.order(&[known]);
    let client = merchant.of_orders();
    let name = "orders-cf0b82a8-3e02-43e7-946c-0ff869125614_1.xml";
    client
        .chunk("sale", name, &orders, How::Whole)
        .unwrap()
        .success();
    client.about("sale", "import", name).success();
    assert_eq!(
        merchant.shop.list("/orders").len(),
        1,
        "1С makes no orders of the shop's"
    );
    for name in [
        "bitrix205-orders-full.cp1251.xml",
        "orders-to-1c-203.cp1251.xml",
    ] {
        let body = sample(name).unwrap();
        client
            .chunk("sale", name, &body, How::Whole)
            .unwrap()
            .success();
    }
    assert_eq!(merchant.shop.list("/orders").len(), 1);
}

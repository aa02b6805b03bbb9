//! Each setting of the exchange does what it says.

use serde_json::json;

use super::files::{self, SALE, good, offer, package, png};
use super::merchant::Merchant;

/// Two goods in «Посуда», one in «Сад»; a variant of the first.
fn files() -> [(&'static str, Vec<u8>); 2] {
    let garden = "<Товар><Ид>p-3</Ид><Наименование>Лейка</Наименование><Группы><Ид>g-3</Ид></Группы></Товар>";
    let all = [
        good("p-1", "Кружка", ""),
        good("p-2", "Ваза", ""),
        garden.to_owned(),
    ];
    let offers = [
        offer("p-1#m", 100, (3, 4), &files::size("M")),
        offer("p-2", 200, (5, 6), ""),
        offer("p-3", 300, (7, 0), ""),
    ];
    [
        ("import.xml", files::catalogue(&all.concat(), false)),
        ("offers.xml", package(&offers.concat(), false)),
    ]
}

fn imported(settings: serde_json::Value) -> Merchant {
    let merchant = Merchant::new(settings);
    let files = files();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (*n, b.as_slice())).collect();
    merchant.exchange(&files);
    merchant
}

#[test]
fn everything_is_taken_unless_it_is_set_otherwise() {
    let merchant = imported(json!({}));
    assert_eq!(merchant.live(), (3, 1));
    let prices = merchant.prices("p-2");
    assert_eq!((prices[SALE], prices["opt"]), (20_000, 19_850));
    assert_eq!(
        merchant.good("p-2")["price_kopecks"],
        json!(20_000),
        "the first price type of the file"
    );
    let stock = merchant.stock("p-2");
    assert_eq!((stock["s-1"], stock["s-2"]), (5_000, 6_000));
    assert_eq!(merchant.good("p-2")["quantity"], json!(11_000));
}

#[test]
fn the_price_is_of_the_first_type_of_the_file_each_time() {
    let merchant = imported(json!({}));
    // A type that sorts before it came in another file, even in one that failed.
    let other = files::document(
        "<ПакетПредложений СодержитТолькоИзменения=\"true\"><Ид>c#</Ид><ИдКаталога>c</ИдКаталога><ТипыЦен>\
         <ТипЦены><Ид>00</Ид><Наименование>Акция</Наименование><Валюта>RUB</Валюта></ТипЦены></ТипыЦен>\
         <Предложения></Предложения></ПакетПредложений>",
    );
    merchant.exchange(&[("offers0_2.xml", &other)]);
    let [_, (name, offers)] = files();
    merchant.exchange(&[(name, &offers)]);
    assert_eq!(merchant.good("p-2")["price_kopecks"], json!(20_000));
    merchant.nothing_changed(name);
}

#[test]
fn the_first_price_type_that_is_named_is_the_price() {
    for named in ["opt", "Оптовая", "оптовая "] {
        let merchant = imported(json!({ "price_types": [named] }));
        let prices = merchant.prices("p-2");
        assert_eq!(prices.len(), 1, "{named}");
        assert_eq!(
            merchant.good("p-2")["price_kopecks"],
            json!(19_850),
            "{named}"
        );
    }
    let merchant = imported(json!({ "price_types": ["Оптовая", SALE] }));
    assert_eq!(merchant.prices("p-2").len(), 2);
    assert_eq!(merchant.good("p-2")["price_kopecks"], json!(19_850));
}

#[test]
fn the_lowest_price_is_of_its_own_type_and_not_the_price() {
    for named in ["opt", "Оптовая"] {
        let merchant = imported(json!({ "min_price_type": named, "price_types": [SALE] }));
        let good = merchant.good("p-2");
        let prices = (&good["price_kopecks"], &good["min_price_kopecks"]);
        assert_eq!(prices, (&json!(20_000), &json!(19_850)), "{named}");
    }
    // Listed first, it is no price either.
    let merchant = imported(json!({ "min_price_type": SALE }));
    let good = merchant.good("p-2");
    let prices = (&good["price_kopecks"], &good["min_price_kopecks"]);
    assert_eq!(prices, (&json!(19_850), &json!(20_000)));
}

#[test]
fn stock_is_counted_in_the_stores_that_are_named() {
    for named in ["s-2", "Запасной"] {
        let merchant = imported(json!({ "stores": [named] }));
        let stock = merchant.stock("p-2");
        assert_eq!((stock.len(), stock["s-2"]), (1, 6_000), "{named}");
        assert_eq!(merchant.good("p-2")["quantity"], json!(6_000), "{named}");
    }
}

#[test]
fn only_goods_of_the_root_category_come() {
    let merchant = imported(json!({ "root_category": "g-1" }));
    assert_eq!(
        merchant.live(),
        (2, 1),
        "goods of a group below count, others do not"
    );
    assert!(!merchant.has("p-3"));
    assert_eq!(imported(json!({ "root_category": "g-3" })).live(), (1, 0));
    assert_eq!(
        imported(json!({ "root_category": "nowhere" })).live(),
        (0, 0)
    );
}

#[test]
fn modifications_may_be_left_out() {
    let merchant = imported(json!({ "modifications": false }));
    assert_eq!(merchant.live(), (3, 0));
    assert_eq!(merchant.totals("offers.xml")["skipped"], json!(1));
}

#[test]
fn pictures_may_be_left_out() {
    let merchant = Merchant::new(json!({ "images": false }));
    let file = good("p-1", "Кружка", "<Картинка>1.png</Картинка>");
    merchant.exchange(&[
        ("1.png", &png(1, 3_000)),
        ("import.xml", &files::catalogue(&file, false)),
    ]);
    assert_eq!(merchant.good("p-1")["pictures"], json!([]));
}

#[test]
fn settings_that_cannot_be_are_refused_by_the_api() {
    let merchant = Merchant::new(json!({}));
    let settings = merchant.shop.api("GET", "/settings", &json!({})).ok();
    for bad in [
        json!({ "chunk_limit_bytes": 1 }),
        json!({ "missing_guard_percent": 101 }),
        json!({ "missing": "delete" }),
        json!({ "reply_encoding": "koi8-r" }),
        json!({ "price_types": [""] }),
        json!({ "unknown": 1 }),
    ] {
        let mut body = settings.clone();
        body["commerceml"] = bad.clone();
        let path = format!("/{}/settings", merchant.shop.slug);
        let headers = [("if-match", "\"1\"")];
        let answer = merchant.shop.app.operator("PUT", &path, &headers, &body);
        assert!(
            (400..500).contains(&answer.status),
            "{bad}: {}",
            answer.text
        );
    }
    let now = merchant.shop.api("GET", "/settings", &json!({})).ok();
    assert_eq!(now, settings);
}

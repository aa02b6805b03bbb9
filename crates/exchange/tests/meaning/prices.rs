//! Prices and stock: which count, and what a change of some leaves alone (commerceml §2.1, §2.5).

use serde_json::{Value, json};

use super::{World, list, offer, package, prices, root, stock, types, world};

fn shop_with(settings: Value, offers: &str) -> World {
    let shop = world(settings);
    shop.exchange(&[
        ("import.xml", list(["P"])),
        ("offers.xml", offers.to_owned()),
    ]);
    shop
}

const BOTH: [(&str, &str); 2] = [("pt1", "Розничная"), ("pt2", "Оптовая")];

fn both() -> String {
    let price = prices(&[("pt1", 100), ("pt2", 50)]);
    root(&package(true, &types(&BOTH), &[offer("P", &price)]))
}

#[test]
fn the_quantity_is_summed_after_the_stores_were_merged() {
    let all = root(&package(
        true,
        "",
        &[offer("P", &stock(&[("s1", 3), ("s2", 2)]))],
    ));
    let shop = shop_with(json!({}), &all);
    assert_eq!(shop.good("P", "quantity"), json!(5_000));
    for (there, sum) in [(1, 3_000), (-1, 1_000)] {
        let some = root(&package(false, "", &[offer("P", &stock(&[("s1", there)]))]));
        shop.exchange(&[("rests.xml", some)]);
        assert_eq!(shop.good("P", "quantity"), json!(sum));
    }
    let shop = world(json!({ "stores": ["a", "b"] }));
    let first = offer(
        "P",
        &(stock(&[("a", 1), ("c", 5)]) + "<Количество>6</Количество>"),
    );
    shop.exchange(&[
        ("import.xml", list(["P"])),
        ("offers.xml", root(&package(false, "", &[first]))),
    ]);
    assert_eq!(
        shop.good("P", "quantity"),
        json!(6_000),
        "nobody knows what a, b and c are called"
    );
    let names = "<Склады><Склад><Ид>a</Ид></Склад><Склад><Ид>b</Ид></Склад><Склад><Ид>c</Ид></Склад></Склады>";
    let second = offer("P", &(stock(&[("b", 8)]) + "<Количество>14</Количество>"));
    shop.exchange(&[("offers.xml", root(&package(false, names, &[second])))]);
    assert_eq!(shop.good("P", "quantity"), json!(9_000), "c does not count");
}

#[test]
fn changes_of_another_price_type_leave_the_price_alone() {
    let shop = shop_with(json!({}), &both());
    assert_eq!(shop.good("P", "price"), json!(10_000));
    let some = root(&package(
        false,
        &types(&BOTH[1..]),
        &[offer("P", &prices(&[("pt2", 60)]))],
    ));
    shop.exchange(&[("offers.xml", some)]);
    assert_eq!(shop.good("P", "price"), json!(10_000));
    assert_eq!(
        shop.good("P", "prices"),
        json!([["pt1", 10_000, "RUB"], ["pt2", 6_000, "RUB"]])
    );
    shop.exchange(&[("offers.xml", both())]);
    shop.exchange(&[("offers.xml", both())]);
    shop.nothing_changed("offers.xml");
}

#[test]
fn an_offer_says_all_its_prices_and_stores_unless_the_file_is_marked_as_changes() {
    let both = prices(&[("pt1", 100), ("pt2", 50)]) + &stock(&[("s1", 3), ("s2", 2)]);
    let all = root(&package(true, &types(&BOTH), &[offer("P", &both)]));
    let some = prices(&[("pt1", 90)]) + &stock(&[("s2", 1)]);
    let some = root(&package(true, "", &[offer("P", &some)]));
    let mark = " СодержитТолькоИзменения=\"false\"";
    let changes = mark.replace("false", "true");
    let new = json!([["pt1", 9_000, "RUB"]]);
    let merged = json!([["pt1", 9_000, "RUB"], ["pt2", 5_000, "RUB"]]);
    for (name, file, expected) in [
        ("offers.xml", some.clone(), &new),
        ("offers.xml", some.replace(mark, ""), &new),
        ("offers.xml", some.replace(mark, &changes), &merged),
        (
            "offers.xml",
            some.replace(mark, "")
                .replace(" ВерсияСхемы", &format!("{changes} ВерсияСхемы")),
            &merged,
        ),
        ("prices___1.xml", some.clone(), &merged),
    ] {
        let shop = shop_with(json!({}), &all);
        shop.exchange(&[(name, file)]);
        assert_eq!(&shop.good("P", "prices"), expected);
        let stores = shop.good("P", "stock").as_array().unwrap().len();
        assert_eq!(stores, expected.as_array().unwrap().len());
    }
}

#[test]
fn a_list_of_all_price_types_says_in_which_order_they_stand() {
    let shop = shop_with(json!({}), &both());
    let swapped = [BOTH[1], BOTH[0]];
    shop.exchange(&[("prices.xml", root(&package(false, &types(&swapped), &[])))]);
    assert_eq!(shop.good("P", "price"), json!(5_000));
}

#[test]
fn price_types_may_be_listed_behind_the_offers() {
    let shop = world(json!({}));
    let ids: Vec<String> = (0..600).map(|n| format!("p{n}")).collect();
    let price = prices(&[("pt1", 100), ("pt2", 50)]);
    let offers: Vec<String> = ids.iter().map(|id| offer(id, &price)).collect();
    let late = format!("<Классификатор><Ид>k</Ид>{}</Классификатор>", types(&BOTH));
    let file = root(&(package(true, "", &offers) + &late));
    shop.exchange(&[
        ("import.xml", list(ids.iter().map(String::as_str))),
        ("offers.xml", file.clone()),
    ]);
    assert_eq!(
        shop.number("SELECT count(*) FROM goods WHERE price IS 10000"),
        600
    );
    for _ in 0..2 {
        shop.exchange(&[("offers.xml", file.clone())]);
        shop.nothing_changed("offers.xml");
    }
}

#[test]
fn prices_may_come_before_the_file_that_names_their_types() {
    let shop = world(json!({}));
    let price = prices(&[("pt1", 100), ("pt2", 50)]);
    let late = format!("<Классификатор><Ид>k</Ид>{}</Классификатор>", types(&BOTH));
    shop.exchange(&[
        ("import.xml", list(["P"])),
        (
            "prices___1.xml",
            root(&package(false, "", &[offer("P", &price)])),
        ),
        ("priceLists___1.xml", root(&late)),
    ]);
    assert_eq!(shop.good("P", "price"), json!(10_000));
}

#[test]
fn names_that_the_settings_mean_may_come_behind_what_they_name() {
    let shop = world(json!({ "price_types": ["оптовая"], "stores": ["Главный"] }));
    let there = prices(&[("pt1", 100), ("pt2", 50)]) + &stock(&[("s1", 3), ("s2", 2)]);
    let late = format!(
        "<Классификатор><Ид>k</Ид>{}<Склады><Склад><Ид>s1</Ид><Наименование>Запасной</Наименование></Склад>\
         <Склад><Ид>s2</Ид><Наименование>Главный</Наименование></Склад></Склады></Классификатор>",
        types(&BOTH)
    );
    let file = root(&(package(true, "", &[offer("P", &there)]) + &late));
    shop.exchange(&[("import.xml", list(["P"])), ("offers.xml", file.clone())]);
    assert_eq!(shop.good("P", "price"), json!(5_000));
    assert_eq!(shop.good("P", "prices"), json!([["pt2", 5_000, "RUB"]]));
    assert_eq!(shop.good("P", "stock"), json!([["s2", 2_000]]));
    assert_eq!(shop.good("P", "quantity"), json!(2_000));
    shop.exchange(&[("offers.xml", file.clone())]);
    shop.nothing_changed("offers.xml");
}

#[test]
fn a_price_type_that_is_deleted_is_no_goods_price() {
    let shop = shop_with(json!({}), &both());
    let dead = "<ТипыЦен><ТипЦены><Ид>pt1</Ид><Наименование>Розничная</Наименование>\
         <ПометкаУдаления>true</ПометкаУдаления></ТипЦены></ТипыЦен>";
    shop.exchange(&[("prices.xml", root(&package(false, dead, &[])))]);
    assert_eq!(shop.good("P", "price"), json!(5_000));
}

#[test]
fn of_prices_of_one_type_that_of_a_unit_counts_and_not_that_of_a_pack() {
    let price = |price: i64, more: &str| {
        format!(
            "<Цена><ИдТипаЦены>pt1</ИдТипаЦены><ЦенаЗаЕдиницу>{price}</ЦенаЗаЕдиницу>{more}</Цена>"
        )
    };
    let unit = price(10, "<Единица>шт</Единица><Коэффициент>1</Коэффициент>");
    let pack = price(90, "<Единица>упак</Единица><Коэффициент>10</Коэффициент>");
    let many = price(
        8,
        "<Единица>шт</Единица><Коэффициент>1</Коэффициент><МинКоличество>50</МинКоличество>",
    );
    for all in [
        [&unit, &pack, &many],
        [&many, &pack, &unit],
        [&pack, &unit, &many],
    ] {
        let prices = format!("<Цены>{}{}{}</Цены>", all[0], all[1], all[2]);
        let shop = shop_with(json!({}), &root(&package(true, "", &[offer("P", &prices)])));
        assert_eq!(shop.good("P", "prices"), json!([["pt1", 1_000, "RUB"]]));
    }
    let last = format!("<Цены>{}{}</Цены>", price(5, ""), price(7, ""));
    let shop = shop_with(json!({}), &root(&package(true, "", &[offer("P", &last)])));
    assert_eq!(
        shop.good("P", "price"),
        json!(700),
        "of equal ones the last"
    );
}

#[test]
fn a_price_without_a_currency_has_that_of_its_type() {
    let head = "<ТипыЦен><ТипЦены><Ид>d</Ид><Наименование>Д</Наименование><Валюта>USD</Валюта></ТипЦены></ТипыЦен>";
    let file = root(&package(true, head, &[offer("P", &prices(&[("d", 7)]))]));
    let shop = shop_with(json!({}), &file);
    assert_eq!(shop.good("P", "prices"), json!([["d", 700, "USD"]]));
}

#[test]
fn a_word_of_the_settings_that_names_nothing_is_told() {
    let shop = shop_with(json!({ "price_types": ["Розничнаяя"] }), &both());
    let told = shop.journal("offers.xml").concat();
    assert!(
        told.contains("«Розничнаяя»") && told.contains("Розничная, Оптовая"),
        "{told}"
    );
    assert_eq!(shop.good("P", "prices"), Value::Null);
}

#[test]
fn a_price_or_a_rest_that_cannot_be_read_leaves_what_was_there() {
    let there = prices(&[("pt1", 100), ("pt2", 50)]) + &stock(&[("s1", 3), ("s2", 2)]);
    let file = |inner: &str| root(&package(true, &types(&BOTH), &[offer("P", inner)]));
    let shop = shop_with(json!({}), &file(&there));
    let new = prices(&[("pt1", 90), ("pt2", 40)]) + &stock(&[("s1", 5), ("s2", 6)]);
    let bad = new
        .replace(">90<", ">девяносто<")
        .replace("\"5\"", "\"пять\"");
    shop.exchange(&[("offers.xml", file(&bad))]);
    assert_eq!(
        shop.good("P", "prices"),
        json!([["pt1", 10_000, "RUB"], ["pt2", 4_000, "RUB"]])
    );
    assert_eq!(
        shop.good("P", "stock"),
        json!([["s1", 3_000], ["s2", 6_000]])
    );
    shop.exchange(&[("offers.xml", file(&prices(&[])))]);
    assert_eq!(
        shop.good("P", "prices"),
        Value::Null,
        "an empty list is one"
    );
}

#[test]
fn a_number_that_is_none_is_told_with_its_field() {
    let bad = offer(
        "P",
        "<Цены><Цена><ЦенаЗаЕдиницу>abc</ЦенаЗаЕдиницу></Цена></Цены><Количество>abc</Количество>",
    );
    let shop = shop_with(json!({}), &root(&package(true, "", &[bad])));
    let told = shop.journal("P").concat();
    assert!(
        told.contains("ЦенаЗаЕдиницу") && told.contains("Количество"),
        "{told}"
    );
}

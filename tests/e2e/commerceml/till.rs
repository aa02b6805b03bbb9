//! What was imported counts at the till: rules of goods and categories, price floors, forbidden discounts.

use serde_json::{Value, json};

use super::files::{self, catalogue, good as product, offer, package};
use super::merchant::Merchant;
use crate::fixture::*;
use crate::quote::{Figures, figures};

/// What a buyer with 1000 points sees who spends as much as possible.
fn spent(merchant: &Merchant, positions: &[Value]) -> Figures {
    let shop = &merchant.shop;
    let asked = spending(&shop.buyer(1000), positions, None);
    figures(&asked, &shop.recalc(&asked), 100)
}

/// МойСклад's ids of the goods of [`stocked`], as the till sends them.
struct Ids {
    cup: String,
    variant: String,
    can: String,
}

/// A merchant with this programme, `p-1` in «Посуда» with a variant, and `p-3` in «Сад». Before they are
/// imported МойСклад's ids of them are known.
fn stocked(programme: &Value) -> (Merchant, Ids) {
    let merchant = Merchant::with(app(), json!({ "programme": programme }));
    let ids = Ids {
        cup: id(),
        variant: id(),
        can: id(),
    };
    let known = json!([
        { "external": "p-1", "ms_id": ids.cup, "name": "Кружка" },
        { "external": "p-1#m", "ms_id": ids.variant, "name": "Кружка (M)" },
        { "external": "p-3", "ms_id": ids.can, "name": "Лейка" },
    ]);
    merchant.shop.api("POST", "/goods", &known).ok();
    exchange(&merchant);
    assert_eq!(merchant.goods().len(), 3, "known goods are not made anew");
    (merchant, ids)
}

/// The files of these goods.
fn exchange(merchant: &Merchant) {
    let garden = "<Товар><Ид>p-3</Ид><Наименование>Лейка</Наименование><Группы><Ид>g-3</Ид></Группы></Товар>";
    let goods = [product("p-1", "Кружка", ""), garden.to_owned()];
    let offers = offer("p-1#m", 100, (1, 1), &files::size("M"));
    merchant.exchange(&[
        ("import.xml", &catalogue(&goods.concat(), false)),
        ("offers.xml", &package(&offers, false)),
    ]);
}

/// The id by which a programme names an imported category.
fn category(merchant: &Merchant, name: &str) -> String {
    let all = merchant.shop.list("/categories");
    let found = all.iter().find(|category| category["name"] == json!(name));
    text(&found.unwrap_or_else(|| panic!("no {name}: {all:?}"))["id"])
}

/// What is earned on 100 ₽ of a good.
fn earned(merchant: &Merchant, kind: &str, id: &str) -> i64 {
    let mut position = good(id, 100.0, 1.0);
    position["assortment"] = entity(kind, id);
    let asked = receipt(&merchant.shop.buyer(0), &[position]);
    figures(&asked, &merchant.shop.recalc(&asked), 100).earn
}

#[test]
fn rules_of_categories_hold_for_imported_goods_below_them_and_for_their_variants() {
    let (first, _) = stocked(&json!({}));
    let kitchen = category(&first, "Кухня");
    let (merchant, ids) = stocked(&json!({
        "earning": { "percent": 1, "categories": { kitchen.as_str(): 20 } },
    }));
    assert_eq!(
        category(&merchant, "Кухня"),
        kitchen,
        "the same group has the same id in every tenant"
    );
    assert_eq!(earned(&merchant, "product", &ids.cup), 20);
    assert_eq!(earned(&merchant, "variant", &ids.variant), 20);
    assert_eq!(earned(&merchant, "product", &ids.can), 1);
    for (external, points) in [("p-1", 20), ("p-1#m", 20), ("p-3", 1)] {
        let ours = text(&merchant.good(external)["id"]);
        assert_eq!(earned(&merchant, "product", &ours), points, "{external}");
    }
}

#[test]
fn rules_of_goods_name_them_by_the_id_of_the_exchange() {
    let (merchant, ids) = stocked(&json!({
        "earning": { "percent": 1, "goods": { "p-1": 20, "p-3": 30 } },
    }));
    assert_eq!(earned(&merchant, "product", &ids.cup), 20);
    assert_eq!(earned(&merchant, "variant", &ids.variant), 20);
    assert_eq!(earned(&merchant, "product", &ids.can), 30);
}

#[test]
fn a_floor_set_by_the_operator_survives_the_next_import() {
    let (merchant, ids) = stocked(&json!({
        "discounts": { "receipt": [{ "from_kopecks": 0, "percent": 50 }] },
        "spending": { "max_share": 100 },
    }));
    let input = json!([
        { "external": "p-1", "name": "Кружка", "min_price_kopecks": 8_000 },
        { "external": "p-3", "name": "Лейка", "discount_prohibited": true },
    ]);
    merchant.shop.api("POST", "/goods", &input).ok();
    for _ in 0..2 {
        let floor = spent(&merchant, &[good(&ids.cup, 100.0, 1.0)]);
        assert_eq!((floor.to_pay, floor.spend), (8_000, 0));
        let fixed = spent(&merchant, &[good(&ids.can, 100.0, 1.0)]);
        assert_eq!((fixed.to_pay, fixed.spend), (10_000, 0));
        let free = spent(&merchant, &[line(100.0, 1.0)]);
        assert!(free.to_pay < 1_000, "{free:?}");
        exchange(&merchant);
    }
    assert_eq!(merchant.good("p-1")["min_price_kopecks"], json!(8_000));
}

#[test]
fn a_good_that_the_till_knows_by_another_id_becomes_one_with_the_imported() {
    let (merchant, _) = stocked(&json!({}));
    let lamp = product("p-9", "Лампа", "");
    merchant.exchange(&[("import.xml", &catalogue(&lamp, true))]);
    let uuid = id();
    let by_till = json!([{ "ms_id": uuid, "name": "Лампа", "min_price_kopecks": 4_000 }]);
    merchant.shop.api("POST", "/goods", &by_till).ok();
    assert_eq!(merchant.shop.list("/goods").len(), 5);
    // МойСклад's UUID and its externalCode are told together: two goods become one.
    let both =
        json!([{ "ms_id": uuid, "external": "p-9", "name": "Лампа", "min_price_kopecks": 4_000 }]);
    merchant.shop.api("POST", "/goods", &both).ok();
    assert_eq!(merchant.shop.list("/goods").len(), 4);
    assert_eq!(merchant.good(&uuid)["id"], merchant.good("p-9")["id"]);
    let renamed = product("p-9", "Лампа синяя", "");
    merchant.exchange(&[("import.xml", &catalogue(&renamed, true))]);
    let now = merchant.good(&uuid);
    assert_eq!(
        (&now["name"], &now["min_price_kopecks"]),
        (&json!("Лампа синяя"), &json!(4_000))
    );
    assert_eq!(merchant.goods().len(), 4);
}

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

/// A merchant with this programme and three goods: `p-1` in «Посуда» with a variant, a good whose `Ид` is
/// `uuid` in «Посуда», and one in «Сад».
fn stocked(programme: Value, uuid: &str) -> Merchant {
    let merchant = Merchant::with(app(), json!({ "programme": programme }));
    let garden = "<Товар><Ид>p-3</Ид><Наименование>Лейка</Наименование><Группы><Ид>g-3</Ид></Группы></Товар>";
    let goods = [
        product("p-1", "Кружка", ""),
        product(uuid, "Ваза", ""),
        garden.to_owned(),
    ];
    let offers = offer("p-1#m", 100, (1, 1), &files::size("M"));
    merchant.exchange(&[
        ("import.xml", &catalogue(&goods.concat(), false)),
        ("offers.xml", &package(&offers, false)),
    ]);
    merchant
}

/// The id by which a programme names an imported category.
fn category(merchant: &Merchant, name: &str) -> String {
    let all = merchant.shop.list("/categories");
    let found = all.iter().find(|category| category["name"] == json!(name));
    text(&found.unwrap_or_else(|| panic!("no {name}: {all:?}"))["id"])
}

#[test]
fn a_rule_of_a_category_holds_for_imported_goods_below_it() {
    let uuid = id();
    let first = stocked(json!({}), &uuid);
    let kitchen = category(&first, "Кухня");
    let programme = json!({ "earning": { "percent": 1, "categories": { kitchen.as_str(): 20 } } });
    let merchant = stocked(programme, &uuid);
    assert_eq!(
        category(&merchant, "Кухня"),
        kitchen,
        "the same group has the same id in every tenant"
    );
    for (external, earned) in [("p-1", 20), (uuid.as_str(), 20), ("p-3", 1)] {
        let asked = receipt(&merchant.shop.buyer(0), &[good(external, 100.0, 1.0)]);
        let got = figures(&asked, &merchant.shop.recalc(&asked), 100);
        assert_eq!(got.earn, earned, "{external}");
    }
}

#[test]
fn a_variant_earns_as_its_product_does() {
    let uuid = id();
    let kitchen = category(&stocked(json!({}), &uuid), "Кухня");
    let programme = json!({ "earning": { "percent": 1, "categories": { kitchen.as_str(): 20 } } });
    let merchant = stocked(programme, &uuid);
    let variant = merchant.good("p-1#m");
    for id in [text(&variant["id"]), "p-1#m".to_owned()] {
        let mut position = good(&id, 100.0, 1.0);
        position["assortment"] = entity("variant", &id);
        let asked = receipt(&merchant.shop.buyer(0), &[position]);
        assert_eq!(
            figures(&asked, &merchant.shop.recalc(&asked), 100).earn,
            20,
            "{id}"
        );
    }
}

#[test]
fn a_floor_set_by_the_operator_survives_the_next_import() {
    let uuid = id();
    let programme = json!({
        "discounts": { "receipt": [{ "from_kopecks": 0, "percent": 50 }] },
        "spending": { "max_share": 100 },
    });
    let merchant = stocked(programme, &uuid);
    let input = json!([{
        "external": uuid, "name": "Ваза", "min_price_kopecks": 8_000, "category": category(&merchant, "Посуда"),
    }, {
        "external": "p-3", "name": "Лейка", "discount_prohibited": true,
    }]);
    merchant.shop.api("POST", "/goods", &input).ok();
    for _ in 0..2 {
        let floor = spent(&merchant, &[good(&uuid, 100.0, 1.0)]);
        assert_eq!((floor.to_pay, floor.spend), (8_000, 0));
        let fixed = spent(&merchant, &[good("p-3", 100.0, 1.0)]);
        assert_eq!((fixed.to_pay, fixed.spend), (10_000, 0));
        let free = spent(&merchant, &[good("p-1", 100.0, 1.0)]);
        assert_eq!(free.to_pay, 0);
        let again = [
            product("p-1", "Кружка новая", ""),
            product(&uuid, "Ваза новая", ""),
        ];
        merchant.exchange(&[("import.xml", &catalogue(&again.concat(), false))]);
    }
    assert_eq!(merchant.good(&uuid)["name"], json!("Ваза новая"));
}

#[test]
fn a_good_that_the_till_knows_by_another_id_becomes_one_with_the_imported() {
    let uuid = id();
    let merchant = stocked(json!({}), &id());
    let kitchen = category(&merchant, "Кухня");
    let before = merchant.goods().len();
    // МойСклад's UUID and its externalCode are told together; the UUID came first.
    let by_till = json!([{ "ms_id": uuid, "name": "Кружка", "min_price_kopecks": 4_000 }]);
    merchant.shop.api("POST", "/goods", &by_till).ok();
    let both = json!([{
        "ms_id": uuid, "external": "p-1", "name": "Кружка", "category": kitchen, "min_price_kopecks": 4_000,
    }]);
    merchant.shop.api("POST", "/goods", &both).ok();
    assert_eq!(
        merchant.shop.list("/goods").len(),
        before,
        "two goods became one"
    );
    let (by_uuid, by_code) = (merchant.good(&uuid), merchant.good("p-1"));
    assert_eq!(by_uuid["id"], by_code["id"]);
    let renamed = product("p-1", "Кружка синяя", "");
    merchant.exchange(&[("import.xml", &catalogue(&renamed, true))]);
    let now = merchant.good(&uuid);
    assert_eq!(
        (&now["name"], &now["min_price_kopecks"]),
        (&json!("Кружка синяя"), &json!(4_000))
    );
    assert_eq!(merchant.goods().len(), before);
}

//! Each setting of the programme changes the receipt the way it says, seen from the till.

use serde_json::{Value, json};

use crate::fixture::*;
use crate::quote::{Figures, figures};

/// What a buyer with `points` sees who spends as much as possible on these positions.
fn spent(programme: &Value, points: i64, positions: &[Value]) -> Figures {
    let shop = Shop::new(programme.clone());
    spent_in(&shop, points, positions)
}

fn spent_in(shop: &Shop, points: i64, positions: &[Value]) -> Figures {
    let asked = spending(&shop.buyer(points), positions, None);
    let point = shop.api("GET", "/programme", &json!({})).ok()["spending"]["point_kopecks"].clone();
    figures(&asked, &shop.recalc(&asked), point.as_i64().unwrap())
}

fn earned(programme: &Value, positions: &[Value]) -> i64 {
    let shop = Shop::new(programme.clone());
    let asked = receipt(&shop.buyer(0), positions);
    figures(&asked, &shop.recalc(&asked), 100).earn
}

#[test]
fn the_percent_its_rounding_and_its_limits_decide_what_is_earned() {
    let basket = [line(333.3, 1.0)];
    for (earning, points) in [
        (json!({}), 16),
        (json!({ "percent": 7.5 }), 24),
        (json!({ "percent": 7.5, "rounding": "nearest" }), 25),
        (json!({ "percent": 100, "max_points_per_receipt": 50 }), 50),
        (json!({ "min_receipt_kopecks": 33_330 }), 16),
        (json!({ "min_receipt_kopecks": 33_331 }), 0),
        (json!({ "stores": { STORE: 10 } }), 33),
        (json!({ "schedule": [{ "percent": 20 }] }), 66),
        (
            json!({ "schedule": [{ "percent": 20, "until": "2020-01-01" }] }),
            16,
        ),
        (
            json!({ "stores": { STORE: 1 }, "precedence": "highest" }),
            16,
        ),
    ] {
        assert_eq!(
            earned(&json!({ "earning": earning }), &basket),
            points,
            "{earning}"
        );
    }
}

#[test]
fn the_share_the_value_of_a_point_and_the_least_points_decide_what_is_spent() {
    let basket = [line(333.3, 1.0)];
    for (rules, points, to_pay) in [
        (json!({}), 166, 16_730),
        (json!({ "max_share": 30 }), 99, 23_430),
        (json!({ "max_share": 0 }), 0, 33_330),
        (json!({ "point_kopecks": 10 }), 1000, 23_330),
        (json!({ "min_points": 167 }), 0, 33_330),
        (json!({ "min_points": 166 }), 166, 16_730),
        (json!({ "min_receipt_kopecks": 33_331 }), 0, 33_330),
        (json!({ "max_share": 100 }), 333, 30),
    ] {
        let got = spent(&json!({ "spending": rules }), 1000, &basket);
        assert_eq!((got.spend, got.to_pay), (points, to_pay), "{rules}");
    }
}

#[test]
fn a_kopeck_stays_on_every_piece_where_everything_may_be_paid_with_points() {
    let basket = [line(10.0, 3.0)];
    let kept = spent(&json!({ "spending": { "max_share": 100 } }), 100, &basket);
    assert_eq!((kept.spend, kept.to_pay), (29, 100));
    let all = json!({ "spending": { "max_share": 100, "keep_kopeck": false } });
    let all = spent(&all, 100, &basket);
    assert_eq!((all.spend, all.to_pay), (30, 0));
}

#[test]
fn whether_a_receipt_with_points_earns_is_a_setting() {
    let basket = [line(1000.0, 1.0)];
    for (earning, earn) in [
        (json!({}), 25),
        (json!({ "earn_when_spending": false }), 0),
        (json!({ "base": "before_discounts" }), 25),
    ] {
        let got = spent(&json!({ "earning": earning }), 1000, &basket);
        assert_eq!((got.spend, got.earn), (500, earn), "{earning}");
    }
}

#[test]
fn discounts_come_before_points() {
    let basket = [line(100.0, 10.0)];
    let programme =
        json!({ "discounts": { "receipt": [{ "from_kopecks": 100_000, "percent": 10 }] } });
    let got = spent(&programme, 1000, &basket);
    assert_eq!((got.gross, got.spend, got.to_pay), (100_000, 450, 45_000));
    assert_eq!(spent(&programme, 0, &[line(99.99, 10.0)]).to_pay, 99_990);

    let shop = Shop::new(json!({ "discounts": {
        "receipt": [{ "from_kopecks": 0, "percent": 10 }], "customers_only": true,
    } }));
    let to_pay = |agent: &Value| {
        let asked = receipt(agent, &basket);
        figures(&asked, &shop.recalc(&asked), 100).to_pay
    };
    assert_eq!(
        (to_pay(&shop.buyer(0)), to_pay(&json!({}))),
        (90_000, 100_000)
    );
}

#[test]
fn the_catalogue_protects_tobacco_minimum_prices_and_goods_without_discounts() {
    let shop = Shop::new(json!({
        "discounts": { "receipt": [{ "from_kopecks": 0, "percent": 50 }] },
        "spending": { "max_share": 100 },
    }));
    let [tobacco, floor, fixed] = [id(), id(), id()];
    let goods = json!([
        { "ms_id": tobacco, "name": "Сигареты", "tobacco": true },
        { "ms_id": floor, "name": "Хлеб", "min_price_kopecks": 8000 },
        { "ms_id": fixed, "name": "Газета", "discount_prohibited": true },
    ]);
    shop.api("POST", "/goods", &goods).ok();
    let got = spent_in(&shop, 1000, &[good(&tobacco, 100.0, 1.0)]);
    assert_eq!((got.to_pay, got.spend, got.earn), (10_000, 0, 0));
    let got = spent_in(&shop, 1000, &[good(&floor, 100.0, 1.0)]);
    assert_eq!((got.to_pay, got.spend), (8000, 0));
    let got = spent_in(&shop, 1000, &[good(&fixed, 100.0, 1.0)]);
    assert_eq!((got.to_pay, got.spend, got.earn), (10_000, 0, 5));
}

#[test]
fn categories_and_goods_have_percents_of_their_own() {
    let [drinks, wine, good_id] = [id(), id(), id()];
    let shop = Shop::new(json!({
        "earning": { "categories": { drinks.as_str(): 20 } },
        "spending": { "goods": { good_id.as_str(): 10 } },
    }));
    let categories = json!([
        { "id": drinks, "name": "Напитки" },
        { "id": wine, "name": "Вода", "parent": drinks },
    ]);
    shop.api("POST", "/categories", &categories).ok();
    shop.api(
        "POST",
        "/goods",
        &json!([{ "ms_id": good_id, "name": "Вода", "category": wine }]),
    )
    .ok();
    let got = spent_in(&shop, 1000, &[good(&good_id, 200.0, 1.0)]);
    // 10 % of 200 ₽ may be paid with points; 20 % of the remaining 180 ₽ is earned.
    assert_eq!((got.spend, got.to_pay, got.earn), (20, 18_000, 36));
}

#[test]
fn points_that_are_not_active_yet_are_not_on_the_balance() {
    let shop = Shop::new(json!({ "earning": { "active_after_days": 14 } }));
    let buyer = shop.buyer(0);
    let mut sale = sale_of(&shop.recalc(&receipt(&buyer, &[line(1000.0, 1.0)])));
    // The days count from the moment of the sale, which is now.
    sale["moment"] = json!(null);
    shop.sell(&sale);
    assert_eq!(shop.balance(&buyer), 0);
    let asked = spending(&buyer, &[line(1000.0, 1.0)], None);
    assert_eq!(figures(&asked, &shop.recalc(&asked), 100).spend, 0);
    let card = shop
        .api("GET", &format!("/customers/{}", id_of(&buyer)), &json!({}))
        .ok();
    assert_eq!(
        (&card["available"], &card["pending"]),
        (&json!(0), &json!(50))
    );
}

#[test]
fn a_tier_is_reached_at_once_and_earns_more() {
    let shop = Shop::new(json!({
        "tiers": { "levels": [{ "id": "gold", "name": "Золотой", "from_kopecks": 100_000 }] },
        "earning": { "tiers": { "gold": 10 } },
    }));
    let buyer = shop.buyer(0);
    let quote = shop.recalc(&receipt(&buyer, &[line(1000.0, 1.0)]));
    assert_eq!(quote["bonusProgram"]["bonusValueToEarn"], json!(50));
    let mut sale = sale_of(&quote);
    sale.as_object_mut().unwrap().remove("moment");
    shop.sell(&sale);
    let quote = shop.recalc(&receipt(&buyer, &[line(1000.0, 1.0)]));
    assert_eq!(quote["bonusProgram"]["bonusValueToEarn"], json!(100));
    assert!(text(&quote["bonusProgram"]["receiptExtraInfo"]).contains("Уровень: Золотой"));
}

#[test]
fn birthday_points_are_given_once_when_the_till_looks_at_the_balance() {
    let shop = Shop::new(
        json!({ "earning": { "birthday": { "points": 300, "days_before": 60, "days_after": 60 } } }),
    );
    // Within 60 days of some birthday: one of the six months fits today.
    let mut given = 0;
    for month in ["01", "03", "05", "07", "09", "11"] {
        let card =
            shop.customer(json!({ "name": "Именинник", "birth_date": format!("1990-{month}-15") }));
        let buyer = agent(&text(&card["id"]));
        let balance = shop.balance(&buyer);
        assert!(balance == 0 || balance == 300, "{balance}");
        given += balance / 300;
        assert_eq!(shop.balance(&buyer), balance, "once a year");
    }
    assert!(given >= 1);
    shop.check();
}

//! Points to earn, by numbers that can be checked by hand.

use super::*;

#[test]
fn the_most_specific_earning_percent_counts() {
    let json = r#"{
        "earning": {
            "percent": 1,
            "tiers": {"gold": 2},
            "stores": {"33333333-0000-4000-8000-000000000001": 3},
            "schedule": [{"days": ["tue"], "from": "12:00", "to": "13:00", "percent": 4}],
            "categories": {"22222222-0000-4000-8000-000000000001": 5,
                           "22222222-0000-4000-8000-000000000002": 6},
            "goods": {"11111111-0000-4000-8000-000000000001": 7},
            "birthday": {"percent": 8}
        },
        "tiers": {"levels": [{"id": "gold", "name": "Золото", "from_kopecks": 1}]}
    }"#;
    let mut programme = programme(json);
    let mut customer = with_points(0);
    customer.tier = Some("gold".to_owned());
    let earn = |programme: &Programme, customer: &CustomerFacts, good: GoodFacts| {
        let lines = [line(1000, 10_000).with_good(good)];
        ask(programme, &lines, Some(customer), Intent::Earn).earn.0
    };
    assert_eq!(earn(&programme, &customer, good(BREAD, &[DAIRY, FOOD])), 7);
    assert_eq!(earn(&programme, &customer, good(CHEESE, &[DAIRY, FOOD])), 6);
    assert_eq!(earn(&programme, &customer, good(CHEESE, &[FOOD])), 5);
    let plain = || good(CHEESE, &[]);
    assert_eq!(earn(&programme, &customer, plain()), 4);
    customer.birth_date = NaiveDate::from_ymd_opt(1990, 5, 12);
    assert_eq!(earn(&programme, &customer, plain()), 8);
    customer.birth_date = None;
    programme.earning.schedule.clear();
    assert_eq!(earn(&programme, &customer, plain()), 3);
    programme.earning.stores.clear();
    assert_eq!(earn(&programme, &customer, plain()), 2);
    customer.tier = None;
    assert_eq!(earn(&programme, &customer, plain()), 1);
    programme.earning.percent = Percent::whole(9);
    programme.earning.precedence = crate::programme::Precedence::Highest;
    assert_eq!(earn(&programme, &customer, good(BREAD, &[])), 9);
}

#[test]
fn an_excluded_category_yields_to_a_nearer_rule() {
    let json = r#"{"earning": {
        "categories": {"22222222-0000-4000-8000-000000000002": 10},
        "excluded_categories": ["22222222-0000-4000-8000-000000000001"]}}"#;
    let lines = [
        line(1000, 10_000).with_good(good(CHEESE, &[DAIRY, FOOD])),
        line(1000, 10_000).with_good(good(BREAD, &[FOOD])),
    ];
    assert_eq!(
        ask(&programme(json), &lines, Some(&with_points(0)), MOST).earn,
        Points(10)
    );
}

#[test]
fn earning_limits_count() {
    let lines = [line(1000, 10_000)];
    let earn = |json: &str, points: i64| {
        ask(&programme(json), &lines, Some(&with_points(points)), MOST)
            .earn
            .0
    };
    assert_eq!(earn("{}", 10), 4, "5 % of 90,00 rounded down");
    assert_eq!(earn(r#"{"earning": {"rounding": "nearest"}}"#, 10), 5);
    assert_eq!(earn(r#"{"earning": {"earn_when_spending": false}}"#, 10), 0);
    assert_eq!(earn(r#"{"earning": {"earn_when_spending": false}}"#, 0), 5);
    assert_eq!(
        earn(r#"{"earning": {"min_receipt_kopecks": 10000}}"#, 10),
        0
    );
    assert_eq!(earn(r#"{"earning": {"min_receipt_kopecks": 9000}}"#, 10), 4);
    assert_eq!(earn(r#"{"earning": {"max_points_per_receipt": 3}}"#, 0), 3);
    assert_eq!(earn(r#"{"spending": {"point_kopecks": 10}}"#, 0), 50);
    let before = r#"{"discounts": {"receipt": [{"from_kopecks": 0, "percent": 20}]},
        "earning": {"base": "before_discounts"}}"#;
    assert_eq!(earn(before, 0), 5);
    assert_eq!(
        earn(before, 40),
        3,
        "what points paid does not earn: 5 % of 60,00"
    );
}

#[test]
fn an_offline_sale_earns_as_its_quote_would() {
    let json = r#"{"earning": {"base": "before_discounts"},
        "discounts": {"receipt": [{"from_kopecks": 0, "percent": 10}]}}"#;
    for programme in [programme(json), programme("{}")] {
        let lines = [line(3000, 3_333), line(1500, 9_999)];
        let customer = with_points(60);
        for intent in [Intent::Earn, MOST] {
            let quote = ask(&programme, &lines, Some(&customer), intent);
            let sold: Vec<_> = quote
                .lines
                .iter()
                .map(|l| SoldLine {
                    good: None,
                    quantity: l.quantity,
                    price: l.price,
                    discounted_price: l.discounted_price,
                })
                .collect();
            let at = NaiveDate::from_ymd_opt(2026, 5, 12)
                .unwrap()
                .and_hms_opt(12, 30, 0)
                .unwrap();
            let earned = earn_on_sale(&programme, Some(&customer), &sold, quote.spend, at, SHOP);
            assert_eq!(earned, Ok(quote.earn));
            assert_eq!(
                earn_on_sale(&programme, None, &sold, quote.spend, at, SHOP),
                Ok(Points(0))
            );
        }
    }
}

#[test]
fn a_debt_spends_nothing_and_earns() {
    let quote = ask(
        &no_cap(),
        &[line(1000, 10_000)],
        Some(&with_points(-7)),
        MOST,
    );
    assert_eq!((quote.spend, quote.balance_after), (Points(0), Points(-2)));
}

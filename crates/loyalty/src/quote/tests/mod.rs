//! Quotes whose numbers can be checked by hand.

use super::*;
use crate::programme::{Programme, Tier};
use crate::units::{Percent, Quantity};
use chrono::NaiveDate;

const BREAD: &str = "11111111-0000-4000-8000-000000000001";
const CHEESE: &str = "11111111-0000-4000-8000-000000000002";
const FOOD: &str = "22222222-0000-4000-8000-000000000001";
const DAIRY: &str = "22222222-0000-4000-8000-000000000002";
const SHOP: &str = "33333333-0000-4000-8000-000000000001";

const MOST: Intent = Intent::Spend { preferred: None };

fn typed(points: i64) -> Intent {
    Intent::Spend {
        preferred: Some(Points(points)),
    }
}

fn programme(json: &str) -> Programme {
    let programme: Programme = serde_json::from_str(json).unwrap();
    assert_eq!(programme.validate(), vec![]);
    programme
}

/// Everything may be paid with points, a kopeck stays.
fn no_cap() -> Programme {
    programme(r#"{"spending": {"max_share": 100}}"#)
}

fn with_points(available: i64) -> CustomerFacts {
    CustomerFacts {
        available: Points(available),
        ..CustomerFacts::default()
    }
}

fn good(id: &str, categories: &[&str]) -> GoodFacts {
    GoodFacts {
        ids: vec![id.to_owned()],
        categories: categories.iter().map(|id| (*id).to_owned()).collect(),
        ..GoodFacts::default()
    }
}

fn line(thousandths: i64, price: i64) -> Line {
    Line::new(Quantity(thousandths), Kopecks(price))
}

fn ask(
    programme: &Programme,
    lines: &[Line],
    customer: Option<&CustomerFacts>,
    intent: Intent,
) -> Quote {
    // A Tuesday.
    let at = NaiveDate::from_ymd_opt(2026, 5, 12)
        .unwrap()
        .and_hms_opt(12, 30, 0)
        .unwrap();
    let quote = explain(
        programme,
        &Receipt {
            lines,
            customer,
            store: SHOP,
            at,
            intent,
        },
    )
    .unwrap();
    assert_identities(programme, lines, &quote);
    quote
}

/// What must hold of every quote (§5).
pub(super) fn assert_identities(programme: &Programme, lines: &[Line], quote: &Quote) {
    let total = |price: fn(&QuotedLine) -> Kopecks| {
        Kopecks::sum(
            quote
                .lines
                .iter()
                .map(|l| line_total(price(l), l.quantity).unwrap()),
        )
        .unwrap()
    };
    assert_eq!(quote.gross, total(|l| l.price), "gross");
    assert_eq!(quote.to_pay, total(|l| l.discounted_price), "to pay");
    let worth = quote.spend.worth(programme.spending.point_kopecks).unwrap();
    assert_eq!(quote.paid_by_points, worth, "points and money agree");
    assert_eq!(
        quote.gross.0 - quote.to_pay.0 - quote.paid_by_points.0,
        quote.discount.0,
        "paidByDiscountWithoutBonus"
    );
    assert!(quote.discount.0 >= 0);
    assert!(quote.spend <= quote.max_spend && quote.spend >= Points::ZERO);
    assert_eq!(
        quote.balance_after.0,
        quote.balance_before.0 - quote.spend.0 + quote.earn.0
    );
    let mut next = 0;
    for (index, line) in lines.iter().enumerate() {
        let parts: Vec<_> = quote
            .lines
            .iter()
            .skip(next)
            .take_while(|q| q.source == index)
            .collect();
        next += parts.len();
        assert_line(programme, line, &parts);
    }
    assert_eq!(next, quote.lines.len(), "order of positions");
}

/// What must hold of the one or two positions of a line.
fn assert_line(programme: &Programme, line: &Line, parts: &[&QuotedLine]) {
    assert!(
        (1..=2).contains(&parts.len()),
        "a line is answered once or split in two"
    );
    assert_eq!(
        parts.iter().map(|part| part.quantity.0).sum::<i64>(),
        line.quantity.0
    );
    let mut serial = 0;
    for part in parts {
        assert_eq!(part.price, line.price);
        assert!(part.discounted_price >= Kopecks::ZERO && part.discounted_price <= line.price);
        assert_eq!(part.serials.start, serial, "serial numbers go in order");
        serial = part.serials.end;
        if line.price == Kopecks::ZERO {
            assert_eq!(part.discount_percent, Percent::ZERO);
        }
    }
    assert_eq!(serial, line.serials, "every serial number once");
    if let [first, second] = parts {
        assert!(line.may_split && line.quantity.whole().is_some_and(|n| n > 1));
        assert_eq!(first.discounted_price.0 - second.discounted_price.0, 1);
        for part in parts {
            let pieces = usize::try_from(part.quantity.whole().unwrap()).unwrap();
            assert!(pieces >= 1);
            let serials = line.quantity.whole().and_then(|n| usize::try_from(n).ok());
            if serials == Some(line.serials) {
                assert_eq!(
                    part.serials.len(),
                    pieces,
                    "serial numbers split with the line"
                );
            }
        }
    }
    let Some(good) = &line.good else { return };
    for part in parts {
        if good.tobacco || good.discount_prohibited {
            assert_eq!(part.discounted_price, line.price);
        }
        if let Some(least) = good
            .min_price
            .filter(|_| programme.spending.respect_min_price)
        {
            assert!(
                part.discounted_price >= least.min(line.price),
                "the floor holds"
            );
        }
    }
}

fn prices(quote: &Quote) -> Vec<(i64, i64)> {
    quote
        .lines
        .iter()
        .map(|l| (l.quantity.0, l.discounted_price.0))
        .collect()
}

#[test]
fn a_receipt_of_250_with_171_points_leaves_79() {
    let quote = ask(
        &no_cap(),
        &[line(1000, 25_000)],
        Some(&with_points(171)),
        MOST,
    );
    assert_eq!(quote.spend, Points(171));
    assert_eq!(quote.to_pay, Kopecks(7_900));
    assert_eq!(quote.balance_before, Points(171));
    // 5 % of 79,00 is 3,95: three points.
    assert_eq!(quote.earn, Points(3));
    assert_eq!(quote.balance_after, Points(3));
    assert_eq!(quote.lines[0].discount_percent.hundredths(), 6840);
}

#[test]
fn points_are_shared_by_largest_remainder_and_a_line_is_split() {
    // 7 × 10,00 and 1 × 30,00: a hundred rubles, 9 points.
    let lines = [line(7000, 1_000), line(1000, 3_000)];
    let quote = ask(&no_cap(), &lines, Some(&with_points(9)), MOST);
    assert_eq!(quote.spend, Points(9));
    // By what each may lose (69,93 and 29,99): 6,299… and 2,700…
    assert_eq!(prices(&quote), [(7000, 910), (1000, 2_730)]);
    let quote = ask(&no_cap(), &lines, Some(&with_points(10)), MOST);
    // 7,00 and 3,00: no split. With 11 points 7,70 and 3,30; with 5 points 3,50 and 1,50.
    assert_eq!(prices(&quote), [(7000, 900), (1000, 2_700)]);
    let quote = ask(
        &no_cap(),
        &[line(3000, 1_000)],
        Some(&with_points(10)),
        MOST,
    );
    assert_eq!(prices(&quote), [(2000, 667), (1000, 666)]);
}

#[test]
fn serial_numbers_split_with_their_line() {
    let mut phone = line(3000, 100_000);
    phone.serials = 3;
    let quote = ask(&no_cap(), &[phone], Some(&with_points(100)), MOST);
    let serials: Vec<_> = quote.lines.iter().map(|l| l.serials.clone()).collect();
    assert_eq!(prices(&quote), [(2000, 96_667), (1000, 96_666)]);
    assert_eq!(serials, [0..2, 2..3]);
}

#[test]
fn a_weighed_line_is_never_split_and_the_remainder_goes_to_pieces() {
    // 2,345 kg at 100,00 and a bag for 5,00.
    let lines = [line(2345, 10_000), line(1000, 500)];
    for points in 1..=239 {
        let quote = ask(&no_cap(), &lines, Some(&with_points(points)), MOST);
        assert_eq!(quote.lines.len(), 2);
        assert_eq!(quote.spend, Points(points).min(quote.max_spend));
    }
}

#[test]
fn a_weighed_line_alone_lowers_the_spend_until_it_comes_out() {
    // 7,3 kg at 10,00: a kopeck on the price is 7 or 8 kopecks on the line.
    let loss = |price: i64| 7_300 - (price * 73 + 5) / 10;
    let mut lowered = 0;
    for points in 1..=72 {
        let quote = ask(
            &no_cap(),
            &[line(7300, 1_000)],
            Some(&with_points(1_000)),
            typed(points),
        );
        let best = (1..=1_000)
            .map(loss)
            .filter(|l| *l <= points * 100 && l % 100 == 0)
            .max();
        assert_eq!(Some(quote.paid_by_points.0), best);
        lowered += i32::from(quote.spend < Points(points));
    }
    assert!(lowered > 0);
}

#[test]
fn weighed_goods_are_not_split_even_when_the_scales_say_two() {
    let mut cheese = line(2000, 10_000);
    cheese.may_split = false;
    let programme = programme(r#"{"spending": {"max_share": 100, "point_kopecks": 1}}"#);
    let quote = ask(&programme, &[cheese], Some(&with_points(101)), MOST);
    assert_eq!(prices(&quote), [(2000, 9_950)]);
    assert_eq!(quote.spend, Points(100));
}

#[test]
fn the_cashiers_number_is_taken_clamped_or_refused() {
    let lines = [line(1000, 10_000)];
    let customer = with_points(80);
    let ask = |intent| ask(&programme("{}"), &lines, Some(&customer), intent);
    assert_eq!(ask(MOST).spend, Points(50), "absent: as many as possible");
    assert_eq!(
        ask(typed(1_000)).spend,
        Points(50),
        "too many: as many as possible"
    );
    assert_eq!(ask(typed(7)).spend, Points(7));
    assert_eq!(ask(typed(0)).spend, Points(0), "zero is zero");
    assert_eq!(
        ask(typed(-5)).spend,
        Points(0),
        "nobody loses points he did not offer"
    );
    let quote = ask(Intent::Earn);
    assert_eq!((quote.spend, quote.max_spend), (Points(0), Points(50)));
    assert_eq!((quote.earn, quote.to_pay), (Points(5), Kopecks(10_000)));
}

#[test]
fn a_receipt_without_a_customer_gets_common_discounts_alone() {
    let json = r#"{"discounts": {"goods": {"11111111-0000-4000-8000-000000000001": 10}}}"#;
    let lines = [line(2000, 1_000).with_good(good(BREAD, &[]))];
    let quote = ask(&programme(json), &lines, None, MOST);
    assert_eq!(quote.discount, Kopecks(200));
    assert_eq!(
        (quote.spend, quote.max_spend, quote.earn),
        (Points(0), Points(0), Points(0))
    );
    assert_eq!(
        (quote.balance_before, quote.balance_after),
        (Points(0), Points(0))
    );
    assert_eq!(quote.receipt_text, "");
    let json = json.replace("\"goods\"", "\"customers_only\": true, \"goods\"");
    assert_eq!(
        ask(&programme(&json), &lines, None, MOST).discount,
        Kopecks(0)
    );
}

#[test]
fn an_empty_receipt_costs_nothing() {
    let quote = ask(&no_cap(), &[], Some(&with_points(100)), MOST);
    assert_eq!(
        (quote.gross, quote.to_pay, quote.spend),
        (Kopecks(0), Kopecks(0), Points(0))
    );
}

#[test]
fn the_share_of_a_receipt_is_not_lost_to_rounding_lines() {
    // Half of 100,00 is 50 points though half of each line is not whole.
    let lines = [line(1000, 5_001), line(1000, 4_999)];
    assert_eq!(
        ask(&programme("{}"), &lines, Some(&with_points(99)), MOST).spend,
        Points(50)
    );
}

#[test]
fn shares_of_goods_categories_and_tiers_override_the_general_one() {
    let json = r#"{
        "spending": {
            "max_share": 50,
            "goods": {"11111111-0000-4000-8000-000000000001": 10},
            "categories": {"22222222-0000-4000-8000-000000000001": 20,
                           "22222222-0000-4000-8000-000000000002": 30},
            "tiers": {"gold": 80}
        },
        "tiers": {"levels": [{"id": "gold", "name": "Золото", "from_kopecks": 1}]}
    }"#;
    let lines = [
        line(1000, 10_000).with_good(good(BREAD, &[FOOD])),
        line(1000, 10_000).with_good(good(CHEESE, &[DAIRY, FOOD])),
        line(1000, 10_000),
    ];
    let mut customer = with_points(1_000);
    assert_eq!(
        ask(&programme(json), &lines, Some(&customer), MOST).spend,
        Points(90)
    );
    customer.tier = Some("gold".to_owned());
    let quote = ask(&programme(json), &lines, Some(&customer), MOST);
    assert_eq!(
        prices(&quote),
        [(1000, 9_000), (1000, 7_000), (1000, 2_000)]
    );
}

#[test]
fn tobacco_and_prohibited_goods_keep_their_price() {
    let tobacco = GoodFacts {
        tobacco: true,
        ..good(BREAD, &[])
    };
    let prohibited = GoodFacts {
        discount_prohibited: true,
        ..good(CHEESE, &[])
    };
    let lines = [
        line(1000, 20_000).with_good(tobacco),
        line(1000, 10_000).with_good(prohibited),
    ];
    let programme = programme(
        r#"{"discounts": {"receipt": [{"from_kopecks": 0, "percent": 10}]},
            "spending": {"max_share": 100}}"#,
    );
    let quote = ask(&programme, &lines, Some(&with_points(1_000)), MOST);
    assert_eq!((quote.discount, quote.spend), (Kopecks(0), Points(0)));
    // Tobacco earns nothing, the other one 5 %.
    assert_eq!(quote.earn, Points(5));
}

#[test]
fn floors_hold_for_discounts_and_points() {
    let floored = GoodFacts {
        min_price: Some(Kopecks(9_500)),
        ..good(BREAD, &[])
    };
    let lines = [
        line(1000, 10_000).with_good(floored),
        line(1000, 10_000).with_good(good(CHEESE, &[])),
    ];
    let programme = programme(
        r#"{"discounts": {"receipt": [{"from_kopecks": 0, "percent": 10}]},
            "spending": {"max_share": 100,
                "price_floors_kopecks": {"11111111-0000-4000-8000-000000000002": 2000}}}"#,
    );
    let quote = ask(&programme, &lines, Some(&with_points(1_000)), MOST);
    assert_eq!(prices(&quote), [(1000, 9_500), (1000, 2_000)]);
    assert_eq!((quote.discount, quote.spend), (Kopecks(1_500), Points(70)));
}

#[test]
fn a_kopeck_stays_on_every_line_unless_the_merchant_says_otherwise() {
    let lines = [line(2000, 100), line(300, 100), line(1000, 0)];
    let programme_of = |keep: bool| {
        programme(&format!(
            r#"{{"spending": {{"max_share": 100, "point_kopecks": 1, "keep_kopeck": {keep}}}}}"#
        ))
    };
    let quote = ask(&programme_of(true), &lines, Some(&with_points(1_000)), MOST);
    assert_eq!(quote.to_pay, Kopecks(3));
    assert_eq!(prices(&quote), [(2000, 1), (300, 4), (1000, 0)]);
    let quote = ask(
        &programme_of(false),
        &lines,
        Some(&with_points(1_000)),
        MOST,
    );
    assert_eq!((quote.to_pay, quote.spend), (Kopecks(0), Points(230)));
}

#[test]
fn discounts_take_the_largest_or_add_up_to_the_cap() {
    let json = |combine: &str| {
        format!(
            r#"{{"discounts": {{"combine": "{combine}", "max_percent": 12,
                "categories": {{"22222222-0000-4000-8000-000000000001": 7}},
                "receipt": [{{"from_kopecks": 0, "percent": 1}}, {{"from_kopecks": 10000, "percent": 3}}],
                "tiers": {{"gold": 5}}}},
            "tiers": {{"levels": [{{"id": "gold", "name": "Золото", "from_kopecks": 1}}]}}}}"#
        )
    };
    let lines = [line(1000, 10_000).with_good(good(BREAD, &[FOOD]))];
    let mut customer = with_points(0);
    let discount = |combine: &str, customer: &CustomerFacts| {
        ask(&programme(&json(combine)), &lines, Some(customer), MOST)
            .discount
            .0
    };
    assert_eq!(
        (discount("largest", &customer), discount("sum", &customer)),
        (700, 1_000)
    );
    customer.tier = Some("gold".to_owned());
    assert_eq!(
        (discount("largest", &customer), discount("sum", &customer)),
        (700, 1_200)
    );
}

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
fn small_spends_and_small_receipts_are_refused() {
    let lines = [line(1000, 10_000)];
    let spend = |json: &str, intent| {
        let quote = ask(&programme(json), &lines, Some(&with_points(40)), intent);
        (quote.spend.0, quote.max_spend.0)
    };
    assert_eq!(spend(r#"{"spending": {"min_points": 41}}"#, MOST), (0, 0));
    assert_eq!(
        spend(r#"{"spending": {"min_points": 30}}"#, typed(29)),
        (0, 40)
    );
    assert_eq!(
        spend(r#"{"spending": {"min_points": 30}}"#, typed(30)),
        (30, 40)
    );
    assert_eq!(
        spend(r#"{"spending": {"min_receipt_kopecks": 10001}}"#, MOST),
        (0, 0)
    );
    assert_eq!(
        spend(r#"{"spending": {"min_receipt_kopecks": 10000}}"#, MOST),
        (40, 40)
    );
}

#[test]
fn spending_above_the_threshold_needs_a_code() {
    let lines = [line(1000, 10_000)];
    let programme = programme(r#"{"codes": {"spending_above": 20}}"#);
    let asks = |intent| ask(&programme, &lines, Some(&with_points(40)), intent).needs_verification;
    assert!(asks(MOST) && asks(typed(21)));
    assert!(!asks(typed(20)) && !asks(Intent::Earn));
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

#[test]
fn the_receipt_text_speaks_of_this_sale() {
    let mut programme = programme("{}");
    programme.tiers.levels.push(Tier {
        id: "gold".to_owned(),
        name: "Золотой".to_owned(),
        from_kopecks: Kopecks(0),
    });
    let mut customer = with_points(171);
    customer.tier = Some("gold".to_owned());
    customer.expiring_soon = NaiveDate::from_ymd_opt(2026, 6, 1).map(|day| (Points(22), day));
    let quote = ask(
        &programme,
        &[line(1000, 25_000)],
        Some(&customer),
        typed(50),
    );
    assert_eq!(
        quote.receipt_text,
        "Начислено: 10 баллов\nСписано: 50 баллов\nБаланс: 131 балл\nУровень: Золотой\n\
         Сгорят 01.06.2026: 22 балла"
    );
}

#[test]
fn the_explanation_is_kept_only_when_asked_for() {
    let (programme, customer) = (programme("{}"), with_points(1_000));
    let lines = [line(1000, 10_000)];
    let at = NaiveDate::from_ymd_opt(2026, 5, 12)
        .unwrap()
        .and_hms_opt(12, 30, 0)
        .unwrap();
    let receipt = Receipt {
        lines: &lines,
        customer: Some(&customer),
        store: SHOP,
        at,
        intent: MOST,
    };
    let silent = quote(&programme, &receipt).unwrap();
    let told = explain(&programme, &receipt).unwrap();
    assert!(silent.explanation.is_empty());
    let rules: Vec<_> = told.explanation.iter().map(|fired| fired.rule).collect();
    assert_eq!(rules, ["spending.max_share", "earning.percent"]);
    assert_eq!(
        Quote {
            explanation: vec![],
            ..told
        },
        silent
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
fn nonsense_is_refused_without_a_panic() {
    let at = NaiveDate::from_ymd_opt(2026, 5, 12)
        .unwrap()
        .and_hms_opt(12, 30, 0)
        .unwrap();
    let customer = with_points(i64::MAX);
    let ask = |programme: &Programme, lines: &[Line]| {
        let customer = Some(&customer);
        quote(
            programme,
            &Receipt {
                lines,
                customer,
                store: SHOP,
                at,
                intent: MOST,
            },
        )
        .map(|q| q.spend)
    };
    let fine = programme("{}");
    assert_eq!(
        ask(&fine, &[line(1000, -1)]),
        Err(QuoteError::Negative { line: 0 })
    );
    assert_eq!(
        ask(&fine, &[line(1, 1), line(-1, 1)]),
        Err(QuoteError::Negative { line: 1 })
    );
    assert_eq!(
        ask(&fine, &[line(i64::MAX, i64::MAX)]),
        Err(QuoteError::TooLarge)
    );
    assert_eq!(
        ask(&fine, &[line(1000, i64::MAX), line(1000, 1)]),
        Err(QuoteError::TooLarge)
    );
    assert_eq!(
        ask(&fine, &vec![line(1, 1); MAX_LINES + 1]),
        Err(QuoteError::TooManyLines)
    );
    let mut broken = fine.clone();
    broken.spending.point_kopecks = Kopecks(0);
    assert_eq!(ask(&broken, &[line(1, 1)]), Err(QuoteError::BadProgramme));
}

#[test]
fn a_receipt_of_a_thousand_positions_comes_out() {
    let lines: Vec<Line> = (0..1_000)
        .map(|n| line(if n % 3 == 0 { 1_234 + n } else { 2_000 }, 999 + n))
        .collect();
    let quote = ask(
        &programme("{}"),
        &lines,
        Some(&with_points(1_000_000)),
        MOST,
    );
    let net: i64 = lines
        .iter()
        .map(|l| line_total(l.price, l.quantity).unwrap().0)
        .sum();
    assert_eq!(quote.spend.0, net / 2 / 100);
}

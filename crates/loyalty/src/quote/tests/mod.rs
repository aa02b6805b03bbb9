//! Quotes whose numbers can be checked by hand.

mod earning;
mod identities;

pub(super) use identities::assert_identities;

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

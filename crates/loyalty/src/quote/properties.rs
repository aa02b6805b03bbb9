//! Laws of quotes over random programmes and receipts.

use super::tests::assert_identities;
use super::*;
use crate::programme::{
    BirthdayBonus, Combine, Discounts, Earning, Precedence, ReceiptDiscount, Rounding, Schedule,
    Spending, Tier, TimeOfDay,
};
use crate::units::{Percent, Quantity};
use chrono::NaiveDate;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const STORE: &str = "store-0";
const TIERS: [&str; 3] = ["bronze", "silver", "gold"];

/// A receipt that owns what it is made of.
#[derive(Debug, Clone)]
struct Case {
    lines: Vec<Line>,
    customer: Option<CustomerFacts>,
    at: NaiveDateTime,
    intent: Intent,
}

impl Case {
    fn receipt(&self) -> Receipt<'_> {
        let (lines, customer) = (&self.lines, self.customer.as_ref());
        Receipt {
            lines,
            customer,
            store: STORE,
            at: self.at,
            intent: self.intent,
        }
    }
}

fn percent() -> impl Strategy<Value = Percent> {
    prop_oneof![
        3 => (0_u16..=10_000).prop_map(|h| Percent::from_hundredths(h).unwrap()),
        1 => Just(Percent::ZERO),
        1 => Just(Percent::HUNDRED),
    ]
}

fn good_id() -> impl Strategy<Value = String> {
    (0..8).prop_map(|n| format!("good-{n}"))
}

fn category_id() -> impl Strategy<Value = String> {
    (0..5).prop_map(|n| format!("category-{n}"))
}

type Tables = (
    BTreeMap<String, Percent>,
    BTreeMap<String, Percent>,
    BTreeSet<String>,
    BTreeSet<String>,
    BTreeMap<String, Percent>,
);

/// Percents by goods, by categories, excluded goods and categories, percents by tiers.
fn tables() -> impl Strategy<Value = Tables> {
    let tier = prop::sample::select(TIERS.to_vec()).prop_map(str::to_owned);
    (
        btree_map(good_id(), percent(), 0..3),
        btree_map(category_id(), percent(), 0..3),
        btree_set(good_id(), 0..2),
        btree_set(category_id(), 0..2),
        btree_map(tier, percent(), 0..3),
    )
        .prop_map(
            |(mut goods, mut categories, no_goods, no_categories, tiers)| {
                goods.retain(|id, _| !no_goods.contains(id));
                categories.retain(|id, _| !no_categories.contains(id));
                (goods, categories, no_goods, no_categories, tiers)
            },
        )
}

fn earning() -> impl Strategy<Value = Earning> {
    let schedule = (0_u16..1_440, 1_u16..=1_440, percent())
        .prop_filter("empty window", |(from, to, _)| from != to)
        .prop_map(|(from, to, percent)| Schedule {
            days: BTreeSet::new(),
            from: TimeOfDay::from_minutes(from).unwrap(),
            to: TimeOfDay::from_minutes(to).unwrap(),
            since: None,
            until: None,
            percent,
        });
    let choices = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let caps = (
        0_i64..200_000,
        option::of(1_i64..500),
        option::of(percent()),
        option::of(percent()),
    );
    (tables(), percent(), vec(schedule, 0..2), choices, caps).prop_map(
        |(tables, percent, schedule, choices, (least, cap, store, birthday))| Earning {
            percent,
            goods: tables.0,
            categories: tables.1,
            excluded_goods: tables.2,
            excluded_categories: tables.3,
            tiers: tables.4,
            stores: store
                .into_iter()
                .map(|percent| (STORE.to_owned(), percent))
                .collect(),
            schedule,
            precedence: if choices.0 {
                Precedence::Specific
            } else {
                Precedence::Highest
            },
            tobacco_earns: choices.1,
            earn_when_spending: choices.2,
            base: if choices.3 {
                EarningBase::AfterDiscounts
            } else {
                EarningBase::BeforeDiscounts
            },
            rounding: if choices.4 {
                Rounding::Down
            } else {
                Rounding::Nearest
            },
            min_receipt_kopecks: Kopecks(least),
            max_points_per_receipt: cap.map(Points),
            birthday: birthday.map(|percent| BirthdayBonus {
                days_before: 60,
                days_after: 60,
                percent: Some(percent),
                ..BirthdayBonus::default()
            }),
            ..Earning::default()
        },
    )
}

fn spending() -> impl Strategy<Value = Spending> {
    let point = prop_oneof![4 => Just(100_i64), 1 => Just(1), 1 => Just(10), 2 => 1_i64..3_000];
    let floors = btree_map(good_id(), (0_i64..30_000).prop_map(Kopecks), 0..3);
    let least = (
        prop_oneof![3 => Just(1_i64), 1 => 1_i64..100],
        0_i64..100_000,
    );
    (
        tables(),
        percent(),
        point,
        floors,
        least,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(tables, max_share, point, floors, (min_points, min_receipt), respect, keep)| {
                Spending {
                    point_kopecks: Kopecks(point),
                    max_share,
                    goods: tables.0,
                    categories: tables.1,
                    excluded_goods: tables.2,
                    excluded_categories: tables.3,
                    tiers: tables.4,
                    respect_min_price: respect,
                    price_floors_kopecks: floors,
                    min_points: Points(min_points),
                    min_receipt_kopecks: Kopecks(min_receipt),
                    keep_kopeck: keep,
                }
            },
        )
}

fn discounts() -> impl Strategy<Value = Discounts> {
    let steps = btree_map(0_i64..500_000, percent(), 0..3);
    (tables(), steps, any::<bool>(), percent(), any::<bool>()).prop_map(
        |(tables, steps, sum, max_percent, customers_only)| Discounts {
            goods: tables.0,
            categories: tables.1,
            excluded_goods: tables.2,
            excluded_categories: tables.3,
            tiers: tables.4,
            receipt: steps
                .into_iter()
                .map(|(from, percent)| ReceiptDiscount {
                    from_kopecks: Kopecks(from),
                    percent,
                })
                .collect(),
            combine: if sum { Combine::Sum } else { Combine::Largest },
            max_percent,
            customers_only,
        },
    )
}

fn programme() -> impl Strategy<Value = Programme> {
    (earning(), spending(), discounts(), option::of(0_i64..500)).prop_map(
        |(earning, spending, discounts, above)| {
            let mut programme = Programme {
                earning,
                spending,
                discounts,
                ..Programme::default()
            };
            programme.tiers.levels = TIERS
                .iter()
                .zip([0, 10, 20])
                .map(|(id, from)| Tier {
                    id: (*id).to_owned(),
                    name: (*id).to_owned(),
                    from_kopecks: Kopecks(from),
                })
                .collect();
            programme.codes.spending_above = above.map(Points);
            assert_eq!(programme.validate(), vec![]);
            programme
        },
    )
}

fn good() -> impl Strategy<Value = GoodFacts> {
    let flag = || prop::bool::weighted(0.1);
    (
        vec(good_id(), 1..3),
        vec(category_id(), 0..3),
        option::of(0_i64..30_000),
        flag(),
        flag(),
    )
        .prop_map(
            |(ids, categories, min_price, discount_prohibited, tobacco)| GoodFacts {
                ids,
                categories,
                min_price: min_price.map(Kopecks),
                discount_prohibited,
                tobacco,
                weighed: false,
            },
        )
}

fn quantity() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => (1_i64..30).prop_map(|n| n * 1_000),
        3 => 1_i64..5_000,
        1 => Just(0_i64),
        1 => 5_000_i64..2_000_000,
    ]
}

fn line() -> impl Strategy<Value = Line> {
    let price = prop_oneof![6 => 1_i64..50_000, 1 => Just(0_i64), 1 => 1_i64..5];
    (
        option::of(good()),
        quantity(),
        price,
        any::<bool>(),
        prop::bool::weighted(0.9),
    )
        .prop_map(|(good, quantity, price, serials, may_split)| Line {
            good,
            quantity: Quantity(quantity),
            price: Kopecks(price),
            serials: if serials {
                usize::try_from(quantity / 1_000).unwrap()
            } else {
                0
            },
            may_split,
        })
}

fn customer() -> impl Strategy<Value = CustomerFacts> {
    let tier = option::of(prop::sample::select(TIERS.to_vec()).prop_map(str::to_owned));
    (-100_i64..20_000, tier, any::<bool>()).prop_map(|(available, tier, born)| CustomerFacts {
        available: Points(available),
        tier,
        birth_date: born.then(|| NaiveDate::from_ymd_opt(1990, 3, 1).unwrap()),
        expiring_soon: None,
    })
}

fn intent() -> impl Strategy<Value = Intent> {
    prop_oneof![
        Just(Intent::Earn),
        Just(Intent::Spend { preferred: None }),
        (-5_i64..5_000).prop_map(|n| Intent::Spend {
            preferred: Some(Points(n))
        }),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    (
        vec(line(), 1..=40),
        option::weighted(0.9, customer()),
        0_i64..525_600,
        intent(),
    )
        .prop_map(|(lines, customer, minute, intent)| {
            let start = NaiveDate::from_ymd_opt(2026, 1, 1)
                .unwrap()
                .and_hms_opt(0, 0, 0)
                .unwrap();
            let at = start + chrono::TimeDelta::minutes(minute);
            Case {
                lines,
                customer,
                at,
                intent,
            }
        })
}

/// Any numbers at all, extremes first.
fn hostile() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MAX),
        Just(i64::MIN),
        Just(0_i64),
        Just(1_i64),
        Just(i64::MAX / 1_000),
        any::<i64>(),
        0_i64..100_000_000_000,
    ]
}

fn hostile_case() -> impl Strategy<Value = Case> {
    let line = (
        option::of(good()),
        hostile(),
        hostile(),
        any::<usize>(),
        any::<bool>(),
    )
        .prop_map(|(good, quantity, price, serials, may_split)| Line {
            good,
            quantity: Quantity(quantity),
            price: Kopecks(price),
            serials,
            may_split,
        });
    let intent = prop_oneof![
        intent(),
        hostile().prop_map(|n| Intent::Spend {
            preferred: Some(Points(n))
        }),
    ];
    let date = prop::sample::select(vec![NaiveDate::MIN, NaiveDate::MAX, NaiveDate::default()]);
    (vec(line, 0..4), hostile(), date.clone(), date, intent).prop_map(
        |(lines, available, birth, day, intent)| Case {
            lines,
            customer: Some(CustomerFacts {
                available: Points(available),
                birth_date: Some(birth),
                expiring_soon: Some((Points(available), day)),
                tier: Some("gold".to_owned()),
            }),
            at: day.and_hms_opt(23, 59, 59).unwrap(),
            intent,
        },
    )
}

/// The limits that the programme sets, computed in another way than the quote does.
fn assert_limits(programme: &Programme, case: &Case, quote: &Quote) {
    let rules = &programme.spending;
    let net = quote.gross.0 - quote.discount.0;
    if quote.max_spend > Points::ZERO {
        let customer = case.customer.as_ref().unwrap();
        assert!(
            quote.max_spend <= customer.available,
            "not more than the balance"
        );
        assert!(quote.max_spend >= rules.min_points);
        assert!(net >= rules.min_receipt_kopecks.0);
    }
    if let Intent::Spend { preferred } = case.intent {
        match preferred {
            Some(wanted) if wanted.0 <= 0 => assert_eq!(quote.spend, Points::ZERO),
            Some(wanted) => assert!(quote.spend <= wanted),
            None => assert_eq!(quote.spend, quote.max_spend),
        }
        if preferred.is_some_and(|wanted| wanted >= quote.max_spend) {
            assert_eq!(
                quote.spend, quote.max_spend,
                "more than possible is the most possible"
            );
        }
    } else {
        assert_eq!(quote.spend, Points::ZERO);
    }
    if rules.keep_kopeck {
        for line in &quote.lines {
            let before = line_total(line.price, line.quantity).unwrap();
            let after = line_total(line.discounted_price, line.quantity).unwrap();
            assert!(
                before == Kopecks::ZERO || after >= Kopecks(1),
                "a kopeck stays"
            );
        }
    }
    if let Some(cap) = programme.earning.max_points_per_receipt {
        assert!(quote.earn <= cap);
    }
    assert!(quote.earn >= Points::ZERO);
    let above = programme.codes.spending_above;
    let needed = quote.spend.0 > 0 && above.is_some_and(|above| quote.spend > above);
    assert_eq!(quote.needs_verification, needed);
}

/// No line is paid with points beyond its share by a kopeck or more, and the receipt not at all.
fn assert_shares(programme: &Programme, case: &Case, quote: &Quote) {
    let without = Case {
        intent: Intent::Earn,
        ..case.clone()
    };
    let before = super::quote(programme, &without.receipt()).unwrap();
    assert_eq!(
        before.discount, quote.discount,
        "points do not change discounts"
    );
    assert_eq!(
        before.max_spend, quote.max_spend,
        "the largest spend does not depend on the choice"
    );
    let total = |quote: &Quote, source: usize| -> i64 {
        let parts = quote.lines.iter().filter(|line| line.source == source);
        parts
            .map(|part| line_total(part.discounted_price, part.quantity).unwrap().0)
            .sum()
    };
    let mut allowed: i128 = 0;
    for (source, line) in case.lines.iter().enumerate() {
        let rules = rules::GoodsRules::from(&programme.spending);
        let tier = case.customer.as_ref().and_then(|c| c.tier.as_ref());
        let share = match rules.verdict(line.good.as_ref()) {
            _ if price::untouchable(line) => Percent::ZERO,
            rules::Verdict::Excluded => Percent::ZERO,
            rules::Verdict::Good(share) | rules::Verdict::Category(share) => share,
            rules::Verdict::Silent => *tier
                .and_then(|tier| programme.spending.tiers.get(tier))
                .unwrap_or(&programme.spending.max_share),
        };
        let net = total(&before, source);
        let lost = net - total(quote, source);
        let exact = i128::from(net) * i128::from(share.hundredths());
        assert!(lost >= 0 && i128::from(lost) * 10_000 < exact + 10_000);
        allowed += exact;
        let floor = programme
            .spending
            .price_floors_kopecks
            .iter()
            .filter(|(id, _)| {
                let ids = line.good.as_ref().map(|good| &good.ids);
                ids.and_then(|ids| {
                    ids.iter()
                        .find(|id| programme.spending.price_floors_kopecks.contains_key(*id))
                }) == Some(*id)
            });
        for (_, floor) in floor {
            for part in quote.lines.iter().filter(|part| part.source == source) {
                assert!(
                    part.discounted_price >= (*floor).min(line.price),
                    "the floor holds"
                );
            }
        }
    }
    assert!(i128::from(quote.paid_by_points.0) * 10_000 <= allowed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn identities_and_limits_hold(programme in programme(), case in case()) {
        let quote = super::quote(&programme, &case.receipt()).unwrap();
        assert_identities(&programme, &case.lines, &quote);
        assert_limits(&programme, &case, &quote);
        assert_shares(&programme, &case, &quote);
        if case.customer.is_none() {
            prop_assert_eq!((quote.spend, quote.max_spend, quote.earn), Default::default());
        }
    }

    #[test]
    fn the_explanation_changes_nothing(programme in programme(), case in case()) {
        let told = super::explain(&programme, &case.receipt()).unwrap();
        let silent = super::quote(&programme, &case.receipt()).unwrap();
        prop_assert_eq!(Quote { explanation: vec![], ..told }, silent);
    }

    #[test]
    fn every_spend_of_pieces_comes_out(
        pieces in vec((1_i64..20, 1_i64..5_000), 1..20), wanted in 1_i64..500, point in 1_i64..200,
    ) {
        let mut programme = Programme::default();
        programme.spending.max_share = Percent::HUNDRED;
        programme.spending.point_kopecks = Kopecks(point);
        let lines: Vec<Line> = pieces
            .iter()
            .map(|(n, price)| Line::new(Quantity(n * 1_000), Kopecks(*price)))
            .collect();
        let case = Case {
            lines,
            customer: Some(CustomerFacts { available: Points(1_000), ..CustomerFacts::default() }),
            at: NaiveDateTime::default(),
            intent: Intent::Spend { preferred: Some(Points(wanted)) },
        };
        let quote = super::quote(&programme, &case.receipt()).unwrap();
        let room: i64 = pieces.iter().map(|(n, price)| n * (price - 1)).sum();
        prop_assert_eq!(quote.spend.0, wanted.min(room / point));
        assert_identities(&programme, &case.lines, &quote);
    }

    #[test]
    fn hostile_numbers_never_panic(programme in programme(), case in hostile_case()) {
        if let Ok(quote) = super::explain(&programme, &case.receipt()) {
            assert_identities(&programme, &case.lines, &quote);
        }
        let sold: Vec<SoldLine> = case
            .lines
            .iter()
            .map(|line| SoldLine {
                good: line.good.clone(),
                quantity: line.quantity,
                price: line.price,
                discounted_price: line.price,
            })
            .collect();
        let spent = case.customer.as_ref().map_or(Points::ZERO, |c| c.available);
        let _ = earn_on_sale(&programme, case.customer.as_ref(), &sold, spent, case.at, STORE);
    }

    #[test]
    fn any_settings_that_parse_are_quoted_without_a_panic(
        point in hostile(), least in hostile(), floor in hostile(), cap in hostile(), case in case(),
    ) {
        let mut programme = Programme::default();
        programme.spending.point_kopecks = Kopecks(point);
        programme.spending.min_points = Points(least);
        programme.spending.price_floors_kopecks.insert("good-1".to_owned(), Kopecks(floor));
        programme.earning.max_points_per_receipt = Some(Points(cap));
        let _ = programme.validate();
        if let Ok(quote) = super::quote(&programme, &case.receipt()) {
            assert_identities(&programme, &case.lines, &quote);
        }
    }
}

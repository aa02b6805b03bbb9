//! What a return gives back and takes back (§3.8).
//!
//! МойСклад says nothing of points in a return. What is due follows from the sale and from
//! everything returned so far, this return included: because the amounts are a function of the
//! whole, any split and any order of partial returns ends the same, and a full return gives back
//! and takes back exactly everything. `cashSum` and `noCashSum` of a return are not used: their unit
//! is uncertain (§8.1).

use crate::units::{Kopecks, Points, Quantity};
use std::collections::BTreeMap;

/// The sale a return belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Sale<'a> {
    /// Its positions, split ones included.
    pub lines: &'a [SaleLine],
    /// Points spent.
    pub spent: Points,
    /// Points earned.
    pub earned: Points,
    /// Of the points earned those that ran out unused. Nobody has them, so they are not taken back.
    pub expired: Points,
}

/// A position of the sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleLine {
    /// Whatever names the good in sales and in returns alike (the assortment's id). Several
    /// positions may have the same key.
    pub key: String,
    /// Quantity sold.
    pub quantity: Quantity,
    /// Price of a unit before discounts.
    pub price: Kopecks,
    /// Price of a unit after all discounts and points.
    pub discounted_price: Kopecks,
    /// What of the whole position was paid with points; nothing where it is not known.
    pub paid_by_points: Kopecks,
}

/// How much of a good was returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnedLine {
    /// The key of the good, as in [`SaleLine::key`]. A good that was not in the sale counts
    /// nothing.
    pub key: String,
    /// Quantity returned. More than was sold counts as what was sold.
    pub quantity: Quantity,
}

/// Points restored to the customer and points taken back from him.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Spent points that come back, ≥ 0.
    pub restore: Points,
    /// Earned points that go, ≥ 0.
    pub claw_back: Points,
}

/// What is due in all after `returned` (all returns of the sale so far, this one included, in any
/// order and any number of entries a good).
///
/// Spent points come back in proportion to what they paid of the returned goods; where that is not
/// known, to the discount that the goods had, because points are a part of it: a good that points did
/// not pay for (tobacco) brings none back.
/// Earned points go in proportion to the money that was paid for the returned goods, less those that
/// ran out by themselves. Each is rounded half up.
pub fn due(sale: &Sale<'_>, returned: &[ReturnedLine]) -> Settlement {
    let goods = goods(sale, returned);
    let restore_by: [fn(&Good) -> i64; 4] =
        [|g| g.by_points, |g| g.discount, |g| g.gross, |g| g.sold];
    let claw_back_by: [fn(&Good) -> i64; 3] = [|g| g.paid, |g| g.gross, |g| g.sold];
    let claw_back = portion(sale.earned, &goods, &claw_back_by);
    Settlement {
        restore: portion(sale.spent, &goods, &restore_by),
        claw_back: less(claw_back, sale.expired),
    }
}

/// What of `points` remains without `gone`; never negative.
fn less(points: Points, gone: Points) -> Points {
    Points(points.0.saturating_sub(gone.0.max(0)).max(0))
}

/// What this return must do: what is due in all less what earlier returns did. Never negative.
pub fn settle(sale: &Sale<'_>, returned: &[ReturnedLine], earlier: Settlement) -> Settlement {
    let due = due(sale, returned);
    Settlement {
        restore: less(due.restore, earlier.restore),
        claw_back: less(due.claw_back, earlier.claw_back),
    }
}

/// The positions of one key together. Amounts are kopecks times thousandths: exact, so that parts of
/// a weighed line add up to the line.
#[derive(Default)]
struct Good {
    gross: i64,
    discount: i64,
    by_points: i64,
    paid: i64,
    sold: i64,
    /// Not more than `sold`.
    returned: i64,
}

/// The sale's goods by key with what was returned of each.
fn goods(sale: &Sale<'_>, returned: &[ReturnedLine]) -> Vec<Good> {
    // No sum below can exceed an i64, whatever the numbers are.
    let most = i64::MAX / i64::try_from(sale.lines.len().max(1)).unwrap_or(i64::MAX);
    let amount = |price: i64, quantity: i64| {
        let exact = i128::from(price.max(0)) * i128::from(quantity);
        i64::try_from(exact).unwrap_or(i64::MAX).min(most)
    };
    let mut goods: BTreeMap<&str, Good> = BTreeMap::new();
    for line in sale.lines {
        let quantity = line.quantity.0.clamp(0, most);
        let good = goods.entry(&line.key).or_default();
        good.gross += amount(line.price.0, quantity);
        good.paid += amount(line.discounted_price.0, quantity);
        good.discount += amount(
            line.price.0.saturating_sub(line.discounted_price.0),
            quantity,
        );
        good.by_points += line.paid_by_points.0.saturating_mul(1000).clamp(0, most);
        good.sold += quantity;
    }
    for line in returned {
        if let Some(good) = goods.get_mut(line.key.as_str()) {
            good.returned = good
                .returned
                .saturating_add(line.quantity.0.max(0))
                .min(good.sold);
        }
    }
    goods.into_values().collect()
}

/// The part of `points` that falls on what was returned, by the first weight that is not zero for
/// the whole sale.
fn portion(points: Points, goods: &[Good], weights: &[fn(&Good) -> i64]) -> Points {
    let total = |weight: &fn(&Good) -> i64| -> i128 {
        goods.iter().map(|good| i128::from(weight(good))).sum()
    };
    let Some((weight, whole)) = weights
        .iter()
        .map(|weight| (weight, total(weight)))
        .find(|(_, whole)| *whole > 0)
    else {
        return Points::ZERO;
    };
    let part: i128 = goods
        .iter()
        .filter(|good| good.sold > 0)
        .map(|good| i128::from(weight(good)) * i128::from(good.returned) / i128::from(good.sold))
        .sum();
    let exact = i128::from(points.0.max(0)) * part;
    // A part is not more than the whole, so the result is not more than the points.
    Points(i64::try_from((exact + whole / 2) / whole).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sold(key: &str, quantity: i64, price: i64, discounted: i64) -> SaleLine {
        SaleLine {
            paid_by_points: Kopecks(0),
            key: key.to_owned(),
            quantity: Quantity(quantity),
            price: Kopecks(price),
            discounted_price: Kopecks(discounted),
        }
    }

    fn back(key: &str, quantity: i64) -> ReturnedLine {
        ReturnedLine {
            key: key.to_owned(),
            quantity: Quantity(quantity),
        }
    }

    fn settlement(restore: i64, claw_back: i64) -> Settlement {
        Settlement {
            restore: Points(restore),
            claw_back: Points(claw_back),
        }
    }

    #[test]
    fn a_part_gives_back_its_share_and_the_whole_gives_back_everything() {
        // 3 × 100,00 with 100 points: 66,67, 66,67, 66,66; 10 points earned.
        let lines = [
            sold("a", 2_000, 10_000, 6_667),
            sold("a", 1_000, 10_000, 6_666),
        ];
        let sale = Sale {
            lines: &lines,
            expired: Points(0),
            spent: Points(100),
            earned: Points(10),
        };
        assert_eq!(due(&sale, &[]), settlement(0, 0));
        let first = settle(&sale, &[back("a", 1_000)], Settlement::default());
        assert_eq!(first, settlement(33, 3));
        let second = settle(&sale, &[back("a", 1_000), back("a", 2_000)], first);
        assert_eq!(second, settlement(67, 7));
    }

    #[test]
    fn a_good_that_points_did_not_pay_for_brings_none_back() {
        let lines = [
            sold("tobacco", 1_000, 20_000, 20_000),
            sold("bread", 1_000, 10_000, 5_000),
        ];
        let sale = Sale {
            lines: &lines,
            expired: Points(0),
            spent: Points(50),
            earned: Points(25),
        };
        assert_eq!(due(&sale, &[back("tobacco", 1_000)]), settlement(0, 20));
        assert_eq!(due(&sale, &[back("bread", 1_000)]), settlement(50, 5));
    }

    #[test]
    fn points_that_ran_out_are_not_taken_back() {
        let lines = [sold("a", 4_000, 100, 100)];
        let sale = |expired| Sale {
            lines: &lines,
            spent: Points(0),
            earned: Points(40),
            expired: Points(expired),
        };
        let [half, all] = [back("a", 2_000), back("a", 4_000)].map(|line| [line]);
        assert_eq!(due(&sale(0), &half), settlement(0, 20));
        assert_eq!(due(&sale(15), &half), settlement(0, 5));
        assert_eq!(due(&sale(40), &all), settlement(0, 0));
        // Half came back before anything ran out, the rest after it.
        let first = settle(&sale(0), &half, Settlement::default());
        assert_eq!(settle(&sale(15), &all, first), settlement(0, 5));
        assert_eq!(settle(&sale(40), &all, first), settlement(0, 0));
    }

    #[test]
    fn over_returns_and_strange_goods_count_nothing() {
        let lines = [sold("a", 1_000, 100, 50)];
        let sale = Sale {
            lines: &lines,
            expired: Points(0),
            spent: Points(7),
            earned: Points(3),
        };
        assert_eq!(
            due(&sale, &[back("a", 5_000), back("a", i64::MAX)]),
            settlement(7, 3)
        );
        assert_eq!(
            due(&sale, &[back("b", 1_000), back("a", -5)]),
            settlement(0, 0)
        );
        let more = settle(&sale, &[back("a", 1_000)], settlement(100, 100));
        assert_eq!(more, settlement(0, 0));
    }

    #[test]
    fn a_sale_without_discounts_or_without_money_falls_back_to_the_gross_and_to_the_quantity() {
        let lines = [sold("a", 1_000, 100, 100), sold("b", 1_000, 300, 300)];
        let sale = Sale {
            lines: &lines,
            expired: Points(0),
            spent: Points(8),
            earned: Points(0),
        };
        assert_eq!(due(&sale, &[back("b", 1_000)]), settlement(6, 0));
        let lines = [sold("a", 2_000, 0, 0)];
        let sale = Sale {
            lines: &lines,
            expired: Points(0),
            spent: Points(8),
            earned: Points(4),
        };
        assert_eq!(due(&sale, &[back("a", 1_000)]), settlement(4, 2));
        let sale = Sale {
            lines: &[],
            expired: Points(0),
            spent: Points(8),
            earned: Points(4),
        };
        assert_eq!(due(&sale, &[back("a", 1_000)]), settlement(0, 0));
    }

    fn lines() -> impl Strategy<Value = Vec<SaleLine>> {
        let line = (0..4, 0_i64..5_000, 0_i64..10_000, 0_i64..=100).prop_map(
            |(key, quantity, price, share)| {
                sold(&format!("good-{key}"), quantity, price, price * share / 100)
            },
        );
        prop::collection::vec(line, 1..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn any_split_in_any_order_ends_the_same(
            lines in lines(), spent in 0_i64..10_000, earned in 0_i64..10_000,
            parts in prop::collection::vec((0..5, 0_i64..3_000), 0..12), swap in any::<prop::sample::Index>(),
        ) {
            let sale = Sale { lines: &lines, expired: Points(0), spent: Points(spent), earned: Points(earned) };
            let parts: Vec<_> = parts.iter().map(|(n, q)| back(&format!("good-{n}"), *q)).collect();
            let all_at_once = due(&sale, &parts);
            let mut order = parts.clone();
            if !order.is_empty() {
                let at = swap.index(order.len());
                order.rotate_left(at);
            }
            let mut done = Settlement::default();
            for count in 1..=order.len() {
                let now = settle(&sale, &order[..count], done);
                prop_assert!(now.restore >= Points(0) && now.claw_back >= Points(0));
                done.restore.0 += now.restore.0;
                done.claw_back.0 += now.claw_back.0;
                prop_assert!(done.restore.0 <= spent && done.claw_back.0 <= earned);
            }
            prop_assert_eq!(done, all_at_once);
        }

        #[test]
        fn a_full_return_is_exact(
            lines in lines(), spent in 0_i64..10_000, earned in 0_i64..10_000,
        ) {
            prop_assume!(lines.iter().any(|line| line.quantity.0 > 0));
            let sale = Sale { lines: &lines, expired: Points(0), spent: Points(spent), earned: Points(earned) };
            let all: Vec<_> = lines.iter().map(|line| back(&line.key, line.quantity.0)).collect();
            prop_assert_eq!(due(&sale, &all), settlement(spent, earned));
        }

        #[test]
        fn hostile_numbers_never_panic(
            numbers in prop::collection::vec((any::<i64>(), any::<i64>(), any::<i64>()), 0..4),
            spent in any::<i64>(), earned in any::<i64>(), returned in any::<i64>(),
        ) {
            let lines: Vec<_> = numbers.iter().map(|(q, p, d)| sold("a", *q, *p, *d)).collect();
            let sale = Sale { lines: &lines, expired: Points(0), spent: Points(spent), earned: Points(earned) };
            let done = settle(&sale, &[back("a", returned), back("a", i64::MAX)], settlement(spent, earned));
            prop_assert!(done.restore.0 >= 0 && done.restore.0 <= spent.max(0));
        }
    }
}

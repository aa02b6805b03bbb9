//! Spreading a points discount over the lines so that it comes out to the kopeck.

use super::apportion::apportion;
use super::nudge::{self, Found, nudge};
use super::slot::Slot;

/// How many looks at a line all attempts together may take. An attempt beyond the first is needed
/// only where no line can take single kopecks (weighed goods alone).
const MAX_LOOKS: usize = 200_000;

/// A spend that comes out exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    /// Points.
    pub(super) points: i64,
    /// Kopecks that each line loses; their sum is `points · value of a point`.
    pub(super) losses: Vec<i64>,
}

/// The largest spend of at most `points` that comes out exactly.
///
/// Where a line can take single kopecks and has room for one step of the coarsest line, that is
/// `points` itself, or the largest number for which the lines have room. With weighed goods alone
/// it may be less; the search is exact for one such line and bounded for several.
pub(super) fn settle(slots: &[Slot], points: i64, point: i64) -> Settled {
    let room: i128 = slots.iter().map(|slot| i128::from(slot.cap)).sum();
    let most = i64::try_from(room / i128::from(point.max(1))).unwrap_or(i64::MAX);
    let mut points = points.min(most);
    let coarse = slots
        .iter()
        .filter(|slot| !slot.fine && slot.cap > 0)
        .count();
    let cost = slots.len() + if coarse > 1 { nudge::COST } else { 0 };
    let attempts = (MAX_LOOKS / cost.max(1)).max(16);
    for _ in 0..attempts {
        if points <= 0 {
            break;
        }
        if let Some(settled) = spread(slots, points, point) {
            return settled;
        }
        points -= 1;
    }
    Settled {
        points: 0,
        losses: vec![0; slots.len()],
    }
}

/// Spreads these points, or a few less, over the lines in proportion to what each may lose; none
/// when the prices do not come out. Their worth must not be above the sum of the caps.
fn spread(slots: &[Slot], points: i64, point: i64) -> Option<Settled> {
    let caps: Vec<i64> = slots.iter().map(|slot| slot.cap).collect();
    let mut losses = apportion(points.checked_mul(point)?, &caps);
    let mut short = round_coarse(slots, &mut losses);
    if short == 0 {
        return Some(Settled { points, losses });
    }
    // What the coarse lines cannot take goes to the lines that can take single kopecks.
    let spare: Vec<i64> = slots
        .iter()
        .zip(&losses)
        .map(|(slot, loss)| if slot.fine { slot.cap - loss } else { 0 })
        .collect();
    let spare_sum: i64 = spare.iter().sum();
    let given = apportion(short.min(spare_sum), &spare);
    for (loss, more) in losses.iter_mut().zip(given) {
        *loss += more;
    }
    short -= short.min(spare_sum);
    if short == 0 {
        return Some(Settled { points, losses });
    }
    // The fine lines are full: coarse lines take whole steps, and give back through fine ones.
    short = raise_coarse(slots, &mut losses, short);
    if short == 0 {
        return Some(Settled { points, losses });
    }
    let found = step_over(slots, &mut losses, short).or_else(|| {
        let fine = fine_sum(slots, &losses);
        nudge(slots, &mut losses, short, fine, point)
    })?;
    take_back(slots, &mut losses, found.over);
    let points = points - found.less;
    (points > 0).then_some(Settled { points, losses })
}

/// Rounds the losses of coarse lines down to what they can reach; answers what is missing then.
fn round_coarse(slots: &[Slot], losses: &mut [i64]) -> i64 {
    let mut short = 0;
    for (slot, loss) in slots.iter().zip(losses) {
        let reached = slot.down(*loss);
        short += *loss - reached;
        *loss = reached;
    }
    short
}

/// Gives `short` kopecks to coarse lines in steps that do not exceed it; answers what is missing.
fn raise_coarse(slots: &[Slot], losses: &mut [i64], mut short: i64) -> i64 {
    for (slot, loss) in slots.iter().zip(losses).filter(|(slot, _)| !slot.fine) {
        let raised = slot.down(loss.saturating_add(short).min(slot.cap));
        short -= raised - *loss;
        *loss = raised;
        if short == 0 {
            break;
        }
    }
    short
}

/// Raises the one coarse line whose next step exceeds `short` least, when the fine lines can give
/// the excess back; answers the excess.
fn step_over(slots: &[Slot], losses: &mut [i64], short: i64) -> Option<Found> {
    let fine = fine_sum(slots, losses);
    let (over, index, raised) = slots
        .iter()
        .zip(losses.iter())
        .enumerate()
        .filter(|(_, (slot, _))| !slot.fine)
        .filter_map(|(index, (slot, loss))| {
            let raised = slot.up(loss.checked_add(short)?)?;
            Some((raised - loss - short, index, raised))
        })
        .min()?;
    if over > fine {
        return None;
    }
    *losses.get_mut(index)? = raised;
    Some(Found { less: 0, over })
}

/// What fine lines lose in all.
fn fine_sum(slots: &[Slot], losses: &[i64]) -> i64 {
    slots
        .iter()
        .zip(losses)
        .filter(|(slot, _)| slot.fine)
        .map(|(_, loss)| *loss)
        .sum()
}

/// Lets fine lines lose `over` kopecks less.
fn take_back(slots: &[Slot], losses: &mut [i64], over: i64) {
    let weights: Vec<i64> = slots
        .iter()
        .zip(losses.iter())
        .map(|(slot, loss)| if slot.fine { *loss } else { 0 })
        .collect();
    for (loss, less) in losses.iter_mut().zip(apportion(over, &weights)) {
        *loss -= less;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Kopecks, Quantity, line_total};
    use proptest::prelude::*;

    fn slot(unit: i64, quantity: i64, may_split: bool, share: i64) -> Slot {
        let (unit, quantity) = (Kopecks(unit), Quantity(quantity));
        let net = line_total(unit, quantity).unwrap();
        Slot::new(unit, quantity, net, may_split, net.0 * share / 100)
    }

    fn slots(most: usize) -> impl Strategy<Value = Vec<Slot>> {
        let quantity = prop_oneof![
            0_i64..=1_000,
            1_001_i64..9_000,
            (1_i64..9).prop_map(|n| n * 1_000)
        ];
        let one = (0_i64..120, quantity, any::<bool>(), 0_i64..=100)
            .prop_map(|(unit, quantity, may_split, share)| slot(unit, quantity, may_split, share));
        prop::collection::vec(one, 0..=most)
    }

    /// Weighed goods of more than one unit alone.
    fn weighed(most: usize) -> impl Strategy<Value = Vec<Slot>> {
        let one = (1_i64..150, 1_001_i64..6_000, 50_i64..=100)
            .prop_map(|(unit, quantity, share)| slot(unit, quantity, false, share));
        prop::collection::vec(one, 1..=most)
    }

    /// Every loss that the lines can reach together, by trying all of them.
    fn reachable(slots: &[Slot]) -> Vec<bool> {
        let most: i64 = slots.iter().map(|slot| slot.cap).sum();
        let mut sums = vec![false; usize::try_from(most).unwrap() + 1];
        sums[0] = true;
        for slot in slots {
            let mut next = vec![false; sums.len()];
            for loss in (0..=slot.cap).filter(|loss| slot.down(*loss) == *loss) {
                let loss = usize::try_from(loss).unwrap();
                for at in (loss..sums.len()).filter(|at| sums[at - loss]) {
                    next[at] = true;
                }
            }
            sums = next;
        }
        sums
    }

    fn assert_settled(slots: &[Slot], settled: &Settled, point: i64) {
        assert_eq!(settled.losses.iter().sum::<i64>(), settled.points * point);
        for (slot, loss) in slots.iter().zip(&settled.losses) {
            assert!((0..=slot.cap).contains(loss));
            assert_eq!(slot.down(*loss), *loss, "a loss that prices can make");
            assert_eq!(slot.up(*loss), Some(*loss));
        }
    }

    fn assert_largest(slots: &[Slot], points: i64, point: i64) {
        let settled = settle(slots, points, point);
        assert_settled(slots, &settled, point);
        let sums = reachable(slots);
        let best = (0..=points)
            .rev()
            .find(|n| usize::try_from(n * point).is_ok_and(|sum| sums.get(sum) == Some(&true)));
        assert_eq!(Some(settled.points), best, "{slots:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(768))]

        #[test]
        fn the_largest_spend_is_found(
            slots in slots(4), points in 0_i64..3_000, point in prop::sample::select(vec![1_i64, 7, 50, 100]),
        ) {
            assert_largest(&slots, points, point);
        }

        #[test]
        fn the_largest_spend_is_found_for_weighed_goods_alone(
            slots in weighed(4), points in 0_i64..60, point in prop::sample::select(vec![1_i64, 50, 100, 333]),
        ) {
            assert_largest(&slots, points, point);
        }

        #[test]
        fn a_loss_that_is_rounded_up_or_down_is_the_nearest_one(slots in slots(1), loss in 0_i64..2_000) {
            for slot in slots {
                let loss = loss.min(slot.cap);
                let all: Vec<i64> = (0..=slot.unit.0)
                    .map(|price| slot.net - line_total(Kopecks(price), slot.quantity).unwrap().0)
                    .collect();
                if !slot.fine {
                    prop_assert_eq!(all.iter().copied().filter(|l| *l <= loss).max(), Some(slot.down(loss)));
                    let above = all.iter().copied().filter(|l| *l >= loss && *l <= slot.cap).min();
                    prop_assert_eq!(above, slot.up(loss));
                }
            }
        }
    }
}

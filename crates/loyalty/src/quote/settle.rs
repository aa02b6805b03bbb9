//! Spreading a points discount over the lines so that it comes out to the kopeck.

use super::apportion::apportion;
use super::nudge::{self, nudge};
use super::slot::Slot;

/// How many lines are looked at, in all attempts together, before a spend is given up. An attempt
/// beyond the first is needed only where no line can take single kopecks (weighed goods alone).
const MAX_VISITS: usize = 100_000;

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
    let attempts = (MAX_VISITS / cost.max(1)).max(16);
    for _ in 0..attempts {
        if points <= 0 {
            break;
        }
        if let Some(losses) = points.checked_mul(point).and_then(|sum| spread(slots, sum)) {
            return Settled { points, losses };
        }
        points -= 1;
    }
    Settled {
        points: 0,
        losses: vec![0; slots.len()],
    }
}

/// Spreads exactly `sum` (not above the caps' sum) over the lines, in proportion to what each may
/// lose; none when the prices do not come out.
fn spread(slots: &[Slot], sum: i64) -> Option<Vec<i64>> {
    let caps: Vec<i64> = slots.iter().map(|slot| slot.cap).collect();
    let mut losses = apportion(sum, &caps);
    let mut short = round_coarse(slots, &mut losses);
    if short == 0 {
        return Some(losses);
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
        return Some(losses);
    }
    // The fine lines are full: coarse lines take whole steps, and give back through fine ones.
    short = raise_coarse(slots, &mut losses, short);
    if short > 0 {
        let over = step_over(slots, &mut losses, short).or_else(|| {
            let fine = fine_sum(slots, &losses);
            nudge(slots, &mut losses, short, fine)
        })?;
        take_back(slots, &mut losses, over);
    }
    Some(losses)
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
fn step_over(slots: &[Slot], losses: &mut [i64], short: i64) -> Option<i64> {
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
    Some(over)
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

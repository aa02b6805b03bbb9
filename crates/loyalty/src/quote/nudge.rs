//! The last kopecks of weighed goods.
//!
//! When no line can take single kopecks, coarse lines are moved up and down against each other until
//! the sum comes out: a set of all sums within reach is kept as bits, one set a line. A kilogram and
//! a half moves in steps of one and two kopecks, so a real receipt is done with a few of its lines.

use super::slot::Slot;

/// Lines that take part, those with the smallest steps.
const MAX_LINES: usize = 8;
/// Steps of all lines together in either direction.
const MAX_STEPS: usize = 256;
/// How far a sum may be from the present one, kopecks.
const REACH: i64 = 8_192;
/// What a search costs, in looks at a line.
pub(super) const COST: usize = 10_000;

/// A sum that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Points that had to be given up.
    pub(super) less: i64,
    /// Kopecks that the lines lose too much.
    pub(super) over: i64,
}

/// Changes the losses of coarse lines so that together they grow by at least `wanted` and by at most
/// `wanted + slack`, as little as possible, where `wanted` is `short`, or `short` less the worth of as
/// few points as possible.
pub(super) fn nudge(
    slots: &[Slot],
    losses: &mut [i64],
    short: i64,
    slack: i64,
    point: i64,
) -> Option<Found> {
    let chosen = finest(slots, losses);
    if chosen.len() < 2 || short > REACH {
        // One line alone has been tried already, up and down.
        return None;
    }
    let steps = MAX_STEPS / chosen.len();
    let mut layers = vec![Sums::zero()];
    let mut options = Vec::with_capacity(chosen.len());
    for index in &chosen {
        let (slot, loss) = (slots.get(*index)?, *losses.get(*index)?);
        let deltas: Vec<i64> = around(slot, loss, steps)
            .into_iter()
            .map(|found| found - loss)
            .collect();
        let mut next = Sums::none();
        for delta in &deltas {
            next.add_shifted(layers.last()?, *delta);
        }
        let done = next.first(short, slack).is_some();
        layers.push(next);
        options.push(deltas);
        if done {
            break;
        }
    }
    let last = layers.pop()?;
    let (less, found) = (0..=(REACH + short) / point.max(1))
        .find_map(|less| Some((less, last.first(short - less * point, slack)?)))?;
    // Back from the sum to the choice of every line, the smallest that leads there.
    let mut sum = found;
    for ((index, deltas), before) in chosen.iter().zip(&options).zip(&layers).rev() {
        let delta = deltas.iter().find(|delta| before.has(sum - **delta))?;
        *losses.get_mut(*index)? += delta;
        sum -= delta;
    }
    Some(Found {
        less,
        over: found - (short - less * point),
    })
}

/// The coarse lines that take part: those with the smallest steps, half of the places for lines that
/// can still lose more (near the caps the finest lines may be full).
fn finest(slots: &[Slot], losses: &[i64]) -> Vec<usize> {
    let mut coarse: Vec<(i64, usize, bool)> = slots
        .iter()
        .zip(losses)
        .enumerate()
        .filter(|(_, (slot, _))| !slot.fine && slot.cap > 0)
        .map(|(index, (slot, loss))| (slot.quantity.0, index, *loss < slot.cap))
        .collect();
    coarse.sort_unstable();
    let (rising, full): (Vec<_>, Vec<_>) = coarse.into_iter().partition(|(_, _, rises)| *rises);
    let half = MAX_LINES / 2;
    let first = rising.iter().take(half);
    let second = full
        .iter()
        .take(half.max(MAX_LINES.saturating_sub(rising.len())));
    let third = rising.iter().skip(half);
    first
        .chain(second)
        .chain(third)
        .take(MAX_LINES)
        .map(|(_, index, _)| *index)
        .collect()
}

/// The losses within so many steps of `loss` and within [`REACH`], the nearest first, itself among
/// them.
fn around(slot: &Slot, loss: i64, steps: usize) -> Vec<i64> {
    let mut found = vec![loss];
    let (mut low, mut high) = (Some(loss), Some(loss));
    for _ in 0..steps {
        low = low.filter(|low| *low > 0).map(|low| slot.down(low - 1));
        high = high.and_then(|high| slot.up(high.checked_add(1)?));
        low = low.filter(|low| loss - low <= REACH);
        high = high.filter(|high| high - loss <= REACH);
        found.extend(low);
        found.extend(high);
        if low.is_none() && high.is_none() {
            break;
        }
    }
    found
}

/// A set of sums from `-REACH` to `REACH`.
struct Sums(Vec<u64>);

impl Sums {
    fn none() -> Self {
        let bits = usize::try_from(2 * REACH + 1).unwrap_or(0);
        Self(vec![0; bits.div_ceil(64)])
    }

    /// The set of nothing but zero.
    fn zero() -> Self {
        let mut sums = Self::none();
        if let Some((word, bit)) = place(0)
            && let Some(word) = sums.0.get_mut(word)
        {
            *word |= 1 << bit;
        }
        sums
    }

    fn has(&self, sum: i64) -> bool {
        place(sum).is_some_and(|(word, bit)| self.0.get(word).is_some_and(|w| w >> bit & 1 == 1))
    }

    /// The least sum from `wanted` to `wanted + slack`.
    fn first(&self, wanted: i64, slack: i64) -> Option<i64> {
        (wanted..=wanted.saturating_add(slack).min(REACH)).find(|sum| self.has(*sum))
    }

    /// Adds every sum of `other`, moved by `delta`; what leaves the range is dropped.
    fn add_shifted(&mut self, other: &Self, delta: i64) {
        let distance = usize::try_from(delta.unsigned_abs()).unwrap_or(usize::MAX);
        let (words, bits) = (distance / 64, distance % 64);
        // The part of a word that goes into its neighbour.
        let carry = |word: u64, left: bool| match bits {
            0 => 0,
            _ if left => word >> (64 - bits),
            _ => word << (64 - bits),
        };
        if delta >= 0 {
            let mut before = 0;
            for (to, from) in self.0.iter_mut().skip(words).zip(&other.0) {
                *to |= from << bits | carry(before, true);
                before = *from;
            }
        } else {
            let mut froms = other.0.iter().skip(words).peekable();
            for to in &mut self.0 {
                let Some(from) = froms.next() else { break };
                let after = froms.peek().map_or(0, |word| carry(**word, false));
                *to |= from >> bits | after;
            }
        }
    }
}

/// Where a sum's bit is.
fn place(sum: i64) -> Option<(usize, usize)> {
    if !(-REACH..=REACH).contains(&sum) {
        return None;
    }
    let at = usize::try_from(sum + REACH).ok()?;
    Some((at / 64, at % 64))
}

//! The last kopecks of weighed goods.
//!
//! When no line can take single kopecks, a few coarse lines are moved a few steps up and down
//! against each other until the sum comes out. The search is small on purpose: a receipt of
//! weighed goods has steps of one to three kopecks, and two of its lines are enough.

use super::slot::Slot;

/// Coarse lines that take part, those with the smallest steps.
const MAX_LINES: usize = 4;
/// Steps that a line moves in either direction.
const MAX_STEPS: usize = 4;
/// Sums that are kept after each line.
const MAX_SUMS: usize = 512;

/// What one search costs in looks at a line, at most.
pub(super) const COST: usize = 1_000;

/// A sum that can be reached with the lines so far.
#[derive(Clone, Copy)]
struct Node {
    sum: i64,
    /// Index into the previous layer.
    from: usize,
    /// The new loss of this layer's line.
    loss: i64,
}

/// Changes the losses of coarse lines so that together they grow by at least `short` and by at most
/// `short + slack`, as little as possible; answers the excess over `short`.
pub(super) fn nudge(slots: &[Slot], losses: &mut [i64], short: i64, slack: i64) -> Option<i64> {
    let chosen = finest(slots);
    if chosen.len() < 2 {
        // One line alone has been tried already, up and down.
        return None;
    }
    let mut layers: Vec<Vec<Node>> = vec![vec![Node {
        sum: 0,
        from: 0,
        loss: 0,
    }]];
    for index in &chosen {
        let (slot, loss) = (slots.get(*index)?, *losses.get(*index)?);
        let next = extend(layers.last()?, loss, &around(slot, loss), short);
        layers.push(next);
    }
    let last = layers.last()?;
    let (mut at, best) = last
        .iter()
        .enumerate()
        .filter(|(_, node)| (short..=short.saturating_add(slack)).contains(&node.sum))
        .min_by_key(|(_, node)| node.sum)?;
    let over = best.sum - short;
    for (layer, index) in layers.iter().skip(1).zip(&chosen).rev() {
        let node = layer.get(at)?;
        *losses.get_mut(*index)? = node.loss;
        at = node.from;
    }
    Some(over)
}

/// The coarse lines with the smallest steps.
fn finest(slots: &[Slot]) -> Vec<usize> {
    let mut coarse: Vec<(i64, usize)> = slots
        .iter()
        .enumerate()
        .filter(|(_, slot)| !slot.fine && slot.cap > 0)
        .map(|(index, slot)| (slot.quantity.0, index))
        .collect();
    coarse.sort_unstable();
    coarse.truncate(MAX_LINES);
    coarse.into_iter().map(|(_, index)| index).collect()
}

/// The losses within a few steps of `loss`, itself first.
fn around(slot: &Slot, loss: i64) -> Vec<i64> {
    let mut found = vec![loss];
    let mut low = loss;
    let mut high = loss;
    for _ in 0..MAX_STEPS {
        if low > 0 {
            low = slot.down(low - 1);
            found.push(low);
        }
        if let Some(next) = high.checked_add(1).and_then(|loss| slot.up(loss)) {
            high = next;
            found.push(high);
        }
    }
    found
}

/// Adds one line's choices to the sums so far; one way to each sum is kept, the smallest changes
/// first.
fn extend(layer: &[Node], old: i64, choices: &[i64], short: i64) -> Vec<Node> {
    let mut next = Vec::with_capacity(layer.len() * choices.len());
    for loss in choices {
        for (from, node) in layer.iter().enumerate() {
            if let Some(sum) = node.sum.checked_add(loss - old) {
                next.push(Node {
                    sum,
                    from,
                    loss: *loss,
                });
            }
        }
    }
    // A stable sort keeps the smallest change first among equal sums.
    next.sort_by_key(|node| node.sum);
    next.dedup_by_key(|node| node.sum);
    if next.len() > MAX_SUMS {
        next.sort_by_key(|node| node.sum.abs_diff(short));
        next.truncate(MAX_SUMS);
    }
    next
}

//! The positions of the answer: unit prices that give each line exactly its total.

use super::price::Priced;
use super::slot::Slot;
use super::types::{Line, QuoteError, QuotedLine};
use crate::units::{Kopecks, Percent, Quantity};

/// Writes every line with the price that loses exactly its share of the points, splitting a line in
/// two where one price cannot (§5 rule 2).
pub(super) fn quoted_lines(
    lines: &[Line],
    priced: &[Priced],
    losses: &[i64],
) -> Result<Vec<QuotedLine>, QuoteError> {
    let mut quoted = Vec::with_capacity(lines.len());
    for (source, ((line, priced), loss)) in lines.iter().zip(priced).zip(losses).enumerate() {
        match split_of(line, priced, *loss) {
            Some(split) => push_split(&mut quoted, source, line, split)?,
            None => {
                let slot = Slot::new(priced.unit, line.quantity, priced.net, false, priced.net.0);
                let unit = slot.price_after(*loss);
                quoted.push(part(source, line, line.quantity, unit, 0..line.serials));
            }
        }
    }
    Ok(quoted)
}

/// How a line is split: so many pieces at the high price, so many a kopeck cheaper.
struct Split {
    price: Kopecks,
    full: i64,
    cheaper: i64,
}

/// The split that a loss needs; none when one price is enough.
fn split_of(line: &Line, priced: &Priced, loss: i64) -> Option<Split> {
    let pieces = line
        .quantity
        .whole()
        .filter(|pieces| *pieces > 1 && line.may_split)?;
    let total = priced.net.0.checked_sub(loss)?;
    let cheaper = (pieces - total % pieces) % pieces;
    if cheaper == 0 {
        return None;
    }
    // The price rounded up; `cheaper` pieces cost a kopeck less.
    Some(Split {
        price: Kopecks(total / pieces + 1),
        full: pieces - cheaper,
        cheaper,
    })
}

/// Pushes the two parts of a split line; the first serial numbers go with the first part.
fn push_split(
    quoted: &mut Vec<QuotedLine>,
    source: usize,
    line: &Line,
    split: Split,
) -> Result<(), QuoteError> {
    let first = usize::try_from(split.full)
        .unwrap_or(usize::MAX)
        .min(line.serials);
    let full = Quantity::pieces(split.full)?;
    let cheaper = Quantity::pieces(split.cheaper)?;
    let lower = split.price.minus(Kopecks(1))?;
    quoted.push(part(source, line, full, split.price, 0..first));
    quoted.push(part(source, line, cheaper, lower, first..line.serials));
    Ok(())
}

/// One position of the answer.
fn part(
    source: usize,
    line: &Line,
    quantity: Quantity,
    discounted_price: Kopecks,
    serials: std::ops::Range<usize>,
) -> QuotedLine {
    QuotedLine {
        source,
        quantity,
        price: line.price,
        discounted_price,
        discount_percent: percent_off(line.price, discounted_price),
        serials,
    }
}

/// `round((1 − discounted / price) · 100, 2)`, half up; 0 when the price is 0 (§5 rule 4).
fn percent_off(price: Kopecks, discounted: Kopecks) -> Percent {
    if price.0 <= 0 {
        return Percent::ZERO;
    }
    let off = (i128::from(price.0) - i128::from(discounted.0)) * 10_000;
    let rounded = (off * 2 + i128::from(price.0)) / (i128::from(price.0) * 2);
    u16::try_from(rounded)
        .ok()
        .and_then(|hundredths| Percent::from_hundredths(hundredths).ok())
        .unwrap_or_default()
}

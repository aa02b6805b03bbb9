//! What a receipt costs: discounts, points to spend, points to earn, unit prices (§3.5, §5).
//!
//! A quote is made in stages, each in its own file:
//!
//! 1. `price` – the discounts of the programme and the floor under each price;
//! 2. `spend` – the limits of a spend; `settle` spreads it over the lines in proportion to what each
//!    may lose (`apportion`: largest remainder) so that it comes out to the kopeck (`slot`, `nudge`);
//! 3. `lines` – unit prices and split positions;
//! 4. `earn` – points to earn on what remains.
//!
//! The cost is `n log n` in the number of lines.

mod apportion;
mod earn;
mod lines;
mod notes;
mod nudge;
mod price;
#[cfg(test)]
mod properties;
mod rules;
mod settle;
mod slot;
mod spend;
#[cfg(test)]
mod tests;
mod types;

pub use types::{
    CustomerFacts, Fired, GoodFacts, Intent, Line, Quote, QuoteError, QuotedLine, Receipt, SoldLine,
};

use crate::programme::{EarningBase, Programme};
use crate::text::{self, Values};
use crate::tiers;
use crate::units::{Kopecks, Points, line_total};
use chrono::NaiveDateTime;
use notes::Notes;

/// The most lines a receipt may have; МойСклад's own documents hold 1000.
pub const MAX_LINES: usize = 5_000;

/// The quote of a receipt, without the explanation: what the till's recalculation needs.
pub fn quote(programme: &Programme, receipt: &Receipt<'_>) -> Result<Quote, QuoteError> {
    compute(programme, receipt, Notes::off())
}

/// The quote of a receipt with [`Quote::explanation`] filled: which rules fired and why.
pub fn explain(programme: &Programme, receipt: &Receipt<'_>) -> Result<Quote, QuoteError> {
    compute(programme, receipt, Notes::on())
}

/// What each line costs after discounts and before points, in the receipt's order. A sale is read
/// with it: what is missing from these amounts was paid with points.
pub fn net_totals(
    programme: &Programme,
    receipt: &Receipt<'_>,
) -> Result<Vec<Kopecks>, QuoteError> {
    check(
        programme,
        receipt.lines.iter().map(|line| (line.price, line.quantity)),
    )?;
    let priced = price::price_lines(programme, receipt, &mut Notes::off())?;
    Ok(priced.into_iter().map(|priced| priced.net).collect())
}

/// Points earned by a sale that came without `bonusProgram` (sold offline, §4): the same rules over
/// the prices that were really taken. `spent` are the points the sale spent, normally none.
/// A sale without a customer earns nothing.
pub fn earn_on_sale(
    programme: &Programme,
    customer: Option<&CustomerFacts>,
    lines: &[SoldLine],
    spent: Points,
    at: NaiveDateTime,
    store: &str,
) -> Result<Points, QuoteError> {
    check(
        programme,
        lines.iter().map(|line| (line.price, line.quantity)),
    )?;
    check(
        programme,
        lines
            .iter()
            .map(|line| (line.discounted_price, line.quantity)),
    )?;
    let Some(customer) = customer else {
        return Ok(Points::ZERO);
    };
    let mut bases = Vec::with_capacity(lines.len());
    let mut lost = Vec::with_capacity(lines.len());
    let mut paid = Kopecks::ZERO;
    for line in lines {
        let gross = line_total(line.price, line.quantity)?;
        let net = line_total(line.discounted_price, line.quantity)?;
        paid = paid.plus(net)?;
        lost.push(gross.minus(net)?.0.max(0));
        bases.push(match programme.earning.base {
            EarningBase::AfterDiscounts => net.0,
            EarningBase::BeforeDiscounts => gross.0,
        });
    }
    if programme.earning.base == EarningBase::BeforeDiscounts {
        // What was paid with points never earns: it is a part of what the lines lost.
        let all = Kopecks::sum(lost.iter().map(|lost| Kopecks(*lost)))?;
        let worth = Points(spent.0.max(0)).worth(programme.spending.point_kopecks)?;
        let shares = apportion::apportion(worth.min(all).0, &lost);
        for (base, share) in bases.iter_mut().zip(shares) {
            *base -= share;
        }
    }
    let sale = earn::Sale {
        programme,
        customer,
        store,
        at,
        paid,
        spent,
    };
    let goods = lines.iter().map(|line| line.good.as_ref());
    earn::earn(&sale, goods.zip(bases), &mut Notes::off())
}

/// Refuses what cannot be a receipt.
fn check(
    programme: &Programme,
    lines: impl ExactSizeIterator<Item = (Kopecks, crate::units::Quantity)>,
) -> Result<(), QuoteError> {
    if programme.spending.point_kopecks.0 < 1 {
        return Err(QuoteError::BadProgramme);
    }
    if lines.len() > MAX_LINES {
        return Err(QuoteError::TooManyLines);
    }
    for (line, (price, quantity)) in lines.enumerate() {
        if price.0 < 0 || quantity.0 < 0 {
            return Err(QuoteError::Negative { line });
        }
    }
    Ok(())
}

/// The stages of a quote, in order.
fn compute(
    programme: &Programme,
    receipt: &Receipt<'_>,
    mut notes: Notes,
) -> Result<Quote, QuoteError> {
    check(
        programme,
        receipt.lines.iter().map(|line| (line.price, line.quantity)),
    )?;
    let priced = price::price_lines(programme, receipt, &mut notes)?;
    let spend = spend::spend(programme, receipt, &priced, &mut notes)?;
    let lines = lines::quoted_lines(receipt.lines, &priced, &spend.losses)?;

    let gross = Kopecks::sum(priced.iter().map(|priced| priced.gross))?;
    let net = Kopecks::sum(priced.iter().map(|priced| priced.net))?;
    let paid_by_points = spend.points.worth(programme.spending.point_kopecks)?;
    let to_pay = net.minus(paid_by_points)?;

    let earn = match receipt.customer {
        None => Points::ZERO,
        Some(customer) => {
            let (store, at, spent) = (receipt.store, receipt.at, spend.points);
            let sale = earn::Sale {
                programme,
                customer,
                store,
                at,
                paid: to_pay,
                spent,
            };
            let bases = priced.iter().zip(&spend.losses).map(|(priced, loss)| {
                let total = match programme.earning.base {
                    EarningBase::AfterDiscounts => priced.net,
                    EarningBase::BeforeDiscounts => priced.gross,
                };
                total.0 - loss
            });
            let goods = receipt.lines.iter().map(|line| line.good.as_ref());
            earn::earn(&sale, goods.zip(bases), &mut notes)?
        }
    };
    let balance_before = receipt
        .customer
        .map_or(Points::ZERO, |customer| customer.available);
    let balance_after = balance_before.minus(spend.points)?.plus(earn)?;
    let mut quote = Quote {
        lines,
        gross,
        discount: gross.minus(net)?,
        paid_by_points,
        to_pay,
        spend: spend.points,
        earn,
        max_spend: spend.max,
        balance_before,
        balance_after,
        needs_verification: needs_verification(programme, spend.points, &mut notes),
        receipt_text: String::new(),
        explanation: notes.into_fired(),
    };
    quote.receipt_text = receipt_text(programme, receipt.customer, &quote);
    Ok(quote)
}

/// Whether this spend needs a code.
fn needs_verification(programme: &Programme, spend: Points, notes: &mut Notes) -> bool {
    let needed = spend > Points::ZERO
        && programme
            .codes
            .spending_above
            .is_some_and(|threshold| spend > threshold);
    if needed {
        notes.add("codes.spending_above", None, || {
            format!("Списание {spend} нужно подтвердить кодом")
        });
    }
    needed
}

/// The text for the receipt.
fn receipt_text(programme: &Programme, customer: Option<&CustomerFacts>, quote: &Quote) -> String {
    let rules = &programme.receipt;
    let Some(customer) = customer else {
        return text::render(&rules.anonymous_template, &Values::default());
    };
    let tier = customer
        .tier
        .as_deref()
        .and_then(|id| tiers::by_id(&programme.tiers, id));
    let values = Values {
        earned: quote.earn,
        spent: quote.spend,
        balance: quote.balance_after,
        tier: tier.map(|tier| tier.name.as_str()),
        expiring: customer.expiring_soon,
    };
    text::render(&rules.template, &values)
}

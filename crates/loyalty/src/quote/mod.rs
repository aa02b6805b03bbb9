//! What a receipt costs: discounts, points to spend, points to earn, unit prices (§3.5, §5).

mod types;

pub use types::{
    CustomerFacts, Fired, GoodFacts, Intent, Line, Quote, QuoteError, QuotedLine, Receipt, SoldLine,
};

use crate::programme::Programme;
use crate::units::Points;
use chrono::NaiveDateTime;

/// The most lines a receipt may have; МойСклад's own documents hold 1000.
pub const MAX_LINES: usize = 5_000;

/// The quote of a receipt, without the explanation: what the till's recalculation needs.
pub fn quote(programme: &Programme, receipt: &Receipt<'_>) -> Result<Quote, QuoteError> {
    let _ = (programme, receipt);
    Err(QuoteError::TooLarge)
}

/// The quote of a receipt with [`Quote::explanation`] filled: which rules fired and why.
pub fn explain(programme: &Programme, receipt: &Receipt<'_>) -> Result<Quote, QuoteError> {
    quote(programme, receipt)
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
    let _ = (programme, customer, lines, spent, at, store);
    Ok(Points::ZERO)
}

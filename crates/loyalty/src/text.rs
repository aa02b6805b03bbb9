//! The text on the receipt.

use crate::units::Points;
use chrono::NaiveDate;

/// Characters in a template.
pub const MAX_TEMPLATE_CHARS: usize = 1_000;
/// Characters printed on a receipt (`receiptExtraInfo`); МойСклад's own limit is not documented
/// (§9.11, unverified).
pub const MAX_TEXT_CHARS: usize = 1_000;

/// What the placeholders stand for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Values<'a> {
    /// `{earned}`
    pub earned: Points,
    /// `{spent}`
    pub spent: Points,
    /// `{balance}`: after the sale.
    pub balance: Points,
    /// `{tier}`: the name of the tier.
    pub tier: Option<&'a str>,
    /// `{expiring}` and `{expiring_date}`.
    pub expiring: Option<(Points, NaiveDate)>,
}

/// Renders a template; what cannot be read in it is printed as it stands.
pub fn render(template: &str, values: &Values<'_>) -> String {
    let _ = values;
    template.to_owned()
}

/// The form of «балл» for a number: 1 балл, 2 балла, 5 баллов.
pub fn points_word(points: Points) -> &'static str {
    let _ = points;
    "баллов"
}

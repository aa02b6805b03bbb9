//! The tier of a turnover, moving up and down.

use crate::programme::{Tier, Tiers};
use crate::units::Kopecks;
use chrono::NaiveDate;

/// Where a customer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Tier id; none below the lowest tier.
    pub tier: Option<String>,
    /// The day the tier was reached or last confirmed.
    pub since: NaiveDate,
}

/// How far the next tier is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The next tier.
    pub next: &'a Tier,
    /// Purchases that are missing, > 0.
    pub remaining: Kopecks,
}

/// The highest tier whose threshold the turnover reaches.
pub fn tier_of(tiers: &Tiers, turnover: Kopecks) -> Option<&Tier> {
    let _ = turnover;
    tiers.levels.first()
}

/// The tier with this id.
pub fn by_id<'a>(tiers: &'a Tiers, id: &str) -> Option<&'a Tier> {
    tiers.levels.iter().find(|tier| tier.id == id)
}

/// The first day whose purchases count today; none when all time counts.
pub fn window_start(tiers: &Tiers, today: NaiveDate) -> Option<NaiveDate> {
    let _ = (tiers, today);
    None
}

/// The day on which a standing is looked at again for moving down; none when it never is.
pub fn review_on(tiers: &Tiers, standing: &Standing) -> Option<NaiveDate> {
    let _ = (tiers, standing);
    None
}

/// Where the customer stands today, given the turnover of the current window: up at once, down only
/// when the standing's window has ended (or never).
pub fn advance(
    tiers: &Tiers,
    current: Option<&Standing>,
    turnover: Kopecks,
    today: NaiveDate,
) -> Standing {
    let _ = (tiers, current, turnover);
    Standing {
        tier: None,
        since: today,
    }
}

/// The tier after the one a customer has and what is missing to it; none at the top.
pub fn progress<'a>(
    tiers: &'a Tiers,
    current: Option<&str>,
    turnover: Kopecks,
) -> Option<Progress<'a>> {
    let _ = (tiers, current, turnover);
    None
}

//! The tier of a turnover, moving up and down.

use crate::programme::{Demotion, Tier, Tiers};
use crate::units::Kopecks;
use chrono::{Months, NaiveDate};

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
    tiers
        .levels
        .iter()
        .filter(|tier| tier.from_kopecks <= turnover)
        .max_by_key(|tier| tier.from_kopecks)
}

/// The tier with this id.
pub fn by_id<'a>(tiers: &'a Tiers, id: &str) -> Option<&'a Tier> {
    tiers.levels.iter().find(|tier| tier.id == id)
}

/// The first day whose purchases count today; none when all time counts.
///
/// With a window of 12 months on 15 May 2026 that is 16 May 2025.
pub fn window_start(tiers: &Tiers, today: NaiveDate) -> Option<NaiveDate> {
    let months = Months::new(u32::from(tiers.window_months?));
    let start = today
        .checked_sub_months(months)
        .and_then(|day| day.succ_opt());
    Some(start.unwrap_or(NaiveDate::MIN))
}

/// The day on which a standing is looked at again for moving down: the first one whose window no
/// longer holds the day the tier was reached. None when a customer never moves down.
pub fn review_on(tiers: &Tiers, standing: &Standing) -> Option<NaiveDate> {
    if tiers.demotion == Demotion::Never || standing.tier.is_none() {
        return None;
    }
    let months = Months::new(u32::from(tiers.window_months?));
    let mut day = standing.since.checked_add_months(months)?;
    // 31 August plus six months is 28 February, whose window still holds 31 August: a few days more.
    while window_start(tiers, day).is_some_and(|start| start <= standing.since) {
        day = day.succ_opt()?;
    }
    Some(day)
}

/// Where the customer stands today, given the turnover of the current window: up at once, down only
/// when the standing's window has ended, and then to the tier of the turnover. A tier that the
/// programme no longer has counts as none.
pub fn advance(
    tiers: &Tiers,
    current: Option<&Standing>,
    turnover: Kopecks,
    today: NaiveDate,
) -> Standing {
    let reached = tier_of(tiers, turnover);
    let fresh = || Standing {
        tier: reached.map(|tier| tier.id.clone()),
        since: today,
    };
    let Some(current) = current else {
        return fresh();
    };
    let held = current.tier.as_deref().and_then(|id| by_id(tiers, id));
    let Some(held) = held else {
        // Nothing to lose; the day stays while nothing changes.
        return if reached.is_none() && current.tier.is_none() {
            current.clone()
        } else {
            fresh()
        };
    };
    if reached.is_some_and(|tier| tier.from_kopecks > held.from_kopecks) {
        return fresh();
    }
    // The end of the window confirms the tier, or takes it.
    if review_on(tiers, current).is_some_and(|day| day <= today) {
        fresh()
    } else {
        current.clone()
    }
}

/// The tier after the one a customer has and what is missing to it; none at the top.
pub fn progress<'a>(
    tiers: &'a Tiers,
    current: Option<&str>,
    turnover: Kopecks,
) -> Option<Progress<'a>> {
    let held = current
        .and_then(|id| by_id(tiers, id))
        .map(|tier| tier.from_kopecks);
    let next = tiers
        .levels
        .iter()
        .filter(|tier| tier.from_kopecks > turnover)
        .filter(|tier| held.is_none_or(|held| tier.from_kopecks > held))
        .min_by_key(|tier| tier.from_kopecks)?;
    let remaining = next
        .from_kopecks
        .minus(turnover)
        .unwrap_or(Kopecks(i64::MAX));
    Some(Progress { next, remaining })
}

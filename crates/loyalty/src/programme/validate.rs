//! What serde cannot check: ranges, references, order.

use super::Programme;
use serde::Serialize;

/// Bounds of settings, each with its unit in the name.
pub mod limits {
    /// Entries in one table or list of rules.
    pub const MAX_RULES: usize = 10_000;
    /// Tiers.
    pub const MAX_TIERS: usize = 20;
    /// Entries of the schedule and steps of the receipt discount: looked through one by one.
    pub const MAX_STEPS: usize = 50;
    /// Characters in an id.
    pub const MAX_ID_CHARS: usize = 64;
    /// Characters in the address of a webhook.
    pub const MAX_URL_CHARS: usize = 500;
    /// Characters in the cashier's message (§3.4).
    pub const MAX_MESSAGE_CHARS: usize = 140;
    /// Kopecks a point may be worth.
    pub const MAX_POINT_KOPECKS: i64 = 1_000_000;
    /// Points of one gift or cap.
    pub const MAX_POINTS: i64 = 1_000_000_000;
    /// Kopecks of a threshold or of a floor: ten thousand million rubles.
    pub const MAX_KOPECKS: i64 = 1_000_000_000_000;
    /// Points of a welcome or birthday gift.
    pub const MAX_GIFT_POINTS: i64 = 1_000_000;
    /// Days until points become active.
    pub const MAX_ACTIVE_AFTER_DAYS: u16 = 365;
    /// Days of life of points.
    pub const MAX_EXPIRE_AFTER_DAYS: u16 = 3650;
    /// Days before or after a birthday.
    pub const MAX_BIRTHDAY_DAYS: u16 = 60;
    /// Months of the tiers' window.
    pub const MAX_WINDOW_MONTHS: u16 = 120;
}

/// One thing wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where: field names and indexes with dots, `tiers.levels.2.id`.
    pub path: String,
    /// What is wrong, in Russian, for the merchant.
    pub message: String,
}

pub(super) fn problems(_programme: &Programme) -> Vec<Problem> {
    Vec::new()
}

//! Tiers as settings; what follows from them is in [`crate::tiers`].

use super::read;
use crate::units::Kopecks;
use serde::{Deserialize, Serialize};

/// Tiers by purchases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Tiers {
    /// Purchases of how many last months count, 1..=120; null means all time. Default 12.
    /// `"window_months": 12`
    pub window_months: Option<u16>,
    /// When a customer moves down: `"window_end"` (default) or `"never"`. Moving up is always at
    /// once. `"demotion": "never"`
    pub demotion: Demotion,
    /// The tiers, from the lowest to the highest; none by default.
    /// `"levels": [{"id": "silver", "name": "Серебряный", "from_kopecks": 1000000}]`
    #[serde(deserialize_with = "read::objects")]
    pub levels: Vec<Tier>,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The id that other rules refer to: 1..=64 Latin letters, digits, `-`, `_`. `"id": "gold"`
    pub id: String,
    /// The name that customers see, 1..=64 characters. `"name": "Золотой"`
    pub name: String,
    /// Purchases in the window from which the tier is reached, kopecks, ≥ 0; 0 makes it
    /// everybody's tier. `"from_kopecks": 5000000`
    pub from_kopecks: Kopecks,
}

/// When a customer moves down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Demotion {
    /// When a whole window has passed since the tier was reached or confirmed and the purchases
    /// of the last window no longer reach it. With all-time purchases there is no such day.
    #[default]
    WindowEnd,
    /// A tier once reached stays.
    Never,
}

impl Default for Tiers {
    fn default() -> Self {
        Self {
            window_months: Some(12),
            demotion: Demotion::default(),
            levels: Vec::new(),
        }
    }
}

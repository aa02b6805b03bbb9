//! Discounts: they come before points.

use super::read;
use crate::units::{Kopecks, Percent};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Discounts on the price of a line, before points.
///
/// Four kinds of rule may speak about a line: its good (or, when the good has none, its nearest
/// category), the customer's tier, the total of the receipt. [`Discounts::combine`] says what
/// they make together, [`Discounts::max_percent`] is the cap. The unit price after the discount
/// is rounded half up to a kopeck and never goes under the good's price floor. Goods with
/// `discountProhibited` and tobacco are never discounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Discounts {
    /// Percent by good id. `"goods": {"9c56720c-e8a7-4fdc-aea4-7104f28207be": 15}`
    #[serde(deserialize_with = "read::table")]
    pub goods: BTreeMap<String, Percent>,
    /// Percent by category id; the nearest ancestor of the good wins.
    /// `"categories": {"5b1f4b56-2f4e-11e6-8a84-bae500000003": 10}`
    #[serde(deserialize_with = "read::table")]
    pub categories: BTreeMap<String, Percent>,
    /// Percent by tier id. `"tiers": {"gold": 5}`
    pub tiers: BTreeMap<String, Percent>,
    /// Percent by the total of the receipt before discounts: the highest reached step counts.
    /// `"receipt": [{"from_kopecks": 300000, "percent": 3}, {"from_kopecks": 500000, "percent": 5}]`
    #[serde(deserialize_with = "read::objects")]
    pub receipt: Vec<ReceiptDiscount>,
    /// Goods without any discount, by id.
    /// `"excluded_goods": ["9c56720c-e8a7-4fdc-aea4-7104f28207be"]`
    #[serde(deserialize_with = "read::ids")]
    pub excluded_goods: BTreeSet<String>,
    /// Categories whose goods (at any depth) get no discount, unless the good or a nearer
    /// category has a percent of its own.
    /// `"excluded_categories": ["5b1f4b56-2f4e-11e6-8a84-bae500000003"]`
    #[serde(deserialize_with = "read::ids")]
    pub excluded_categories: BTreeSet<String>,
    /// How discounts of one line combine: `"largest"` (default) or `"sum"`. `"combine": "sum"`
    pub combine: Combine,
    /// The largest discount of a line, 0..=100, default 100: no cap. `"max_percent": 30`
    pub max_percent: Percent,
    /// Discounts only for customers of the programme, default false: a receipt without a customer
    /// gets the discounts by good, category and total. `"customers_only": true`
    pub customers_only: bool,
}

/// A discount for a receipt of at least so much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReceiptDiscount {
    /// Total before discounts from which it counts, kopecks, ≥ 0. `"from_kopecks": 300000`
    pub from_kopecks: Kopecks,
    /// Percent of every line, 0..=100. `"percent": 3`
    pub percent: Percent,
}

/// How several discounts of one line combine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    /// The largest one counts.
    #[default]
    Largest,
    /// They are added, up to [`Discounts::max_percent`].
    Sum,
}

impl Default for Discounts {
    fn default() -> Self {
        Self {
            goods: BTreeMap::new(),
            categories: BTreeMap::new(),
            tiers: BTreeMap::new(),
            receipt: Vec::new(),
            excluded_goods: BTreeSet::new(),
            excluded_categories: BTreeSet::new(),
            combine: Combine::default(),
            max_percent: Percent::HUNDRED,
            customers_only: false,
        }
    }
}

//! How points are spent.

use super::read;
use crate::units::{Kopecks, Percent, Points};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How points are spent.
///
/// A line may be paid with points up to its share: the good's own, else its nearest category's,
/// else the customer's tier's, else [`Spending::max_share`], of what the line costs after
/// discounts. The limit of the receipt is the sum of these (rounded down to a kopeck once); a
/// line goes over its share by less than a kopeck and never under its price floor. Goods with
/// `discountProhibited` and tobacco are never paid with points, whatever is set here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Spending {
    /// What a point is worth when it is spent (and when a percent is turned into points),
    /// kopecks, 1..=1000000, default 100: a ruble. `"point_kopecks": 100`
    pub point_kopecks: Kopecks,
    /// The largest share of a receipt that points pay, 0..=100, default 50. 0 switches spending
    /// off. `"max_share": 30`
    pub max_share: Percent,
    /// The largest share by good id. `"goods": {"9c56720c-e8a7-4fdc-aea4-7104f28207be": 10}`
    #[serde(deserialize_with = "read::table")]
    pub goods: BTreeMap<String, Percent>,
    /// The largest share by category id; the nearest ancestor of the good wins.
    /// `"categories": {"5b1f4b56-2f4e-11e6-8a84-bae500000003": 20}`
    #[serde(deserialize_with = "read::table")]
    pub categories: BTreeMap<String, Percent>,
    /// The largest share by tier id. `"tiers": {"gold": 70}`
    pub tiers: BTreeMap<String, Percent>,
    /// Goods that cannot be paid with points, by id.
    /// `"excluded_goods": ["9c56720c-e8a7-4fdc-aea4-7104f28207be"]`
    #[serde(deserialize_with = "read::ids")]
    pub excluded_goods: BTreeSet<String>,
    /// Categories whose goods (at any depth) cannot be paid with points, unless the good or a nearer
    /// category has a share of its own.
    /// `"excluded_categories": ["5b1f4b56-2f4e-11e6-8a84-bae500000003"]`
    #[serde(deserialize_with = "read::ids")]
    pub excluded_categories: BTreeSet<String>,
    /// Whether МойСклад's minimum price of a good is a floor for its price after discounts and
    /// points, default true. `"respect_min_price": true`
    pub respect_min_price: bool,
    /// A floor for the unit price of a good, kopecks, by good id; the higher of this and
    /// МойСклад's counts. `"price_floors_kopecks": {"9c56720c-e8a7-4fdc-aea4-7104f28207be": 9900}`
    #[serde(deserialize_with = "read::table")]
    pub price_floors_kopecks: BTreeMap<String, Kopecks>,
    /// The smallest number of points that can be spent at once, ≥ 1, default 1. `"min_points": 50`
    pub min_points: Points,
    /// The smallest receipt (after discounts, before points) that points can pay for, kopecks,
    /// ≥ 0, default 0. `"min_receipt_kopecks": 100000`
    pub min_receipt_kopecks: Kopecks,
    /// At least one kopeck stays on every line and on every piece, default true: a receipt of
    /// zero may be refused by the fiscal printer (§5 rule 8, unverified). Counts for discounts
    /// too. `"keep_kopeck": true`
    pub keep_kopeck: bool,
}

impl Default for Spending {
    fn default() -> Self {
        Self {
            point_kopecks: Kopecks(100),
            max_share: Percent::whole(50),
            goods: BTreeMap::new(),
            categories: BTreeMap::new(),
            tiers: BTreeMap::new(),
            excluded_goods: BTreeSet::new(),
            excluded_categories: BTreeSet::new(),
            respect_min_price: true,
            price_floors_kopecks: BTreeMap::new(),
            min_points: Points(1),
            min_receipt_kopecks: Kopecks::ZERO,
            keep_kopeck: true,
        }
    }
}

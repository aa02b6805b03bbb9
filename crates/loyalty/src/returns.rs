//! What a return gives back and takes back (§3.8).
//!
//! МойСклад says nothing of points in a return. What is due follows from the sale and from
//! everything returned so far, this return included: because the amounts are a function of the
//! whole, any split and any order of partial returns ends the same, and a full return gives back
//! and takes back exactly everything. `cashSum` and `noCashSum` of a return are not used: their unit
//! is uncertain (§8.1).

use crate::units::{Kopecks, Points, Quantity};

/// The sale a return belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Sale<'a> {
    /// Its positions, split ones included.
    pub lines: &'a [SaleLine],
    /// Points spent.
    pub spent: Points,
    /// Points earned.
    pub earned: Points,
}

/// A position of the sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleLine {
    /// Whatever names the good in sales and in returns alike (the assortment's id). Several
    /// positions may have the same key.
    pub key: String,
    /// Quantity sold.
    pub quantity: Quantity,
    /// Price of a unit before discounts.
    pub price: Kopecks,
    /// Price of a unit after all discounts and points.
    pub discounted_price: Kopecks,
}

/// How much of a good was returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnedLine {
    /// The key of the good, as in [`SaleLine::key`]. A good that was not in the sale counts
    /// nothing.
    pub key: String,
    /// Quantity returned. More than was sold counts as what was sold.
    pub quantity: Quantity,
}

/// Points restored to the customer and points taken back from him.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Spent points that come back, ≥ 0.
    pub restore: Points,
    /// Earned points that go, ≥ 0.
    pub claw_back: Points,
}

/// What is due in all after `returned` (all returns of the sale so far, this one included, in any
/// order and any number of entries a good).
pub fn due(sale: &Sale<'_>, returned: &[ReturnedLine]) -> Settlement {
    let _ = (sale, returned);
    Settlement::default()
}

/// What this return must do: what is due in all less what earlier returns did. Never negative.
pub fn settle(sale: &Sale<'_>, returned: &[ReturnedLine], earlier: Settlement) -> Settlement {
    let _ = (sale, returned);
    earlier
}

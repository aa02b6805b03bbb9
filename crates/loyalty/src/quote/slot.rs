//! What one line can take of a points discount.

use crate::units::{Kopecks, Quantity};

/// One line before points: which totals its unit price can lead to.
///
/// A unit price has whole kopecks, so the total of a line with quantity `q` moves in steps of about
/// `q` kopecks. Two kinds of lines can lose any number of kopecks: those of at most one unit, and
/// those of a whole number that may be split in two, `N − k` at `p` and `k` at `p − 0.01`. The others
/// are coarse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// Price of a unit before points.
    pub(super) unit: Kopecks,
    /// Quantity.
    pub(super) quantity: Quantity,
    /// Total before points.
    pub(super) net: i64,
    /// The most the line can lose; reachable.
    pub(super) cap: i64,
    /// Whether any number of kopecks up to the cap can be lost.
    pub(super) fine: bool,
}

impl Slot {
    /// A line that may lose up to `limit` kopecks. The limit must not lead below the floor.
    pub(super) fn new(
        unit: Kopecks,
        quantity: Quantity,
        net: Kopecks,
        may_split: bool,
        limit: i64,
    ) -> Self {
        let fine = quantity.0 <= 1_000 || (may_split && quantity.whole().is_some());
        let mut slot = Self {
            unit,
            quantity,
            net: net.0,
            cap: limit.clamp(0, net.0),
            fine,
        };
        slot.cap = slot.down(slot.cap);
        slot
    }

    /// The largest loss that can be reached and is not above `loss`.
    pub(super) fn down(&self, loss: i64) -> i64 {
        if self.fine || loss <= 0 {
            return loss.max(0);
        }
        // The lowest price whose total is not below what must stay.
        let stay = i128::from(self.net) - i128::from(loss);
        let q = i128::from(self.quantity.0);
        let price = ((stay * 1000 - 500).max(0) + q - 1) / q;
        self.loss_at(price)
    }

    /// The smallest loss that can be reached and is not below `loss`, within the cap.
    pub(super) fn up(&self, loss: i64) -> Option<i64> {
        let reached = if self.fine {
            loss
        } else {
            self.loss_at(i128::from(self.price_after(loss).0))
        };
        (loss <= self.cap && reached <= self.cap).then_some(reached)
    }

    /// The highest price of a unit whose total is at most `net − loss`; with a loss that can be
    /// reached without splitting the total is exactly that.
    pub(super) fn price_after(&self, loss: i64) -> Kopecks {
        let stay = i128::from(self.net) - i128::from(loss);
        if self.quantity.0 <= 0 || stay < 0 {
            return self.unit;
        }
        let price = (stay * 1000 + 499) / i128::from(self.quantity.0);
        Kopecks(i64::try_from(price).map_or(self.unit.0, |price| price.min(self.unit.0)))
    }

    /// What the line loses when a unit costs `price`.
    fn loss_at(&self, price: i128) -> i64 {
        let total = (price * i128::from(self.quantity.0) + 500) / 1000;
        i64::try_from(i128::from(self.net) - total)
            .unwrap_or(0)
            .max(0)
    }
}

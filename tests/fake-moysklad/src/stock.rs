//! Stock of goods in stores, in thousandths.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use crate::generate;
use crate::state::{Account, Body, Row};

/// What is there of one good in one store, in thousandths of its unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quantity {
    /// Physically there.
    pub stock: i64,
    /// Promised to customers.
    pub reserve: i64,
    /// Expected from suppliers.
    pub in_transit: i64,
}

impl Quantity {
    /// The value of one `stockType`.
    pub(crate) fn of(&self, kind: &str) -> Option<i64> {
        Some(match kind {
            "stock" => self.stock,
            "reserve" => self.reserve,
            "inTransit" => self.in_transit,
            "freeStock" => self.stock - self.reserve,
            "quantity" => self.stock - self.reserve + self.in_transit,
            _ => return None,
        })
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            stock: self.stock + other.stock,
            reserve: self.reserve + other.reserve,
            in_transit: self.in_transit + other.in_transit,
        }
    }
}

/// What was set, beside what follows from the account's shape.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    set: HashMap<(Uuid, Uuid), Quantity>,
    /// When a good's stock changed last, in milliseconds.
    pub(crate) changed: HashMap<Uuid, i64>,
    /// When stock webhooks were sent last.
    pub(crate) told: i64,
}

impl Stock {
    pub(crate) fn set(&mut self, good: Uuid, store: Uuid, quantity: Quantity, now: i64) {
        self.set.insert((good, store), quantity);
        self.changed.insert(good, now);
    }

    pub(crate) fn changed_since(&self, from: i64) -> bool {
        self.changed.values().any(|at| *at > from)
    }
}

impl Account {
    /// Sets the stock of a good in a store.
    pub(crate) fn set_stock(&mut self, good: Uuid, store: Uuid, quantity: Quantity, now: i64) {
        self.stock.set(good, store, quantity, now);
        self.touch();
    }

    /// The stock of a product or variant in a store.
    pub(crate) fn stock_in(&self, kind: &str, good: &Row, store: Uuid) -> Quantity {
        if let Some(quantity) = self.stock.set.get(&(good.id, store)) {
            return *quantity;
        }
        let place = self.rows("store").position(|row| row.id == store);
        match (&self.row(kind, good.id).map(|row| &row.body), place) {
            (Some(Body::Generated(index)), Some(place)) => {
                generate::stock(&self.shape, kind, *index, place)
            }
            _ => Quantity::default(),
        }
    }
}

/// Thousandths as a JSON number.
pub(crate) fn number(thousandths: i64) -> Value {
    if thousandths % 1000 == 0 {
        return Value::from(thousandths / 1000);
    }
    let sign = if thousandths < 0 { "-" } else { "" };
    let whole = thousandths.unsigned_abs();
    let text = format!("{sign}{}.{:03}", whole / 1000, whole % 1000);
    text.parse::<f64>().map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_decimals() {
        for (thousandths, text) in [
            (46_500, "46.5"),
            (-30_000, "-30"),
            (1, "0.001"),
            (-5, "-0.005"),
        ] {
            assert_eq!(number(thousandths).to_string(), text);
        }
    }
}

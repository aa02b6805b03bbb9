//! Orders over the native database, and their documents read back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod create;
mod documents;
mod exchange;
mod history;
mod samples;
mod store;
mod tree;

use std::path::PathBuf;

use futures::executor::block_on;
use sklad_orders::{
    Applied, Error, Incoming, Item, Kind, Order, OrderCounts, Pending, Stored, Who, apply, confirm,
    get, pending, upsert,
};
use sklad_store::Sql;
use sklad_store::native::NativeSql;

pub(crate) struct World {
    pub(crate) sql: NativeSql,
    dir: tempfile::TempDir,
}

pub(crate) fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    World { sql, dir }
}

impl World {
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("db")
    }

    pub(crate) fn put(&self, orders: &[Order], at: i64) -> Result<OrderCounts, Error> {
        block_on(upsert(&self.sql, "demo", Who::Api, orders, at))
    }

    pub(crate) fn counts(&self, orders: &[Order], at: i64) -> (usize, usize, usize) {
        let done = self.put(orders, at).unwrap();
        (done.created, done.changed, done.unchanged)
    }

    pub(crate) fn get(&self, key: &str) -> Option<Stored> {
        block_on(get(&self.sql, "demo", key)).unwrap()
    }

    pub(crate) fn pending(&self) -> Vec<Pending> {
        block_on(pending(&self.sql, "demo", usize::MAX)).unwrap()
    }

    pub(crate) fn pending_ids(&self) -> Vec<String> {
        self.pending().into_iter().map(|p| p.order.id).collect()
    }

    /// How many orders were marked.
    pub(crate) fn confirm(&self, tenant: &str, heard: &[Pending]) -> usize {
        let heard: Vec<_> = heard
            .iter()
            .map(|p| (p.order.id.as_str(), p.change))
            .collect();
        let rows = block_on(self.sql.atomic(vec![confirm(tenant, &heard)])).unwrap();
        rows[0].len()
    }

    pub(crate) fn apply(&self, incoming: &[Incoming], at: i64) -> Applied {
        block_on(apply(&self.sql, "demo", incoming, at)).unwrap()
    }
}

/// An order of one good for 100.00.
pub(crate) fn order(id: &str) -> Order {
    Order {
        id: id.to_owned(),
        number: format!("N-{id}"),
        moment: 1_613_058_321_000,
        currency: "RUB".to_owned(),
        rate: 10_000,
        sum_kopecks: 10_000,
        items: vec![item("good-1", 10_000, 1000)],
        ..Order::default()
    }
}

/// An item whose sum is price by quantity, rounded half up.
pub(crate) fn item(id: &str, price_kopecks: i64, quantity_thousandths: i64) -> Item {
    Item {
        id: id.to_owned(),
        name: format!("Товар {id}"),
        price_kopecks,
        quantity_thousandths,
        sum_kopecks: (price_kopecks * quantity_thousandths + 500) / 1000,
        kind: Kind::Good,
        ..Item::default()
    }
}

//! Things as a merchant sees and changes them in the back office, or a buyer at the counter: webhooks follow
//! as after every change. A kind is the resource's name in the API: `products`, `orders`, `collections`,
//! `clients`, `warehouses` …

use serde_json::Value;

use crate::Handle;
use crate::api::{Event, orders, write};
use crate::message::Problem;
use crate::order;
use crate::state::{Rights, Row, Store, plain};
use crate::view::{self, View};
use crate::webhooks;

/// Who changes orders by hand.
const MERCHANT: &str = "Администратор";

impl Handle {
    /// All things of a kind with those in the trash, as the API shows them.
    pub fn things(&self, shop: &str, kind: &str) -> Vec<Value> {
        let world = self.shared.world();
        let Some(store) = world.shop(shop) else {
            return Vec::new();
        };
        let ids: Vec<u64> = match kind {
            "products" => store.products.rows.keys().copied().collect(),
            "orders" => store.orders.rows.keys().copied().collect(),
            _ => store.table(kind).rows.keys().copied().collect(),
        };
        ids.into_iter()
            .filter_map(|id| shown(store, self.origin(), kind, id))
            .collect()
    }

    /// One thing.
    pub fn thing(&self, shop: &str, kind: &str, id: u64) -> Option<Value> {
        shown(self.shared.world().shop(shop)?, self.origin(), kind, id)
    }

    /// Makes a thing. A product takes the fields of the API; its `images` are file names, its options
    /// `option_name_ids` and a variant's `option_value_ids`.
    ///
    /// # Errors
    /// What the shop says.
    pub fn insert(&self, shop: &str, kind: &str, fields: &Value) -> Result<u64, String> {
        self.by_hand(shop, |store, now_ms, events| {
            let now = now_ms.div_euclid(1000);
            match kind {
                "products" => {
                    let id = write::create_product(store, fields, now)?;
                    events.push(Event::new("products/create", id));
                    Ok(id)
                }
                "orders" => orders::make(store, write::object(fields)?, now_ms, MERCHANT, events),
                _ => {
                    let id = write::put_plain(store, known(kind)?, None, fields, now)?;
                    if kind == "clients" {
                        events.push(Event::new("client/create", id));
                    }
                    Ok(id)
                }
            }
        })
    }

    /// Changes a thing; `null` clears a field.
    ///
    /// # Errors
    /// What the shop says.
    pub fn change(&self, shop: &str, kind: &str, id: u64, fields: &Value) -> Result<(), String> {
        self.by_hand(shop, |store, now_ms, events| {
            let now = now_ms.div_euclid(1000);
            match kind {
                "products" => write::change_product(store, id, fields, now)?,
                "orders" => orders::edit(store, id, write::object(fields)?, now_ms, MERCHANT)?,
                _ => {
                    write::put_plain(store, known(kind)?, Some(id), fields, now)?;
                }
            }
            events.extend(updated(kind).map(|topic| Event::new(topic, id)));
            Ok(())
        })
    }

    /// Puts a product or an order into the trash, where lists show it as `archived` if asked; anything else
    /// is gone.
    ///
    /// # Errors
    /// What the shop says.
    pub fn delete(&self, shop: &str, kind: &str, id: u64) -> Result<(), String> {
        self.by_hand(shop, |store, now_ms, events| {
            trash(store, kind, id, true, now_ms.div_euclid(1000))?;
            if kind == "orders" {
                events.push(Event::new("orders/destroy", id));
            }
            Ok(())
        })
    }

    /// Takes a product or an order out of the trash.
    ///
    /// # Errors
    /// What the shop says.
    pub fn restore(&self, shop: &str, kind: &str, id: u64) -> Result<(), String> {
        self.by_hand(shop, |store, now_ms, events| {
            trash(store, kind, id, false, now_ms.div_euclid(1000))?;
            events.extend(updated(kind).map(|topic| Event::new(topic, id)));
            Ok(())
        })
    }

    /// Takes a thing away for good: no list ever shows it again, and nothing tells of it.
    ///
    /// # Errors
    /// What the shop says.
    pub fn purge(&self, shop: &str, kind: &str, id: u64) -> Result<(), String> {
        self.by_hand(shop, |store, _, _| {
            let gone = match kind {
                "products" => store.products.remove(id).map(drop),
                "orders" => store.orders.remove(id).map(drop),
                _ => store.table_mut(known(kind)?).remove(id).map(drop),
            };
            gone.ok_or_else(Problem::missing)
        })
    }

    fn by_hand<R>(
        &self,
        shop: &str,
        act: impl FnOnce(&mut Store, i64, &mut Vec<Event>) -> Result<R, Problem>,
    ) -> Result<R, String> {
        let mut world = self.shared.world();
        let now_ms = world.now_ms();
        let store = world.shop_mut(shop).ok_or("no such shop")?;
        let mut events = Vec::new();
        let done = act(store, now_ms, &mut events).map_err(|problem| problem.text())?;
        webhooks::publish(&self.shared, store, &events);
        Ok(done)
    }
}

fn known(kind: &str) -> Result<&'static str, Problem> {
    plain(kind).ok_or_else(|| Problem::malformed(format!("no kind {kind}")))
}

fn updated(kind: &str) -> Option<&'static str> {
    match kind {
        "products" => Some("products/update"),
        "orders" => Some("orders/update"),
        "clients" => Some("client/update"),
        _ => None,
    }
}

fn trash(store: &mut Store, kind: &str, id: u64, archived: bool, now: i64) -> Result<(), Problem> {
    let done = match kind {
        "products" => store
            .products
            .change(id, now, |row| row.archived = archived),
        "orders" => store.orders.change(id, now, |row| row.archived = archived),
        _ => store.table_mut(known(kind)?).remove(id).map(drop),
    };
    done.ok_or_else(Problem::missing)
}

fn shown(store: &Store, origin: &str, kind: &str, id: u64) -> Option<Value> {
    match kind {
        "products" => {
            let rights = Rights::default();
            let product = View {
                store,
                origin,
                rights,
            }
            .product(id)?;
            serde_json::to_value(product).ok()
        }
        "orders" => Some(order::view(store, id, store.orders.get(id)?, false)),
        _ => store
            .table(kind)
            .get(id)
            .map(|row: &Row<_>| view::plain(id, row)),
    }
}

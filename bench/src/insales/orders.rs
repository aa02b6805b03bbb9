//! Orders over a link that fails: each is in the shop once, whatever was lost on the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use fake_insales::{Fault, Rule, Shape};
use serde_json::{Value, json};

use super::world::{CATALOGUE, DOMAIN, TENANT, World};
use crate::asked::{self, tick};
use crate::figures::Figures;
use crate::served::OPERATOR_TOKEN;

/// Orders that are made.
const ORDERS: usize = 200;
/// Products of the shop.
const PRODUCTS: u32 = 100;
/// So many of a hundred requests go wrong.
const PERCENT: u32 = 30;
/// What is drawn from.
const SEED: u64 = 20;
/// How long the shop is silent where it is, in milliseconds.
const SILENT_MS: u32 = 1_500;
/// An order that is made long after the connection has ended, in milliseconds: the shop's own time is 50 s.
const LATE_MS: u32 = 45_000;
/// How long a tick works, in milliseconds.
const TICK_MS: u32 = 5_000;
/// Longer than all of it takes.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// Makes orders while the link to the shop fails in every way, and looks what is in the shop in the end.
pub fn measure(dir: &Path, figures: &mut Figures) -> Result<()> {
    let world = World::start(dir, "orders", Shape::products(PRODUCTS))?;
    world.finish(CATALOGUE)?;
    world.pass_on_orders()?;
    let mut faults = Fault::every(SILENT_MS);
    faults.push(Fault::CommitLater { ms: LATE_MS });
    world
        .fake
        .fault(Rule::any_of(faults).percent(PERCENT, SEED).shop(DOMAIN));
    world.fake.reset_counts(DOMAIN);
    let offers = offers(&world)?;
    let begun = Instant::now();
    for (n, offer) in offers.iter().cycle().take(ORDERS).enumerate() {
        make(&world, n, offer)?;
    }
    let name = |what: &str| format!("insales.orders_{ORDERS}.{what}");
    figures.told(&name("made_seconds"), begun.elapsed().as_secs_f64(), "s");
    while !all_are_sent(&world)? {
        ensure!(begun.elapsed() < PATIENCE, "orders are still on their way");
        tick(&world.host.url, TICK_MS, true)?;
        std::thread::sleep(Duration::from_millis(100));
    }
    figures.told(&name("sent_seconds"), begun.elapsed().as_secs_f64(), "s");
    let count = world.fake.count(DOMAIN);
    figures.told(&name("requests"), count.granted as f64, "");
    figures.limited(&name("limit_exceeded"), count.exceeded as f64, "", 0.0);
    // What was asked for long ago could still appear.
    std::thread::sleep(Duration::from_millis(LATE_MS.into()));
    let there = there(&world);
    let twice: usize = there.values().map(|times| times - 1).sum();
    figures.limited(&name("lost"), (ORDERS - there.len()) as f64, "", 0.0);
    figures.limited(&name("twice"), twice as f64, "", 0.0);
    Ok(())
}

/// Goods of which there are always enough: those whose stock the shop does not count.
fn offers(world: &World) -> Result<Vec<Value>> {
    let uncounted = |product: &Value| {
        let variants = product.get("variants").and_then(Value::as_array)?;
        let [variant] = variants.as_slice() else {
            return None;
        };
        let quantity = variant.get("quantity")?;
        quantity.is_null().then(|| product.get("id"))?.cloned()
    };
    let theirs = world.fake.things(DOMAIN, "products");
    let theirs: Vec<String> = (theirs.iter().filter_map(uncounted))
        .map(|id| format!(":{id}"))
        .collect();
    let page = world.operate("GET", &format!("/{TENANT}/goods?limit=200"), &Value::Null)?;
    let goods = page.get("items").and_then(Value::as_array);
    let sold = goods.into_iter().flatten().filter(|good| {
        let external = good.get("external").and_then(Value::as_str);
        good.get("archived") == Some(&json!(false))
            && good.get("price_kopecks").and_then(Value::as_i64) > Some(0)
            && external.is_some_and(|external| theirs.iter().any(|id| external.ends_with(id)))
    });
    let ids: Vec<Value> = sold.filter_map(|good| good.get("id").cloned()).collect();
    ensure!(!ids.is_empty(), "nothing to sell");
    Ok(ids)
}

fn make(world: &World, n: usize, offer: &Value) -> Result<()> {
    let body = json!({
        "items": [{ "offer": offer, "quantity_thousandths": 1000 * (1 + n % 3) }],
        "customer": { "name": format!("Покупатель {n}"), "phone": format!("+7903{n:07}") },
        "payment": { "id": "cash" },
        "delivery": { "id": "pickup" },
    });
    let path = format!("/api/v1/tenants/{TENANT}/orders");
    let key = format!("cart-{n}");
    let keys = [("idempotency-key", key.as_str())];
    asked::call_with(&world.host.url, "POST", &path, OPERATOR_TOKEN, &keys, &body).map(drop)
}

fn all_are_sent(world: &World) -> Result<bool> {
    let sql = rusqlite::Connection::open(world.database())?;
    let sent: i64 = sql
        .query_row(
            "SELECT count(*) FROM order_pushes WHERE tenant = ?1 AND state = 'sent'",
            [TENANT],
            |row| row.get(0),
        )
        .context("order_pushes")?;
    Ok(usize::try_from(sent) == Ok(ORDERS))
}

/// How often each of our numbers is in the shop.
fn there(world: &World) -> BTreeMap<String, usize> {
    let mut numbers = BTreeMap::new();
    for order in world.fake.things(DOMAIN, "orders") {
        let number = order.pointer("/fields_values/0/value");
        let number = number.map_or_else(|| "none".to_owned(), Value::to_string);
        *numbers.entry(number).or_default() += 1;
    }
    numbers
}

//! Ten thousand webhooks in a minute, some of them doubled and out of order, while the tick handles them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use fake_moysklad::{Chaos, Outcome, Sent, Shape};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::world::{GOODS, TENANT, WEBHOOKS, World};
use super::{COMPONENT, mib};
use crate::asked::tick;
use crate::figures::Figures;

/// Changes in a minute.
const CHANGES: u32 = 10_000;
const MINUTE: Duration = Duration::from_secs(60);
/// Products that they are about.
const PRODUCTS: u32 = 2_000;
/// How long the last ones may take to be handled.
const PATIENCE: Duration = Duration::from_secs(300);

/// Sends them first while nobody handles them, then while the tick does.
pub fn measure(dir: &Path, figures: &mut Figures) -> Result<()> {
    eprintln!("bench: webhooks of МойСклад");
    let shape = Shape {
        products: PRODUCTS,
        ..Shape::goods(100)
    };
    let mut world = World::start(dir, "webhooks", shape)?;
    world.ask()?;
    world.finish(GOODS)?;
    world.finish(WEBHOOKS)?;
    let chaos = Chaos {
        duplicate_percent: 20,
        reorder_percent: 20,
        lose_percent: 0,
    };
    world.fake.set_chaos(world.account, chaos);
    let mut before = 0;
    for (what, ticking) in [("kept", false), ("while_handled", true)] {
        let over = AtomicBool::new(!ticking);
        let url = world.host.url.clone();
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let ticks = scope.spawn(|| {
                while !over.load(SeqCst) {
                    tick(&url, 5_000, false)?;
                }
                anyhow::Ok(())
            });
            let sent = change(&world, what);
            over.store(true, SeqCst);
            ticks.join().ok().context("the ticks have stopped")??;
            sent
        })?;
        let sent: Vec<Sent> = world.fake.webhooks(world.account).split_off(before);
        before += sent.len();
        told(what, &sent, figures)?;
        let handled = drain(&world)?;
        let name = format!("moysklad.webhooks.{what}");
        let seconds = begun.elapsed().saturating_sub(MINUTE).as_secs_f64();
        figures.told(&format!("{name}_all_handled_after_s"), seconds, "s");
        eprintln!("bench: {handled} were left to handle");
        ends_equal(&world)?;
    }
    let memory = mib(world.host.memory_peak("moysklad-webhooks")?);
    figures.limited("moysklad.webhooks.instance_memory_mib", memory, "MiB", 32.0);
    let memory = mib(world.host.memory_peak(COMPONENT)?);
    figures.limited("moysklad.webhooks.handling_memory_mib", memory, "MiB", 32.0);
    Ok(())
}

/// Changes products, spread over a minute, and waits until every webhook is delivered.
fn change(world: &World, word: &str) -> Result<()> {
    let begun = Instant::now();
    for n in 0..CHANGES {
        let due = MINUTE * n / CHANGES;
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let product = world.fake.id(world.account, "product", (n * 7) % PRODUCTS);
        let fields = json!({ "name": format!("Товар версии {word} {n}") });
        let changed = world.fake.update(world.account, "product", product, fields);
        changed.map_err(anyhow::Error::msg)?;
    }
    let arrived = world.fake.wait_for_webhooks(world.account, PATIENCE);
    ensure!(arrived, "webhooks are still on their way");
    Ok(())
}

fn told(what: &str, sent: &[Sent], figures: &mut Figures) -> Result<()> {
    let bad = sent.iter().filter(|one| one.outcome != Outcome::Delivered);
    let bad = bad.count();
    ensure!(bad == 0, "{bad} webhooks were not taken");
    ensure!(
        sent.len() >= CHANGES as usize,
        "only {} were sent",
        sent.len()
    );
    let mut took: Vec<u64> = sent.iter().map(|one| one.took_ms).collect();
    took.sort_unstable();
    let at = |permille: usize| {
        let place = (took.len() * permille / 1000).min(took.len() - 1);
        took.get(place).map_or(f64::NAN, |ms| *ms as f64)
    };
    let name = format!("moysklad.webhooks.{what}");
    figures.told(&format!("{name}_sent"), sent.len() as f64, "");
    figures.told(&format!("{name}_answer_p50_ms"), at(500), "ms");
    figures.limited(&format!("{name}_answer_p99_ms"), at(990), "ms", 100.0);
    figures.told(&format!("{name}_answer_worst_ms"), at(1000), "ms");
    Ok(())
}

/// Ticks until nothing is left; answers how much was.
fn drain(world: &World) -> Result<u64> {
    let begun = Instant::now();
    let (mut all, mut quiet) = (0, 0);
    while quiet < 2 {
        let counts = tick(&world.host.url, 10_000, true)?;
        let received = counts.get("received").and_then(Value::as_u64);
        let received = received.context("no count")?;
        all += received;
        quiet = if received == 0 { quiet + 1 } else { 0 };
        ensure!(begun.elapsed() < PATIENCE, "an inbox without end");
    }
    Ok(all)
}

/// That every product is called here as it is there.
fn ends_equal(world: &World) -> Result<()> {
    let sql = Connection::open(world.database())?;
    let mut statement = sql.prepare("SELECT ms_id, name FROM goods WHERE tenant = ?1")?;
    let rows = statement.query_map([TENANT], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let ours: BTreeMap<Option<String>, String> = rows.collect::<Result<_, _>>()?;
    for product in world.fake.objects(world.account, "product") {
        let text = |name: &str| product.get(name).and_then(Value::as_str);
        let id = text("id").map(str::to_owned);
        let name = ours.get(&id).map(String::as_str);
        ensure!(name == text("name"), "{product}: {name:?}");
    }
    Ok(())
}

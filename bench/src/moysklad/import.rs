//! Fifty thousand goods: how long they take, and whether an import that is killed ends as one that is not.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use fake_moysklad::Shape;

use super::world::{GOODS, TENANT, WEBHOOKS, World};
use super::{COMPONENT, mib};
use crate::figures::{Figures, Goal};
use crate::imported::{digest, kill_at};
use crate::process::processor_seconds;

/// Goods of every kind together.
const COUNT: u32 = 50_000;
/// Units that the vendor gives in an interval (moysklad-json-api.md §1.4).
const UNITS: f64 = 45.0;
/// The interval, in seconds.
const INTERVAL_S: f64 = 3.0;
/// What the vendor's limit alone allows, times this, is what an import may take.
const MOST: f64 = 1.15;
/// The host is killed when so many percent are done.
const KILLS: [u64; 5] = [8, 25, 45, 65, 85];

/// What is in the catalogue, without ids and times of ours.
const STATE: &str = "SELECT json_array(g.ms_id, g.external, g.kind, g.name, g.article, g.code, g.category, \
     g.price, g.min_price, g.discount_prohibited, g.tobacco, g.weighed, g.archived, g.unit, g.quantity, \
     g.categories, g.prices, g.stock, g.barcodes, p.ms_id) FROM goods g \
     LEFT JOIN goods p ON p.tenant = g.tenant AND p.id = g.parent WHERE g.tenant = ?1 ORDER BY g.ms_id";

/// Imports undisturbed, and killed again and again.
pub fn measure(dir: &Path, figures: &mut Figures) -> Result<()> {
    eprintln!("bench: import of {COUNT} goods from МойСклад");
    let calm = undisturbed(dir, figures)?;
    eprintln!("bench: the same, killed {} times", KILLS.len());
    let killed = killed(dir, figures)?;
    ensure!(calm == killed, "an import that was killed ended otherwise");
    Ok(())
}

fn undisturbed(dir: &Path, figures: &mut Figures) -> Result<String> {
    let mut world = World::start(dir, "calm", Shape::goods(COUNT))?;
    world.finish(WEBHOOKS)?;
    rest();
    world.fake.reset_counts(world.account);
    world.ask()?;
    let (begun, worked) = (Instant::now(), processor_seconds(world.host.id())?);
    world.finish(GOODS)?;
    let seconds = begun.elapsed().as_secs_f64();
    let worked = processor_seconds(world.host.id())? - worked;
    eprintln!("bench: {seconds:.1} s, of the processor {worked:.1} s");
    let name = |what: &str| format!("moysklad.import_{COUNT}.{what}");
    let count = world.fake.count(world.account);
    // The first interval's worth may be spent at once.
    let allowed = (count.units as f64 / UNITS - 1.0).max(0.0) * INTERVAL_S;
    let beside = Some((allowed, seconds / allowed));
    let goal = Some(Goal::RatioAtMost(MOST));
    figures.add(&name("seconds"), seconds, "s", beside, goal);
    figures.told(
        &name("goods_per_second"),
        f64::from(COUNT) / seconds,
        "goods/s",
    );
    figures.told(&name("processor_seconds"), worked, "s");
    figures.told(&name("requests"), count.granted as f64, "");
    let refused = count.refused_rate + count.refused_parallel + count.refused_off;
    figures.limited(&name("refused"), refused as f64, "", 0.0);
    let most = f64::from(count.max_units_in_window);
    figures.limited(&name("most_units_in_3_s"), most, "", UNITS);
    let memory = mib(world.host.memory_peak(COMPONENT)?);
    figures.limited(&name("instance_memory_mib"), memory, "MiB", 32.0);
    for (path, count) in world.fake.requests_by_path(world.account) {
        eprintln!("bench: {count} × {path}");
    }

    rest();
    world.ask()?;
    let begun = Instant::now();
    world.finish(GOODS)?;
    let again = begun.elapsed().as_secs_f64();
    figures.add(
        &name("unchanged_seconds"),
        again,
        "s",
        Some((seconds, again / seconds)),
        None,
    );
    state(&world)
}

/// Waits until the limit knows nothing of what was asked before.
fn rest() {
    std::thread::sleep(Duration::from_secs_f64(INTERVAL_S) * 2);
}

/// Imports while the host is killed at several places.
fn killed(dir: &Path, figures: &mut Figures) -> Result<String> {
    let mut world = World::start(dir, "killed", Shape::goods(COUNT))?;
    world.fake.reset_counts(world.account);
    world.ask()?;
    let begun = Instant::now();
    for percent in KILLS {
        let at = (world.host.url.clone(), percent);
        kill_at(&mut world, at, |w| w.job(GOODS), World::kill)?;
    }
    world.finish(GOODS)?;
    let seconds = begun.elapsed().as_secs_f64();
    figures.told("moysklad.import_killed.seconds", seconds, "s");
    let count = world.fake.count(world.account);
    let most = f64::from(count.max_units_in_window);
    figures.limited("moysklad.import_killed.most_units_in_3_s", most, "", UNITS);
    state(&world)
}

/// A digest of the catalogue.
fn state(world: &World) -> Result<String> {
    let (digest, count) = digest(&world.database(), STATE, TENANT, None)?;
    ensure!(count == COUNT, "{count} goods of {COUNT}");
    Ok(digest)
}

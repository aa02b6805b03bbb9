//! A shop on InSales connected: a whole import beside the pace that the shop's limit allows, what an unchanged
//! shop costs, whether an import that is killed ends as one that is not, and whether orders get there once. The
//! fake counts what it is asked.

mod orders;
mod world;

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use fake_insales::Shape;

use self::world::{CATALOGUE, DOMAIN, TENANT, World};
use crate::figures::{Figures, Goal};
use crate::imported::{digest, kill_at};
use crate::process::processor_seconds;

/// The component that imports.
const COMPONENT: &str = "sync";
/// Products of the shop.
const COUNT: u32 = 20_000;
/// Requests that the shop allows in an interval (insales.md §2).
const REQUESTS: f64 = 500.0;
/// The interval, in seconds.
const INTERVAL_S: f64 = 300.0;
/// What the shop's limit alone allows, times this, is what an import may take.
const MOST: f64 = 1.15;
/// The most requests that an unchanged shop may cost.
const UNCHANGED: f64 = 3.0;
/// The host is killed when so many percent are done.
const KILLS: [u64; 3] = [15, 45, 75];

/// What is in the catalogue, without ids and times of ours.
const STATE: &str = "SELECT json_array(g.external, g.kind, g.name, g.article, g.category, g.price, \
     g.archived, g.unit, g.quantity, g.categories, g.prices, g.stock, g.barcodes, p.external) FROM goods g \
     LEFT JOIN goods p ON p.tenant = g.tenant AND p.id = g.parent WHERE g.tenant = ?1 ORDER BY 1";

/// Measures everything about InSales.
pub fn measure(dir: &Path, figures: &mut Figures) -> Result<()> {
    let dir = &dir.join("insales");
    std::fs::create_dir_all(dir)?;
    std::fs::copy(dir.join("../spin.toml"), dir.join("spin.toml"))?;
    eprintln!("bench: import of {COUNT} products from InSales");
    let calm = undisturbed(dir, figures)?;
    eprintln!("bench: the same, killed {} times", KILLS.len());
    let killed = killed(dir, figures)?;
    ensure!(calm == killed, "an import that was killed ended otherwise");
    eprintln!("bench: orders over a link that fails");
    orders::measure(dir, figures)
}

fn undisturbed(dir: &Path, figures: &mut Figures) -> Result<String> {
    let mut world = World::start(dir, "calm", Shape::products(COUNT))?;
    world.fake.reset_counts(DOMAIN);
    let (begun, worked) = (Instant::now(), processor_seconds(world.host.id())?);
    world.finish(CATALOGUE)?;
    let seconds = begun.elapsed().as_secs_f64();
    let worked = processor_seconds(world.host.id())? - worked;
    let name = |what: &str| format!("insales.import_{COUNT}.{what}");
    let count = world.fake.count(DOMAIN);
    // Few enough requests may be spent at once; what is compared with is the pace that lasts.
    let allowed = count.granted as f64 / REQUESTS * INTERVAL_S;
    let beside = Some((allowed, seconds / allowed));
    figures.add(
        &name("seconds"),
        seconds,
        "s",
        beside,
        Some(Goal::RatioAtMost(MOST)),
    );
    figures.told(&name("processor_seconds"), worked, "s");
    figures.told(&name("requests"), count.granted as f64, "");
    let refused = (count.refused + count.exceeded) as f64;
    figures.limited(&name("refused"), refused, "", 0.0);
    let memory = world.host.memory_peak(COMPONENT)? as f64 / f64::from(1 << 20);
    figures.limited(&name("instance_memory_mib"), memory, "MiB", 32.0);
    for (path, count) in world.fake.requests_by_path(DOMAIN) {
        eprintln!("bench: {count} × {path}");
    }
    world.fake.reset_counts(DOMAIN);
    world.ask()?;
    let begun = Instant::now();
    world.finish(CATALOGUE)?;
    figures.told(
        &name("unchanged_seconds"),
        begun.elapsed().as_secs_f64(),
        "s",
    );
    let asked = world.fake.count(DOMAIN).granted as f64;
    figures.limited(&name("unchanged_requests"), asked, "", UNCHANGED);
    state(&world)
}

/// Imports while the host is killed at several places.
fn killed(dir: &Path, figures: &mut Figures) -> Result<String> {
    let mut world = World::start(dir, "killed", Shape::products(COUNT))?;
    world.fake.reset_counts(DOMAIN);
    let begun = Instant::now();
    for percent in KILLS {
        let at = (world.host.url.clone(), percent);
        kill_at(&mut world, at, |w| w.job(CATALOGUE), World::kill)?;
    }
    world.finish(CATALOGUE)?;
    let seconds = begun.elapsed().as_secs_f64();
    figures.told("insales.import_killed.seconds", seconds, "s");
    let exceeded = world.fake.count(DOMAIN).exceeded as f64;
    figures.limited("insales.import_killed.limit_exceeded", exceeded, "", 0.0);
    state(&world)
}

/// A digest of the catalogue.
fn state(world: &World) -> Result<String> {
    let (digest, count) = digest(&world.database(), STATE, TENANT, Some(&world.connection))?;
    ensure!(count >= COUNT, "{count} goods of {COUNT}");
    Ok(digest)
}

//! The exchange over CommerceML: reading files beside a bare scan and a peer, whole imports, and sales
//! while one goes on.

mod client;
mod files;
mod import;
mod parse;
mod peer;
mod sales;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use self::files::Files;
use self::import::Exchange;
use self::peer::{Peer, Told};
use self::sales::Pace;
use crate::Cli;
use crate::figures::{Figures, Goal};
use crate::load::{self, Load};
use crate::process::{Process, memory_kib};
use crate::seed::State;
use crate::shop;
use crate::till::Operation;

/// The sizes of files: name and million bytes of import and offers together.
const SIZES: [(&str, u64); 3] = [("1_mb", 1), ("10_mb", 10), ("100_mb", 100)];
/// Offers of the largest import, during which it is sold.
const OFFERS: u32 = 100_000;
/// Sales while an import goes on are this part of what saturates.
const MODERATE: f64 = 0.1;
/// How long is sold without an import.
const IDLE: Duration = Duration::from_secs(10);
/// The same memory for files of every size: what allocation leaves to chance is allowed.
const SAME: f64 = 1.1;

/// Measures everything about the exchange.
pub fn measure(
    cli: &Cli,
    root: &Path,
    dir: &Path,
    seeded: &State,
    figures: &mut Figures,
) -> Result<()> {
    let folder = dir.join("commerceml");
    let peer = Peer::install(root, &dir.join("peer"))?;
    let state = seeded.copy(&dir.join("exchange"))?;
    let mut host = Process::start(&[Path::new("host"), &dir.join("spin.toml"), &state.dir])?;
    let files = prepare(&folder)?;
    let mut told: Vec<Option<Told>> = Vec::new();
    for files in &files {
        let peer = peer.as_ref();
        told.push(parse::measure(files, &host, peer, cli.rounds, figures)?);
    }
    imports(
        &folder, &files, &told, cli.rounds, &mut host, &state, figures,
    )?;
    during_imports(cli, dir, &mut host, &state, figures)?;
    let kib = memory_kib(host.id(), "VmHWM")?;
    figures.told("commerceml.host_peak_mib", kib as f64 / 1024.0, "MiB");
    Ok(())
}

/// The files of every size.
fn prepare(folder: &Path) -> Result<Vec<Files>> {
    eprintln!("bench: files");
    let one = |(name, megabytes)| {
        let shape = files::of_megabytes(megabytes)?;
        files::prepare(folder, name, &shape)
    };
    SIZES.into_iter().map(one).collect()
}

/// Imports files of every size, and the largest of them once more with changes.
fn imports(
    folder: &Path,
    sizes: &[Files],
    told: &[Option<Told>],
    rounds: usize,
    host: &mut Process,
    state: &State,
    figures: &mut Figures,
) -> Result<()> {
    let state = &state.dir;
    let mut exchange = Exchange { host, state };
    let mut memory = Vec::new();
    let mut last = None;
    for (files, told) in sizes.iter().zip(told) {
        let first = exchange.measure(files, *told, rounds, figures)?;
        memory.push(exchange.memory_mib()?);
        last = Some((files, first));
    }
    if let (Some(small), Some(large)) = (memory.first(), memory.last()) {
        let beside = Some((*small, large / small));
        let goal = Some(Goal::RatioAtMost(SAME));
        let name = "commerceml.instance_memory_100_mb_vs_1_mb";
        figures.add(name, *large, "MiB", beside, goal);
    }
    if let (Some((files, first)), Some((_, megabytes))) = (last, SIZES.last()) {
        let shape = files::changed(&files::of_megabytes(*megabytes)?);
        let changed = files::prepare(folder, "100_mb_changed", &shape)?;
        exchange.measure_changed(files, &changed, first, figures)?;
    }
    Ok(())
}

/// Sells in the shop while another tenant, and then the shop itself, imports a hundred thousand offers.
fn during_imports(
    cli: &Cli,
    dir: &Path,
    host: &mut Process,
    state: &State,
    figures: &mut Figures,
) -> Result<()> {
    eprintln!("bench: sales during an import");
    let files = files::prepare(
        &dir.join("commerceml"),
        "100000_offers",
        &files::of_offers(OFFERS),
    )?;
    let pace = Pace {
        url: host.url.clone(),
        key: state.key.clone(),
        per_second: saturated(cli, dir, host, &state.key)? * MODERATE,
    };
    let name = |what: &str| format!("commerceml.sale_during_import.{what}");
    figures.told(&name("sales_per_second"), pace.per_second, "sales/s");
    pace.during(Duration::from_secs(1))?;
    let idle = pace.during(IDLE)?;
    figures.told(&name("idle_p50_ms"), idle.permille_ms(500), "ms");
    let other = "import-100000-offers";
    client::create_tenant(&host.url, other)?;
    client::create_employee(&host.url, other)?;
    client::create_employee(&host.url, shop::TENANT)?;
    for (whose, slug) in [("other_tenant", other), ("same_tenant", shop::TENANT)] {
        let state = &state.dir;
        let mut exchange = Exchange { host, state };
        let (spent, waits) = pace.beside(|| exchange.import(slug, &files))?;
        let (idle_p99, p99) = (idle.permille_ms(990), waits.permille_ms(990));
        let beside = Some((idle_p99, p99 / idle_p99));
        let goal = Some(Goal::RatioAtMost(3.0));
        figures.add(&name(&format!("{whose}_p99_ms")), p99, "ms", beside, goal);
        let mut told = |what: &str, value, unit| {
            figures.told(&name(&format!("{whose}_{what}")), value, unit);
        };
        told("p50_ms", waits.permille_ms(500), "ms");
        told("worst_ms", waits.permille_ms(1000), "ms");
        told("sales", waits.count() as f64, "");
        told("import_s", spent.seconds(), "s");
        told(
            "import_rows_per_second",
            files.rows() as f64 / spent.seconds(),
            "rows/s",
        );
    }
    Ok(())
}

/// Sales a second that saturate the host.
fn saturated(cli: &Cli, dir: &Path, host: &Process, key: &str) -> Result<f64> {
    let script = dir.join("sale-before-import.lua");
    load::script(&script, &Operation::Sale.calls(1024), key)?;
    let load = Load {
        url: host.url.clone(),
        script,
        connections: cli.connections,
        pause_ms: 0,
    };
    load.run(1)?;
    Ok(load.run(cli.seconds)?.per_second)
}

//! `make bench`: measures the till's calls beside an empty component on the same host and beside
//! the same code in a native program, the import of CommerceML beside a bare scan of the same files and a
//! parser of others, the imports from МойСклад and InSales beside what their limits allow; prints a table and
//! writes `target/bench/summary.json`.
//!
//! Missed targets are told, not failed on. The program fails when something could not be measured,
//! or when an answer under load was not a success.

#![allow(clippy::float_arithmetic, reason = "figures about time, not money")]

mod asked;
mod bulk;
mod commerceml;
mod cost;
mod figures;
mod imported;
mod insales;
mod kv;
mod load;
mod moysklad;
mod plan;
mod process;
mod seed;
mod served;
mod shop;
mod till;
mod twin;
mod verify;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};

use crate::figures::Figures;
use crate::plan::Plan;
use crate::process::Process;
use crate::seed::State;

/// Measures the application.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Seconds of one run of the load tool.
    #[arg(long, env = "BENCH_SECONDS", default_value_t = 3)]
    seconds: u64,
    /// How often each comparison is repeated, its sides in turn.
    #[arg(long, env = "BENCH_ROUNDS", default_value_t = 3)]
    rounds: usize,
    /// Connections that saturate.
    #[arg(long, env = "BENCH_CONNECTIONS", default_value_t = 16)]
    connections: u32,
    /// Measures this part alone.
    #[arg(long, env = "BENCH_ONLY")]
    only: Option<Part>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The till's calls.
    Loyalty,
    /// The import of CommerceML.
    Commerceml,
    /// The import from МойСклад, and its webhooks.
    Moysklad,
    /// The import from InSales.
    Insales,
}

/// The programs under load, which `make bench` starts by itself.
#[derive(Debug, Subcommand)]
enum Command {
    /// The embedded host.
    Host {
        manifest: PathBuf,
        state: PathBuf,
        /// Where it listens.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
        /// More variables: name=value.
        #[arg(long = "variable")]
        variables: Vec<String>,
    },
    /// The native program.
    Twin { state: PathBuf },
    /// Fills a state folder with the measured shop, or finds it, and tells where it is.
    Seed,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("no workspace")?;
    let dir = root.join("target/bench");
    std::fs::create_dir_all(&dir)?;
    match cli.command {
        Some(Command::Host {
            manifest,
            state,
            listen,
            variables,
        }) => served::run(&manifest, &state, &listen, &variables),
        Some(Command::Twin { state }) => twin::run(&state),
        Some(Command::Seed) => {
            println!("{}", State::prepare(&dir)?.dir.display());
            Ok(())
        }
        None => measure(&cli, root, &dir),
    }
}

fn measure(cli: &Cli, root: &Path, dir: &Path) -> Result<()> {
    load::install()?;
    served::write_manifest(root, &dir.join("spin.toml"))?;
    let mut figures = Figures::default();
    eprintln!("bench: load average before: {}", load_average());
    let wanted = |part| cli.only.is_none_or(|only| only == part);
    if wanted(Part::Loyalty) {
        loyalty(cli, dir, &State::prepare(dir)?, &mut figures)?;
    }
    if wanted(Part::Commerceml) {
        commerceml::measure(cli, root, dir, &State::prepare(dir)?, &mut figures)?;
    }
    if wanted(Part::Moysklad) {
        moysklad::measure(dir, &mut figures)?;
    }
    if wanted(Part::Insales) {
        insales::measure(dir, &mut figures)?;
    }
    eprintln!("bench: load average after: {}", load_average());
    sizes(root, &wanted, &mut figures)?;
    figures.print();
    figures.write(&dir.join("summary.json"))?;
    println!("\ntarget/bench/summary.json");
    Ok(())
}

/// The till's calls.
fn loyalty(cli: &Cli, dir: &Path, seeded: &State, figures: &mut Figures) -> Result<()> {
    let ours = seeded.copy(&dir.join("host"))?;
    let theirs = seeded.copy(&dir.join("twin"))?;
    let sold_before = verify::count_sales(&ours.dir)?;
    let host = Process::start(&[Path::new("host"), &dir.join("spin.toml"), &ours.dir])?;
    let twin = Process::start(&[Path::new("twin"), &theirs.dir])?;
    verify::answers(&host.url, &twin.url, &seeded.key)?;
    let mut plan = Plan::new(cli, dir, &seeded.key, host, twin)?;
    plan.run(figures)?;
    let sold = plan.sold();
    drop(plan);
    verify::sales(&ours.dir, sold_before, sold)?;
    cost::count(&theirs, figures)
}

/// The sizes of the components that belong to the measured parts.
fn sizes(root: &Path, wanted: &dyn Fn(Part) -> bool, figures: &mut Figures) -> Result<()> {
    for (name, bytes) in served::sizes(root)? {
        let (part, prefix) = match name.as_str() {
            "commerceml-exchange" | "pictures" => (Part::Commerceml, "commerceml"),
            "cabinet-insales" | "insales-webhooks" => (Part::Insales, "insales"),
            "sync" | "moysklad-vendor" | "moysklad-webhooks" => (Part::Moysklad, "moysklad"),
            _ => (Part::Loyalty, "loyalty"),
        };
        if wanted(part) {
            let kilobytes = f64::from(u32::try_from(bytes)?) / 1000.0;
            let name = format!("{prefix}.component_size_kb.{name}");
            match part {
                // No cashier waits for these.
                Part::Moysklad => figures.told(&name, kilobytes, "kB"),
                _ => figures.limited(&name, kilobytes, "kB", 700.0),
            }
        }
    }
    Ok(())
}

/// How busy the machine is, with the bench itself.
fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let averages: Vec<_> = text.split_whitespace().take(3).collect();
    format!("{} on {cores} cores", averages.join(" "))
}

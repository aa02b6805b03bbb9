//! What is run, in which order.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::Cli;
use crate::figures::{Figures, Goal, median};
use crate::load::{self, Load, Outcome};
use crate::process::{Process, memory_kib};
use crate::till::Operation;

/// The calls of an operation that are sent in turn.
const CALLS: u64 = 4096;
/// Large receipts are fewer: each has hundreds of kilobytes.
const LARGE_CALLS: u64 = 32;
/// Connections with which the host's memory is looked at.
const MEMORY_CONNECTIONS: u32 = 64;
/// How often memory is looked at.
const MEMORY_EVERY: Duration = Duration::from_millis(50);
/// How close to half of the saturated throughput the load for the latency must come.
const HALF: std::ops::Range<f64> = 0.4..0.55;
/// How often the pause that gives it is looked for.
const HALF_ATTEMPTS: u32 = 5;
/// The measured operations.
const OPERATIONS: [Operation; 3] = [Operation::Search, Operation::Recalc(10), Operation::Sale];

/// The programs under load, and how they are loaded.
pub struct Plan {
    host: Process,
    twin: Process,
    dir: PathBuf,
    seconds: u64,
    rounds: usize,
    connections: u32,
    sold: u64,
}

/// Outcomes of one side, round by round.
type Side = Vec<Outcome>;

impl Plan {
    /// Writes the scripts.
    pub fn new(cli: &Cli, dir: &Path, key: &str, host: Process, twin: Process) -> Result<Self> {
        let plan = Self {
            host,
            twin,
            dir: dir.to_owned(),
            seconds: cli.seconds,
            rounds: cli.rounds,
            connections: cli.connections,
            sold: 0,
        };
        for operation in [Operation::Empty, Operation::Mixed]
            .into_iter()
            .chain(OPERATIONS)
        {
            load::script(&plan.script(operation), &operation.calls(CALLS), key)?;
        }
        for operation in [Operation::Recalc(50), Operation::Recalc(500)] {
            load::script(&plan.script(operation), &operation.calls(LARGE_CALLS), key)?;
        }
        Ok(plan)
    }

    /// Runs everything.
    pub fn run(&mut self, figures: &mut Figures) -> Result<()> {
        for operation in OPERATIONS {
            let saturated = self.throughput(operation, figures)?;
            self.half_load(operation, saturated, figures)?;
        }
        self.receipts(figures)?;
        self.memory(figures)?;
        self.host_counters(figures)
    }

    /// Sales that the host answered, at least.
    pub fn sold(&self) -> u64 {
        self.sold
    }

    fn script(&self, operation: Operation) -> PathBuf {
        let name = match operation {
            Operation::Recalc(positions) => format!("recalc-{positions}.lua"),
            other => format!("{}.lua", other.name()),
        };
        self.dir.join(name)
    }

    fn load(&self, url: &str, operation: Operation) -> Load {
        Load {
            url: url.to_owned(),
            script: self.script(operation),
            connections: self.connections,
            pause_ms: 0,
        }
    }

    /// Runs the sides in turn, after a second for each to warm up.
    fn rounds<const N: usize>(&self, loads: [&Load; N]) -> Result<[Side; N]> {
        let mut sides = [const { Vec::new() }; N];
        for load in loads {
            load.run(1)?;
        }
        for _ in 0..self.rounds {
            for (load, side) in loads.iter().zip(&mut sides) {
                side.push(load.run(self.seconds)?);
            }
        }
        Ok(sides)
    }

    /// The operation beside the empty component and the native program. Answers the throughput.
    fn throughput(&mut self, operation: Operation, figures: &mut Figures) -> Result<f64> {
        let name = operation.name();
        eprintln!("bench: {name}");
        let ours = self.load(&self.host.url, operation);
        let empty = self.load(&self.host.url, Operation::Empty);
        let theirs = self.load(&self.twin.url, operation);
        let [ours, empty, theirs] = self.rounds([&ours, &empty, &theirs])?;
        if operation == Operation::Sale {
            self.sold += ours.iter().map(|o| o.requests).sum::<u64>();
        }
        let (vs_empty, vs_native) = match operation {
            Operation::Sale => (None, Some(Goal::RatioAtLeast(0.5))),
            _ => (Some(Goal::RatioAtLeast(0.35)), None),
        };
        let per_second = median(ours.iter().map(|o| o.per_second));
        let mut beside = |against: &str, other: &Side, goal| {
            let ratio = median(
                ours.iter()
                    .zip(other)
                    .map(|(a, b)| a.per_second / b.per_second),
            );
            let baseline = median(other.iter().map(|o| o.per_second));
            let name = format!("loyalty.{name}.throughput_vs_{against}");
            figures.add(
                &name,
                per_second,
                "requests/s",
                Some((baseline, ratio)),
                goal,
            );
        };
        beside("empty", &empty, vs_empty);
        beside("native", &theirs, vs_native);
        latency(
            figures,
            &format!("loyalty.{name}.p50_ms"),
            &ours,
            &theirs,
            |o| o.p50_ms,
            None,
        );
        latency(
            figures,
            &format!("loyalty.{name}.p99_ms"),
            &ours,
            &theirs,
            |o| o.p99_ms,
            None,
        );
        Ok(per_second)
    }

    /// Latency with about half of the saturated throughput: the same connections, each of which
    /// rests after an answer. The native program beside it, under the same calls, tells what of that is
    /// the disk.
    fn half_load(
        &mut self,
        operation: Operation,
        saturated: f64,
        figures: &mut Figures,
    ) -> Result<()> {
        let mut load = self.load(&self.host.url, operation);
        let cycle = f64::from(load.connections) * 1000.0 / (saturated / 2.0);
        let mut pause = (cycle * 0.8).max(1.0);
        for _ in 0..HALF_ATTEMPTS {
            load.pause_ms = whole(pause);
            let outcome = load.run(1)?;
            let share = outcome.per_second / saturated;
            if HALF.contains(&share) {
                break;
            }
            // What is not pause is the answer's own time.
            let now = f64::from(load.connections) * 1000.0 / outcome.per_second;
            pause = (pause + cycle - now).max(1.0);
        }
        let native = Load {
            url: self.twin.url.clone(),
            ..load.clone()
        };
        let [ours, theirs] = self.rounds([&load, &native])?;
        if operation == Operation::Sale {
            self.sold += ours.iter().map(|o| o.requests).sum::<u64>();
        }
        let name = operation.name();
        let share = median(ours.iter().map(|o| o.per_second)) / saturated;
        figures.told(&format!("loyalty.{name}.half_load_share"), share, "");
        let p50 = format!("loyalty.{name}.p50_half_load_ms");
        latency(figures, &p50, &ours, &theirs, |o| o.p50_ms, None);
        let p99 = format!("loyalty.{name}.p99_half_load_ms");
        let goal = Some(Goal::AtMost(25.0));
        latency(figures, &p99, &ours, &theirs, |o| o.p99_ms, goal);
        Ok(())
    }

    /// What a receipt of 500 positions costs beside one of 50, on one connection.
    fn receipts(&self, figures: &mut Figures) -> Result<()> {
        eprintln!("bench: large receipts");
        let alone = |positions| Load {
            connections: 1,
            ..self.load(&self.host.url, Operation::Recalc(positions))
        };
        let [large, small] = self.rounds([&alone(500), &alone(50)])?;
        let ratio = median(large.iter().zip(&small).map(|(l, s)| l.p50_ms / s.p50_ms));
        let p50 = |side: &Side| median(side.iter().map(|o| o.p50_ms));
        let beside = Some((p50(&small), ratio));
        let goal = Some(Goal::RatioAtMost(12.0));
        figures.add(
            "loyalty.recalc.positions_500_vs_50",
            p50(&large),
            "ms",
            beside,
            goal,
        );
        Ok(())
    }

    /// Memory of the host while 64 connections do everything, and of the largest instance.
    fn memory(&mut self, figures: &mut Figures) -> Result<()> {
        eprintln!("bench: memory");
        let load = Load {
            connections: MEMORY_CONNECTIONS,
            ..self.load(&self.host.url, Operation::Mixed)
        };
        let large = self.load(&self.host.url, Operation::Recalc(500));
        let seconds = self.seconds;
        let running = thread::spawn(move || load.run(seconds));
        let mut peak = 0;
        while !running.is_finished() {
            peak = peak.max(memory_kib(self.host.id(), "VmRSS")?);
            thread::sleep(MEMORY_EVERY);
        }
        running
            .join()
            .map_err(|_| anyhow::anyhow!("the load broke off"))??;
        figures.limited(
            "loyalty.host_rss_64_connections_mib",
            kib(peak),
            "MiB",
            300.0,
        );
        let instance = |host: &mut Process| host.metric("instance_memory_peak");
        let usual = instance(&mut self.host)?;
        figures.limited(
            "loyalty.instance_memory_mib",
            kib(usual / 1024),
            "MiB",
            16.0,
        );
        large.run(1)?;
        let with_large = instance(&mut self.host)?;
        figures.told(
            "loyalty.instance_memory_large_receipts_mib",
            kib(with_large / 1024),
            "MiB",
        );
        Ok(())
    }

    /// What the host counted over the whole run.
    fn host_counters(&mut self, figures: &mut Figures) -> Result<()> {
        let answers = self.host.metric("answers")?;
        let mut each = |figure: &str, counter: &str| -> Result<()> {
            let count = self.host.metric(counter)?;
            figures.told(figure, count as f64 / answers as f64, "");
            Ok(())
        };
        each("loyalty.host.socket_writes_per_answer", "socket_writes")?;
        each("loyalty.host.late_bodies_per_answer", "late_bodies")?;
        each("loyalty.host.instances_per_answer", "instances_started")?;
        each("loyalty.host.traps_per_answer", "traps")
    }
}

fn latency(
    figures: &mut Figures,
    name: &str,
    ours: &Side,
    theirs: &Side,
    of: fn(&Outcome) -> f64,
    goal: Option<Goal>,
) {
    let ratio = median(ours.iter().zip(theirs).map(|(a, b)| of(a) / of(b)));
    let beside = Some((median(theirs.iter().map(of)), ratio));
    figures.add(name, median(ours.iter().map(of)), "ms", beside, goal);
}

/// Milliseconds for wrk, which knows whole ones.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at least one, at most seconds"
)]
fn whole(pause: f64) -> u32 {
    pause.round() as u32
}

/// KiB as MiB.
fn kib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

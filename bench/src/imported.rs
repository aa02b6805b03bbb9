//! What the parts about imports have in common: an application in a process of its own that can be killed, how
//! far an import is, and what it has made.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::asked::tick;
use crate::process::Process;
use crate::seed::DATABASE;

/// How long a tick is asked to work, in milliseconds.
const TICK_MS: u32 = 20_000;
/// How long a killed import may stand still.
const STANDSTILL: Duration = Duration::from_secs(180);
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// Where an application runs: a free address, and a folder that was emptied.
pub struct Place {
    pub listen: String,
    manifest: PathBuf,
    state: PathBuf,
}

impl Place {
    /// A place below `dir`, where the manifest is.
    pub fn of(dir: &Path, name: &str) -> Result<Self> {
        let free = TcpListener::bind("127.0.0.1:0")?;
        let listen = free.local_addr()?.to_string();
        let state = dir.join(name);
        let _ = std::fs::remove_dir_all(&state);
        std::fs::create_dir_all(&state)?;
        let manifest = dir.join("spin.toml");
        Ok(Self {
            listen,
            manifest,
            state,
        })
    }

    /// Starts the application there with variables, each `name=value`.
    pub fn up(&self, variables: &[String]) -> Result<Process> {
        let mut arguments: Vec<&Path> = vec![Path::new("host"), &self.manifest, &self.state];
        arguments.extend([Path::new("--listen"), Path::new(&self.listen)]);
        for variable in variables {
            arguments.extend([Path::new("--variable"), Path::new(variable)]);
        }
        Process::start(&arguments)
    }

    /// The application's database.
    pub fn database(&self) -> PathBuf {
        self.state.join(DATABASE)
    }
}

/// Ticks until the run of a job that was asked for has ended well; `job` says how it stands.
pub fn finish(url: &str, job: impl Fn() -> Result<Value>) -> Result<()> {
    let begun = Instant::now();
    loop {
        tick(url, TICK_MS, true)?;
        let line = job()?;
        let is = |name: &str, value: Value| line.get(name) == Some(&value);
        if is("run_at", Value::Null) && is("last_result", json!("ok")) {
            return Ok(());
        }
        ensure!(!is("state", json!("dead")), "{line}");
        ensure!(begun.elapsed() < PATIENCE, "{line}");
    }
}

/// Lets the application tick until so much of a job is done, then kills it with `kill`.
pub fn kill_at<W>(
    world: &mut W,
    (url, percent): (String, u64),
    job: impl Fn(&W) -> Result<Value>,
    kill: impl FnOnce(&mut W) -> Result<()>,
) -> Result<()> {
    let ticking = std::thread::spawn(move || while tick(&url, TICK_MS, false).is_ok() {});
    let moved = wait_for(percent, || job(world));
    kill(world)?;
    ticking.join().ok().context("the ticks have stopped")?;
    moved
}

fn wait_for(percent: u64, job: impl Fn() -> Result<Value>) -> Result<()> {
    let begun = Instant::now();
    loop {
        let line = job()?;
        let number = |name: &str| line.get(name).and_then(Value::as_u64);
        ensure!(
            line.get("last_result") == Some(&Value::Null),
            "the import has ended before it was killed: {line}"
        );
        if let (Some(done), Some(total)) = (number("done"), number("total"))
            && total > 0
            && done * 100 >= total * percent
        {
            return Ok(());
        }
        ensure!(begun.elapsed() < STANDSTILL, "{line}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A digest of the rows of a statement about a tenant, in which `drawn` is an id that differs from one
/// application to the other, and how many there are.
pub fn digest(
    database: &Path,
    statement: &str,
    tenant: &str,
    drawn: Option<&str>,
) -> Result<(String, u32)> {
    let sql = Connection::open(database)?;
    let mut statement = sql.prepare(statement)?;
    let mut rows = statement.query([tenant])?;
    let (mut digest, mut count) = (Sha256::new(), 0_u32);
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        match drawn {
            Some(drawn) => digest.update(text.replace(drawn, "")),
            None => digest.update(text),
        }
        digest.update([0]);
        count += 1;
    }
    Ok((hex::encode(digest.finalize()), count))
}

//! Load by wrk: scripts with the requests in them, and what a run gives.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::till::{Call, UNIQUE};

/// What every script ends with. A call in parts has a number between them that no other has; a
/// pause, when one is asked for, comes after each answer.
const TAIL: &str = r#"
local at, sent, run = 0, 0, "0000"

function init(args)
  math.randomseed(os.time())
  at = math.random(#calls)
  run = args[1]
  local pause = tonumber(args[2])
  if pause > 0 then
    delay = function() return math.random(0, 2 * pause) end
  end
end

function request()
  at = at % #calls + 1
  local call = calls[at]
  if #call == 1 then return call[1] end
  sent = sent + 1
  return table.concat(call, string.format("%s%08x", run, sent))
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
"#;

/// Numbers the runs, so that no document comes twice.
static RUN: AtomicU16 = AtomicU16::new(1);

/// A number of four hexadecimal digits that no other run has.
pub fn next_run() -> String {
    format!("{:04x}", RUN.fetch_add(1, Relaxed))
}

/// Finds wrk, or installs it where that is possible.
pub fn install() -> Result<()> {
    let there = || Command::new("wrk").arg("-v").output().is_ok();
    if there() {
        return Ok(());
    }
    eprintln!("bench: installing wrk");
    let apt = |arguments: &[&str]| Command::new("apt-get").args(arguments).status();
    let _ = apt(&["update", "-qq"]);
    let _ = apt(&["install", "-y", "-qq", "--no-install-recommends", "wrk"]);
    ensure!(
        there(),
        "wrk is missing: apt-get install wrk, or https://github.com/wg/wrk"
    );
    Ok(())
}

/// Writes the script that sends these calls in turn.
pub fn script(file: &Path, calls: &[Call], key: &str) -> Result<()> {
    let mut text = String::from("local calls = {\n");
    for call in calls {
        text.push('{');
        for part in call.on_the_wire(key).split(UNIQUE) {
            let _ = write!(text, "\"{}\",", escaped(part));
        }
        text.push_str("},\n");
    }
    text.push_str("}\n");
    fs::write(file, text + TAIL).with_context(|| file.display().to_string())
}

/// A string as Lua reads it.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, byte| {
        let _ = match byte {
            b'"' | b'\\' | 0..=31 | 127..=255 => write!(text, "\\{byte:03}"),
            plain => write!(text, "{}", char::from(plain)),
        };
        text
    })
}

/// How a program is loaded.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where it listens.
    pub url: String,
    /// What is sent.
    pub script: PathBuf,
    /// Connections that are kept alive.
    pub connections: u32,
    /// How long a connection rests after an answer, on average.
    pub pause_ms: u32,
}

/// What a run of wrk gave.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Answers.
    pub requests: u64,
    /// Answers a second.
    pub per_second: f64,
    /// Median latency.
    pub p50_ms: f64,
    /// The latency that one answer in a hundred exceeds.
    pub p99_ms: f64,
}

#[derive(Deserialize)]
struct Told {
    requests: u32,
    micros: u32,
    p50: u32,
    p99: u32,
    refused: u64,
    broken: u64,
}

impl Load {
    /// Runs for so many seconds. Anything but success in every answer is an error.
    pub fn run(&self, seconds: u64) -> Result<Outcome> {
        let run = next_run();
        let output = Command::new("wrk")
            .args([
                "-t1",
                &format!("-c{}", self.connections),
                &format!("-d{seconds}s"),
            ])
            .args(["--latency", "--timeout", "10s", "-s"])
            .arg(&self.script)
            .args([&self.url, "--", &run, &self.pause_ms.to_string()])
            .output()
            .context("wrk")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let Some(json) = text.lines().find(|line| line.starts_with('{')) else {
            bail!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr));
        };
        let told: Told = serde_json::from_str(json)?;
        let wrong = told.refused + told.broken;
        ensure!(wrong == 0, "{}: {json}", self.script.display());
        ensure!(told.requests > 0, "{}: no answer", self.script.display());
        Ok(Outcome {
            requests: told.requests.into(),
            per_second: f64::from(told.requests) * 1e6 / f64::from(told.micros),
            p50_ms: f64::from(told.p50) / 1e3,
            p99_ms: f64::from(told.p99) / 1e3,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lua_reads_what_was_written() {
        assert_eq!(escaped("a\"b\\c\r\n"), "a\\034b\\092c\\013\\010");
        assert_eq!(escaped("я"), "\\209\\143");
    }
}

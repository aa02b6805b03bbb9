//! The two programs under load, as child processes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// A running program that told its address; it ends with this value.
pub struct Process {
    /// `http://address:port`.
    pub url: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts this very program with other arguments.
    pub fn start(arguments: &[&Path]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("no input")?;
        let output = child.stdout.take().context("no output")?;
        let mut process = Self {
            url: String::new(),
            child,
            input,
            output: BufReader::new(output),
        };
        process.url = process.line()?;
        ensure!(
            process.url.starts_with("http://"),
            "the program under load did not start"
        );
        Ok(process)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// The host's counters.
    pub fn metrics(&mut self) -> Result<Value> {
        writeln!(self.input)?;
        Ok(serde_json::from_str(&self.line()?)?)
    }

    /// One counter.
    pub fn metric(&mut self, name: &str) -> Result<u64> {
        let metrics = self.metrics()?;
        metrics
            .get(name)
            .and_then(Value::as_u64)
            .with_context(|| format!("no counter {name}"))
    }

    /// The most linear memory that one instance of a component has had, bytes.
    pub fn memory_peak(&mut self, component: &str) -> Result<u64> {
        let metrics = self.metrics()?;
        let peak = metrics
            .get("memory_peaks")
            .and_then(|all| all.get(component));
        peak.and_then(Value::as_u64)
            .with_context(|| format!("no component {component}"))
    }

    /// Ends it at once: nothing is flushed, nobody is told.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The process, for [`memory_kib`].
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of /proc/…/status in KiB: `VmRSS` or `VmHWM`.
pub fn memory_kib(id: u32, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let digits = line.and_then(|line| line.split_whitespace().next());
    Ok(digits.with_context(|| format!("no {name}"))?.parse()?)
}

/// The processor time that a process has used so far, in seconds.
pub fn processor_seconds(id: u32) -> Result<f64> {
    /// Ticks of a second, as Linux tells them on every architecture.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // Behind the name, which stands in brackets and may have spaces.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number =
        |n: usize| -> Result<f64> { Ok(fields.get(n).context("no processor time")?.parse()?) };
    Ok((number(11)? + number(12)?) / TICKS)
}

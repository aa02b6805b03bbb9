//! `sklad-edge up`: the flags of `spin up`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sklad_host::{DEFAULT_LISTEN, ReuseLimits, Running, Server};
use tokio::signal::unix::{SignalKind, signal};

/// Said at start where a merchant could have servers inside of the operator's network called.
const PRIVATE_NETWORKS: &str = "Warning: merchants' addresses that resolve to private networks are called; block \
     them in the runtime configuration: [outbound_networking] block_networks = [\"private\"]";

/// Flags of `sklad-edge up`, with Spin's names and defaults.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The manifest, or the folder with spin.toml in it.
    #[arg(
        short = 'f',
        long = "from",
        alias = "file",
        default_value = "spin.toml"
    )]
    from: PathBuf,
    /// A manifest whose cron triggers run beside the application; may be repeated.
    #[arg(long = "cron-manifest", value_name = "FILE")]
    cron_manifests: Vec<PathBuf>,
    /// Address and port to listen on.
    #[arg(long, default_value = DEFAULT_LISTEN, env = "SPIN_HTTP_LISTEN_ADDR")]
    listen: String,
    /// Folder of the application's state [default: .spin beside the manifest].
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// The runtime configuration file.
    #[arg(long, env = "RUNTIME_CONFIG_FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Sets an application variable: name=value, name=@file, or @file.json / @file.toml.
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// Sets a key of the default key-value store at start.
    #[arg(long = "key-value", value_name = "KEY=VALUE")]
    key_values: Vec<String>,
    /// Runs SQL on the default SQLite database at start: statements, or @file.
    #[arg(long = "sqlite", value_name = "SQL")]
    sqlite: Vec<String>,
    /// Requests that one instance serves in its life.
    #[arg(long, default_value_t = ReuseLimits::default().max_reuse)]
    max_instance_reuse_count: usize,
    /// Requests that one instance serves at once.
    #[arg(long, default_value_t = ReuseLimits::default().max_concurrent)]
    max_instance_concurrent_reuse_count: usize,
    /// How long an instance without work is kept.
    #[arg(long, default_value = "1s", value_parser = duration)]
    idle_instance_timeout: Duration,
    /// How long a request may take [default: for ever].
    #[arg(long, value_parser = duration)]
    request_timeout: Option<Duration>,
    /// Limit of one instance's memory, bytes.
    #[arg(long, env = "SPIN_MAX_INSTANCE_MEMORY")]
    max_instance_memory: Option<usize>,
    /// No log line a request, no output of components on the terminal.
    #[arg(short, long)]
    quiet: bool,
    /// Prints what it serves as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Serves until SIGINT or SIGTERM, then finishes what is in flight.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    // Before the start: a signal during it must end the process the same way.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let json = arguments.json;
    let server = builder(arguments)?.start().await?;
    if server.reaches_private_networks() {
        eprintln!("{PRIVATE_NETWORKS}");
    }
    if json {
        print_json(&server)
    } else {
        print_text(&server)
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    server.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

fn builder(arguments: Arguments) -> Result<sklad_host::Builder> {
    let mut builder = Server::builder()
        .manifest(arguments.from)
        .listen(arguments.listen)
        .quiet(arguments.quiet)
        .limits(ReuseLimits {
            max_reuse: arguments.max_instance_reuse_count,
            max_concurrent: arguments.max_instance_concurrent_reuse_count,
            idle_timeout: arguments.idle_instance_timeout,
            request_timeout: arguments.request_timeout,
            max_memory: arguments.max_instance_memory,
        });
    for file in arguments.cron_manifests {
        builder = builder.cron_manifest(file);
    }
    if let Some(dir) = arguments.state_dir {
        builder = builder.state_dir(dir);
    }
    if let Some(file) = arguments.runtime_config_file {
        builder = builder.runtime_config(file);
    }
    for argument in &arguments.variables {
        for (name, value) in
            variables(argument).with_context(|| format!("--variable {argument}"))?
        {
            builder = builder.variable(name, value);
        }
    }
    for argument in &arguments.key_values {
        let (key, value) = argument
            .split_once('=')
            .with_context(|| format!("--key-value {argument}: no ="))?;
        builder = builder.key_value(key, from_file(value)?);
    }
    for argument in &arguments.sqlite {
        builder =
            builder.sqlite(from_file(argument).with_context(|| format!("--sqlite {argument}"))?);
    }
    Ok(builder)
}

/// `name=value`, `name=@file`, or a whole file of them.
fn variables(argument: &str) -> Result<Vec<(String, String)>> {
    if let Some(file) = argument.strip_prefix('@') {
        return variables_file(file);
    }
    let (name, value) = argument.split_once('=').context("no =")?;
    Ok(vec![(name.to_owned(), from_file(value)?)])
}

fn variables_file(file: &str) -> Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(file)?;
    let table: std::collections::BTreeMap<String, String> = if file.ends_with(".json") {
        serde_json::from_str(&text)?
    } else if file.ends_with(".toml") {
        toml::from_str(&text)?
    } else {
        bail!("a file of variables is .json or .toml");
    };
    Ok(table.into_iter().collect())
}

/// The text itself, or the content of `@file`.
fn from_file(text: &str) -> Result<String> {
    match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).with_context(|| file.to_owned()),
        None => Ok(text.to_owned()),
    }
}

/// Parses `500ms`, `30s`, `5m`, `1h`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("{text:?} is no duration like 30s"))?;
    let unit_ms: u64 = match text.strip_prefix(digits) {
        Some("ms") => 1,
        Some("" | "s") => 1000,
        Some("m") => 60_000,
        Some("h") => 3_600_000,
        _ => return Err(format!("{text:?}: the unit is ms, s, m or h")),
    };
    Ok(Duration::from_millis(number.saturating_mul(unit_ms)))
}

fn print_text(server: &Running) {
    for name in server.missing_variables() {
        eprintln!("Warning: the required variable {name} has no value");
    }
    println!("\nServing {}", server.url());
    println!("Available Routes:");
    for route in server.routes() {
        let (prefix, wildcard) = match route.route.strip_suffix("/...") {
            Some(prefix) => (prefix, " (wildcard)"),
            None => (route.route.as_str(), ""),
        };
        println!("  {}: {}{prefix}{wildcard}", route.id, server.url());
        if let Some(description) = route.description {
            println!("    {description}");
        }
    }
}

fn print_json(server: &Running) {
    let lines = serde_json::json!({
        "base_url": server.url(),
        "application": server.application(),
        "missing_variables": server.missing_variables(),
        "routes": server.routes(),
    });
    println!("{lines}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("1d").is_err() && duration("s").is_err());
    }
}

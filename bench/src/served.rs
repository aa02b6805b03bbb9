//! The embedded host under load: a process of its own, so that its memory is its own too.

use std::io::BufRead as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;
use sklad_host::{Running, Server};

/// The token of the operator's API.
pub const OPERATOR_TOKEN: &str = "operator-token-of-the-bench";
/// The bench's own components: name, file, route.
const OWN: [[&str; 3]; 2] = [
    ["bench-empty", "bench_empty.wasm", "/bench/empty"],
    ["bench-parse", "bench_parse.wasm", "/bench/parse"],
];

/// Serves a manifest with more variables (`name=value`) and tells on standard output where. Every line that
/// comes in is answered with the counters; the end of the input ends the server.
pub fn run(manifest: &Path, state: &Path, listen: &str, variables: &[String]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let builder = Server::builder()
            .manifest(manifest)
            .state_dir(state)
            .listen(listen)
            .variable("operator_token", OPERATOR_TOKEN)
            .variable("master_key", "master-key-of-the-bench");
        let pairs = variables.iter().filter_map(|pair| pair.split_once('='));
        let builder = pairs.fold(builder, |b, (name, value)| b.variable(name, value));
        let server = builder.quiet(true).start().await?;
        println!("{}", server.url());
        for line in std::io::stdin().lock().lines() {
            line?;
            println!("{}", told(&server));
        }
        server.shutdown().await;
        Ok(())
    })
}

fn told(server: &Running) -> serde_json::Value {
    let metrics = server.metrics();
    json!({
        "answers": metrics.answers,
        "socket_writes": metrics.socket_writes,
        "late_bodies": metrics.late_bodies,
        "instances_started": metrics.instances_started,
        "instances": metrics.instances,
        "traps": metrics.traps,
        "guest_memory": metrics.guest_memory,
        "instance_memory_peak": metrics.instance_memory_peak,
        "memory_peaks": server.memory_peaks(),
    })
}

/// A copy of the application's manifest with absolute paths and the bench's own components.
pub fn write_manifest(root: &Path, to: &Path) -> Result<()> {
    let mut manifest: toml::Table = std::fs::read_to_string(root.join("spin.toml"))?.parse()?;
    let folder = root.join("target/wasm32-wasip2/wasm");
    let components = manifest
        .get_mut("component")
        .and_then(toml::Value::as_table_mut);
    let components = components.context("spin.toml has no components")?;
    for [name, file, _] in OWN {
        let mut own = toml::Table::new();
        own.insert("source".to_owned(), text(&folder.join(file)));
        components.insert(name.to_owned(), own.into());
    }
    for (_, component) in components.iter_mut() {
        let source = component
            .get("source")
            .and_then(toml::Value::as_str)
            .unwrap_or_default();
        let source = text(&root.join(source));
        let component = component
            .as_table_mut()
            .context("a component is no table")?;
        component.insert("source".to_owned(), source);
    }
    let triggers = manifest.get_mut("trigger").and_then(|t| t.get_mut("http"));
    let triggers = triggers
        .and_then(toml::Value::as_array_mut)
        .context("spin.toml has no triggers")?;
    for [name, _, route] in OWN {
        let mut own = toml::Table::new();
        own.insert("route".to_owned(), route.into());
        own.insert("component".to_owned(), name.into());
        triggers.push(own.into());
    }
    Ok(std::fs::write(to, manifest.to_string())?)
}

fn text(path: &Path) -> toml::Value {
    path.to_string_lossy().into_owned().into()
}

/// The product's components: name and size in bytes.
pub fn sizes(root: &Path) -> Result<Vec<(String, u64)>> {
    let manifest: toml::Table = std::fs::read_to_string(root.join("spin.toml"))?.parse()?;
    let components = manifest.get("component").and_then(toml::Value::as_table);
    let size = |(name, component): (&String, &toml::Value)| {
        let source = component
            .get("source")
            .and_then(toml::Value::as_str)
            .context("no source")?;
        let size = std::fs::metadata(root.join(source))
            .with_context(|| source.to_owned())?
            .len();
        Ok((name.clone(), size))
    };
    components
        .context("spin.toml has no components")?
        .iter()
        .map(size)
        .collect()
}

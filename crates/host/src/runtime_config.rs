//! The runtime configuration file: where state lies and where variables come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::outbound::BlockedNetworks;

/// Name of the SQLite database file that the label `default` means.
const DEFAULT_SQLITE_FILE: &str = "sqlite_db.db";
/// Name of the file with every key-value store that names no other.
const DEFAULT_KEY_VALUE_FILE: &str = "sqlite_key_value.db";
/// The label that exists without being configured.
pub const DEFAULT_LABEL: &str = "default";

/// Everything the runtime configuration and the command line say about state and networks.
#[derive(Debug)]
pub struct RuntimeConfig {
    /// Folder of the databases.
    pub state_dir: PathBuf,
    /// Folder of the components' output.
    pub log_dir: PathBuf,
    /// Limit of one instance's linear memory, bytes.
    pub max_instance_memory: Option<usize>,
    /// Sources of variables, first one wins.
    pub variable_providers: Vec<VariablesProvider>,
    /// Database file of each key-value label.
    pub key_value: BTreeMap<String, PathBuf>,
    /// Database file of each SQLite label.
    pub sqlite: BTreeMap<String, PathBuf>,
    /// Networks that no component may reach.
    pub blocked: BlockedNetworks,
    /// Whether idle outbound connections are kept.
    pub connection_pooling: bool,
}

/// A source of variables.
#[derive(Debug, Clone)]
pub enum VariablesProvider {
    /// Values written in the file.
    Static(BTreeMap<String, String>),
    /// Environment variables with this prefix, then those of a file.
    Environment {
        /// Put before the upper-case name.
        prefix: String,
        /// `NAME=value` lines, read when the variable is not in the environment.
        dotenv: Option<PathBuf>,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    state_dir: Option<PathBuf>,
    log_dir: Option<PathBuf>,
    max_instance_memory: Option<usize>,
    #[serde(default)]
    variables_provider: Vec<toml::Table>,
    #[serde(default)]
    config_provider: Vec<toml::Table>,
    #[serde(default)]
    key_value_store: BTreeMap<String, toml::Table>,
    #[serde(default)]
    sqlite_database: BTreeMap<String, toml::Table>,
    outbound_http: Option<RawOutboundHttp>,
    #[serde(default)]
    outbound_networking: RawOutboundNetworking,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOutboundHttp {
    // Spin reads a table without this key as "no pooling".
    #[serde(default)]
    connection_pooling: bool,
    #[serde(default, rename = "max_concurrent_requests")]
    _max_concurrent_requests: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOutboundNetworking {
    #[serde(default)]
    block_networks: Vec<String>,
}

impl RuntimeConfig {
    /// Reads `file` (when given). `state_dir` is the command line's and wins over the file's;
    /// `base` is the manifest's folder, where `.spin` lies when nobody says otherwise.
    pub fn load(file: Option<&Path>, state_dir: Option<&Path>, base: &Path) -> Result<Self> {
        let (raw, file_base) = match file {
            None => (RawConfig::default(), base.to_owned()),
            Some(file) => {
                let place = || format!("in the runtime configuration {}", file.display());
                let text = std::fs::read_to_string(file).with_context(place)?;
                let raw = toml::from_str(&text).with_context(place)?;
                (raw, file.parent().unwrap_or(Path::new("")).to_owned())
            }
        };
        Self::resolve(raw, state_dir, base, &file_base)
            .with_context(|| format!("in the runtime configuration {}", shown(file)))
    }

    fn resolve(
        raw: RawConfig,
        state_dir: Option<&Path>,
        base: &Path,
        file_base: &Path,
    ) -> Result<Self> {
        let state_dir = match (state_dir, &raw.state_dir) {
            (Some(dir), _) => dir.to_owned(),
            (None, Some(dir)) => file_base.join(dir),
            (None, None) => base.join(".spin"),
        };
        let log_dir = match &raw.log_dir {
            Some(dir) => file_base.join(dir),
            None => state_dir.join("logs"),
        };
        let mut key_value = files(
            "key_value_store",
            &raw.key_value_store,
            &state_dir,
            DEFAULT_KEY_VALUE_FILE,
        )?;
        key_value
            .entry(DEFAULT_LABEL.into())
            .or_insert_with(|| state_dir.join(DEFAULT_KEY_VALUE_FILE));
        let mut sqlite = files(
            "sqlite_database",
            &raw.sqlite_database,
            file_base,
            DEFAULT_SQLITE_FILE,
        )?;
        sqlite
            .entry(DEFAULT_LABEL.into())
            .or_insert_with(|| state_dir.join(DEFAULT_SQLITE_FILE));
        let mut variable_providers = raw
            .variables_provider
            .iter()
            .chain(&raw.config_provider)
            .map(variables_provider)
            .collect::<Result<Vec<_>>>()?;
        variable_providers.push(VariablesProvider::Environment {
            prefix: "SPIN_VARIABLE_".into(),
            dotenv: Some(base.join(".env")),
        });
        Ok(Self {
            state_dir,
            log_dir,
            max_instance_memory: raw.max_instance_memory,
            variable_providers,
            key_value,
            sqlite,
            blocked: BlockedNetworks::parse(&raw.outbound_networking.block_networks)?,
            connection_pooling: raw.outbound_http.is_none_or(|http| http.connection_pooling),
        })
    }
}

fn shown(file: Option<&Path>) -> String {
    file.map_or_else(|| "(defaults)".into(), |file| file.display().to_string())
}

/// The database file of each label of one kind of store.
fn files(
    kind: &str,
    tables: &BTreeMap<String, toml::Table>,
    base: &Path,
    default_file: &str,
) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for (label, table) in tables {
        let place = format!("[{kind}.{label}]");
        let backend = table.get("type").and_then(toml::Value::as_str);
        let backend = backend.with_context(|| format!("{place}: type is missing"))?;
        ensure!(
            backend == "spin",
            "{place}: type {backend:?} is not supported by the embedded host, only \"spin\" is"
        );
        if let Some(key) = table
            .keys()
            .find(|key| !matches!(key.as_str(), "type" | "path"))
        {
            bail!("{place}: unknown key {key:?}");
        }
        let path = match table.get("path") {
            None => default_file,
            Some(path) => path
                .as_str()
                .with_context(|| format!("{place}: path must be text"))?,
        };
        files.insert(label.clone(), base.join(path));
    }
    Ok(files)
}

fn variables_provider(table: &toml::Table) -> Result<VariablesProvider> {
    let place = "[[variables_provider]]";
    let kind = table.get("type").and_then(toml::Value::as_str);
    match kind.with_context(|| format!("{place}: type is missing"))? {
        "static" => {
            let values = table.get("values").and_then(toml::Value::as_table);
            let values = values.with_context(|| format!("{place}: values are missing"))?;
            let mut all = BTreeMap::new();
            for (name, value) in values {
                let text = value
                    .as_str()
                    .with_context(|| format!("{place} {name}: not text"))?;
                all.insert(name.clone(), text.to_owned());
            }
            Ok(VariablesProvider::Static(all))
        }
        "env" => {
            let text = |key: &str| table.get(key).and_then(toml::Value::as_str);
            Ok(VariablesProvider::Environment {
                prefix: format!("{}_", text("prefix").unwrap_or("SPIN_VARIABLE")),
                dotenv: text("dotenv_path").map(PathBuf::from),
            })
        }
        other => bail!(
            "{place}: type {other:?} is not supported by the embedded host, \
             only \"static\" and \"env\" are"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<RuntimeConfig> {
        let raw: RawConfig = toml::from_str(text)?;
        RuntimeConfig::resolve(raw, None, Path::new("/app"), Path::new("/etc/app"))
    }

    #[test]
    fn default_labels_lie_where_spin_puts_them() {
        let config = resolve("").unwrap();
        assert_eq!(
            config.key_value["default"],
            Path::new("/app/.spin/sqlite_key_value.db")
        );
        assert_eq!(
            config.sqlite["default"],
            Path::new("/app/.spin/sqlite_db.db")
        );
        assert_eq!(config.log_dir, Path::new("/app/.spin/logs"));
        assert!(config.connection_pooling);
    }

    #[test]
    fn an_outbound_http_table_without_the_key_turns_pooling_off() {
        assert!(!resolve("[outbound_http]").unwrap().connection_pooling);
    }

    #[test]
    fn a_store_of_another_type_is_named() {
        let error = resolve("[key_value_store.x]\ntype = \"redis\"\nurl = \"redis://h\"");
        let error = format!("{:#}", error.unwrap_err());
        assert!(
            error.contains("[key_value_store.x]") && error.contains("redis"),
            "{error}"
        );
    }

    #[test]
    fn relative_database_paths_start_at_the_file() {
        let config = resolve("[sqlite_database.x]\ntype = \"spin\"\npath = \"x.db\"").unwrap();
        assert_eq!(config.sqlite["x"], Path::new("/etc/app/x.db"));
    }
}

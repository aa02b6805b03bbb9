//! `spin.toml`, manifest version 2: the part of it that this host runs.
//!
//! Unknown keys are errors that name the line. What Spin knows but this host does not run
//! (triggers other than HTTP and cron, remote component sources, mounted files, …) is named as
//! such instead of being ignored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

/// A parsed and validated manifest.
#[derive(Debug)]
pub struct Manifest {
    /// Name, version and description of the application.
    pub application: Application,
    /// Application variables by name.
    pub variables: BTreeMap<String, VariableDeclaration>,
    /// HTTP triggers in the order of the file.
    pub http: Vec<HttpTrigger>,
    /// Cron triggers in the order of the file.
    pub cron: Vec<CronTrigger>,
    /// Components by id.
    pub components: BTreeMap<String, Component>,
    /// The folder of the manifest: relative sources start here.
    pub base: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    spin_manifest_version: u32,
    application: Application,
    #[serde(default)]
    variables: BTreeMap<String, VariableDeclaration>,
    trigger: RawTriggers,
    #[serde(default)]
    component: BTreeMap<String, Component>,
}

/// The `[application]` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// The application's name.
    pub name: String,
    /// Its version, if given.
    pub version: Option<String>,
    /// One line about it.
    pub description: Option<String>,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    #[serde(default, rename = "trigger")]
    _trigger: toml::Table,
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
    #[serde(default, rename = "targets")]
    _targets: Vec<toml::Value>,
}

/// One entry of `[variables]`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableDeclaration {
    /// The value when nothing else gives one.
    pub default: Option<String>,
    /// True when a value must be given from outside.
    #[serde(default)]
    pub required: bool,
    /// True when the value must never be shown.
    #[serde(default)]
    pub secret: bool,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RawTriggers {
    #[serde(default)]
    http: Vec<HttpTrigger>,
    #[serde(default)]
    cron: Vec<CronTrigger>,
    #[serde(flatten)]
    other: BTreeMap<String, toml::Value>,
}

/// One `[[trigger.http]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    /// The trigger's id; the component's id names it otherwise.
    pub id: Option<String>,
    /// Which paths it serves.
    pub route: Route,
    /// The component that answers.
    pub component: Option<String>,
    /// An answer without a component.
    pub static_response: Option<StaticResponse>,
    #[serde(default)]
    executor: Option<Executor>,
}

#[derive(Debug, Deserialize)]
struct Executor {
    #[serde(rename = "type")]
    kind: String,
}

/// The `route` of an HTTP trigger.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "a route must be a string like \"/x/...\" or { private = true }"
)]
pub enum Route {
    /// A path pattern.
    Pattern(String),
    /// No public route.
    Private {
        /// Always true.
        private: bool,
    },
}

/// An answer given by the host itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticResponse {
    /// HTTP status, 200 when absent.
    pub status_code: Option<u16>,
    /// Headers of the answer.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body of the answer.
    pub body: Option<String>,
}

/// One `[[trigger.cron]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CronTrigger {
    /// The trigger's id.
    #[serde(rename = "id")]
    pub _id: Option<String>,
    /// The component that is called.
    pub component: String,
    /// When: six fields, seconds first.
    pub cron_expression: String,
}

/// One `[component.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    source: Source,
    /// One line about it.
    pub description: Option<String>,
    /// Component variables: templates over the application's variables.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment of the guest.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Grants of outbound destinations, templates allowed.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// Labels of granted key-value stores.
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    /// Labels of granted SQLite databases.
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    #[serde(default)]
    files: Vec<toml::Value>,
    #[serde(default)]
    ai_models: Vec<toml::Value>,
    #[serde(default)]
    dependencies: toml::Table,
    #[serde(default, rename = "exclude_files")]
    _exclude_files: Vec<String>,
    #[serde(default, rename = "build")]
    _build: Option<Build>,
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
    #[serde(default, rename = "targets")]
    _targets: Vec<toml::Value>,
    #[serde(default, rename = "dependencies_inherit_configuration")]
    _inherit: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a component's source must be the path of a .wasm file"
)]
enum Source {
    Path(PathBuf),
    // { url, digest } or { registry, package, version }
    Remote {},
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    #[serde(rename = "command")]
    _command: toml::Value,
    #[serde(rename = "workdir")]
    _workdir: Option<PathBuf>,
    #[serde(default, rename = "watch")]
    _watch: Vec<String>,
    #[serde(default, rename = "environment")]
    _environment: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads and checks the manifest at `path`; a folder means the `spin.toml` in it.
    pub fn load(path: &Path) -> Result<Self> {
        let path = if path.is_dir() {
            path.join("spin.toml")
        } else {
            path.to_owned()
        };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let base = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        Self::parse(&text, base).with_context(|| format!("in {}", path.display()))
    }

    /// Parses and checks the text of a manifest that lies in the folder `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self> {
        let raw: RawManifest = toml::from_str(text)?;
        ensure!(
            raw.spin_manifest_version == 2,
            "spin_manifest_version is {}, this host runs version 2",
            raw.spin_manifest_version
        );
        if let Some(kind) = raw.trigger.other.keys().next() {
            bail!("[[trigger.{kind}]]: this host runs the triggers http and cron only");
        }
        let manifest = Self {
            application: raw.application,
            variables: raw.variables,
            http: raw.trigger.http,
            cron: raw.trigger.cron,
            components: raw.component,
            base: base.to_owned(),
        };
        manifest.check_variables()?;
        manifest.check_components()?;
        manifest.check_triggers()?;
        Ok(manifest)
    }

    /// The file that holds the code of component `id`.
    pub fn source(&self, id: &str) -> Result<PathBuf> {
        let component = self
            .components
            .get(id)
            .with_context(|| format!("no [component.{id}]"))?;
        match &component.source {
            Source::Path(path) => Ok(self.base.join(path)),
            Source::Remote {} => bail!("[component.{id}] source: this host runs local files only"),
        }
    }

    fn check_variables(&self) -> Result<()> {
        for (name, declaration) in &self.variables {
            ensure!(
                is_variable_name(name),
                "[variables] {name}: use lower case, digits and _"
            );
            ensure!(
                declaration.required != declaration.default.is_some(),
                "[variables] {name}: give either a default or required = true"
            );
        }
        Ok(())
    }

    fn check_components(&self) -> Result<()> {
        for (id, component) in &self.components {
            let unsupported = [
                ("files", !component.files.is_empty()),
                ("ai_models", !component.ai_models.is_empty()),
                ("dependencies", !component.dependencies.is_empty()),
            ];
            for (key, used) in unsupported {
                ensure!(
                    !used,
                    "[component.{id}] {key}: not supported by the embedded host"
                );
            }
            let source = self.source(id)?;
            ensure!(
                source.is_file(),
                "[component.{id}] source: there is no file {} (has it been built?)",
                source.display()
            );
        }
        Ok(())
    }

    fn check_triggers(&self) -> Result<()> {
        for (index, trigger) in self.http.iter().enumerate() {
            let place = format!("[[trigger.http]] number {}", index + 1);
            ensure!(
                trigger.component.is_some() != trigger.static_response.is_some(),
                "{place}: give either a component or a static_response"
            );
            if let Route::Private { private } = trigger.route {
                ensure!(
                    private,
                    "{place}: a private route is written {{ private = true }}"
                );
            }
            if let Some(executor) = &trigger.executor {
                ensure!(
                    executor.kind == "http",
                    "{place}: executor {} is not run",
                    executor.kind
                );
            }
            if let Some(id) = &trigger.component {
                ensure!(
                    self.components.contains_key(id),
                    "{place}: no [component.{id}]"
                );
            }
        }
        for (index, trigger) in self.cron.iter().enumerate() {
            let id = &trigger.component;
            ensure!(
                self.components.contains_key(id),
                "[[trigger.cron]] number {}: no [component.{id}]",
                index + 1
            );
        }
        Ok(())
    }
}

/// Whether `name` may name a variable: lower-case words of letters and digits, joined by `_`.
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.ends_with('_')
        && !name.contains("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> String {
        match Manifest::parse(text, Path::new("/nowhere")) {
            Ok(_) => String::new(),
            Err(error) => format!("{error:#}"),
        }
    }

    const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"a\"\n";

    #[test]
    fn an_unknown_key_names_its_line() {
        let error = parse(&format!(
            "{HEAD}colour = \"red\"\n[[trigger.http]]\nroute = \"/\"\n"
        ));
        assert!(
            error.contains("line 4") && error.contains("colour"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_wasm_is_named() {
        let error = parse(&format!(
            "{HEAD}[[trigger.http]]\nroute = \"/\"\ncomponent = \"x\"\n[component.x]\nsource = \"x.wasm\"\n"
        ));
        assert!(
            error.contains("[component.x]") && error.contains("/nowhere/x.wasm"),
            "{error}"
        );
    }

    #[test]
    fn a_trigger_this_host_does_not_run_is_named() {
        let error = parse(&format!("{HEAD}[[trigger.redis]]\nchannel = \"x\"\n"));
        assert!(error.contains("trigger.redis"), "{error}");
    }

    #[test]
    fn a_trigger_without_its_component_is_named() {
        let error = parse(&format!(
            "{HEAD}[[trigger.http]]\nroute = \"/\"\ncomponent = \"x\"\n"
        ));
        assert!(error.contains("no [component.x]"), "{error}");
    }

    #[test]
    fn a_variable_needs_a_default_or_must_be_required() {
        let error = parse(&format!(
            "{HEAD}[variables]\nx = {{ secret = true }}\n[trigger]\n"
        ));
        assert!(error.contains("[variables] x"), "{error}");
    }
}

//! An application made ready to run: compiled components with their grants, behind a router.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::sync::watch;
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime_wasi_http::handler::{ProxyHandler, ProxyPre};

use crate::bindings;
use crate::client::Client;
use crate::cron::CronJob;
use crate::instance::{Grants, HttpComponent, InstanceState};
use crate::manifest::{Manifest, Route, StaticResponse};
use crate::metrics::Counters;
use crate::outbound::{AllowedHosts, reach_any_host};
use crate::output::{Echo, Output};
use crate::router::Router;
use crate::runtime_config::RuntimeConfig;
use crate::send::Outbound;
use crate::server::Options;
use crate::variables::Variables;
use crate::{kv, sqlite};

/// What a route leads to.
pub(crate) enum Target {
    Component {
        id: String,
        handler: ProxyHandler<HttpComponent>,
    },
    Static(StaticResponse),
}

/// An application that can be served.
pub(crate) struct App {
    pub manifest: Manifest,
    pub router: Router,
    pub targets: Vec<Target>,
    pub cron: Vec<CronJob>,
    pub counters: Arc<Counters>,
    pub own_address: Arc<OnceLock<SocketAddr>>,
    pub stopping: watch::Sender<bool>,
    /// The client of every outbound request.
    pub client: Arc<Client>,
    /// Required variables without a value: reading one is an error of the guest.
    pub missing_variables: Vec<String>,
    /// Whether a component may call any host, and nothing keeps it from calling one in a private network.
    pub reaches_private: bool,
}

/// Everything that components share while they are being loaded.
struct Loader<'a> {
    engine: &'a Engine,
    linker: Linker<InstanceState>,
    manifest: &'a Manifest,
    config: &'a RuntimeConfig,
    variables: Variables,
    options: &'a Options,
    key_value: HashMap<String, Arc<kv::Database>>,
    sqlite: HashMap<String, Arc<sqlite::Database>>,
    counters: Arc<Counters>,
    own_address: Arc<OnceLock<SocketAddr>>,
    stopping: watch::Receiver<bool>,
    client: Arc<Client>,
}

impl App {
    /// Reads the manifest and the runtime configuration, makes the state folders, compiles the
    /// components (or finds them in the cache) and runs `--key-value` and `--sqlite`.
    pub(crate) async fn load(engine: &Engine, options: &Options) -> Result<Self> {
        let manifest = Manifest::load(&options.manifest)?;
        let config = RuntimeConfig::load(
            options.runtime_config.as_deref(),
            options.state_dir.as_deref(),
            &manifest.base,
        )?;
        make_folders(&config)?;
        let beside = options
            .cron_manifests
            .iter()
            .map(|file| cron_manifest(file));
        let beside = beside.collect::<Result<Vec<_>>>()?;
        let mut own = options.variables.clone();
        // What a manifest beside it declares is no mistake.
        own.retain(|name, _| {
            let elsewhere = beside.iter().any(|m| m.variables.contains_key(name));
            manifest.variables.contains_key(name) || !elsewhere
        });
        let variables = Variables::resolve(&manifest, &own, &config.variable_providers)?;
        let missing_variables = variables.missing().map(ToOwned::to_owned).collect();
        let (stopping, stopping_receiver) = watch::channel(false);
        let loader = Loader {
            engine,
            linker: linker(engine)?,
            manifest: &manifest,
            config: &config,
            variables,
            options,
            key_value: databases(&config.key_value, kv::Database::new),
            sqlite: databases(&config.sqlite, sqlite::Database::new),
            counters: Arc::default(),
            own_address: Arc::default(),
            stopping: stopping_receiver,
            client: Arc::new(Client::new(
                config.blocked.clone(),
                config.connection_pooling,
            )?),
        };
        loader.prepare_state().await?;
        let (router, targets) = loader.http()?;
        let mut cron = loader.cron()?;
        let mut missing_variables: Vec<String> = missing_variables;
        for manifest in &beside {
            let declared = options.variables_of(manifest);
            let variables = Variables::resolve(manifest, &declared, &config.variable_providers)?;
            missing_variables.extend(variables.missing().map(ToOwned::to_owned));
            cron.extend(loader.beside(manifest, variables).cron()?);
        }
        missing_variables.dedup();
        let reaches_private = !config.blocked.has_private() && calls_anybody(&manifest);
        let (counters, own_address) = (loader.counters.clone(), loader.own_address.clone());
        let client = loader.client.clone();
        drop(loader);
        Ok(Self {
            manifest,
            router,
            targets,
            cron,
            counters,
            own_address,
            stopping,
            client,
            missing_variables,
            reaches_private,
        })
    }
}

/// The variable by which a manifest of cron triggers knows the application's address.
const APP_URL: &str = "app_url";
/// The address of this application, as a component may call it.
const ITSELF: &str = "http://self.alt";

/// A manifest with cron triggers alone, whose components call this application where nothing else is said.
fn cron_manifest(file: &Path) -> Result<Manifest> {
    let mut manifest = Manifest::load(file)?;
    let shown = file.display();
    ensure!(
        !manifest.cron.is_empty(),
        "{shown}: it has no [[trigger.cron]]"
    );
    ensure!(
        manifest.http.is_empty(),
        "{shown}: [[trigger.http]] belongs into the application's own manifest"
    );
    if let Some(url) = manifest.variables.get_mut(APP_URL) {
        url.default = Some(ITSELF.to_owned());
    }
    Ok(manifest)
}

fn calls_anybody(manifest: &Manifest) -> bool {
    let mut components = manifest.components.values();
    components.any(|component| reach_any_host(&component.allowed_outbound_hosts))
}

fn make_folders(config: &RuntimeConfig) -> Result<()> {
    let make = |dir: &Path| {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
    };
    make(&config.state_dir)?;
    make(&config.log_dir)?;
    for file in config.key_value.values().chain(config.sqlite.values()) {
        file.parent().map_or(Ok(()), make)?;
    }
    Ok(())
}

/// One database for each label; labels on one file share it.
fn databases<T>(
    files: &BTreeMap<String, std::path::PathBuf>,
    new: fn(&Path) -> T,
) -> HashMap<String, Arc<T>> {
    let mut by_file: HashMap<&Path, Arc<T>> = HashMap::new();
    let mut by_label = HashMap::new();
    for (label, file) in files {
        let database = by_file.entry(file).or_insert_with(|| Arc::new(new(file)));
        by_label.insert(label.clone(), database.clone());
    }
    by_label
}

/// Every interface of this host; what a component may do with it is decided per call.
fn linker(engine: &Engine) -> Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    bindings::Host_::add_to_linker::<_, HasSelf<InstanceState>>(&mut linker, |state| state)?;
    Ok(linker)
}

impl Loader<'_> {
    /// The same for the components of another manifest.
    fn beside<'b>(&'b self, manifest: &'b Manifest, variables: Variables) -> Loader<'b> {
        Loader {
            engine: self.engine,
            linker: self.linker.clone(),
            manifest,
            config: self.config,
            variables,
            options: self.options,
            key_value: self.key_value.clone(),
            sqlite: self.sqlite.clone(),
            counters: self.counters.clone(),
            own_address: self.own_address.clone(),
            stopping: self.stopping.clone(),
            client: self.client.clone(),
        }
    }

    /// Runs `--key-value` and `--sqlite` against the default stores.
    async fn prepare_state(&self) -> Result<()> {
        let label = crate::runtime_config::DEFAULT_LABEL;
        for (key, value) in &self.options.key_values {
            let database = self
                .key_value
                .get(label)
                .context("no default key-value store")?;
            let store = kv::Store::new(label, database.clone());
            store
                .set(key, value.as_bytes())
                .await
                .map_err(|error| anyhow::anyhow!("--key-value {key}: {error:?}"))?;
        }
        for statements in &self.options.sqlite {
            let database = self
                .sqlite
                .get(label)
                .context("no default SQLite database")?;
            database.run_script(statements).context("--sqlite")?;
        }
        Ok(())
    }

    fn http(&self) -> Result<(Router, Vec<Target>)> {
        let mut router = Router::default();
        let mut targets = Vec::new();
        let mut handlers: HashMap<&str, ProxyHandler<HttpComponent>> = HashMap::new();
        for trigger in &self.manifest.http {
            if let Route::Pattern(route) = &trigger.route {
                router.add(route, targets.len())?;
            }
            targets.push(match (&trigger.component, &trigger.static_response) {
                (Some(id), _) => {
                    let handler = match handlers.get(id.as_str()) {
                        Some(handler) => handler.clone(),
                        None => self.http_component(id).with_context(|| in_component(id))?,
                    };
                    handlers.insert(id, handler.clone());
                    Target::Component {
                        id: id.clone(),
                        handler,
                    }
                }
                (None, Some(response)) => Target::Static(response.clone()),
                (None, None) => bail!("a trigger has neither component nor static_response"),
            });
        }
        Ok((router, targets))
    }

    fn http_component(&self, id: &str) -> Result<ProxyHandler<HttpComponent>> {
        let pre = self.compile(id)?;
        let pre = match wasmtime_wasi_http::p3::bindings::ServicePre::new(pre.clone()) {
            Ok(pre) => ProxyPre::P3(pre),
            Err(_) => match wasmtime_wasi_http::p2::bindings::ProxyPre::new(pre) {
                Ok(pre) => ProxyPre::P2(pre),
                Err(_) => bail!(
                    "it exports neither wasi:http/handler@0.3 nor wasi:http/incoming-handler@0.2"
                ),
            },
        };
        let grants = Arc::new(self.grants(id)?);
        Ok(ProxyHandler::new(HttpComponent {
            engine: self.engine.clone(),
            grants,
            pre,
        }))
    }

    fn cron(&self) -> Result<Vec<CronJob>> {
        let job = |trigger: &crate::manifest::CronTrigger| {
            let id = &trigger.component;
            let pre = self.compile(id)?;
            CronJob::new(
                self.engine,
                pre,
                Arc::new(self.grants(id)?),
                &trigger.cron_expression,
            )
        };
        let named = |trigger: &crate::manifest::CronTrigger| {
            job(trigger).with_context(|| in_component(&trigger.component))
        };
        self.manifest.cron.iter().map(named).collect()
    }

    /// Compiles a component, or reads its code from the cache, and links it.
    fn compile(&self, id: &str) -> Result<InstancePre<InstanceState>> {
        let source = self.manifest.source(id)?;
        let component = Component::from_file(self.engine, &source)
            .map_err(anyhow::Error::from)
            .with_context(|| source.display().to_string())?;
        Ok(self.linker.instantiate_pre(&component)?)
    }

    /// Turns the manifest's entry of a component into what its instances may do.
    fn grants(&self, id: &str) -> Result<Grants> {
        let component = self
            .manifest
            .components
            .get(id)
            .context("not in the manifest")?;
        let hosts = component
            .allowed_outbound_hosts
            .iter()
            .map(|grant| self.variables.fill(grant).context("allowed_outbound_hosts"))
            .collect::<Result<Vec<_>>>()?;
        let outbound = Outbound {
            allowed: AllowedHosts::parse(hosts.iter().map(String::as_str))?,
            client: self.client.clone(),
            own_address: self.own_address.clone(),
        };
        let mut limits = self.options.limits;
        limits.max_memory = limits.max_memory.or(self.config.max_instance_memory);
        let open = |name, echo| {
            let echo = (!self.options.quiet).then_some(echo);
            Output::open(&self.config.log_dir, id, name, echo)
        };
        Ok(Grants {
            id: id.to_owned(),
            environment: component.environment.clone().into_iter().collect(),
            variables: self.variables.of_component(&component.variables),
            key_value: granted(
                "key_value_stores",
                &component.key_value_stores,
                &self.key_value,
            )?,
            sqlite: granted(
                "sqlite_databases",
                &component.sqlite_databases,
                &self.sqlite,
            )?,
            outbound: Arc::new(outbound),
            stdout: open("stdout", Echo::Stdout)?,
            stderr: open("stderr", Echo::Stderr)?,
            limits,
            counters: self.counters.clone(),
            memory_peak: self.counters.of_component(id),
            stopping: self.stopping.clone(),
        })
    }
}

fn in_component(id: &str) -> String {
    format!("[component.{id}]")
}

/// The stores that a component was granted. A label that nothing defines is an error at start,
/// as in Spin.
fn granted<T>(
    key: &str,
    labels: &[String],
    defined: &HashMap<String, Arc<T>>,
) -> Result<HashMap<String, Option<Arc<T>>>> {
    let mut granted = HashMap::new();
    for label in labels {
        let store = defined.get(label).with_context(|| {
            format!("{key} {label:?}: neither the default nor in the runtime configuration")
        })?;
        granted.insert(label.clone(), Some(store.clone()));
    }
    Ok(granted)
}

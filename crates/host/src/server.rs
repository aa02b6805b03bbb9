//! Starting a server, and the handle on one that runs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use wasmtime_wasi_http::io::TokioIo;

use crate::app::App;
use crate::engine::engine;
use crate::instance::ReuseLimits;
use crate::log::Log;
use crate::manifest::Manifest;
use crate::metrics::Metrics;
use crate::request::Service;
use crate::stream::CountedStream;
use crate::trace::Tracer;

/// Where Spin listens by default.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:3000";
/// How long a stopping server waits for requests in flight.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a stopping server looks whether background work of its guests has ended.
const DRAIN_POLL: Duration = Duration::from_millis(5);

/// Everything that can be said about a server before it starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// The manifest, or the folder with `spin.toml`.
    pub manifest: PathBuf,
    /// Manifests whose cron triggers run beside it.
    pub cron_manifests: Vec<PathBuf>,
    /// Address and port; port 0 is any free one.
    pub listen: String,
    /// Folder of the databases; `.spin` beside the manifest when `None`.
    pub state_dir: Option<PathBuf>,
    /// The runtime configuration file.
    pub runtime_config: Option<PathBuf>,
    /// Application variables, before every other source.
    pub variables: BTreeMap<String, String>,
    /// Keys set in the default key-value store at start.
    pub key_values: Vec<(String, String)>,
    /// SQL run on the default database at start.
    pub sqlite: Vec<String>,
    /// Reuse, timeouts and memory of instances.
    pub limits: ReuseLimits,
    /// Folder of compiled code; the user's cache folder when `None`.
    pub cache_dir: Option<PathBuf>,
    /// No log line a request and no output of components on the terminal.
    pub quiet: bool,
}

impl Options {
    /// The application variables that a manifest declares.
    pub(crate) fn variables_of(&self, manifest: &Manifest) -> BTreeMap<String, String> {
        let mut variables = self.variables.clone();
        variables.retain(|name, _| manifest.variables.contains_key(name));
        variables
    }
}

/// Sets up a server: see the [crate documentation](crate) for an example.
#[derive(Debug, Clone)]
pub struct Builder {
    options: Options,
}

/// The way to a running server.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// A server of `spin.toml` in the current folder with Spin's defaults.
    pub fn builder() -> Builder {
        Builder {
            options: Options {
                manifest: "spin.toml".into(),
                cron_manifests: Vec::new(),
                listen: DEFAULT_LISTEN.into(),
                state_dir: None,
                runtime_config: None,
                variables: BTreeMap::new(),
                key_values: Vec::new(),
                sqlite: Vec::new(),
                limits: ReuseLimits::default(),
                cache_dir: None,
                quiet: false,
            },
        }
    }
}

impl Builder {
    /// The manifest, or the folder that holds `spin.toml`.
    pub fn manifest(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.manifest = path.into();
        self
    }

    /// Adds a manifest whose cron triggers run beside the application. Its variable `app_url`, where it has
    /// one, is by default the address of this server.
    pub fn cron_manifest(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.cron_manifests.push(path.into());
        self
    }

    /// Address and port to listen on; port 0 is any free one.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.options.listen = address.into();
        self
    }

    /// Folder of the databases and logs, `.spin` beside the manifest otherwise.
    pub fn state_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.options.state_dir = Some(dir.into());
        self
    }

    /// The runtime configuration file.
    pub fn runtime_config(mut self, file: impl Into<PathBuf>) -> Self {
        self.options.runtime_config = Some(file.into());
        self
    }

    /// Sets an application variable; it wins over every other source.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.variables.insert(name.into(), value.into());
        self
    }

    /// Sets a key of the default key-value store at start.
    pub fn key_value(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.key_values.push((key.into(), value.into()));
        self
    }

    /// Runs SQL on the default database at start.
    pub fn sqlite(mut self, statements: impl Into<String>) -> Self {
        self.options.sqlite.push(statements.into());
        self
    }

    /// Reuse, timeouts and memory of instances.
    pub fn limits(mut self, limits: ReuseLimits) -> Self {
        self.options.limits = limits;
        self
    }

    /// How long a request may take; none is for ever.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.options.limits.request_timeout = Some(timeout);
        self
    }

    /// Limit of one instance's linear memory, bytes.
    pub fn max_instance_memory(mut self, bytes: usize) -> Self {
        self.options.limits.max_memory = Some(bytes);
        self
    }

    /// Folder of compiled code, the user's cache folder otherwise.
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.options.cache_dir = Some(dir.into());
        self
    }

    /// Silences the log line a request and the output of components on the terminal.
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.options.quiet = quiet;
        self
    }

    /// Loads the application and listens. The server runs on the calling tokio runtime, which
    /// should have several threads: SQLite's writes block the thread they run on.
    pub async fn start(self) -> Result<Running> {
        let options = self.options;
        let engine = engine(options.cache_dir.clone())?;
        let app = App::load(&engine, &options).await?;
        let listener = TcpListener::bind(&options.listen)
            .await
            .with_context(|| format!("cannot listen on {}", options.listen))?;
        let address = listener.local_addr()?;
        let _ = app.own_address.set(address);
        let stopping = app.stopping.subscribe();
        let tracer = Tracer::from_environment(&app.manifest.application.name, app.client.clone())?;
        let log = Log::start(options.quiet);
        let service = Arc::new(Service { app, log, tracer });
        let mut tasks = JoinSet::new();
        for job in service.app.cron.iter().cloned() {
            tasks.spawn(job.run(stopping.clone()));
        }
        let accepting = tokio::spawn(accept(listener, service.clone(), stopping, tasks));
        Ok(Running {
            address,
            service,
            accepting: Some(accepting),
        })
    }
}

/// A server that runs. Dropping it stops it at once; [`Running::shutdown`] lets it finish.
pub struct Running {
    address: SocketAddr,
    service: Arc<Service>,
    accepting: Option<JoinHandle<()>>,
}

impl Running {
    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// `http://address:port`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The counters at this moment.
    pub fn metrics(&self) -> Metrics {
        self.service.app.counters.snapshot()
    }

    /// The most linear memory that one instance of each component has had, bytes.
    pub fn memory_peaks(&self) -> BTreeMap<String, u64> {
        self.service.app.counters.memory_peaks()
    }

    /// Name of the application.
    pub fn application(&self) -> &str {
        &self.service.app.manifest.application.name
    }

    /// Public routes in the order of the manifest: trigger or component, route, description.
    pub fn routes(&self) -> Vec<RouteInfo> {
        routes(&self.service.app)
    }

    /// Required variables that nothing gave a value: reading one fails in the guest.
    pub fn missing_variables(&self) -> &[String] {
        &self.service.app.missing_variables
    }

    /// Whether a component may call any host and the runtime configuration does not block private networks: then
    /// a name that resolves to an address there is called.
    pub fn reaches_private_networks(&self) -> bool {
        self.service.app.reaches_private
    }

    /// Stops accepting, finishes what is in flight (30 seconds at most) and ends.
    pub async fn shutdown(mut self) {
        let _ = self.service.app.stopping.send(true);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.service.app.stopping.send(true);
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

/// A public route of a running application.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RouteInfo {
    /// The component, or the id of a trigger without one.
    pub id: String,
    /// The route as the manifest has it.
    pub route: String,
    /// The component's description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

fn routes(app: &App) -> Vec<RouteInfo> {
    let mut routes = Vec::new();
    for trigger in &app.manifest.http {
        if let crate::manifest::Route::Pattern(route) = &trigger.route {
            let component = trigger
                .component
                .as_ref()
                .and_then(|id| app.manifest.components.get(id));
            let id = trigger.component.clone().or_else(|| trigger.id.clone());
            routes.push(RouteInfo {
                id: id.unwrap_or_else(|| "static".into()),
                route: route.clone(),
                description: component.and_then(|component| component.description.clone()),
            });
        }
    }
    routes
}

/// Accepts connections until the server stops, then waits for what is in flight.
async fn accept(
    listener: TcpListener,
    service: Arc<Service>,
    stopping: watch::Receiver<bool>,
    mut tasks: JoinSet<()>,
) {
    let mut stop = stopping.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    tasks.spawn(connection(stream, client, service.clone(), stopping.clone()));
                }
                // No file descriptor is left, or the client has gone: the next may do better.
                Err(_) => tokio::time::sleep(DRAIN_POLL).await,
            },
            () = stopped(&mut stop) => break,
            // Tasks that have ended are collected.
            Some(_) = tasks.join_next() => {}
        }
    }
    drop(listener);
    let drain = async {
        while tasks.join_next().await.is_some() {}
        // A guest may work on after its answer has gone.
        while service.app.counters.snapshot().instances > 0 {
            tokio::time::sleep(DRAIN_POLL).await;
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain).await;
    service.tracer.flush().await;
}

/// Waits until the server stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server is gone altogether.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Serves one connection; when the server stops, the request in flight is the last one.
async fn connection(
    stream: TcpStream,
    client: SocketAddr,
    service: Arc<Service>,
    mut stopping: watch::Receiver<bool>,
) {
    let io = TokioIo::new(CountedStream::new(stream, service.app.counters.clone()));
    let answer = service_fn(|request| service.clone().call(client, request));
    let mut connection = std::pin::pin!(http1::Builder::new().serve_connection(io, answer));
    // An error here is the client's: it left, or it did not speak HTTP.
    tokio::select! {
        _ = &mut connection => return,
        () = stopped(&mut stopping) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

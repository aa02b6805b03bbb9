//! One component instance: its state, what it was granted, and how long it lives.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::Sleep;
use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::limits::MemoryLimit;
use crate::metrics::Counters;
use crate::output::Output;
use crate::send::{Hooks, Outbound};
use crate::server::stopped;
use crate::trace::TraceContext;
use crate::{kv, sqlite};

/// How instances are reused; the defaults are Spin's.
#[derive(Debug, Clone, Copy)]
pub struct ReuseLimits {
    /// Requests that one instance serves in its life.
    pub max_reuse: usize,
    /// Requests that one instance serves at once.
    pub max_concurrent: usize,
    /// How long an instance without work is kept.
    pub idle_timeout: Duration,
    /// How long a request may take; `None` is for ever.
    pub request_timeout: Option<Duration>,
    /// Limit of one instance's linear memory, bytes.
    pub max_memory: Option<usize>,
}

impl Default for ReuseLimits {
    fn default() -> Self {
        Self {
            max_reuse: 128,
            max_concurrent: 16,
            idle_timeout: Duration::from_secs(1),
            request_timeout: None,
            max_memory: None,
        }
    }
}

/// What the manifest says about a component, ready for its instances. `None` behind a label is
/// a store that was granted but that nothing defines.
pub(crate) struct Grants {
    pub id: String,
    pub environment: Vec<(String, String)>,
    pub variables: HashMap<String, Result<String, String>>,
    pub key_value: HashMap<String, Option<Arc<kv::Database>>>,
    pub sqlite: HashMap<String, Option<Arc<sqlite::Database>>>,
    pub outbound: Arc<Outbound>,
    pub stdout: Output,
    pub stderr: Output,
    pub limits: ReuseLimits,
    pub counters: Arc<Counters>,
    /// The most memory that one instance of this component has had, bytes.
    pub memory_peak: Arc<AtomicU64>,
    /// Turns true when the server stops.
    pub stopping: watch::Receiver<bool>,
}

/// The data of an instance's store.
pub(crate) struct InstanceState {
    pub component: Arc<Grants>,
    pub table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    memory: MemoryLimit,
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

/// A store for one new instance of the component.
pub(crate) fn new_store(engine: &Engine, grants: &Arc<Grants>) -> Store<InstanceState> {
    let mut wasi = WasiCtx::builder();
    wasi.stdout(grants.stdout.clone())
        .stderr(grants.stderr.clone());
    for (name, value) in &grants.environment {
        wasi.env(name, value);
    }
    let state = InstanceState {
        component: grants.clone(),
        table: ResourceTable::new(),
        wasi: wasi.build(),
        http: WasiHttpCtx::new(),
        hooks: Hooks::new(grants.outbound.clone()),
        memory: MemoryLimit::new(
            grants.limits.max_memory,
            grants.counters.clone(),
            grants.memory_peak.clone(),
        ),
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    // A guest that computes for long gives way to others at each tick of the epoch.
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    store
}

/// Makes the instances that answer one component's HTTP requests.
pub(crate) struct HttpComponent {
    pub engine: Engine,
    pub grants: Arc<Grants>,
    pub pre: ProxyPre<InstanceState>,
}

impl HandlerState for HttpComponent {
    type StoreData = InstanceState;
    type WorkerExpiration = Lifetime;
    type WorkerState = Reuse;

    async fn instantiate(&self) -> wasmtime::Result<Instance<InstanceState, Lifetime, Reuse>> {
        let mut store = new_store(&self.engine, &self.grants);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy,
            view: InstanceState::http,
            expiration: Lifetime::new(&self.grants),
            state: Reuse {
                grants: self.grants.clone(),
                // As in Spin, an instance of a WASI 0.2 component serves one request.
                max_reuse: match self.pre {
                    ProxyPre::P2(_) => 1,
                    ProxyPre::P3(_) => self.grants.limits.max_reuse,
                },
                concurrent: AtomicUsize::new(0),
            },
        })
    }
}

/// Ends instances that idle, that answer too slowly, or whose server stops.
pub(crate) struct Lifetime {
    idle_timeout: Duration,
    request_timeout: Option<Duration>,
    sleep: Pin<Box<Sleep>>,
    stopping: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

impl Lifetime {
    fn new(grants: &Grants) -> Self {
        let mut stopping = grants.stopping.clone();
        Self {
            idle_timeout: grants.limits.idle_timeout,
            request_timeout: grants.limits.request_timeout,
            sleep: Box::pin(tokio::time::sleep(Duration::MAX)),
            stopping: Box::pin(async move { stopped(&mut stopping).await }),
        }
    }
}

impl WorkerExpiration for Lifetime {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        since: Instant,
    ) -> Poll<()> {
        let timeout = match status {
            WorkerStatus::Idle => {
                if self.stopping.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                Some(self.idle_timeout)
            }
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.request_timeout,
        };
        let Some(deadline) = timeout.and_then(|timeout| since.checked_add(timeout)) else {
            return Poll::Pending;
        };
        if self.sleep.deadline() != deadline.into() {
            self.sleep.as_mut().reset(deadline.into());
        }
        self.sleep.as_mut().poll(cx)
    }
}

/// Says how many requests an instance takes.
pub(crate) struct Reuse {
    grants: Arc<Grants>,
    max_reuse: usize,
    concurrent: AtomicUsize,
}

impl WorkerState for Reuse {
    type StoreData = InstanceState;
    type RequestData = Option<TraceContext>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        self.concurrent.store(concurrent, Relaxed);
        if total >= self.max_reuse {
            ShouldAccept::Never
        } else if concurrent >= self.grants.limits.max_concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, InstanceState>,
        trace: Option<TraceContext>,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        // Which request an outbound call belongs to is only known while there is one request.
        let alone = self.concurrent.load(Relaxed) == 0;
        store.data_mut().hooks.trace = trace.filter(|_| alone);
        match self.grants.limits.request_timeout {
            Some(timeout) => Box::pin(tokio::time::sleep(timeout)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn drop(&self, store: Store<InstanceState>, result: wasmtime::Result<()>) {
        // The account of memory and instances ends with the store.
        drop(store);
        if let Err(error) = result {
            self.grants.counters.traps.fetch_add(1, Relaxed);
            let text = format!("{}: an instance ended: {error:?}\n", self.grants.id);
            self.grants.stderr.put(text.as_bytes());
        }
    }
}
